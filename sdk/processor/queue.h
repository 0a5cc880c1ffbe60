/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_QUEUE_H
#define OTL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * Bounded queue of pointers: many producers, one consumer at a time. Producers never wait.
 *
 * Life      init -> push/take... -> close -> take the rest -> fini.
 * Threads   push from any thread; take, and head, only by the consumer (who may change, under a
 *           lock of the user's).
 * Memory    one ring, allocated and touched in init.
 * Limits    at most max items; a push beyond that is refused. max <= 1 << 24.
 *
 * Positions count items since init and never repeat: item n is the n-th that was accepted.
 */

struct otl_queue {
    void **cells;
    uint64_t mask;
    uint64_t max;
    char pad_before_tail[64]; /* producers write here ... */
    uint64_t tail;            /* atomic; the top bit says closed */
    char pad_before_head[64]; /* ... and the consumer here */
    uint64_t head;            /* atomic */
    char pad_after_head[64];
};

#define OTL_QUEUE_CLOSED (1ULL << 63)

enum otl_queue_result { OTL_QUEUE_OK, OTL_QUEUE_IS_FULL, OTL_QUEUE_IS_CLOSED };

OTEL_MUST_USE enum otel_err otl_queue_init(struct otl_queue *queue, size_t max);
void otl_queue_fini(struct otl_queue *queue);
/* Empty and open again: in the child of a fork. */
void otl_queue_forked(struct otl_queue *queue);
/* From now on pushes are refused. */
void otl_queue_close(struct otl_queue *queue);
/* Take up to max items; fewer when a producer has reserved its cell but not filled it yet. */
size_t otl_queue_take(struct otl_queue *queue, void **items, size_t max);
/* Whether the first count cells, of those that are reserved, are filled; the consumer's. */
bool otl_queue_is_filled(const struct otl_queue *queue, size_t count);

static inline uint64_t otl_queue_tail(const struct otl_queue *queue)
{
    return __atomic_load_n(&queue->tail, __ATOMIC_SEQ_CST) & ~OTL_QUEUE_CLOSED;
}

static inline uint64_t otl_queue_head(const struct otl_queue *queue)
{
    return __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE);
}

static inline uint64_t otl_queue_count(const struct otl_queue *queue)
{
    uint64_t head = otl_queue_head(queue);

    return otl_queue_tail(queue) - head;
}

/* *ret_count: how many items there are now, exact while the consumer does not move. */
static inline enum otl_queue_result otl_queue_push(struct otl_queue *queue, void *item,
                                                   uint64_t *ret_count)
{
    uint64_t tail = __atomic_load_n(&queue->tail, __ATOMIC_RELAXED);

    do {
        if (__builtin_expect((tail & OTL_QUEUE_CLOSED) != 0, 0))
            return OTL_QUEUE_IS_CLOSED;
        /* Signed: tail may be so old that the consumer is past it; then the exchange fails. */
        if ((int64_t)(tail - __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE)) >=
            (int64_t)queue->max)
            return OTL_QUEUE_IS_FULL;
    } while (!__atomic_compare_exchange_n(&queue->tail, &tail, tail + 1, true, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    __atomic_store_n(&queue->cells[tail & queue->mask], item, __ATOMIC_RELEASE);
    *ret_count = tail + 1 - __atomic_load_n(&queue->head, __ATOMIC_SEQ_CST);
    return OTL_QUEUE_OK;
}

#endif
