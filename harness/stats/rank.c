/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/rank.h"

#include <math.h>
#include <stdlib.h>

#include "harness/stats/tails.h"
#include "sdk/base/mem.h"

struct ranked {
    double value;
    bool first;    /* of sample a */
    unsigned rank; /* doubled, so that the mean rank of ties is whole */
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;

    return (x > y) - (x < y);
}

/* Sorted, with doubled mid-ranks; *ret_ties is the sum of t^3 - t. */
static struct ranked *rank_all(const double *a, size_t n, const double *b, size_t m,
                               double *ret_ties)
{
    struct ranked *all = otl_mem_zalloc((n + m) * sizeof(*all));

    *ret_ties = 0;
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        all[i] = (struct ranked){a[i], true, 0};
    for (size_t i = 0; i < m; i++)
        all[n + i] = (struct ranked){b[i], false, 0};
    qsort(all, n + m, sizeof(*all), by_value);
    for (size_t i = 0, end; i < n + m; i = end) {
        double ties;
        for (end = i + 1; end < n + m && !(all[end].value > all[i].value); end++)
            ;
        ties = (double)(end - i);
        *ret_ties += ties * ties * ties - ties;
        for (size_t k = i; k < end; k++)
            all[k].rank = (unsigned)(i + 1 + end);
    }
    return all;
}

/* In how many ways do `take` of the ranks give each sum? ways[k * width + sum]. */
static void deal(const struct ranked *all, size_t total, size_t take, double *ways, size_t width)
{
    ways[0] = 1;
    for (size_t i = 0; i < total; i++)
        for (size_t k = i + 1 < take ? i + 1 : take; k > 0; k--)
            for (size_t sum = width - 1; sum >= all[i].rank; sum--)
                ways[k * width + sum] += ways[(k - 1) * width + sum - all[i].rank];
}

static bool exact_p(const struct ranked *all, size_t n, size_t m, double *ret)
{
    size_t take = n < m ? n : m, total = n + m, width = total * (total + 1) + 1;
    double *ways = otl_mem_zalloc((take + 1) * width * sizeof(*ways));
    double mean = (double)take * (double)(total + 1), seen = 0, away = 0, of = 0;

    if (ways == NULL)
        return false;
    for (size_t i = 0; i < total; i++)
        if (all[i].first == (n <= m))
            seen += all[i].rank;
    deal(all, total, take, ways, width);
    for (size_t sum = 0; sum < width; sum++) {
        double count = ways[take * width + sum];
        of += count;
        if (fabs((double)sum - mean) >= fabs(seen - mean) - 0.25)
            away += count;
    }
    otl_mem_free(ways);
    *ret = away / of;
    return true;
}

static double normal_p(const struct ranked *all, size_t n, size_t m, double ties)
{
    double a = (double)n, b = (double)m, total = a + b, sum = 0, variance, far;

    for (size_t i = 0; i < n + m; i++)
        if (all[i].first)
            sum += all[i].rank / 2.0;
    variance = a * b / 12 * (total + 1 - ties / (total * (total - 1)));
    far = fabs(sum - a * (total + 1) / 2) - 0.5;
    if (variance <= 0 || far <= 0)
        return 1;
    return erfc(far / sqrt(2 * variance));
}

struct hx_rank_test hx_mann_whitney(const double *a, size_t count_a, const double *b,
                                    size_t count_b)
{
    struct hx_rank_test test = {1, true};
    struct ranked *all;
    double ties;

    if (count_a == 0 || count_b == 0)
        return test;
    all = rank_all(a, count_a, b, count_b, &ties);
    if (all == NULL)
        return (struct hx_rank_test){1, false};
    if (count_a + count_b > HX_RANK_EXACT_MAX || !exact_p(all, count_a, count_b, &test.p)) {
        test.p = normal_p(all, count_a, count_b, ties);
        test.exact = false;
    }
    otl_mem_free(all);
    return test;
}

struct hx_median_interval hx_median_interval(const double *sorted, size_t count, double wanted)
{
    struct hx_median_interval best = {0, 0, 0};

    for (size_t k = 0; k < (count + 1) / 2; k++) {
        /* [x(k+1), x(n-k)] misses when at most k values lie on one side of the median */
        double confidence = 1 - 2 * hx_binomial_at_most(k, count, 0.5);
        if (k > 0 && confidence < wanted)
            break;
        best = (struct hx_median_interval){sorted[k], sorted[count - 1 - k],
                                           confidence > 0 ? confidence : 0};
    }
    return best;
}

struct holm {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    double x = ((const struct holm *)a)->p, y = ((const struct holm *)b)->p;

    return (x > y) - (x < y);
}

void hx_holm(double *p, size_t count)
{
    struct holm *order = otl_mem_alloc(count * sizeof(*order) + 1);
    double floor = 0;

    for (size_t i = 0; order != NULL && i < count; i++)
        order[i] = (struct holm){p[i], i};
    if (order != NULL)
        qsort(order, count, sizeof(*order), by_p);
    for (size_t i = 0; i < count; i++) {
        /* without memory: Bonferroni, which is never less careful */
        double value = order ? order[i].p * (double)(count - i) : p[i] * (double)count;
        size_t at = order ? order[i].at : i;
        if (order != NULL && value < floor)
            value = floor;
        floor = value;
        p[at] = value < 1 ? value : 1;
    }
    otl_mem_free(order);
}
