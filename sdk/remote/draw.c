/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/remote/draw.h"

#include <otel/span_context.h>

#include "sdk/base/clock.h"

#define LEAST_A_SECOND 1e-9 /* one in thirty years; less is none */

bool otl_budget_take(struct otl_budget *budget, uint64_t now)
{
    uint64_t step, burst, full = __atomic_load_n(&budget->full_at, __ATOMIC_RELAXED), next;

    if (!(budget->rate > LEAST_A_SECOND))
        return false;
    step = (uint64_t)((double)OTL_NS_PER_S / budget->rate);
    burst = budget->rate > 1 ? OTL_NS_PER_S : step;
    do {
        next = (full > now ? full : now) + step;
        if (next > now + burst)
            return false;
    } while (!__atomic_compare_exchange_n(&budget->full_at, &full, next, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

uint64_t otl_share_bound(double share)
{
    return (uint64_t)(share * 0x1p63);
}

bool otl_share_has(uint64_t bound, const uint8_t *trace_id)
{
    uint64_t low = 0;

    for (int i = 8; i < OTEL_TRACE_ID_SIZE; i++)
        low = low << 8 | trace_id[i];
    return low >> 1 < bound;
}
