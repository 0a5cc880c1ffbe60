/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/rewrite.h"

#define REQUEST_MAX ((size_t)1 << 30)

void col_rewrite_init(struct col_rewrite *rewrite)
{
    col_regroup_init(&rewrite->out, REQUEST_MAX);
    otl_arena_init(&rewrite->arena, REQUEST_MAX);
}

void col_rewrite_fini(struct col_rewrite *rewrite)
{
    col_regroup_fini(&rewrite->out);
    otl_arena_fini(&rewrite->arena);
}

struct col_traces *col_rewrite_begin(struct col_rewrite *rewrite, const struct col_batch *in)
{
    rewrite->request = in->request;
    rewrite->count = in->items;
    rewrite->untouched = 0;
    rewrite->changed = false;
    col_items_init(&rewrite->source, in->signal, in->request);
    return &rewrite->source;
}

/* It lies where it came, in the group it came in. */
static bool is_untouched(const struct col_rewrite *rewrite, const struct col_item *item)
{
    uintptr_t at = (uintptr_t)item->raw.data, start = (uintptr_t)rewrite->request.data;
    const struct col_resource *now = item->resource, *came = &rewrite->source.resource;
    const struct col_scope *scope = item->scope, *scope_came = &rewrite->source.scope;

    return at >= start && at - start < rewrite->request.len && now->present == came->present &&
           now->raw.data == came->raw.data && now->raw.len == came->raw.len &&
           scope->present == scope_came->present && scope->raw.data == scope_came->raw.data &&
           scope->raw.len == scope_came->raw.len &&
           scope->schema_url.data == scope_came->schema_url.data;
}

/* From here on items are grouped anew: those before this one, too. */
static enum otel_err catch_up(struct col_rewrite *rewrite)
{
    enum otel_err err = OTEL_OK;
    struct col_traces items;
    struct col_item item;

    rewrite->changed = true;
    col_items_init(&items, rewrite->source.signal, rewrite->request);
    for (; err == OTEL_OK && rewrite->untouched > 0 && col_items_next(&items, &item);
         rewrite->untouched--)
        err = col_regroup_item(&rewrite->out, &items, &item);
    return err;
}

enum otel_err col_rewrite_item(struct col_rewrite *rewrite, const struct col_item *item)
{
    enum otel_err err = OTEL_OK;

    if (!rewrite->changed) {
        if (rewrite->source.spans == rewrite->untouched + 1 && is_untouched(rewrite, item)) {
            rewrite->untouched++;
            return OTEL_OK;
        }
        err = catch_up(rewrite);
    }
    return err == OTEL_OK ? col_regroup_item(&rewrite->out, &rewrite->source, item) : err;
}

enum otel_err col_rewrite_add(struct col_rewrite *rewrite, const struct col_span *span)
{
    const struct col_item item = {span->raw, 1, span->resource, span->scope};

    return col_rewrite_item(rewrite, &item);
}

enum otel_err col_rewrite_finish(struct col_rewrite *rewrite, struct otl_view *ret,
                                 uint64_t *ret_count)
{
    enum otel_err err = OTEL_OK;

    if (!rewrite->changed && rewrite->untouched == rewrite->source.spans) {
        *ret = rewrite->request;
        *ret_count = rewrite->count;
        return OTEL_OK;
    }
    if (!rewrite->changed)
        err = catch_up(rewrite); /* the last ones were left out */
    *ret_count = rewrite->out.count;
    return err == OTEL_OK ? col_regroup_finish(&rewrite->out, ret) : err;
}

enum otel_err col_rewrite_send(struct col_rewrite *rewrite, enum otel_err err,
                               const struct col_create *create, const struct col_batch *in,
                               struct otl_detail *reterr)
{
    struct col_batch out = *in;

    if (err == OTEL_OK)
        err = col_rewrite_finish(rewrite, &out.request, &out.items);
    otl_arena_reset(&rewrite->arena);
    if (err != OTEL_OK) {
        col_regroup_fini(&rewrite->out); /* half a request is in it */
        col_regroup_init(&rewrite->out, REQUEST_MAX);
        return otl_detail_set(reterr, err, NULL, 0, 0, "processor '%s': %s", create->id,
                              otel_err_text(err));
    }
    if (out.items == 0)
        return OTEL_OK;
    return create->next.consume(create->next.self, &out, reterr);
}
