/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/tuning/added.h"
#include "harness/tuning/bases.h"
#include "harness/tuning/figures.h"
#include "harness/tuning/grid.h"
#include "sdk/base/random.h"

static void every_combination_comes_once_the_last_path_fastest(void **state)
{
    struct hx_grid grid;
    size_t indexes[HX_GRID_AXES];

    (void)state;
    hx_grid_init(&grid);
    assert_int_equal(hx_grid_add(&grid, "a.b=1,2,3", NULL), OTEL_OK);
    assert_int_equal(hx_grid_add(&grid, "c=x,y", NULL), OTEL_OK);
    assert_int_equal(hx_grid_points(&grid), 6);
    for (size_t point = 0; point < 6; point++) {
        hx_grid_at(&grid, point, indexes);
        assert_int_equal(indexes[0], point / 2);
        assert_int_equal(indexes[1], point % 2);
    }
    hx_grid_fini(&grid);
}

static void commas_inside_a_value_do_not_part_it(void **state)
{
    static const char *const values[] = {"[a,b]", "{x: 1, y: 2}", "'p,q'", "r"};
    struct hx_grid grid;

    (void)state;
    hx_grid_init(&grid);
    assert_int_equal(hx_grid_add(&grid, "p=[a,b],{x: 1, y: 2},'p,q',r", NULL), OTEL_OK);
    assert_int_equal(grid.axes[0].count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(grid.axes[0].values[i], values[i]);
    hx_grid_fini(&grid);
}

static void what_is_no_axis_is_refused(void **state)
{
    static const struct {
        const char *vary, *said;
    } cases[] = {{"load.rate", "expected path=v1,v2"}, {"=1,2", "expected path=v1,v2"},
                 {"a=", "a value is empty"},           {"a=1,,2", "a value is empty"},
                 {"a=1,", "a value is empty"},         {"a=1,2,1", "the same value"},
                 {"taken=3", "varied already"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_grid grid;
        hx_grid_init(&grid);
        assert_int_equal(hx_grid_add(&grid, "taken=1", NULL), OTEL_OK);
        assert_int_equal(hx_grid_add(&grid, cases[i].vary, &detail), OTEL_ERR_ARGUMENT);
        assert_non_null(strstr(detail.text, cases[i].said));
        hx_grid_fini(&grid);
    }
}

static void a_grid_is_bounded(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char many[HX_GRID_VALUES * 8] = "v=";
    struct hx_grid grid;

    (void)state;
    for (int i = 0; i < HX_GRID_VALUES; i++)
        snprintf(many + strlen(many), 8, "%s%d", i ? "," : "", i);
    hx_grid_init(&grid);
    assert_int_equal(hx_grid_add(&grid, many, NULL), OTEL_OK);
    many[0] = 'w';
    assert_int_equal(hx_grid_add(&grid, many, &detail), OTEL_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "more than 10000 combinations"));
    hx_grid_fini(&grid);
}

static void an_order_is_a_permutation_and_hangs_on_the_seed(void **state)
{
    size_t one[100], two[100], again[100], moved = 0;
    unsigned seen[100] = {0};

    (void)state;
    hx_shuffled(1, one, 100);
    hx_shuffled(2, two, 100);
    hx_shuffled(1, again, 100);
    assert_memory_equal(one, again, sizeof(one));
    assert_memory_not_equal(one, two, sizeof(one));
    for (size_t i = 0; i < 100; i++) {
        seen[one[i]]++;
        moved += one[i] != i;
    }
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > 80);
}

