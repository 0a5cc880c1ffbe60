/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_POINTS_H
#define COL_PROCESSORS_POINTS_H

#include "collector-mock/wire/metrics.h"
#include "sdk/base/arena.h"

/*
 * The points of a metric or the events of a span one after another, each kept as it is, changed or
 * left out.
 *
 * Threads   no state.
 * Memory    what is changed stands in the arena.
 */

/* What becomes of a point: raw may be set to other bytes, *ret_keep to false. An error ends it. */
typedef enum otel_err col_point_fn(void *arg, const struct col_metric *metric,
                                   struct col_point *point, bool *ret_keep);

/* metric->raw and metric->points.count become what is left; the rest of *metric is as it was. */
OTEL_MUST_USE enum otel_err col_points_run(struct otl_arena *arena, struct col_metric *metric,
                                           col_point_fn *run, void *arg);

/* The same of an event, whose bytes are in *raw. */
typedef enum otel_err col_event_fn(void *arg, struct col_event *event, struct otl_view *raw,
                                   bool *ret_keep);

/* span->raw and span->events become what is left. */
OTEL_MUST_USE enum otel_err col_events_run(struct otl_arena *arena, struct col_span *span,
                                           col_event_fn *run, void *arg);

#endif
