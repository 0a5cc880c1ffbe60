/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/clock.h"
#include "sdk/base/yaml/schema.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct otl_schema step[5];
static const struct otl_schema step_row[] = {{.type = OTL_SCHEMA_MAP, .child = step, .max = 1,
                                              .min = 1, .what = "a step"}};
static const struct otl_schema step[5] = {
    {.key = "wait", .type = OTL_SCHEMA_DURATION, .max = 10 * (int64_t)OTL_NS_PER_S},
    {.key = "paint", .type = OTL_SCHEMA_ENUM, .words = colours},
    {.key = "steps", .type = OTL_SCHEMA_LIST, .child = step_row},
    {.key = "odds", .type = OTL_SCHEMA_DOUBLE, .real_max = 1},
    OTL_SCHEMA_END};
static const struct otl_schema wide[] = {{.type = OTL_SCHEMA_DURATION},
                                         {.type = OTL_SCHEMA_MAP, .child = step},
                                         OTL_SCHEMA_END};
static const struct otl_schema draw[] = {
    {.key = "draw", .type = OTL_SCHEMA_STRING},
    {.key = "width", .type = OTL_SCHEMA_UINT, .fallback = "2"},
    OTL_SCHEMA_END};
static const struct otl_schema move[] = {{.key = "move", .type = OTL_SCHEMA_INT}, OTL_SCHEMA_END};
static const struct otl_schema acts[] = {
    {.key = "draw", .type = OTL_SCHEMA_MAP, .child = draw},
    {.key = "move", .type = OTL_SCHEMA_MAP, .child = move},
    OTL_SCHEMA_END};
static const struct otl_schema act[] = {
    {.type = OTL_SCHEMA_BY_KEY, .child = acts, .what = "an act"}};
static const struct otl_schema service[] = {
    {.key = "acts", .type = OTL_SCHEMA_LIST, .child = act},
    {.key = "replicas", .type = OTL_SCHEMA_UINT, .min = 1, .max = 64, .fallback = "1"},
    {.key = "offset", .type = OTL_SCHEMA_INT},
    {.key = "name", .type = OTL_SCHEMA_STRING, .max = 8, .min = 1},
    {.key = "on", .type = OTL_SCHEMA_BOOL, .nullable = true},
    {.key = "steps", .type = OTL_SCHEMA_LIST, .child = step_row, .fallback = "[]"},
    {.key = "either", .type = OTL_SCHEMA_ONE_OF, .child = wide},
    {.key = "label", .type = OTL_SCHEMA_SCALAR},
    {.key = "free", .type = OTL_SCHEMA_ANY},
    OTL_SCHEMA_END};
static const struct otl_schema services[] = {
    {.key = "*", .type = OTL_SCHEMA_MAP, .child = service, .what = "a service"}, OTL_SCHEMA_END};
static const struct otl_schema load[] = {
    {.key = "rate", .type = OTL_SCHEMA_DOUBLE, .fallback = "100"}, OTL_SCHEMA_END};
static const struct otl_schema top[] = {
    {.key = "services", .type = OTL_SCHEMA_MAP, .required = true, .child = services},
    {.key = "load", .type = OTL_SCHEMA_MAP, .child = load, .fallback = "{}"},
    OTL_SCHEMA_END};
static const struct otl_schema root[] = {
    {.type = OTL_SCHEMA_MAP, .child = top, .what = "a fleet"}};

static void check(const char *text, const char *expected)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml_options options;
    struct otl_yaml *doc;
    char error[1024];

    otl_yaml_options_init(&options);
    options.source = "f";
    assert_int_equal(otl_yaml_load_text(text, strlen(text), &options, &doc, &detail), OTEL_OK);
    if (otl_schema_check(doc, root, &detail) == OTEL_OK)
        assert_string_equal("", expected);
    else
        assert_string_equal(otl_detail_format(&detail, error, sizeof(error)), expected);
    otl_yaml_free(doc);
}

