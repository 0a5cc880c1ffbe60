/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_RANK_H
#define HX_STATS_RANK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Comparing two handfuls of runs without believing in any shape of distribution: ranks only.
 *
 * One value a run, never one a request: requests of a run are correlated, and millions of them
 * make every difference "significant".
 *
 * Threads   no state.
 * Memory    values are borrowed; the exact test allocates and frees a table of at most 530 kB, and
 *           falls back on the normal approximation if it cannot.
 */

/* Above this many values in both samples together the normal approximation is used. */
enum { HX_RANK_EXACT_MAX = 50 };

struct hx_rank_test {
    double p;   /* two-sided; 1 when a sample is empty */
    bool exact; /* by all ways to deal the ranks, ties included */
};

/* Mann-Whitney U: how often chance alone would set two samples of these sizes so far apart. */
struct hx_rank_test hx_mann_whitney(const double *a, size_t count_a, const double *b,
                                    size_t count_b);

struct hx_median_interval {
    double low, high;
    double confidence; /* of [low, high]; below what was wanted if there are too few values */
};

/* Interval of order statistics that holds the true median with at least this confidence, the
 * narrowest there is; all of the values if none is wide enough (six are needed for 0.95). count 0
 * gives zeros. */
struct hx_median_interval hx_median_interval(const double *sorted, size_t count, double wanted);

/* Holm: p values of a family of tests become such that each may be held against the same alpha. */
void hx_holm(double *p, size_t count);

#endif
