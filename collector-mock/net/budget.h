/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_NET_BUDGET_H
#define COL_NET_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The bytes that requests may hold while they are received: one for the process, whatever servers
 * it has.
 *
 * Threads   one owner: the event loop.
 */

#define COL_BUDGET_BYTES ((size_t)512 << 20) /* what the collector starts with */

struct col_budget {
    size_t max;
    size_t used;
};

/* False: not enough is left, nothing was taken. */
static inline bool col_budget_take(struct col_budget *budget, size_t bytes)
{
    if (bytes > budget->max || budget->used > budget->max - bytes)
        return false;
    budget->used += bytes;
    return true;
}

static inline void col_budget_give(struct col_budget *budget, size_t bytes)
{
    budget->used -= bytes;
}

#endif
