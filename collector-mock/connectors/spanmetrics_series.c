/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/connectors/spanmetrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"

/* ---- labels: name and value, each behind its length ---- */

static enum otel_err put_text(struct otl_buf *out, const char *data, size_t len)
{
    uint32_t size = (uint32_t)len;
    enum otel_err err = otl_buf_append(out, &size, sizeof(size));

    return err == OTEL_OK ? otl_buf_append(out, data, len) : err;
}

static enum otel_err put_label(struct otl_buf *out, const char *name, size_t name_len,
                               struct otl_view value)
{
    enum otel_err err = put_text(out, name, name_len);

    return err == OTEL_OK ? put_text(out, value.data, value.len) : err;
}

/* An attribute's value as text; false: it has none that is a label. */
static bool as_text(const struct col_value *value, char number[40], struct otl_view *ret)
{
    if (value->kind == COL_VALUE_STRING) {
        *ret = value->text;
        return true;
    }
    if (value->kind == COL_VALUE_BOOL)
        snprintf(number, 40, "%s", value->boolean ? "true" : "false");
    else if (value->kind == COL_VALUE_INT)
        snprintf(number, 40, "%" PRId64, value->integer);
    else if (value->kind == COL_VALUE_DOUBLE)
        for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads the same */
            snprintf(number, 40, "%.*g", digits, value->real);
            if (strtod(number, NULL) == value->real)
                break;
        }
    else
        return false;
    *ret = otl_view_str(number);
    return true;
}

size_t col_sm_labels(const char *key, size_t len, struct col_made_label labels[COL_SM_LABELS_MAX])
{
    size_t count = 0, at = 0;

    while (at < len && count < COL_SM_LABELS_MAX) {
        struct otl_view *parts[2] = {&labels[count].name, &labels[count].value};
        for (size_t i = 0; i < 2; i++) {
            uint32_t size;
            memcpy(&size, key + at, sizeof(size));
            *parts[i] = otl_view(key + at + sizeof(size), size);
            at += sizeof(size) + size;
        }
        count++;
    }
    return count;
}

static int by_name(const void *a, const void *b)
{
    const struct col_attribute *left = a, *right = b;
    size_t len = left->key.len < right->key.len ? left->key.len : right->key.len;
    int order = len > 0 ? memcmp(left->key.data, right->key.data, len) : 0;

    return order != 0 ? order : (left->key.len > right->key.len) - (left->key.len < right->key.len);
}

static bool is_key(const struct col_spanmetrics *self, struct otl_view name)
{
    for (size_t i = 0; i < self->key_count; i++)
        if (otl_view_is(name, self->keys[i]))
            return true;
    return self->key_count == 0;
}

/* The same texts for the same attributes in whatever order: those that tell resources apart, and
 * all of them. */
static enum otel_err resource_texts(struct col_spanmetrics *self,
                                    const struct col_resource *resource)
{
    struct col_attribute sorted[COL_SM_LABELS_MAX];
    struct col_list list = resource->attributes;
    enum otel_err err = OTEL_OK;
    size_t count = 0;

    while (count < COL_SM_LABELS_MAX && col_attribute_next(&list, &sorted[count]))
        count++;
    if (count > 0)
        qsort(sorted, count, sizeof(sorted[0]), by_name);
    otl_buf_reset(&self->resource_key);
    otl_buf_reset(&self->resource_labels);
    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        const struct otl_view name = sorted[i].key;
        struct otl_view text;
        char number[40];
        if (!as_text(&sorted[i].value, number, &text))
            continue;
        err = put_label(&self->resource_labels, name.data, name.len, text);
        if (err == OTEL_OK && is_key(self, name))
            err = put_label(&self->resource_key, name.data, name.len, text);
    }
    return err;
}

