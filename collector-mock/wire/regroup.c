/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/regroup.h"

#include "collector-mock/wire/put.h"

/* One message may stand inside another only behind its length, so each storey is gathered before
 * it is written into the one below. */

void col_regroup_init(struct col_regroup *regroup, size_t max)
{
    memset(regroup, 0, sizeof(*regroup));
    otl_buf_init(&regroup->out, max);
    otl_buf_init(&regroup->scopes, max);
    otl_buf_init(&regroup->spans, max);
}

void col_regroup_fini(struct col_regroup *regroup)
{
    otl_buf_fini(&regroup->out);
    otl_buf_fini(&regroup->scopes);
    otl_buf_fini(&regroup->spans);
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
                                otl_view(regroup->spans.data, regroup->spans.len),
                                regroup->scope.schema_url};
    enum otel_err err = OTEL_OK;

    if (regroup->scope_number != 0)
        err = put_group(&regroup->scopes, 2, &group);
    otl_buf_reset(&regroup->spans);
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

enum otel_err col_regroup_add(struct col_regroup *regroup, const struct col_traces *traces,
                              const struct col_span *span)
{
    enum otel_err err = OTEL_OK;

    if (regroup->count == 0)
        otl_buf_reset(&regroup->out);
    if (regroup->resource_number != traces->resources)
        err = close_resource(regroup);
    else if (regroup->scope_number != traces->scopes)
        err = close_scope(regroup);
    regroup->resource = *span->resource;
    regroup->scope = *span->scope;
    regroup->resource_number = traces->resources;
    regroup->scope_number = traces->scopes;
    if (err == OTEL_OK)
        err = col_put_field(&regroup->spans, 2, span->raw);
    regroup->count++;
    return err;
}

enum otel_err col_regroup_finish(struct col_regroup *regroup, struct otl_view *ret)
{
    enum otel_err err;

    if (regroup->count == 0)
        otl_buf_reset(&regroup->out);
    err = close_resource(regroup);
    regroup->count = 0;
    if (err == OTEL_OK)
        *ret = otl_view(regroup->out.data, regroup->out.len);
    return err;
}
