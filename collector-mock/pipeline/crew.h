/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_CREW_H
#define COL_PIPELINE_CREW_H

#include <stdatomic.h>

#include "collector-mock/config/config.h"
#include "collector-mock/pipeline/component.h"
#include "collector-mock/pipeline/post.h"

/*
 * Several workers: threads with an event loop, a graph of components and numbers of their own.
 * What one has for another goes through the post; nothing else is shared but the tap's descriptor,
 * the receive budget and, where people look, the recent traces.
 *
 * Worker 0 is the thread that calls; it listens, and deals the connections out in turn. It has what
 * there is once: signals, /metrics, extensions, components of COL_FIRST.
 *
 * Life      new -> (graph of worker 0 made with its host) -> hire -> run (until drain, on worker 0)
 *           -> flush -> free.
 * Threads   that of worker 0.
 * Limits    COL_WORKERS_MAX; 256 MiB lie in all queues together, and a letter of each writer.
 */

struct hand;

struct col_crew {
    unsigned workers;
    struct col_post *post;
    struct col_graph *graphs[COL_WORKERS_MAX];
    struct hand *hands;
    struct col_tap_desk desk;
    bool desk_there;
    unsigned collects;     /* of telemetry/collect.h, under way */
    bool joined;           /* there are no threads: letters are delivered by hand */
    atomic_bool draining;  /* receivers are to end */
    atomic_bool over;      /* all of them have */
    atomic_uint undrained; /* receivers that have not */
};

/* host is worker 0's; it belongs to the crew from here on until free, which leaves it be. */
OTEL_MUST_USE enum otel_err col_crew_new(struct col_host *host, unsigned workers,
                                         struct col_crew **ret);
/* The others, behind worker 0, whose graph is lead; decisions as in col_service_options. */
OTEL_MUST_USE enum otel_err col_crew_hire(struct col_crew *crew, const struct col_config *config,
                                          struct col_graph *lead, const char *decisions,
                                          struct otl_detail *reterr);
/* OTEL_ERR_MEMORY: a thread could not be started; those that were have ended. */
OTEL_MUST_USE enum otel_err col_crew_run(struct col_crew *crew);
/* Receivers stop accepting and finish what is in hand, then run returns. */
void col_crew_drain(struct col_crew *crew);
/* As col_graph_flush(), for all graphs. */
OTEL_MUST_USE enum otel_err col_crew_flush(struct col_crew *crew, struct otl_detail *reterr);
/* Not worker 0's graph and host; may be NULL. */
void col_crew_free(struct col_crew *crew);
struct col_host *col_crew_host(struct col_crew *crew, unsigned worker);

#endif
