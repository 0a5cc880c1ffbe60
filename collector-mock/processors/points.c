/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/points.h"

#include <string.h>

#include "collector-mock/processors/edit.h"
#include "collector-mock/wire/put.h"

#define METRIC_MAX ((size_t)1 << 30)

/* The metric's other fields, and its data message with these points in place of its own. */
static enum otel_err put_metric(const struct col_metric *metric, const struct otl_view *points,
                                size_t count, struct otl_buf *out)
{
    struct otl_buf data;
    enum otel_err err;

    otl_buf_init(&data, METRIC_MAX);
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

static enum otel_err write_metric(struct otl_arena *arena, struct col_metric *metric,
                                  const struct otl_view *points, size_t count)
{
    struct otl_buf out;
    enum otel_err err;
    char *copy;

    otl_buf_init(&out, METRIC_MAX);
    err = put_metric(metric, points, count, &out);
    copy = err == OTEL_OK ? otl_arena_alloc(arena, out.len + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, out.data, out.len);
        metric->raw = otl_view(copy, out.len);
        metric->points.count = (uint32_t)count;
    } else if (err == OTEL_OK) {
        err = OTEL_ERR_MEMORY;
    }
    otl_buf_fini(&out);
    return err;
}

enum otel_err col_points_run(struct otl_arena *arena, struct col_metric *metric,
                             col_point_fn *run, void *arg)
{
    struct col_list list = metric->points;
    enum otel_err err = OTEL_OK;
    struct col_point point;
    struct otl_view *kept;
    bool changed = false;
    size_t count = 0;

    if (list.count == 0)
        return OTEL_OK;
    kept = otl_arena_alloc(arena, list.count * sizeof(*kept));
    if (kept == NULL)
        return OTEL_ERR_MEMORY;
    while (err == OTEL_OK && col_point_next(metric->kind, &list, &point)) {
        const char *came = point.raw.data;
        bool keep = true;
        err = run(arg, metric, &point, &keep);
        changed = changed || !keep || point.raw.data != came;
        if (keep)
            kept[count++] = point.raw;
    }
    return err == OTEL_OK && changed ? write_metric(arena, metric, kept, count) : err;
}
