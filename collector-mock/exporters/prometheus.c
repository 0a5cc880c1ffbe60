/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/exporters/prom_names.h"
#include "collector-mock/exporters/prom_page.h"
#include "collector-mock/exporters/prom_series.h"
#include "collector-mock/http/server.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/arena.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/*
 * prometheus exporter: the last value of every series, on /metrics of an endpoint of its own.
 *
 * As in the Collector: letters that Prometheus does not know become '_', the unit and _total are
 * added to names, job and instance come from service.* of the resource, whose other attributes
 * stand in target_info; a series that was not renewed for metric_expiration is gone, and so is one
 * whose point says that it has no value (what follows it in its metric is let be). Exemplars are
 * shown in OpenMetrics only: enable_open_metrics, and a client that accepts it. Monotonic sums and
 * histograms of delta temporality are added up. Of exponential histograms count and sum are shown:
 * their buckets are in no text format. Not kept, and counted: delta sums that are not monotonic,
 * sums without a temporality, exponential histograms of a scale below -4, points older than what
 * is there.
 */

enum { LABELS_MAX = 320, TEXT_MAX = 256 << 20, LINE_MAX = 1 << 20 };

struct prometheus {
    struct col_create create;
    struct col_http_server *server;
    struct col_prom_table table;
    struct otl_buf text, line, family;
    struct otl_arena arena; /* of the request at hand */
    uint64_t expiration_ns;
    bool all_attributes, open_metrics, suffixes, scope, timestamps;
    const char *space, *endpoint;
    uint64_t *no_room, *not_shown;
};

static const char *const not_yet[] = {"tls", "auth", "translation_strategy", "cors", NULL};
static const struct otl_schema const_keys[] = {
    {.key = "*", .type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
static const struct otl_schema conversion_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL}, OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING},
    {.key = "namespace", .type = OTL_SCHEMA_STRING},
    {.key = "const_labels", .type = OTL_SCHEMA_MAP, .child = const_keys, .nullable = true},
    {.key = "metric_expiration", .type = OTL_SCHEMA_DURATION},
    {.key = "resource_to_telemetry_conversion", .type = OTL_SCHEMA_MAP, .child = conversion_keys},
    {.key = "enable_open_metrics", .type = OTL_SCHEMA_BOOL},
    {.key = "add_metric_suffixes", .type = OTL_SCHEMA_BOOL},
    {.key = "without_scope_info", .type = OTL_SCHEMA_BOOL},
    {.key = "send_timestamps", .type = OTL_SCHEMA_BOOL},
    COL_NOT_YET("tls"), COL_NOT_YET("auth"), COL_NOT_YET("translation_strategy"),
    COL_NOT_YET("cors"), OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* ---- labels ---- */

struct label {
    struct otl_view name, value;
};

struct labels {
    struct label items[LABELS_MAX];
    size_t count;
};

static void add(struct labels *labels, struct otl_view name, struct otl_view value)
{
    if (labels->count < LABELS_MAX)
        labels->items[labels->count++] = (struct label){name, value};
}

static int by_name(const void *a, const void *b)
{
    const struct label *left = a, *right = b;
    size_t len = left->name.len < right->name.len ? left->name.len : right->name.len;
    int order = memcmp(left->name.data, right->name.data, len);

    return order != 0 ? order
                      : (left->name.len > right->name.len) - (left->name.len < right->name.len);
}

/* name="value",... in the order of the names. */
static enum otel_err put_labels(struct labels *labels, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    qsort(labels->items, labels->count, sizeof(labels->items[0]), by_name);
    otl_buf_reset(out);
    for (size_t i = 0; i < labels->count && err == OTEL_OK; i++) {
        if (i > 0)
            err = otl_buf_append_byte(out, ',');
        if (err == OTEL_OK)
            err = col_prom_label(out, labels->items[i].name);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, "=\"");
        if (err == OTEL_OK)
            err = col_prom_escape(out, labels->items[i].value);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, '"');
    }
    return err;
}

/* ---- what arrives ---- */

static void expire(struct prometheus *self)
{
    col_prom_expire(&self->table, otl_clock_mono(self->create.host->clock), self->expiration_ns);
}

/* Of the family and the labels at hand. NULL: no memory. */
static struct col_prom_series *new_series(struct prometheus *self, enum col_prom_type type,
                                          struct otl_view help)
{
    return col_prom_series_new(type, self->family.data, help,
                               otl_view(self->line.data, self->line.len),
                               otl_clock_mono(self->create.host->clock));
}

