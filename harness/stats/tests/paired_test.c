/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/stats/paired.h"
#include "harness/stats/summary.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"

/* Darwin's maize: heights of crossed less self-fertilised plants, in eighths of an inch. */
static const double darwin[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};
enum { DARWIN = sizeof(darwin) / sizeof(darwin[0]) };

static void assert_near(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("found %.9g, wanted %.9g +- %g", found, wanted, tolerance);
}

static void quantiles_are_those_of_the_tables(void **state)
{
    (void)state;
    assert_near(hx_normal_quantile(0.975), 1.959964, 1e-6);
    assert_near(hx_normal_quantile(0.01), -2.326348, 1e-6);
    assert_near(hx_normal_below(1), 0.8413447, 1e-7);
    assert_near(hx_t_quantile(0.975, 9), 2.262157, 5e-4);
    assert_near(hx_t_quantile(0.975, 5), 2.570582, 5e-3);
    assert_near(hx_t_quantile(0.975, 30), 2.042272, 1e-4);
}

static void wilcoxon_is_that_of_the_tables(void **state)
{
    static const double one_way[] = {1, 2, 3, 4, 5, 6}, ties[] = {1, 1, 1, -1};
    static const double zeros[] = {0, 0, 0};
    double normal[60];

    (void)state;
    /* All signs alike: 2 of the 64 ways. */
    assert_near(hx_wilcoxon(one_way, 6), 2.0 / 64, 1e-12);
    /* Darwin's data: W- = 24 of 120, exact p 0.04126 */
    assert_near(hx_wilcoxon(darwin, DARWIN), 0.04126, 1e-5);
    /* four equal ranks of 2.5: sums 0 and 10 (1 way each), 2.5 and 7.5 (4 ways each) are as far */
    assert_near(hx_wilcoxon(ties, 4), 10.0 / 16, 1e-12);
    assert_near(hx_wilcoxon(zeros, 3), 1, 0);
    assert_near(hx_wilcoxon(zeros, 0), 1, 0);
    /* 60 differences 1, -2, 3, -4, ...: W+ = 900, mean 915, sd 135.8: z 0.107 */
    for (int i = 0; i < 60; i++)
        normal[i] = i % 2 ? -(i + 1) : i + 1;
    assert_near(hx_wilcoxon(normal, 60), 0.9150, 2e-3);
}

static void hodges_lehmann_is_the_median_of_means(void **state)
{
    static const double three[] = {1, 5, 2}, odd[] = {1, 2, 3, 4, 1000};

    (void)state;
    assert_near(hx_hodges_lehmann(three, 3), 2.5, 1e-12); /* 1 1.5 2 3 3.5 5 */
    assert_near(hx_hodges_lehmann(odd, 5), 3, 1e-12);
    assert_near(hx_hodges_lehmann(darwin, DARWIN), 25, 1e-12);
}

/* Selected, not sorted: the same, with ties and without. */
static void the_middle_is_that_of_the_sorted_means(void **state)
{
    enum { LONGEST = 25 };
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 3);
    for (int t = 0; t < 2000; t++) {
        size_t count = 1 + otl_random_below(&random, LONGEST), n = 0;
        uint64_t kinds = 1 + otl_random_below(&random, 40);
        double values[LONGEST], means[LONGEST * (LONGEST + 1) / 2];
        for (size_t i = 0; i < count; i++)
            values[i] = (double)otl_random_below(&random, kinds);
        for (size_t i = 0; i < count; i++)
            for (size_t j = i; j < count; j++)
                means[n++] = (values[i] + values[j]) / 2;
        hx_sort_doubles(means, n);
        assert_near(hx_hodges_lehmann(values, count), hx_median(means, n), 1e-12);
    }
}

static void an_interval_is_repeatable_and_holds_its_estimate(void **state)
{
    struct hx_paired one, again, other;

    (void)state;
    assert_true(hx_paired(darwin, DARWIN, 1, &one));
    assert_true(hx_paired(darwin, DARWIN, 1, &again));
    assert_true(hx_paired(darwin, DARWIN, 2, &other));
    assert_memory_equal(&one, &again, sizeof(one));
    assert_true(one.low < one.estimate && one.estimate < one.high);
    assert_near(one.low, other.low, 4);
    /* the t interval of the mean is [-0.03, 41.9] */
    assert_true(one.low > -12 && one.low < 8);
    assert_true(one.high > 36 && one.high < 48);
}

