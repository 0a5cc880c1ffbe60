/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "collector-mock/wire/deal.h"
#include "collector-mock/wire/tests/compare.h"

/* Any bytes: the reader must not read outside them, and where protobuf-c also takes them, both
 * must see the same spans. (protobuf-c knows no groups, the reader merges no messages: what only
 * one of them takes is not compared.) */

/* Dealt out, no span is lost or with another owner's. */
static void check_deal(struct otl_view request, uint64_t spans)
{
    struct col_deal deal;
    uint64_t sum = 0;
    unsigned only;

    col_deal_init(&deal, 3, SIZE_MAX / 2);
    if (col_deal(&deal, request, &only) != OTEL_OK || (spans > 0 && only > 3))
        abort();
    for (unsigned i = 0; i < 3 && only == 3; i++) {
        const struct col_deal_part *part = &deal.parts[i];
        uint64_t count = 0;
        if (col_traces_check(otl_view(part->out.data, part->out.len), &count, NULL) != OTEL_OK ||
            count != part->count)
            abort();
        sum += count;
    }
    if (only == 3 && sum != spans)
        abort();
    col_deal_fini(&deal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_view request = otl_view((const char *)data, size);
    Otlp__ExportTraceServiceRequest *witness;
    const char *difference;
    uint64_t spans;

    if (col_traces_check(request, &spans, NULL) != OTEL_OK)
        return 0;
    check_deal(request, spans);
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
