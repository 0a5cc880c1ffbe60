/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_TAILS_H
#define HX_STATS_TAILS_H

#include <stdint.h>

/*
 * Exact tests of shares and of randomness: what turns "about 5 % were sampled" into a verdict.
 *
 * A verdict that must not be wrong by chance uses an alpha like 1e-6: of a million correct runs
 * one is called wrong.
 *
 * Threads   no state.
 */

struct hx_interval {
    double low;
    double high;
};

/* Two-sided Clopper-Pearson interval for the share behind hits of trials: it misses the true
 * share with a probability of at most alpha, for every share and every number of trials, also
 * near 0 and 1 (that is why it is used here and not Wilson's). trials 0 gives [0, 1]. */
struct hx_interval hx_binomial_interval(uint64_t hits, uint64_t trials, double alpha);

/* Probability of at most hits, and of at least hits, of trials at this share. */
double hx_binomial_at_most(uint64_t hits, uint64_t trials, double share);
double hx_binomial_at_least(uint64_t hits, uint64_t trials, double share);

/* Probability that a chi-square variable with this many degrees of freedom is above, below x. */
double hx_chi_square_above(double x, double degrees);
double hx_chi_square_below(double x, double degrees);

/* Regularised incomplete beta function I_x(a, b), and gamma functions P(a, x), Q(a, x). */
double hx_beta_inc(double a, double b, double x);
double hx_gamma_p(double a, double x);
double hx_gamma_q(double a, double x);

#endif
