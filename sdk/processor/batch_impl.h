/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BATCH_IMPL_H
#define OTL_BATCH_IMPL_H

#include <otel/sdk/processor.h>
#include <pthread.h>

#include "sdk/base/loop/loop.h"
#include "sdk/base/thread.h"
#include "sdk/processor/account.h"
#include "sdk/processor/queue.h"

/*
 * The inside of the batch processor, shared by batch.c (any thread) and worker.c (its thread).
 *
 * Life      held by its owner and by its worker; the last of them frees it. A worker whose exporter
 *           never returns is left behind by shutdown: everything it might still touch stays.
 * Threads   marked at the fields: [w] the worker only, [l] under lock, [a] atomic, else constant
 *           after new.
 */

struct event;
struct otl_batch;

/* One exporter and the batch that is with it. Several lanes export at once. */
struct otl_lane {
    struct otl_batch *owner;
    struct otel_sdk_exporter *exporter;
    struct event *limit; /* [w] export timeout, stop deadline */
    uint64_t limit_ns;   /* [w] when that is */
    bool started;        /* [w] the exporter is */
    bool exporting;      /* [w] waiting for done */
    bool in_flight;      /* [l] the batch below is with the exporter, its fate open */
    struct otel_sdk_batch batch;           /* [w], read by shutdown when in_flight */
    struct otel_sdk_readable_span **spans; /* the batch: max_batch of them */
    struct otl_account account;            /* [a] */
};

/* Who waits for a flush: on its own stack, in the batch's list while it waits. [l] */
struct otl_flusher {
    struct otl_flusher *next;
    uint64_t serial;   /* over when flush_done has reached it */
    enum otel_err err; /* the first failure since it asked */
};

struct otl_batch {
    struct otel_sdk_processor api;
    const struct otel_sdk_processor_host *host;
    struct otl_lane *lanes;
    size_t lane_count;
    size_t max_batch;
    uint64_t delay_ns;
    uint64_t export_timeout_ns; /* 0: none */
    uint64_t wake_at;           /* wake a sleeping worker when so many wait */
    struct otl_thread_maker threads;
    struct otl_queue queue;

    bool asleep;  /* [a] the worker waits for wake_at spans */
    bool started; /* [a] there is a worker; false in the child of a fork until its first span */

    pthread_mutex_t lock;
    pthread_cond_t changed;       /* for flushers and shutdown */
    unsigned holders;             /* [l] owner, worker */
    pthread_t worker;             /* [l] */
    bool worker_runs;             /* [l] */
    uint64_t flush_asked;         /* [l] serial of the newest flush */
    uint64_t flush_done;          /* [l] */
    uint64_t flush_deadline;      /* [l] the latest of those waiting */
    struct otl_flusher *flushers; /* [l] who waits */
    bool stop;                    /* [l] shutdown was called */
    uint64_t stop_deadline;       /* [l] */
    bool abandoned;               /* [l] shutdown gave up waiting */
    enum otel_err stop_result;    /* [l] */
    uint64_t worker_cpu_ns;       /* [l] set when the worker ends */

    struct otel_sdk_loop *loop;  /* [w] except wake */
    struct event *schedule;      /* [w] schedule_delay */
    struct event *retry;         /* [w] a producer has not filled its cell yet */
    unsigned retries;            /* [w] so often in a row */
    bool unscheduled;            /* [w] there was no memory for schedule's timer */
    bool pumping;                /* [w] */
    size_t exporting;            /* [w] lanes that are waiting for done */
    uint64_t due;                /* [w] spans before this position are exported without delay */
    uint64_t flushing;           /* [w] serial being served, or 0 */

    /* counters [a] */
    uint64_t dropped[OTEL_SDK_DROP_COUNT];
    uint64_t not_sent; /* of these export_timeout, that no exporter was given */
    uint64_t requests, bytes, wakes, high_water;
    uint64_t in_flight_count;
};

static inline void otl_batch_add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline void otl_batch_less(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_sub(counter, n, __ATOMIC_RELAXED);
}

/* Count and report one lost span; the reference to it stays the caller's. */
void otl_batch_drop(struct otl_batch *batch, const struct otel_sdk_readable_span *span,
                    enum otel_sdk_drop_reason reason);
/* The same with one for which no time was left. */
void otl_batch_drop_unsent(struct otl_batch *batch, const struct otel_sdk_readable_span *span);
/* Give a holder's share back. */
void otl_batch_release(struct otl_batch *batch);

/* Tell those whose flush is not over, up to serial, of a failure. */
void otl_batch_flush_failed_locked(struct otl_batch *batch, uint64_t serial, enum otel_err err);

/* worker.c */
OTEL_MUST_USE enum otel_err otl_worker_start(struct otl_batch *batch);

#endif
