/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/http/server.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/*
 * prometheus exporter: the last value of every series, on /metrics of an endpoint of its own.
 *
 * As in the Collector: letters that Prometheus does not know become '_', the unit and _total are
 * added to names, job and instance come from service.* of the resource, whose other attributes
 * stand in target_info; a series that was not renewed for metric_expiration is gone. Exemplars are
 * shown in OpenMetrics only: enable_open_metrics, and a client that accepts it.
 */

enum { SERIES_MAX = 100000, LABELS_MAX = 320, TEXT_MAX = 256 << 20, LINE_MAX = 1 << 20 };

struct series {
    char *family, *labels;
    bool histogram, info;
    uint64_t count, seen_ns, wall_ns;
    double sum;
    double *bounds;
    uint64_t *buckets;
    size_t bound_count;
    struct col_exemplar *exemplars;
    size_t exemplar_count;
};

struct prometheus {
    struct col_create create;
    struct col_http_server *server;
    struct series **series; /* by family, then labels */
    size_t count, cap;
    struct otl_buf text, line, family;
    uint64_t expiration_ns;
    bool all_attributes, open_metrics, suffixes, scope;
    const char *space, *endpoint;
    uint64_t *dropped;
};

static const char *const not_yet[] = {"tls", "auth", "send_timestamps", "translation_strategy",
                                      "cors", NULL};
#define TAKEN(name) {.key = (name), .type = OTL_SCHEMA_ANY, .nullable = true}
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
    TAKEN("tls"), TAKEN("auth"), TAKEN("send_timestamps"), TAKEN("translation_strategy"),
    TAKEN("cors"), OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* ---- numbers, as Go prints them ---- */

static void number(double value, char out[48])
{
    int digits = 0, exponent;

    if (!isfinite(value)) {
        snprintf(out, 48, "%s", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    do
        snprintf(out, 48, "%.*e", digits, value);
    while (strtod(out, NULL) != value && ++digits <= 17);
    exponent = (int)strtol(strchr(out, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent < 6)
        snprintf(out, 48, "%.*f", digits > exponent ? digits - exponent : 0, value);
}

/* ---- names ---- */

static bool letter(char c, bool digit)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (digit && c >= '0' && c <= '9');
}

static enum otel_err put_label_name(struct otl_buf *out, struct otl_view name)
{
    enum otel_err err = OTEL_OK;

    if (name.len > 0 && name.data[0] >= '0' && name.data[0] <= '9')
        err = otl_buf_append_str(out, "key_");
    for (size_t i = 0; i < name.len && err == OTEL_OK; i++)
        err = otl_buf_append_byte(out, letter(name.data[i], true) ? (uint8_t)name.data[i] : '_');
    return err;
}

/* The words of a name, joined by one '_' each; unit is added if it is none of them. */
static enum otel_err put_family(const struct prometheus *self, const struct col_metric *metric,
                                struct otl_buf *out)
{
    const char *unit = strcmp(metric->unit, "ms") == 0  ? "milliseconds"
                       : strcmp(metric->unit, "s") == 0 ? "seconds"
                                                        : "";
    enum otel_err err = OTEL_OK;
    bool gap = false;

    otl_buf_reset(out);
    if (self->space[0] != '\0')
        err = otl_buf_printf(out, "%s_", self->space);
    for (const char *at = metric->name; *at != '\0' && err == OTEL_OK; at++) {
        if (!letter(*at, true) && *at != ':') {
            gap = out->len > 0 && out->data[out->len - 1] != '_';
            continue;
        }
        if (gap)
            err = otl_buf_append_byte(out, '_');
        gap = false;
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, (uint8_t)*at);
    }
    if (err == OTEL_OK && self->suffixes && unit[0] != '\0' && strstr(out->data, unit) == NULL)
        err = otl_buf_printf(out, "_%s", unit);
    if (err == OTEL_OK && self->suffixes && metric->kind == COL_METRIC_SUM)
        err = otl_buf_append_str(out, "_total");
    return err;
}

static enum otel_err put_escaped(struct otl_buf *out, struct otl_view value)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < value.len && err == OTEL_OK; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"')
            err = otl_buf_append_byte(out, '\\');
        if (err == OTEL_OK && c == '\n')
            err = otl_buf_append_str(out, "\\n");
        else if (err == OTEL_OK)
            err = otl_buf_append_byte(out, (uint8_t)c);
    }
    return err;
}

