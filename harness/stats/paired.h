/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_PAIRED_H
#define HX_STATS_PAIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Paired differences: the same thing measured two ways in each of a handful of blocks.
 *
 * For blocks that were taken side by side; two sets of runs that were not belong to rank.h. One
 * value a block, never one a request.
 *
 * Threads   no state.
 * Memory    values are borrowed; a call allocates and frees.
 */

enum { HX_PAIRED_MAX = 500, HX_PAIRED_RESAMPLES = 5000, HX_PAIRED_BLOCKS_MIN = 6 };

/* Hodges-Lehmann: the median of the means of all pairs, each value with itself too. An estimate of
 * the middle that one odd block does not move. 0 for none, or no memory. */
double hx_hodges_lehmann(const double *values, size_t count);

/* Wilcoxon signed-rank, two-sided: how often chance alone would set the differences so much to one
 * side of 0. Exact, ties included, up to 50 differences that are not 0, else by the normal
 * approximation; 1 for none, or no memory. */
double hx_wilcoxon(const double *differences, size_t count);

struct hx_paired {
    size_t count;
    double estimate; /* Hodges-Lehmann */
    double low;      /* 95 % interval of it: BCa bootstrap, widened for few blocks as a t */
    double high;     /* interval is, up to 50 of them never inside of Wilcoxon's own; all of
                      * the values below HX_PAIRED_BLOCKS_MIN */
    double p;        /* Wilcoxon */
};

/* The interval's resamples are drawn from seed. False: no values, more than HX_PAIRED_MAX, or no
 * memory. */
bool hx_paired(const double *differences, size_t count, uint64_t seed, struct hx_paired *ret);

/* The same from another number of resamples: a simulation of thousands has no time for 5000. */
bool hx_paired_drawn(const double *differences, size_t count, uint64_t seed, size_t resamples,
                     struct hx_paired *ret);

/* Standard normal: the probability below x, and the x below which p lies (0 < p < 1). */
double hx_normal_below(double x);
double hx_normal_quantile(double p);
/* Student's t with degrees of freedom >= 3, to four digits. */
double hx_t_quantile(double p, double degrees);

#endif
