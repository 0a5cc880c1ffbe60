/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/load/gen_internal.h"
#include "sdk/base/mem.h"

enum { FIRST_CAPACITY = 256 };

static bool grow(struct hx_queue *queue)
{
    size_t cap = queue->cap == 0 ? FIRST_CAPACITY : queue->cap * 2;
    struct hx_waiting *items;

    if (cap > queue->max)
        cap = queue->max;
    if (cap <= queue->cap)
        return false;
    items = otl_mem_alloc(cap * sizeof(*items));
    if (items == NULL)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->head + i) % queue->cap];
    otl_mem_free(queue->items);
    queue->items = items;
    queue->cap = cap;
    queue->head = 0;
    return true;
}

bool hx_queue_push(struct hx_queue *queue, const struct hx_waiting *waiting)
{
    if (queue->count == queue->cap && !grow(queue))
        return false;
    queue->items[(queue->head + queue->count) % queue->cap] = *waiting;
    queue->count++;
    return true;
}

struct hx_waiting *hx_queue_front(struct hx_queue *queue)
{
    return queue->count == 0 ? NULL : &queue->items[queue->head];
}

void hx_queue_pop(struct hx_queue *queue)
{
    queue->head = (queue->head + 1) % queue->cap;
    queue->count--;
}

void hx_queue_fini(struct hx_queue *queue)
{
    otl_mem_free(queue->items);
    memset(queue, 0, sizeof(*queue));
}
