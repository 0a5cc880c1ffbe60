/* SPDX-License-Identifier: Apache-2.0 */
/* The validation passes a right estimator over costs that are there, and no other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/stats/summary.h"
#include "harness/tuning/validate.h"
#include "sdk/base/random.h"

enum { BLOCKS = 6, COMPARISONS = 200 };

struct world {
    struct hx_overhead plan;
    struct hx_slices slices;
    struct hx_slice items[BLOCKS * HX_OVERHEAD_LOADS * HX_ARMS];
};

/* 7 us a request, blocks differ by 2 us, noise of 300 ns with a tail. */
static void fill(struct world *w, unsigned block, unsigned arm, double added,
                 struct otl_random *random)
{
    struct hx_slice *slice = hx_slice_at(&w->slices, block, HX_OVERHEAD_SATURATION, arm);

    slice->ran = slice->known[HX_OVERHEAD_APP_CPU] = true;
    slice->handled = slice->asked = 1000;
    slice->figures[HX_OVERHEAD_APP_CPU] = 7000 + 2000.0 * block + added +
                                          200 * otl_random_normal(random) +
                                          100 * otl_random_exponential(random);
}

/* loop: what all arms have of it. */
static void make(struct world *w, uint64_t seed, double added, double told, double loop)
{
    struct otl_random random;

    memset(w, 0, sizeof(*w));
    otl_random_seed(&random, seed);
    w->plan = (struct hx_overhead){.wanted = true, .blocks = BLOCKS};
    w->slices = (struct hx_slices){.plan = &w->plan, .items = w->items, .seed = seed};
    for (unsigned b = 0; b < BLOCKS; b++) {
        fill(w, b, HX_ARM_NONE, 0, &random);
        fill(w, b, HX_ARM_NONE_AGAIN, 0, &random);
        fill(w, b, HX_ARM_INJECTED, added, &random);
        hx_slice_at(&w->slices, b, HX_OVERHEAD_SATURATION, HX_ARM_NONE)->injected_app_ns =
            loop * 1000;
        hx_slice_at(&w->slices, b, HX_OVERHEAD_SATURATION, HX_ARM_INJECTED)->injected_app_ns =
            (loop + told) * 1000;
    }
}

static void validate_beside(double loop, hx_estimate_fn *estimate, double added, double told,
                            struct hx_validate *table)
{
    static struct world w;
    static struct hx_comparisons all;

    memset(&all, 0, sizeof(all));
    memset(table, 0, sizeof(*table));
    for (uint64_t i = 1; i <= COMPARISONS; i++) {
        make(&w, i, added, told, loop);
        assert_true(hx_comparisons_add(&all, &w.slices, estimate));
    }
    hx_validate_comparisons(&all, table);
    assert_int_equal(table->count, 3);
}

static void validate(hx_estimate_fn *estimate, double added, double told,
                     struct hx_validate *table)
{
    validate_beside(0, estimate, added, told, table);
}

static void the_estimator_in_use_holds(void **state)
{
    struct hx_validate table;

    (void)state;
    validate(hx_paired, 3000, 3000, &table);
    for (size_t i = 0; i < table.count; i++)
        if (!table.rows[i].held)
            fail_msg("%s: %s", table.rows[i].claim, table.rows[i].measured);
    assert_true(hx_validate_held(&table));
}

/* Takes every request for a sample of its own: intervals far too narrow. */
static bool overconfident(const double *differences, size_t count, uint64_t seed,
                          struct hx_paired *ret)
{
    bool known = hx_paired(differences, count, seed, ret);
    double half = (ret->high - ret->low) / 60;

    ret->low = ret->estimate - half;
    ret->high = ret->estimate + half;
    ret->p = ret->low * ret->high > 0 ? 0.001 : 1;
    return known;
}

static void an_overconfident_estimator_does_not(void **state)
{
    struct hx_validate table;

    (void)state;
    validate(overconfident, 3000, 3000, &table);
    assert_false(table.rows[0].held);
    assert_false(table.rows[1].held);
    assert_false(hx_validate_held(&table));
}

/* A fifth more than there is. */
static bool biased(const double *differences, size_t count, uint64_t seed, struct hx_paired *ret)
{
    bool known = hx_paired(differences, count, seed, ret);

    ret->estimate *= 1.2;
    ret->low *= 1.2;
    ret->high *= 1.2;
    return known;
}

