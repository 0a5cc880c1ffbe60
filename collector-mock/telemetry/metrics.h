/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TELEMETRY_METRICS_H
#define COL_TELEMETRY_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * The collector's own numbers, and their Prometheus text.
 *
 * Names are given without "_total": counters get it in the text, unless it is not wanted.
 *
 * Life      new -> counter/gauge at start-up, ++*counter whenever -> free.
 * Threads   one: that of the event loop.
 * Memory    a series is a uint64_t inside the registry; the pointer holds until free.
 * Limits    COL_METRICS_MAX series; more are refused with NULL.
 */

struct col_metrics;

enum { COL_METRICS_MAX = 4096 };

/* service.telemetry.metrics.level: what is shown. */
enum col_metrics_level {
    COL_METRICS_BASIC = -1,
    COL_METRICS_NORMAL, /* the default */
    COL_METRICS_DETAILED
};

OTEL_MUST_USE enum otel_err col_metrics_new(struct col_metrics **ret);
void col_metrics_free(struct col_metrics *metrics);

/* The counter name{labels}; the same pointer for the same name and labels. labels are Prometheus
 * text without braces: receiver="otlp",transport="http"; "" for none. NULL: no memory or room. */
uint64_t *col_metrics_counter(struct col_metrics *metrics, const char *name, const char *labels,
                              const char *help);
uint64_t *col_metrics_gauge(struct col_metrics *metrics, const char *name, const char *labels,
                            const char *help);
/* A number that is asked for when it is shown; context outlives the registry's last write. */
typedef double col_metrics_read_fn(void *context);

struct col_metrics_source {
    const char *name;
    const char *labels;
    const char *help;
    bool counter; /* it only grows */
    col_metrics_read_fn *read;
    void *context;
};

OTEL_MUST_USE enum otel_err col_metrics_observe(struct col_metrics *metrics,
                                                const struct col_metrics_source *source);

/* What was observed, by upper bounds (ascending, at most COL_BUCKETS_MAX; they outlive the
 * registry); the same pointer for the same name and labels. */
enum { COL_BUCKETS_MAX = 24 };

struct col_histogram {
    const double *bounds;
    size_t count;
    uint64_t buckets[COL_BUCKETS_MAX + 1];
    uint64_t observations;
    double sum;
};

struct col_histogram_options {
    const char *name, *labels, *help;
    const double *bounds;
    size_t count;
};

/* What the Collector's batches are measured with. */
enum { COL_BOUNDS_OF_ITEMS = 22, COL_BOUNDS_OF_BYTES = 18 };
extern const double col_bounds_of_items[COL_BOUNDS_OF_ITEMS];
extern const double col_bounds_of_bytes[COL_BOUNDS_OF_BYTES];

struct col_histogram *col_metrics_histogram(struct col_metrics *metrics,
                                            const struct col_histogram_options *options);
/* histogram may be NULL. */
void col_histogram_observe(struct col_histogram *histogram, double value);

/* The value of a label, as it stands between quotes in labels. */
OTEL_MUST_USE enum otel_err col_metrics_label_text(struct otl_buf *out, const char *text);

/* Add what from shows to into, series by series: counters, gauges and histograms are sums. from is
 * not needed any more afterwards; into must not be counted in. */
OTEL_MUST_USE enum otel_err col_metrics_merge(struct col_metrics *into,
                                              const struct col_metrics *from);

/* Text exposition format 0.0.4; total: behind the names of counters. */
OTEL_MUST_USE enum otel_err col_metrics_write(const struct col_metrics *metrics, bool total,
                                              struct otl_buf *out);

#endif
