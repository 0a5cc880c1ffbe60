/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/mem.h"
#include "sdk/base/yaml/emit.h"
#include "sdk/base/yaml/yaml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *fake_env(void *context, const char *name)
{
    (void)context;
    if (strcmp(name, "PORT") == 0)
        return "4317";
    if (strcmp(name, "HOST") == 0)
        return "localhost";
    if (strcmp(name, "MAP") == 0)
        return "{a: b}";
    if (strcmp(name, "BAD") == 0)
        return "\xff";
    return NULL;
}

static enum otel_err load(const char *text, bool env, struct otl_yaml **ret, char *error,
                          size_t size)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml_options options;
    enum otel_err err;

    otl_yaml_options_init(&options);
    options.source = "f.yaml";
    options.max_nodes = 1000;
    options.max_depth = 20;
    options.substitute_env = env;
    options.getenv = fake_env;
    err = otl_yaml_load_text(text, strlen(text), &options, ret, &detail);
    otl_detail_format(&detail, error, size);
    return err;
}

static void reads_as(const char *text, bool env, const char *expected)
{
    struct otl_yaml *doc;
    char error[1024], *json;

    if (load(text, env, &doc, error, sizeof(error)) != OTEL_OK)
        fail_msg("%s\n-> %s", text, error);
    json = json_dumps(otl_yaml_root(doc), JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(json, expected);
    free(json);
    otl_yaml_free(doc);
}

static void note_unset(void *context, struct otl_yaml_pos pos, const char *name)
{
    char *told = context;
    size_t len = strlen(told);

    snprintf(told + len, 200 - len, "%u:%u %s; ", pos.line, pos.column, name);
}

static void a_variable_that_is_not_set_is_told_with_its_place(void **state)
{
    static const char text[] = "a: ${env:PORT} $$${NONE}\nb:\n  - x${env:NONE}${env:ALSO}\n"
                               "c: ${env:NONE:-5}\n";
    struct otl_yaml_options options;
    struct otl_yaml *doc;
    char told[200] = "";

    (void)state;
    otl_yaml_options_init(&options);
    options.substitute_env = true;
    options.getenv = fake_env;
    assert_int_equal(otl_yaml_load_text(text, strlen(text), &options, &doc, NULL), OTEL_OK);
    otl_yaml_free(doc); /* nobody to tell */
    options.unset = note_unset;
    options.unset_context = told;
    assert_int_equal(otl_yaml_load_text(text, strlen(text), &options, &doc, NULL), OTEL_OK);
    assert_string_equal(told, "1:4 NONE; 3:5 NONE; 3:5 ALSO; ");
    otl_yaml_free(doc);
}

static void refused_with(const char *text, bool env, const char *expected)
{
    struct otl_yaml *doc = NULL;
    char error[1024];

    if (load(text, env, &doc, error, sizeof(error)) == OTEL_OK)
        fail_msg("accepted: %s", text);
    assert_null(doc);
    assert_string_equal(error, expected);
}

static void plain_scalars_have_core_types_and_quoted_ones_are_strings(void **state)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"a: 1", "{\"a\":1}"},
        {"[1, -1, +1, 007, 0x1F, 0o17]", "[1,-1,1,7,31,15]"},
        {"[1.5, .5, 1e3, -2.5E-1, 5.]", "[1.5,0.5,1000.0,-0.25,5.0]"},
        {"[true, True, FALSE, yes, no, on, y]", "[true,true,false,\"yes\",\"no\",\"on\",\"y\"]"},
        {"[null, ~, Null, nil]", "[null,null,null,\"nil\"]"},
        {"a:\nb: 1", "{\"a\":null,\"b\":1}"},
        {"['1', \"true\", \"\", '~', \"10.5\"]", "[\"1\",\"true\",\"\",\"~\",\"10.5\"]"},
        {"[1s, 1_000, 1.2.3, -, 0b1, 0xg, 1e, .e1, 12:30]",
         "[\"1s\",\"1_000\",\"1.2.3\",\"-\",\"0b1\",\"0xg\",\"1e\",\".e1\",\"12:30\"]"},
        {"a: |\n  1\n  2\n", "{\"a\":\"1\\n2\\n\"}"},
        {"[!!str 1, !!int 1, !!float 1, ! 1]", "[\"1\",1,1.0,\"1\"]"},
        {"", "null"},
        {"# nothing\n", "null"},
        {"18446744073709551616", "1.8446744073709552e19"},
        {"a:\n  - b: 1\n    c: 2\n  - [x]\n", "{\"a\":[{\"b\":1,\"c\":2},[\"x\"]]}"},
        {"404: x\ntrue: y", "{\"404\":\"x\",\"true\":\"y\"}"},
        {"{\"a\": [1, {\"b\": null}]}", "{\"a\":[1,{\"b\":null}]}"},
        {"otlp/2:\n  endpoint: 0.0.0.0:4317\n", "{\"otlp/2\":{\"endpoint\":\"0.0.0.0:4317\"}}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        reads_as(rows[i].yaml, false, rows[i].json);
}

