/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TAIL_STORE_H
#define COL_PROCESSORS_TAIL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/processors/tail/cells.h"
#include "collector-mock/wire/traces.h"

/*
 * Where spans wait: each as the bytes it came in, in pieces, one piece for what a request brought
 * of a trace under one scope. Resource and scope are kept once for all pieces that share them; the
 * schema URLs beside them are not kept, as upstream.
 *
 * Life      init -> context, piece... -> every piece freed -> fini.
 * Threads   one owner.
 * Memory    a piece: its spans as they stand in ScopeSpans and 24 bytes, in cells (cells.h: their
 *           holes); a context: its bytes and 72, once for all that name it.
 */

struct col_tail_context {
    struct col_tail_context *next; /* of the same slot */
    uint64_t hash;
    uint32_t refs;
    uint32_t resource_head, scope_head; /* lengths of the encoded fields, in this order */
    struct col_list attributes; /* of the resource; points into bytes */
    uint8_t bytes[];
};

struct col_tail_piece {
    struct col_tail_piece *next;
    struct col_tail_context *context;
    uint32_t len;
    uint32_t spans : 31;
    uint32_t first : 1; /* begins what one ResourceSpans brought */
    uint8_t bytes[];    /* ScopeSpans.spans fields, one after another */
};

struct col_tail_store {
    struct col_tail_context **slots;
    uint32_t slot_count, context_count;
    uint64_t seed;
    struct col_tail_cells cells; /* where pieces are */
    uint64_t bytes; /* of pieces and contexts, with their heads */
};

OTEL_MUST_USE enum otel_err col_tail_store_init(struct col_tail_store *store);
void col_tail_store_fini(struct col_tail_store *store);

/* What the groups around spans say; each part is a whole encoded field or empty. */
struct col_tail_heads {
    struct otl_view resource_head, scope_head;
};

/* The context with these bytes, counted once more. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_tail_context_get(struct col_tail_store *store,
                                                 const struct col_tail_heads *heads,
                                                 struct col_tail_context **ret);
void col_tail_context_drop(struct col_tail_store *store, struct col_tail_context *context);

/* An empty piece with room for len bytes; it counts its context. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_tail_piece_new(struct col_tail_store *store,
                                               struct col_tail_context *context, uint32_t len,
                                               struct col_tail_piece **ret);
/* The piece, or its copy where there are fewer holes: then it is freed. */
struct col_tail_piece *col_tail_piece_move(struct col_tail_store *store,
                                           struct col_tail_piece *piece);
/* The whole chain. */
void col_tail_pieces_free(struct col_tail_store *store, struct col_tail_piece *first);

/* The bytes of the request that the chain makes: one ResourceSpans for each fragment, in order of
 * arrival; spans, resources and scopes as they came, more are fields that each scope gets besides.
 * Appended to out. */
OTEL_MUST_USE enum otel_err col_tail_assemble(const struct col_tail_piece *first,
                                              struct otl_view more, struct otl_buf *out);
/* Its size without making it; more_len: of more. */
uint64_t col_tail_request_size(const struct col_tail_piece *first, size_t more_len);
/* The size that the Collector reckons with: its encoder also writes ids, statuses, resources and
 * scopes that are empty. whole: of the request, else of the body of each ResourceSpans. */
uint64_t col_tail_weight(const struct col_tail_piece *first, bool whole);

#endif
