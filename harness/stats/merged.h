/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_MERGED_H
#define HX_STATS_MERGED_H

#include "harness/stats/hdr.h"
#include "harness/stats/paired.h"

/*
 * Percentiles of two arms that were measured side by side in blocks: each arm's values of all
 * blocks in one histogram, and how much the difference of their percentiles changes with the
 * blocks that happened to be there.
 *
 * For tails: the percentile of a block of which a dozen values lie beyond it says little, and a
 * stall in one block of ten moves the middle of such percentiles, but hardly the percentile of all.
 *
 * Threads   no state.
 * Memory    bins are the caller's.
 */

struct hx_bin {
    uint64_t value, count;
};

/* A histogram's counters that are not 0, in rising order. */
struct hx_bins {
    struct hx_bin *items;
    size_t count;
};

/* OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_bins_take(const struct hx_hdr *hdr, struct hx_bins *ret);
void hx_bins_fini(struct hx_bins *bins);

struct hx_merged {
    double base, arm; /* the percentile of each */
    /* Of arm - base. The interval: whole blocks drawn again, widened for few blocks as a t interval
     * is; the range of all that was drawn below HX_PAIRED_BLOCKS_MIN. p: how often a difference as
     * large comes about when base and arm of each block are exchanged at random. */
    struct hx_paired difference;
};

/* base[i] and arm[i] are of block i. False: no blocks or more than HX_PAIRED_MAX, an arm without
 * ten values beyond the percentile, or no memory. */
bool hx_merged(const struct hx_bins *const *base, const struct hx_bins *const *arm, size_t blocks,
               double percentile, uint64_t seed, struct hx_merged *ret);

#endif
