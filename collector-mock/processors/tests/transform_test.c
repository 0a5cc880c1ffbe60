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

static void a_failure_is_told_in_mode_propagate_alone(void **state)
{
    static const struct {
        const char *config;
        enum otel_err answer;
    } cases[] = {
        {ON_SPAN("set(name, 5)"), OTEL_OK},
        {"{error_mode: propagate, trace_statements: ['set(span.name, 5)']}", OTEL_ERR_ARGUMENT},
        {"{error_mode: propagate, trace_statements: [{error_mode: silent, statements: "
         "['set(span.name, 5)']}]}", OTEL_OK},
        {"{error_mode: silent, trace_statements: [{error_mode: propagate, statements: "
         "['set(span.name, 5)']}]}", OTEL_ERR_ARGUMENT},
        {"{error_mode: propagate, trace_statements: [{conditions: ['HasPrefix(span.kind, \"x\")'], "
         "statements: ['set(span.name, \"x\")']}]}", OTEL_ERR_ARGUMENT},
        {"{error_mode: propagate, trace_statements: ['set(span.name, \"x\") where "
         "HasSuffix(span.attributes[\"none\"], \"x\")']}", OTEL_ERR_ARGUMENT},
        {"{error_mode: propagate, trace_statements: ['set(span.kind, 1 / 0)']}", OTEL_ERR_ARGUMENT},
        {"{error_mode: propagate, trace_statements: ['set(span.kind, Int(\"x\"))']}", OTEL_OK},
        {"{error_mode: propagate, log_statements: ['set(log.severity_text, 5)']}", OTEL_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proc_world world;
        assert_int_equal(proc_world_init(&world, "transform", cases[i].config, NULL), OTEL_OK);
        assert_int_equal(proc_feed(&world, &SPAN, 1, false), cases[i].answer);
        assert_int_equal(world.batches, cases[i].answer == OTEL_OK);
        proc_world_fini(&world);
    }
}

static void what_fails_is_told_by_old_versions_unless_said(void **state)
{
    static const struct {
        unsigned as_version;
        const char *config;
        enum otel_err answer;
    } cases[] = {
        {152, ON_SPAN("set(name, 5)"), OTEL_ERR_ARGUMENT},
        {153, ON_SPAN("set(name, 5)"), OTEL_OK},
        {152, "{error_mode: ignore, trace_statements: ['set(span.name, 5)']}", OTEL_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct proc_options options = {.type = "transform",
                                             .as_version = cases[i].as_version};
        struct proc_world world;
        assert_int_equal(proc_world_init_for(&world, &options, cases[i].config, NULL), OTEL_OK);
        assert_int_equal(proc_feed(&world, &SPAN, 1, false), cases[i].answer);
        proc_world_fini(&world);
    }
}

#define LOGS(text) "{log_statements: ['" text "']}"
#define METRICS(text) "{metric_statements: ['" text "']}"

static void wrong_replacements_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {ON_SPAN("replace_match(name, \"[a-z]*\", \"x\")"),
         "character 21: '[' at character 1 of the pattern begins what the Collector has"},
        {ON_SPAN("replace_all_matches(attributes, \"a{b,c}\", \"x\")"),
         "'{' at character 2 of the pattern begins what the Collector has"},
        {ON_SPAN("replace_match(name, \"\xef\xbf\xbd\", \"x\")"),
         "a character that cannot be read"},
        {ON_SPAN("replace_match(name, \"a\", \"x\", SHA256)"),
         "character 31: a function or a format for what is replaced with is of the Collector"},
        {ON_SPAN("replace_pattern(name, \"a\", \"x\", SHA256, \"<%s>\")"),
         "character 33: a function or a format for what is replaced with is of the Collector"},
        {ON_SPAN("replace_mach(name, \"a\", \"x\")"), "did you mean 'replace_match'?"},
        {ON_SPAN("replace_match(name, 5, \"x\")"), "a text in quotes was expected"},
        {ON_SPAN("replace_all_matches(name, \"a\", \"x\")"), "attributes were expected"},
        {ON_SPAN("replace_all_patterns(attributes, \"keys\", \"a\", \"x\")"),
         "\"key\" or \"value\" was expected"},
        {ON_SPAN("replace_all_patterns(attributes, \"key\", \"(\", \"x\")"),
         "the regular expression"},
    };

    (void)state;
    proc_check_refusals("transform", cases, sizeof(cases) / sizeof(cases[0]));
}

