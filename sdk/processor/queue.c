/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/processor/queue.h"

#include <string.h>

#include "sdk/base/mem.h"

enum otel_err otl_queue_init(struct otl_queue *queue, size_t max)
{
    uint64_t size = 1;

    while (size < max)
        size *= 2;
    queue->cells = otl_mem_alloc(size * sizeof(queue->cells[0]));
    if (queue->cells == NULL)
        return OTEL_ERR_MEMORY;
    queue->mask = size - 1;
    queue->max = max;
    otl_queue_forked(queue);
    return OTEL_OK;
}

void otl_queue_fini(struct otl_queue *queue)
{
    otl_mem_free(queue->cells);
    queue->cells = NULL;
}

void otl_queue_forked(struct otl_queue *queue)
{
    memset(queue->cells, 0, (queue->mask + 1) * sizeof(queue->cells[0]));
    queue->head = 0;
    queue->tail = 0;
}

void otl_queue_close(struct otl_queue *queue)
{
    __atomic_fetch_or(&queue->tail, OTL_QUEUE_CLOSED, __ATOMIC_SEQ_CST);
}

size_t otl_queue_take(struct otl_queue *queue, void **items, size_t max)
{
    uint64_t head = otl_queue_head(queue);
    uint64_t left = otl_queue_tail(queue) - head;
    size_t count = 0;

    if (left < max)
        max = (size_t)left;
    while (count < max) {
        void **cell = &queue->cells[(head + count) & queue->mask];
        void *item = __atomic_load_n(cell, __ATOMIC_ACQUIRE);
        if (item == NULL)
            break;
        __atomic_store_n(cell, NULL, __ATOMIC_RELAXED);
        items[count++] = item;
    }
    __atomic_store_n(&queue->head, head + count, __ATOMIC_SEQ_CST);
    return count;
}

bool otl_queue_is_filled(const struct otl_queue *queue, size_t count)
{
    uint64_t head = otl_queue_head(queue);

    while (count-- > 0) /* the last one first: it is the one that may be missing */
        if (__atomic_load_n(&queue->cells[(head + count) & queue->mask], __ATOMIC_ACQUIRE) == NULL)
            return false;
    return true;
}
