/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_MATCH_H
#define COL_PROCESSORS_MATCH_H

#include "collector-mock/pipeline/component.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/traces.h"

/*
 * include and exclude of a processor: which spans, data points or log records it is for, by
 * service, name (of the span or the metric), kind, body, severity, attributes, resource attributes
 * and library, strict or by regular expressions. What a signal does not have is refused by name.
 * What one of the two names must all hold; of a list one is enough (of attributes and resources:
 * all).
 *
 * filter has words of its own under `metrics` and `logs`, and there one of the two without anything
 * in it is none. Of metrics it asks the resource first, the name then: so exclude turns away what
 * either of them fits.
 *
 * Life      new -> true... -> free.
 * Threads   one owner.
 */

struct col_match;

/* The tables of the keys of include and exclude; of filter's metrics and logs. */
extern const struct otl_schema col_match_schema[];
extern const struct otl_schema col_match_metrics_schema[];
extern const struct otl_schema col_match_logs_schema[];

/* What is asked about. A key is not in the configuration unless the signal has what it is of. */
struct col_match_subject {
    const struct col_resource *resource;
    const struct col_scope *scope;
    const struct col_list *attributes;
    struct otl_view name, severity;
    struct otl_view body; /* as a text */
    int32_t kind, severity_number;
};

/* config may have include and exclude. OTEL_ERR_SYNTAX with the place. */
OTEL_MUST_USE enum otel_err col_match_new(const struct col_create *args, struct col_match **ret,
                                          struct otl_detail *reterr);
/* The same of filter's metrics or logs, which args->signal tells; *ret is NULL without any. */
OTEL_MUST_USE enum otel_err col_match_new_of_filter(const struct col_create *args,
                                                    struct col_match **ret,
                                                    struct otl_detail *reterr);
void col_match_free(struct col_match *match); /* may be NULL */
/* Is the processor for this one? */
bool col_match_true(struct col_match *match, const struct col_match_subject *subject);
bool col_match_span(struct col_match *match, const struct col_span *span);
/* Of a record that was split, in this resource and scope. */
bool col_match_log(struct col_match *match, const struct col_log *log,
                   const struct col_resource *resource, const struct col_scope *scope);

#endif
