/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/connectors/made_metric.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/trace_state.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/*
 * span_metrics connector (spanmetrics is its old name): calls and duration of spans, by service,
 * name, kind, status and the dimensions of the configuration, each resource apart.
 *
 * As in the Collector: spans of a resource without service.name count for nothing; an end before
 * the start is a duration of 0; an attribute of the span goes before one of the resource, and that
 * before the default; exemplars belong to one interval and are gone after it; a span that a sampler
 * kept for others (ot=th in its tracestate) counts for them too. What is counted goes on every
 * metrics_flush_interval, and once more at the end.
 *
 * Different: over resource_metrics_cache_size a new resource is not counted (the Collector forgets
 * the oldest); series have a maximum also without aggregation_cardinality_limit; an attribute that
 * is a list, a map or bytes is taken as absent.
 */

enum { SERIES_MAX = 50000, BOUNDS_MAX = 64, DIMENSIONS_MAX = 32, SLOTS = 4096, LABELS_MAX = 256,
       EXEMPLARS_MAX = 64, TEXT_MAX = 1 << 20, REQUEST_MAX = 1 << 30, KEEP_BYTES = 1 << 20 };

enum fixed { SERVICE, NAME, KIND, STATUS, FIXED_COUNT };
static const char *const fixed_names[FIXED_COUNT] = {"service.name", "span.name", "span.kind",
                                                     "status.code"};

struct series {
    struct series *next, *chain; /* of its resource; of its slot */
    size_t resource;
    char *key;                   /* the labels, as put_label() writes them */
    size_t key_len;
    uint64_t count;
    double sum;
    struct col_made_exemplar *exemplars; /* of this interval */
    size_t exemplar_count;
    uint64_t buckets[];          /* bound_count + 1 */
};

struct resource {
    char *key;
    size_t key_len;
    struct series *first;
    size_t count;
};

struct spanmetrics {
    struct col_create create;
    double bounds[BOUNDS_MAX], unit_ns;
    size_t bound_count;
    bool fixed[FIXED_COUNT], seconds, histogram, exemplars;
    const char *names[DIMENSIONS_MAX], *fallbacks[DIMENSIONS_MAX];
    size_t dimension_count, exemplar_max, resource_max, cardinality, resource_count;
    uint64_t interval_ns;
    char calls[256], duration[256];
    struct resource *resources;
    struct series *slots[SLOTS];
    size_t series_count;
    struct otl_buf resource_key, key;
    struct otl_buf request; /* that is handed on */
    uint64_t start_wall_ns;
    struct event *timer;
    uint64_t *nameless, *over, *lost;
    struct otl_random random;
};

static const char *const units[] = {"ms", "s", NULL};
static const char *const temporalities[] = {"AGGREGATION_TEMPORALITY_CUMULATIVE",
                                            "AGGREGATION_TEMPORALITY_DELTA", NULL};
static const char *const excludable[] = {"service.name", "span.name", "span.kind", "status.code",
                                         "collector.instance.id" /* never set here */, NULL};
static const char *const not_yet[] = {
    "events", "metrics_expiration", "series_expiration", "resource_metrics_key_attributes",
    "delta_temporality", "calls_dimensions", "instrumentation_scope", NULL};

