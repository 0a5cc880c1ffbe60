/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONNECTORS_MADE_METRIC_H
#define COL_CONNECTORS_MADE_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector-mock/connectors/exponential.h"
#include "sdk/base/buf.h"

/*
 * Metrics that a connector has made, as values, and the OTLP request that says them.
 *
 * Memory    all of it belongs to the connector and holds during the call. Sums are monotonic.
 */

struct col_made_label {
    struct otl_view name, value; /* value without data: the boolean true */
};

struct col_made_exemplar {
    uint8_t trace_id[16], span_id[8];
    double value;
};

struct col_made_point {
    const struct col_made_label *labels;
    size_t label_count;
    uint64_t start_wall_ns;  /* since when is counted */
    uint64_t count;          /* sum: its value; histogram: observations */
    double sum;              /* histogram */
    const uint64_t *buckets; /* histogram: bound_count + 1, each its own observations */
    const struct col_exponential *exponential; /* of such a histogram */
    const struct col_made_exemplar *exemplars;
    size_t exemplar_count;
};

enum col_made_kind { COL_MADE_SUM, COL_MADE_HISTOGRAM, COL_MADE_EXPONENTIAL };

struct col_made_metric {
    enum col_made_kind kind;
    const char *name, *unit;
    const double *bounds; /* histogram: upper ones, ascending */
    size_t bound_count;
    const struct col_made_point *points;
    size_t point_count;
};

struct col_made_batch {
    const struct col_made_label *resource;
    size_t resource_count;
    const char *scope;
    const struct col_made_metric *metrics;
    size_t metric_count;
    uint64_t points;  /* of all metrics; never 0 */
    bool delta;       /* points say what was counted since the last ones */
    uint64_t wall_ns; /* the time of every point and exemplar */
};

/* An ExportMetricsServiceRequest, appended to out. Errors of otl_buf_append(). */
OTEL_MUST_USE enum otel_err col_made_encode(const struct col_made_batch *batch,
                                            struct otl_buf *out);

#endif
