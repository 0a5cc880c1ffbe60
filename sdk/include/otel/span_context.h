/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SPAN_CONTEXT_H
#define OTEL_SPAN_CONTEXT_H

#include <otel/types.h>

/*
 * Span context: the part of a span that travels: ids, flags and trace state.
 *
 * Life      a plain value. One that comes from a span or a context lives as long as that does;
 *           trace_state is borrowed from there. Keep it longer with otel_trace_state_ref().
 * Threads   immutable; share freely.
 * Memory    nothing is allocated here.
 *
 * Spec: OpenTelemetry trace API, "SpanContext"; W3C Trace Context level 2 for the flags.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_trace_state;

enum { OTEL_TRACE_ID_SIZE = 16, OTEL_SPAN_ID_SIZE = 8 };

enum {
    OTEL_FLAG_SAMPLED = 0x01,
    OTEL_FLAG_RANDOM = 0x02 /* the low 56 bits of the trace id are random */
};

struct otel_span_context {
    uint8_t trace_id[OTEL_TRACE_ID_SIZE]; /* all zero: invalid */
    uint8_t span_id[OTEL_SPAN_ID_SIZE];   /* all zero: invalid */
    uint8_t flags;
    bool is_remote;                       /* came from another process */
    struct otel_trace_state *trace_state; /* NULL: empty */
};

/* True if trace id and span id are both non-zero; false for NULL. */
static inline bool otel_span_context_is_valid(const struct otel_span_context *context)
{
    uint64_t high, low, span;

    if (context == NULL)
        return false;
    memcpy(&high, context->trace_id, 8);
    memcpy(&low, context->trace_id + 8, 8);
    memcpy(&span, context->span_id, 8);
    return (high | low) != 0 && span != 0;
}

static inline bool otel_span_context_is_sampled(const struct otel_span_context *context)
{
    return context != NULL && (context->flags & OTEL_FLAG_SAMPLED) != 0;
}

/* Lower-case hexadecimal with a NUL: 33 and 17 bytes. An id that is NULL is all zero; out NULL:
 * nothing is written. */
OTEL_API void otel_trace_id_hex(const uint8_t *trace_id, char *out);
OTEL_API void otel_span_id_hex(const uint8_t *span_id, char *out);

#ifdef __cplusplus
}
#endif
#endif
