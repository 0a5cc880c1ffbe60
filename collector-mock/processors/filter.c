/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/groups.h"
#include "collector-mock/processors/match.h"
#include "collector-mock/processors/points.h"
#include "collector-mock/processors/rewrite.h"
#include "collector-mock/wire/logs.h"
#include "sdk/base/mem.h"

/*
 * filter processor: drops the spans, events of spans, metrics, data points and log records for
 * which a condition is true, on them or on the resource or scope they stand in, or that the old
 * include and exclude turn away. A metric that has lost all its points goes, too.
 *
 * Conditions are lists by context (traces: span...) or groups (trace_conditions). No condition can
 * see what another one has dropped, so all of an item are asked together.
 *
 * A condition that fails does not hold; in error_mode propagate the request is refused then.
 */

enum { RULES_MAX = 64 };

struct rule {
    enum col_condition_on on;
    enum col_signal signal;
    struct col_condition *condition;
    bool propagate; /* error_mode */
};

struct filter {
    struct col_create create;
    struct rule rules[RULES_MAX];
    size_t rule_count;
    unsigned on[COL_SIGNALS]; /* sets of contexts that there are rules of */
    struct col_match *matches[COL_SIGNALS]; /* NULL: none */
    struct col_rewrite rewrite;
    uint64_t *filtered;
    enum col_signal signal; /* of the request at hand */
    enum otel_err failed;   /* a condition, in that; always OTEL_OK unless propagate */
};

