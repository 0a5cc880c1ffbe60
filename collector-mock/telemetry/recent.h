/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TELEMETRY_RECENT_H
#define COL_TELEMETRY_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/wire/signal.h"
#include "sdk/base/buf.h"
#include "sdk/base/clock.h"

/*
 * The traces that came last, for people: lines on a descriptor, rows of the status page; and what
 * came of metrics and logs, in numbers.
 *
 * What is said of a trace is what has come of it. A line is written when nothing more has come for
 * a second, when the trace must make room, and at the end; again if spans come after that.
 *
 * Not a record for judging: that is the tap.
 *
 * Life      new -> see... -> finish (the remaining lines) -> free.
 * Threads   see: any, one waits for the other. All else: that of the event loop.
 * Memory    COL_RECENT_MAX traces of less than 256 bytes; names are cut. Their spans: see
 *           recent_spans.h.
 * Limits    a reader of the lines that stands still holds the collector up; one that is gone ends
 *           the lines.
 */

enum { COL_RECENT_MAX = 256 };

struct event_base;
struct col_recent;

/* print_fd -1: no lines. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_recent_new(struct event_base *base, const struct otl_clock *clock,
                                           int print_fd, struct col_recent **ret);
void col_recent_free(struct col_recent *recent);
/* A request that has been checked. Of metrics and logs there is a line a request. */
void col_recent_see(struct col_recent *recent, enum col_signal signal, struct otl_view request);
void col_recent_finish(struct col_recent *recent);
/* What came by signal, and a table of traces, the newest first. Errors of otl_buf_append(). */
OTEL_MUST_USE enum otel_err col_recent_html(struct col_recent *recent, struct otl_buf *out);
/* The spans of one trace that are still kept (recent_spans.h); *ret_found false: none. Likewise. */
OTEL_MUST_USE enum otel_err col_recent_trace_html(struct col_recent *recent, const uint8_t id[16],
                                                  struct otl_buf *out, bool *ret_found);

#endif
