/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/proc_world.h"

/* The transform processor: each function, contexts, conditions and what a failure does. */

static const struct tail_span SPAN = {
    .trace = 1,
    .name = "GET /users/42",
    .status = 2,
    .attrs = {{.key = "a", .number = 1},
              {.key = "b", .text = "text"},
              {.key = "url", .text = "/u/7"}},
    .resource = {.key = "pod", .text = "p-1"},
};

static void put_value(const struct col_value *value, char *out, size_t size)
{
    if (value->kind == COL_VALUE_STRING)
        snprintf(out, size, "'%.*s'", (int)value->text.len, value->text.data);
    else if (value->kind == COL_VALUE_INT)
        snprintf(out, size, "%lld", (long long)value->integer);
    else
        snprintf(out, size, "(kind %d)", (int)value->kind);
}

static void put_list(struct col_list list, char *out, size_t size)
{
    struct col_attribute it;
    char value[256];

    out[0] = '\0';
    while (col_attribute_next(&list, &it)) {
        put_value(&it.value, value, sizeof(value));
        snprintf(out + strlen(out), size - strlen(out), "%s%.*s=%s", out[0] ? " " : "",
                 (int)it.key.len, it.key.data, value);
    }
}

struct step {
    const char *config;
    const char *leaves; /* name|kind|status|message|attributes|resource attributes */
};

static void run(const struct step *step)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    const struct tail_span spans[] = {SPAN, SPAN};
    struct proc_world world;
    struct col_traces traces;
    char own[512], resource[512], text[2048];
    struct col_span span;

    if (proc_world_init(&world, "transform", step->config, &detail) != OTEL_OK)
        fail_msg("%s: %s", step->config, detail.text);
    assert_int_equal(proc_feed(&world, spans, 2, false), OTEL_OK);
    assert_int_equal(world.spans, 2);
    assert_true(proc_span(&world, 1, &traces, &span));
    put_list(span.attributes, own, sizeof(own));
    put_list(span.resource->attributes, resource, sizeof(resource));
    snprintf(text, sizeof(text), "%.*s|%d|%d|%.*s|%s|%s", (int)span.name.len, span.name.data,
             (int)span.kind, (int)span.status_code, (int)span.status_message.len,
             span.status_message.data, own, resource);
    if (strcmp(text, step->leaves) != 0)
        fail_msg("%s:\n    %s\n    %s", step->config, text, step->leaves);
    proc_world_fini(&world);
}

#define ON_SPAN(text) "{trace_statements: [{context: span, statements: ['" text "']}]}"
#define ON_RESOURCE(text) "{trace_statements: [{context: resource, statements: ['" text "']}]}"
#define MERGE(how)                                                                               \
    "{trace_statements: [{context: span, statements: ['set(resource.attributes[\"a\"], 9)', "    \
    "'merge_maps(attributes, resource.attributes, \"" how "\")']}]}"
#define NAME "GET /users/42|0|2||"
#define OWN "a=1 b='text' url='/u/7'"
#define RES "|service.name='shop' pod='p-1'"

