/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured of a consumer group, and what is left out because nobody looked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/cli/groups.h"

/* Series of a group, with one point each: {panel, group, second, value}. */
#define SERIES(panel, group, at, value)                                                           \
    "{\"panel\": \"" panel "\", \"tags\": {\"group\": \"" group \
    "\"}, \"points\": [[" at ", " value "]]}"

static json_t *measured(const char *text)
{
    json_error_t error;
    json_t *report = json_loads(text, 0, &error);

    assert_non_null(report);
    hx_groups_measure(report);
    return report;
}

static const json_t *row_of(const json_t *report, size_t i)
{
    return json_array_get(json_object_get(report, "groups"), i);
}

static json_int_t count(const json_t *row, const char *key)
{
    assert_true(json_is_integer(json_object_get(row, key)));
    return json_integer_value(json_object_get(row, key));
}

static void a_group_has_the_figures_of_its_series(void **state)
{
    json_t *report = measured(
        "{\"groups\": [{\"name\": \"many\"}], \"events\": [], \"series\": [" SERIES(
            "handler", "many", "2", "4e9") "," SERIES("handler", "many", "3", "5e8") "," SERIES(
            "redelivered", "many", "2", "7") "," SERIES("staleness", "many", "2", "9e9") ","
        SERIES("lag", "many", "1", "11") "," SERIES("lag", "many", "1", "2") "]}");
    const json_t *row = row_of(report, 0);

    (void)state;
    assert_int_equal(count(row, "longest_ns"), 4000000000);
    assert_int_equal(count(row, "long_handlings"), 1);
    assert_int_equal(count(row, "redelivered"), 7);
    assert_int_equal(count(row, "staleness_max_ns"), 9000000000);
    assert_int_equal(count(row, "lag_max"), 13);
    json_decref(report);
}

static void what_was_not_measured_is_not_zero(void **state)
{
    json_t *report = measured("{\"groups\": [{\"name\": \"one\"}, {\"name\": \"many\"}],"
                              " \"events\": [{\"what\": \"kill\", \"at_s\": 2,"
                              " \"text\": \"kill\"}],"
                              " \"series\": [" SERIES("lag", "one", "1", "3") "," SERIES(
                                  "handler", "many", "1", "5") "]}");
    static const char *const absent[] = {"redelivered", "staleness_max_ns", "long_handlings",
                                         "longest_ns"};
    const json_t *row = row_of(report, 0);
    const json_t *window = json_array_get(json_object_get(row, "windows"), 0);

    (void)state;
    assert_int_equal(count(row, "lag_max"), 3);
    assert_int_equal(count(window, "lag_max"), 3);
    assert_int_equal(count(window, "rounds"), 0);
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        assert_null(json_object_get(row, absent[i]));
        assert_null(json_object_get(window, absent[i]));
    }
    assert_int_equal(count(row_of(report, 1), "longest_ns"), 5);
    assert_null(json_object_get(row_of(report, 1), "lag_max"));
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_has_the_figures_of_its_series),
        cmocka_unit_test(what_was_not_measured_is_not_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