/* A value as the text of a label; false: no memory. */
static bool text_of(struct prometheus *self, const struct col_value *value, struct otl_view *ret)
{
    char *copy;

    if (value->kind == COL_VALUE_STRING || value->kind == COL_VALUE_EMPTY) {
        *ret = value->kind == COL_VALUE_STRING ? value->text : otl_view("", 0);
        return true;
    }
    otl_buf_reset(&self->line);
    if (col_json_plain(value, &self->line) != OTEL_OK)
        return false;
    copy = otl_arena_strndup(&self->arena, self->line.data, self->line.len);
    if (copy == NULL)
        return false;
    *ret = otl_view(copy, self->line.len);
    return true;
}

static bool add_attributes(struct prometheus *self, struct labels *labels, struct col_list list)
{
    struct col_attribute attribute;

    while (col_attribute_next(&list, &attribute)) {
        struct otl_view text;
        if (!text_of(self, &attribute.value, &text))
            return false;
        add(labels, attribute.key, text);
    }
    return true;
}

static struct otl_view find(const struct labels *labels, const char *name)
{
    for (size_t i = 0; i < labels->count; i++)
        if (otl_view_is(labels->items[i].name, name))
            return labels->items[i].value;
    return otl_view(NULL, 0);
}

/* job and instance; job may need room of its own. */
static void add_target(struct labels *labels, const struct labels *resource, char job[512])
{
    struct otl_view space = find(resource, "service.namespace");
    struct otl_view name = find(resource, "service.name");
    struct otl_view instance = find(resource, "service.instance.id");

    if (name.data != NULL && space.len > 0) {
        snprintf(job, 512, "%.*s/%.*s", (int)space.len, space.data, (int)name.len, name.data);
        name = otl_view_str(job);
    }
    if (name.data != NULL)
        add(labels, otl_view_str("job"), name);
    if (instance.data != NULL)
        add(labels, otl_view_str("instance"), instance);
}

/* All that is said of a point beside its own attributes. */
struct around {
    struct labels resource;
    const struct col_scope *scope;
};

static bool put_point_labels(struct prometheus *self, const struct around *around,
                             const struct col_point *point)
{
    json_t *fixed = json_object_get(self->create.config, "const_labels"), *value;
    struct labels labels = {.count = 0};
    const char *name;
    char job[512];
    size_t own;

    if (!add_attributes(self, &labels, point->attributes))
        return false;
    own = labels.count;
    for (size_t i = 0; self->all_attributes && i < around->resource.count; i++) {
        bool there = false; /* the point's own label goes before */
        for (size_t l = 0; l < own; l++)
            there = there || otl_view_equal(labels.items[l].name, around->resource.items[i].name);
        if (!there)
            add(&labels, around->resource.items[i].name, around->resource.items[i].value);
    }
    if (self->scope) {
        add(&labels, otl_view_str("otel_scope_name"), around->scope->name);
        add(&labels, otl_view_str("otel_scope_version"), around->scope->version);
        add(&labels, otl_view_str("otel_scope_schema_url"), around->scope->schema_url);
    }
    add_target(&labels, &around->resource, job);
    json_object_foreach(fixed, name, value)
        add(&labels, otl_view_str(name), otl_view_str(json_string_value(value)));
    return put_labels(&labels, &self->line) == OTEL_OK;
}

/* The labels at hand. */
static const char *labels_of(const struct prometheus *self)
{
    return self->line.len > 0 ? self->line.data : "";
}

/* False: no room. */
static bool take_point(struct prometheus *self, const struct around *around,
                       const struct col_metric *metric, enum col_prom_type type,
                       const struct col_point *point)
{
    bool delta = metric->temporality == COL_TEMPORALITY_DELTA;
    struct col_prom_series *series = NULL;
    const struct col_prom_series *before = NULL;

    if (put_point_labels(self, around, point)) {
        before = col_prom_find(&self->table, self->family.data, labels_of(self));
        series = new_series(self, type, metric->description);
    }
    if (series == NULL)
        return false;
    if (!col_prom_series_fill(series, point, self->open_metrics)) {
        col_prom_series_free(series);
        return false;
    }
    if (col_prom_join(series, before, delta))
        return col_prom_keep(&self->table, series);
    ++*self->not_shown;
    col_prom_series_free(series);
    return true;
}

static void forget_point(struct prometheus *self, const struct around *around,
                         const struct col_point *point)
{
    if (put_point_labels(self, around, point))
        col_prom_remove(&self->table, self->family.data, labels_of(self));
}

