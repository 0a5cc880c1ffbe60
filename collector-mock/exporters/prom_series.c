/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/prom_series.h"

#include <string.h>

#include "sdk/base/mem.h"

void col_prom_series_free(struct col_prom_series *series)
{
    if (series == NULL)
        return;
    otl_mem_free(series->family);
    otl_mem_free(series->help);
    otl_mem_free(series->labels);
    otl_mem_free(series->values);
    otl_mem_free(series->bounds);
    otl_mem_free(series->buckets);
    otl_mem_free(series->exemplars);
    otl_mem_free(series);
}

static int order(const struct col_prom_series *series, const char *family, const char *labels)
{
    int names = strcmp(series->family, family);

    return names != 0 ? names : strcmp(series->labels, labels);
}

/* Where it stands, or would stand. */
static size_t place_of(const struct col_prom_table *self, const char *family, const char *labels)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (order(self->series[middle], family, labels) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct col_prom_series *col_prom_find(const struct col_prom_table *self, const char *family,
                                      const char *labels)
{
    size_t at = place_of(self, family, labels);

    return at < self->count && order(self->series[at], family, labels) == 0 ? self->series[at]
                                                                            : NULL;
}

void col_prom_remove(struct col_prom_table *self, const char *family, const char *labels)
{
    size_t at = place_of(self, family, labels);

    if (at == self->count || order(self->series[at], family, labels) != 0)
        return;
    col_prom_series_free(self->series[at]);
    self->count--;
    memmove(&self->series[at], &self->series[at + 1],
            (self->count - at) * sizeof(self->series[0]));
}

bool col_prom_keep(struct col_prom_table *self, struct col_prom_series *series)
{
    size_t low = place_of(self, series->family, series->labels);

    if (low < self->count && order(self->series[low], series->family, series->labels) == 0) {
        col_prom_series_free(self->series[low]);
        self->series[low] = series;
        return true;
    }
    if (self->count == self->cap) {
        size_t cap = self->cap > 0 ? 2 * self->cap : 64;
        struct col_prom_series **more = self->count < COL_PROM_SERIES_MAX
                                   ? otl_mem_realloc(self->series, cap * sizeof(*more))
                                   : NULL;
        if (more == NULL) {
            col_prom_series_free(series);
            return false;
        }
        self->series = more;
        self->cap = cap;
    }
    memmove(&self->series[low + 1], &self->series[low],
            (self->count - low) * sizeof(self->series[0]));
    self->series[low] = series;
    self->count++;
    return true;
}

struct col_prom_series *col_prom_series_new(enum col_prom_type type, const char *family,
                                            struct otl_view help, struct otl_view labels,
                                            uint64_t seen_ns)
{
    struct col_prom_series *series = otl_mem_zalloc(sizeof(*series));

    if (series == NULL)
        return NULL;
    series->type = type;
    series->family = otl_mem_strdup(family);
    series->help = otl_mem_strndup(help.len > 0 ? help.data : "", help.len);
    series->labels = otl_mem_strndup(labels.len > 0 ? labels.data : "", labels.len);
    series->seen_ns = seen_ns;
    if (series->family == NULL || series->help == NULL || series->labels == NULL) {
        col_prom_series_free(series);
        return NULL;
    }
    return series;
}

static bool copy_buckets(struct col_prom_series *series, const struct col_point *point)
{
    struct col_numbers bounds = point->bounds, counts = point->bucket_counts;
    uint64_t left = point->count;

    series->bound_count = counts.count > 0 ? (size_t)bounds.count : 0;
    series->bounds = otl_mem_zalloc((series->bound_count + 1) * sizeof(double));
    series->buckets = otl_mem_zalloc((series->bound_count + 1) * sizeof(uint64_t));
    if (series->bounds == NULL || series->buckets == NULL)
        return false;
    for (size_t i = 0; i < series->bound_count; i++) {
        if (!col_real_next(&bounds, &series->bounds[i]) ||
            !col_number_next(&counts, &series->buckets[i]))
            break;
        left -= series->buckets[i] < left ? series->buckets[i] : left;
    }
    series->buckets[series->bound_count] = left; /* above the last bound: all others */
    return true;
}

static bool copy_quantiles(struct col_prom_series *series, const struct col_point *point)
{
    struct col_list list = point->quantiles;
    struct col_quantile quantile;

    series->bounds = otl_mem_zalloc((list.count + 1) * sizeof(double));
    series->values = otl_mem_zalloc((list.count + 1) * sizeof(double));
    if (series->bounds == NULL || series->values == NULL)
        return false;
    while (col_quantile_next(&list, &quantile)) {
        series->bounds[series->bound_count] = quantile.quantile;
        series->values[series->bound_count++] = quantile.value;
    }
    return true;
}

static bool copy_exemplars(struct col_prom_series *series, const struct col_point *point)
{
    static const uint8_t none[16];
    struct col_list list = point->exemplars;
    struct col_exemplar exemplar;

    series->exemplars = otl_mem_zalloc((list.count + 1) * sizeof(*series->exemplars));
    if (series->exemplars == NULL)
        return false;
    while (col_exemplar_next(&list, &exemplar)) {
        struct col_prom_exemplar *to = &series->exemplars[series->exemplar_count];
        if (memcmp(exemplar.trace_id, none, sizeof(none)) == 0)
            continue;
        memcpy(to->trace_id, exemplar.trace_id, sizeof(to->trace_id));
        memcpy(to->span_id, exemplar.span_id, sizeof(to->span_id));
        to->value = exemplar.value_kind == COL_NUMBER_INT ? (double)exemplar.integer
                                                          : exemplar.real;
        to->wall_ns = exemplar.time_unix_nano;
        series->exemplar_count++;
    }
    return true;
}

bool col_prom_series_fill(struct col_prom_series *series, const struct col_point *point,
                          bool exemplars)
{
    bool good = true;

    series->count = point->count;
    series->sum = point->sum;
    series->start_ns = point->start_time_unix_nano;
    series->time_ns = point->time_unix_nano;
    series->value =
        point->value_kind == COL_NUMBER_INT ? (double)point->integer : point->real;
    if (series->type == COL_PROM_HISTOGRAM)
        good = copy_buckets(series, point);
    else if (series->type == COL_PROM_SUMMARY)
        good = copy_quantiles(series, point);
    return good && (!exemplars || copy_exemplars(series, point));
}

/* ---- delta points ---- */

static bool same_bounds(const struct col_prom_series *a, const struct col_prom_series *b)
{
    return a->bound_count == b->bound_count &&
           (a->bound_count == 0 ||
            memcmp(a->bounds, b->bounds, a->bound_count * sizeof(a->bounds[0])) == 0);
}

/* Histograms of other bounds do not go together: the newer one stands, which this one is. */
static void add_histogram(struct col_prom_series *series, const struct col_prom_series *before)
{
    if (!same_bounds(series, before))
        return;
    series->count += before->count;
    series->sum += before->sum;
    for (size_t i = 0; i <= series->bound_count; i++)
        series->buckets[i] += before->buckets[i];
}

bool col_prom_join(struct col_prom_series *series, const struct col_prom_series *before,
                   bool delta)
{
    bool histogram = series->type == COL_PROM_HISTOGRAM;

    if (before == NULL || before->type != series->type)
        return true;
    if (delta && series->start_ns == before->time_ns && series->time_ns >= before->time_ns) {
        series->start_ns = before->start_ns;
        if (histogram)
            add_histogram(series, before);
        else
            series->value += before->value;
        return true;
    }
    return delta && histogram ? series->start_ns > before->time_ns
                              : series->time_ns >= before->time_ns;
}

void col_prom_expire(struct col_prom_table *self, uint64_t now_ns, uint64_t expiration_ns)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->count; i++)
        if (now_ns - self->series[i]->seen_ns < expiration_ns)
            self->series[kept++] = self->series[i];
        else
            col_prom_series_free(self->series[i]);
    self->count = kept;
}

void col_prom_fini(struct col_prom_table *self)
{
    for (size_t i = 0; i < self->count; i++)
        col_prom_series_free(self->series[i]);
    otl_mem_free(self->series);
    *self = (struct col_prom_table){.series = NULL};
}
