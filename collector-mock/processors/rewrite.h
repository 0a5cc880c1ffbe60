/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_REWRITE_H
#define COL_PROCESSORS_REWRITE_H

#include "collector-mock/pipeline/component.h"
#include "collector-mock/wire/regroup.h"
#include "sdk/base/arena.h"

/*
 * One request in, one request out, of the items (spans, metrics, log records) that are left and
 * as they are now: what filters and processors that change them have in common. A request of which
 * nothing is changed or left out goes on as the bytes it came in: nothing is copied before the
 * first change is met.
 *
 * Life      init -> (begin -> add or leave out each item -> send or finish)... -> fini.
 * Threads   one owner.
 * Memory    the arena is for what holds until send, which empties it. The request of begin must
 *           hold until then, too.
 * Limits    a request of 1 GiB.
 */

struct col_rewrite {
    struct col_regroup out;
    struct otl_arena arena;
    struct col_traces source; /* the iterator that begin gave */
    struct otl_view request;
    uint64_t count;     /* spans, points, records in it */
    uint64_t untouched; /* items before the first change: not in out yet, unless changed */
    bool changed;
};

void col_rewrite_init(struct col_rewrite *rewrite);
void col_rewrite_fini(struct col_rewrite *rewrite);
/* The iterator over the request, at its begin: what it gives is added or left out, one by one. */
struct col_traces *col_rewrite_begin(struct col_rewrite *rewrite, const struct col_batch *in);
/* The item as it is in item->raw, which is copied; of item->resource and item->scope the bytes that
 * hold until send. What is changed lies outside the request: an item inside it is the one that
 * came. */
OTEL_MUST_USE enum otel_err col_rewrite_item(struct col_rewrite *rewrite,
                                             const struct col_item *item);
/* The same of a span. */
OTEL_MUST_USE enum otel_err col_rewrite_add(struct col_rewrite *rewrite,
                                            const struct col_span *span);
/* What was added: the request itself where nothing was changed; *ret_count spans, points or
 * records are left. ret holds until the next begin. */
OTEL_MUST_USE enum otel_err col_rewrite_finish(struct col_rewrite *rewrite, struct otl_view *ret,
                                               uint64_t *ret_count);
/* Hand on what was added, if that is anything; err is what happened on the way: if it is not
 * OTEL_OK, nothing goes on and it is told. */
OTEL_MUST_USE enum otel_err col_rewrite_send(struct col_rewrite *rewrite, enum otel_err err,
                                             const struct col_create *create,
                                             const struct col_batch *in,
                                             struct otl_detail *reterr);

#endif
