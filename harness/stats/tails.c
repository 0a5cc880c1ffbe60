/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/tails.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* A continued fraction at these arguments needs about sqrt(max(a, b)) steps: enough for 10^10. */
enum { STEPS_MAX = 500000, BISECTIONS = 200 };
static const double TINY = 1e-300;
static const double PRECISION = 1e-15;

static double log_gamma(double x)
{
    int sign;

    return lgamma_r(x, &sign);
}

static double not_zero(double x)
{
    return fabs(x) < TINY ? TINY : x;
}

/* Continued fraction of the incomplete beta function, by Lentz's method; x < (a+1)/(a+b+2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1;
    double d = 1 / not_zero(1 - (a + b) * x / (a + 1));
    double value = d;

    for (int m = 1; m < STEPS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step;

        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        value *= d * c;
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        step = d * c;
        value *= step;
        if (fabs(step - 1) < PRECISION)
            break;
    }
    return value;
}

double hx_beta_inc(double a, double b, double x)
{
    double front;

    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* The tails are asked on the side where they are small, so that none is 1 minus nearly 1. */
double hx_binomial_at_least(uint64_t hits, uint64_t trials, double share)
{
    if (hits == 0)
        return 1;
    if (hits > trials)
        return 0;
    return hx_beta_inc((double)hits, (double)(trials - hits) + 1, share);
}

double hx_binomial_at_most(uint64_t hits, uint64_t trials, double share)
{
    if (hits >= trials)
        return 1;
    return hx_beta_inc((double)(trials - hits), (double)hits + 1, 1 - share);
}

/* The share at which the tail of hits becomes alpha; the tail rises with the share if upper. */
static double share_at(uint64_t hits, uint64_t trials, double alpha, bool upper)
{
    double low = 0;
    double high = 1;

    for (int i = 0; i < BISECTIONS && high - low > DBL_EPSILON * high; i++) {
        double middle = (low + high) / 2;
        bool above = upper ? hx_binomial_at_least(hits, trials, middle) > alpha
                           : hx_binomial_at_most(hits, trials, middle) < alpha;

        if (above)
            high = middle;
        else
            low = middle;
    }
    return (low + high) / 2;
}

struct hx_interval hx_binomial_interval(uint64_t hits, uint64_t trials, double alpha)
{
    struct hx_interval interval = {0, 1};

    if (trials == 0 || hits > trials)
        return interval;
    if (hits > 0)
        interval.low = share_at(hits, trials, alpha / 2, true);
    if (hits < trials)
        interval.high = share_at(hits, trials, alpha / 2, false);
    return interval;
}

static double gamma_front(double a, double x)
{
    return exp(a * log(x) - x - log_gamma(a));
}

/* Series for P(a, x); good for x < a + 1. */
static double gamma_series(double a, double x)
{
    double term = 1 / a;
    double sum = term;

    for (int n = 1; n < STEPS_MAX; n++) {
        term *= x / (a + n);
        sum += term;
        if (term < sum * PRECISION)
            break;
    }
    return sum * gamma_front(a, x);
}

/* Continued fraction for Q(a, x); good for x >= a + 1. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a;
    double c = 1 / TINY;
    double d = 1 / not_zero(b);
    double value = d;

    for (int n = 1; n < STEPS_MAX; n++) {
        double an = -n * (n - a);
        double step;

        b += 2;
        d = 1 / not_zero(an * d + b);
        c = not_zero(b + an / c);
        step = c * d;
        value *= step;
        if (fabs(step - 1) < PRECISION)
            break;
    }
    return value * gamma_front(a, x);
}

double hx_gamma_p(double a, double x)
{
    if (x <= 0)
        return 0;
    return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

double hx_gamma_q(double a, double x)
{
    if (x <= 0)
        return 1;
    return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

double hx_chi_square_above(double x, double degrees)
{
    return hx_gamma_q(degrees / 2, x / 2);
}

double hx_chi_square_below(double x, double degrees)
{
    return hx_gamma_p(degrees / 2, x / 2);
}
