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

void col_rewrite_begin(struct col_rewrite *rewrite, struct otl_view request,
                       struct col_traces *ret)
{
    rewrite->request = request;
    rewrite->untouched = 0;
    rewrite->changed = false;
    col_traces_init(ret, request);
}

/* It lies where it came, in the group it came in. */
static bool is_untouched(const struct col_rewrite *rewrite, const struct col_traces *traces,
                         const struct col_span *span)
{
    uintptr_t at = (uintptr_t)span->raw.data, start = (uintptr_t)rewrite->request.data;
    const struct col_resource *resource = span->resource;

    return at >= start && at - start < rewrite->request.len &&
           resource->present == traces->resource.present &&
           resource->raw.data == traces->resource.raw.data &&
           resource->raw.len == traces->resource.raw.len;
}

/* From here on spans are grouped anew: those before this one, too. */
static enum otel_err catch_up(struct col_rewrite *rewrite)
{
    enum otel_err err = OTEL_OK;
    struct col_traces traces;
    struct col_span span;

    rewrite->changed = true;
    col_traces_init(&traces, rewrite->request);
    for (; err == OTEL_OK && rewrite->untouched > 0 && col_traces_next(&traces, &span);
         rewrite->untouched--)
        err = col_regroup_add(&rewrite->out, &traces, &span);
    return err;
}

enum otel_err col_rewrite_add(struct col_rewrite *rewrite, const struct col_traces *traces,
                              const struct col_span *span)
{
    enum otel_err err = OTEL_OK;

    if (!rewrite->changed) {
        if (traces->spans == rewrite->untouched + 1 && is_untouched(rewrite, traces, span)) {
            rewrite->untouched++;
            return OTEL_OK;
        }
        err = catch_up(rewrite);
    }
    return err == OTEL_OK ? col_regroup_add(&rewrite->out, traces, span) : err;
}

enum otel_err col_rewrite_finish(struct col_rewrite *rewrite, uint64_t spans,
                                 struct otl_view *ret, uint64_t *ret_spans)
{
    enum otel_err err = OTEL_OK;

    if (!rewrite->changed && rewrite->untouched == spans) {
        *ret = rewrite->request;
        *ret_spans = spans;
        return OTEL_OK;
    }
    if (!rewrite->changed)
        err = catch_up(rewrite); /* the last ones were left out */
    *ret_spans = rewrite->out.count;
    return err == OTEL_OK ? col_regroup_finish(&rewrite->out, ret) : err;
}

enum otel_err col_rewrite_send(struct col_rewrite *rewrite, enum otel_err err,
                               const struct col_create *create, const struct col_batch *in,
                               struct otl_detail *reterr)
{
    struct col_batch out = *in;

    if (err == OTEL_OK)
        err = col_rewrite_finish(rewrite, in->spans, &out.request, &out.spans);
    otl_arena_reset(&rewrite->arena);
    if (err != OTEL_OK) {
        col_regroup_fini(&rewrite->out); /* half a request is in it */
        col_regroup_init(&rewrite->out, REQUEST_MAX);
        return otl_detail_set(reterr, err, NULL, 0, 0, "processor '%s': %s", create->id,
                              otel_err_text(err));
    }
    if (out.spans == 0)
        return OTEL_OK;
    return create->next.consume(create->next.self, &out, reterr);
}