struct labels {
    struct col_label items[LABELS_MAX];
    size_t count;
};

static void add(struct labels *labels, struct otl_view name, struct otl_view value)
{
    if (labels->count < LABELS_MAX)
        labels->items[labels->count++] = (struct col_label){name, value};
}

static int by_name(const void *a, const void *b)
{
    const struct col_label *left = a, *right = b;
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
            err = put_label_name(out, labels->items[i].name);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, "=\"");
        if (err == OTEL_OK)
            err = put_escaped(out, labels->items[i].value);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, '"');
    }
    return err;
}

/* ---- what is kept ---- */

static void free_series(struct series *series)
{
    if (series == NULL)
        return;
    otl_mem_free(series->family);
    otl_mem_free(series->labels);
    otl_mem_free(series->bounds);
    otl_mem_free(series->buckets);
    otl_mem_free(series->exemplars);
    otl_mem_free(series);
}

static int order(const struct series *series, const char *family, const char *labels)
{
    int names = strcmp(series->family, family);

    return names != 0 ? names : strcmp(series->labels, labels);
}

static void *copy_of(const void *data, size_t len)
{
    void *copy = otl_mem_alloc(len > 0 ? len : 1);

    if (copy != NULL && len > 0)
        memcpy(copy, data, len);
    return copy;
}

