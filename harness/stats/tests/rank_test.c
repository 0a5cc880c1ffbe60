/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/stats/rank.h"
#include "harness/stats/summary.h"
#include "sdk/base/random.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void near(double a, double b, double within)
{
    if (!(fabs(a - b) <= within))
        fail_msg("%.12g is not %.12g", a, b);
}

/* Published tables of the exact test: the smallest two-sided p is 2 / C(n + m, n). */
static void samples_that_do_not_overlap_have_the_least_p_there_is(void **state)
{
    const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8, 9, 10, 11, 12};
    struct hx_rank_test t = hx_mann_whitney(a, 3, b, 3);

    (void)state;
    assert_true(t.exact);
    near(t.p, 2.0 / 20, 1e-12);
    near(hx_mann_whitney(a, 4, b, 4).p, 2.0 / 70, 1e-12);
    near(hx_mann_whitney(a, 5, b, 5).p, 2.0 / 252, 1e-12);
    near(hx_mann_whitney(b, 6, a, 6).p, 2.0 / 924, 1e-12);
    near(hx_mann_whitney(a, 1, b, 5).p, 2.0 / 6, 1e-12);
}

/* By hand: ranks of a are 1, 2, 4 (sum 7, mean 10.5); sums 6, 7, 14, 15 are as far: 4 of 20. */
static void a_small_case_is_what_counting_by_hand_gives(void **state)
{
    const double a[] = {1, 2, 4}, b[] = {3, 5, 6};

    (void)state;
    near(hx_mann_whitney(a, 3, b, 3).p, 4.0 / 20, 1e-12);
    near(hx_mann_whitney(b, 3, a, 3).p, 4.0 / 20, 1e-12);
}

/* By hand: pooled 1 1 2 | 1 2 2, mid-ranks 2 2 5 and 2 5 5; sums of three of {2,2,2,5,5,5}: 6 once,
 * 9 nine times, 12 nine times, 15 once; seen 9, mean 10.5: all are as far. */
static void ties_share_their_rank(void **state)
{
    const double a[] = {1, 1, 2}, b[] = {1, 2, 2}, same[] = {4, 4, 4, 4};

    (void)state;
    near(hx_mann_whitney(a, 3, b, 3).p, 1, 1e-12);
    near(hx_mann_whitney(same, 4, same, 4).p, 1, 1e-12);
    near(hx_mann_whitney(same, 0, same, 4).p, 1, 0);
}

/* The approximation of large samples and the exact test agree where both are possible. */
static void the_approximation_joins_the_exact_test(void **state)
{
    double a[26], b[26];
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 7);
    for (size_t i = 0; i < COUNT(a); i++) {
        a[i] = otl_random_unit(&random);
        b[i] = otl_random_unit(&random) + 0.25;
    }
    a[25] = b[25] = 0.6; /* says nothing for either side */
    assert_true(hx_mann_whitney(a, 25, b, 25).exact);
    assert_false(hx_mann_whitney(a, 26, b, 26).exact);
    near(hx_mann_whitney(a, 26, b, 26).p, hx_mann_whitney(a, 25, b, 25).p, 0.015);
}

/* Of many comparisons of nothing with nothing no more than alpha are called different. */
static void chance_alone_is_called_a_difference_no_oftener_than_alpha(void **state)
{
    struct otl_random random;
    unsigned called = 0;

    (void)state;
    otl_random_seed(&random, 42);
    for (int run = 0; run < 4000; run++) {
        double a[6], b[6];
        for (size_t i = 0; i < 6; i++) {
            a[i] = otl_random_unit(&random);
            b[i] = otl_random_unit(&random);
        }
        called += hx_mann_whitney(a, 6, b, 6).p < 0.05;
    }
    assert_in_range(called, 100, 4000 * 5 / 100 + 40);
}

static void the_median_lies_in_the_interval_as_often_as_it_says(void **state)
{
    const double six[] = {1, 2, 3, 4, 5, 6}, five[] = {1, 2, 3, 4, 5};
    struct hx_median_interval i = hx_median_interval(six, 6, 0.95);
    struct otl_random random;
    unsigned held = 0;

    (void)state;
    near(i.low, 1, 0);
    near(i.high, 6, 0);
    near(i.confidence, 1 - 2.0 / 64, 1e-12);
    i = hx_median_interval(five, 5, 0.95);
    near(i.confidence, 1 - 2.0 / 32, 1e-12); /* less than was wanted, and said so */
    near(hx_median_interval(five, 1, 0.95).confidence, 0, 1e-12);
    near(hx_median_interval(five, 0, 0.95).high, 0, 0);
    otl_random_seed(&random, 3);
    for (int run = 0; run < 2000; run++) {
        double values[15];
        for (size_t k = 0; k < COUNT(values); k++)
            values[k] = otl_random_unit(&random);
        hx_sort_doubles(values, COUNT(values));
        i = hx_median_interval(values, COUNT(values), 0.95);
        held += i.low <= 0.5 && i.high >= 0.5;
    }
    assert_in_range(held, 2000 * 95 / 100, 2000);
    assert_true(i.low > 0 && i.confidence >= 0.95 && i.confidence < 0.99);
}

static void holm_raises_p_by_the_size_of_the_family(void **state)
{
    double p[] = {0.04, 0.01, 0.03, 0.5};

    (void)state;
    hx_holm(p, 4);
    near(p[1], 0.04, 1e-12);
    near(p[2], 0.09, 1e-12);
    near(p[0], 0.09, 1e-12); /* 0.04 * 2 is less than the one before */
    near(p[3], 0.5, 1e-12);
    hx_holm(p, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_that_do_not_overlap_have_the_least_p_there_is),
        cmocka_unit_test(a_small_case_is_what_counting_by_hand_gives),
        cmocka_unit_test(ties_share_their_rank),
        cmocka_unit_test(the_approximation_joins_the_exact_test),
        cmocka_unit_test(chance_alone_is_called_a_difference_no_oftener_than_alpha),
        cmocka_unit_test(the_median_lies_in_the_interval_as_often_as_it_says),
        cmocka_unit_test(holm_raises_p_by_the_size_of_the_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
