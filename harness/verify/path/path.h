/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_PATH_PATH_H
#define HX_PATH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * The critical path of one trace: which span the root was waiting for at each instant.
 *
 * From the end of a span backwards, the child that ended last is what it waited for; before that
 * child's start, the one that ended last before it, and so on; what is left is the span's own time.
 * Every instant of the root belongs to exactly one piece. A child that ends after its parent was
 * not waited for (a publish whose report comes late) and is left out.
 *
 * Own time of a span without children is explained by its name (a statement, a piece of work). Own
 * time beside children is a gap: no span says what happened. So is a call whose callee left no
 * span.
 *
 * Life      nodes are the caller's; one call; pieces are written into the caller's array.
 * Threads   values only.
 * Limits    HX_PATH_SPANS spans of a trace, HX_PATH_DEPTH levels; below that a span counts as one
 *           without children.
 */

enum { HX_PATH_SPANS = 2048, HX_PATH_DEPTH = 64 };
#define HX_PATH_NONE UINT32_MAX

enum hx_path_gap {
    HX_PATH_EXPLAINED,    /* the span says what it did */
    HX_PATH_BETWEEN,      /* beside its children no span says what it did */
    HX_PATH_ON_THE_WAY,   /* between a caller's span and its callee's: network and queues */
    HX_PATH_NO_CALLEE,    /* a call whose callee left no span */
    HX_PATH_GAPS
};

struct hx_path_node {
    uint8_t span_id[8];
    uint8_t parent_id[8];  /* zero: none */
    uint64_t start_ns, end_ns;
    uint8_t kind;          /* OTLP */
    bool names_statement;  /* it carries db.query.text */
    uint32_t parent;       /* written: node, or HX_PATH_NONE */
    uint32_t children;     /* written: how many were waited for */
};

struct hx_path_piece {
    uint32_t node;
    uint64_t from_ns, to_ns;
    enum hx_path_gap gap;
};

/* "" for HX_PATH_EXPLAINED. */
const char *hx_path_gap_text(enum hx_path_gap gap);

/* *ret_root: the node without a parent among them that starts first, HX_PATH_NONE if there is none.
 * pieces have room for HX_PATH_PIECES(count); they come in the order of time. */
#define HX_PATH_PIECES(count) (2 * (count) + 1)
void hx_path_find(struct hx_path_node *nodes, size_t count, struct hx_path_piece *pieces,
                  size_t *ret_count, uint32_t *ret_root);

#endif
