/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_IMPL_H
#define OTEL_IMPL_H

#include <otel/trace.h>

/*
 * For those who implement the API (an SDK), not for those who use it: the heads of provider,
 * tracer and span, through which every API call is dispatched.
 *
 * Life      each object begins with its head; the API calls ref/unref through it.
 * Threads   ops may be called from any thread.
 *
 * The API checks for NULL before it dispatches; ops are const and complete: no member is NULL.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_tracer_provider_ops {
    void (*ref)(struct otel_tracer_provider *provider);
    void (*unref)(struct otel_tracer_provider *provider);
    struct otel_tracer *(*tracer)(struct otel_tracer_provider *provider,
                                  const struct otel_tracer_options *options);
};

struct otel_tracer_provider {
    const struct otel_tracer_provider_ops *ops;
};

struct otel_tracer_ops {
    void (*ref)(struct otel_tracer *tracer);
    void (*unref)(struct otel_tracer *tracer);
    bool (*enabled)(const struct otel_tracer *tracer);
    struct otel_span *(*start)(struct otel_tracer *tracer, struct otel_str name,
                               const struct otel_span_options *options);
};

struct otel_tracer {
    const struct otel_tracer_ops *ops;
};

struct otel_span_ops {
    void (*ref)(struct otel_span *span);
    void (*unref)(struct otel_span *span);
    bool (*is_recording)(const struct otel_span *span);
    void (*set)(struct otel_span *span, struct otel_str key, const struct otel_value *value);
    void (*set_many)(struct otel_span *span, const struct otel_attribute *attributes,
                     size_t count);
    void (*add_event)(struct otel_span *span, const struct otel_event *event);
    void (*add_link)(struct otel_span *span, const struct otel_link *link);
    void (*set_status)(struct otel_span *span, enum otel_status status,
                       struct otel_str description);
    void (*update_name)(struct otel_span *span, struct otel_str name);
    void (*record_exception)(struct otel_span *span, const struct otel_exception *exception);
    void (*end)(struct otel_span *span, uint64_t end_time_unix_nanos);
};

struct otel_span {
    const struct otel_span_ops *ops;
    struct otel_span_context context;
};

/* The ops of spans that record nothing: every mutator does nothing. Copy from here. */
OTEL_API extern const struct otel_span_ops otel_span_noop_ops;
/* The invalid span: static, zero ids, never counted. */
OTEL_API struct otel_span *otel_span_invalid(void);
/* What a tracer without SDK returns: the parent's own span if that does not record, else a
 * non-recording span with the parent's context, else the invalid span. A new reference. */
OTEL_API OTEL_MUST_USE struct otel_span *
otel_span_passed_through(const struct otel_span_options *options);
OTEL_API struct otel_tracer *otel_tracer_noop(void);

#ifdef __cplusplus
}
#endif
#endif
