/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/connectors/spanmetrics.h"

#include <stdio.h>
#include <string.h>

const char *const col_sm_fixed_names[COL_SM_FIXED_COUNT] = {"service.name", "span.name",
                                                            "span.kind", "status.code"};

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
    {.key = "buckets", .type = OTL_SCHEMA_LIST, .child = &bound, .max = COL_SM_BOUNDS_MAX},
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
    {.key = "max_per_data_point", .type = OTL_SCHEMA_INT, .min = 1, .max = COL_SM_EXEMPLARS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "histogram", .type = OTL_SCHEMA_MAP, .child = histogram_keys, .nullable = true},
    {.key = "dimensions",
     .type = OTL_SCHEMA_LIST,
     .child = &dimension,
     .max = COL_SM_DIMENSIONS_MAX},
    {.key = "exclude_dimensions", .type = OTL_SCHEMA_LIST, .child = &word},
    {.key = "dimensions_cache_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 1 << 30},
    {.key = "resource_metrics_cache_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 100000},
    {.key = "aggregation_temporality", .type = OTL_SCHEMA_ENUM, .words = temporalities},
    {.key = "aggregation_cardinality_limit", .type = OTL_SCHEMA_UINT, .max = COL_SM_SERIES_MAX},
    {.key = "namespace", .type = OTL_SCHEMA_STRING, .max = 200},
    {.key = "metrics_flush_interval", .type = OTL_SCHEMA_DURATION, .min = 1},
    {.key = "exemplars", .type = OTL_SCHEMA_MAP, .child = exemplar_keys, .nullable = true},
    TAKEN("events"), TAKEN("metrics_expiration"), TAKEN("series_expiration"),
    TAKEN("resource_metrics_key_attributes"), TAKEN("delta_temporality"),
    TAKEN("calls_dimensions"), TAKEN("instrumentation_scope"), OTL_SCHEMA_END};
const struct otl_schema col_sm_row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

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

static enum otel_err read_buckets(struct col_spanmetrics *self, const json_t *histogram,
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

static enum otel_err read_dimensions(struct col_spanmetrics *self, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(self->create.config, "dimensions");
    const json_t *without = json_object_get(self->create.config, "exclude_dimensions");

    for (size_t f = 0; f < COL_SM_FIXED_COUNT; f++) {
        self->fixed[f] = true;
        for (size_t i = 0; i < json_array_size(without); i++)
            if (strcmp(json_string_value(json_array_get(without, i)), col_sm_fixed_names[f]) == 0)
                self->fixed[f] = false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = otl_tree_text(item, "name", "");
        bool again = false;
        for (size_t f = 0; f < COL_SM_FIXED_COUNT; f++)
            again = again || strcmp(col_sm_fixed_names[f], name) == 0;
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

enum otel_err col_sm_read(struct col_spanmetrics *self, struct otl_detail *reterr)
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