static bool copy_text(const struct otl_buf *from, char **ret, size_t *ret_len)
{
    *ret = otl_mem_alloc(from->len + 1);
    if (*ret == NULL)
        return false;
    if (from->len > 0)
        memcpy(*ret, from->data, from->len);
    *ret_len = from->len;
    return true;
}

static size_t find_resource(struct col_spanmetrics *self)
{
    const struct otl_buf *key = &self->resource_key;
    struct col_sm_resource *resource;

    for (size_t i = 0; i < self->resource_count; i++)
        if (self->resources[i].key_len == key->len &&
            (key->len == 0 || memcmp(self->resources[i].key, key->data, key->len) == 0))
            return i;
    if (self->resource_count == self->resource_max)
        return SIZE_MAX;
    resource = &self->resources[self->resource_count];
    memset(resource, 0, sizeof(*resource));
    if (!copy_text(key, &resource->key, &resource->key_len) ||
        !copy_text(&self->resource_labels, &resource->labels, &resource->labels_len)) {
        otl_mem_free(resource->key);
        return SIZE_MAX;
    }
    return self->resource_count++;
}

size_t col_sm_resource(struct col_spanmetrics *self, const struct col_resource *resource)
{
    size_t found = resource_texts(self, resource) == OTEL_OK ? find_resource(self) : SIZE_MAX;

    if (found == SIZE_MAX)
        return found;
    self->resources[found].seen_ns = otl_clock_mono(self->create.host->clock);
    self->resources[found].leaving = false;
    return found;
}

static const char *kind_name(int32_t kind)
{
    static const char *const names[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                        "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                        "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};

    return kind >= 0 && kind <= 5 ? names[kind] : "";
}

static const char *status_name(int32_t code)
{
    static const char *const names[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                        "STATUS_CODE_ERROR"};

    return code >= 0 && code <= 2 ? names[code] : "";
}

/* An attribute of the span goes before one of the event, and that before one of the resource. */
static bool find_dimension(const struct col_sm_subject *subject, const char *name,
                           struct col_value *ret)
{
    return col_attribute_find(&subject->span->attributes, name, ret) ||
           (subject->event != NULL && col_attribute_find(&subject->event->attributes, name, ret)) ||
           col_attribute_find(&subject->span->resource->attributes, name, ret);
}

static enum otel_err put_dimensions(struct col_spanmetrics *self,
                                    const struct col_sm_dimensions *dimensions,
                                    const struct col_sm_subject *subject)
{
    enum otel_err err = OTEL_OK;

    for (size_t d = 0; d < dimensions->count && err == OTEL_OK; d++) {
        const char *name = dimensions->names[d];
        struct col_value value;
        struct otl_view text;
        char number[40];
        bool found = find_dimension(subject, name, &value);
        if (found)
            found = as_text(&value, number, &text);
        if (!found && dimensions->fallbacks[d] != NULL) {
            text = otl_view_str(dimensions->fallbacks[d]);
            found = true;
        }
        if (found)
            err = put_label(&self->key, name, strlen(name), text);
    }
    return err;
}

static enum otel_err series_key(struct col_spanmetrics *self, unsigned metric,
                                const struct col_sm_subject *subject)
{
    const struct col_span *span = subject->span;
    const struct otl_view values[COL_SM_FIXED_COUNT] = {
        subject->service, span->name, otl_view_str(kind_name(span->kind)),
        otl_view_str(status_name(span->status_code))};
    enum otel_err err = OTEL_OK;

    otl_buf_reset(&self->key);
    for (size_t f = 0; f < COL_SM_FIXED_COUNT && err == OTEL_OK; f++)
        if (self->fixed[f])
            err = put_label(&self->key, col_sm_fixed_names[f], strlen(col_sm_fixed_names[f]),
                            values[f]);
    if (err == OTEL_OK)
        err = put_dimensions(self, &self->dimensions, subject);
    return err == OTEL_OK ? put_dimensions(self, &self->more[metric], subject) : err;
}

