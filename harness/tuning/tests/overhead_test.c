/* SPDX-License-Identifier: Apache-2.0 */
/* From synthetic slices, whose truth is known, to what is claimed of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/tuning/overhead.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { BLOCKS = 12 };

/* What each arm adds to a request of 10 us, above noise of 100 ns; blocks differ by 2 us. */
static const double added[HX_ARMS] = {[HX_ARM_API] = 20, [HX_ARM_NOT_SAMPLED] = 40,
                                       [HX_ARM_SIMPLE] = 30000, [HX_ARM_BATCH] = 900};

struct world {
    struct hx_overhead plan;
    struct hx_slices slices;
    struct hx_slice items[BLOCKS * HX_OVERHEAD_LOADS * HX_ARMS];
};

static void fill(struct hx_slice *slice, unsigned arm, double block_ns, struct otl_random *random)
{
    bool spans = arm == HX_ARM_SIMPLE || arm == HX_ARM_BATCH;

    slice->ran = true;
    slice->known[HX_OVERHEAD_APP_CPU] = slice->known[HX_OVERHEAD_EXPORTER_CPU] = true;
    slice->figures[HX_OVERHEAD_APP_CPU] =
        10000 + block_ns + added[arm] + 100 * otl_random_normal(random);
    slice->figures[HX_OVERHEAD_EXPORTER_CPU] = arm == HX_ARM_BATCH ? 400 : 0;
    slice->asked = slice->handled = 1000;
    slice->spans = slice->exported = spans ? 4000 : 0;
    slice->bytes = spans ? 800000 : 0;
    slice->exports = arm == HX_ARM_BATCH ? 8 : slice->spans;
    slice->exporter_ns = arm == HX_ARM_BATCH ? 400000 : 0;
    slice->queue_high_water = arm == HX_ARM_BATCH ? 300 + block_ns / 1000 : 0;
}

static void make(struct world *w, uint64_t seed)
{
    struct otl_random random;

    memset(w, 0, sizeof(*w));
    otl_random_seed(&random, seed);
    w->plan = (struct hx_overhead){.wanted = true, .blocks = BLOCKS, .slice_ns = 500000000};
    for (unsigned arm = 0; arm < HX_ARMS; arm++)
        w->plan.arms[arm] = true;
    w->slices = (struct hx_slices){.plan = &w->plan, .items = w->items, .held_rate = 2000,
                                   .seed = seed, .ledger_ns_per_span = 150};
    for (unsigned b = 0; b < BLOCKS; b++) {
        double block_ns = 2000 * otl_random_unit(&random);
        for (unsigned arm = 0; arm < HX_ARMS; arm++)
            fill(hx_slice_at(&w->slices, b, HX_OVERHEAD_HELD, arm), arm, block_ns, &random);
    }
}

static const json_t *named(const json_t *rows, const char *key, const char *word)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row)
        if (strcmp(json_string_value(json_object_get(row, key)), word) == 0)
            return row;
    return NULL;
}

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static void an_effect_above_the_noise_is_found(void **state)
{
    static struct world w;
    json_t *result;
    const json_t *row;

    (void)state;
    make(&w, 1);
    result = hx_overhead_sum(&w.slices);
    row = named(json_object_get(result, "rows"), "name", "batch app_cpu_ns_per_request held");
    assert_non_null(row);
    assert_true(json_is_true(json_object_get(row, "detected")));
    assert_true(fabs(number(row, "difference") - 900) < 150);
    assert_true(number(row, "low") < 900 && number(row, "high") > 900);
    assert_true(fabs(number(row, "per_span") - number(row, "difference") / 4) < 1e-9);
    assert_true(number(row, "p") < 0.01);
    assert_non_null(strstr(json_string_value(json_object_get(row, "text")),
                           "without tracing at 2000 requests/s"));
    assert_int_equal(json_array_size(json_object_get(row, "points")), BLOCKS);
    json_decref(result);
}

