/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "sdk/remote/strategy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the answer is, what was understood decides. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t trace_id[OTEL_TRACE_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct otel_sdk_sampling_input input = {.trace_id = trace_id, .name = {"GET /", 5}};
    struct otl_strategy *strategy = NULL;

    if (otl_strategy_read(otl_view((const char *)data, size), &strategy) == OTEL_OK)
        for (uint64_t now = 1; now < 1000; now *= 2)
            (void)otl_strategy_keeps(strategy, &input, now * 1000000000);
    else if (strategy != NULL)
        abort();
    otl_strategy_free(strategy);
    return 0;
}
