/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/proc_world.h"

/* The attributes and resource processors: each action, who it is for, and what is refused. */

/* "a=1 b='x' c=true d=2.5": keys and values in their order. */
static void describe(struct col_list list, char *out, size_t size)
{
    struct col_attribute it;
    size_t len = 0;

    out[0] = '\0';
    while (col_attribute_next(&list, &it) && len < size) {
        len += (size_t)snprintf(out + len, size - len, "%s%.*s=", len > 0 ? " " : "",
                                (int)it.key.len, it.key.data);
        if (it.value.kind == COL_VALUE_STRING)
            len += (size_t)snprintf(out + len, size - len, "'%.*s'", (int)it.value.text.len,
                                    it.value.text.data);
        else if (it.value.kind == COL_VALUE_INT)
            len += (size_t)snprintf(out + len, size - len, "%lld", (long long)it.value.integer);
        else if (it.value.kind == COL_VALUE_DOUBLE)
            len += (size_t)snprintf(out + len, size - len, "%.17gd", it.value.real);
        else if (it.value.kind == COL_VALUE_BOOL)
            len += (size_t)snprintf(out + len, size - len, it.value.boolean ? "true" : "false");
        else
            len += (size_t)snprintf(out + len, size - len, "(kind %d)", (int)it.value.kind);
    }
}

struct step {
    const char *config;
    struct tail_attr attrs[3];
    const char *leaves;
};