/* Of resources that have a job and an instance. */
static bool take_target(struct prometheus *self, const struct labels *resource)
{
    struct labels labels = {.count = 0};
    struct col_prom_series *series = NULL;
    char job[512];

    if (find(resource, "service.name").len == 0 || find(resource, "service.instance.id").len == 0)
        return true;
    for (size_t i = 0; i < resource->count; i++) {
        struct otl_view name = resource->items[i].name;
        if (!otl_view_is(name, "service.name") && !otl_view_is(name, "service.namespace") &&
            !otl_view_is(name, "service.instance.id"))
            add(&labels, name, resource->items[i].value);
    }
    add_target(&labels, resource, job);
    otl_buf_reset(&self->family);
    if (otl_buf_printf(&self->family, "%s%starget_info", self->space,
                       self->space[0] != '\0' ? "_" : "") == OTEL_OK &&
        put_labels(&labels, &self->line) == OTEL_OK)
        series = new_series(self, COL_PROM_INFO, otl_view_str("Target metadata"));
    if (series != NULL)
        series->value = 1;
    return series != NULL && col_prom_keep(&self->table, series);
}

/* False: it is not kept. */
static bool type_of(const struct col_metric *metric, enum col_prom_type *ret)
{
    bool cumulative = metric->temporality == COL_TEMPORALITY_CUMULATIVE;
    bool delta = metric->temporality == COL_TEMPORALITY_DELTA;

    switch (metric->kind) {
    case COL_METRIC_GAUGE:
        *ret = COL_PROM_GAUGE;
        return true;
    case COL_METRIC_SUM:
        *ret = metric->monotonic ? COL_PROM_COUNTER : COL_PROM_GAUGE;
        return cumulative || (delta && metric->monotonic);
    case COL_METRIC_HISTOGRAM:
    case COL_METRIC_EXPONENTIAL:
        *ret = COL_PROM_HISTOGRAM;
        return cumulative || delta;
    case COL_METRIC_SUMMARY:
        *ret = COL_PROM_SUMMARY;
        return true;
    default:
        return false;
    }
}

static void take_metric(struct prometheus *self, const struct around *around,
                        const struct col_metric *metric)
{
    enum { NO_RECORDED_VALUE = 1, LEAST_SCALE = -4 };
    struct col_prom_name name = {self->space, metric->name, metric->unit, COL_PROM_GAUGE,
                                 self->suffixes};
    struct col_list points = metric->points;
    struct col_point point;
    bool named;

    if (!type_of(metric, &name.type)) {
        *self->not_shown += points.count;
        return;
    }
    named = col_prom_family(&self->family, &name) == OTEL_OK;
    while (col_point_next(metric->kind, &points, &point)) {
        if ((point.flags & NO_RECORDED_VALUE) != 0) {
            if (named)
                forget_point(self, around, &point);
            do
                ++*self->not_shown;
            while (col_point_next(metric->kind, &points, &point));
            return;
        }
        if (metric->kind == COL_METRIC_EXPONENTIAL && point.scale < LEAST_SCALE)
            ++*self->not_shown;
        else if (!named || !take_point(self, around, metric, name.type, &point))
            ++*self->no_room;
    }
}

static enum otel_err consume(void *context, const struct col_batch *batch,
                             struct otl_detail *reterr)
{
    struct prometheus *self = context;
    struct around around = {.resource = {.count = 0}};
    struct col_traces metrics;
    struct col_metric metric;
    uint64_t resource = 0;

    (void)reterr;
    expire(self);
    col_items_init(&metrics, COL_METRICS, batch->request);
    while (col_metrics_next(&metrics, &metric)) {
        if (metrics.resources != resource) {
            resource = metrics.resources;
            around.resource.count = 0;
            if (!add_attributes(self, &around.resource, metric.resource->attributes) ||
                !take_target(self, &around.resource))
                ++*self->no_room;
        }
        around.scope = metric.scope;
        take_metric(self, &around, &metric);
    }
    otl_arena_reset(&self->arena);
    return OTEL_OK;
}

/* ---- what is shown ---- */

static bool accepts_open_metrics(const struct col_http_request *request)
{
    static const char word[] = "application/openmetrics-text";
    struct otl_view accept = col_http_header_of(request, "Accept");

    for (size_t i = 0; i + sizeof(word) - 1 <= accept.len; i++)
        if (memcmp(accept.data + i, word, sizeof(word) - 1) == 0)
            return true;
    return false;
}

static void on_request(void *context, struct col_http_request *request)
{
    struct prometheus *self = context;
    bool open = self->open_metrics && accepts_open_metrics(request);
    const struct col_prom_page page = {open, self->suffixes, self->timestamps};
    struct col_http_answer answer = {
        .status = 200,
        .content_type = open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                             : "text/plain; version=0.0.4; charset=utf-8"};
    enum otel_err err = OTEL_OK;

    otl_buf_reset(&self->text);
    if (!otl_view_is(request->path, "/metrics")) {
        answer.status = 404;
        err = otl_buf_append_str(&self->text, "404 page not found\n");
    } else {
        expire(self);
        for (size_t i = 0; i < self->table.count && err == OTEL_OK; i++)
            err = col_prom_page_put(&self->table, i, &page, &self->text);
        if (err == OTEL_OK && open)
            err = otl_buf_append_str(&self->text, "# EOF\n");
    }
    answer.body = otl_view(self->text.data, self->text.len);
    if (err != OTEL_OK) {
        answer.status = 500;
        answer.body = otl_view_str("out of memory\n");
    }
    col_http_answer(request, &answer);
}

