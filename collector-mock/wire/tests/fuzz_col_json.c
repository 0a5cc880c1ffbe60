/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "ci/witness/otlp_pb.h"
#include "collector-mock/wire/json.h"

/* Any bytes: nothing is read outside them; what is taken as OTLP/JSON comes out as protobuf that
 * protobuf-c can read, and is no longer than a bound. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Otlp__ExportTraceServiceRequest *witness;
    struct otl_buf out;

    otl_buf_init(&out, 1 << 20);
    if (col_json_decode(COL_TRACES, otl_view((const char *)data, size), &out, NULL) == OTEL_OK) {
        witness = otlp__export_trace_service_request__unpack(NULL, out.len,
                                                             (const uint8_t *)out.data);
        if (witness == NULL) {
            fprintf(stderr, "protobuf-c cannot read it\n");
            abort();
        }
        otlp__export_trace_service_request__free_unpacked(witness, NULL);
    }
    otl_buf_fini(&out);
    return 0;
}
