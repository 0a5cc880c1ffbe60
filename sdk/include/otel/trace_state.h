/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_TRACE_STATE_H
#define OTEL_TRACE_STATE_H

#include <otel/types.h>

/*
 * Trace state: the vendors' key=value list of W3C Trace Context. Immutable.
 *
 * Life      made with one reference; ref/unref. NULL is the empty trace state and is accepted
 *           everywhere.
 * Threads   immutable, references are counted atomically; share freely.
 * Memory    one allocation for each trace state.
 * Limits    32 members, 8192 bytes; key 1..256 of a-z 0-9 _ - * / @ starting with a-z 0-9,
 *           value 1..256 printable ASCII without ',' and '=', not ending in a blank.
 *
 * Spec: W3C Trace Context level 2, "tracestate"; OpenTelemetry trace API, "TraceState".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_trace_state;

enum { OTEL_TRACE_STATE_MAX_MEMBERS = 32, OTEL_TRACE_STATE_MAX_BYTES = 8192 };

/**
 * Read a header value (several header lines joined with ',' by the caller). Blanks around members
 * are trimmed, empty members skipped, of duplicate keys the first is kept.
 *
 * @ret   set on success; NULL when the list is empty.
 *
 * Returns OTEL_OK, OTEL_ERR_SYNTAX (a member is malformed: the whole list is to be ignored),
 * OTEL_ERR_LIMIT (more than 32 members or 8192 bytes), OTEL_ERR_MEMORY; OTEL_ERR_ARGUMENT here and
 * below: ret is NULL.
 */
OTEL_API OTEL_MUST_USE enum otel_err otel_trace_state_parse(struct otel_str header,
                                                            struct otel_trace_state **ret);

OTEL_API struct otel_trace_state *otel_trace_state_ref(struct otel_trace_state *state);
OTEL_API void otel_trace_state_unref(struct otel_trace_state *state);

/* The header text "k=v,k2=v2"; lives as long as state; empty for NULL. */
OTEL_API struct otel_str otel_trace_state_header(const struct otel_trace_state *state);
OTEL_API size_t otel_trace_state_count(const struct otel_trace_state *state);
/* Member i from the left; false if there is none. The views live as long as state.
 * ret_key and ret_value may be NULL, here and in get. */
OTEL_API bool otel_trace_state_at(const struct otel_trace_state *state, size_t i,
                                  struct otel_str *ret_key, struct otel_str *ret_value);
OTEL_API bool otel_trace_state_get(const struct otel_trace_state *state, struct otel_str key,
                                   struct otel_str *ret_value);

/* A new trace state with key set and moved to the front; the last member goes when there would
 * be 33. OTEL_ERR_ARGUMENT: key or value is malformed. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_trace_state_set(const struct otel_trace_state *state,
                                                          struct otel_str key,
                                                          struct otel_str value,
                                                          struct otel_trace_state **ret);
/* A new trace state without key; NULL in *ret when nothing is left. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_trace_state_delete(const struct otel_trace_state *state,
                                                             struct otel_str key,
                                                             struct otel_trace_state **ret);

#ifdef __cplusplus
}
#endif
#endif
