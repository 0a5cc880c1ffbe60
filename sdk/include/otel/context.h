/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_CONTEXT_H
#define OTEL_CONTEXT_H

#include <otel/baggage.h>
#include <otel/span_context.h>
#include <otel/types.h>

/*
 * Context: what belongs to the request being handled: the span, the baggage, values of your own.
 *
 * Pass it explicitly wherever work moves between threads or callbacks; attach it to the thread
 * only around synchronous code. An event loop that serves many requests on one thread should
 * pass contexts and never leave one attached when it returns to the loop.
 *
 * Life      immutable. Every otel_context_with_...() returns a new reference, to be given back
 *           with otel_context_unref(). A context holds references to its span, baggage and values.
 * Threads   share freely; attach and detach concern the calling thread alone.
 * Memory    one small allocation for each with_...; when it fails a reference to the parent
 *           context comes back, so that the result is always usable. NULL means the root
 *           context wherever a context is read.
 *
 * Spec: OpenTelemetry context.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_context;
struct otel_span;

/* The empty context; needs no unref. */
OTEL_API struct otel_context *otel_context_root(void);
OTEL_API struct otel_context *otel_context_ref(struct otel_context *context);
OTEL_API void otel_context_unref(struct otel_context *context);

/* A new context holding a reference to span, baggage. NULL removes it. */
OTEL_API OTEL_MUST_USE struct otel_context *
otel_context_with_span(const struct otel_context *parent, struct otel_span *span);
OTEL_API OTEL_MUST_USE struct otel_context *
otel_context_with_baggage(const struct otel_context *parent, struct otel_baggage *baggage);
/* A new context whose span is a non-recording one that carries *remote (is_remote is taken as it
 * is; propagators set it). NULL removes the span. For propagators. */
OTEL_API OTEL_MUST_USE struct otel_context *
otel_context_with_span_context(const struct otel_context *parent,
                               const struct otel_span_context *remote);

/* Borrowed from the context. The span is never NULL: without one it is the invalid no-op span. */
OTEL_API struct otel_span *otel_context_span(const struct otel_context *context);
OTEL_API struct otel_baggage *otel_context_baggage(const struct otel_context *context);
/* Shortcut: the span context of otel_context_span(). */
OTEL_API const struct otel_span_context *
otel_context_span_context(const struct otel_context *context);

/* A key of your own is the address of one of these, normally static. */
struct otel_context_key {
    const char *name;          /* for people */
    void (*ref)(void *value);   /* may be NULL: values are not counted */
    void (*unref)(void *value); /* likewise */
};
OTEL_API OTEL_MUST_USE struct otel_context *
otel_context_with_value(const struct otel_context *parent, const struct otel_context_key *key,
                        void *value);
/* NULL if not set. Borrowed. */
OTEL_API void *otel_context_value(const struct otel_context *context,
                                  const struct otel_context_key *key);

/* --- the current context of the calling thread --- */

struct otel_context_token {
    struct otel_context *previous;
    const void *thread;
    size_t depth;
};

/* Borrowed until the next attach or detach on this thread; the root context if none is attached. */
OTEL_API struct otel_context *otel_context_current(void);
/* Make context current (a reference is taken); give the token back to detach, in reverse order,
 * on the same thread. Attaching NULL attaches the root context. */
OTEL_API OTEL_MUST_USE struct otel_context_token otel_context_attach(struct otel_context *context);
/* Restore what was current before. False if tokens are not returned in reverse order or on
 * another thread: the first is repaired as far as possible, the second changes nothing. */
OTEL_API bool otel_context_detach(struct otel_context_token token);

#ifdef __cplusplus
}
#endif
#endif