#define TAKEN(name) {.key = (name), .type = OTL_SCHEMA_ANY, .nullable = true}
static const struct otl_schema bound = {.type = OTL_SCHEMA_DURATION};
static const struct otl_schema word = {.type = OTL_SCHEMA_ENUM, .words = excludable};
static const struct otl_schema explicit_keys[] = {
    {.key = "buckets", .type = OTL_SCHEMA_LIST, .child = &bound, .max = BOUNDS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema histogram_keys[] = {
    {.key = "disable", .type = OTL_SCHEMA_BOOL},
    {.key = "unit", .type = OTL_SCHEMA_ENUM, .words = units},
    {.key = "explicit", .type = OTL_SCHEMA_MAP, .child = explicit_keys, .nullable = true},
    TAKEN("exponential"), TAKEN("dimensions"), OTL_SCHEMA_END};
static const struct otl_schema dimension_keys[] = {
    {.key = "name", .type = OTL_SCHEMA_STRING, .required = true, .min = 1},
    {.key = "default", .type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
static const struct otl_schema dimension = {.type = OTL_SCHEMA_MAP, .child = dimension_keys};
static const struct otl_schema exemplar_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL},
    {.key = "max_per_data_point", .type = OTL_SCHEMA_INT, .min = 1, .max = EXEMPLARS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "histogram", .type = OTL_SCHEMA_MAP, .child = histogram_keys, .nullable = true},
    {.key = "dimensions", .type = OTL_SCHEMA_LIST, .child = &dimension, .max = DIMENSIONS_MAX},
    {.key = "exclude_dimensions", .type = OTL_SCHEMA_LIST, .child = &word},
    {.key = "dimensions_cache_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 1 << 30},
    {.key = "resource_metrics_cache_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 100000},
    {.key = "aggregation_temporality", .type = OTL_SCHEMA_ENUM, .words = temporalities},
    {.key = "aggregation_cardinality_limit", .type = OTL_SCHEMA_UINT, .max = SERIES_MAX},
    {.key = "namespace", .type = OTL_SCHEMA_STRING, .max = 200},
    {.key = "metrics_flush_interval", .type = OTL_SCHEMA_DURATION, .min = 1},
    {.key = "exemplars", .type = OTL_SCHEMA_MAP, .child = exemplar_keys, .nullable = true},
    TAKEN("events"), TAKEN("metrics_expiration"), TAKEN("series_expiration"),
    TAKEN("resource_metrics_key_attributes"), TAKEN("delta_temporality"),
    TAKEN("calls_dimensions"), TAKEN("instrumentation_scope"), OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* ---- settings ---- */

static enum otel_err wrong(const struct col_create *args, const json_t *map, const char *key,
                           const char *why, struct otl_detail *reterr)
{
    return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, map, key), "connector '%s': '%s': %s",
                          args->id, key, why);
}

static enum otel_err check_not_yet(const struct col_create *args, const json_t *histogram,
                                   struct otl_detail *reterr)
{
    static const char *const of_histogram[] = {"exponential", "dimensions"};

    for (size_t i = 0; not_yet[i] != NULL; i++) {
        const json_t *value = json_object_get(args->config, not_yet[i]);
        if (value != NULL && !json_is_null(value) && !json_is_false(value) &&
            !(json_is_integer(value) && json_integer_value(value) == 0))
            return wrong(args, args->config, not_yet[i], "is not supported here yet", reterr);
    }
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(histogram, of_histogram[i]);
        if (value != NULL && !json_is_null(value))
            return wrong(args, histogram, of_histogram[i], "is not supported here yet", reterr);
    }
    if (strcmp(otl_tree_text(args->config, "aggregation_temporality", temporalities[0]),
               temporalities[0]) != 0)
        return wrong(args, args->config, "aggregation_temporality",
                     "only AGGREGATION_TEMPORALITY_CUMULATIVE is supported here so far", reterr);
    return OTEL_OK;
}

static enum otel_err read_buckets(struct spanmetrics *self, const json_t *histogram,
                                  struct otl_detail *reterr)
{
    static const double defaults_ms[] = {2,   4,   6,    8,    10,   50,   100,   200,
                                         400, 800, 1000, 1400, 2000, 5000, 10000, 15000};
    const json_t *section = json_object_get(histogram, "explicit");
    const json_t *buckets = json_object_get(section, "buckets");

    self->histogram = !otl_tree_bool(histogram, "disable", false);
    self->seconds = strcmp(otl_tree_text(histogram, "unit", "ms"), "s") == 0;
    self->unit_ns = self->seconds ? 1e9 : 1e6;
    if (buckets == NULL) {
        self->bound_count = sizeof(defaults_ms) / sizeof(defaults_ms[0]);
        for (size_t i = 0; i < self->bound_count; i++)
            self->bounds[i] = self->seconds ? defaults_ms[i] / 1000 : defaults_ms[i];
        return OTEL_OK;
    }
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        json_t *item = json_array_get(buckets, i), *map = json_pack("{s:O}", "x", item);
        if (map == NULL)
            return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
        self->bounds[i] = (double)otl_tree_duration_ns(map, "x", 0) / self->unit_ns;
        json_decref(map);
        if (i > 0 && self->bounds[i] <= self->bounds[i - 1])
            return wrong(&self->create, section, "buckets", "the bounds must ascend", reterr);
    }
    self->bound_count = json_array_size(buckets);
    return OTEL_OK;
}

static enum otel_err read_dimensions(struct spanmetrics *self, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(self->create.config, "dimensions");
    const json_t *without = json_object_get(self->create.config, "exclude_dimensions");

    for (size_t f = 0; f < FIXED_COUNT; f++) {
        self->fixed[f] = true;
        for (size_t i = 0; i < json_array_size(without); i++)
            if (strcmp(json_string_value(json_array_get(without, i)), fixed_names[f]) == 0)
                self->fixed[f] = false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = otl_tree_text(item, "name", "");
        bool again = false;
        for (size_t f = 0; f < FIXED_COUNT; f++)
            again = again || strcmp(fixed_names[f], name) == 0;
        for (size_t d = 0; d < i; d++)
            again = again || strcmp(self->names[d], name) == 0;
        if (again)
            return otl_yaml_error(reterr, otl_yaml_item_pos(self->create.doc, list, i),
                                  "connector '%s': duplicate dimension name '%s'",
                                  self->create.id, name);
        self->names[i] = name;
        self->fallbacks[i] = otl_tree_text(item, "default", NULL);
        self->dimension_count++;
    }
    return OTEL_OK;
}

static enum otel_err read_settings(struct spanmetrics *self, struct otl_detail *reterr)
{
    const json_t *config = self->create.config;
    const json_t *histogram = json_object_get(config, "histogram");
    const json_t *exemplars = json_object_get(config, "exemplars");
    const char *space = otl_tree_text(config, "namespace", "traces.span.metrics");
    enum otel_err err = check_not_yet(&self->create, histogram, reterr);

    if (err == OTEL_OK)
        err = read_buckets(self, histogram, reterr);
    if (err == OTEL_OK)
        err = read_dimensions(self, reterr);
    snprintf(self->calls, sizeof(self->calls), "%s%scalls", space, space[0] ? "." : "");
    snprintf(self->duration, sizeof(self->duration), "%s%sduration", space, space[0] ? "." : "");
    self->exemplars = otl_tree_bool(exemplars, "enabled", false);
    self->exemplar_max = (size_t)otl_tree_int(exemplars, "max_per_data_point", 5);
    self->resource_max = (size_t)otl_tree_int(config, "resource_metrics_cache_size", 1000);
    self->cardinality = (size_t)otl_tree_int(config, "aggregation_cardinality_limit", 0);
    self->interval_ns = otl_tree_duration_ns(config, "metrics_flush_interval", 60 * OTL_NS_PER_S);
    return err;
}

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

static size_t get_labels(const char *key, size_t len, struct col_made_label labels[LABELS_MAX])
{
    size_t count = 0, at = 0;

    while (at < len && count < LABELS_MAX) {
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

/* ---- counting ---- */

static int by_name(const void *a, const void *b)
{
    const struct col_attribute *left = a, *right = b;
    size_t len = left->key.len < right->key.len ? left->key.len : right->key.len;
    int order = len > 0 ? memcmp(left->key.data, right->key.data, len) : 0;

    return order != 0 ? order : (left->key.len > right->key.len) - (left->key.len < right->key.len);
}

/* The same key for the same attributes in whatever order. */
static enum otel_err resource_key(struct spanmetrics *self, const struct col_resource *resource)
{
    struct col_attribute sorted[LABELS_MAX];
    struct col_list list = resource->attributes;
    enum otel_err err = OTEL_OK;
    size_t count = 0;

    while (count < LABELS_MAX && col_attribute_next(&list, &sorted[count]))
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

/* SIZE_MAX: no room. */
static size_t find_resource(struct spanmetrics *self)
{
    const struct otl_buf *key = &self->resource_key;
    struct resource *resource;

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

static enum otel_err series_key(struct spanmetrics *self, const struct col_span *span,
                                struct otl_view service)
{
    const struct otl_view values[FIXED_COUNT] = {service, span->name,
                                                 otl_view_str(kind_name(span->kind)),
                                                 otl_view_str(status_name(span->status_code))};
    enum otel_err err = OTEL_OK;

    otl_buf_reset(&self->key);
    for (size_t f = 0; f < FIXED_COUNT && err == OTEL_OK; f++)
        if (self->fixed[f])
            err = put_label(&self->key, fixed_names[f], strlen(fixed_names[f]), values[f]);
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
    return hash % SLOTS;
}

static struct series *look_up(const struct spanmetrics *self, size_t resource)
{
    struct series *series = self->slots[slot_of(&self->key, resource)];

    while (series != NULL &&
           (series->resource != resource || series->key_len != self->key.len ||
            (self->key.len > 0 && memcmp(series->key, self->key.data, self->key.len) != 0)))
        series = series->chain;
    return series;
}

static struct series *add_series(struct spanmetrics *self, size_t resource)
{
    struct series **slot = &self->slots[slot_of(&self->key, resource)], *series;
    size_t size = sizeof(*series) + (self->bound_count + 1) * sizeof(series->buckets[0]);

    if (self->series_count == SERIES_MAX)
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

/* With the limit reached: one series for all the others of the resource. NULL: no room. */
static struct series *find_series(struct spanmetrics *self, size_t resource)
{
    struct series *series = look_up(self, resource);

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

/* For how many spans it stands: one over the probability with which it was kept, rounded up so
 * often that it comes out right in the mean. */
static uint64_t stands_for(struct spanmetrics *self, const struct col_span *span)
{
    struct col_trace_state state;
    uint64_t of;

    if (span->trace_state.len == 0 || !col_trace_state_read(span->trace_state, &state) ||
        !state.has_th || state.th >= COL_THRESHOLD_NEVER)
        return 1;
    of = COL_THRESHOLD_NEVER - state.th;
    return COL_THRESHOLD_NEVER / of +
           (otl_random_below(&self->random, of) < COL_THRESHOLD_NEVER % of);
}

static void observe(struct spanmetrics *self, struct series *series, const struct col_span *span)
{
    static const uint8_t none[16];
    uint64_t times = stands_for(self, span);
    double value = 0;
    size_t bucket = 0;

    if (span->end_time_unix_nano > span->start_time_unix_nano)
        value = (double)(span->end_time_unix_nano - span->start_time_unix_nano) / self->unit_ns;
    while (bucket < self->bound_count && value > self->bounds[bucket])
        bucket++;
    series->buckets[bucket] += times;
    series->count += times;
    series->sum += value * (double)times;
    if (self->exemplars && series->exemplar_count < self->exemplar_max &&
        memcmp(span->trace_id, none, sizeof(none)) != 0) {
        struct col_made_exemplar *exemplar = &series->exemplars[series->exemplar_count++];
        memcpy(exemplar->trace_id, span->trace_id, sizeof(exemplar->trace_id));
        memcpy(exemplar->span_id, span->span_id, sizeof(exemplar->span_id));
        exemplar->value = value;
    }
}

static enum otel_err consume(void *context, const struct col_batch *batch,
                             struct otl_detail *reterr)
{
    struct spanmetrics *self = context;
    struct col_traces traces;
    struct col_span span;
    uint64_t group = 0; /* from 1 */
    size_t resource = SIZE_MAX;
    struct col_value service = {.kind = COL_VALUE_EMPTY};

    (void)reterr;
    col_traces_init(&traces, batch->request);
    while (col_traces_next(&traces, &span)) {
        struct series *series = NULL;
        if (traces.resources != group) {
            group = traces.resources;
            resource = SIZE_MAX;
            if (!col_attribute_find(&span.resource->attributes, "service.name", &service))
                service.kind = COL_VALUE_EMPTY;
            else if (resource_key(self, span.resource) == OTEL_OK)
                resource = find_resource(self);
        }
        if (service.kind != COL_VALUE_STRING) {
            ++*self->nameless;
            continue;
        }
        if (resource != SIZE_MAX && series_key(self, &span, service.text) == OTEL_OK)
            series = find_series(self, resource);
        if (series != NULL)
            observe(self, series, &span);
        else
            ++*self->over;
    }
    return OTEL_OK;
}

/* ---- handing on ---- */

static enum otel_err export_resource(struct spanmetrics *self, const struct resource *resource,
                                     struct col_made_point *points, struct col_made_label *labels,
                                     struct otl_detail *reterr)
{
    struct col_made_label attributes[LABELS_MAX];
    struct col_made_metric metrics[2] = {
        {COL_MADE_SUM, self->calls, "", NULL, 0, points, resource->count},
        {COL_MADE_HISTOGRAM, self->duration, self->seconds ? "s" : "ms", self->bounds,
         self->bound_count, points, resource->count}};
    const struct col_made_batch batch = {
        .resource = attributes,
        .resource_count = get_labels(resource->key, resource->key_len, attributes),
        .scope = "spanmetricsconnector",
        .metrics = metrics,
        .metric_count = self->histogram ? 2 : 1,
        .points = resource->count * (self->histogram ? 2 : 1),
        .start_wall_ns = self->start_wall_ns,
        .wall_ns = otl_clock_wall(self->create.host->clock)};
    struct col_batch out = {.items = batch.points,
                            .mono_ns = otl_clock_mono(self->create.host->clock),
                            .signal = COL_METRICS};
    const size_t width = FIXED_COUNT + self->dimension_count;
    enum otel_err err;
    size_t at = 0;

    for (struct series *series = resource->first; series != NULL; series = series->next, at++) {
        struct col_made_label all[LABELS_MAX], *own = labels + at * width;
        size_t count = get_labels(series->key, series->key_len, all);
        memcpy(own, all, count * sizeof(*own));
        points[at] = (struct col_made_point){
            own,             count,             series->count,         series->sum,
            series->buckets, series->exemplars, series->exemplar_count};
        series->exemplar_count = 0;
    }
    otl_buf_reset(&self->request);
    err = col_made_encode(&batch, &self->request);
    if (err != OTEL_OK)
        return err;
    out.request = otl_view(self->request.data, self->request.len);
    err = self->create.next.consume(self->create.next.self, &out, reterr);
    if (self->request.cap > KEEP_BYTES)
        otl_buf_fini(&self->request);
    return err;
}

static void export_all(struct spanmetrics *self)
{
    for (size_t i = 0; i < self->resource_count; i++) {
        const struct resource *resource = &self->resources[i];
        const size_t width = FIXED_COUNT + self->dimension_count;
        struct col_made_point *points = NULL;
        struct col_made_label *labels = NULL;
        struct otl_detail detail = OTL_DETAIL_NONE;
        enum otel_err err = OTEL_ERR_MEMORY;
        if (resource->count == 0)
            continue;
        points = otl_mem_alloc(resource->count * sizeof(*points));
        labels = otl_mem_alloc(resource->count * width * sizeof(*labels));
        if (points != NULL && labels != NULL)
            err = export_resource(self, resource, points, labels, &detail);
        if (err != OTEL_OK) {
            *self->lost += resource->count;
            otl_log_line(&self->create.host->log, OTL_LOG_ERROR,
                         "connector '%s': cannot hand metrics on: %s", self->create.id,
                         detail.text[0] ? detail.text : otel_err_text(err));
        }
        otl_mem_free(points);
        otl_mem_free(labels);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    export_all(arg);
}

static enum otel_err start(void *context, struct otl_detail *reterr)
{
    struct spanmetrics *self = context;
    const struct timeval every = {(time_t)(self->interval_ns / OTL_NS_PER_S),
                                  (suseconds_t)(self->interval_ns % OTL_NS_PER_S / 1000)};

    self->timer = event_new(self->create.host->base, -1, EV_PERSIST, on_timer, self);
    if (self->timer == NULL || event_add(self->timer, &every) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    return OTEL_OK;
}

static enum otel_err flush(void *context, struct otl_detail *reterr)
{
    (void)reterr;
    export_all(context);
    return OTEL_OK;
}

static void free_spanmetrics(void *context)
{
    struct spanmetrics *self = context;

    if (self->timer != NULL)
        event_free(self->timer);
    for (size_t i = 0; i < self->resource_count; i++) {
        struct series *series = self->resources[i].first;
        while (series != NULL) {
            struct series *next = series->next;
            otl_mem_free(series->key);
            otl_mem_free(series->exemplars);
            otl_mem_free(series);
            series = next;
        }
        otl_mem_free(self->resources[i].key);
    }
    otl_mem_free(self->resources);
    otl_buf_fini(&self->resource_key);
    otl_buf_fini(&self->key);
    otl_buf_fini(&self->request);
    otl_mem_free(self);
}

static bool count(struct spanmetrics *self)
{
    struct col_metrics *metrics = self->create.host->metrics;
    const char *name = "collector_mock_spanmetrics_dropped_spans";
    const char *help = "Spans that were not counted, by reason.";
    char labels[200];

    snprintf(labels, sizeof(labels), "connector=\"%s\",reason=\"no_service_name\"",
             self->create.id);
    self->nameless = col_metrics_counter(metrics, name, labels, help);
    snprintf(labels, sizeof(labels), "connector=\"%s\",reason=\"no_room\"", self->create.id);
    self->over = col_metrics_counter(metrics, name, labels, help);
    snprintf(labels, sizeof(labels), "connector=\"%s\"", self->create.id);
    self->lost = col_metrics_counter(metrics, "collector_mock_spanmetrics_refused_series", labels,
                                     "Series that could not be handed on in an interval.");
    return self->nameless != NULL && self->over != NULL && self->lost != NULL;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct spanmetrics *self = otl_mem_zalloc(sizeof(*self));
    enum otel_err err;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    otl_random_seed(&self->random, otl_random_os_seed());
    otl_buf_init(&self->resource_key, TEXT_MAX);
    otl_buf_init(&self->key, TEXT_MAX);
    otl_buf_init(&self->request, REQUEST_MAX);
    self->start_wall_ns = otl_clock_wall(args->host->clock);
    err = read_settings(self, reterr);
    if (err == OTEL_OK) {
        self->resources = otl_mem_zalloc(self->resource_max * sizeof(*self->resources));
        if (self->resources == NULL || !count(self))
            err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    if (err == OTEL_OK)
        *ret = self;
    else
        free_spanmetrics(self);
    return err;
}

#define SPAN_METRICS(word_)                                                                       \
    {                                                                                             \
        .name = (word_), .kind = COL_CONNECTOR, .schema = row, .create = create, .start = start,  \
        .consume = consume, .signals = COL_SIGNAL_BIT(COL_TRACES), .to_metrics = true,            \
        .flush = flush, .free = free_spanmetrics, .place = COL_FIRST                              \
    }

const struct col_component_type col_span_metrics_connector = SPAN_METRICS("span_metrics");
const struct col_component_type col_spanmetrics_connector = SPAN_METRICS("spanmetrics");
