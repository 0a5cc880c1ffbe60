/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/stats/id_bits.h"
#include "harness/stats/prom.h"
#include "harness/stats/summary.h"
#include "harness/stats/tails.h"
#include "sdk/base/random.h"

static void assert_near(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected)))
        fail_msg("%.17g is not %.17g", value, expected);
}

static void assert_close(double value, double expected, double absolute)
{
    if (!(fabs(value - expected) <= absolute))
        fail_msg("%.17g is not %.17g", value, expected);
}

/* Expected values: exact rational sums, Python 3 fractions. */
static void binomial_tails_are_exact(void **state)
{
    (void)state;
    assert_near(hx_binomial_at_most(3, 10, 0.5), 0.171875, 1e-12);
    assert_near(hx_binomial_at_least(8, 10, 0.5), 0.0546875, 1e-12);
    assert_near(hx_binomial_at_most(0, 100, 0.05), 0.005920529220334025, 1e-12);
    assert_near(hx_binomial_at_least(100, 100, 0.9), 2.6561398887587476e-05, 1e-12);
    assert_near(hx_binomial_at_most(20, 1000, 0.05), 7.658846376635782e-07, 1e-9);
    assert_near(hx_binomial_at_least(5500, 10000, 0.5), 7.755320284123021e-24, 1e-9);
    assert_close(hx_binomial_at_least(0, 5, 0.1), 1, 0);
    assert_close(hx_binomial_at_most(5, 5, 0.1), 1, 0);
}

static void the_interval_is_where_the_tails_end(void **state)
{
    static const uint64_t cases[][2] = {{1, 10}, {50, 1000}, {5, 100000}, {999, 1000},
                                        {5000000, 100000000}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hx_interval at = hx_binomial_interval(cases[i][0], cases[i][1], 1e-6);

        assert_true(at.low > 0 && at.low < (double)cases[i][0] / (double)cases[i][1]);
        assert_true(at.high < 1 && at.high > (double)cases[i][0] / (double)cases[i][1]);
        assert_near(hx_binomial_at_least(cases[i][0], cases[i][1], at.low), 5e-7, 1e-4);
        assert_near(hx_binomial_at_most(cases[i][0], cases[i][1], at.high), 5e-7, 1e-4);
    }
    assert_close(hx_binomial_interval(0, 10, 1e-6).low, 0, 0);
    assert_close(hx_binomial_interval(10, 10, 1e-6).high, 1, 0);
    assert_near(hx_binomial_interval(0, 10, 0.05).high, 1 - pow(0.025, 0.1), 1e-9);
    assert_close(hx_binomial_interval(0, 0, 0.05).high, 1, 0);
}

static void the_interval_holds_its_promise(void **state)
{
    struct otl_random random;
    int missed = 0;

    (void)state;
    otl_random_seed(&random, 11);
    for (int run = 0; run < 2000; run++) {
        struct hx_interval at;
        uint64_t hits = 0;

        for (int i = 0; i < 400; i++)
            hits += otl_random_unit(&random) < 0.05;
        at = hx_binomial_interval(hits, 400, 0.05);
        missed += at.low > 0.05 || at.high < 0.05;
    }
    assert_true(missed > 20 && missed <= 110); /* at most 5 %; conservative, yet not idle */
}

static void chi_square_agrees_with_tables(void **state)
{
    (void)state;
    assert_near(hx_chi_square_above(3.841458820694124, 1), 0.05, 1e-9);
    assert_near(hx_chi_square_above(18.307038053275146, 10), 0.05, 1e-9);
    assert_near(hx_chi_square_above(124.34211340400407, 100), 0.05, 1e-9);
    assert_near(hx_chi_square_above(2 * log(1e6), 2), 1e-6, 1e-9);
    assert_near(hx_chi_square_below(2 * log(1e6), 2), 1 - 1e-6, 1e-12);
    assert_close(hx_chi_square_above(0, 7), 1, 0);
}

static void judge_stream(struct hx_id_bits *bits, uint64_t seed, uint8_t and_mask, uint64_t n)
{
    struct otl_random random;

    otl_random_seed(&random, seed);
    hx_id_bits_init(bits, 0, 128);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t words[2] = {otl_random_next(&random), otl_random_next(&random)};
        uint8_t id[16];

        memcpy(id, words, sizeof(id));
        id[5] = (uint8_t)(id[5] & and_mask);
        hx_id_bits_add(bits, id);
    }
}

