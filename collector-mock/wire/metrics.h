/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_METRICS_H
#define COL_WIRE_METRICS_H

#include "collector-mock/wire/signal.h"

/*
 * Reads an OTLP ExportMetricsServiceRequest in place; all that traces.h says holds here, too.
 *
 *     struct col_traces metrics;
 *     struct col_metric metric;
 *     struct col_point point;
 *     col_items_init(&metrics, COL_METRICS, request);
 *     while (col_metrics_next(&metrics, &metric)) {
 *         struct col_list points = metric.points;
 *         while (col_point_next(metric.kind, &points, &point))
 *             ...
 *     }
 *     if (col_traces_error(&metrics, &detail) != OTEL_OK)
 *         ...
 *
 * A metric that comes out has been checked with all of its points and exemplars. Repeated numbers
 * are taken packed and one by one. Not judged: whether a histogram has one bucket more than
 * bounds, which the Collector does not ask either.
 */

/* The numbers are those of the fields of Metric. */
enum col_metric_kind {
    COL_METRIC_NONE = 0, /* no data, or of a kind that is newer than this reader */
    COL_METRIC_GAUGE = 5,
    COL_METRIC_SUM = 7,
    COL_METRIC_HISTOGRAM = 9,
    COL_METRIC_EXPONENTIAL = 10,
    COL_METRIC_SUMMARY = 11
};

enum { COL_TEMPORALITY_DELTA = 1, COL_TEMPORALITY_CUMULATIVE = 2 };

struct col_metric {
    struct otl_view raw; /* the Metric message */
    struct otl_view name;
    struct otl_view description;
    struct otl_view unit;
    struct col_list metadata; /* col_attribute_next */
    enum col_metric_kind kind;
    struct otl_view data;   /* the Gauge, Sum... message */
    struct col_list points; /* col_point_next */
    int32_t temporality;
    bool monotonic;
    const struct col_resource *resource;
    const struct col_scope *scope;
};

/* Repeated numbers. Iterating consumes it: iterate over a copy. */
struct col_numbers {
    struct col_cursor message; /* rest of the message they stand in */
    struct col_cursor packed;  /* rest of the packed run at hand */
    uint32_t field, wire;      /* wire: of one number that is not packed */
    uint64_t count;            /* numbers left */
};

struct col_buckets {
    int32_t offset;
    struct col_numbers counts;
};

enum col_number_kind { COL_NUMBER_NONE, COL_NUMBER_INT, COL_NUMBER_DOUBLE };

struct col_point {
    struct otl_view raw;
    struct col_list attributes;
    uint64_t start_time_unix_nano;
    uint64_t time_unix_nano;
    uint32_t flags;
    enum col_number_kind value_kind; /* gauge, sum */
    int64_t integer;
    double real;
    struct col_list exemplars; /* col_exemplar_next */
    uint64_t count;            /* histogram, exponential histogram, summary */
    double sum, min, max;
    bool has_sum, has_min, has_max; /* a summary's sum is always there */
    struct col_numbers bucket_counts, bounds; /* histogram: uint64, double */
    int32_t scale;                            /* exponential histogram */
    uint64_t zero_count;
    double zero_threshold;
    struct col_buckets positive, negative;
    struct col_list quantiles; /* summary: col_quantile_next */
};

struct col_exemplar {
    struct col_list attributes;
    uint64_t time_unix_nano;
    enum col_number_kind value_kind;
    int64_t integer;
    double real;
    uint8_t trace_id[16]; /* zero when absent */
    uint8_t span_id[8];
};

struct col_quantile {
    double quantile;
    double value;
};

/* The next metric, checked whole; false at the end and at the first fault. */
bool col_metrics_next(struct col_traces *metrics, struct col_metric *ret);
/* The same of a message that was checked before; resource and scope are NULL. */
void col_metric_split(struct otl_view raw, struct col_metric *ret);

bool col_point_next(enum col_metric_kind kind, struct col_list *list, struct col_point *ret);
/* One point message of a checked metric. */
void col_point_split(enum col_metric_kind kind, struct otl_view raw, struct col_point *ret);
bool col_exemplar_next(struct col_list *list, struct col_exemplar *ret);
bool col_quantile_next(struct col_list *list, struct col_quantile *ret);
/* Its bits: a double for bounds. */
bool col_number_next(struct col_numbers *numbers, uint64_t *ret);
bool col_real_next(struct col_numbers *numbers, double *ret);

/* The number of the field in which points of this kind hold their attributes. */
uint32_t col_point_attributes_field(enum col_metric_kind kind);

/* The metric with only count of its points, from the first'th (0: the first) on; appended to out.
 * Errors of otl_buf_append(). */
OTEL_MUST_USE enum otel_err col_metric_cut(const struct col_metric *metric, uint64_t first,
                                           uint64_t count, struct otl_buf *out);

#endif
