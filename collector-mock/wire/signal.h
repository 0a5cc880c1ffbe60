/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_SIGNAL_H
#define COL_WIRE_SIGNAL_H

#include "collector-mock/wire/traces.h"

/*
 * The three signals as far as they are the same: a request of groups (Resource, then Scope) with
 * items in them, which are Span, Metric or LogRecord messages. struct col_traces walks the groups
 * of all three; what is in an item say traces.h, metrics.h and logs.h.
 *
 * Counted are spans, data points and log records: a Metric counts as its points, perhaps none.
 *
 * Life, threads, memory: as traces.h.
 */

/* Sets of signals: what a component takes, what a pipeline gives. */
#define COL_SIGNAL_BIT(signal) (1u << (signal))
#define COL_ALL_SIGNALS (COL_SIGNAL_BIT(COL_SIGNALS) - 1)

/* "traces", "metrics", "logs" */
const char *col_signal_name(enum col_signal signal);
/* "spans", "metric_points", "log_records": what counters are named after */
const char *col_signal_items(enum col_signal signal);

/* One item of a request, whatever it is. */
struct col_item {
    struct otl_view raw; /* the message, without tag and length */
    uint64_t count;
    const struct col_resource *resource; /* never NULL */
    const struct col_scope *scope;       /* never NULL */
};

void col_items_init(struct col_traces *items, enum col_signal signal, struct otl_view request);
/* The next item of a request that was checked. */
bool col_items_next(struct col_traces *items, struct col_item *ret);

/* Check the whole request and count. *ret_count is set when it is good. */
OTEL_MUST_USE enum otel_err col_request_check(enum col_signal signal, struct otl_view request,
                                              uint64_t *ret_count, struct otl_detail *reterr);

#endif