static void a_biased_estimator_does_not(void **state)
{
    struct hx_validate table;

    (void)state;
    validate(biased, 3000, 3000, &table);
    assert_true(table.rows[0].held);
    assert_false(table.rows[1].held);
    assert_false(table.rows[2].held);
}

static void what_was_not_injected_is_not_found(void **state)
{
    struct hx_validate table;

    (void)state;
    validate(hx_paired, 0, 3000, &table); /* told, not done */
    assert_true(table.rows[0].held);
    assert_false(table.rows[1].held);
    assert_false(table.rows[2].held);
    validate(hx_paired, 0, 0, &table); /* neither */
    assert_true(table.rows[1].held);
    assert_false(table.rows[2].held);
}

static void a_loop_that_the_base_has_too_is_no_injection(void **state)
{
    struct hx_validate table;

    (void)state;
    validate_beside(30000, hx_paired, 1400, 1400, &table); /* differs by 5 % from arm to arm */
    assert_true(table.rows[1].held);
    assert_false(table.rows[2].held);
    validate_beside(30000, hx_paired, 18000, 18000, &table);
    assert_true(table.rows[2].held);
}

static void so_many_may_go_wrong(void **state)
{
    (void)state;
    assert_int_equal(hx_wrong_allowed(200), 17);
    assert_true(hx_wrong_allowed(20) >= 3 && hx_wrong_allowed(20) <= 4);
    assert_true(hx_wrong_allowed(1) <= 1);
}

/* ---- single measurements --------------------------------------------------------------------- */

static void fill_batch(struct hx_slice *slice, double exporter_ns, double app_ns, double bytes,
                       double truth)
{
    slice->ran = slice->known[HX_OVERHEAD_APP_CPU] = true;
    slice->handled = 1000;
    slice->spans = slice->exported = 4000;
    slice->exporter_ns = exporter_ns * 4000;
    slice->figures[HX_OVERHEAD_APP_CPU] = app_ns * 4;
    slice->bytes = bytes * 4000;
    slice->injected_exporter_ns = truth * 4000;
}

static void make_batch(struct world *w, double exporter_ns, double leaked_ns, double bytes)
{
    make(w, 1, 0, 0, 0);
    for (unsigned b = 0; b < BLOCKS; b++)
        for (unsigned load = 0; load < HX_OVERHEAD_LOADS; load++) {
            double wobble = b % 2 ? 3 : -2;
            fill_batch(hx_slice_at(&w->slices, b, load, HX_ARM_BATCH), 300 + b, 2000, 150, 0);
            fill_batch(hx_slice_at(&w->slices, b, load, HX_ARM_BATCH_INJECTED),
                       300 + b + exporter_ns + wobble, 2000 + leaked_ns + wobble, 150 + bytes,
                       exporter_ns);
        }
}

static void the_exporter_s_cost_is_looked_for_in_its_thread(void **state)
{
    static struct world w;
    struct hx_validate table = {.count = 0};

    (void)state;
    make_batch(&w, 1010, 0, 64);
    hx_validate_exporter(&w.slices, 1000, &table);
    assert_true(table.rows[0].held && table.rows[1].held);
    make_batch(&w, 0, 0, 64); /* not injected */
    hx_validate_exporter(&w.slices, 1000, &table);
    assert_false(table.rows[2].held);
    make_batch(&w, 1010, 400, 64); /* shown in the application too */
    hx_validate_exporter(&w.slices, 1000, &table);
    assert_true(table.rows[4].held);
    assert_false(table.rows[5].held);
    make_batch(&w, 1010, 0, 64); /* too noisy to tell */
    for (unsigned b = 0; b < BLOCKS; b++)
        hx_slice_at(&w.slices, b, HX_OVERHEAD_SATURATION, HX_ARM_BATCH_INJECTED)
            ->figures[HX_OVERHEAD_APP_CPU] += b % 2 ? 9000 : -9000;
    hx_validate_exporter(&w.slices, 1000, &table);
    assert_true(table.rows[6].held);
    assert_false(table.rows[7].held);
}