static void an_effect_below_the_noise_is_none(void **state)
{
    static struct world w;
    unsigned apart = 0, api = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        json_t *result;
        const json_t *rows, *row;
        make(&w, seed);
        result = hx_overhead_sum(&w.slices);
        rows = json_object_get(result, "rows");
        row = named(rows, "name", "none_again app_cpu_ns_per_request held");
        if (strstr(json_string_value(json_object_get(row, "text")),
                   "no difference detected; the smallest") == NULL)
            apart++;
        row = named(rows, "name", "api app_cpu_ns_per_request held");
        assert_true(number(row, "smallest_seen") > 0);
        api += json_is_true(json_object_get(row, "detected"));
        json_decref(result);
    }
    if (apart > 6)
        fail_msg("two arms that are the same differ in %u of 40", apart);
    if (api > 4)
        fail_msg("20 ns under noise of 100 ns were claimed in %u of 40", api);
}

/* An application that sleeps between requests pays for it as often as it does. */
static void what_sleeping_costs_is_said_to_be_in_it(void **state)
{
    static const char text[] = "sleeping between requests costs (0.50 times a request, 0.90 "
                               "without tracing)";
    static struct world w;

    (void)state;
    for (int sleeps = 0; sleeps <= 1; sleeps++) {
        json_t *result;
        const json_t *row;
        make(&w, 1);
        for (unsigned b = 0; b < BLOCKS; b++) {
            hx_slice_at(&w.slices, b, HX_OVERHEAD_HELD, HX_ARM_NONE)->waits = sleeps ? 900 : 1;
            hx_slice_at(&w.slices, b, HX_OVERHEAD_HELD, HX_ARM_BATCH)->waits = sleeps ? 500 : 2;
        }
        result = hx_overhead_sum(&w.slices);
        row = named(json_object_get(result, "rows"), "name", "batch app_cpu_ns_per_request held");
        assert_true((strstr(json_string_value(json_object_get(row, "text")), text) != NULL) ==
                    (sleeps == 1));
        row = named(json_object_get(result, "arms"), "name", "batch held");
        assert_true(fabs(number(row, "waits_per_request") - (sleeps ? 0.5 : 0.002)) < 1e-9);
        json_decref(result);
    }
}

/* A request that waits for its export is no longer told in thousands of milliseconds. */
static void amounts_are_told_in_a_unit_that_fits(void **state)
{
    static struct world w;
    json_t *result;
    const json_t *row;

    (void)state;
    make(&w, 1);
    for (unsigned b = 0; b < BLOCKS; b++) {
        hx_slice_at(&w.slices, b, HX_OVERHEAD_HELD, HX_ARM_SIMPLE)->figures[HX_OVERHEAD_APP_CPU] +=
            1200e6;
        hx_slice_at(&w.slices, b, HX_OVERHEAD_HELD, HX_ARM_API)->figures[HX_OVERHEAD_APP_CPU] -=
            3e3;
    }
    result = hx_overhead_sum(&w.slices);
    row = named(json_object_get(result, "rows"), "name", "simple app_cpu_ns_per_request held");
    assert_non_null(strstr(json_string_value(json_object_get(row, "text")), "+1.20 s [+1.20 s, +"));
    row = named(json_object_get(result, "rows"), "name", "api app_cpu_ns_per_request held");
    assert_non_null(strstr(json_string_value(json_object_get(row, "text")), " \xc2\xb5s [-"));
    json_decref(result);
}

/* The machine changed with the arm: then it says so, and no effect of that size is one. */
static void what_two_same_arms_differ_by_is_noise(void **state)
{
    static struct world w;
    json_t *result;
    const json_t *rows, *row;

    (void)state;
    make(&w, 1);
    for (unsigned b = 0; b < BLOCKS; b++)
        hx_slice_at(&w.slices, b, HX_OVERHEAD_HELD, HX_ARM_NONE_AGAIN)
            ->figures[HX_OVERHEAD_APP_CPU] += 1200;
    result = hx_overhead_sum(&w.slices);
    rows = json_object_get(result, "rows");
    row = named(rows, "name", "none_again app_cpu_ns_per_request held");
    assert_non_null(strstr(json_string_value(json_object_get(row, "text")),
                           "noise: two that are the same differ by +1."));
    row = named(rows, "name", "batch app_cpu_ns_per_request held");
    assert_true(number(row, "p") < 0.01 && number(row, "low") > 0);
    assert_false(json_is_true(json_object_get(row, "detected")));
    row = named(rows, "name", "simple app_cpu_ns_per_request held");
    assert_true(json_is_true(json_object_get(row, "detected")));
    json_decref(result);
}

