/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/edit.h"

/* Values as texts: what a real Collector's attributes processor made of the same ones. */

static const struct {
    const char *value; /* JSON */
    const char *text;
} rows[] = {
    {"\"as <it> is\"", "as <it> is"},
    {"-7", "-7"},
    {"true", "true"},
    {"1e21", "1e+21"},
    {"0.1", "0.1"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"[1, \"a\", true, null, 2.5, 1e-7, [3], {\"k\": \"v\"}]",
     "[1,\"a\",true,null,2.5,1e-7,[3],{\"k\":\"v\"}]"},
    {"{\"b\": 1, \"a\": {\"d\": 2, \"c\": 3}, \"ab\": 4}",
     "{\"a\":{\"c\":3,\"d\":2},\"ab\":4,\"b\":1}"},
    {"[\"<&>\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"]",
     "[\"<&>\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"]"},
    {"[\"\\u00e9\\u2028\\u2029\\u202a\\ud83d\\ude00\"]",
     "[\"\xc3\xa9\\u2028\\u2029\xe2\x80\xaa\xf0\x9f\x98\x80\"]"},
};

static void values_become_the_texts_of_the_collector(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *tree = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        struct otl_view bytes, text;
        struct col_value value;
        struct otl_arena arena;

        assert_non_null(tree);
        otl_arena_init(&arena, 1 << 20);
        assert_int_equal(col_edit_value_of_tree(&arena, tree, &bytes), OTEL_OK);
        col_value_split(bytes, &value);
        assert_true(col_edit_text(&arena, &value, &text));
        if (!otl_view_is(text, rows[i].text))
            fail_msg("%s: %.*s", rows[i].value, (int)text.len, text.data);
        otl_arena_fini(&arena);
        json_decref(tree);
    }
}

/* What a configuration cannot say: AnyValue messages byte by byte. */
static void what_is_no_json_is_told_as_there(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } cases[] = {
        /* a list of: bytes; a text that is no UTF-8; a number that JSON does not have */
        {"\x2a\x05\x0a\x03\x3a\x01\xff", 7, "[\"/w==\"]"},
        {"\x2a\x07\x0a\x05\x0a\x03"
         "a\x80z",
         9, "[\"a\\ufffdz\"]"},
        {"\x2a\x0b\x0a\x09\x21\0\0\0\0\0\0\xf0\x7f", 13, ""},
        /* a map with the key "k" twice */
        {"\x32\x12\x0a\x07\x0a\x01k\x12\x02\x18\x01\x0a\x07\x0a\x01k\x12\x02\x18\x02", 20,
         "{\"k\":2}"},
        {"\x21\0\0\0\0\0\0\xf0\xff", 9, "-Infinity"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct col_value value;
        struct otl_arena arena;
        struct otl_view text;

        otl_arena_init(&arena, 1 << 20);
        col_value_split(otl_view(cases[i].bytes, cases[i].len), &value);
        assert_true(col_edit_text(&arena, &value, &text));
        if (!otl_view_is(text, cases[i].text))
            fail_msg("%zu: %.*s", i, (int)text.len, text.data);
        otl_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_the_texts_of_the_collector),
        cmocka_unit_test(what_is_no_json_is_told_as_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