static void bytes_are_counted(void **state)
{
    static struct world w;
    struct hx_validate table = {.count = 0};

    (void)state;
    make_batch(&w, 0, 0, 65);
    hx_validate_bytes(&w.slices, 64, &table);
    make_batch(&w, 0, 0, 0);
    hx_validate_bytes(&w.slices, 64, &table);
    make_batch(&w, 0, 0, 70);
    hx_validate_bytes(&w.slices, 64, &table);
    assert_true(table.rows[0].held);
    assert_false(table.rows[1].held);
    assert_false(table.rows[2].held);
}

static json_t *tail_rows(double difference, double smallest, bool detected, const char *text)
{
    return json_pack("{s:[{s:s, s:f}, {s:s, s:f, s:f, s:f, s:b, s:s}]}", "rows", "name",
                     "injected request_p50_ns held", "base", 60000.0, "name",
                     "injected request_p99_ns held", "base", 110000.0, "difference", difference,
                     "smallest_seen", smallest, "detected", detected, "text", text);
}

static bool tail_held(double difference, double smallest, bool detected, const char *text)
{
    struct hx_validate table = {.count = 0};
    json_t *overhead = tail_rows(difference, smallest, detected, text);
    double told = hx_validate_tail(overhead, 200000, &table);

    /* What was told, and not shown wrong by it, is what is put to the test. */
    assert_true(fabs(told - (table.rows[0].held && !detected ? smallest : 0)) < 1);
    json_decref(overhead);
    return table.rows[0].held;
}

static bool told_held(double difference, bool detected)
{
    struct hx_validate table = {.count = 0};
    json_t *overhead = tail_rows(difference, 20000, detected, "");

    hx_validate_told(overhead, 400000, &table);
    json_decref(overhead);
    return table.rows[0].held;
}

static void a_tail_is_seen_or_said_to_be_too_small(void **state)
{
    static const char none[] = "no difference detected; the smallest that could have been is x";

    (void)state;
    assert_true(tail_held(150000, 20000, true, "+150 us"));
    assert_false(tail_held(-150000, 20000, true, "-150 us"));
    assert_true(tail_held(100000, 400000, false, none));
    assert_false(tail_held(0, 20000, false, none)); /* 150 us were there */
    assert_false(tail_held(0, 400000, false, "no difference"));
    assert_false(tail_held(0, 0, false, none));
}

/* Where p99 lies so far off that 200 us need not move it, saying anything would do: that it sees
 * twice what it said is measured. */
static void what_is_said_to_be_too_small_is_put_to_the_test(void **state)
{
    struct hx_validate table = {.count = 0};
    json_t *overhead = tail_rows(0, 400000, false, "");
    json_t *nothing = json_pack("{s:[]}", "rows");

    (void)state;
    assert_true(fabs(hx_tail_slow_ns(overhead, 800000) - 850000) < 1);
    assert_true(told_held(810000, true));
    assert_true(told_held(400000, true));
    assert_false(told_held(390000, true)); /* something else was seen */
    assert_false(told_held(-810000, true));
    assert_false(told_held(810000, false)); /* it could not be seen, after all */
    hx_validate_told(nothing, 400000, &table);
    assert_false(hx_validate_tail(nothing, 200000, &table) > 0);
    assert_false(table.rows[0].held || table.rows[1].held);
    json_decref(overhead);
    json_decref(nothing);
}

static void instructions_are_counted(void **state)
{
    struct hx_validate table = {.count = 0};
    const double found[] = {201000, 203000, 0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        json_t *rows = json_pack("[{s:s, s:f}]", "name", "injected", "app_difference", found[i]);
        hx_validate_instructions(rows, 200000, &table);
        json_decref(rows);
    }
    assert_true(table.rows[0].held);
    assert_false(table.rows[1].held);
    assert_false(table.rows[2].held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimator_in_use_holds),
        cmocka_unit_test(an_overconfident_estimator_does_not),
        cmocka_unit_test(a_biased_estimator_does_not),
        cmocka_unit_test(what_was_not_injected_is_not_found),
        cmocka_unit_test(a_loop_that_the_base_has_too_is_no_injection),
        cmocka_unit_test(so_many_may_go_wrong),
        cmocka_unit_test(the_exporter_s_cost_is_looked_for_in_its_thread),
        cmocka_unit_test(bytes_are_counted),
        cmocka_unit_test(a_tail_is_seen_or_said_to_be_too_small),
        cmocka_unit_test(what_is_said_to_be_too_small_is_put_to_the_test),
        cmocka_unit_test(instructions_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
