/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LEDGER_DROPS_H
#define HX_LEDGER_DROPS_H

#include <stdint.h>

#include <otel/err.h>

#include "harness/ledger/format.h"
#include "sdk/base/detail.h"

/*
 * Drop record: which spans the SDK said it dropped, by identity, in a mapped file that survives
 * kill -9 (struct hx_drop_header and rows in format.h).
 *
 * Life      hx_drops_new() -> hx_drops_add() ... -> hx_drops_free().
 * Threads   hx_drops_add() from any thread at the same time, without a lock; new and free alone.
 * Limits    capacity rows; further ones are counted in the header and not kept.
 */

struct hx_drops;

struct hx_drops_options {
    const char *dir;      /* RUN/ledger; made if it is not there */
    const char *instance;
    uint32_t incarnation;
    uint32_t process;
    uint64_t capacity;    /* rows; 0 = 65536 */
};

/* OTEL_ERR_IO, OTEL_ERR_MEMORY, with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_drops_new(const struct hx_drops_options *options,
                                         struct hx_drops **ret, struct otl_detail *reterr);
void hx_drops_free(struct hx_drops *drops);

void hx_drops_add(struct hx_drops *drops, const uint8_t trace_id[16], const uint8_t span_id[8],
                  enum hx_drop_reason reason);
/* count spans of which the SDK does not know which: one row without ids for UINT32_MAX of them. */
void hx_drops_add_unnamed(struct hx_drops *drops, uint64_t count, enum hx_drop_reason reason);
/* Rows given in, kept or not. */
uint64_t hx_drops_count(const struct hx_drops *drops);

#endif
