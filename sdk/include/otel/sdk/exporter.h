/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_EXPORTER_H
#define OTEL_SDK_EXPORTER_H

#include <otel/sdk/readable_span.h>

/*
 * Exporter: sends batches of ended spans somewhere. The interface, and the memory exporter.
 *
 * Use a ready one: otel/sdk/otlp.h for the network, otel/sdk/file_exporter.h for files and the
 * console, the memory exporter below for tests.
 *
 * Life      new -> handed to exactly one processor, which owns it -> start -> export_batch...
 *           -> shutdown -> free.
 * Threads   all of start, export_batch, cancel, force_flush, shutdown are called on one thread at
 *           a time: the batch processor's worker (or under the simple processor's lock the
 *           thread that ends a span). An exporter needs no lock of its own.
 * Memory    a batch and its spans live until done was called for it.
 * Limits    one export at a time.
 *
 * An exporter is asynchronous where it has to wait: export_batch returns at once and done is
 * called later from the loop that start received, by what otel/sdk/loop.h offers: a descriptor
 * that is ready, a time, a wake by another thread. Never from another thread itself. One that
 * never waits calls done before it returns. It must not block: while it does nothing can be
 * cancelled.
 *
 * Spec: OpenTelemetry trace SDK, "Span Exporter".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_loop; /* the processor's event loop: otel/sdk/loop.h */
struct otel_sdk_exporter;

struct otel_sdk_batch {
    const struct otel_sdk_readable_span *const *spans; /* in the order in which they ended */
    size_t count;                                      /* never 0 */
    const struct otel_sdk_resource *resource;
    uint64_t deadline_mono_ns; /* CLOCK_MONOTONIC; give up by then, retries included;
                                  UINT64_MAX: none */
};

struct otel_sdk_export_result {
    enum otel_err err;       /* OTEL_OK: delivered, except rejected; OTEL_ERR_TIMEOUT or another:
                                the whole batch is lost */
    uint64_t rejected;       /* spans refused in a partial success; at most the batch's count */
    uint64_t requests;       /* attempts made */
    uint64_t bytes;          /* sent, of all attempts */
    /* For the metrics of otel/sdk/metrics.h; all of them may be 0 */
    const char *error_type; /* of a failure, one of a few; static. NULL: rpc_status or http_status,
                               or the name of err */
    const char *rpc_status; /* answer of the last attempt, "UNAVAILABLE"; static; NULL: none */
    unsigned http_status;   /* likewise, 503; 0: none */
};

/* Who an exporter is, for the same. */
struct otel_sdk_exporter_description {
    const char *type;           /* "otlp_http_span_exporter"; static */
    const char *server_address; /* lives as long as the exporter; NULL: none */
    uint16_t server_port;       /* 0: none */
};

typedef void otel_sdk_export_done_fn(void *arg, const struct otel_sdk_export_result *result);

/* export_batch and free are required. */
struct otel_sdk_exporter_ops {
    size_t struct_size;
    /* Called once before anything else, on the thread that will call the rest; loop may be used
     * until free. May be NULL. */
    enum otel_err (*start)(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop);
    /* Call done(done_arg, result) exactly once for each call, now or later. */
    void (*export_batch)(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg);
    /* Give up the export in progress: done (with OTEL_ERR_TIMEOUT) must have been called when
     * this returns. Not called when none is in progress. NULL: exports are never asynchronous. */
    void (*cancel)(struct otel_sdk_exporter *exporter);
    /* Push on what export_batch left buffered; may be NULL. Bounded by the deadline. */
    enum otel_err (*force_flush)(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns);
    /* Close connections; no export is in progress. Bounded by the deadline. May be NULL. */
    enum otel_err (*shutdown)(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns);
    /* In the child of a fork, on its only thread: close inherited descriptors, abandon inherited
     * library objects without touching them, be as new. start is called again before the next
     * export; an export in progress is forgotten (no done). May be NULL. */
    void (*forked)(struct otel_sdk_exporter *exporter);
    void (*free)(struct otel_sdk_exporter *exporter);
    /* From any thread, also during an export: what never changes. *ret is all 0 before. May be
     * NULL. */
    void (*describe)(const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_exporter_description *ret);
};

/* The head of every exporter; put it first in a struct of your own. */
struct otel_sdk_exporter {
    const struct otel_sdk_exporter_ops *ops;
};

/* Frees an exporter that was not given to a processor; NULL is allowed. */
OTEL_API void otel_sdk_exporter_free(struct otel_sdk_exporter *exporter);

/*
 * Memory exporter: copies the encoded spans and keeps them for tests to look at.
 * Limits: max_spans; a batch that would exceed it fails with OTEL_ERR_LIMIT.
 */
struct otel_sdk_memory; /* what was exported; outlives the exporter */

struct otel_sdk_memory_span {
    struct otel_sdk_scope scope; /* name, version, schema_url are copies; encoded too */
    struct otel_str encoded;     /* message Span */
    uint64_t batch;              /* ordinal of the export, from 0 */
};

OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_memory_new(size_t max_spans,
                                                         struct otel_sdk_memory **ret);
OTEL_API void otel_sdk_memory_unref(struct otel_sdk_memory *memory);
/* An exporter that fills memory (and holds a reference to it). OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_memory_exporter_new(struct otel_sdk_memory *memory, struct otel_sdk_exporter **ret);
OTEL_API size_t otel_sdk_memory_count(struct otel_sdk_memory *memory);
/* Span i in order of export; false if there is none. Views live until reset or the last unref. */
OTEL_API bool otel_sdk_memory_at(struct otel_sdk_memory *memory, size_t i,
                                 struct otel_sdk_memory_span *ret_span);
OTEL_API void otel_sdk_memory_reset(struct otel_sdk_memory *memory);
/* Decode what was kept: the iterators of readable_span.h work on it. */
OTEL_API void otel_sdk_decode_info(struct otel_str encoded, struct otel_sdk_span_info *ret_info);
OTEL_API struct otel_sdk_iter otel_sdk_decode_attributes(struct otel_str encoded);
OTEL_API struct otel_sdk_iter otel_sdk_decode_events(struct otel_str encoded);
OTEL_API struct otel_sdk_iter otel_sdk_decode_links(struct otel_str encoded);

#ifdef __cplusplus
}
#endif
#endif