/* In place of what was there under these labels. NULL point: target_info. */
static bool keep(struct prometheus *self, const struct col_metric *metric,
                 const struct col_point *point, uint64_t wall_ns)
{
    struct series *series = otl_mem_zalloc(sizeof(*series));
    size_t low = 0, high = self->count;
    bool good = series != NULL;

    if (!good)
        return false;
    series->family = otl_mem_strdup(self->family.data);
    series->labels = otl_mem_strndup(self->line.len > 0 ? self->line.data : "", self->line.len);
    series->info = point == NULL;
    series->count = point != NULL ? point->count : 1;
    series->wall_ns = wall_ns;
    series->seen_ns = otl_clock_mono(self->create.host->clock);
    good = series->family != NULL && series->labels != NULL;
    if (good && point != NULL && metric->kind == COL_METRIC_HISTOGRAM) {
        series->histogram = true;
        series->sum = point->sum;
        series->bound_count = metric->bound_count;
        series->bounds = copy_of(metric->bounds, metric->bound_count * sizeof(double));
        series->buckets = copy_of(point->buckets, (metric->bound_count + 1) * sizeof(uint64_t));
        good = series->bounds != NULL && series->buckets != NULL;
    }
    if (good && point != NULL && self->open_metrics) {
        series->exemplar_count = point->exemplar_count;
        series->exemplars =
            copy_of(point->exemplars, point->exemplar_count * sizeof(*point->exemplars));
        good = series->exemplars != NULL;
    }
    while (good && low < high) {
        size_t middle = (low + high) / 2;
        if (order(self->series[middle], series->family, series->labels) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (good && low < self->count &&
        order(self->series[low], series->family, series->labels) == 0) {
        free_series(self->series[low]);
        self->series[low] = series;
        return true;
    }
    if (good && self->count == self->cap) {
        size_t cap = self->cap > 0 ? 2 * self->cap : 64;
        struct series **more = cap <= 2 * SERIES_MAX && self->count < SERIES_MAX
                                   ? otl_mem_realloc(self->series, cap * sizeof(*more))
                                   : NULL;
        good = more != NULL;
        if (good) {
            self->series = more;
            self->cap = cap;
        }
    }
    if (!good || self->count >= SERIES_MAX) {
        free_series(series);
        return false;
    }
    memmove(&self->series[low + 1], &self->series[low],
            (self->count - low) * sizeof(self->series[0]));
    self->series[low] = series;
    self->count++;
    return true;
}

static void expire(struct prometheus *self)
{
    uint64_t now_ns = otl_clock_mono(self->create.host->clock);
    size_t kept = 0;

    for (size_t i = 0; i < self->count; i++)
        if (now_ns - self->series[i]->seen_ns < self->expiration_ns)
            self->series[kept++] = self->series[i];
        else
            free_series(self->series[i]);
    self->count = kept;
}

/* ---- what arrives ---- */

static struct otl_view attribute(const struct col_metric_batch *batch, const char *name)
{
    for (size_t i = 0; i < batch->resource_count; i++)
        if (otl_view_is(batch->resource[i].name, name))
            return batch->resource[i].value;
    return otl_view(NULL, 0);
}

/* job and instance; job may need room of its own. */
static void add_target(struct labels *labels, const struct col_metric_batch *batch, char job[512])
{
    struct otl_view space = attribute(batch, "service.namespace");
    struct otl_view name = attribute(batch, "service.name");
    struct otl_view instance = attribute(batch, "service.instance.id");

    if (name.data != NULL && space.len > 0) {
        snprintf(job, 512, "%.*s/%.*s", (int)space.len, space.data, (int)name.len, name.data);
        name = otl_view_str(job);
    }
    if (name.data != NULL)
        add(labels, otl_view_str("job"), name);
    if (instance.data != NULL)
        add(labels, otl_view_str("instance"), instance);
}

static bool take_point(struct prometheus *self, const struct col_metric_batch *batch,
                       const struct col_metric *metric, const struct col_point *point)
{
    struct labels labels = {.count = 0};
    json_t *fixed = json_object_get(self->create.config, "const_labels"), *value;
    const char *name;
    char job[512];

    for (size_t i = 0; i < point->label_count; i++)
        add(&labels, point->labels[i].name, point->labels[i].value);
    for (size_t i = 0; self->all_attributes && i < batch->resource_count; i++) {
        bool own = false; /* the point's own label goes before */
        for (size_t l = 0; l < point->label_count; l++)
            own = own || otl_view_equal(point->labels[l].name, batch->resource[i].name);
        if (!own)
            add(&labels, batch->resource[i].name, batch->resource[i].value);
    }
    if (self->scope) {
        add(&labels, otl_view_str("otel_scope_name"), otl_view_str(batch->scope));
        add(&labels, otl_view_str("otel_scope_version"), otl_view_str(""));
        add(&labels, otl_view_str("otel_scope_schema_url"), otl_view_str(""));
    }
    add_target(&labels, batch, job);
    json_object_foreach(fixed, name, value)
        add(&labels, otl_view_str(name), otl_view_str(json_string_value(value)));
    return put_labels(&labels, &self->line) == OTEL_OK &&
           keep(self, metric, point, batch->wall_ns);
}

static bool take_target(struct prometheus *self, const struct col_metric_batch *batch)
{
    struct labels labels = {.count = 0};
    char job[512];

    for (size_t i = 0; i < batch->resource_count; i++) {
        struct otl_view name = batch->resource[i].name;
        if (!otl_view_is(name, "service.name") && !otl_view_is(name, "service.namespace") &&
            !otl_view_is(name, "service.instance.id"))
            add(&labels, name, batch->resource[i].value);
    }
    add_target(&labels, batch, job);
    otl_buf_reset(&self->family);
    return otl_buf_printf(&self->family, "%s%starget_info", self->space,
                          self->space[0] != '\0' ? "_" : "") == OTEL_OK &&
           put_labels(&labels, &self->line) == OTEL_OK &&
           keep(self, NULL, NULL, batch->wall_ns);
}

static enum otel_err consume_metrics(void *context, const struct col_metric_batch *batch,
                                     struct otl_detail *reterr)
{
    struct prometheus *self = context;

    (void)reterr;
    expire(self);
    if (!take_target(self, batch))
        ++*self->dropped;
    for (size_t m = 0; m < batch->metric_count; m++) {
        const struct col_metric *metric = &batch->metrics[m];
        bool named = put_family(self, metric, &self->family) == OTEL_OK;
        for (size_t p = 0; p < metric->point_count; p++)
            if (!named || !take_point(self, batch, metric, &metric->points[p]))
                ++*self->dropped;
    }
    return OTEL_OK;
}

/* ---- what is shown ---- */

static enum otel_err put_exemplar(const struct series *series, double above, double upto,
                                  struct otl_buf *out)
{
    const struct col_exemplar *found = NULL;
    char trace[33], span[17], value[48];

    for (size_t i = 0; i < series->exemplar_count; i++)
        if (series->exemplars[i].value > above && series->exemplars[i].value <= upto)
            found = &series->exemplars[i]; /* the last one, as the Collector's library has it */
    if (found == NULL)
        return OTEL_OK;
    otl_hex(found->trace_id, 16, trace);
    otl_hex(found->span_id, 8, span);
    number(found->value, value);
    return otl_buf_printf(out, " # {trace_id=\"%s\",span_id=\"%s\"} %s %llu.%03llu", trace, span,
                          value, (unsigned long long)(series->wall_ns / OTL_NS_PER_S),
                          (unsigned long long)(series->wall_ns / 1000000 % 1000));
}

static enum otel_err put_histogram(const struct series *series, bool open, struct otl_buf *out)
{
    const char *comma = series->labels[0] != '\0' ? "," : "";
    enum otel_err err = OTEL_OK;
    double below = -INFINITY;
    unsigned long long sum = 0;
    char text[48];

    for (size_t i = 0; i <= series->bound_count && err == OTEL_OK; i++) {
        double upto = i < series->bound_count ? series->bounds[i] : INFINITY;
        sum += series->buckets[i];
        number(upto, text);
        err = otl_buf_printf(out, "%s_bucket{%s%sle=\"%s%s\"} %llu", series->family,
                             series->labels, comma, text,
                             open && strpbrk(text, ".eI") == NULL ? ".0" : "", sum);
        if (err == OTEL_OK && open)
            err = put_exemplar(series, below, upto, out);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, '\n');
        below = upto;
    }
    number(series->sum, text);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "%s_sum{%s} %s%s\n%s_count{%s} %llu\n", series->family,
                             series->labels, text,
                             open && strpbrk(text, ".eI") == NULL ? ".0" : "", series->family,
                             series->labels, (unsigned long long)series->count);
    return err;
}

