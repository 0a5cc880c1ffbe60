/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/action.h"
#include "collector-mock/processors/match.h"
#include "collector-mock/processors/points.h"
#include "collector-mock/processors/rewrite.h"
#include "collector-mock/wire/logs.h"
#include "sdk/base/mem.h"

/*
 * attributes processor: actions on the attributes of the spans, data points and log records that
 * include and exclude leave it. What no action changes goes on as the bytes it is.
 */

struct attributes {
    struct col_create create;
    struct col_actions *actions;
    struct col_match *match;
    struct col_rewrite rewrite;
};

static const struct otl_schema keys[] = {
    {.key = "actions", .type = OTL_SCHEMA_LIST, .child = col_action_schema},
    {.key = "include", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    {.key = "exclude", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* The attributes in this field of the message, by the actions. */
static enum otel_err change(struct attributes *self, struct otl_view *raw, uint32_t field)
{
    struct col_attributes attributes;
    enum otel_err err = col_attributes_read(&self->rewrite.arena, *raw, field, &attributes);

    if (err == OTEL_OK)
        err = col_actions_run(self->actions, &attributes);
    if (err == OTEL_OK && attributes.changed)
        err = col_attributes_put(&attributes, *raw, field, raw);
    return err;
}

static enum otel_err change_point(void *arg, const struct col_metric *metric,
                                  struct col_point *point, bool *ret_keep)
{
    const struct col_match_subject subject = {.resource = metric->resource,
                                              .scope = metric->scope,
                                              .attributes = &point->attributes,
                                              .name = metric->name};
    struct attributes *self = arg;

    (void)ret_keep;
    if (!col_match_true(self->match, &subject))
        return OTEL_OK;
    return change(self, &point->raw, col_point_attributes_field(metric->kind));
}

static enum otel_err change_log(struct attributes *self, struct col_item *item)
{
    struct col_log log;

    col_log_split(item->raw, &log);
    return col_match_log(self->match, &log, item->resource, item->scope)
               ? change(self, &item->raw, COL_LOG_ATTRIBUTES)
               : OTEL_OK;
}

static enum otel_err change_metric(struct attributes *self, struct col_item *item)
{
    struct col_metric metric;
    enum otel_err err;

    col_metric_split(item->raw, &metric);
    metric.resource = item->resource;
    metric.scope = item->scope;
    err = col_points_run(&self->rewrite.arena, &metric, change_point, self);
    item->raw = metric.raw;
    return err;
}

static enum otel_err consume_spans(struct attributes *self, struct col_traces *traces)
{
    enum otel_err err = OTEL_OK;
    struct col_span span;

    while (err == OTEL_OK && col_traces_next(traces, &span)) {
        if (col_match_span(self->match, &span))
            err = change(self, &span.raw, COL_SPAN_ATTRIBUTES);
        if (err == OTEL_OK)
            err = col_rewrite_add(&self->rewrite, &span);
    }
    return err;
}

static enum otel_err consume(void *arg, const struct col_batch *in, struct otl_detail *reterr)
{
    struct attributes *self = arg;
    struct col_traces *items = col_rewrite_begin(&self->rewrite, in);
    enum otel_err err = OTEL_OK;
    struct col_item item;

    if (in->signal == COL_TRACES)
        err = consume_spans(self, items);
    while (in->signal != COL_TRACES && err == OTEL_OK && col_items_next(items, &item)) {
        err = in->signal == COL_METRICS ? change_metric(self, &item) : change_log(self, &item);
        if (err == OTEL_OK)
            err = col_rewrite_item(&self->rewrite, &item);
    }
    return col_rewrite_send(&self->rewrite, err, &self->create, in, reterr);
}

static void free_self(void *arg)
{
    struct attributes *self = arg;

    col_actions_free(self->actions);
    col_match_free(self->match);
    col_rewrite_fini(&self->rewrite);
    otl_mem_free(self);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct attributes *self = otl_mem_zalloc(sizeof(*self));
    enum otel_err err;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    col_rewrite_init(&self->rewrite);
    err = col_actions_new(args, "actions", &self->actions, reterr);
    if (err == OTEL_OK)
        err = col_match_new(args, &self->match, reterr);
    if (err == OTEL_OK)
        *ret = self;
    else
        free_self(self);
    return err;
}

const struct col_component_type col_attributes_processor = {
    .name = "attributes",
    .kind = COL_PROCESSOR,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .free = free_self,
};
