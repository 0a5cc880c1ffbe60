/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_DEAL_H
#define COL_WIRE_DEAL_H

#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * Deal the spans of a request out to several owners, all spans of a trace to the same one.
 *
 * Spans, resources and scopes are copied as the bytes they are; only the groups around them are
 * written anew. A request that is one owner's alone is not copied at all.
 *
 * Not for choosing a backend: that is the consistent ring of the load_balancing exporter.
 *
 * Life      init -> deal... -> fini.
 * Threads   one owner.
 * Memory    the parts hold until the next deal.
 * Limits    COL_DEAL_MAX owners; a part never exceeds max bytes. Unknown fields of the two group
 *           messages are not kept where a request is cut.
 */

enum { COL_DEAL_MAX = 64 };

struct col_deal_part {
    struct otl_buf out;    /* the request */
    struct otl_buf scopes; /* finished scopes of the open resource */
    struct otl_buf spans;  /* of the open scope */
    uint64_t count;        /* spans */
};

struct col_deal {
    struct col_deal_part parts[COL_DEAL_MAX];
    unsigned owners;
    uint8_t *whose; /* owner of each span of the request at hand */
    size_t whose_room;
};

/* owners: 1..COL_DEAL_MAX. */
void col_deal_init(struct col_deal *deal, unsigned owners, size_t max);
void col_deal_fini(struct col_deal *deal);

/* Whose trace this is: 0..owners - 1. */
unsigned col_deal_owner(const uint8_t trace_id[16], unsigned owners);

/* *ret_only: the one owner of all spans, or owners: they are in the parts, none left out. request
 * has passed col_traces_check(). OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_deal(struct col_deal *deal, struct otl_view request,
                                     unsigned *ret_only);

#endif
