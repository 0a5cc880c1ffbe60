/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_NET_BUDGET_H
#define COL_NET_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The bytes that requests may hold while they are received: one for the process, whatever servers
 * it has.
 *
 * Threads   any.
 */

#define COL_BUDGET_BYTES ((size_t)512 << 20) /* what the collector starts with */

struct col_budget {
    size_t max;
    atomic_size_t used;
};

static inline size_t col_budget_used(struct col_budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}

static inline void col_budget_give(struct col_budget *budget, size_t bytes)
{
    atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
}

/* False: not enough is left, nothing was taken. */
static inline bool col_budget_take(struct col_budget *budget, size_t bytes)
{
    size_t used;

    if (bytes > budget->max)
        return false;
    used = atomic_fetch_add_explicit(&budget->used, bytes, memory_order_relaxed);
    if (used <= budget->max - bytes)
        return true;
    col_budget_give(budget, bytes);
    return false;
}

#endif
