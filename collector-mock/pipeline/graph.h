/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_GRAPH_H
#define COL_PIPELINE_GRAPH_H

#include "collector-mock/config/config.h"

/*
 * The running components of a configuration, joined: receiver -> processors -> exporters.
 *
 * A receiver that stands in several pipelines gives each batch to all of them, a pipeline gives
 * it to all its exporters; the client hears of the worst result. Each pipeline has processors of
 * its own; exporters, connectors and receivers are shared. What no pipeline names is not made.
 *
 * With several workers each has a graph of the same configuration, with the same nodes under the
 * same numbers; before a node that is not every worker's own stands a route.
 *
 * Life      new (created and started, exporters first) -> drain -> flush -> free. The
 *           configuration must outlive it.
 * Threads   that of its worker's event loop; without one, any.
 */

struct col_graph;
struct col_route;

OTEL_MUST_USE enum otel_err col_graph_new(const struct col_config *config, struct col_host *host,
                                          struct col_graph **ret, struct otl_detail *reterr);
/* Receivers stop accepting; host->on_drained comes once for each of col_graph_receivers(). */
void col_graph_drain(struct col_graph *graph, uint64_t grace_ns);
size_t col_graph_receivers(const struct col_graph *graph);
/* Everything that was taken is written, in the order of its way; all are asked, the first error
 * is returned. */
OTEL_MUST_USE enum otel_err col_graph_flush(struct col_graph *graph, struct otl_detail *reterr);
void col_graph_free(struct col_graph *graph);

/* ---- for a crew ---- */

size_t col_graph_nodes(const struct col_graph *graph);
/* What stands before this node; NULL: nothing. */
struct col_route *col_graph_route(const struct col_graph *graph, size_t node);
/* Its flush waits for somebody on the network. */
bool col_graph_waits(const struct col_graph *graph, size_t node);
OTEL_MUST_USE enum otel_err col_graph_flush_node(struct col_graph *graph, size_t node,
                                                 struct otl_detail *reterr);

#endif
