/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/connectors/spanmetrics.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/not_yet.h"

const char *const col_sm_fixed_names[COL_SM_FIXED_COUNT] = {"service.name", "span.name",
                                                            "span.kind", "status.code"};

static const char *const units[] = {"ms", "s", NULL};
static const char *const temporalities[] = {"AGGREGATION_TEMPORALITY_CUMULATIVE",
                                            "AGGREGATION_TEMPORALITY_DELTA", NULL};
static const char *const excludable[] = {"service.name", "span.name", "span.kind", "status.code",
                                         "collector.instance.id" /* never set here */, NULL};
static const char *const not_yet[] = {"include_instrumentation_scope", "add_resource_attributes",
                                      "enable_metrics_sampling_method", NULL};

static const struct otl_schema bound = {.type = OTL_SCHEMA_DURATION};
static const struct otl_schema word = {.type = OTL_SCHEMA_ENUM, .words = excludable};
static const struct otl_schema explicit_keys[] = {
    {.key = "buckets", .type = OTL_SCHEMA_LIST, .child = &bound, .max = COL_SM_BOUNDS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema exponential_keys[] = {
    {.key = "max_size", .type = OTL_SCHEMA_INT, .max = COL_SM_BUCKETS_MAX}, OTL_SCHEMA_END};
static const struct otl_schema dimension_keys[] = {
    {.key = "name", .type = OTL_SCHEMA_STRING, .required = true, .min = 1},
    {.key = "default", .type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
static const struct otl_schema dimension = {.type = OTL_SCHEMA_MAP, .child = dimension_keys};
#define DIMENSIONS(word_)                                                                         \
    {.key = (word_), .type = OTL_SCHEMA_LIST, .child = &dimension, .max = COL_SM_DIMENSIONS_MAX}
static const struct otl_schema event_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL}, DIMENSIONS("dimensions"), OTL_SCHEMA_END};
static const struct otl_schema name_item = {.type = OTL_SCHEMA_STRING};
static const struct otl_schema histogram_keys[] = {
    {.key = "disable", .type = OTL_SCHEMA_BOOL},
    {.key = "unit", .type = OTL_SCHEMA_ENUM, .words = units},
    {.key = "explicit", .type = OTL_SCHEMA_MAP, .child = explicit_keys, .nullable = true},
    {.key = "exponential", .type = OTL_SCHEMA_MAP, .child = exponential_keys, .nullable = true},
    DIMENSIONS("dimensions"), OTL_SCHEMA_END};
static const struct otl_schema exemplar_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL},
    {.key = "max_per_data_point", .type = OTL_SCHEMA_INT, .min = 1, .max = COL_SM_EXEMPLARS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "histogram", .type = OTL_SCHEMA_MAP, .child = histogram_keys, .nullable = true},
    DIMENSIONS("dimensions"), DIMENSIONS("calls_dimensions"),
    {.key = "exclude_dimensions", .type = OTL_SCHEMA_LIST, .child = &word},
    {.key = "dimensions_cache_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 1 << 30},
    {.key = "resource_metrics_cache_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 100000},
    {.key = "aggregation_temporality", .type = OTL_SCHEMA_ENUM, .words = temporalities},
    {.key = "aggregation_cardinality_limit", .type = OTL_SCHEMA_UINT, .max = COL_SM_SERIES_MAX},
    {.key = "namespace", .type = OTL_SCHEMA_STRING, .max = 200},
    {.key = "metrics_flush_interval", .type = OTL_SCHEMA_DURATION, .min = 1},
    {.key = "exemplars", .type = OTL_SCHEMA_MAP, .child = exemplar_keys, .nullable = true},
    {.key = "events", .type = OTL_SCHEMA_MAP, .child = event_keys, .nullable = true},
    {.key = "metrics_expiration", .type = OTL_SCHEMA_DURATION},
    {.key = "series_expiration", .type = OTL_SCHEMA_DURATION},
    {.key = "resource_metrics_key_attributes",
     .type = OTL_SCHEMA_LIST,
     .child = &name_item,
     .max = COL_SM_KEYS_MAX},
    {.key = "metric_timestamp_cache_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 1 << 30},
    COL_NOT_YET("include_instrumentation_scope"), COL_NOT_YET("add_resource_attributes"),
    COL_NOT_YET("enable_metrics_sampling_method"), OTL_SCHEMA_END};
const struct otl_schema col_sm_row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* ---- settings ---- */

static enum otel_err wrong(const struct col_create *args, const json_t *map, const char *key,
                           const char *why, struct otl_detail *reterr)
{
    return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, map, key), "connector '%s': '%s': %s",
                          args->id, key, why);
}

static enum otel_err check(const struct col_create *args, const json_t *histogram,
                           struct otl_detail *reterr)
{
    const json_t *exponential = json_object_get(histogram, "exponential");
    const json_t *events = json_object_get(args->config, "events");
    enum otel_err err = col_refuse_not_yet(args, "connector", args->config, not_yet, reterr);

    if (err != OTEL_OK)
        return err;
    if (json_object_get(histogram, "explicit") != NULL && exponential != NULL)
        return wrong(args, histogram, "exponential",
                     "use either `explicit` or `exponential` buckets histogram", reterr);
    if (otl_tree_int(exponential, "max_size", 0) == 1)
        return wrong(args, exponential, "max_size", "it must be 2 or more (0: 160)", reterr);
    if (otl_tree_bool(events, "enabled", false) &&
        json_array_size(json_object_get(events, "dimensions")) == 0)
        return wrong(args, args->config, "events", "no dimensions configured for events", reterr);
    return OTEL_OK;
}

static enum otel_err read_buckets(struct col_spanmetrics *self, const json_t *histogram,
                                  struct otl_detail *reterr)
{
    static const double defaults_ms[] = {2,   4,   6,    8,    10,   50,   100,   200,
                                         400, 800, 1000, 1400, 2000, 5000, 10000, 15000};
    const json_t *section = json_object_get(histogram, "explicit");
    const json_t *buckets = json_object_get(section, "buckets");

    self->metrics[COL_SM_DURATION] = !otl_tree_bool(histogram, "disable", false);
    if (json_object_get(histogram, "exponential") != NULL) {
        size_t max = (size_t)otl_tree_int(json_object_get(histogram, "exponential"), "max_size", 0);
        self->exponential_max = max > 0 ? max : 160;
    }
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

static void read_fixed(struct col_spanmetrics *self)
{
    const json_t *without = json_object_get(self->create.config, "exclude_dimensions");

    for (size_t f = 0; f < COL_SM_FIXED_COUNT; f++) {
        self->fixed[f] = true;
        for (size_t i = 0; i < json_array_size(without); i++)
            if (strcmp(json_string_value(json_array_get(without, i)), col_sm_fixed_names[f]) == 0)
                self->fixed[f] = false;
    }
}

static enum otel_err read_dimensions(const struct col_spanmetrics *self, const json_t *list,
                                     struct col_sm_dimensions *ret, struct otl_detail *reterr)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = otl_tree_text(item, "name", "");
        bool again = false;
        for (size_t f = 0; f < COL_SM_FIXED_COUNT; f++)
            again = again || strcmp(col_sm_fixed_names[f], name) == 0;
        for (size_t d = 0; d < i; d++)
            again = again || strcmp(ret->names[d], name) == 0;
        if (again)
            return otl_yaml_error(reterr, otl_yaml_item_pos(self->create.doc, list, i),
                                  "connector '%s': duplicate dimension name '%s'",
                                  self->create.id, name);
        ret->names[i] = name;
        ret->fallbacks[i] = otl_tree_text(item, "default", NULL);
        ret->count++;
    }
    return OTEL_OK;
}

