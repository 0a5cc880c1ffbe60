/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_REGROUP_H
#define COL_WIRE_REGROUP_H

#include "collector-mock/wire/signal.h"

/*
 * Put chosen items (spans, metrics, log records) into a new request. Items, resources and scopes
 * are copied as the bytes they are; only the groups around them are written anew.
 *
 * Not needed to join whole requests: their bytes one after another are a request.
 *
 * Life      init -> add... -> finish (the request is in out; add may begin the next one) -> fini.
 * Threads   one owner.
 * Memory    what is added is copied.
 * Limits    out never exceeds max bytes. Unknown fields of the two group messages are not kept.
 */

struct col_regroup {
    struct otl_buf out;
    struct otl_buf scopes; /* finished scopes of the open resource */
    struct otl_buf items;  /* of the open scope */
    struct otl_buf part;   /* of a metric */
    struct col_resource resource;
    struct col_scope scope;
    uint64_t resource_number, scope_number; /* of the iterator; 0: none is open */
    uint64_t count; /* spans, points or records since the last finish */
    bool begun;     /* anything was added since then */
};

void col_regroup_init(struct col_regroup *regroup, size_t max);
void col_regroup_fini(struct col_regroup *regroup);
/* items is the iterator that gave item; what it points to must hold until finish.
 * Of a group's items the last one's resource and scope are written: what is set on one is so for
 * all of the group. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_regroup_item(struct col_regroup *regroup,
                                             const struct col_traces *items,
                                             const struct col_item *item);
/* Of a metric only count of its points, from the first'th (0: the first) on. */
OTEL_MUST_USE enum otel_err col_regroup_part(struct col_regroup *regroup,
                                             const struct col_traces *items,
                                             const struct col_item *item, uint64_t first,
                                             uint64_t count);
/* The first count spans, points or records of a request of this signal. */
OTEL_MUST_USE enum otel_err col_regroup_first(struct col_regroup *regroup, enum col_signal signal,
                                              struct otl_view request, uint64_t count);
/* The same of a span. */
OTEL_MUST_USE enum otel_err col_regroup_add(struct col_regroup *regroup,
                                            const struct col_traces *traces,
                                            const struct col_span *span);
/* The request so far; a view that holds until the next add. */
OTEL_MUST_USE enum otel_err col_regroup_finish(struct col_regroup *regroup, struct otl_view *ret);

#endif