static void an_arm_that_drops_or_fails_is_not_compared(void **state)
{
    static struct world w;
    json_t *result;
    const json_t *arms;

    (void)state;
    make(&w, 3);
    hx_slice_at(&w.slices, 4, HX_OVERHEAD_HELD, HX_ARM_BATCH)->dropped = 7;
    hx_slice_at(&w.slices, 5, HX_OVERHEAD_HELD, HX_ARM_SIMPLE)->failed = 3;
    result = hx_overhead_sum(&w.slices);
    arms = json_object_get(result, "arms");
    assert_null(named(json_object_get(result, "rows"), "arm", "batch"));
    assert_null(named(json_object_get(result, "rows"), "arm", "simple"));
    assert_non_null(named(json_object_get(result, "rows"), "arm", "api"));
    assert_string_equal(
        json_string_value(json_object_get(named(arms, "arm", "batch"), "disqualified")),
        "it dropped 7 spans");
    assert_string_equal(
        json_string_value(json_object_get(named(arms, "arm", "simple"), "disqualified")),
        "3 of its requests failed");
    json_decref(result);
}

static void without_a_base_nothing_is_compared(void **state)
{
    static struct world w;
    json_t *result;

    (void)state;
    make(&w, 3);
    hx_slice_at(&w.slices, 0, HX_OVERHEAD_HELD, HX_ARM_NONE)->failed = 1;
    result = hx_overhead_sum(&w.slices);
    assert_int_equal(json_array_size(json_object_get(result, "rows")), 0);
    json_decref(result);
}

static void bytes_and_the_exporter_are_told_for_a_span(void **state)
{
    static struct world w;
    json_t *result;
    const json_t *arm, *row;

    (void)state;
    make(&w, 4);
    result = hx_overhead_sum(&w.slices);
    arm = named(json_object_get(result, "arms"), "arm", "batch");
    assert_true(number(arm, "bytes_per_span") == 200);
    /* the largest of the blocks, which differ by up to 2 */
    assert_true(number(arm, "queue_high_water") > 301 && number(arm, "queue_high_water") <= 302);
    assert_null(json_object_get(named(json_object_get(result, "arms"), "arm", "simple"),
                                "queue_high_water"));
    assert_true(number(arm, "exporter_cpu_ns_per_span") == 100);
    assert_true(number(arm, "spans_per_export") == 500);
    assert_true(number(result, "ledger_ns_per_request") == 600);
    row = named(json_object_get(result, "rows"), "name", "batch exporter_cpu_ns_per_request held");
    assert_true(json_is_true(json_object_get(row, "detected")));
    assert_true(number(row, "difference") == 400);
    assert_null(json_object_get(row, "percent_of_base")); /* the base has no exporter */
    assert_null(named(json_object_get(result, "rows"), "name",
                      "api exporter_cpu_ns_per_request held"));
    json_decref(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_effect_above_the_noise_is_found),
        cmocka_unit_test(an_effect_below_the_noise_is_none),
        cmocka_unit_test(what_sleeping_costs_is_said_to_be_in_it),
        cmocka_unit_test(amounts_are_told_in_a_unit_that_fits),
        cmocka_unit_test(what_two_same_arms_differ_by_is_noise),
        cmocka_unit_test(an_arm_that_drops_or_fails_is_not_compared),
        cmocka_unit_test(without_a_base_nothing_is_compared),
        cmocka_unit_test(bytes_and_the_exporter_are_told_for_a_span),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