static enum otel_err read_all_dimensions(struct col_spanmetrics *self, const json_t *histogram,
                                         struct otl_detail *reterr)
{
    const json_t *config = self->create.config, *events = json_object_get(config, "events");
    const struct {
        const json_t *list;
        struct col_sm_dimensions *to;
    } rows[] = {
        {json_object_get(config, "dimensions"), &self->dimensions},
        {json_object_get(config, "calls_dimensions"), &self->more[COL_SM_CALLS]},
        {json_object_get(histogram, "dimensions"), &self->more[COL_SM_DURATION]},
        {json_object_get(events, "dimensions"), &self->more[COL_SM_EVENTS]},
    };
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && err == OTEL_OK; i++)
        err = read_dimensions(self, rows[i].list, rows[i].to, reterr);
    return err;
}

static void read_names(struct col_spanmetrics *self)
{
    static const char *const words[COL_SM_METRICS] = {"calls", "duration", "events"};
    const char *space = otl_tree_text(self->create.config, "namespace", "traces.span.metrics");

    for (size_t m = 0; m < COL_SM_METRICS; m++)
        snprintf(self->names[m], sizeof(self->names[m]), "%s%s%s", space, space[0] ? "." : "",
                 words[m]);
}

static void read_keys(struct col_spanmetrics *self)
{
    const json_t *list = json_object_get(self->create.config, "resource_metrics_key_attributes");

    for (; self->key_count < json_array_size(list); self->key_count++)
        self->keys[self->key_count] = json_string_value(json_array_get(list, self->key_count));
}

enum otel_err col_sm_read(struct col_spanmetrics *self, struct otl_detail *reterr)
{
    const json_t *config = self->create.config;
    const json_t *histogram = json_object_get(config, "histogram");
    const json_t *exemplars = json_object_get(config, "exemplars");
    enum otel_err err = check(&self->create, histogram, reterr);

    self->metrics[COL_SM_CALLS] = true;
    self->metrics[COL_SM_EVENTS] =
        otl_tree_bool(json_object_get(config, "events"), "enabled", false);
    if (err == OTEL_OK)
        err = read_buckets(self, histogram, reterr);
    if (err == OTEL_OK)
        err = read_all_dimensions(self, histogram, reterr);
    read_fixed(self);
    read_names(self);
    read_keys(self);
    self->delta = strcmp(otl_tree_text(config, "aggregation_temporality", temporalities[0]),
                         temporalities[1]) == 0;
    self->exemplars = otl_tree_bool(exemplars, "enabled", false);
    self->exemplar_max = (size_t)otl_tree_int(exemplars, "max_per_data_point", 5);
    self->resource_max = (size_t)otl_tree_int(config, "resource_metrics_cache_size", 1000);
    self->times_max = (size_t)otl_tree_int(config, "metric_timestamp_cache_size", 1000);
    self->cardinality = (size_t)otl_tree_int(config, "aggregation_cardinality_limit", 0);
    self->interval_ns = otl_tree_duration_ns(config, "metrics_flush_interval", 60 * OTL_NS_PER_S);
    self->resource_ns = otl_tree_duration_ns(config, "metrics_expiration", 0);
    self->series_ns = otl_tree_duration_ns(config, "series_expiration", 0);
    return err;
}
