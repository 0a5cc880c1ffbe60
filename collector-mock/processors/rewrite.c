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

enum otel_err col_rewrite_add(struct col_rewrite *rewrite, const struct col_traces *traces,
                              const struct col_span *span)
{
    return col_regroup_add(&rewrite->out, traces, span);
}

enum otel_err col_rewrite_send(struct col_rewrite *rewrite, enum otel_err err,
                               const struct col_create *create, const struct col_batch *in,
                               struct otl_detail *reterr)
{
    struct col_batch out = *in;

    out.spans = rewrite->out.count;
    if (err == OTEL_OK)
        err = col_regroup_finish(&rewrite->out, &out.request);
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
