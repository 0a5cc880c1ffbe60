/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "sdk/remote/strategy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the answer is, what was understood decides, and alike when it is read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t trace_id[OTEL_TRACE_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct otel_sdk_sampling_input input = {.trace_id = trace_id, .name = {"GET /", 5}};
    struct otl_view body = otl_view((const char *)data, size);
    struct otl_strategy *strategy = NULL, *again = NULL;

    if (otl_strategy_read_message(body, &strategy) == OTEL_OK) {
        if (otl_strategy_read_message(body, &again) != OTEL_OK)
            abort();
        for (uint64_t now = 1; now < 1000; now *= 2)
            if (otl_strategy_keeps(strategy, &input, now * 1000000000) !=
                otl_strategy_keeps(again, &input, now * 1000000000))
                abort();
    } else if (strategy != NULL) {
        abort();
    }
    otl_strategy_free(strategy);
    otl_strategy_free(again);
    return 0;
}
