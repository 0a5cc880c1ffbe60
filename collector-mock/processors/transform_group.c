/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/transform_group.h"

#include <string.h>

#include "collector-mock/processors/points.h"
#include "collector-mock/wire/logs.h"

/* What the walk is at. */
struct walk {
    const struct col_transform_group *group;
    struct col_rewrite *rewrite;
    struct col_resource resource; /* as it is now: its items share it */
    struct col_scope scope;
    struct col_draft draft;
    uint64_t *failed;
};

static enum otel_err run(struct walk *walk)
{
    return col_statements_run(walk->group->statements, &walk->draft, walk->group->mode.go_on,
                              walk->failed);
}

static enum otel_err run_event(void *arg, struct col_event *event, struct otl_view *raw,
                               bool *ret_keep)
{
    struct walk *walk = arg;

    (void)ret_keep;
    walk->draft.event = event;
    walk->draft.event_raw = raw;
    return run(walk);
}

static enum otel_err run_point(void *arg, const struct col_metric *metric, struct col_point *point,
                               bool *ret_keep)
{
    struct walk *walk = arg;

    (void)metric;
    (void)ret_keep;
    walk->draft.point = point;
    return run(walk);
}

static enum otel_err run_on_span(struct walk *walk, struct col_item *item)
{
    struct col_span span;
    enum otel_err err;

    col_span_split(item->raw, &span);
    span.resource = &walk->resource;
    span.scope = &walk->scope;
    walk->draft.span = &span;
    err = walk->group->on == COL_ON_SPAN
              ? run(walk)
              : col_events_run(&walk->rewrite->arena, &span, run_event, walk);
    item->raw = span.raw;
    return err;
}

static enum otel_err run_on_log(struct walk *walk, struct col_item *item)
{
    struct col_log log;
    enum otel_err err;

    col_log_split(item->raw, &log);
    walk->draft.log = &log;
    err = run(walk);
    item->raw = log.raw;
    return err;
}

static enum otel_err run_on_metric(struct walk *walk, struct col_item *item)
{
    struct col_metric metric;
    enum otel_err err;

    col_metric_split(item->raw, &metric);
    metric.resource = &walk->resource;
    metric.scope = &walk->scope;
    walk->draft.metric = &metric;
    err = walk->group->on == COL_ON_METRIC
              ? run(walk)
              : col_points_run(&walk->rewrite->arena, &metric, run_point, walk);
    item->raw = metric.raw;
    return err;
}

static enum otel_err run_on_item(struct walk *walk, struct col_item *item)
{
    switch (walk->group->signal) {
    case COL_TRACES:
        return run_on_span(walk, item);
    case COL_METRICS:
        return run_on_metric(walk, item);
    default:
        return run_on_log(walk, item);
    }
}

static enum otel_err run_on_all(struct walk *walk, struct col_traces *items)
{
    uint64_t resources = 0, scopes = 0; /* the numbers of those at hand */
    enum otel_err err = OTEL_OK;
    struct col_item item;

    while (err == OTEL_OK && col_items_next(items, &item)) {
        bool new_resource = resources != items->resources, new_scope = scopes != items->scopes;
        if (new_resource)
            walk->resource = *item.resource;
        if (new_scope)
            walk->scope = *item.scope;
        resources = items->resources;
        scopes = items->scopes;
        item.resource = &walk->resource;
        item.scope = &walk->scope;
        if (walk->group->on != COL_ON_RESOURCE && walk->group->on != COL_ON_SCOPE)
            err = run_on_item(walk, &item);
        else if (walk->group->on == COL_ON_RESOURCE ? new_resource : new_scope)
            err = run(walk);
        if (err == OTEL_OK)
            err = col_rewrite_item(walk->rewrite, &item);
    }
    return err;
}

enum otel_err col_transform_group_run(const struct col_transform_group *group,
                                      struct col_rewrite *rewrite, struct col_batch *batch,
                                      uint64_t *failed)
{
    struct walk walk = {.group = group, .rewrite = rewrite, .failed = failed};
    struct otl_view out;
    enum otel_err err;
    uint64_t count;
    char *copy;

    walk.draft.arena = &rewrite->arena;
    walk.draft.resource = &walk.resource;
    walk.draft.scope = &walk.scope;
    err = run_on_all(&walk, col_rewrite_begin(rewrite, batch));
    if (err == OTEL_OK)
        err = col_rewrite_finish(rewrite, &out, &count);
    if (err != OTEL_OK || out.data == batch->request.data)
        return err;
    copy = otl_arena_alloc(&rewrite->arena, out.len + 1);
    if (copy == NULL)
        return OTEL_ERR_MEMORY;
    memcpy(copy, out.data, out.len);
    batch->request = otl_view(copy, out.len);
    return OTEL_OK;
}