static void each_function_does_what_the_collector_does(void **state)
{
    static const struct step steps[] = {
        {"", NAME OWN RES},
        {ON_SPAN("set(name, \"x\")"), "x|0|2||" OWN RES},
        {ON_SPAN("set(name, attributes[\"b\"])"), "text|0|2||" OWN RES},
        {ON_SPAN("set(kind, SPAN_KIND_SERVER)"), "GET /users/42|2|2||" OWN RES},
        {ON_SPAN("set(status.code, STATUS_CODE_OK)"), "GET /users/42|0|1||" OWN RES},
        {ON_SPAN("set(status.message, \"m\")"), "GET /users/42|0|2|m|" OWN RES},
        {ON_SPAN("set(attributes[\"a\"], 5)"), NAME "a=5 b='text' url='/u/7'" RES},
        {ON_SPAN("set(attributes[\"n\"], name) where attributes[\"a\"] == 1"),
         NAME OWN " n='GET /users/42'" RES},
        {ON_SPAN("set(attributes[\"n\"], name) where attributes[\"a\"] == 2"), NAME OWN RES},
        {ON_SPAN("set(attributes[\"n\"], attributes[\"none\"])"), NAME OWN RES},
        {ON_SPAN("set(attributes[\"n\"], nil)"), NAME OWN RES},
        {ON_SPAN("set(resource.attributes[\"pod\"], \"q\")"),
         NAME OWN "|service.name='shop' pod='q'"},
        {ON_SPAN("set(span.attributes[\"n\"], resource.attributes[\"pod\"])"),
         NAME OWN " n='p-1'" RES},
        {ON_SPAN("set(attributes[\"a\"], Concat([name, attributes[\"a\"], true], \":\"))"),
         NAME "a='GET /users/42:1:true' b='text' url='/u/7'" RES},
        {ON_SPAN("set(attributes[\"a\"], SHA256(\"x\"))"),
         NAME "a='2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' b='text' "
              "url='/u/7'" RES},
        {ON_SPAN("delete_key(attributes, \"b\")"), NAME "a=1 url='/u/7'" RES},
        {ON_SPAN("delete_key(resource.attributes, \"pod\")"), NAME OWN "|service.name='shop'"},
        {ON_SPAN("delete_matching_keys(attributes, \"^(a|url)$\")"), NAME "b='text'" RES},
        {ON_SPAN("keep_keys(attributes, [\"a\", \"none\"])"), NAME "a=1" RES},
        {ON_SPAN("keep_keys(attributes, [])"), NAME RES},
        {ON_SPAN("keep_matching_keys(attributes, \"^(a|u)\")"), NAME "a=1 url='/u/7'" RES},
        {ON_SPAN("keep_matching_keys(attributes, \"none\")"), NAME RES},
        {ON_SPAN("merge_maps(attributes, resource.attributes, \"insert\")"),
         NAME OWN " service.name='shop' pod='p-1'" RES},
        {MERGE("insert"), NAME OWN " service.name='shop' pod='p-1'" RES " a=9"},
        {MERGE("update"), NAME "a=9 b='text' url='/u/7'" RES " a=9"},
        {MERGE("upsert"),
         NAME "a=9 b='text' url='/u/7' service.name='shop' pod='p-1'" RES " a=9"},
        {ON_SPAN("merge_maps(resource.attributes, span.attributes, \"upsert\") where name == "
                 "\"no\""), NAME OWN RES},
        {ON_SPAN("merge_maps(resource.attributes, attributes, \"upsert\")"),
         NAME OWN RES " a=1 b='text' url='/u/7'"},
        {ON_SPAN("merge_maps(attributes, attributes, \"upsert\")"), NAME OWN RES},
        {ON_SPAN("replace_pattern(name, \"/users/([0-9]+)\", \"/users/{id} $1 $$\")"),
         "GET /users/{id} 42 $|0|2||" OWN RES},
        {ON_SPAN("replace_pattern(attributes[\"url\"], \"/\", \"-\")"),
         NAME "a=1 b='text' url='-u-7'" RES},
        {ON_SPAN("replace_pattern(attributes[\"a\"], \"1\", \"2\")"), NAME OWN RES},
        {ON_SPAN("truncate_all(attributes, 2)"), NAME "a=1 b='te' url='/u'" RES},
        {ON_SPAN("limit(attributes, 2, [\"url\"])"), NAME "a=1 url='/u/7'" RES},
        {ON_RESOURCE("set(attributes[\"n\"], 1) where attributes[\"pod\"] == \"p-1\""),
         NAME OWN RES " n=1"},
        {ON_RESOURCE("keep_keys(attributes, [\"pod\"])"), NAME OWN "|pod='p-1'"},
        {"{trace_statements: ['set(span.name, \"y\")', 'set(resource.attributes[\"n\"], 2)']}",
         "y|0|2||" OWN RES " n=2"},
        {"{trace_statements: [{context: span, conditions: ['name == \"no\"'], statements: "
         "['set(name, \"y\")']}]}", NAME OWN RES},
        {"{trace_statements: [{context: span, statements: ['set(name, \"one\")', "
         "'set(name, \"two\") where name == \"one\"']}]}", "two|0|2||" OWN RES},
        {"{error_mode: ignore, trace_statements: [{context: span, statements: "
         "['set(name, 5)', 'set(kind, 1)']}]}", "GET /users/42|1|2||" OWN RES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        run(&steps[i]);
}

static void a_failure_is_told_in_mode_propagate(void **state)
{
    struct proc_world world;

    (void)state;
    assert_int_equal(proc_world_init(&world, "transform", ON_SPAN("set(name, 5)"), NULL), OTEL_OK);
    assert_int_equal(proc_feed(&world, &SPAN, 1, false), OTEL_ERR_ARGUMENT);
    assert_int_equal(world.batches, 0);
    proc_world_fini(&world);
}

static void wrong_settings_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {"{error_mode: ignor}", "did you mean 'ignore'?"},
        {ON_SPAN("sett(name, 1)"),
         "'sett' is no function that is known here (did you mean 'set'?)"},
        {ON_SPAN("set(name)"), ", was expected"},
        {ON_SPAN("set(name, \"x\""), ") was expected"},
        {ON_SPAN("set(name, \"x\") when true"), "where, or the end was expected"},
        {ON_SPAN("set(trace_id.string, \"x\")"), "this cannot be set"},
        {ON_SPAN("set(nme, \"x\")"), "'nme' is not known here"},
        {ON_SPAN("replace_pattern(name, \"(\", \"x\")"), "the regular expression"},
        {ON_SPAN("truncate_all(attributes, -1)"), "a number from 0"},
        {ON_SPAN("merge_maps(attributes, resource.attributes, \"append\")"),
         "\"insert\", \"update\" or \"upsert\" was expected"},
        {ON_SPAN("merge_maps(attributes, name, \"insert\")"), "attributes or resource.attributes"},
        {ON_SPAN("keep_matching_keys(attributes, \"(\")"), "the regular expression"},
        {ON_RESOURCE("merge_maps(attributes, span.attributes, \"insert\")"),
         "attributes or resource.attributes was expected"},
        {ON_RESOURCE("set(name, \"x\")"), "of a resource there are attributes only"},
        {ON_RESOURCE("set(attributes[\"x\"], 1) where IsRootSpan()"), "there is no span"},
        {"{trace_statements: ['set(name, \"x\")']}", "no path tells the context"},
        {"{trace_statements: [{context: scope, statements: []}]}", "does not have yet"},
        {"{trace_statements: [{context: spn, statements: []}]}", "did you mean 'span'?"},
    };

    (void)state;
    proc_check_refusals("transform", cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_function_does_what_the_collector_does),
        cmocka_unit_test(a_failure_is_told_in_mode_propagate),
        cmocka_unit_test(wrong_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
