/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/points.h"

#include <string.h>

#include "collector-mock/processors/edit.h"
#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/put.h"

#define MESSAGE_MAX ((size_t)1 << 30)

/* The metric's other fields, and its data message with these points in place of its own. */
static enum otel_err put_metric(const struct col_metric *metric, const struct otl_view *points,
                                size_t count, struct otl_buf *out)
{
    struct otl_buf data;
    enum otel_err err;

    otl_buf_init(&data, MESSAGE_MAX);
    err = col_edit_copy(&data, metric->data, 1u << 1);
    for (size_t i = 0; i < count && err == OTEL_OK; i++)
        err = col_put_field(&data, 1, points[i]);
    if (err == OTEL_OK)
        err = col_edit_copy(out, metric->raw, 1u << metric->kind);
    if (err == OTEL_OK)
        err = col_put_field(out, metric->kind, otl_view(data.data, data.len));
    otl_buf_fini(&data);
    return err;
}

/* What stands in out, in the arena; out is done with. */
static enum otel_err keep(struct otl_arena *arena, struct otl_buf *out, enum otel_err err,
                          struct otl_view *ret)
{
    char *copy = err == OTEL_OK ? otl_arena_alloc(arena, out->len + 1) : NULL;

    if (copy != NULL) {
        if (out->len > 0)
            memcpy(copy, out->data, out->len);
        *ret = otl_view(copy, out->len);
    } else if (err == OTEL_OK) {
        err = OTEL_ERR_MEMORY;
    }
    otl_buf_fini(out);
    return err;
}

/* Those of a list that are left, and whether it is another list by that. */
struct left {
    struct otl_view *raws;
    size_t count;
    bool changed;
};

static enum otel_err left_init(struct left *left, struct otl_arena *arena, size_t most)
{
    *left = (struct left){.raws = otl_arena_alloc(arena, most * sizeof(*left->raws))};
    return left->raws != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

/* came: where its bytes were before; they may have been set to others. */
static void left_note(struct left *left, const char *came, struct otl_view raw, bool keep)
{
    left->changed = left->changed || !keep || raw.data != came;
    if (keep)
        left->raws[left->count++] = raw;
}

static enum otel_err write_metric(struct otl_arena *arena, struct col_metric *metric,
                                  const struct otl_view *points, size_t count)
{
    struct otl_buf out;
    enum otel_err err;

    otl_buf_init(&out, MESSAGE_MAX);
    err = put_metric(metric, points, count, &out);
    err = keep(arena, &out, err, &metric->raw);
    if (err == OTEL_OK)
        metric->points.count = (uint32_t)count;
    return err;
}

enum otel_err col_points_run(struct otl_arena *arena, struct col_metric *metric,
                             col_point_fn *run, void *arg)
{
    struct col_list list = metric->points;
    struct col_point point;
    struct left left;
    enum otel_err err;

    if (list.count == 0)
        return OTEL_OK;
    err = left_init(&left, arena, list.count);
    while (err == OTEL_OK && col_point_next(metric->kind, &list, &point)) {
        const char *came = point.raw.data;
        bool keep_it = true;
        err = run(arg, metric, &point, &keep_it);
        left_note(&left, came, point.raw, keep_it);
    }
    return err == OTEL_OK && left.changed ? write_metric(arena, metric, left.raws, left.count)
                                          : err;
}

/* The span with these events in place of its own. */
static enum otel_err write_span(struct otl_arena *arena, struct col_span *span,
                                const struct otl_view *events, size_t count)
{
    const struct col_resource *resource = span->resource;
    const struct col_scope *scope = span->scope;
    struct otl_view raw;
    struct otl_buf out;
    enum otel_err err;

    otl_buf_init(&out, MESSAGE_MAX);
    err = col_edit_copy(&out, span->raw, 1u << COL_SPAN_EVENTS);
    for (size_t i = 0; i < count && err == OTEL_OK; i++)
        err = col_put_field(&out, COL_SPAN_EVENTS, events[i]);
    err = keep(arena, &out, err, &raw);
    if (err != OTEL_OK)
        return err;
    col_span_split(raw, span);
    span->resource = resource;
    span->scope = scope;
    return OTEL_OK;
}

enum otel_err col_events_run(struct otl_arena *arena, struct col_span *span, col_event_fn *run,
                             void *arg)
{
    struct col_list list = span->events, raws = span->events;
    struct col_event event;
    struct otl_view raw;
    struct left left;
    enum otel_err err;

    if (list.count == 0)
        return OTEL_OK;
    err = left_init(&left, arena, list.count);
    while (err == OTEL_OK && col_event_next(&list, &event) && col_list_next(&raws, &raw)) {
        const char *came = raw.data;
        bool keep_it = true;
        err = run(arg, &event, &raw, &keep_it);
        left_note(&left, came, raw, keep_it);
    }
    return err == OTEL_OK && left.changed ? write_span(arena, span, left.raws, left.count) : err;
}
