/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/tuning/model.h"

static void a_light_load_keeps_the_defaults(void **state)
{
    const struct hx_tune_asked asked = {.rate = 50, .spans = 8};
    struct hx_tune_advice advice = hx_tune_advise(&asked);

    (void)state;
    assert_int_equal(advice.setting.queue, 2048);
    assert_int_equal(advice.setting.batch, 512);
    assert_int_equal(advice.setting.timeout_ms, 30000);
    assert_true(advice.setting.delay_ms > 1000 && advice.setting.delay_ms <= 5000);
    assert_true(advice.keeps_up && advice.fits);
}

/* 20,000 spans/s at 200 ms an export: 4,000 come during one. */
static void a_slow_collector_asks_for_larger_batches(void **state)
{
    const struct hx_tune_asked asked = {.rate = 2000, .spans = 10, .latency_ns = 200000000};
    struct hx_tune_advice advice = hx_tune_advise(&asked);

    (void)state;
    assert_int_equal(advice.setting.batch, 8192);
    assert_true(advice.keeps_up && advice.fits);
    assert_true(advice.capacity > 30000);
    assert_true((double)advice.setting.queue >= 2 * 20000 * 0.2 + 8192);
}

static void a_burst_must_fit_into_the_queue(void **state)
{
    struct hx_tune_asked asked = {.rate = 100, .spans = 20, .burst = 1000};

    (void)state;
    assert_true(hx_tune_advise(&asked).setting.queue >= 20000);
    asked.burst = 0;
    assert_int_equal(hx_tune_advise(&asked).setting.queue, 2048);
}

static void memory_bounds_queue_and_batch(void **state)
{
    struct hx_tune_asked asked = {.rate = 100, .spans = 20, .burst = 1000};

    (void)state;
    for (uint64_t kib = HX_TUNE_MEMORY_MIN / 1024; kib <= 65536; kib *= 2) {
        struct hx_tune_advice advice;
        asked.memory_bytes = kib * 1024;
        advice = hx_tune_advise(&asked);
        assert_true(advice.setting.batch >= 1 && advice.setting.batch <= advice.setting.queue);
        assert_true(hx_tune_memory(&advice.setting) <= asked.memory_bytes);
        assert_int_equal(advice.fits, kib >= 32768);
    }
}

static void what_no_batch_can_carry_is_said(void **state)
{
    const struct hx_tune_asked asked = {.rate = 10000, .spans = 20, .latency_ns = 1000000000};

    (void)state;
    assert_false(hx_tune_advise(&asked).keeps_up);
}

/* With random arrivals four standard deviations of what comes must fit, too. */
static void a_standstill_fills_the_queue(void **state)
{
    const struct hx_tune_asked asked = {.rate = 100, .spans = 10};
    const struct hx_tune_setting setting = {.queue = 5000, .batch = 512, .timeout_ms = 30000};
    double requests = hx_tune_standstill_s(&asked, &setting) * asked.rate;

    (void)state;
    assert_true(fabs(10 * (requests + 4 * sqrt(requests)) - 5000) < 1e-6);
}

/* Bursts of 4,000 spans every 10 s: a standstill of 10 s and a bit can begin just before one. */
static void a_standstill_may_begin_just_before_a_burst(void **state)
{
    const struct hx_tune_asked asked = {.rate = 100, .spans = 4, .burst = 1000};
    struct hx_tune_setting setting = {.queue = 6144, .batch = 512, .timeout_ms = 30000};

    (void)state;
    assert_true(hx_tune_standstill_s(&asked, &setting) == 10);
    setting.queue = 7999;
    assert_true(hx_tune_standstill_s(&asked, &setting) == 10);
    setting.queue = 8000;
    assert_true(hx_tune_standstill_s(&asked, &setting) == 20);
    setting.queue = 3999;
    assert_true(hx_tune_standstill_s(&asked, &setting) == 0);
}

/* However large the queue is, the batch under way is lost when its time is over. */
static void no_standstill_outlasts_the_export_timeout(void **state)
{
    struct hx_tune_asked asked = {.rate = 5, .spans = 3};
    const struct hx_tune_setting setting = {.queue = 2048, .batch = 512, .timeout_ms = 30000};

    (void)state;
    assert_true(hx_tune_standstill_s(&asked, &setting) == 30);
    asked.burst = 100;
    assert_true(hx_tune_standstill_s(&asked, &setting) == 30);
}

/* 100 requests of 5 spans every 250 ms. */
static void a_burst_is_made_within_a_quarter_of_the_time_to_the_next(void **state)
{
    const struct hx_tune_asked asked = {.rate = 400, .spans = 5, .burst = 100};
    struct hx_tune_burst burst = {.within_ns = 62e6, .high_water = 400, .pace = 1000,
                                  .requests = 800, .answered = 800};

    (void)state;
    assert_true(hx_tune_burst_period_ns(&asked) == 250e6);
    assert_int_equal(hx_tune_burst_made(&asked, &burst), HX_TUNE_MADE);
    burst.within_ns = 63e6;
    assert_int_equal(hx_tune_burst_made(&asked, &burst), HX_TUNE_TOO_SLOW);
    burst.within_ns = 0; /* not measured */
    assert_int_equal(hx_tune_burst_made(&asked, &burst), HX_TUNE_TOO_SLOW);
    burst.within_ns = 62e6;
    burst.answered = 799;
    assert_int_equal(hx_tune_burst_made(&asked, &burst), HX_TUNE_NOT_ANSWERED);
    burst.answered = burst.requests = 0;
    assert_int_equal(hx_tune_burst_made(&asked, &burst), HX_TUNE_NOT_ANSWERED);
}

/* What the exporter sent while the burst came is not in the queue; at one instant it would be. */
static void a_burst_is_held_against_one_at_an_instant(void **state)
{
    const struct hx_tune_asked asked = {.rate = 400, .spans = 5, .burst = 100};
    struct hx_tune_burst burst = {.within_ns = 10e6, .high_water = 400, .pace = 20000,
                                  .requests = 800, .answered = 800};

    (void)state;
    assert_true(hx_tune_burst_at_once(&asked, 512, &burst) == 600);
    burst.pace = 1e9; /* of the burst at most all, on top of a batch that waits */
    assert_true(hx_tune_burst_at_once(&asked, 512, &burst) == 1012);
    burst.high_water = 1500; /* the burst before had not been sent */
    assert_true(hx_tune_burst_at_once(&asked, 512, &burst) == 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_light_load_keeps_the_defaults),
        cmocka_unit_test(a_slow_collector_asks_for_larger_batches),
        cmocka_unit_test(a_burst_must_fit_into_the_queue),
        cmocka_unit_test(memory_bounds_queue_and_batch),
        cmocka_unit_test(what_no_batch_can_carry_is_said),
        cmocka_unit_test(a_standstill_fills_the_queue),
        cmocka_unit_test(a_standstill_may_begin_just_before_a_burst),
        cmocka_unit_test(no_standstill_outlasts_the_export_timeout),
        cmocka_unit_test(a_burst_is_made_within_a_quarter_of_the_time_to_the_next),
        cmocka_unit_test(a_burst_is_held_against_one_at_an_instant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
