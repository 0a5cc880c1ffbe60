/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BATCH_IMPL_H
#define OTL_BATCH_IMPL_H

#include <otel/sdk/processor.h>
#include <pthread.h>

#include "sdk/base/loop/loop.h"
#include "sdk/base/thread.h"
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
    bool started;        /* [w] the exporter is */
    bool exporting;      /* [w] waiting for done */
    bool in_flight;      /* [l] the batch below is with the exporter, its fate open */
    uint64_t began_ns;   /* [w] */
    struct otel_sdk_batch batch;           /* [w], read by shutdown when in_flight */
    struct otel_sdk_readable_span **spans; /* the batch: max_batch of them */
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
    pthread_cond_t changed;     /* for flushers and shutdown */
    unsigned holders;           /* [l] owner, worker */
    pthread_t worker;           /* [l] */
    bool worker_runs;           /* [l] */
    bool joined;                /* [l] somebody waits for, or has waited for, the worker's end */
    uint64_t flush_asked;       /* [l] serial of the newest flush */
    uint64_t flush_done;        /* [l] */
    uint64_t flush_deadline;    /* [l] the latest of those waiting */
    enum otel_err flush_result; /* [l] of flush_done */
    bool stop;                  /* [l] shutdown was called */
    uint64_t stop_deadline;     /* [l] */
    bool abandoned;             /* [l] shutdown gave up waiting */
    enum otel_err stop_result;  /* [l] */
    uint64_t worker_cpu_ns;     /* [l] set when the worker ends */

    struct otel_sdk_loop *loop;  /* [w] except wake */
    struct event *schedule;      /* [w] schedule_delay */
    struct event *retry;         /* [w] a producer has not filled its cell yet */
    bool pumping;                /* [w] */
    size_t exporting;            /* [w] lanes that are waiting for done */
    uint64_t due;                /* [w] spans before this position are exported without delay */
    uint64_t flushing;           /* [w] serial being served, or 0 */
    enum otel_err flush_error;   /* [w] first failure since flushing began */

    /* counters [a] */
    uint64_t exported;
    uint64_t dropped[OTEL_SDK_DROP_COUNT];
    uint64_t batches, requests, bytes, latency_sum_ns, latency_max_ns, wakes, high_water;
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
/* Give a holder's share back. */
void otl_batch_release(struct otl_batch *batch);

/* worker.c */
OTEL_MUST_USE enum otel_err otl_worker_start(struct otl_batch *batch);

#endif
