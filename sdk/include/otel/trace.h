/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_TRACE_H
#define OTEL_TRACE_H

#include <otel/context.h>
#include <otel/span_context.h>
#include <otel/types.h>

/*
 * Tracing: providers, tracers, spans. What instrumented code includes.
 *
 *     struct otel_tracer *tracer = otel_tracer("my.library", "1.2.0");       (once)
 *     struct otel_span *span = otel_span_start(tracer, "GET /users", NULL);
 *     otel_span_set_int(span, "http.response.status_code", 200);
 *     otel_span_end(span);
 *     otel_span_unref(span);
 *
 * Life      otel_span_start() returns a reference that you own. otel_span_end() ends the span,
 *           which stays usable as a parent; otel_span_unref() gives the reference back. A context
 *           that holds the span holds a reference too. A span that is released without having
 *           ended is never exported (it is counted as open).
 *           otel_span_finish() is end and unref in one.
 * Threads   everything here may be called from any thread, also on one span at a time.
 * Memory    without an SDK nothing is allocated. All strings and values are copied (or cut)
 *           during the call. Nothing here ever fails, blocks or crashes the program: NULL
 *           is accepted everywhere, and what cannot be recorded is counted by the SDK.
 * Limits    set by the SDK: see otel/sdk/provider.h.
 *
 * Without an SDK every tracer is a no-op: a started span carries its parent's span context on and
 * is otherwise invalid, so that propagation passes through.
 *
 * Spec: OpenTelemetry trace API.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_tracer_provider;
struct otel_tracer;
struct otel_span;

/* --- provider --- */

/* A new reference to the global provider; the no-op provider until one is set. */
OTEL_API OTEL_MUST_USE struct otel_tracer_provider *otel_tracer_provider_global(void);
/* Takes a reference of its own; NULL restores the no-op provider. Tracers that were handed out
 * before stay with the provider they came from. */
OTEL_API void otel_tracer_provider_set_global(struct otel_tracer_provider *provider);
OTEL_API struct otel_tracer_provider *
otel_tracer_provider_ref(struct otel_tracer_provider *provider);
OTEL_API void otel_tracer_provider_unref(struct otel_tracer_provider *provider);

/* --- tracer --- */

struct otel_tracer_options {
    size_t struct_size; /* set by otel_tracer_options_init() */
    struct otel_str name;       /* of the instrumented library; may be empty */
    struct otel_str version;    /* may be empty */
    struct otel_str schema_url; /* may be empty */
    const struct otel_attribute *attributes; /* of the scope */
    size_t attribute_count;
};

static inline void otel_tracer_options_init(struct otel_tracer_options *options)
{
    if (options == NULL)
        return;
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
}

/* A reference to the tracer of that scope; equal options give the same tracer. provider NULL
 * means the global one. Never NULL. */
OTEL_API OTEL_MUST_USE struct otel_tracer *
otel_tracer_provider_tracer(struct otel_tracer_provider *provider,
                            const struct otel_tracer_options *options);
/* The same from the global provider; version may be NULL. */
OTEL_API OTEL_MUST_USE struct otel_tracer *otel_tracer(const char *name, const char *version);
OTEL_API struct otel_tracer *otel_tracer_ref(struct otel_tracer *tracer);
OTEL_API void otel_tracer_unref(struct otel_tracer *tracer);
/* False when spans of this tracer go nowhere for sure (no SDK, no processor, shut down, turned off
 * by tracer_enabled). */
OTEL_API bool otel_tracer_enabled(const struct otel_tracer *tracer);

/* --- span --- */

enum otel_span_kind {
    OTEL_SPAN_KIND_UNSPECIFIED = 0, /* recorded as INTERNAL */
    OTEL_SPAN_KIND_INTERNAL = 1,
    OTEL_SPAN_KIND_SERVER = 2,
    OTEL_SPAN_KIND_CLIENT = 3,
    OTEL_SPAN_KIND_PRODUCER = 4,
    OTEL_SPAN_KIND_CONSUMER = 5
};

enum otel_status { OTEL_STATUS_UNSET = 0, OTEL_STATUS_OK = 1, OTEL_STATUS_ERROR = 2 };

struct otel_link {
    struct otel_span_context context;
    const struct otel_attribute *attributes;
    size_t attribute_count;
};

