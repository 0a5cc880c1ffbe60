/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_REWRITE_H
#define COL_PROCESSORS_REWRITE_H

#include "collector-mock/pipeline/component.h"
#include "collector-mock/wire/regroup.h"
#include "sdk/base/arena.h"

/*
 * One request in, one request out, of the spans that are left and as they are now: what filters
 * and processors that change spans have in common.
 *
 * Life      init -> (add or leave out each span of a request -> send)... -> fini.
 * Threads   one owner.
 * Memory    the arena is for what holds until send, which empties it.
 * Limits    a request of 1 GiB.
 */

struct col_rewrite {
    struct col_regroup out;
    struct otl_arena arena;
};

void col_rewrite_init(struct col_rewrite *rewrite);
void col_rewrite_fini(struct col_rewrite *rewrite);
/* The span as it is in span->raw, which is copied; of span->resource the bytes that hold until
 * send. */
OTEL_MUST_USE enum otel_err col_rewrite_add(struct col_rewrite *rewrite,
                                            const struct col_traces *traces,
                                            const struct col_span *span);
/* Hand on what was added, if that is anything; err is what happened on the way: if it is not
 * OTEL_OK, nothing goes on and it is told. */
OTEL_MUST_USE enum otel_err col_rewrite_send(struct col_rewrite *rewrite, enum otel_err err,
                                             const struct col_create *create,
                                             const struct col_batch *in,
                                             struct otl_detail *reterr);

#endif