static void few_blocks_give_their_range(void **state)
{
    static const double five[] = {3, 1, 2, 5, 4}, same[] = {2, 2, 2, 2, 2, 2, 2, 2};
    struct hx_paired found;

    (void)state;
    assert_true(hx_paired(five, 5, 1, &found));
    assert_near(found.low, 1, 0);
    assert_near(found.high, 5, 0);
    assert_true(hx_paired(same, 8, 1, &found));
    assert_near(found.low, 2, 0);
    assert_near(found.high, 2, 0);
    assert_false(hx_paired(five, 0, 1, &found));
    assert_false(hx_paired(five, HX_PAIRED_MAX + 1, 1, &found));
}

/* ---- how often the interval holds the truth ------------------------------------------------- */

enum { TRIALS = 500, RESAMPLES = 500, BLOCKS_MOST = 20 };

typedef double draw_fn(struct otl_random *random);

static double normal(struct otl_random *random)
{
    return otl_random_normal(random);
}

static double skewed(struct otl_random *random)
{
    return otl_random_exponential(random);
}

/* The truth of Hodges-Lehmann is the middle of the mean of two: of two exponentials half of the
 * median of Gamma(2). */
static const struct {
    const char *name;
    draw_fn *draw;
    double truth;
} kinds[] = {{"normal", normal, 0}, {"exponential", skewed, 1.6783469900166605 / 2}};

/* TRIALS=20000 (ci/check-full) tells one percent from the next with certainty. */
static size_t trials(void)
{
    const char *text = getenv("TRIALS");
    uint64_t count = TRIALS;

    return text == NULL || otl_parse_uint(text, 1, 1000000, &count) != OTEL_OK ? TRIALS
                                                                               : (size_t)count;
}

static void intervals_cover(size_t blocks)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        size_t all = trials(), covered = 0, claimed = 0;
        struct otl_random random;

        otl_random_seed(&random, 7 + k);
        for (size_t t = 0; t < all; t++) {
            double values[BLOCKS_MOST];
            struct hx_paired found;
            for (size_t i = 0; i < blocks; i++)
                values[i] = kinds[k].draw(&random) - kinds[k].truth;
            assert_true(hx_paired_drawn(values, blocks, t, RESAMPLES, &found));
            covered += found.low <= 0 && found.high >= 0;
            claimed += found.p < 0.05;
        }
        print_message("%zu blocks, %s: %.2f %% of %zu cover, p < 0.05 in %.2f %%\n", blocks,
                      kinds[k].name, 100.0 * (double)covered / (double)all, all,
                      100.0 * (double)claimed / (double)all);
        if (covered * 100 < all * 94 || (kinds[k].draw == normal && claimed * 100 > all * 6))
            fail_msg("%zu blocks, %s: %zu of %zu intervals cover, %zu claim where nothing is",
                     blocks, kinds[k].name, covered, all, claimed);
    }
}

static void six_blocks_cover(void **state)
{
    (void)state;
    intervals_cover(HX_PAIRED_BLOCKS_MIN);
}

static void ten_blocks_cover(void **state)
{
    (void)state;
    intervals_cover(10);
}

static void twenty_blocks_cover(void **state)
{
    (void)state;
    intervals_cover(BLOCKS_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_the_tables),
        cmocka_unit_test(wilcoxon_is_that_of_the_tables),
        cmocka_unit_test(hodges_lehmann_is_the_median_of_means),
        cmocka_unit_test(the_middle_is_that_of_the_sorted_means),
        cmocka_unit_test(an_interval_is_repeatable_and_holds_its_estimate),
        cmocka_unit_test(few_blocks_give_their_range),
        cmocka_unit_test(six_blocks_cover),
        cmocka_unit_test(ten_blocks_cover),
        cmocka_unit_test(twenty_blocks_cover),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