static const struct otl_schema text_item[] = {{.type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
#define LIST(name) {.key = name, .type = OTL_SCHEMA_LIST, .child = text_item, .nullable = true}
#define GROUPS(name)                                                                               \
    {.key = name, .type = OTL_SCHEMA_LIST, .child = col_condition_groups, .nullable = true}
#define OLD(table)                                                                                 \
    {.key = "include", .type = OTL_SCHEMA_MAP, .child = table, .nullable = true},                  \
        {.key = "exclude", .type = OTL_SCHEMA_MAP, .child = table, .nullable = true}

static const struct otl_schema trace_keys[] = {LIST("resource"), LIST("span"), LIST("spanevent"),
                                               OTL_SCHEMA_END};
static const struct otl_schema metric_keys[] = {
    LIST("resource"),
    LIST("metric"),
    LIST("datapoint"),
    OLD(col_match_metrics_schema),
    /* taken and without an effect, as there */
    {.key = "regexp", .type = OTL_SCHEMA_MAP, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema log_keys[] = {
    LIST("resource"),
    LIST("log_record"),
    OLD(col_match_logs_schema),
    OTL_SCHEMA_END};
static const struct otl_schema span_keys[] = {OLD(col_match_schema), OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "error_mode", .type = OTL_SCHEMA_ENUM, .words = col_error_modes},
    {.key = "traces", .type = OTL_SCHEMA_MAP, .child = trace_keys, .nullable = true},
    {.key = "spans", .type = OTL_SCHEMA_MAP, .child = span_keys, .nullable = true},
    {.key = "metrics", .type = OTL_SCHEMA_MAP, .child = metric_keys, .nullable = true},
    {.key = "logs", .type = OTL_SCHEMA_MAP, .child = log_keys, .nullable = true},
    GROUPS("trace_conditions"),
    GROUPS("metric_conditions"),
    GROUPS("log_conditions"),
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

#define BIT(on) (1u << (on))
enum { AROUND = BIT(COL_ON_RESOURCE) | BIT(COL_ON_SCOPE) };

/* One of the conditions on one of these. */
static bool holds(struct filter *filter, unsigned on, const struct col_condition_subject *subject)
{
    if ((filter->on[filter->signal] & on) == 0)
        return false;
    for (size_t i = 0; i < filter->rule_count; i++) {
        const struct rule *rule = &filter->rules[i];
        enum otel_err err;
        bool is_true;
        if (rule->signal != filter->signal || (on & BIT(rule->on)) == 0)
            continue;
        err = col_condition_judge(rule->condition, subject, &is_true);
        if (err != OTEL_OK && rule->propagate)
            filter->failed = err;
        if (is_true)
            return true;
    }
    return false;
}

struct judge_event {
    struct filter *filter;
    const struct col_span *span;
};

static enum otel_err judge_event(void *arg, struct col_event *event, struct otl_view *raw,
                                 bool *ret_keep)
{
    const struct judge_event *judge = arg;
    const struct col_condition_subject subject = {.span = judge->span,
                                                  .resource = &judge->span->resource->attributes,
                                                  .scope = judge->span->scope,
                                                  .event = event};

    (void)raw;
    *ret_keep = !holds(judge->filter, BIT(COL_ON_EVENT), &subject);
    return OTEL_OK;
}

static enum otel_err drop_events(struct filter *filter, struct col_span *span)
{
    struct judge_event judge = {filter, span};

    return col_events_run(&filter->rewrite.arena, span, judge_event, &judge);
}

static bool is_dropped(struct filter *filter, const struct col_span *span)
{
    const struct col_condition_subject subject = {.span = span,
                                                  .resource = &span->resource->attributes,
                                                  .scope = span->scope};

    return (filter->matches[COL_TRACES] != NULL &&
            !col_match_span(filter->matches[COL_TRACES], span)) ||
           holds(filter, AROUND | BIT(COL_ON_SPAN), &subject);
}

/* ---- metrics and logs ---- */

static enum otel_err judge_point(void *arg, const struct col_metric *metric,
                                 struct col_point *point, bool *ret_keep)
{
    const struct col_condition_subject subject = {
        .resource = &metric->resource->attributes, .scope = metric->scope, .metric = metric,
        .point = point};
    struct filter *filter = arg;

    *ret_keep = !holds(filter, BIT(COL_ON_POINT), &subject);
    return OTEL_OK;
}

static bool is_turned_away(const struct filter *filter, const struct col_metric *metric)
{
    const struct col_match_subject subject = {
        .resource = metric->resource, .scope = metric->scope, .name = metric->name};
    struct col_match *match = filter->matches[COL_METRICS];

    return match != NULL && !col_match_true(match, &subject);
}

/* *ret_keep: something is left of it. A metric that had no points stays. */
static enum otel_err judge_metric(struct filter *filter, struct col_item *item, bool *ret_keep)
{
    struct col_condition_subject subject = {.resource = &item->resource->attributes,
                                            .scope = item->scope};
    uint64_t came = item->count;
    enum otel_err err = OTEL_OK;
    struct col_metric metric;

    col_metric_split(item->raw, &metric);
    metric.resource = item->resource;
    metric.scope = item->scope;
    subject.metric = &metric;
    *ret_keep = !is_turned_away(filter, &metric) &&
                !holds(filter, AROUND | BIT(COL_ON_METRIC), &subject);
    if (*ret_keep && (filter->on[COL_METRICS] & BIT(COL_ON_POINT)) != 0)
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
                                                  .scope = item->scope,
                                                  .log = &log};
    struct col_match *match = filter->matches[COL_LOGS];
    bool keep;

    if (filter->on[COL_LOGS] == 0 && match == NULL)
        return true;
    col_log_split(item->raw, &log);
    keep = (match == NULL || col_match_log(match, &log, item->resource, item->scope)) &&
           !holds(filter, AROUND | BIT(COL_ON_LOG), &subject);
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
        if ((filter->on[COL_TRACES] & BIT(COL_ON_EVENT)) != 0)
            err = drop_events(filter, &span);
        if (err == OTEL_OK)
            err = col_rewrite_add(&filter->rewrite, &span);
    }
    return err;
}

static enum otel_err consume(void *self, const struct col_batch *in, struct otl_detail *reterr)
{
    struct filter *filter = self;
    uint64_t before = *filter->filtered;
    enum otel_err err;

    filter->failed = OTEL_OK;
    filter->signal = in->signal;
    err = in->signal == COL_TRACES ? consume_spans(filter, in) : consume_items(filter, in);
    if (err == OTEL_OK)
        err = filter->failed;
    if (err != OTEL_OK)
        *filter->filtered = before;
    return col_rewrite_send(&filter->rewrite, err, &filter->create, in, reterr);
}

static void free_filter(void *self)
{
    struct filter *filter = self;

    for (size_t i = 0; i < filter->rule_count; i++)
        col_condition_free(filter->rules[i].condition);
    for (size_t i = 0; i < COL_SIGNALS; i++)
        col_match_free(filter->matches[i]);
    col_rewrite_fini(&filter->rewrite);
    otl_mem_free(filter);
}

/* ---- reading ---- */

/* A list of conditions: where it stands, and what they are on. */
static const struct conditions {
    const char *section, *key;
    enum col_condition_on on;
    enum col_signal signal;
} lists[] = {{"traces", "resource", COL_ON_RESOURCE, COL_TRACES},
             {"traces", "span", COL_ON_SPAN, COL_TRACES},
             {"traces", "spanevent", COL_ON_EVENT, COL_TRACES},
             {"metrics", "resource", COL_ON_RESOURCE, COL_METRICS},
             {"metrics", "metric", COL_ON_METRIC, COL_METRICS},
             {"metrics", "datapoint", COL_ON_POINT, COL_METRICS},
             {"logs", "resource", COL_ON_RESOURCE, COL_LOGS},
             {"logs", "log_record", COL_ON_LOG, COL_LOGS}};
static const struct col_group_list groups[] = {{"trace_conditions", COL_TRACES, "conditions"},
                                               {"metric_conditions", COL_METRICS, "conditions"},
                                               {"log_conditions", COL_LOGS, "conditions"}};

/* A rule of the conditions from first on. */
static enum otel_err add_rule(struct filter *filter, const struct rule *like, const json_t *list,
                              size_t first, bool named, struct otl_detail *reterr)
{
    const struct col_create *args = &filter->create;
    struct rule *rule = &filter->rules[filter->rule_count];
    enum otel_err err = OTEL_OK;

    if (filter->rule_count == RULES_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "processor '%s': more than 64 groups of conditions", args->id);
    *rule = *like;
    if (col_condition_new(rule->on, &rule->condition) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    filter->rule_count++;
    filter->on[rule->signal] |= BIT(rule->on);
    if (named)
        col_condition_named(rule->condition);
    for (size_t i = first; i < json_array_size(list) && err == OTEL_OK; i++) {
        struct otl_detail why = OTL_DETAIL_NONE;
        const char *text = json_string_value(json_array_get(list, i));
        err = text != NULL ? col_condition_add(rule->condition, text, &why) : OTEL_OK;
        if (err != OTEL_OK)
            err = col_groups_error(args, list, i, err, &why, reterr);
    }
    return err;
}

/* All are read, those of other signals too: a mistake is one wherever it stands. */
static enum otel_err read_conditions(struct filter *filter, const struct conditions *what,
                                     struct otl_detail *reterr)
{
    const struct col_create *args = &filter->create;
    const json_t *section = json_object_get(args->config, what->section);
    const json_t *list = json_object_get(section, what->key);
    const struct rule rule = {.on = what->on,
                              .signal = what->signal,
                              .propagate = !col_error_mode_of(args, NULL).go_on};

    return json_array_size(list) > 0 ? add_rule(filter, &rule, list, 0, false, reterr) : OTEL_OK;
}

static enum otel_err take_group(void *arg, const struct col_group *group,
                                struct otl_detail *reterr)
{
    struct filter *filter = arg;
    const struct rule rule = {
        .on = group->on,
        .signal = group->list->signal,
        .propagate = !col_error_mode_of(&filter->create, group->error_mode).go_on};

    return add_rule(filter, &rule, group->texts, group->first, group->named, reterr);
}

/* Groups, where the signal has no conditions by context. */
static enum otel_err read_groups(struct filter *filter, const struct col_group_list *list,
                                 struct otl_detail *reterr)
{
    const struct col_create *args = &filter->create;
    const char *section = col_signal_name(list->signal);

    if (json_array_size(json_object_get(args->config, list->key)) > 0 &&
        filter->on[list->signal] != 0)
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, args->config, list->key),
                              "processor '%s': cannot use '%s' and conditions of '%s' at the same "
                              "time", args->id, list->key, section);
    return col_groups_read(args, list, take_group, filter, reterr);
}

/* include and exclude, the names of before the conditions. */
static enum otel_err read_old(struct filter *filter, enum col_signal signal,
                              struct otl_detail *reterr)
{
    static const char *const sections[COL_SIGNALS] = {"spans", "metrics", "logs"};
    static const char *const instead[COL_SIGNALS] = {"traces: span", "metrics: metric",
                                                     "logs: log_record"};
    const struct col_create *args = &filter->create;
    const json_t *section = json_object_get(args->config, sections[signal]);
    struct col_create inner = *args;
    bool given = json_is_object(json_object_get(section, "include")) ||
                 json_is_object(json_object_get(section, "exclude"));

    if (!given)
        return OTEL_OK;
    if (filter->on[signal] != 0)
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, args->config, sections[signal]),
                              "processor '%s': conditions of %s and include and exclude of '%s' "
                              "cannot be used at the same time",
                              args->id, col_signal_name(signal), sections[signal]);
    otl_log_line(&args->host->log, OTL_LOG_WARN,
                 "processor '%s': '%s' with include and exclude is an old name: write "
                 "conditions under '%s'",
                 args->id, sections[signal], instead[signal]);
    inner.config = section;
    inner.signal = signal;
    return signal == COL_TRACES
               ? col_match_new(&inner, &filter->matches[signal], reterr)
               : col_match_new_of_filter(&inner, &filter->matches[signal], reterr);
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
    snprintf(labels, sizeof(labels), "filter=\"%s\"", args->id);
    filter->filtered = col_metrics_counter(args->host->metrics, filtered_names[args->signal],
                                           labels, "What the filter dropped.");
    err = filter->filtered != NULL
              ? OTEL_OK
              : otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && err == OTEL_OK; i++)
        err = read_conditions(filter, &lists[i], reterr);
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && err == OTEL_OK; i++)
        err = read_groups(filter, &groups[i], reterr);
    for (int i = 0; i < COL_SIGNALS && err == OTEL_OK; i++)
        err = read_old(filter, (enum col_signal)i, reterr);
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
