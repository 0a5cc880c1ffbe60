/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_OTLP_QUEUE_H
#define COL_EXPORTERS_OTLP_QUEUE_H

#include "collector-mock/exporters/otlp_settings.h"
#include "collector-mock/pipeline/ticket.h"

/*
 * The sending_queue of an exporter: what is taken, what waits for room, and what goes out together.
 *
 * An item is what the pipeline handed over, a job what is sent at once: one item, or with `batch`
 * several, or parts of them (max_size). An item counts towards the size until all its parts have
 * ended. With block_on_overflow an item that finds no room waits for it outside of the queue, and
 * so does the client, if there is one that waits; with wait_for_result a client waits until its
 * spans were sent.
 *
 * Life      new -> put..., take -> end for each job -> free.
 * Threads   that of the event loop.
 * Memory    what is put is copied.
 * Limits    the size by its sizer; COL_QUEUE_BYTES in all; COL_QUEUE_WAITING items that wait for
 *           room.
 */

#define COL_QUEUE_BYTES ((uint64_t)1 << 30)
enum { COL_QUEUE_WAITING = 10000 };

enum col_queue_drop {
    COL_DROP_QUEUE_FULL,
    COL_DROP_TOO_LARGE, /* larger than the whole queue */
    COL_DROP_QUEUE_BYTES,
    COL_DROP_MEMORY,
    COL_DROP_CANCELLED, /* the client has gone before there was room, or before it was sent */
    COL_DROP_REFUSED,   /* by the next collector, for good */
    COL_DROP_NO_RETRY,  /* it may have been tried again, but retry_on_failure is off */
    COL_DROP_RETRIES,   /* max_elapsed_time has passed */
    COL_DROP_SHUTDOWN,
    COL_DROP_COUNT
};

struct col_queue;
struct col_queue_item;

struct col_queue_job {
    struct col_queue_job *next;
    struct otl_view request; /* in bytes, or of the one item */
    uint64_t spans;
    bool taken, cancelled;   /* private to the queue */
    struct otl_buf bytes;
    size_t count;
    struct col_queue_item *items[];
};

struct col_queue_options {
    const struct col_otlp_settings *settings; /* borrowed */
    struct col_host *host;
    void *context;
    /* There is a job to take. */
    void (*on_job)(void *context);
    /* Spans that the queue did not keep; enqueue: they never were in it. */
    void (*on_drop)(void *context, enum col_queue_drop reason, uint64_t spans, bool enqueue);
    /* A consumer has the job and may give it up: the client has gone; or (shutdown) the end is
     * near: no further attempts (job is NULL where there is none to give up). */
    void (*on_cancel)(void *context, struct col_queue_job *job, bool shutdown);
};

OTEL_MUST_USE enum otel_err col_queue_new(const struct col_queue_options *options,
                                          struct col_queue **ret);
/* What is still there is dropped without a word. Jobs that were taken must have ended. */
void col_queue_free(struct col_queue *queue); /* may be NULL */

/* OTEL_ERR_UNAVAILABLE, OTEL_ERR_LIMIT: it is not taken, and on_drop was told. */
OTEL_MUST_USE enum otel_err col_queue_put(struct col_queue *queue, const struct col_batch *batch,
                                          struct otl_detail *reterr);
/* NULL: there is none. */
struct col_queue_job *col_queue_take(struct col_queue *queue);
/* It was sent, or lost because of err. The job is gone. */
void col_queue_end(struct col_queue *queue, struct col_queue_job *job, enum otel_err err,
                   const char *text);
/* What waits to be gathered goes out now, from now on at once. */
void col_queue_flush(struct col_queue *queue);
/* Drop what no consumer has. */
void col_queue_drop_all(struct col_queue *queue);

bool col_queue_is_empty(const struct col_queue *queue);
uint64_t col_queue_size(const struct col_queue *queue); /* as the sizer counts */
size_t col_queue_blocked(const struct col_queue *queue); /* items that wait for room */

#endif
