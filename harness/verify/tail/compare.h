/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_COMPARE_H
#define HX_TAIL_COMPARE_H

#include "harness/verify/tail/oracle.h"

/*
 * What a collector did, trace by trace, against what the oracle says: its own record of decisions
 * (collector-mock --decisions), and what stands behind it (a file exporter's output, or the tap of
 * a collector behind). Either may be missing: a real Collector keeps no record.
 *
 * What depends on timing is held against what is possible: the outcomes of the answer, the earliest
 * moment of a decision, and the most that a limit lets pass.
 *
 * Life      new (after hx_tail_oracle_end) -> decisions, kept -> each -> free.
 * Threads   one owner.
 * Memory    24 bytes a trace.
 */

struct hx_tail_compare;

/* trace_id may be NULL: the text is about no single trace. */
typedef void (*hx_tail_difference_fn)(void *context, const uint8_t *trace_id, const char *text);

OTEL_MUST_USE enum otel_err hx_tail_compare_new(const struct hx_tail_oracle *oracle,
                                                struct hx_tail_compare **ret);
void hx_tail_compare_free(struct hx_tail_compare *compare); /* may be NULL */
/* OTEL_ERR_NOT_FOUND, OTEL_ERR_IO, OTEL_ERR_CORRUPT. */
OTEL_MUST_USE enum otel_err hx_tail_compare_decisions(struct hx_tail_compare *compare,
                                                      const char *path,
                                                      struct otl_detail *reterr);
OTEL_MUST_USE enum otel_err hx_tail_compare_kept(struct hx_tail_compare *compare,
                                                 const char *path, struct otl_detail *reterr);
/* Tell every difference; returns how many there are. */
uint64_t hx_tail_compare_each(struct hx_tail_compare *compare, hx_tail_difference_fn tell,
                              void *context);

/* MAY_... as recorded for trace n; 0: nothing was. */
unsigned hx_tail_compare_done(const struct hx_tail_compare *compare, size_t n);

struct hx_tail_counts {
    uint64_t traces, keep, drop, depends; /* as answered */
    uint64_t recorded, kept;              /* traces with a decision; traces behind */
};

void hx_tail_compare_counts(const struct hx_tail_compare *compare, struct hx_tail_counts *ret);

#endif
