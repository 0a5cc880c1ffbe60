/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"

struct series {
    char *name;
    char *labels;
    const char *help;
    bool counter;
    uint64_t value;
    double asked; /* sum of what others were asked for */
    bool was_asked;
    col_metrics_read_fn *read; /* NULL: value */
    void *context;
    struct col_histogram *histogram; /* NULL: a number */
};

struct col_metrics {
    struct series *series[COL_METRICS_MAX]; /* by family, in the order of registration */
    size_t count;
};

enum otel_err col_metrics_new(struct col_metrics **ret)
{
    struct col_metrics *metrics = otl_mem_zalloc(sizeof(*metrics));

    if (metrics == NULL)
        return OTEL_ERR_MEMORY;
    *ret = metrics;
    return OTEL_OK;
}

static void free_series(struct series *series)
{
    if (series == NULL)
        return;
    otl_mem_free(series->name);
    otl_mem_free(series->labels);
    otl_mem_free(series->histogram);
    otl_mem_free(series);
}

void col_metrics_free(struct col_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < metrics->count; i++)
        free_series(metrics->series[i]);
    otl_mem_free(metrics);
}

/* Behind the last series of the same family, so that the text has each family in one piece. */
static size_t place_of(const struct col_metrics *metrics, const char *name)
{
    for (size_t i = metrics->count; i > 0; i--)
        if (strcmp(metrics->series[i - 1]->name, name) == 0)
            return i;
    return metrics->count;
}

static struct series *get(struct col_metrics *metrics, const char *name, const char *labels,
                          const char *help, bool counter)
{
    struct series *series;
    size_t place = place_of(metrics, name);

    for (size_t i = 0; i < metrics->count; i++)
        if (strcmp(metrics->series[i]->name, name) == 0 &&
            strcmp(metrics->series[i]->labels, labels) == 0)
            return metrics->series[i];
    if (metrics->count == COL_METRICS_MAX)
        return NULL;
    series = otl_mem_zalloc(sizeof(*series));
    if (series == NULL)
        return NULL;
    series->name = otl_mem_strdup(name);
    series->labels = otl_mem_strdup(labels);
    series->help = help;
    series->counter = counter;
    if (series->name == NULL || series->labels == NULL) {
        free_series(series);
        return NULL;
    }
    memmove(metrics->series + place + 1, metrics->series + place,
            (metrics->count - place) * sizeof(metrics->series[0]));
    metrics->series[place] = series;
    metrics->count++;
    return series;
}

uint64_t *col_metrics_counter(struct col_metrics *metrics, const char *name, const char *labels,
                              const char *help)
{
    struct series *series = get(metrics, name, labels, help, true);

    return series ? &series->value : NULL;
}

uint64_t *col_metrics_gauge(struct col_metrics *metrics, const char *name, const char *labels,
                            const char *help)
{
    struct series *series = get(metrics, name, labels, help, false);

    return series ? &series->value : NULL;
}

enum otel_err col_metrics_observe(struct col_metrics *metrics,
                                  const struct col_metrics_source *source)
{
    struct series *series =
        get(metrics, source->name, source->labels, source->help, source->counter);

    if (series == NULL)
        return OTEL_ERR_MEMORY;
    series->read = source->read;
    series->context = source->context;
    return OTEL_OK;
}

const double col_bounds_of_items[COL_BOUNDS_OF_ITEMS] = {
    10,   25,   50,   75,   100,  250,  500,  750,   1000,  2000,  3000,
    4000, 5000, 6000, 7000, 8000, 9000, 10000, 20000, 30000, 50000, 100000};
const double col_bounds_of_bytes[COL_BOUNDS_OF_BYTES] = {
    128,   256,    512,    1024,   2048,    4096,    8192,    16384,   32768,
    65536, 131072, 262144, 524288, 1048576, 2097152, 4194304, 8388608, 16777216};

struct col_histogram *col_metrics_histogram(struct col_metrics *metrics,
                                            const struct col_histogram_options *options)
{
    struct series *series = get(metrics, options->name, options->labels, options->help, false);

    if (series == NULL || options->count > COL_BUCKETS_MAX)
        return NULL;
    if (series->histogram == NULL) {
        series->histogram = otl_mem_zalloc(sizeof(*series->histogram));
        if (series->histogram == NULL)
            return NULL;
        series->histogram->bounds = options->bounds;
        series->histogram->count = options->count;
    }
    return series->histogram;
}

void col_histogram_observe(struct col_histogram *histogram, double value)
{
    size_t bucket = 0;

    if (histogram == NULL)
        return;
    while (bucket < histogram->count && value > histogram->bounds[bucket])
        bucket++;
    histogram->buckets[bucket]++;
    histogram->observations++;
    histogram->sum += value;
}

