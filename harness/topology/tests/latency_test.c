/* SPDX-License-Identifier: Apache-2.0 */
/* A p99 is drawn from a hundred requests or more, and says from how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/stats/hdr_log.h"
#include "harness/topology/facts.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"

/* The series of a run whose seconds have so many requests of 1 ms and one of 5 ms each. */
static json_t *series_of(const unsigned *counts, size_t seconds)
{
    char dir[] = "/tmp/latency-test-XXXXXX", path[100];
    struct hx_hdr_log log;
    struct hx_hdr *hdr;
    json_t *series = json_array();

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/hdr", dir);
    assert_int_equal(otl_make_dirs(path, NULL), OTEL_OK);
    snprintf(path, sizeof(path), "%s/hdr/response.hlog", dir);
    assert_int_equal(hx_hdr_log_open(&log, path, 0, NULL), OTEL_OK);
    for (size_t i = 0; i < seconds; i++) {
        assert_int_equal(hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &hdr), OTEL_OK);
        hx_hdr_record_n(hdr, 1000000, counts[i] > 0 ? counts[i] - 1 : 0);
        hx_hdr_record_n(hdr, 5000000, counts[i] > 0);
        assert_int_equal(hx_hdr_log_write(&log, i == 0 ? "warmup" : "measure", i * OTL_NS_PER_S,
                                          OTL_NS_PER_S, hdr), OTEL_OK);
        hx_hdr_free(hdr);
    }
    assert_int_equal(hx_hdr_log_close(&log), OTEL_OK);
    hx_latency_series(dir, series);
    unlink(path);
    snprintf(path, sizeof(path), "%s/hdr", dir);
    rmdir(path);
    rmdir(dir);
    return series;
}

static const char *title_of(const json_t *series, size_t n)
{
    return json_string_value(json_object_get(json_array_get(series, n), "title"));
}

static double point(const json_t *series, size_t n, size_t at, size_t which)
{
    const json_t *points = json_object_get(json_array_get(series, n), "points");

    return json_number_value(json_array_get(json_array_get(points, at), which));
}

static size_t points(const json_t *series, size_t n)
{
    return json_array_size(json_object_get(json_array_get(series, n), "points"));
}

static void each_second_is_a_point_where_there_are_enough(void **state)
{
    static const unsigned counts[] = {200, 201, 200, 250, 200};
    json_t *series = series_of(counts, 5);

    (void)state;
    assert_int_equal(points(series, 0), 5);
    assert_string_equal(title_of(series, 1), "p99 (n = 200 to 250 a point)");
    assert_true(point(series, 1, 0, 0) == 1);
    assert_true(point(series, 1, 4, 0) == 5);
    assert_true(point(series, 1, 2, 1) < 1.1e6); /* one of 200 is slow: not the p99 */
    json_decref(series);
}

static void seconds_with_too_few_are_joined(void **state)
{
    static const unsigned counts[] = {60, 60, 40, 40, 40, 300, 50, 20};
    json_t *series = series_of(counts, 8);

    (void)state;
    assert_int_equal(points(series, 1), 3); /* 60 + 60, 40 + 40 + 40, 300; 70 are left over */
    assert_string_equal(title_of(series, 1), "p99 (n = 120 to 300 a point)");
    assert_true(point(series, 1, 0, 0) == 2);
    assert_true(point(series, 1, 1, 0) == 5);
    assert_true(point(series, 1, 2, 0) == 6);
    json_decref(series);
}

static void where_all_are_too_few_the_slowest_is_shown_as_such(void **state)
{
    static const unsigned counts[] = {2, 0, 3, 2, 2};
    json_t *series = series_of(counts, 5);

    (void)state;
    assert_int_equal(points(series, 1), 4); /* no answer, no point */
    assert_string_equal(title_of(series, 1), "slowest (of 2 to 3 a point)");
    assert_true(point(series, 1, 1, 0) == 3);
    assert_true(point(series, 1, 1, 1) >= 5e6);
    json_decref(series);
}

static void without_a_request_there_is_no_series(void **state)
{
    static const unsigned counts[] = {0, 0};
    json_t *series = series_of(counts, 2);

    (void)state;
    assert_int_equal(json_array_size(series), 0);
    hx_latency_series("/nowhere", series);
    assert_int_equal(json_array_size(series), 0);
    json_decref(series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_second_is_a_point_where_there_are_enough),
        cmocka_unit_test(seconds_with_too_few_are_joined),
        cmocka_unit_test(where_all_are_too_few_the_slowest_is_shown_as_such),
        cmocka_unit_test(without_a_request_there_is_no_series),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
