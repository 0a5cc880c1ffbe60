/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TELEMETRY_RECENT_SPANS_H
#define COL_TELEMETRY_RECENT_SPANS_H

#include "collector-mock/wire/traces.h"
#include "sdk/base/buf.h"

/*
 * The spans that came last, as the bytes that came, and the page of one trace.
 *
 * Life      new -> put... -> free.
 * Threads   one at a time.
 * Memory    COL_RECENT_BYTES, of which the system gives what is touched; the oldest make room.
 * Limits    a span of more than COL_RECENT_SPAN_BYTES is not kept. A page shows at most
 *           COL_RECENT_ROWS spans, of each 64 attributes and events, of each text 200 bytes; and
 *           ends where it has grown to COL_RECENT_PAGE bytes. It says what it leaves out.
 */

enum {
    COL_RECENT_BYTES = 4 * 1024 * 1024,
    COL_RECENT_SPAN_BYTES = 64 * 1024,
    COL_RECENT_ROWS = 1000,
    COL_RECENT_PAGE = 2 * 1024 * 1024
};

struct col_recent_spans;

/* OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_recent_spans_new(struct col_recent_spans **ret);
void col_recent_spans_free(struct col_recent_spans *spans);
void col_recent_spans_put(struct col_recent_spans *spans, const struct col_span *span);
/* The table of its spans, by their start. *ret_count: how many are kept; 0: nothing is written.
 * Errors of otl_buf_append(). */
OTEL_MUST_USE enum otel_err col_recent_spans_html(struct col_recent_spans *spans,
                                                  const uint8_t trace_id[16], struct otl_buf *out,
                                                  size_t *ret_count);

#endif
