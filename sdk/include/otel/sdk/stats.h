/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_STATS_H
#define OTEL_SDK_STATS_H

#include <otel/types.h>

/*
 * What became of every span: reasons of loss, the drop callback, the counters.
 *
 * Threads   the counters may be read at any time from any thread. They are exact when no span
 *           is being started or ended; while some are, each is exact by itself. The drop callback
 *           is called from the thread on which the span was lost (the one that ended it, or a
 *           worker), possibly from several at once; it must not call into the SDK.
 * Memory    nothing is allocated.
 *
 * The books, with one exporting processor and at rest:
 *   started = not_recorded + record_only + sampled
 *   sampled = open + abandoned + exported + queued + in_flight + dropped[all but no_memory]
 * (a no_memory span counts as not_recorded), and the drop callback has been called for exactly
 * sum(dropped[]) spans.
 * Several exporting processors count what each of them did with the same span.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* reason, name:
 *   queue_full      ended while the queue was full
 *   export_failed   the exporter gave the batch up
 *   export_timeout  a deadline passed before the answer
 *   rejected        refused by the peer in a partial success
 *   after_shutdown  ended after the processor was shut down
 *   no_memory       sampled, but no span block was left; not recorded
 */
#define OTEL_SDK_DROP_LIST(X)                                                                      \
    X(OTEL_SDK_DROP_QUEUE_FULL, "queue_full")                                                      \
    X(OTEL_SDK_DROP_EXPORT_FAILED, "export_failed")                                                \
    X(OTEL_SDK_DROP_EXPORT_TIMEOUT, "export_timeout")                                              \
    X(OTEL_SDK_DROP_REJECTED, "rejected")                                                          \
    X(OTEL_SDK_DROP_AFTER_SHUTDOWN, "after_shutdown")                                              \
    X(OTEL_SDK_DROP_NO_MEMORY, "no_memory")

enum otel_sdk_drop_reason {
#define OTEL_SDK_DROP_ENUM(reason, name) reason,
    OTEL_SDK_DROP_LIST(OTEL_SDK_DROP_ENUM)
#undef OTEL_SDK_DROP_ENUM
    OTEL_SDK_DROP_COUNT
};

/* "queue_full"; static. */
OTEL_API const char *otel_sdk_drop_name(enum otel_sdk_drop_reason reason);

/* One lost span; or, when a peer rejects part of a batch without saying which, count spans with
 * ids of NULL. */
struct otel_sdk_drop {
    enum otel_sdk_drop_reason reason;
    unsigned processor;      /* 0 = the first added to the provider; 0 for NO_MEMORY */
    const uint8_t *trace_id; /* 16 bytes, or NULL */
    const uint8_t *span_id;  /* 8 bytes, or NULL */
    uint64_t count;          /* 1 where ids are given */
};

typedef void otel_sdk_drop_fn(void *arg, const struct otel_sdk_drop *drop);

/* What one processor did. */
struct otel_sdk_processor_stats {
    uint64_t received;  /* sampled spans handed to on_end */
    uint64_t exported;  /* acknowledged by the exporter */
    uint64_t dropped[OTEL_SDK_DROP_COUNT];
    uint64_t queued;    /* now, without the batch in flight */
    uint64_t in_flight; /* now */
    uint64_t queue_high_water;
    uint64_t batches;              /* given to the exporter */
    uint64_t requests;             /* attempts on the wire, retries included */
    uint64_t bytes;                /* of all attempts, as sent */
    uint64_t export_latency_sum_ns;/* from hand-over to done, a batch */
    uint64_t export_latency_max_ns;
    uint64_t worker_cpu_ns;        /* of the worker thread; 0 for the simple processor */
    uint64_t wakes;                /* a producer had to wake the worker */
};

struct otel_sdk_stats {
    size_t struct_size; /* set by the caller to sizeof(struct otel_sdk_stats) */
    uint64_t started;
    uint64_t not_recorded; /* dropped by the sampler, or no_memory, or the provider is shut down */
    uint64_t record_only;
    uint64_t sampled;      /* recorded with the sampled flag */
    uint64_t ended;        /* of record_only and sampled */
    uint64_t abandoned;    /* released without an end */
    uint64_t no_memory;    /* sampled, but not recorded for want of a block */
    uint64_t attributes_dropped; /* over a limit, or no room in the span */
    uint64_t events_dropped;
    uint64_t links_dropped;
    struct otel_sdk_processor_stats total; /* over all processors */
};

#ifdef __cplusplus
}
#endif
#endif
