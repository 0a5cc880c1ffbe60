/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/tuning/bases.h"
#include "harness/tuning/figures.h"
#include "harness/tuning/grid.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
