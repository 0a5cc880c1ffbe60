/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_METRIC_H
#define COL_PIPELINE_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * Metrics on their way through a pipeline: what one resource measured, as values, not as OTLP.
 *
 * Not for metrics off the network: no receiver reads them yet. They come from connectors.
 *
 * Memory    all of it belongs to the producer and holds during the call: who keeps something
 *           copies it. Sums and histograms are cumulative; sums are monotonic.
 */

struct col_label {
    struct otl_view name, value;
};

struct col_exemplar {
    uint8_t trace_id[16], span_id[8];
    double value;
};

struct col_point {
    const struct col_label *labels;
    size_t label_count;
    uint64_t count;          /* sum: its value; histogram: observations */
    double sum;              /* histogram */
    const uint64_t *buckets; /* histogram: bound_count + 1, each its own observations */
    const struct col_exemplar *exemplars;
    size_t exemplar_count;
};

enum col_metric_kind { COL_METRIC_SUM, COL_METRIC_HISTOGRAM };

struct col_metric {
    enum col_metric_kind kind;
    const char *name, *unit;
    const double *bounds; /* histogram: upper ones, ascending */
    size_t bound_count;
    const struct col_point *points;
    size_t point_count;
};

struct col_metric_batch {
    const struct col_label *resource;
    size_t resource_count;
    const char *scope;
    const struct col_metric *metrics;
    size_t metric_count;
    uint64_t points;  /* of all metrics; never 0 */
    uint64_t wall_ns; /* the time of every point and exemplar */
};

#endif