static void random_ids_pass(void **state)
{
    struct hx_id_bits bits;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct hx_id_bits_result result;

        judge_stream(&bits, seed, 0xff, 5000);
        result = hx_id_bits_judge(&bits);
        assert_true(result.known && result.p_high > 1e-4 && result.p_low > 1e-4);
    }
}

static void unfit_ids_are_seen(void **state)
{
    struct hx_id_bits bits;
    struct hx_id_bits_result result;

    (void)state;
    judge_stream(&bits, 1, 0xfb, 1000); /* one stuck bit of 128 */
    result = hx_id_bits_judge(&bits);
    assert_true(result.known && result.p_high < 1e-6);
    assert_int_equal(result.worst, 5 * 8 + 5);
    assert_close(result.worst_share, 0, 0);
    hx_id_bits_init(&bits, 72, 128); /* a counter */
    for (unsigned i = 0; i < 65536; i++) {
        uint8_t id[16] = {0};

        id[14] = (uint8_t)(i >> 8);
        id[15] = (uint8_t)i;
        hx_id_bits_add(&bits, id);
    }
    assert_true(hx_id_bits_judge(&bits).p_high < 1e-6);
    hx_id_bits_init(&bits, 112, 128); /* every value once: too even */
    for (unsigned i = 0; i < 65536; i++) {
        uint8_t id[16] = {0};

        id[14] = (uint8_t)(i >> 8);
        id[15] = (uint8_t)i;
        hx_id_bits_add(&bits, id);
    }
    assert_true(hx_id_bits_judge(&bits).p_low < 1e-6);
    judge_stream(&bits, 1, 0, 99);
    assert_false(hx_id_bits_judge(&bits).known);
}

static void ranks_are_values_that_were_measured(void **state)
{
    double values[] = {9, 1, 5, 3, 7, 2, 8, 4, 6, 10};
    uint64_t ten[] = {9, 1, 5, 3, 7, 2, 8, 4, 6, 10}, one[] = {42};

    (void)state;
    hx_sort_doubles(values, 10);
    hx_sort_u64(ten, 10);
    assert_int_equal(hx_nearest_rank_u64(ten, 10, 0), 1);
    assert_int_equal(hx_nearest_rank_u64(ten, 10, 50), 5);
    assert_int_equal(hx_nearest_rank_u64(ten, 10, 90), 9);
    assert_int_equal(hx_nearest_rank_u64(ten, 10, 90.1), 10);
    assert_int_equal(hx_nearest_rank_u64(ten, 10, 100), 10);
    assert_close(hx_median(values, 10), 5.5, 0);
    assert_close(hx_median(values, 9), 5, 0);
    assert_close(hx_mean(values, 10), 5.5, 1e-12);
    assert_int_equal(hx_nearest_rank_u64(one, 1, 99), 42);
    assert_int_equal(hx_nearest_rank_u64(one, 0, 99), 0);
    assert_true(hx_percentile_known(10000, 99.9));
    assert_false(hx_percentile_known(9999, 99.9));
}

static const char page[] = "# TYPE sent_total counter\n"
                           "sent_total{exporter=\"otlp\"} 7\n"
                           "sent_total{exporter=\"otlp/2\",reason=\"full\"} 5\n"
                           "sent_bytes 100\n"
                           "up 1\n";

static void prometheus_figures_are_summed_by_label(void **state)
{
    double value = 0;

    (void)state;
    assert_true(hx_prom_sum(page, "sent", NULL, &value));
    assert_close(value, 12, 0);
    assert_true(hx_prom_sum(page, "sent", "exporter=\"otlp\"", &value));
    assert_close(value, 7, 0);
    assert_true(hx_prom_sum(page, "sent", "reason=\"full\"", &value));
    assert_close(value, 5, 0);
    assert_true(hx_prom_sum(page, "up", NULL, &value));
    assert_close(value, 1, 0);
    assert_false(hx_prom_sum(page, "up", "reason=\"full\"", &value));
    assert_false(hx_prom_sum(page, "sent", "exporter=\"otl\"", &value));
    assert_false(hx_prom_sum(page, "sen", NULL, &value));
    assert_false(hx_prom_sum("sent_total{exporter=\"otlp\"", "sent", NULL, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binomial_tails_are_exact),
        cmocka_unit_test(the_interval_is_where_the_tails_end),
        cmocka_unit_test(the_interval_holds_its_promise),
        cmocka_unit_test(chi_square_agrees_with_tables),
        cmocka_unit_test(random_ids_pass),
        cmocka_unit_test(unfit_ids_are_seen),
        cmocka_unit_test(ranks_are_values_that_were_measured),
        cmocka_unit_test(prometheus_figures_are_summed_by_label),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