uint32_t col_sm_slot(const char *key, size_t len, size_t resource, unsigned metric)
{
    uint32_t hash = 2166136261u ^ (uint32_t)(resource * COL_SM_METRICS + metric);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)key[i]) * 16777619u;
    return hash % COL_SM_SLOTS;
}

static struct col_sm_series **slot_at_hand(struct col_spanmetrics *self, size_t resource,
                                           unsigned metric)
{
    return &self->slots[col_sm_slot(self->key.data, self->key.len, resource, metric)];
}

static struct col_sm_series *look_up(struct col_spanmetrics *self, size_t resource,
                                     unsigned metric)
{
    struct col_sm_series *series = *slot_at_hand(self, resource, metric);

    while (series != NULL &&
           (series->resource != resource || series->metric != metric ||
            series->key_len != self->key.len ||
            (self->key.len > 0 && memcmp(series->key, self->key.data, self->key.len) != 0)))
        series = series->chain;
    return series;
}

static size_t buckets_of(const struct col_spanmetrics *self, unsigned metric)
{
    if (metric != COL_SM_DURATION)
        return 0;
    return self->exponential_max > 0 ? self->exponential_max : self->bound_count + 1;
}

static struct col_sm_series *new_series(struct col_spanmetrics *self, unsigned metric)
{
    size_t buckets = buckets_of(self, metric);
    struct col_sm_series *series =
        otl_mem_zalloc(sizeof(*series) + buckets * sizeof(series->buckets[0]));

    if (series == NULL)
        return NULL;
    series->exemplars = otl_mem_zalloc(
        (self->exemplars ? self->exemplar_max : 1) * sizeof(*series->exemplars));
    if (series->exemplars == NULL || !copy_text(&self->key, &series->key, &series->key_len)) {
        otl_mem_free(series->exemplars);
        otl_mem_free(series);
        return NULL;
    }
    series->metric = metric;
    series->start_wall_ns = otl_clock_wall(self->create.host->clock);
    if (buckets > 0 && self->exponential_max > 0)
        col_exponential_begin(&series->exponential, series->buckets, buckets);
    return series;
}

static struct col_sm_series *add_series(struct col_spanmetrics *self, size_t resource,
                                        unsigned metric)
{
    struct col_sm_series **slot = slot_at_hand(self, resource, metric), *series;

    if (self->series_count[metric] == COL_SM_SERIES_MAX)
        return NULL;
    series = new_series(self, metric);
    if (series == NULL)
        return NULL;
    series->resource = resource;
    series->next = self->resources[resource].first[metric];
    self->resources[resource].first[metric] = series;
    series->chain = *slot;
    *slot = series;
    self->series_count[metric]++;
    return series;
}

static struct col_sm_series *find_series(struct col_spanmetrics *self, size_t resource,
                                         unsigned metric)
{
    struct col_sm_series *series = look_up(self, resource, metric);
    size_t live = self->resources[resource].live[metric];
    bool over = self->cardinality > 0 && live >= self->cardinality;

    if (over && (series == NULL || !series->live)) {
        otl_buf_reset(&self->key);
        if (put_label(&self->key, "otel.metric.overflow", 20, otl_view_str("true")) != OTEL_OK)
            return NULL;
        series = look_up(self, resource, metric);
    }
    if (series == NULL)
        series = add_series(self, resource, metric);
    if (series != NULL)
        series->overflow = over && !series->live ? true : series->overflow;
    return series;
}

struct col_sm_series *col_sm_series(struct col_spanmetrics *self, size_t resource, unsigned metric,
                                    const struct col_sm_subject *subject)
{
    struct col_sm_series *series = NULL;

    if (series_key(self, metric, subject) == OTEL_OK)
        series = find_series(self, resource, metric);
    if (series == NULL)
        return NULL;
    self->resources[resource].live[metric] += !series->live;
    series->live = true;
    series->seen_ns = otl_clock_mono(self->create.host->clock);
    return series;
}
