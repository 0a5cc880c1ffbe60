/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_PROVIDER_H
#define OTEL_SDK_PROVIDER_H

#include <otel/sdk/processor.h>
#include <otel/sdk/resource.h>
#include <otel/sdk/sampler.h>
#include <otel/sdk/stats.h>
#include <otel/trace.h>

/*
 * Provider of the SDK: puts resource, sampler, processors and limits together and makes tracers
 * that really record.
 *
 * Programs include this; libraries include otel/trace.h only.
 *
 * Life      options_init -> new -> (add_processor) -> set_global -> ... -> free, which shuts
 *           down within 5 s if shutdown was not called. Tracers and spans that are still held stay
 *           safe to use: they record nothing any more.
 * Threads   every function from any thread at any time, except free: once. Shutdown and flush
 *           must not be called from inside a processor, exporter or drop callback (they
 *           return OTEL_ERR_BLOCKED there).
 * Fork      a forked child may go on tracing: it inherits no open span, no queued span and no
 *           thread; the worker starts again with the first span that ends. Counters restart at 0.
 * Unload    the shared libraries stay mapped when a program closes them (dlclose): its threads,
 *           forks and exit handlers still know them. After shutdown and free no thread and no
 *           descriptor is left, and they can be opened and used again.
 * Memory    spans live in blocks of 960 bytes from a pool that grows to max_live_spans + what the
 *           processors may hold, and is never returned before free. A span that outgrows its block
 *           takes heap memory up to max_span_bytes, all of them together up to
 *           max_overflow_bytes. Without a block a span is not recorded (no_memory).
 * Limits    16 providers in a process, those included that were freed while a span of theirs is
 *           still held; 1024 tracers and 16 processors in a provider. What is beyond is refused
 *           with OTEL_ERR_LIMIT (a tracer: a no-op), and error is told which limit it was. (Each
 *           provider has a place in every thread's static storage, which libraries that are
 *           loaded late get little of.)
 *
 * Spec: OpenTelemetry trace SDK, "Tracer Provider", "Span Limits", "Id Generators".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_provider;

#define OTEL_SDK_NO_LIMIT UINT32_MAX
#define OTEL_SDK_NO_TIMEOUT UINT32_MAX

/* Names as in the specification. 0 is a legal limit: nothing is kept. */
struct otel_sdk_span_limits {
    uint32_t attribute_count_limit;        /* init: 128 */
    uint32_t attribute_value_length_limit; /* characters (bytes for BYTES); init: NO_LIMIT */
    uint32_t attribute_value_depth_limit;  /* of arrays and maps; init: 64; at most 64 */
    uint32_t event_count_limit;            /* init: 128 */
    uint32_t link_count_limit;             /* init: 128 */
    uint32_t event_attribute_count_limit;  /* init: 128 */
    uint32_t link_attribute_count_limit;   /* init: 128 */
};

/* Source of time; both from any thread. mono must never step back. */
struct otel_sdk_clock {
    uint64_t (*mono_ns)(void *state);
    uint64_t (*wall_ns)(void *state); /* since 1970 */
    void *state;
};

/* Source of ids; both from any thread, never all zero. */
struct otel_sdk_id_generator {
    void (*trace_id)(void *state, uint8_t *ret_id);
    void (*span_id)(void *state, uint8_t *ret_id);
    void *state;
    bool random; /* the low 56 bits of trace ids are random: sets the Random flag on new roots */
};

struct otel_sdk_provider_options {
    size_t struct_size;                   /* set by otel_sdk_provider_options_init() */
    struct otel_sdk_resource *resource;   /* NULL: otel_sdk_resource_default(); a reference is
                                             taken */
    struct otel_sdk_sampler *sampler;     /* NULL: parentbased over always_on; likewise */
    struct otel_sdk_processor *const *processors; /* consumed, also on failure; called in order */
    size_t processor_count; /* 0: spans have ids and flags for headers and logs, and go nowhere */
    struct otel_sdk_span_limits limits;
    const struct otel_sdk_clock *clock;   /* NULL: the system's; must outlive the provider */
    const struct otel_sdk_id_generator *id_generator; /* NULL: built-in; copied */
    bool seeded;                          /* built-in ids repeat from seed: each thread gets the
                                             next stream in the order of its first span */
    uint64_t seed;
    uint32_t max_live_spans;              /* init: 65536 */
    uint32_t max_span_bytes;              /* encoded; init: 1 MiB */
    uint64_t max_overflow_bytes;          /* init: 64 MiB */
    otel_sdk_drop_fn *drop;               /* see otel/sdk/stats.h; may be NULL */
    void *drop_arg;
    /* Told about misuse and failures, rate-limited to one a second, and by samplers (OTEL_OK marks
     * a warning); NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    /* False: tracers of this scope are as without an SDK: otel_tracer_enabled() is false, spans
     * record nothing, have no ids of their own and hand their parent's context on; nothing is
     * counted. Asked when a tracer is made, on the thread that asks for it; must say the same
     * each time. NULL: all are enabled. (TracerConfigurator, Development in the specification.) */
    bool (*tracer_enabled)(void *arg, const struct otel_sdk_scope *scope);
    void *tracer_enabled_arg;
    /* Called in the end, also when new fails; may be NULL. */
    void (*tracer_enabled_release)(void *arg);
};

OTEL_API void otel_sdk_span_limits_init(struct otel_sdk_span_limits *limits);
OTEL_API void otel_sdk_provider_options_init(struct otel_sdk_provider_options *options);

/* options may be NULL. OTEL_ERR_ARGUMENT: they were not initialised. OTEL_ERR_LIMIT: too many
 * providers or processors. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_provider_new(const struct otel_sdk_provider_options *options,
                      struct otel_sdk_provider **ret);
OTEL_API void otel_sdk_provider_free(struct otel_sdk_provider *provider);

/* As the API sees it: borrowed. */
OTEL_API struct otel_tracer_provider *otel_sdk_provider_api(struct otel_sdk_provider *provider);
/* Applies to tracers already handed out, too. Consumes processor, also on failure.
 * OTEL_ERR_CLOSED: shut down. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_provider_add_processor(struct otel_sdk_provider *provider,
                                struct otel_sdk_processor *processor);

/* For all four below provider may be NULL, as otel_sdk_provider_of() is when the SDK is disabled:
 * there is nothing to do (OTEL_OK), and nothing was counted (zeros; false). */

/* Export everything that ended before the call. OTEL_ERR_TIMEOUT, OTEL_ERR_CLOSED (after
 * shutdown), OTEL_ERR_BLOCKED (called from a callback), or what an exporter returned. */
OTEL_API enum otel_err otel_sdk_provider_force_flush(struct otel_sdk_provider *provider,
                                                     uint32_t timeout_millis);
/* Flush, then stop for good. Only the first call acts; later ones return OTEL_ERR_CLOSED. After
 * OTEL_ERR_TIMEOUT everything that was still queued has been counted as export_timeout. */
OTEL_API enum otel_err otel_sdk_provider_shutdown(struct otel_sdk_provider *provider,
                                                  uint32_t timeout_millis);

OTEL_API void otel_sdk_provider_stats(struct otel_sdk_provider *provider,
                                      struct otel_sdk_stats *ret_stats);
/* Of one processor, in order of adding; false, and zeros, if there is none. */
OTEL_API bool otel_sdk_provider_processor_stats(struct otel_sdk_provider *provider, unsigned index,
                                                struct otel_sdk_processor_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