static void aliases_are_copied_and_merge_keys_merged(void **state)
{
    (void)state;
    reads_as("a: &x {k: 1}\nb: *x\nc: [*x, *x]", false,
             "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":[{\"k\":1},{\"k\":1}]}");
    reads_as("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", false,
             "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":3,\"l\":2}}");
    reads_as("a: &x {k: 1}\nb: &y {l: 2, k: 9}\nc:\n  <<: [*x, *y]\n", false,
             "{\"a\":{\"k\":1},\"b\":{\"l\":2,\"k\":9},\"c\":{\"k\":1,\"l\":2}}");
    reads_as("'<<': 1", false, "{\"<<\":1}");
    reads_as("a: &x 1\nb: &x 2\nc: *x", false, "{\"a\":1,\"b\":2,\"c\":2}");
}

static void env_references_are_replaced_before_typing(void **state)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"${env:PORT}", "4317"},
        {"${PORT}", "4317"},
        {"'${env:PORT}'", "\"4317\""},
        {"${env:HOST}:${env:PORT}", "\"localhost:4317\""},
        {"1${env:PORT}", "14317"},
        {"${env:NONE}", "null"},
        {"\"${env:NONE}\"", "\"\""},
        {"${env:NONE:-5s}", "\"5s\""},
        {"${env:NONE:-12}", "12"},
        {"${env:PORT:-12}", "4317"},
        {"${env:MAP}", "\"{a: b}\""},
        {"$${env:PORT}", "\"${env:PORT}\""},
        {"$$5 and $6", "\"$5 and $6\""},
        {"${env:PORT}: ${env:PORT}", "{\"${env:PORT}\":4317}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        reads_as(rows[i].yaml, true, rows[i].json);
    reads_as("${env:PORT}", false, "\"${env:PORT}\"");
}

static void what_is_refused_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *yaml, *error;
    } rows[] = {
        {"a: 1\nb: 2\na: 3", "f.yaml:3:1: key 'a' is given twice (first in line 1)"},
        {"a:\n\tb: 1", "f.yaml:2:1: a tab cannot indent YAML; use blanks"},
        {"tls: insecure: true",
         "f.yaml:1:14: mapping values are not allowed in this context; keys of a key go on lines "
         "of their own, further in (a text with ': ' needs quotes)"},
        {"[1, 2", "f.yaml:2:1: did not find expected ',' or ']' "
                  "(while parsing a flow sequence, line 1)"},
        {"{a: x${b}, c: 1}",
         "f.yaml:1:7: did not find expected ',' or '}' (while parsing a flow mapping, line 1); "
         "a text with ${...} inside of { } or [ ] needs quotes"},
        {"? [a]\n: 1", "f.yaml:1:3: a key must be a word, not a list"},
        {"a: *b", "f.yaml:1:4: alias *b: no anchor &b is complete above"},
        {"&a [*a]", "f.yaml:1:5: alias *a: no anchor &a is complete above"},
        {"a: 1\n---\nb: 1", "f.yaml:2:1: a second document begins here; one is the most"},
        {"a: !ref b", "f.yaml:1:4: the tag !ref is not supported"},
        {"a: !!int b", "f.yaml:1:4: 'b' is no int"},
        {"a: .inf", "f.yaml:1:4: '.inf' is no number that can be used here"},
        {"a: 1e999", "f.yaml:1:4: the number 1e999 is too large"},
        {"a: \"x\\0y\"", "f.yaml:1:4: a text cannot hold a NUL character"},
        {"a:\n  <<: 1", "f.yaml:2:3: << merges a map or a list of maps, nothing else"},
        {"? \n: 1", "f.yaml:1:2: a key is missing before ':'"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]",
         "f.yaml:1:21: nested too deeply (limit 20)"},
        {"a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
         "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]",
         "f.yaml:4:8: too many values, copies of aliases included (limit 1000)"},
        {"a: \xff\xfe", "f.yaml: invalid leading UTF-8 octet at byte 3 (the text must be UTF-8)"},
    };
    static const struct {
        const char *yaml, *error;
    } env_rows[] = {
        {"a: ${env:PORT", "f.yaml:1:4: '${' without '}' (a literal $ is written $$)"},
        {"a: ${file:x}",
         "f.yaml:1:4: only ${env:NAME} and ${env:NAME:-default} are known"},
        {"a: ${1x}",
         "f.yaml:1:4: a variable's name begins with a letter or _ (a literal $ is written $$)"},
        {"a: ${BAD}", "f.yaml:1:4: the variable's value is not UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        refused_with(rows[i].yaml, false, rows[i].error);
    for (size_t i = 0; i < COUNT(env_rows); i++)
        refused_with(env_rows[i].yaml, true, env_rows[i].error);
}

static void assert_pos(struct otl_yaml_pos pos, unsigned line, unsigned column)
{
    assert_int_equal(pos.line, line);
    assert_int_equal(pos.column, column);
    assert_string_equal(pos.source, "f.yaml");
}

static void every_key_and_value_has_its_place(void **state)
{
    struct otl_yaml *doc;
    char error[256];
    json_t *root, *list, *copy;

    (void)state;
    assert_int_equal(load("one: &x\n  - two\n  -   {k: v}\nalias: *x\n", false, &doc, error,
                          sizeof(error)),
                     OTEL_OK);
    root = otl_yaml_root(doc);
    list = json_object_get(root, "one");
    copy = json_object_get(root, "alias");
    assert_pos(otl_yaml_container_pos(doc, root), 1, 1);
    assert_pos(otl_yaml_key_pos(doc, root, "one"), 1, 1);
    assert_pos(otl_yaml_item_pos(doc, list, 0), 2, 5);
    assert_pos(otl_yaml_item_pos(doc, list, 1), 3, 7);
    assert_pos(otl_yaml_key_pos(doc, json_array_get(list, 1), "k"), 3, 8);
    assert_pos(otl_yaml_value_pos(doc, json_array_get(list, 1), "k"), 3, 11);
    assert_pos(otl_yaml_value_pos(doc, root, "alias"), 4, 8);
    assert_pos(otl_yaml_item_pos(doc, copy, 1), 3, 7);
    assert_pos(otl_yaml_key_pos(doc, root, "absent"), 0, 0);
    otl_yaml_free(doc);
}

static void put_replaces_a_value_and_its_place(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml_options options;
    struct otl_yaml *doc;
    char error[256], *json;
    json_t *root, *list;

    (void)state;
    otl_yaml_options_init(&options);
    options.source = "--set a=";
    options.without_lines = true;
    assert_int_equal(load("a: 1\nl: [1, 2]", false, &doc, error, sizeof(error)), OTEL_OK);
    root = otl_yaml_root(doc);
    list = json_object_get(root, "l");
    assert_int_equal(otl_yaml_put(doc, root, "a", "{x: [1, y]}", &options, &detail), OTEL_OK);
    assert_int_equal(otl_yaml_put_item(doc, list, 1, "two", &options, &detail), OTEL_OK);
    assert_int_equal(otl_yaml_put_item(doc, list, 2, "no", &options, NULL), OTEL_ERR_NOT_FOUND);
    assert_int_equal(otl_yaml_put(doc, root, "a", "[", &options, &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.source, "--set a=");
    assert_string_equal(otl_yaml_value_pos(doc, root, "a").source, "--set a=");
    assert_int_equal(otl_yaml_value_pos(doc, root, "a").line, 0);
    assert_int_equal(otl_yaml_key_pos(doc, root, "a").line, 1);
    json = json_dumps(root, JSON_COMPACT);
    assert_string_equal(json, "{\"a\":{\"x\":[1,\"y\"]},\"l\":[1,\"two\"]}");
    free(json);
    otl_yaml_free(doc);
}

/* The table of places moves while the new value is read. */
static void put_of_a_large_value_keeps_the_place_of_its_key(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char error[256], text[4096] = "[1";
    struct otl_yaml *doc;
    json_t *root;

    (void)state;
    for (int i = 0; i < 1000; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ",1");
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "]");
    assert_int_equal(load("b: 1\na: 1", false, &doc, error, sizeof(error)), OTEL_OK);
    root = otl_yaml_root(doc);
    assert_int_equal(otl_yaml_put(doc, root, "a", text, NULL, &detail), OTEL_OK);
    assert_int_equal(otl_yaml_key_pos(doc, root, "a").line, 2);
    assert_int_equal(json_array_size(json_object_get(root, "a")), 1001);
    otl_yaml_free(doc);
}

static void what_is_emitted_reads_back_as_the_same_tree(void **state)
{
    static const char text[] =
        "{\"s\": [\"a b\", \"\", \"1\", \"true\", \"a: b\", \"#x\", \"- y\", \"q\\\"\\\\\", "
        "\"two\\nlines\\t\\u0001\", \"\xc3\xbc\", \"\\u0085\\u2028\\uFEFF\\uFFFE\", \"~\", "
        "\"5s\", \"x \", \" x\", \"...\", \"<<\"], \"n\": [0, -5, 1.0, 0.1, 1e300, 12.75, "
        "0.30000000000000004], "
        "\"e\": [{}, [], null, true], \"m\": {\"k k\": [[1, [2]], {\"a\": {\"b\": []}}], "
        "\"<<\": 1}}";
    struct otl_yaml *doc, *again;
    struct otl_buf buf;
    char error[256];

    (void)state;
    otl_buf_init(&buf, 100000);
    assert_int_equal(load(text, false, &doc, error, sizeof(error)), OTEL_OK);
    assert_int_equal(otl_yaml_emit(otl_yaml_root(doc), &buf), OTEL_OK);
    if (load(buf.data, false, &again, error, sizeof(error)) != OTEL_OK)
        fail_msg("%s\n%s", error, buf.data);
    if (!json_equal(otl_yaml_root(doc), otl_yaml_root(again)))
        fail_msg("%s", buf.data);
    otl_yaml_free(doc);
    otl_yaml_free(again);
    otl_buf_fini(&buf);
}

static void emitted_text_is_plain_where_it_can_be(void **state)
{
    struct otl_yaml *doc;
    struct otl_buf buf;
    char error[256];

    (void)state;
    otl_buf_init(&buf, 1000);
    assert_int_equal(load("{a: [{b: x y, c: 5s}, '1'], d: {}}", false, &doc, error, sizeof(error)),
                     OTEL_OK);
    assert_int_equal(otl_yaml_emit(otl_yaml_root(doc), &buf), OTEL_OK);
    assert_string_equal(buf.data, "a:\n  - b: x y\n    c: 5s\n  - \"1\"\nd: {}\n");
    otl_yaml_free(doc);
    otl_buf_fini(&buf);
}

static void every_failing_allocation_is_survived(void **state)
{
    static const char text[] = "p: ${PORT}\na: &x {k: [1, b]}\nb: {<<: *x, l: 'q'}\nc: *x\n";
    bool done = false;

    (void)state;
    json_set_alloc_funcs(otl_mem_alloc, otl_mem_free);
    for (unsigned long n = 1; !done; n++) {
        struct otl_yaml *doc = NULL;
        char error[256];
        enum otel_err err;
        otl_mem_fail_at(n);
        err = load(text, true, &doc, error, sizeof(error));
        done = otl_mem_count() < n;
        otl_mem_fail_at(0);
        assert_int_equal(err, done ? OTEL_OK : OTEL_ERR_MEMORY);
        if (!done)
            assert_null(doc);
        otl_yaml_free(doc);
        assert_true(n < 1000);
    }
    json_set_alloc_funcs(malloc, free);
}

static void an_unreadable_file_is_named(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml *doc = NULL;

    (void)state;
    assert_int_equal(otl_yaml_load_file("/nonexistent/x.yaml", NULL, &doc, &detail),
                     OTEL_ERR_NOT_FOUND);
    assert_string_equal(detail.source, "/nonexistent/x.yaml");
    assert_string_equal(detail.text, "cannot open: No such file or directory");
}

static void digits_may_be_separated_where_that_is_asked_for(void **state)
{
    static const char text[] = "{a: 100_000, b: _1, c: 1_x, d: '1_0', e: 10_}";
    struct otl_yaml_options options;
    struct otl_yaml *doc;
    json_t *root;

    (void)state;
    otl_yaml_options_init(&options);
    for (int asked = 0; asked < 2; asked++) {
        options.digit_separators = asked == 1;
        assert_int_equal(otl_yaml_load_text(text, strlen(text), &options, &doc, NULL), OTEL_OK);
        root = otl_yaml_root(doc);
        assert_int_equal(json_is_integer(json_object_get(root, "a")), asked);
        assert_int_equal(json_integer_value(json_object_get(root, "a")), asked ? 100000 : 0);
        assert_true(json_is_string(json_object_get(root, "b")));
        assert_true(json_is_string(json_object_get(root, "c")));
        assert_true(json_is_string(json_object_get(root, "d")));
        otl_yaml_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_may_be_separated_where_that_is_asked_for),
        cmocka_unit_test(plain_scalars_have_core_types_and_quoted_ones_are_strings),
        cmocka_unit_test(aliases_are_copied_and_merge_keys_merged),
        cmocka_unit_test(env_references_are_replaced_before_typing),
        cmocka_unit_test(a_variable_that_is_not_set_is_told_with_its_place),
        cmocka_unit_test(what_is_refused_is_refused_with_its_place),
        cmocka_unit_test(every_key_and_value_has_its_place),
        cmocka_unit_test(put_replaces_a_value_and_its_place),
        cmocka_unit_test(put_of_a_large_value_keeps_the_place_of_its_key),
        cmocka_unit_test(what_is_emitted_reads_back_as_the_same_tree),
        cmocka_unit_test(emitted_text_is_plain_where_it_can_be),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(an_unreadable_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