static void each_mistake_is_named_with_its_place_and_the_nearest_word(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"servces: {}", "f:1:1: unknown key 'servces' (did you mean 'services'?)"},
        {"services: {}\nxyzzy: 1", "f:2:1: unknown key 'xyzzy'; known here: services, load"},
        {"load: {}", "f:1:1: missing key 'services' of a fleet"},
        {"[]", "f:1:1: expected a fleet, found a list"},
        {"", "f: expected a fleet, found nothing"},
        {"services: 5", "f:1:11: services: expected a map, found the number 5"},
        {"services: {a: }", "f:1:15: expected a service, found nothing"},
        {"services: {a: {replicas: 65}}",
         "f:1:26: replicas must be at most 64, found 65"},
        {"services: {a: {replicas: 0}}", "f:1:26: replicas must be at least 1, found 0"},
        {"services: {a: {replicas: -1}}",
         "f:1:26: replicas must not be negative, found -1"},
        {"services: {a: {replicas: 1.5}}",
         "f:1:26: replicas: expected a whole number, found the number 1.5"},
        {"services: {a: {replicas: '1'}}",
         "f:1:26: replicas: expected a whole number, found the text '1'"},
        {"services: {a: {name: 123456789}}",
         "f:1:22: name: expected a text, found the number 123456789"},
        {"services: {a: {name: '123456789'}}", "f:1:22: name allows at most 8 bytes, found 9"},
        {"services: {a: {name: ''}}", "f:1:22: name needs at least 1 bytes, found 0"},
        {"services: {a: {on: maybe}}",
         "f:1:20: on: expected true or false, found the text 'maybe'"},
        {"services: {a: {steps: [{wait: {}}]}}",
         "f:1:31: wait: expected a duration such as 250ms, found a map"},
        {"services: {a: {steps: [{wait: 5}]}}",
         "f:1:31: wait: expected a duration such as 250ms, found the number 5"},
        {"services: {a: {steps: [{wait: 5x}]}}",
         "f:1:31: wait: expected a duration such as 250ms, found the text '5x'"},
        {"services: {a: {steps: [{wait: 11s}]}}",
         "f:1:31: wait must be from 0ns to 10s, found 11s"},
        {"services: {a: {steps: [{paint: grene}]}}",
         "f:1:32: paint: unknown word 'grene' (did you mean 'green'?)"},
        {"services: {a: {steps: [{paint: mauve}]}}",
         "f:1:32: paint: unknown word 'mauve'; expected red, green or blue"},
        {"services: {a: {steps: [{odds: 1.5}]}}",
         "f:1:31: odds must be from 0 to 1, found 1.5"},
        {"services: {a: {steps: [{odds: 1, wait: 1s}]}}",
         "f:1:24: a step allows at most 1 keys, found 2"},
        {"services: {a: {steps: [{steps: [{}]}]}}",
         "f:1:33: a step needs at least 1 keys, found 0"},
        {"services: {a: {either: []}}",
         "f:1:24: either: expected a duration such as 250ms or a map, found a list"},
        {"services: {a: {either: {wiat: 1s}}}",
         "f:1:25: unknown key 'wiat' (did you mean 'wait'?)"},
        {"services: {a: {either: [1]}}",
         "f:1:24: either: expected a duration such as 250ms or a map, found a list"},
        {"services: {a: {label: {}}}",
         "f:1:23: label: expected a text, a number or true or false, found a map"},
        {"services: {a: {acts: [{}]}}", "f:1:23: an act is empty"},
        {"services: {a: {acts: [{drew: x}]}}",
         "f:1:24: unknown key 'drew' (did you mean 'draw'?)"},
        {"services: {a: {acts: [{draw: x, move: 1}]}}",
         "f:1:33: an act is one thing: 'draw' and 'move' are two"},
        {"services: {a: {acts: [{move: 1, width: 1}]}}",
         "f:1:33: unknown key 'width'; known here: move"},
        {"services: {a: {replicas: 3, acts: [{width: 1, draw: x}, {move: -1}], offset: -4, "
         "name: x, on: , free: [{}], label: 1.5, either: 5s, "
         "steps: [{wait: 0}, {odds: 1}, {steps: [{paint: red}]}]}}",
         ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check(rows[i].text, rows[i].error);
}

static void missing_keys_get_their_fallbacks(void **state)
{
    static const char text[] = "services: {a: {}, b: {replicas: 2, acts: [{draw: x}]}}";
    struct otl_yaml *doc;
    char *json;

    (void)state;
    assert_int_equal(otl_yaml_load_text(text, strlen(text), NULL, &doc, NULL), OTEL_OK);
    assert_int_equal(otl_schema_check(doc, root, NULL), OTEL_OK);
    assert_int_equal(otl_schema_fill(doc, root, NULL), OTEL_OK);
    assert_int_equal(otl_schema_check(doc, root, NULL), OTEL_OK);
    json = json_dumps(otl_yaml_root(doc), JSON_COMPACT);
    assert_string_equal(json, "{\"services\":{\"a\":{\"replicas\":1,\"steps\":[]},"
                              "\"b\":{\"replicas\":2,\"acts\":[{\"draw\":\"x\",\"width\":2}],"
                              "\"steps\":[]}},\"load\":{\"rate\":100}}");
    free(json);
    otl_yaml_free(doc);
}

static void typed_values_come_out_of_a_checked_map(void **state)
{
    static const char text[] = "{t: x, i: -3, d: 2, b: true, w: 1.5s, z: 0, n: }";
    struct otl_yaml *doc;
    json_t *map;

    (void)state;
    assert_int_equal(otl_yaml_load_text(text, strlen(text), NULL, &doc, NULL), OTEL_OK);
    map = otl_yaml_root(doc);
    assert_string_equal(otl_tree_text(map, "t", "y"), "x");
    assert_string_equal(otl_tree_text(map, "n", "y"), "y");
    assert_int_equal(otl_tree_int(map, "i", 1), -3);
    assert_true(otl_tree_double(map, "d", 0) > 1.9);
    assert_true(otl_tree_bool(map, "b", false));
    assert_int_equal(otl_tree_duration_ns(map, "w", 1), 1500 * OTL_NS_PER_MS);
    assert_int_equal(otl_tree_duration_ns(map, "z", 1), 0);
    assert_int_equal(otl_tree_duration_ns(map, "absent", 7), 7);
    otl_yaml_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_named_with_its_place_and_the_nearest_word),
        cmocka_unit_test(missing_keys_get_their_fallbacks),
        cmocka_unit_test(typed_values_come_out_of_a_checked_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
