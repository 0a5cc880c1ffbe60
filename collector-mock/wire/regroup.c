/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/regroup.h"

#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/put.h"

/* One message may stand inside another only behind its length, so each storey is gathered before
 * it is written into the one below. */

void col_regroup_init(struct col_regroup *regroup, size_t max)
{
    memset(regroup, 0, sizeof(*regroup));
    otl_buf_init(&regroup->out, max);
    otl_buf_init(&regroup->scopes, max);
    otl_buf_init(&regroup->items, max);
    otl_buf_init(&regroup->part, max);
}

void col_regroup_fini(struct col_regroup *regroup)
{
    otl_buf_fini(&regroup->out);
    otl_buf_fini(&regroup->scopes);
    otl_buf_fini(&regroup->items);
    otl_buf_fini(&regroup->part);
}

struct group {
    bool has_head;
    struct otl_view head;    /* field 1: the resource or scope */
    struct otl_view members; /* field 2, any number, tags and lengths included */
    struct otl_view schema_url;
};

static enum otel_err put_group(struct otl_buf *out, uint32_t number, const struct group *group)
{
    size_t len = (group->has_head ? col_field_size(group->head.len) : 0) + group->members.len +
                 (group->schema_url.len > 0 ? col_field_size(group->schema_url.len) : 0);
    enum otel_err err = col_put_head(out, number, len);

    if (err == OTEL_OK && group->has_head)
        err = col_put_field(out, 1, group->head);
    if (err == OTEL_OK && group->members.len > 0)
        err = otl_buf_append(out, group->members.data, group->members.len);
    if (err == OTEL_OK && group->schema_url.len > 0)
        err = col_put_field(out, 3, group->schema_url);
    return err;
}

static enum otel_err close_scope(struct col_regroup *regroup)
{
    const struct group group = {regroup->scope.present, regroup->scope.raw,
                                otl_view(regroup->items.data, regroup->items.len),
                                regroup->scope.schema_url};
    enum otel_err err = OTEL_OK;

    if (regroup->scope_number != 0)
        err = put_group(&regroup->scopes, 2, &group);
    otl_buf_reset(&regroup->items);
    regroup->scope_number = 0;
    return err;
}

static enum otel_err close_resource(struct col_regroup *regroup)
{
    enum otel_err err = close_scope(regroup);
    const struct group group = {regroup->resource.present, regroup->resource.raw,
                                otl_view(regroup->scopes.data, regroup->scopes.len),
                                regroup->resource.schema_url};

    if (err == OTEL_OK && regroup->resource_number != 0)
        err = put_group(&regroup->out, 1, &group);
    otl_buf_reset(&regroup->scopes);
    regroup->resource_number = 0;
    return err;
}

enum otel_err col_regroup_item(struct col_regroup *regroup, const struct col_traces *items,
                               const struct col_item *item)
{
    enum otel_err err = OTEL_OK;

    if (!regroup->begun)
        otl_buf_reset(&regroup->out);
    regroup->begun = true;
    if (regroup->resource_number != items->resources)
        err = close_resource(regroup);
    else if (regroup->scope_number != items->scopes)
        err = close_scope(regroup);
    regroup->resource = *item->resource;
    regroup->scope = *item->scope;
    regroup->resource_number = items->resources;
    regroup->scope_number = items->scopes;
    if (err == OTEL_OK)
        err = col_put_field(&regroup->items, 2, item->raw);
    regroup->count += item->count;
    return err;
}

enum otel_err col_regroup_part(struct col_regroup *regroup, const struct col_traces *items,
                               const struct col_item *item, uint64_t first, uint64_t count)
{
    struct col_item part = *item;
    struct col_metric metric;
    enum otel_err err;

    if (count == item->count)
        return col_regroup_item(regroup, items, item);
    col_metric_split(item->raw, &metric);
    otl_buf_reset(&regroup->part);
    err = col_metric_cut(&metric, first, count, &regroup->part);
    part.raw = otl_view(regroup->part.data, regroup->part.len);
    part.count = count;
    return err == OTEL_OK ? col_regroup_item(regroup, items, &part) : err;
}

enum otel_err col_regroup_first(struct col_regroup *regroup, enum col_signal signal,
                                struct otl_view request, uint64_t count)
{
    enum otel_err err = OTEL_OK;
    struct col_traces items;
    struct col_item item;

    col_items_init(&items, signal, request);
    while (count > 0 && err == OTEL_OK && col_items_next(&items, &item)) {
        uint64_t taken = item.count < count ? item.count : count;
        err = col_regroup_part(regroup, &items, &item, 0, taken);
        count -= taken;
    }
    return err;
}

enum otel_err col_regroup_add(struct col_regroup *regroup, const struct col_traces *traces,
                              const struct col_span *span)
{
    const struct col_item item = {span->raw, 1, span->resource, span->scope};

    return col_regroup_item(regroup, traces, &item);
}

enum otel_err col_regroup_finish(struct col_regroup *regroup, struct otl_view *ret)
{
    enum otel_err err;

    if (!regroup->begun)
        otl_buf_reset(&regroup->out);
    err = close_resource(regroup);
    regroup->count = 0;
    regroup->begun = false;
    if (err == OTEL_OK)
        *ret = otl_view(regroup->out.data, regroup->out.len);
    return err;
}