static enum otel_err put_series(const struct prometheus *self, size_t at, bool open,
                                struct otl_buf *out)
{
    const struct series *series = self->series[at];
    bool first = at == 0 || strcmp(self->series[at - 1]->family, series->family) != 0;
    size_t len = strlen(series->family);
    enum otel_err err = OTEL_OK;
    char text[48];

    /* OpenMetrics names the family of a counter without its _total */
    if (open && !series->histogram && !series->info && self->suffixes)
        len -= strlen("_total");
    if (first)
        err = otl_buf_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)len, series->family,
                             series->info ? "Target metadata" : "", (int)len, series->family,
                             series->histogram ? "histogram" : series->info ? "gauge" : "counter");
    if (err == OTEL_OK && series->histogram)
        return put_histogram(series, open, out);
    number((double)series->count, text);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "%s{%s} %s%s", series->family, series->labels, text,
                             open && strpbrk(text, ".e") == NULL ? ".0" : "");
    if (err == OTEL_OK && open)
        err = put_exemplar(series, -INFINITY, INFINITY, out);
    return err == OTEL_OK ? otl_buf_append_byte(out, '\n') : err;
}

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
        for (size_t i = 0; i < self->count && err == OTEL_OK; i++)
            err = put_series(self, i, open, &self->text);
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
    for (size_t i = 0; i < self->count; i++)
        free_series(self->series[i]);
    otl_mem_free(self->series);
    otl_buf_fini(&self->text);
    otl_buf_fini(&self->line);
    otl_buf_fini(&self->family);
    otl_mem_free(self);
}

static enum otel_err check(const struct col_create *args, struct otl_detail *reterr)
{
    for (size_t i = 0; not_yet[i] != NULL; i++) {
        const json_t *value = json_object_get(args->config, not_yet[i]);
        if (value != NULL && !json_is_null(value) && !json_is_false(value))
            return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, args->config, not_yet[i]),
                                  "exporter '%s': '%s' is not supported here yet", args->id,
                                  not_yet[i]);
    }
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
    self->endpoint = otl_tree_text(args->config, "endpoint", "");
    self->space = otl_tree_text(args->config, "namespace", "");
    self->expiration_ns =
        otl_tree_duration_ns(args->config, "metric_expiration", 300 * OTL_NS_PER_S);
    self->all_attributes = otl_tree_bool(conversion, "enabled", false);
    self->open_metrics = otl_tree_bool(args->config, "enable_open_metrics", false);
    self->suffixes = otl_tree_bool(args->config, "add_metric_suffixes", true);
    self->scope = !otl_tree_bool(args->config, "without_scope_info", false);
    snprintf(labels, sizeof(labels), "exporter=\"%s\"", args->id);
    self->dropped = col_metrics_counter(args->host->metrics, "collector_mock_prometheus_dropped",
                                        labels, "Points for which there was no room.");
    if (self->dropped == NULL) {
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
    .consume_metrics = consume_metrics,
    .free = free_prometheus,
};