struct otel_span_options {
    size_t struct_size; /* set by otel_span_options_init() */
    enum otel_span_kind kind;
    bool root;                         /* ignore any parent */
    const struct otel_context *parent; /* NULL: the current context of this thread */
    const struct otel_attribute *attributes;
    size_t attribute_count;
    const struct otel_link *links;
    size_t link_count;
    uint64_t start_time_unix_nanos; /* 0: now */
};

static inline void otel_span_options_init(struct otel_span_options *options)
{
    if (options == NULL)
        return;
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
}

struct otel_event {
    struct otel_str name;
    uint64_t time_unix_nanos; /* 0: now */
    const struct otel_attribute *attributes;
    size_t attribute_count;
};

struct otel_exception {
    struct otel_str type;
    struct otel_str message;
    struct otel_str stacktrace; /* empty ones are left out */
    const struct otel_attribute *attributes; /* win over the three above */
    size_t attribute_count;
};

/* Start a span; it does not become current. options may be NULL. Never NULL. */
OTEL_API OTEL_MUST_USE struct otel_span *
otel_span_start_str(struct otel_tracer *tracer, struct otel_str name,
                    const struct otel_span_options *options);
OTEL_API struct otel_span *otel_span_ref(struct otel_span *span);
OTEL_API void otel_span_unref(struct otel_span *span);

/* Never NULL, stable for the life of the span, also after the end. */
OTEL_API const struct otel_span_context *otel_span_get_context(const struct otel_span *span);
/* False after the end, for dropped spans and without SDK. */
OTEL_API bool otel_span_is_recording(const struct otel_span *span);

/* All of these are ignored after the end. Setting a key again replaces its value. An empty key
 * is ignored. */
OTEL_API void otel_span_set(struct otel_span *span, struct otel_str key,
                            const struct otel_value *value);
OTEL_API void otel_span_set_many(struct otel_span *span, const struct otel_attribute *attributes,
                                 size_t count);
OTEL_API void otel_span_add_event(struct otel_span *span, const struct otel_event *event);
OTEL_API void otel_span_add_link(struct otel_span *span, const struct otel_link *link);
/* OK is final and beats ERROR beats UNSET; description is kept with ERROR only. */
OTEL_API void otel_span_set_status_str(struct otel_span *span, enum otel_status status,
                                       struct otel_str description);
OTEL_API void otel_span_update_name(struct otel_span *span, struct otel_str name);
/* The event "exception" with exception.type, .message and .stacktrace; limits as of any event. Does
 * not set the status. */
OTEL_API void otel_span_record_exception(struct otel_span *span,
                                         const struct otel_exception *exception);

/* Only the first end counts. 0: now. */
OTEL_API void otel_span_end_at(struct otel_span *span, uint64_t end_time_unix_nanos);
/* End and unref. */
OTEL_API void otel_span_finish(struct otel_span *span);

/* --- shortcuts for NUL-terminated text --- */

OTEL_MUST_USE static inline struct otel_span *
otel_span_start(struct otel_tracer *tracer, const char *name,
                const struct otel_span_options *options)
{
    return otel_span_start_str(tracer, otel_str(name), options);
}

static inline void otel_span_end(struct otel_span *span)
{
    otel_span_end_at(span, 0);
}

static inline void otel_span_set_str(struct otel_span *span, const char *key, const char *text)
{
    struct otel_value value = otel_value_str(text);
    otel_span_set(span, otel_str(key), &value);
}

static inline void otel_span_set_bool(struct otel_span *span, const char *key, bool boolean)
{
    struct otel_value value = otel_value_bool(boolean);
    otel_span_set(span, otel_str(key), &value);
}

static inline void otel_span_set_int(struct otel_span *span, const char *key, int64_t integer)
{
    struct otel_value value = otel_value_int(integer);
    otel_span_set(span, otel_str(key), &value);
}

static inline void otel_span_set_double(struct otel_span *span, const char *key, double real)
{
    struct otel_value value = otel_value_double(real);
    otel_span_set(span, otel_str(key), &value);
}

static inline void otel_span_set_status(struct otel_span *span, enum otel_status status,
                                        const char *description)
{
    otel_span_set_status_str(span, status, otel_str(description));
}

static inline void otel_span_add_event_named(struct otel_span *span, const char *name)
{
    struct otel_event event;
    memset(&event, 0, sizeof(event));
    event.name = otel_str(name);
    otel_span_add_event(span, &event);
}

#ifdef __cplusplus
}
#endif
#endif
