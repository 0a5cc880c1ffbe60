/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_ROUTE_H
#define COL_PIPELINE_ROUTE_H

#include "collector-mock/pipeline/component.h"

/*
 * What stands before a component that is not every worker's own: it hands spans over to the worker
 * that owns their trace, or to worker 0.
 *
 * A batch goes over whole or is refused whole, as unavailable: while a queue that it needs is
 * full. A request whose spans have several owners is cut; one that has one owner alone is handed
 * on as the bytes it is.
 *
 * Life      new -> consume... -> free.
 * Threads   that of its worker; taken_over on that of its worker as well.
 * Errors    of the component itself reach the client only for the spans that this worker owns; for
 *           others it was answered before: they are counted as lost, and logged.
 *
 * In /metrics, each with component: collector_mock_worker_handed_over_spans, _taken_over_spans
 * (what is between them is in a queue), _refused_spans (with reason), _lost_spans.
 */

struct col_route;

struct col_route_options {
    const char *id;   /* of the component; lives as long as this */
    size_t node;      /* its number in the graph, the same in all workers */
    enum col_place place;
    struct col_host *host;
    enum col_signal signal; /* of what comes */
};

OTEL_MUST_USE enum otel_err col_route_new(const struct col_route_options *options,
                                          struct col_route **ret, struct otl_detail *reterr);
void col_route_free(struct col_route *route); /* may be NULL */
/* Where spans go that this worker owns; without it all are handed over. */
void col_route_own(struct col_route *route, struct col_consumer own);
/* All goes to worker 0. */
bool col_route_is_first(const struct col_route *route);
/* self is a struct col_route. */
enum otel_err col_route_consume(void *self, const struct col_batch *batch,
                                struct otl_detail *reterr);

#endif
