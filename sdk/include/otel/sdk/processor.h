/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_PROCESSOR_H
#define OTEL_SDK_PROCESSOR_H

#include <otel/sdk/exporter.h>
#include <otel/sdk/stats.h>
#include <otel/trace.h>
#include <pthread.h>

/*
 * Processors: what happens to spans when they start and end. The interface, batch and simple.
 *
 * Use batch when spans leave the process over a network. Use simple where each span must have
 * been handed over before otel_span_end() returns (tests, short tools): it makes end wait.
 *
 * Several exporters, each under a processor of its own, do not hold each other up: a batch
 * processor has a thread and a queue of its own, and its on_end never waits. A simple one waits for
 * its exporter, so that those which were added after it get the span so much later, but never
 * longer than export_timeout_millis a span. Add simple ones last.
 *
 * Life      new -> added to one provider, which owns it -> shutdown -> free.
 * Threads   on_start and on_end are called on the threads that start and end spans.
 * Memory    a span's block is held until its batch was exported or dropped; nothing is copied.
 * Limits    max_queue_size bounds the queue: when it is full the NEW span is dropped (queue_full).
 *
 * For every sampled span handed to on_end exactly one of exported or dropped[reason] is counted,
 * once, and for each of the latter the provider's drop callback is called, once.
 *
 * Spec: OpenTelemetry trace SDK, "Span processor", "Batching processor", "Simple processor".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_metric_sink; /* otel/sdk/metrics.h */
struct otel_sdk_processor;

/* What the provider tells a processor when it is added. Lives as long as the processor. */
struct otel_sdk_processor_host {
    unsigned index; /* in order of adding */
    const struct otel_sdk_resource *resource;
    otel_sdk_drop_fn *drop; /* may be NULL */
    void *drop_arg;
    void (*error)(void *arg, enum otel_err err, const char *text); /* may be NULL */
    void *error_arg;
};

/* free is required. Every other one may be NULL, shutdown and force_flush too: then there is
 * nothing to do and it counts as done (OTEL_OK). */
struct otel_sdk_processor_ops {
    size_t struct_size;
    enum otel_err (*attach)(struct otel_sdk_processor *processor,
                            const struct otel_sdk_processor_host *host);
    /* span may be read and changed, not ended. */
    void (*on_start)(struct otel_sdk_processor *processor, struct otel_span *span,
                     const struct otel_context *parent);
    /* The end time is set; span may still be changed from here, on this thread; what others do to
     * it is ignored from now on. All on_ending run before any on_end. Not called once the provider
     * was shut down. (Development in the specification.) */
    void (*on_ending)(struct otel_sdk_processor *processor, struct otel_span *span);
    /* Called for every recording span, sampled or not. Must not block. */
    void (*on_end)(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span);
    /* Hand on what has ended before the call, within the time. */
    enum otel_err (*force_flush)(struct otel_sdk_processor *processor, uint32_t timeout_millis);
    /* The same, then stop for good; called once, on_end and force_flush may still come. */
    enum otel_err (*shutdown)(struct otel_sdk_processor *processor, uint32_t timeout_millis);
    /* Add this processor's counters to *stats. */
    void (*stats)(struct otel_sdk_processor *processor, struct otel_sdk_processor_stats *stats);
    void (*forked)(struct otel_sdk_processor *processor); /* in the child */
    void (*free)(struct otel_sdk_processor *processor);   /* after shutdown */
    /* Put this processor's metrics, and its exporters', into sink; from any thread, with no lock
     * held. NULL: it has none. */
    void (*metrics)(struct otel_sdk_processor *processor, struct otel_sdk_metric_sink *sink);
};

/* The head of every processor; put it first in a struct of your own. */
struct otel_sdk_processor {
    const struct otel_sdk_processor_ops *ops;
    size_t span_capacity; /* spans it may hold after their end; the provider provides for them */
};

/* View a span that on_start or on_ending received. */
OTEL_API const struct otel_sdk_readable_span *otel_sdk_span_readable(const struct otel_span *span);

/* Frees a processor that was not given to a provider (shuts it down first); NULL is allowed. */
OTEL_API void otel_sdk_processor_free(struct otel_sdk_processor *processor);

struct otel_sdk_batch_options {
    size_t struct_size;             /* set by otel_sdk_batch_options_init() */
    size_t max_queue_size;          /* spans; init: 2048 */
    size_t max_export_batch_size;   /* spans; init: 512; must not exceed max_queue_size */
    uint32_t schedule_delay_millis; /* init: 5000; 0: export as soon as the worker is free */
    uint32_t export_timeout_millis; /* init: 30000; 0: no limit */
    /* Creates the worker, as pthread_create() with attributes of its own choice (not detached);
     * also in a forked child, then on the thread that ends its first span. All signals are blocked
     * meanwhile, and the new thread inherits that. It may run something else first (setns(),
     * affinity, a name) and must then run run(run_arg). Returns 0 or an error number. NULL:
     * pthread_create(). Look-ups of host names are an OTLP exporter's: it has an option like it. */
    int (*create_thread)(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg);
    void *create_thread_arg;
    /* Exporters beside the first, each like it but with a connection of its own: so many more
     * batches may be under way at once, and their order is not kept. For peers far away: one
     * export at a time sends at most max_export_batch_size spans a round trip. Consumed like the
     * first; at most 63. */
    struct otel_sdk_exporter *const *more_exporters;
    size_t more_exporter_count;
};

OTEL_API void otel_sdk_batch_options_init(struct otel_sdk_batch_options *options);

/**
 * Create a batch processor and start its worker, which sleeps while there is nothing to do and
 * blocks every signal.
 *
 * Exports when max_export_batch_size spans wait, when schedule_delay_millis have passed since the
 * last export (or timer), on flush and on shutdown; one batch at a time, unless there are
 * more_exporters.
 *
 * @options   NULL: all defaults. Read during the call only.
 * @exporter  consumed: freed by the processor, also when this call fails.
 * @ret       set on success only.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_ARGUMENT  a size is 0, over 1 << 24, or max_export_batch_size > max_queue_size; one
 *                      of more_exporters is NULL, or they are too many; options were not
 *                      initialised
 *   OTEL_ERR_MEMORY    allocation failed; nothing was started
 *   OTEL_ERR_IO        no descriptor for the event loop
 *   OTEL_ERR_THREAD    the worker could not be created
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_batch_new(const struct otel_sdk_batch_options *options,
                   struct otel_sdk_exporter *exporter, struct otel_sdk_processor **ret);

struct otel_sdk_simple_options {
    size_t struct_size;             /* set by otel_sdk_simple_options_init() */
    uint32_t export_timeout_millis; /* init: 30000; 0: no limit. Of otel_span_end() in all: waiting
                                       for the exports of other threads counts */
};

OTEL_API void otel_sdk_simple_options_init(struct otel_sdk_simple_options *options);

/* Create a simple processor: exports each sampled span inside otel_span_end(), one at a time.
 * Parameters as for batch. OTEL_ERR_ARGUMENT: options were not initialised, exporter is NULL.
 * OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_simple_new(const struct otel_sdk_simple_options *options,
                    struct otel_sdk_exporter *exporter, struct otel_sdk_processor **ret);

#ifdef __cplusplus
}
#endif
#endif
