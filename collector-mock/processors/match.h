/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_MATCH_H
#define COL_PROCESSORS_MATCH_H

#include "collector-mock/pipeline/component.h"
#include "collector-mock/wire/traces.h"

/*
 * include and exclude of a processor: which spans, data points or log records it is for, by
 * service, name (of the span or the metric), kind, body, severity, attributes, resource attributes
 * and library, strict or by regular expressions. What a signal does not have is refused by name.
 * What one of the two names must all hold; of a list one is enough (of attributes and resources:
 * all).
 *
 * Life      new -> true... -> free.
 * Threads   one owner.
 */

struct col_match;

extern const struct otl_schema col_match_schema[]; /* the table of the keys of include, exclude */

/* What is asked about. A key is not in the configuration unless the signal has what it is of. */
struct col_match_subject {
    const struct col_resource *resource;
    const struct col_scope *scope;
    const struct col_list *attributes;
    struct otl_view name, severity;
    struct otl_view body; /* "": none that is a text */
    int32_t kind;
};

/* config may have include and exclude. OTEL_ERR_SYNTAX with the place. */
OTEL_MUST_USE enum otel_err col_match_new(const struct col_create *args, struct col_match **ret,
                                          struct otl_detail *reterr);
void col_match_free(struct col_match *match); /* may be NULL */
/* Is the processor for this one? */
bool col_match_true(struct col_match *match, const struct col_match_subject *subject);
bool col_match_span(struct col_match *match, const struct col_span *span);

#endif
