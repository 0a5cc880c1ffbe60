/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_LOG_CORRELATION_H
#define OTEL_LOG_CORRELATION_H

#include <otel/context.h>

/*
 * Log correlation: the ids of the span in whose name a log line is written, as fields of a line of
 * JSON, so that a backend finds the lines of a trace and the trace of a line.
 *
 *     char ids[OTEL_LOG_FIELDS_SIZE];
 *     otel_log_fields_current(ids);
 *     fprintf(log, "{\"message\":\"user not found\"%s}\n", ids);
 *     {"message":"user not found","trace_id":"4bf9...","span_id":"00f0...","trace_flags":"01"}
 *
 * Not a logger: formats, levels and files stay the program's. Where requests share a thread, as in
 * an event loop, nothing is current: take the span context of the request's own span.
 *
 * Life      no objects.
 * Threads   any.
 * Memory    nothing is allocated; the text goes into the caller's buffer.
 * Limits    OTEL_LOG_FIELDS_SIZE bytes, always enough.
 *
 * The ids of a span that is not sampled are written as well: trace_flags says that no trace of it
 * is to be found. Without a valid span (no request in hand, or no SDK and no caller that traces)
 * the text is empty and the line stays good JSON.
 *
 * Spec: OpenTelemetry, "Trace Context in non-OTLP Log Formats".
 */

#ifdef __cplusplus
extern "C" {
#endif

enum { OTEL_LOG_FIELDS_SIZE = 96 };

/* Writes ,"trace_id":"...","span_id":"...","trace_flags":"01" and a NUL to out, which has room for
 * OTEL_LOG_FIELDS_SIZE bytes. context NULL or invalid: the empty text. Returns its length. */
OTEL_API size_t otel_log_fields(const struct otel_span_context *context, char *out);

/* The same of the span that is current on this thread. */
static inline size_t otel_log_fields_current(char *out)
{
    return otel_log_fields(otel_context_span_context(otel_context_current()), out);
}

#ifdef __cplusplus
}
#endif
#endif
