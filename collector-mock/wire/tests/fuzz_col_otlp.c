/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "collector-mock/wire/tests/compare.h"

/* Any bytes: the reader must not read outside them, and where protobuf-c also takes them, both
 * must see the same spans. (protobuf-c knows no groups, the reader merges no messages: what only
 * one of them takes is not compared.) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_view request = otl_view((const char *)data, size);
    Otlp__ExportTraceServiceRequest *witness;
    const char *difference;
    uint64_t spans;

    if (col_traces_check(request, &spans, NULL) != OTEL_OK)
        return 0;
    witness = otlp__export_trace_service_request__unpack(NULL, size, data);
    if (witness == NULL)
        return 0;
    difference = compare_request(request, witness);
    otlp__export_trace_service_request__free_unpacked(witness, NULL);
    if (difference != NULL) {
        fprintf(stderr, "reader and witness differ: %s\n", difference);
        abort();
    }
    return 0;
}
