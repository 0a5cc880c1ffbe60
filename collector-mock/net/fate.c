/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/net/fate.h"

#include <unistd.h>

#include "sdk/base/mem.h"

void col_stalled_add(struct col_stalled *stalled, int fd, uint64_t number)
{
    if (stalled->count == stalled->cap) {
        size_t cap = stalled->cap > 0 ? 2 * stalled->cap : 16;
        struct col_stalled_one *more =
            otl_mem_realloc(stalled->items, cap * sizeof(*stalled->items));
        if (more == NULL) {
            close(fd);
            return;
        }
        stalled->items = more;
        stalled->cap = cap;
    }
    stalled->items[stalled->count++] = (struct col_stalled_one){fd, number};
}

bool col_stalled_take(struct col_stalled *stalled, struct col_stalled_one *ret)
{
    if (stalled->count == 0)
        return false;
    *ret = stalled->items[--stalled->count];
    return true;
}

void col_stalled_fini(struct col_stalled *stalled)
{
    while (stalled->count > 0)
        close(stalled->items[--stalled->count].fd);
    otl_mem_free(stalled->items);
    stalled->items = NULL;
    stalled->cap = 0;
}

bool col_admit(const struct col_admission *admission, int fd, uint64_t *ret_number,
               struct col_fate *ret)
{
    *ret = (struct col_fate){.stall = false};
    if (admission->draining) {
        close(fd);
        return false;
    }
    if (admission->open + admission->stalled->count >= admission->max) {
        ++*admission->refused;
        close(fd);
        return false;
    }
    *ret_number = ++*admission->connections;
    if (admission->on_connection != NULL)
        admission->on_connection(admission->context, *ret_number, false, ret);
    if (ret->stall)
        col_stalled_add(admission->stalled, fd, *ret_number);
    return !ret->stall;
}
