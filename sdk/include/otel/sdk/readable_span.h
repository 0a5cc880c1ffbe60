/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_READABLE_SPAN_H
#define OTEL_SDK_READABLE_SPAN_H

#include <otel/sdk/resource.h>
#include <otel/trace.h>

/*
 * Readable span: what processors and exporters see of an ended span.
 *
 * Attributes are encoded to OTLP bytes when they are set; a readable span is a view over those
 * bytes. An OTLP exporter takes them whole (otel_sdk_span_encoded()) and decodes nothing; others
 * walk them with the iterators below.
 *
 * Life      valid during the call that passes it; keep it with ref, give it back with unref (its
 *           block is needed for new spans: keep few, or count on no_memory).
 * Threads   immutable after the end; read from any thread.
 * Memory    all views point into the span.
 *
 * Spec: OpenTelemetry trace SDK, "Additional Span Interfaces".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_readable_span;

/* The instrumentation scope: lives as long as the tracer. Its attributes are read with
 * otel_sdk_scope_attributes(). */
struct otel_sdk_scope {
    struct otel_str name;
    struct otel_str version;
    struct otel_str schema_url;
    struct otel_str encoded; /* OTLP bytes of message InstrumentationScope */
};

struct otel_sdk_span_info {
    struct otel_span_context context;
    struct otel_span_context parent; /* invalid for a root. Its trace state is not part of the
                                        encoded span: NULL from otel_sdk_decode_info() */
    struct otel_str name;
    enum otel_span_kind kind;
    uint64_t start_unix_nanos;
    uint64_t end_unix_nanos;
    bool has_ended;
    enum otel_status status;
    struct otel_str status_description;
    uint32_t attribute_count, event_count, link_count;
    uint32_t dropped_attributes, dropped_events, dropped_links;
};

OTEL_API struct otel_sdk_readable_span *
otel_sdk_readable_span_ref(struct otel_sdk_readable_span *span);
OTEL_API void otel_sdk_readable_span_unref(struct otel_sdk_readable_span *span);

OTEL_API void otel_sdk_span_info(const struct otel_sdk_readable_span *span,
                                 struct otel_sdk_span_info *ret_info);
/* Only the context: cheap. */
OTEL_API const struct otel_span_context *
otel_sdk_span_context(const struct otel_sdk_readable_span *span);
OTEL_API const struct otel_sdk_scope *
otel_sdk_span_scope(const struct otel_sdk_readable_span *span);
OTEL_API const struct otel_sdk_resource *
otel_sdk_span_resource(const struct otel_sdk_readable_span *span);
/* The OTLP bytes of message Span, complete; empty before the end. */
OTEL_API struct otel_str otel_sdk_span_encoded(const struct otel_sdk_readable_span *span);

/*
 * Iterators over attributes, events and links, in the order in which they were recorded:
 *     struct otel_sdk_iter it = otel_sdk_span_attributes(span);
 *     while (otel_sdk_next_attribute(&it, &attribute)) ...
 */
struct otel_sdk_iter {
    struct otel_str rest;
    uint32_t field;
};

/* An attribute whose value was decoded in place. Elements of arrays and maps are read with
 * otel_sdk_next_element(). */
struct otel_sdk_read_attribute {
    struct otel_str key;
    enum otel_value_type type; /* EMPTY STRING BOOL INT DOUBLE BYTES ARRAY MAP */
    struct otel_str text;      /* STRING, BYTES */
    int64_t integer;           /* INT, BOOL */
    double real;               /* DOUBLE */
    struct otel_sdk_iter elements; /* ARRAY (keys empty), MAP */
};

struct otel_sdk_read_event {
    struct otel_str name;
    uint64_t time_unix_nanos;
    uint32_t dropped_attributes;
    struct otel_sdk_iter attributes;
};

struct otel_sdk_read_link {
    struct otel_span_context context; /* trace_state NULL; its header is below */
    struct otel_str trace_state;
    uint32_t dropped_attributes;
    struct otel_sdk_iter attributes;
};

/* Of the scope, as the tracer was asked for with them; none where scope is NULL. */
OTEL_API struct otel_sdk_iter otel_sdk_scope_attributes(const struct otel_sdk_scope *scope);
OTEL_API struct otel_sdk_iter otel_sdk_span_attributes(const struct otel_sdk_readable_span *span);
OTEL_API struct otel_sdk_iter otel_sdk_span_events(const struct otel_sdk_readable_span *span);
OTEL_API struct otel_sdk_iter otel_sdk_span_links(const struct otel_sdk_readable_span *span);
OTEL_API bool otel_sdk_next_attribute(struct otel_sdk_iter *iter,
                                      struct otel_sdk_read_attribute *ret_attribute);
OTEL_API bool otel_sdk_next_element(struct otel_sdk_iter *iter,
                                    struct otel_sdk_read_attribute *ret_element);
OTEL_API bool otel_sdk_next_event(struct otel_sdk_iter *iter,
                                  struct otel_sdk_read_event *ret_event);
OTEL_API bool otel_sdk_next_link(struct otel_sdk_iter *iter, struct otel_sdk_read_link *ret_link);

#ifdef __cplusplus
}
#endif
#endif
