/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_SUMMARY_H
#define HX_STATS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Summaries of a few samples that are all kept. For streams of latencies use hdr.h.
 *
 * Threads   no state.
 * Memory    arrays stay the caller's; sort orders them in place.
 */

void hx_sort_doubles(double *values, size_t count);
void hx_sort_u64(uint64_t *values, size_t count);

/* Nearest rank: the smallest value that percentile (0 to 100) of the sorted values do not exceed;
 * 0 if there are none. No interpolation: it is always a value that was measured. */
uint64_t hx_nearest_rank_u64(const uint64_t *sorted, size_t count, double percentile);

/* The middle, or the mean of the two middle ones. */
double hx_median(const double *sorted, size_t count);
double hx_mean(const double *values, size_t count);

/* True if percentile can be told from count samples: at least ten lie beyond it. */
bool hx_percentile_known(uint64_t count, double percentile);

#endif
