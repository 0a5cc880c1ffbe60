/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_MODEL_H
#define HX_TUNING_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Model of a batch processor: one export at a time, each with a cost of its own and one a span.
 *
 *     time of an export   collector's answer time + EXPORT_NS + batch * SPAN_NS
 *     it keeps up if      batch / time >= 1.5 * spans a second
 *     the queue holds     a burst + what comes during two exports (and four standard deviations of
 *                         it) + the batch under way, and a quarter more
 *     memory              1 KiB a span, in the queue and in the batch under way
 *
 * It says where to begin; what holds is what runs have shown (tune.c).
 *
 * Threads   no state.
 */

struct hx_tune_asked {
    double rate;            /* requests a second */
    unsigned spans;         /* a request */
    unsigned burst;         /* requests at one instant; 0 or 1: none */
    uint64_t latency_ns;    /* the collector's answer time */
    uint64_t memory_bytes;  /* for queued spans, HX_TUNE_MEMORY_MIN at least;
                             * 0 = no limit but HX_TUNE_QUEUE_MAX */
};

struct hx_tune_setting {
    size_t queue;
    size_t batch;
    uint64_t delay_ms;
    uint64_t timeout_ms;
};

struct hx_tune_advice {
    struct hx_tune_setting setting;
    bool keeps_up;    /* the exporter is fast enough */
    bool fits;        /* the queue holds what it must */
    double needed;    /* spans that the queue must hold */
    double capacity;  /* spans a second that one exporter can send */
};

#define HX_TUNE_EXPORT_NS 500e3
#define HX_TUNE_SPAN_NS 1e3
enum {
    HX_TUNE_SPAN_BYTES = 1024, /* a span's block in the SDK's pool */
    HX_TUNE_MEMORY_MIN = 2 * HX_TUNE_SPAN_BYTES, /* one that waits, one under way */
    HX_TUNE_BATCH_MIN = 512,
    HX_TUNE_BATCH_MAX = 16384,
    HX_TUNE_QUEUE_MIN = 2048,
    HX_TUNE_QUEUE_MAX = 1000000
};

struct hx_tune_advice hx_tune_advise(const struct hx_tune_asked *asked);
/* With another batch: queue and delay follow. */
struct hx_tune_advice hx_tune_with_batch(const struct hx_tune_asked *asked, size_t batch);

/* A burst as it was measured: a program that makes its spans slowly proves nothing about one that
 * makes them at once. */
struct hx_tune_burst {
    double within_ns; /* from its instant to the end of its last request */
    double high_water; /* most spans in the queue */
    double pace;       /* spans a second that the exporter sent */
    uint64_t requests, answered; /* of all bursts */
};

enum hx_tune_made {
    HX_TUNE_MADE,
    HX_TUNE_NOT_ANSWERED, /* requests failed or were not made */
    HX_TUNE_TOO_SLOW      /* it took more than HX_TUNE_BURST_PART of the time to the next */
};
#define HX_TUNE_BURST_PART 0.25

enum hx_tune_made hx_tune_burst_made(const struct hx_tune_asked *asked,
                                     const struct hx_tune_burst *burst);
/* Time from one burst to the next. */
double hx_tune_burst_period_ns(const struct hx_tune_asked *asked);
/* Spans that the queue would have held at most had the burst come at one instant: what it held and
 * what the exporter can have sent meanwhile; the burst itself on top of less than a batch. */
double hx_tune_burst_at_once(const struct hx_tune_asked *asked, size_t batch,
                             const struct hx_tune_burst *burst);

/* Memory of queued spans at most. */
uint64_t hx_tune_memory(const struct hx_tune_setting *setting);
/* Seconds that the collector may stand still before spans drop, from an empty queue, whenever it
 * begins: those whole bursts that the queue holds, times their period, as it may begin just before
 * one; without bursts what fills it, less four standard deviations of what comes. Never more than
 * the export timeout. The batch under way is no room: it may be one from before. */
double hx_tune_standstill_s(const struct hx_tune_asked *asked,
                            const struct hx_tune_setting *setting);

#endif