static void figures_are_sums_over_the_services_and_medians_over_the_runs(void **state)
{
    static const char text[] =
        "{\"sdk\":[{\"started\":100,\"exported\":90,\"app_cpu_s\":0.001,\"exporter_cpu_s\":0.00018,"
        "\"exports\":2,\"export_bytes\":9000,\"queue_high_water\":7,\"drops\":{\"queue_full\":10}},"
        "{\"started\":100,\"exported\":90,\"app_cpu_s\":0.001,\"exporter_cpu_s\":0,\"exports\":1,"
        "\"export_bytes\":9000,\"queue_high_water\":9,\"drops\":{\"queue_full\":1,\"rejected\":9}}]"
        ","
        "\"load\":{\"rate_achieved\":50,\"errors\":{\"timeout\":2},"
        "\"latency\":{\"count\":30,\"p50\":1}}}";
    json_t *report = json_loads(text, 0, NULL), *figures = hx_tuning_figures_of(report);
    json_t *drops = hx_tuning_drops_of(report), *list = json_array(), *median;

    (void)state;
#define IS(key, value) assert_true(json_number_value(json_object_get(figures, key)) == (value))
    IS("started", 200);
    IS("dropped", 20);
    IS("dropped_share", 0.1);
    IS("app_cpu_ns_per_span", 1e4);
    IS("exporter_cpu_ns_per_span", 1000);
    IS("export_requests", 3);
    IS("bytes_per_span", 100);
    IS("queue_high_water", 9);
    IS("errors", 2);
    IS("request_p50_ns", 1);
#undef IS
    assert_null(json_object_get(figures, "request_p99_ns")); /* too few requests */
    assert_int_equal(json_integer_value(json_object_get(drops, "queue_full")), 11);
    assert_int_equal(json_integer_value(json_object_get(drops, "rejected")), 9);
    json_array_append_new(list, json_pack("{s:i, s:i}", "dropped", 1, "errors", 5));
    json_array_append_new(list, json_pack("{s:i}", "dropped", 100));
    json_array_append_new(list, json_pack("{s:i}", "dropped", 3));
    median = hx_tuning_median(list);
    assert_true(json_number_value(json_object_get(median, "dropped")) == 3);
    assert_true(json_number_value(json_object_get(median, "errors")) == 5);
    assert_null(json_object_get(median, "started"));
    json_decref(median);
    json_decref(list);
    json_decref(drops);
    json_decref(figures);
    json_decref(report);
}

static void combinations_of_one_load_have_one_base(void **state)
{
    struct hx_grid grid;
    struct hx_bases bases;
    size_t indexes[HX_GRID_AXES];

    (void)state;
    hx_grid_init(&grid);
    assert_int_equal(hx_grid_add(&grid, "load.rate=1,2,3", NULL), OTEL_OK);
    hx_bases_of(&grid, &bases);
    assert_int_equal(bases.count, 0);
    assert_int_equal(hx_grid_add(&grid, "tracing.max_queue_size=5,6", NULL), OTEL_OK);
    assert_int_equal(hx_grid_add(&grid, "load.arrival=poisson,burst", NULL), OTEL_OK);
    assert_int_equal(hx_grid_add(&grid, "services.shop.tracing.protocol=x,y", NULL), OTEL_OK);
    hx_bases_of(&grid, &bases);
    assert_int_equal(bases.count, 6);
    for (size_t point = 0; point < hx_grid_points(&grid); point++) {
        size_t of_base[HX_GRID_AXES];
        hx_grid_at(&grid, point, indexes);
        hx_bases_at(&bases, hx_bases_for(&bases, point), of_base);
        assert_int_equal(of_base[0], indexes[0]);
        assert_int_equal(of_base[1], 0);
        assert_int_equal(of_base[2], indexes[2]);
        assert_int_equal(of_base[3], 0);
    }
    hx_grid_fini(&grid);
}

/* A place of which each run has this p99; group by group. */
static json_t *place_with(const double *p99, size_t count, size_t a_group)
{
    json_t *place = json_pack("{s:[], s:[], s:{}, s:{}}", "values", "runs", "figures", "drops");

    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack("{s:i, s:{}, s:{s:i}}", "group", (int)(i / a_group), "figures",
                                "drops", "queue_full", 2);
        if (p99[i] > 0)
            json_object_set_new(json_object_get(row, "figures"), "request_p99_ns",
                                json_real(p99[i]));
        json_array_append_new(json_object_get(place, "runs"), row);
    }
    hx_added_settle(place);
    return place;
}

