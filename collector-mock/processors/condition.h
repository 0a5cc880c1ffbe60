/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_CONDITION_H
#define COL_PROCESSORS_CONDITION_H

#include <stdbool.h>

#include "collector-mock/wire/traces.h"
#include "sdk/base/detail.h"

/*
 * Conditions of the OpenTelemetry Transformation Language, on a span, an event of it, a log record,
 * a metric or a data point: the part of the language that filters and samplers are configured with.
 *
 *     and, or, not, ( ), true, false
 *     == != < <= > >= between paths, numbers, "texts", true, false, nil, STATUS_CODE_...,
 *     SPAN_KIND_...
 *     name kind status.code status.message trace_state start_time_unix_nano end_time_unix_nano
 *     trace_id.string span_id.string parent_span_id.string
 *     attributes["k"] resource.attributes["k"], each with or without span. before it
 *     IsMatch(x, "regex") HasPrefix(x, "p") HasSuffix(x, "s") IsString IsInt IsDouble IsBool(x)
 *     IsRootSpan()
 *
 * In a condition on events, name and attributes are the event's (spanevent.name is the same), and
 * span.name, span.attributes["k"] the span's. On log records there are body severity_number
 * severity_text event_name time_unix_nano flags trace_id.string span_id.string, on metrics name
 * description unit type aggregation_temporality is_monotonic, on points value_int value_double
 * count sum flags time_unix_nano and metric.name...; attributes, resource.attributes as above, and
 * SEVERITY_NUMBER_... METRIC_DATA_TYPE_... Everything else is an error when it is read.
 * Values of different kinds are unequal and in no order; nil equals nil alone, and bytes of no
 * length are nil (so nil <= nil is true, as upstream).
 *
 * Life      new -> add... (any of the added conditions makes it true) -> true... -> free.
 * Threads   one owner.
 * Limits    a condition of 64 KiB, 256 terms, nested 32 deep.
 */

struct col_condition;
struct col_log;
struct col_metric;
struct col_point;

enum col_condition_on { COL_ON_SPAN, COL_ON_EVENT, COL_ON_LOG, COL_ON_METRIC, COL_ON_POINT };

struct col_condition_subject {
    const struct col_span *span;
    const struct col_list *resource; /* its attributes */
    const struct col_event *event;   /* NULL: the condition is on the span */
    const struct col_log *log;       /* of what the condition is on; the others are NULL */
    const struct col_metric *metric; /* a point's, too */
    const struct col_point *point;
};

OTEL_MUST_USE enum otel_err col_condition_new(enum col_condition_on on,
                                              struct col_condition **ret);
/* OTEL_ERR_SYNTAX: text in *reterr says what and at which character. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_condition_add(struct col_condition *condition, const char *text,
                                              struct otl_detail *reterr);
bool col_condition_true(struct col_condition *condition,
                        const struct col_condition_subject *subject);
void col_condition_free(struct col_condition *condition); /* may be NULL */

#endif