enum otel_err col_metrics_label_text(struct otl_buf *out, const char *text)
{
    enum otel_err err = OTEL_OK;

    for (; *text != '\0' && err == OTEL_OK; text++) {
        if (*text == '"' || *text == '\\')
            err = otl_buf_append_byte(out, '\\');
        if (err == OTEL_OK && *text == '\n')
            err = otl_buf_append_str(out, "\\n");
        else if (err == OTEL_OK)
            err = otl_buf_append_byte(out, (uint8_t)*text);
    }
    return err;
}

/* As Go prints it, in which the Collector is written: the fewest digits that say the number, with
 * an exponent from a million on. */
static const char *bound_text(double bound, char out[32])
{
    int digits = 1;

    do
        snprintf(out, 32, "%.*e", digits - 1, bound);
    while (strtod(out, NULL) != bound && digits++ < 17);
    if (bound < 1e6)
        snprintf(out, 32, "%.*g", digits > 6 ? digits : 6, bound);
    return out;
}

static enum otel_err write_histogram(const struct series *series, struct otl_buf *out)
{
    const struct col_histogram *histogram = series->histogram;
    const char *labels = series->labels, *comma = labels[0] ? "," : "";
    unsigned long long sum = 0;
    enum otel_err err = OTEL_OK;
    char bound[32];

    for (size_t i = 0; i <= histogram->count && err == OTEL_OK; i++) {
        sum += histogram->buckets[i];
        if (i < histogram->count)
            err = otl_buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", series->name, labels,
                                 comma, bound_text(histogram->bounds[i], bound), sum);
        else
            err = otl_buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", series->name, labels,
                                 comma, sum);
    }
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "%s_sum%s%s%s %.17g\n%s_count%s%s%s %llu\n", series->name,
                             labels[0] ? "{" : "", labels, labels[0] ? "}" : "", histogram->sum,
                             series->name, labels[0] ? "{" : "", labels, labels[0] ? "}" : "",
                             (unsigned long long)histogram->observations);
    return err;
}

static enum otel_err write_series(const struct series *series, bool with_total, bool head,
                                  struct otl_buf *out)
{
    const char *total = series->counter && with_total ? "_total" : "";
    enum otel_err err = OTEL_OK;

    if (head)
        err = otl_buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", series->name, total,
                             series->help, series->name, total,
                             series->histogram ? "histogram"
                                               : series->counter ? "counter" : "gauge");
    if (err == OTEL_OK && series->histogram != NULL)
        return write_histogram(series, out);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "%s%s%s%s%s ", series->name, total,
                             series->labels[0] ? "{" : "", series->labels,
                             series->labels[0] ? "}" : "");
    if (err != OTEL_OK)
        return err;
    if (series->was_asked)
        return otl_buf_printf(out, "%.17g\n", series->asked + (double)series->value);
    if (series->read != NULL)
        return otl_buf_printf(out, "%.17g\n", series->read(series->context));
    return otl_buf_printf(out, "%llu\n", (unsigned long long)series->value);
}

static enum otel_err add_histogram(struct series *to, const struct col_histogram *from)
{
    if (to->histogram == NULL) {
        to->histogram = otl_mem_zalloc(sizeof(*to->histogram));
        if (to->histogram == NULL)
            return OTEL_ERR_MEMORY;
        to->histogram->bounds = from->bounds;
        to->histogram->count = from->count;
    }
    for (size_t i = 0; i <= from->count && from->count == to->histogram->count; i++)
        to->histogram->buckets[i] += from->buckets[i];
    to->histogram->observations += from->observations;
    to->histogram->sum += from->sum;
    return OTEL_OK;
}

enum otel_err col_metrics_merge(struct col_metrics *into, const struct col_metrics *from)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < from->count && err == OTEL_OK; i++) {
        const struct series *one = from->series[i];
        struct series *sum = get(into, one->name, one->labels, one->help, one->counter);
        if (sum == NULL)
            return OTEL_ERR_MEMORY;
        sum->value += one->value;
        sum->asked += one->asked;
        sum->was_asked = sum->was_asked || one->was_asked || one->read != NULL;
        if (one->read != NULL)
            sum->asked += one->read(one->context);
        if (one->histogram != NULL)
            err = add_histogram(sum, one->histogram);
    }
    return err;
}

enum otel_err col_metrics_write(const struct col_metrics *metrics, bool total, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < metrics->count && err == OTEL_OK; i++) {
        bool head = i == 0 || strcmp(metrics->series[i]->name, metrics->series[i - 1]->name) != 0;
        err = write_series(metrics->series[i], total, head, out);
    }
    return err;
}