static bool undetected(double p99, const json_t *base, double *ret_added)
{
    json_t *point = place_with(&p99, 1, 1);
    bool within;

    hx_added_to(point, base);
    *ret_added = json_number_value(json_object_get(json_object_get(point, "figures"),
                                                   HX_TUNING_ADDED_P99));
    within = json_array_size(json_object_get(point, "undetected")) == 1;
    json_decref(point);
    return within;
}

static void what_is_added_is_more_than_what_runs_without_tracing_differ_by(void **state)
{
    static const double p99[] = {100, 104, 98, 101, 99, 103, 107, 100}; /* median 100.5, range 9 */
    json_t *base = place_with(p99, 8, 1);
    double added;

    (void)state;
    hx_added_noise(base, 8);
    assert_true(json_number_value(json_object_get(json_object_get(base, "noise"), "band_ns")) == 9);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(base, "drops"),
                                                        "queue_full")), 16);
    assert_true(undetected(109.5, base, &added));
    assert_true(added == 9);
    assert_false(undetected(110, base, &added));
    assert_true(added == 9.5);
    assert_true(undetected(92, base, &added));
    assert_false(undetected(91, base, &added)); /* less is told apart, too */
    json_decref(base);
}

/* With three repeats a group is the median of three runs, as a combination is. */
static void the_band_is_of_groups_as_large_as_a_combination(void **state)
{
    double p99[24];
    json_t *base;

    (void)state;
    for (size_t i = 0; i < 24; i++)
        p99[i] = i % 3 == 0 ? 500 + (double)i : i % 3 == 1 ? 10 : 100 + (double)(i / 3);
    base = place_with(p99, 24, 3);
    hx_added_noise(base, 8);
    assert_true(json_number_value(json_object_get(json_object_get(base, "noise"), "band_ns")) == 7);
    json_decref(base);
}

static void too_few_groups_make_no_band(void **state)
{
    static const double p99[] = {100, 101, 102, 103, 104, 105, 106, 0};
    json_t *base = place_with(p99, 8, 1);
    double added;

    (void)state;
    hx_added_noise(base, 8); /* one has no p99: too few requests */
    assert_null(json_object_get(base, "noise"));
    assert_false(undetected(104, base, &added));
    assert_true(added == 1);
    json_decref(base);
    base = place_with(p99, 7, 1);
    hx_added_noise(base, 7);
    assert_null(json_object_get(base, "noise"));
    json_decref(base);
}

/* Combinations that add nothing, drawn as the runs without tracing are: few are told apart. */
static void few_of_nothing_are_told_apart(void **state)
{
    struct otl_random random;
    unsigned told = 0;

    (void)state;
    otl_random_seed(&random, 7);
    for (int i = 0; i < 2000; i++) {
        double p99[9], added;
        json_t *base;
        for (size_t k = 0; k < 9; k++)
            p99[k] = 1000 + otl_random_normal(&random);
        base = place_with(p99, 8, 1);
        hx_added_noise(base, 8);
        told += !undetected(p99[8], base, &added);
        json_decref(base);
    }
    assert_true(told < 2000 * 17 / 200);
    assert_true(told > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_comes_once_the_last_path_fastest),
        cmocka_unit_test(commas_inside_a_value_do_not_part_it),
        cmocka_unit_test(what_is_no_axis_is_refused),
        cmocka_unit_test(a_grid_is_bounded),
        cmocka_unit_test(an_order_is_a_permutation_and_hangs_on_the_seed),
        cmocka_unit_test(figures_are_sums_over_the_services_and_medians_over_the_runs),
        cmocka_unit_test(combinations_of_one_load_have_one_base),
        cmocka_unit_test(what_is_added_is_more_than_what_runs_without_tracing_differ_by),
        cmocka_unit_test(the_band_is_of_groups_as_large_as_a_combination),
        cmocka_unit_test(too_few_groups_make_no_band),
        cmocka_unit_test(few_of_nothing_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