static void on_answered(void *context, const struct col_http_request *request,
                        const struct col_http_answer *answer, bool sent)
{
    (void)context;
    (void)request;
    (void)answer;
    (void)sent;
}

/* ---- life ---- */

static enum otel_err start(void *context, struct otl_detail *reterr)
{
    struct prometheus *self = context;
    struct col_http_options options;
    char host[256];
    enum otel_err err;

    col_http_options_init(&options);
    if (col_endpoint_split(self->endpoint, host, sizeof(host), &options.port) != OTEL_OK)
        return otl_yaml_error(reterr,
                              otl_yaml_value_pos(self->create.doc, self->create.config,
                                                 "endpoint"),
                              "exporter '%s': '%s' is no HOST:PORT", self->create.id,
                              self->endpoint);
    options.host = host;
    options.base = self->create.host->base;
    options.clock = self->create.host->clock;
    options.max_connections = 64;
    options.max_body_bytes = 64 * 1024;
    options.context = self;
    options.on_request = on_request;
    options.on_answered = on_answered;
    err = col_http_new(&options, &self->server, reterr);
    return err == OTEL_OK ? col_host_endpoint(self->create.host, self->create.id, "",
                                              col_http_address(self->server))
                          : err;
}

static void free_prometheus(void *context)
{
    struct prometheus *self = context;

    col_http_free(self->server);
    col_prom_fini(&self->table);
    otl_buf_fini(&self->text);
    otl_buf_fini(&self->line);
    otl_buf_fini(&self->family);
    otl_arena_fini(&self->arena);
    otl_mem_free(self);
}

static enum otel_err check(const struct col_create *args, struct otl_detail *reterr)
{
    enum otel_err err = col_refuse_not_yet(args, "exporter", args->config, not_yet, reterr);

    if (err != OTEL_OK)
        return err;
    if (otl_tree_text(args->config, "endpoint", "")[0] == '\0')
        return otl_yaml_error(reterr, args->pos, "exporter '%s': requires a non-empty \"endpoint\"",
                              args->id);
    return OTEL_OK;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    const json_t *conversion = json_object_get(args->config, "resource_to_telemetry_conversion");
    struct prometheus *self;
    char labels[160];
    enum otel_err err = check(args, reterr);

    if (err != OTEL_OK)
        return err;
    self = otl_mem_zalloc(sizeof(*self));
    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    otl_buf_init(&self->text, TEXT_MAX);
    otl_buf_init(&self->line, LINE_MAX);
    otl_buf_init(&self->family, 4096);
    otl_arena_init(&self->arena, TEXT_MAX);
    self->endpoint = otl_tree_text(args->config, "endpoint", "");
    self->space = otl_tree_text(args->config, "namespace", "");
    self->expiration_ns =
        otl_tree_duration_ns(args->config, "metric_expiration", 300 * OTL_NS_PER_S);
    self->all_attributes = otl_tree_bool(conversion, "enabled", false);
    self->open_metrics = otl_tree_bool(args->config, "enable_open_metrics", false);
    self->suffixes = otl_tree_bool(args->config, "add_metric_suffixes", true);
    self->timestamps = otl_tree_bool(args->config, "send_timestamps", false);
    self->scope = !otl_tree_bool(args->config, "without_scope_info", false);
    snprintf(labels, sizeof(labels), "exporter=\"%s\",reason=\"no_room\"", args->id);
    self->no_room = col_metrics_counter(args->host->metrics, "collector_mock_prometheus_dropped",
                                        labels, "Points that are not shown, by reason.");
    snprintf(labels, sizeof(labels), "exporter=\"%s\",reason=\"not_shown\"", args->id);
    self->not_shown = col_metrics_counter(args->host->metrics, "collector_mock_prometheus_dropped",
                                          labels, "Points that are not shown, by reason.");
    if (self->no_room == NULL || self->not_shown == NULL) {
        free_prometheus(self);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    *ret = self;
    return OTEL_OK;
}

const struct col_component_type col_prometheus_exporter = {
    .name = "prometheus",
    .kind = COL_EXPORTER,
    .place = COL_FIRST,
    .schema = row,
    .create = create,
    .start = start,
    .consume = consume,
    .signals = COL_SIGNAL_BIT(COL_METRICS),
    .free = free_prometheus,
};