static void run(const char *type, const struct step *step)
{
    struct tail_span span = {.trace = 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct proc_world world;
    struct col_traces traces;
    struct col_span out;
    char text[1024];
    bool resource = strcmp(type, "resource") == 0;

    memcpy(span.attrs, step->attrs, sizeof(span.attrs));
    if (resource)
        span.resource = step->attrs[0];
    if (proc_world_init(&world, type, step->config, &detail) != OTEL_OK)
        fail_msg("%s: %s", step->config, detail.text);
    assert_int_equal(proc_feed(&world, &span, 1, false), OTEL_OK);
    assert_true(proc_span(&world, 0, &traces, &out));
    describe(resource ? out.resource->attributes : out.attributes, text, sizeof(text));
    if (strcmp(text, step->leaves) != 0)
        fail_msg("%s:\n    %s\n    %s", step->config, text, step->leaves);
    assert_true(otl_view_is(out.name, "work"));
    assert_memory_equal(out.span_id, "spanspan", 8);
    proc_world_fini(&world);
}

#define ACTION(text) "{actions: [{" text "}]}"
#define A_1 {.key = "a", .number = 1}
#define B_X {.key = "b", .text = "x"}
#define D_R {.key = "d", .real = 2.5}

static void each_action_does_what_the_collector_does(void **state)
{
    static const struct step steps[] = {
        {ACTION("action: insert, key: a, value: 5"), {A_1}, "a=1"},
        {ACTION("action: insert, key: n, value: 5"), {A_1}, "a=1 n=5"},
        {ACTION("action: INSERT, key: n, value: '5'"), {A_1}, "a=1 n='5'"},
        {ACTION("action: insert, key: n, value: true"), {A_1}, "a=1 n=true"},
        {ACTION("action: insert, key: n, value: 2.5"), {A_1}, "a=1 n=2.5d"},
        {ACTION("action: insert, key: n, value: [1, {k: v}]"), {A_1}, "a=1 n=(kind 5)"},
        {ACTION("action: insert, key: n, value: ''"), {A_1}, "a=1 n=''"},
        {ACTION("action: insert, key: n, from_attribute: b"), {A_1, B_X}, "a=1 b='x' n='x'"},
        {ACTION("action: insert, key: n, from_attribute: none"), {A_1}, "a=1"},
        {ACTION("action: upsert, key: n, from_context: metadata.k"), {A_1}, "a=1"},
        {ACTION("action: update, key: a, value: 5"), {A_1, B_X}, "a=5 b='x'"},
        {ACTION("action: update, key: n, value: 5"), {A_1}, "a=1"},
        {ACTION("action: upsert, key: a, value: z"), {A_1, B_X}, "a='z' b='x'"},
        {ACTION("action: upsert, key: n, value: z"), {A_1}, "a=1 n='z'"},
        {ACTION("action: delete, key: a"), {A_1, B_X}, "b='x'"},
        {ACTION("action: delete, key: n"), {A_1}, "a=1"},
        {ACTION("action: delete, pattern: '^[ab]$'"), {A_1, B_X, D_R}, "d=2.5d"},
        {ACTION("action: delete, key: d, pattern: a"), {A_1, B_X, D_R}, "b='x'"},
        /* sha256 of "x", of 01 and seven zeros, of the bytes of 2.5 */
        {ACTION("action: hash, key: b"), {B_X},
         "b='2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'"},
        {ACTION("action: hash, key: a"), {A_1},
         "a='7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8'"},
        {ACTION("action: hash, pattern: '^d'"), {A_1, D_R},
         "a=1 d='5caaabe50da77f59f448b3edf650d68fbca7b858390664c251c52b3f458a881c'"},
        {ACTION("action: hash, key: t"), {{.key = "t", .is_bool = true, .number = 1}},
         "t='4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a'"},
        {ACTION("action: extract, key: u, pattern: '^/(?P<one>[^/]+)/(?P<two>.*)$'"),
         {{.key = "u", .text = "/api/v1/x"}, {.key = "two", .number = 2}},
         "u='/api/v1/x' two='v1/x' one='api'"},
        {ACTION("action: extract, key: a, pattern: '(?P<one>.*)'"), {A_1}, "a=1"},
        {ACTION("action: extract, key: b, pattern: '(?P<one>y)'"), {B_X}, "b='x'"},
        {ACTION("action: convert, key: b, converted_type: int"), {{.key = "b", .text = "42"}},
         "b=42"},
        {ACTION("action: convert, key: b, converted_type: int"), {B_X}, "b='x'"},
        {ACTION("action: convert, key: b, converted_type: int"), {{.key = "b", .text = "4.5"}},
         "b='4.5'"},
        {ACTION("action: convert, key: d, converted_type: int"), {D_R}, "d=2"},
        {ACTION("action: convert, key: a, converted_type: double"), {A_1}, "a=1d"},
        {ACTION("action: convert, key: b, converted_type: double"),
         {{.key = "b", .text = "-0.5"}}, "b=-0.5d"},
        {ACTION("action: convert, key: a, converted_type: string"), {A_1}, "a='1'"},
        {ACTION("action: convert, key: d, converted_type: string"), {D_R}, "d='2.5'"},
        {ACTION("action: convert, key: d, converted_type: string"),
         {{.key = "d", .real = 123456789012345678901.0}}, "d='123456789012345680000'"},
        {ACTION("action: convert, key: d, converted_type: string"),
         {{.key = "d", .real = 1e21}}, "d='1e+21'"},
        {ACTION("action: convert, key: d, converted_type: string"),
         {{.key = "d", .real = -1.5e-7}}, "d='-1.5e-7'"},
        {ACTION("action: convert, key: d, converted_type: string"),
         {{.key = "d", .real = 0.000001}}, "d='0.000001'"},
        {ACTION("action: convert, key: t, converted_type: int"),
         {{.key = "t", .is_bool = true, .number = 1}}, "t=1"},
        {ACTION("action: convert, key: t, converted_type: string"),
         {{.key = "t", .is_bool = true, .number = 1}}, "t='true'"},
        {"{actions: [{action: insert, key: n, from_attribute: a}, {action: delete, key: a}, "
         "{action: convert, key: n, converted_type: string}]}", {A_1}, "n='1'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        run("attributes", &steps[i]);
}

static void resources_are_changed_where_they_are_and_made_where_not(void **state)
{
    static const struct step steps[] = {
        {"{attributes: [{action: upsert, key: service.name, value: s}]}", {A_1},
         "service.name='s' a=1"},
        {"{attributes: [{action: insert, key: n, value: 1}]}", {{0}}, "service.name='shop' n=1"},
        {"{attributes: [{action: delete, pattern: .}]}", {A_1}, ""},
        {"{attributes: [{action: delete, key: a}]}", {A_1}, "service.name='shop'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        run("resource", &steps[i]);
}

static void include_and_exclude_say_for_whom(void **state)
{
    static const struct {
        const char *which;
        bool changed;
    } cases[] = {
        {"include: {match_type: strict, services: [shop]}", true},
        {"include: {match_type: strict, services: [sho]}", false},
        {"include: {match_type: regexp, services: [x, sh]}", true},
        {"exclude: {match_type: regexp, services: ['^s']}", false},
        {"include: {match_type: strict, span_names: [other, work]}", true},
        {"include: {match_type: regexp, span_names: ['^wo.k$']}", true},
        {"include: {match_type: strict, span_names: ['wo.k']}", false},
        {"include: {match_type: strict, span_kinds: [SPAN_KIND_SERVER]}", false},
        {"include: {match_type: regexp, span_kinds: [UNSPECIFIED]}", true},
        {"include: {match_type: strict, attributes: [{key: a}]}", true},
        {"include: {match_type: strict, attributes: [{key: n}]}", false},
        {"include: {match_type: strict, attributes: [{key: a, value: 1}]}", true},
        {"include: {match_type: strict, attributes: [{key: a, value: '1'}]}", false},
        {"include: {match_type: strict, attributes: [{key: a, value: 1.0}]}", false},
        {"include: {match_type: regexp, attributes: [{key: a, value: '^1$'}]}", true},
        {"include: {match_type: strict, attributes: [{key: a}, {key: b, value: y}]}", false},
        {"include: {match_type: strict, resources: [{key: service.name, value: shop}]}", true},
        {"include: {match_type: strict, libraries: [{name: none}]}", false},
        {"include: {match_type: strict, libraries: [{name: ''}]}", true},
        {"include: {match_type: strict, libraries: [{name: '', version: '1'}]}", false},
        {"include: {match_type: strict, services: [shop]}, exclude: {match_type: strict, "
         "span_names: [work]}", false},
        {"include: {match_type: strict, services: [shop], span_names: [none]}", false},
        {"include: {match_type: regexp, regexp: {cacheenabled: true, cachemaxnumentries: 2}, "
         "span_names: [w]}", true},
    };
    const struct tail_span span = {.trace = 1,
                                   .attrs = {A_1, B_X},
                                   .resource = {.key = "service.name", .text = "shop"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct proc_world world;
        struct col_traces traces;
        struct col_value value;
        struct col_span out;
        char config[512];

        snprintf(config, sizeof(config), "{actions: [{action: insert, key: n, value: 1}], %s}",
                 cases[i].which);
        if (proc_world_init(&world, "attributes", config, &detail) != OTEL_OK)
            fail_msg("%s: %s", config, detail.text);
        assert_int_equal(proc_feed(&world, &span, 1, false), OTEL_OK);
        assert_true(proc_span(&world, 0, &traces, &out));
        if (col_attribute_find(&out.attributes, "n", &value) != cases[i].changed)
            fail_msg("%s", config);
        proc_world_fini(&world);
    }
}

static void wrong_settings_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {"", "the field 'actions' is missing"},
        {"{actions: []}", "the field 'actions' is missing"},
        {ACTION("action: inser, key: a"), ":1:21: processor 'attributes': action 0: unsupported "
                                          "action 'inser' (did you mean 'insert'?)"},
        {ACTION("action: insert, value: 1"), "the field 'key' is missing"},
        {ACTION("action: delete"), "at least one of 'key' and 'pattern'"},
        {ACTION("action: insert, key: a"), "'from_context' or 'default_value'"},
        {ACTION("action: insert, key: a, value: null"), "'from_context' or 'default_value'"},
        {ACTION("action: insert, key: a, value: 1, from_attribute: b"), "several sources"},
        {ACTION("action: insert, key: a, value: 1, pattern: x"), "does not use 'pattern'"},
        {ACTION("action: insert, key: a, value: 1, converted_type: int"), "'converted_type'"},
        {ACTION("action: delete, key: a, value: 1"), "does not use 'value'"},
        {ACTION("action: extract, key: a"), "extract needs a 'pattern'"},
        {ACTION("action: extract, key: a, pattern: 'x'"), "no named matcher groups"},
        {ACTION("action: extract, key: a, pattern: '(?P<a>x)(y)'"), "unnamed matcher group"},
        {ACTION("action: extract, key: a, pattern: '('"), "at character 1"},
        {ACTION("action: convert, key: a"), "convert needs a 'converted_type'"},
        {ACTION("action: convert, key: a, converted_type: integer"), "invalid 'converted_type'"},
        {ACTION("action: insert, key: a, valu: 1"), "did you mean 'value'?"},
        {"{action: []}", "did you mean 'actions'?"},
        {"{actions: [{action: delete, key: a}], include: {services: [a]}}", "match_type"},
        {"{actions: [{action: delete, key: a}], include: {match_type: strict}}",
         "at least one of 'services'"},
        {"{actions: [{action: delete, key: a}], include: {match_type: regex, services: [a]}}",
         "did you mean 'regexp'?"},
        {"{actions: [{action: delete, key: a}], include: {match_type: strict, span_kinds: "
         "[SERVER]}}", "no kind of span"},
        {"{actions: [{action: delete, key: a}], include: {match_type: regexp, span_names: ['(']}}",
         "span_names"},
        {"{actions: [{action: delete, key: a}], include: {match_type: regexp, attributes: "
         "[{key: a, value: 1}]}}", "only a text"},
    };
    static const struct proc_refusal of_resource[] = {
        {"", "the field 'attributes' is missing"},
        {"{actions: []}", "actions"},
    };

    (void)state;
    proc_check_refusals("attributes", cases, sizeof(cases) / sizeof(cases[0]));
    proc_check_refusals("resource", of_resource, sizeof(of_resource) / sizeof(of_resource[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action_does_what_the_collector_does),
        cmocka_unit_test(resources_are_changed_where_they_are_and_made_where_not),
        cmocka_unit_test(include_and_exclude_say_for_whom),
        cmocka_unit_test(wrong_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
