/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_CONDITION_H
#define COL_PROCESSORS_CONDITION_H

#include <stdbool.h>

#include "collector-mock/wire/traces.h"
#include "sdk/base/detail.h"

/*
 * Conditions of the OpenTelemetry Transformation Language, on a span, an event of it, a log record,
 * a metric, a data point, a scope or a resource: the part of the language that filters and samplers
 * are configured with.
 *
 *     and, or, not, ( ), true, false
 *     == != < <= > >= between paths, numbers, "texts", true, false, nil, TraceID(0x...),
 *     SpanID(0x...) and the constants of the context (STATUS_CODE_... SPAN_KIND_...
 *     SEVERITY_NUMBER_... METRIC_DATA_TYPE_... AGGREGATION_TEMPORALITY_...)
 *     + - * / ( ) and signs of numbers, paths, Int(x) and Double(x)
 *     IsMatch(x, "regex") HasPrefix(x, "p") HasSuffix(x, "s")
 *     IsString IsInt IsDouble IsBool IsList IsMap(x)
 *     IsRootSpan() HasAttrKeyOnDatapoint("k") HasAttrOnDatapoint("k", "v")
 *
 * The paths are those of path.c: the context's own, with or without its name before them
 * (span.name, name), and with their names those of what it stands in (resource.attributes["k"],
 * scope.name, in a condition on events span.name, on points metric.name). Everything else is an
 * error when it is read.
 *
 * Values of different kinds are unequal and in no order; nil equals nil alone, and bytes of no
 * length are nil (so nil <= nil is true, as upstream). Whole numbers are 64 bits wide and wrap
 * around; what cannot be reckoned (nil, texts, by zero) fails; Int of a text that is no whole
 * number is nil, Double of one that is none fails. Moments (time, start_time...) and ids are
 * held against their own kind alone. IsMatch takes numbers and truths as they are written (bytes,
 * lists and maps, which upstream are taken as JSON, never match); HasPrefix and HasSuffix fail of
 * what is no text, and everything of body["k"] where the body is no map: nothing makes that good
 * but true or false as such beside it.
 *
 * Life      new -> add... (any of the added conditions makes it true) -> true... -> free.
 * Threads   one owner.
 * Limits    a condition of 64 KiB, 256 terms, nested 32 deep.
 */

struct col_condition;
struct col_log;
struct col_metric;
struct col_point;

enum col_condition_on {
    COL_ON_RESOURCE,
    COL_ON_SCOPE,
    COL_ON_SPAN,
    COL_ON_EVENT,
    COL_ON_LOG,
    COL_ON_METRIC,
    COL_ON_POINT
};

/* What the condition is on, and what that stands in; the others are NULL. */
struct col_condition_subject {
    const struct col_span *span;
    const struct col_list *resource; /* its attributes */
    const struct col_scope *scope;   /* NULL: the conditions are col_condition_without_scope() */
    const struct col_event *event;
    const struct col_log *log;
    const struct col_metric *metric;
    const struct col_point *point;
};

OTEL_MUST_USE enum otel_err col_condition_new(enum col_condition_on on,
                                              struct col_condition **ret);
/* Each path has to say its context. Before the first add. */
void col_condition_named(struct col_condition *condition);
/* Paths of a scope are refused: whoever holds spans without it. Before the first add. */
void col_condition_without_scope(struct col_condition *condition);
/* OTEL_ERR_SYNTAX: text in *reterr says what and at which character; OTEL_ERR_UNSUPPORTED: the
 * same, of what the Collector has and this one does not. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_condition_add(struct col_condition *condition, const char *text,
                                              struct otl_detail *reterr);
/* Whether one of them holds; those that fail do not. */
bool col_condition_true(struct col_condition *condition,
                        const struct col_condition_subject *subject);
/* The same, for whom a failure matters. OTEL_ERR_ARGUMENT: one failed; *ret_true is set, too. */
OTEL_MUST_USE enum otel_err col_condition_judge(struct col_condition *condition,
                                                const struct col_condition_subject *subject,
                                                bool *ret_true);
void col_condition_free(struct col_condition *condition); /* may be NULL */

#endif
