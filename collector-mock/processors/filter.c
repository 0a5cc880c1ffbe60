/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/match.h"
#include "collector-mock/processors/points.h"
#include "collector-mock/processors/rewrite.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/mem.h"

/*
 * filter processor: drops the spans, events of spans, metrics, data points and log records for
 * which a condition of their list is true, or that the old include and exclude of 'spans' turn away
 * (those of metrics and logs are refused by name). A metric that has lost all its points goes, too.
 *
 * Conditions of condition.h cannot fail: what has no value, or one of another kind, is unequal. So
 * error_mode is checked and makes no difference.
 */

struct filter {
    struct col_create create;
    struct col_condition *span, *event;           /* NULL: none */
    struct col_condition *metric, *point, *log;   /* likewise */
    struct col_match *match;            /* NULL: none */
    struct col_rewrite rewrite;
    struct otl_buf scratch;
    uint64_t *filtered;
};

static const char *const error_modes[] = {"propagate", "ignore", "silent", NULL};
static const struct otl_schema text_item[] = {{.type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
static const struct otl_schema trace_keys[] = {
    {.key = "span", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "spanevent", .type = OTL_SCHEMA_LIST, .child = text_item},
    OTL_SCHEMA_END};
static const struct otl_schema metric_keys[] = {
    {.key = "metric", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "datapoint", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "include", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "exclude", .type = OTL_SCHEMA_ANY, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema log_keys[] = {
    {.key = "log_record", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "include", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "exclude", .type = OTL_SCHEMA_ANY, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema span_keys[] = {
    {.key = "include", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    {.key = "exclude", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "error_mode", .type = OTL_SCHEMA_ENUM, .words = error_modes},
    {.key = "traces", .type = OTL_SCHEMA_MAP, .child = trace_keys, .nullable = true},
    {.key = "spans", .type = OTL_SCHEMA_MAP, .child = span_keys, .nullable = true},
    {.key = "metrics", .type = OTL_SCHEMA_MAP, .child = metric_keys, .nullable = true},
    {.key = "logs", .type = OTL_SCHEMA_MAP, .child = log_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* The span without the events that a condition holds for. */
static enum otel_err drop_events(struct filter *filter, struct col_span *span)
{
    struct col_list events = span->events, raws = span->events;
    enum otel_err err;
    struct col_event event;
    struct otl_view raw;
    uint32_t kept = 0;

    otl_buf_reset(&filter->scratch);
    err = col_edit_copy(&filter->scratch, span->raw, 1u << COL_SPAN_EVENTS);
    while (err == OTEL_OK && col_event_next(&events, &event) && col_list_next(&raws, &raw)) {
        const struct col_condition_subject subject = {
            .span = span, .resource = &span->resource->attributes, .event = &event};
        if (col_condition_true(filter->event, &subject))
            continue;
        kept++;
        err = col_put_field(&filter->scratch, COL_SPAN_EVENTS, raw);
    }
    if (kept < span->events.count)
        span->raw = otl_view(filter->scratch.data, filter->scratch.len);
    return err;
}

static bool is_dropped(struct filter *filter, const struct col_span *span)
{
    const struct col_condition_subject subject = {.span = span,
                                                  .resource = &span->resource->attributes};

    return (filter->match != NULL && !col_match_span(filter->match, span)) ||
           (filter->span != NULL && col_condition_true(filter->span, &subject));
}

/* ---- metrics and logs ---- */

static enum otel_err judge_point(void *arg, const struct col_metric *metric,
                                 struct col_point *point, bool *ret_keep)
{
    const struct col_condition_subject subject = {
        .resource = &metric->resource->attributes, .metric = metric, .point = point};
    struct filter *filter = arg;

    *ret_keep = !col_condition_true(filter->point, &subject);
    return OTEL_OK;
}

/* *ret_keep: something is left of it. A metric that had no points stays. */
static enum otel_err judge_metric(struct filter *filter, struct col_item *item, bool *ret_keep)
{
    struct col_condition_subject subject = {.resource = &item->resource->attributes};
    uint64_t came = item->count;
    enum otel_err err = OTEL_OK;
    struct col_metric metric;

    col_metric_split(item->raw, &metric);
    metric.resource = item->resource;
    metric.scope = item->scope;
    subject.metric = &metric;
    *ret_keep = filter->metric == NULL || !col_condition_true(filter->metric, &subject);
    if (*ret_keep && filter->point != NULL)
        err = col_points_run(&filter->rewrite.arena, &metric, judge_point, filter);
    item->raw = metric.raw;
    item->count = *ret_keep ? metric.points.count : 0;
    *ret_keep = *ret_keep && (item->count > 0 || came == 0);
    *filter->filtered += came - item->count;
    return err;
}

static bool judge_log(struct filter *filter, const struct col_item *item)
{
    struct col_log log;
    const struct col_condition_subject subject = {.resource = &item->resource->attributes,
                                                  .log = &log};
    bool keep;

    if (filter->log == NULL)
        return true;
    col_log_split(item->raw, &log);
    keep = !col_condition_true(filter->log, &subject);
    *filter->filtered += !keep;
    return keep;
}

static enum otel_err consume_items(struct filter *filter, const struct col_batch *in)
{
    struct col_traces *items = col_rewrite_begin(&filter->rewrite, in);
    enum otel_err err = OTEL_OK;
    struct col_item item;

    while (err == OTEL_OK && col_items_next(items, &item)) {
        bool keep = true;
        if (in->signal == COL_METRICS)
            err = judge_metric(filter, &item, &keep);
        else
            keep = judge_log(filter, &item);
        if (err == OTEL_OK && keep)
            err = col_rewrite_item(&filter->rewrite, &item);
    }
    return err;
}

/* ---- all ---- */

static enum otel_err consume_spans(struct filter *filter, const struct col_batch *in)
{
    enum otel_err err = OTEL_OK;
    struct col_traces *traces = col_rewrite_begin(&filter->rewrite, in);
    struct col_span span;

    while (err == OTEL_OK && col_traces_next(traces, &span)) {
        if (is_dropped(filter, &span)) {
            ++*filter->filtered;
            continue;
        }
        if (filter->event != NULL && span.events.count > 0)
            err = drop_events(filter, &span);
        if (err == OTEL_OK)
            err = col_rewrite_add(&filter->rewrite, &span);
    }
    return err;
}

static enum otel_err consume(void *self, const struct col_batch *in, struct otl_detail *reterr)
{
    struct filter *filter = self;
    enum otel_err err =
        in->signal == COL_TRACES ? consume_spans(filter, in) : consume_items(filter, in);

    return col_rewrite_send(&filter->rewrite, err, &filter->create, in, reterr);
}

static void free_filter(void *self)
{
    struct filter *filter = self;

    col_condition_free(filter->span);
    col_condition_free(filter->event);
    col_condition_free(filter->metric);
    col_condition_free(filter->point);
    col_condition_free(filter->log);
    col_match_free(filter->match);
    col_rewrite_fini(&filter->rewrite);
    otl_buf_fini(&filter->scratch);
    otl_mem_free(filter);
}

/* A list of conditions: where it stands, and what they are on. */
static const struct conditions {
    const char *section, *key;
    enum col_condition_on on;
    enum col_signal signal;
} lists[] = {{"traces", "span", COL_ON_SPAN, COL_TRACES},
             {"traces", "spanevent", COL_ON_EVENT, COL_TRACES},
             {"metrics", "metric", COL_ON_METRIC, COL_METRICS},
             {"metrics", "datapoint", COL_ON_POINT, COL_METRICS},
             {"logs", "log_record", COL_ON_LOG, COL_LOGS}};

static struct col_condition **target_of(struct filter *filter, enum col_condition_on on)
{
    switch (on) {
    case COL_ON_SPAN:
        return &filter->span;
    case COL_ON_EVENT:
        return &filter->event;
    case COL_ON_METRIC:
        return &filter->metric;
    case COL_ON_POINT:
        return &filter->point;
    default:
        return &filter->log;
    }
}

/* All are read, those of other signals too: a mistake is one wherever it stands. */
static enum otel_err read_conditions(struct filter *filter, const struct conditions *what,
                                     struct otl_detail *reterr)
{
    const struct col_create *args = &filter->create;
    const json_t *section = json_object_get(args->config, what->section);
    const json_t *list = json_object_get(section, what->key);
    struct col_condition **ret = target_of(filter, what->on);
    enum otel_err err = OTEL_OK;

    if (json_array_size(list) > 0 && col_condition_new(what->on, ret) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK; i++) {
        struct otl_detail why = OTL_DETAIL_NONE;
        err = col_condition_add(*ret, json_string_value(json_array_get(list, i)), &why);
        if (err != OTEL_OK)
            err = otl_yaml_error(reterr, otl_yaml_item_pos(args->doc, list, i),
                                 "processor '%s': %s", args->id, why.text);
    }
    return err;
}

/* include and exclude of metrics and logs are the names of before the conditions. */
static enum otel_err refuse_old(const struct col_create *args, const char *section,
                                struct otl_detail *reterr)
{
    static const char *const words[] = {"include", "exclude"};
    const json_t *map = json_object_get(args->config, section);

    for (size_t i = 0; i < 2; i++) {
        struct otl_yaml_pos pos = otl_yaml_key_pos(args->doc, map, words[i]);
        if (json_object_get(map, words[i]) != NULL)
            return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                                  "processor '%s': '%s' of %s is a setting of the Collector that "
                                  "this one does not have yet: write conditions",
                                  args->id, words[i], section);
    }
    return OTEL_OK;
}

/* The names of before the conditions. */
static enum otel_err read_spans(struct filter *filter, struct otl_detail *reterr)
{
    const struct col_create *args = &filter->create;
    const json_t *spans = json_object_get(args->config, "spans");
    struct col_create inner = *args;

    if (!json_is_object(spans))
        return OTEL_OK;
    if (filter->span != NULL || filter->event != NULL)
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, args->config, "spans"),
                              "processor '%s': 'traces' conditions and 'spans' include and "
                              "exclude cannot be used at the same time",
                              args->id);
    otl_log_line(&args->host->log, OTL_LOG_WARN,
                 "processor '%s': 'spans' with include and exclude is an old name: write "
                 "conditions under 'traces: span:'",
                 args->id);
    inner.config = spans;
    return col_match_new(&inner, &filter->match, reterr);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    static const char *const filtered_names[COL_SIGNALS] = {
        "otelcol_processor_filter_spans_filtered", "otelcol_processor_filter_datapoints_filtered",
        "otelcol_processor_filter_logs_filtered"};
    struct filter *filter = otl_mem_zalloc(sizeof(*filter));
    char labels[160];
    enum otel_err err;

    if (filter == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    filter->create = *args;
    col_rewrite_init(&filter->rewrite);
    otl_buf_init(&filter->scratch, (size_t)1 << 30);
    snprintf(labels, sizeof(labels), "filter=\"%s\"", args->id);
    filter->filtered = col_metrics_counter(args->host->metrics, filtered_names[args->signal],
                                           labels, "What the filter dropped.");
    err = filter->filtered != NULL
              ? OTEL_OK
              : otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && err == OTEL_OK; i++)
        err = read_conditions(filter, &lists[i], reterr);
    if (err == OTEL_OK)
        err = refuse_old(args, "metrics", reterr);
    if (err == OTEL_OK)
        err = refuse_old(args, "logs", reterr);
    if (err == OTEL_OK)
        err = read_spans(filter, reterr);
    if (err == OTEL_OK)
        *ret = filter;
    else
        free_filter(filter);
    return err;
}

const struct col_component_type col_filter_processor = {
    .name = "filter",
    .kind = COL_PROCESSOR,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .free = free_filter,
};