static void wrong_numbers_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {ON_SPAN("set(name, \"a\" + \"b\")"), "+ - * / and signs need numbers, paths or functions"},
        {ON_SPAN("set(name, 1 + nil)"), "+ - * / and signs need numbers, paths or functions"},
        {ON_SPAN("set(name, -\"b\")"), "+ - * / and signs need numbers, paths or functions"},
        {ON_SPAN("set(kind, (1 + 2)"), ") was expected"},
        {ON_SPAN("set(kind, 1 + )"), "character 15: a value was expected"},
        {ON_SPAN("set(kind, Int(1, 2))"), ") was expected"},
        {ON_SPAN("set(kind - 1, 2)"), "this cannot be set"},
        {ON_SPAN("set(name, Double(\" 1\"))"), "this is no number"},
        {ON_SPAN("set(kind, Int(start_time))"), "an id or a moment is no number"},
        {ON_SPAN("set(name, \"x\") where end_time - start_time > 5"),
         "+ - * / of ids and moments are not here yet"},
        {ON_SPAN("set(name, \"x\") where (kind + 1)"), "a comparison (== != < <= > >=) was "},
    };

    (void)state;
    proc_check_refusals("transform", cases, sizeof(cases) / sizeof(cases[0]));
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
        {ON_SPAN("set(5, \"x\")"), "this cannot be set"},
        {ON_SPAN("set(nme, \"x\")"), ":1:50: processor 'transform': 'set(nme, \"x\")', character "
                                     "5: 'nme' is not known in the context span (did you mean "
                                     "'name'?); there are attributes, name, kind"},
        {ON_SPAN("replace_pattern(name, \"(\", \"x\")"), "the regular expression"},
        {ON_SPAN("truncate_all(attributes, -1)"), "a number from 0"},
        {ON_SPAN("merge_maps(attributes, resource.attributes, \"append\")"),
         "\"insert\", \"update\" or \"upsert\" was expected"},
        {ON_SPAN("merge_maps(attributes, name, \"insert\")"), "attributes were expected"},
        {ON_SPAN("keep_matching_keys(attributes, \"(\")"), "the regular expression"},
        {ON_SPAN("set(name, \"x\") where HasPrefix(trace_id, \"x\")"), "write .string"},
        {ON_SPAN("set(name, \"x\") where IsMatch(start_time, \"x\")"), "is no text"},
        {ON_SPAN("set(name, Concat([trace_id], \"\"))"), "cannot be a part"},
        {ON_SPAN("set(trace_id, TraceID(0x01))"), "32 hexadecimal digits were expected"},
        {ON_SPAN("set(span_id, SpanID(01))"), "16 hexadecimal digits were expected"},
        {ON_SPAN("set(kind, SEVERITY_NUMBER_INFO)"), "'SEVERITY_NUMBER_INFO' is not known"},
        {ON_SPAN("set(log.body, \"x\")"), "'log.body' is not known in the context span: paths may "
                                          "begin with span. scope. resource."},
        {ON_SPAN("set(scope.nam, \"x\")"), "'nam' is not known in the context scope (did you mean "
                                           "'name'?); there are attributes, name, version"},
        {ON_RESOURCE("merge_maps(attributes, span.attributes, \"insert\")"),
         "paths may begin with resource."},
        {ON_RESOURCE("set(name, \"x\")"), "'name' is not known in the context resource; there are "
                                          "attributes"},
        {ON_RESOURCE("set(attributes[\"x\"], 1) where IsRootSpan()"), "of the context span alone"},
        {"{trace_statements: ['set(name, \"x\")']}",
         ":1:21: processor 'transform': no path tells the context: begin paths with its name, one "
         "of resource, scope, span and spanevent"},
        {"{trace_statements: ['set(span.name, name)']}", "'name' is not known in the context span: "
                                                         "paths may begin with"},
        {"{trace_statements: [{context: log, statements: ['set(body, 1)']}]}",
         ":1:31: processor 'transform': 'log' is no context of trace_statements: there are "
         "resource, scope, span and spanevent"},
        {LOGS("set(span.name, \"x\")"), "'span' is no context of log_statements"},
        {METRICS("set(log.body, \"x\")"), "'log' is no context of metric_statements"},
        {LOGS("set(log.bdy, \"x\")"),
         "'bdy' is not known in the context log (did you mean 'body'?)"},
        {LOGS("set(log.body[\"k\"][\"l\"], 1)"), "a part of a part of a body is not here yet"},
        {LOGS("set(log.body[0], \"x\")"), "only parts with a key in quotes are here yet"},
        {LOGS("set(log.body[\"k\", 1)"), "] was expected"},
        {LOGS("set(log.attributes[\"k\"][\"l\"], 1)"), "a part of an attribute is not here yet"},
        {LOGS("set(log.cache[\"k\"], 1)"),
         "'log.cache' is a path of the Collector that this one does not have yet"},
        {LOGS("set(log.body, ParseXML(log.body))"),
         "character 15: 'ParseXML' is a function of the Collector that this one does not have"},
        {LOGS("set(log.body, ParseJSON(log.body)[\"k\"])"),
         "a part of what ParseJSON gives is not here yet"},
        {LOGS("set(log.body, ParseJSON(log.body)"), ") was expected"},
        {LOGS("set(log.body, ParseJSON(5))"), "a text was expected"},
        {LOGS("merge_maps(log.attributes, ParseJSON(log.bdy), \"insert\")"),
         "did you mean 'body'?"},
        {LOGS("set(log.body, ParseJson(log.body))"), "is no function that is known here"},
        {LOGS("set(log.body, \"x\") where IsMach(log.body, \"x\")"), "did you mean 'IsMatch'?"},
        {METRICS("convert_sum_to_gauge() where metric.name == \"x\""),
         "'convert_sum_to_gauge' is a function of the Collector that this one does not have yet"},
        {METRICS("set(metric.data_points, nil)"), "is a path of the Collector"},
        {METRICS("set(metric.units, \"x\")"), "did you mean 'unit'?"},
        {METRICS("set(datapoint.value, 1)"), "'value' is not known in the context datapoint"},
        {METRICS("set(metric.name, datapoint.flags) where IsRootSpan()"), "the context span alone"},
        {"{trace_statements: ['set(span.name, \"x\")', {context: span, statements: []}]}",
         "multiple configuration styles"},
        {"{trace_statements: [{context: spn, statements: []}]}", "did you mean 'span'?"},
        {"{trace_statements: [{error_mode: loud, statements: []}]}", "error_mode"},
    };

    (void)state;
    proc_check_refusals("transform", cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_function_does_what_the_collector_does),
        cmocka_unit_test(a_failure_is_told_in_mode_propagate_alone),
        cmocka_unit_test(what_fails_is_told_by_old_versions_unless_said),
        cmocka_unit_test(wrong_replacements_are_refused),
        cmocka_unit_test(wrong_numbers_are_refused),
        cmocka_unit_test(wrong_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
