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

/* The same key for the same attributes in whatever order. */
static enum otel_err resource_key(struct col_spanmetrics *self, const struct col_resource *resource)
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
    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        struct otl_view text;
        char number[40];
        if (as_text(&sorted[i].value, number, &text))
            err = put_label(&self->resource_key, sorted[i].key.data, sorted[i].key.len, text);
    }
    return err;
}

static size_t find_resource(struct col_spanmetrics *self)
{
    const struct otl_buf *key = &self->resource_key;
    struct col_sm_resource *resource;

    for (size_t i = 0; i < self->resource_count; i++)
        if (self->resources[i].key_len == key->len &&
            memcmp(self->resources[i].key, key->data, key->len) == 0)
            return i;
    if (self->resource_count == self->resource_max)
        return SIZE_MAX;
    resource = &self->resources[self->resource_count];
    resource->key = otl_mem_alloc(key->len);
    if (resource->key == NULL)
        return SIZE_MAX;
    memcpy(resource->key, key->data, key->len);
    resource->key_len = key->len;
    return self->resource_count++;
}

size_t col_sm_resource(struct col_spanmetrics *self, const struct col_resource *resource)
{
    return resource_key(self, resource) == OTEL_OK ? find_resource(self) : SIZE_MAX;
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

static enum otel_err series_key(struct col_spanmetrics *self, const struct col_span *span,
                                struct otl_view service)
{
    const struct otl_view values[COL_SM_FIXED_COUNT] = {service, span->name,
                                                 otl_view_str(kind_name(span->kind)),
                                                 otl_view_str(status_name(span->status_code))};
    enum otel_err err = OTEL_OK;

    otl_buf_reset(&self->key);
    for (size_t f = 0; f < COL_SM_FIXED_COUNT && err == OTEL_OK; f++)
        if (self->fixed[f])
            err = put_label(&self->key, col_sm_fixed_names[f], strlen(col_sm_fixed_names[f]),
                            values[f]);
    for (size_t d = 0; d < self->dimension_count && err == OTEL_OK; d++) {
        struct col_value value;
        struct otl_view text;
        char number[40];
        bool found = col_attribute_find(&span->attributes, self->names[d], &value) ||
                     col_attribute_find(&span->resource->attributes, self->names[d], &value);
        if (found)
            found = as_text(&value, number, &text);
        if (!found && self->fallbacks[d] != NULL) {
            text = otl_view_str(self->fallbacks[d]);
            found = true;
        }
        if (found)
            err = put_label(&self->key, self->names[d], strlen(self->names[d]), text);
    }
    return err;
}

static uint32_t slot_of(const struct otl_buf *key, size_t resource)
{
    uint32_t hash = 2166136261u ^ (uint32_t)resource;

    for (size_t i = 0; i < key->len; i++)
        hash = (hash ^ (uint8_t)key->data[i]) * 16777619u;
    return hash % COL_SM_SLOTS;
}

static struct col_sm_series *look_up(const struct col_spanmetrics *self, size_t resource)
{
    struct col_sm_series *series = self->slots[slot_of(&self->key, resource)];

    while (series != NULL &&
           (series->resource != resource || series->key_len != self->key.len ||
            (self->key.len > 0 && memcmp(series->key, self->key.data, self->key.len) != 0)))
        series = series->chain;
    return series;
}

static struct col_sm_series *add_series(struct col_spanmetrics *self, size_t resource)
{
    struct col_sm_series **slot = &self->slots[slot_of(&self->key, resource)], *series;
    size_t size = sizeof(*series) + (self->bound_count + 1) * sizeof(series->buckets[0]);

    if (self->series_count == COL_SM_SERIES_MAX)
        return NULL;
    series = otl_mem_zalloc(size);
    if (series == NULL)
        return NULL;
    series->key = otl_mem_alloc(self->key.len + 1);
    series->exemplars = otl_mem_zalloc(
        (self->exemplars ? self->exemplar_max : 1) * sizeof(*series->exemplars));
    if (series->key == NULL || series->exemplars == NULL) {
        otl_mem_free(series->key);
        otl_mem_free(series->exemplars);
        otl_mem_free(series);
        return NULL;
    }
    if (self->key.len > 0)
        memcpy(series->key, self->key.data, self->key.len);
    series->key_len = self->key.len;
    series->resource = resource;
    series->next = self->resources[resource].first;
    self->resources[resource].first = series;
    self->resources[resource].count++;
    series->chain = *slot;
    *slot = series;
    self->series_count++;
    return series;
}

static struct col_sm_series *find_series(struct col_spanmetrics *self, size_t resource)
{
    struct col_sm_series *series = look_up(self, resource);

    if (series != NULL)
        return series;
    if (self->cardinality > 0 && self->resources[resource].count >= self->cardinality) {
        otl_buf_reset(&self->key);
        if (put_label(&self->key, "otel.metric.overflow", 20, otl_view_str("true")) != OTEL_OK)
            return NULL;
        series = look_up(self, resource);
        if (series != NULL)
            return series;
    }
    return add_series(self, resource);
}

struct col_sm_series *col_sm_series(struct col_spanmetrics *self, size_t resource,
                                    const struct col_span *span, struct otl_view service)
{
    return series_key(self, span, service) == OTEL_OK ? find_series(self, resource) : NULL;
}

void col_sm_series_fini(struct col_spanmetrics *self)
{
    for (size_t i = 0; i < self->resource_count; i++) {
        struct col_sm_series *series = self->resources[i].first;
        while (series != NULL) {
            struct col_sm_series *next = series->next;
            otl_mem_free(series->key);
            otl_mem_free(series->exemplars);
            otl_mem_free(series);
            series = next;
        }
        otl_mem_free(self->resources[i].key);
    }
    otl_mem_free(self->resources);
}
