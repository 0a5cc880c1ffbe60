/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/match.h"
#include "collector-mock/processors/rewrite.h"
#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/mem.h"

/*
 * filter processor: drops the spans, and the events of spans, for which a condition of its list is
 * true (traces: span, spanevent), or that the old include and exclude of 'spans' turn away.
 *
 * Conditions of condition.h cannot fail on a span: what has no value, or one of another kind, is
 * unequal. So error_mode is checked and makes no difference. What is said of metrics and logs is
 * let be: they pass no pipeline here.
 */

struct filter {
    struct col_create create;
    struct col_condition *span, *event; /* NULL: none */
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
static const struct otl_schema span_keys[] = {
    {.key = "include", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    {.key = "exclude", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "error_mode", .type = OTL_SCHEMA_ENUM, .words = error_modes},
    {.key = "traces", .type = OTL_SCHEMA_MAP, .child = trace_keys, .nullable = true},
    {.key = "spans", .type = OTL_SCHEMA_MAP, .child = span_keys, .nullable = true},
    {.key = "metrics", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "logs", .type = OTL_SCHEMA_ANY, .nullable = true},
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
        const struct col_condition_subject subject = {span, &span->resource->attributes, &event};
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
    const struct col_condition_subject subject = {span, &span->resource->attributes, NULL};

    return (filter->match != NULL && !col_match_true(filter->match, span)) ||
           (filter->span != NULL && col_condition_true(filter->span, &subject));
}

static enum otel_err consume(void *self, const struct col_batch *in, struct otl_detail *reterr)
{
    struct filter *filter = self;
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
    return col_rewrite_send(&filter->rewrite, err, &filter->create, in, reterr);
}

static void free_filter(void *self)
{
    struct filter *filter = self;

    col_condition_free(filter->span);
    col_condition_free(filter->event);
    col_match_free(filter->match);
    col_rewrite_fini(&filter->rewrite);
    otl_buf_fini(&filter->scratch);
    otl_mem_free(filter);
}

static enum otel_err read_conditions(const struct col_create *args, const char *key,
                                     struct col_condition **ret, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(json_object_get(args->config, "traces"), key);
    enum otel_err err = OTEL_OK;

    if (json_array_size(list) > 0 &&
        col_condition_new(strcmp(key, "spanevent") == 0, ret) != OTEL_OK)
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
    struct filter *filter = otl_mem_zalloc(sizeof(*filter));
    char labels[160];
    enum otel_err err;

    if (filter == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    filter->create = *args;
    col_rewrite_init(&filter->rewrite);
    otl_buf_init(&filter->scratch, (size_t)1 << 30);
    snprintf(labels, sizeof(labels), "filter=\"%s\"", args->id);
    filter->filtered =
        col_metrics_counter(args->host->metrics, "otelcol_processor_filter_spans_filtered",
                            labels, "Spans that the filter dropped.");
    err = filter->filtered != NULL
              ? read_conditions(args, "span", &filter->span, reterr)
              : otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    if (err == OTEL_OK)
        err = read_conditions(args, "spanevent", &filter->event, reterr);
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
    .signals = COL_SIGNAL_BIT(COL_TRACES),
    .free = free_filter,
};
