/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/proc_world.h"

/* The filter processor: what is true is dropped. */

static const struct tail_span SPANS[] = {
    {.trace = 1, .name = "GET /health", .attrs = {{.key = "http.route", .text = "/health"}}},
    {.trace = 1, .name = "GET /cart", .child = true, .status = 2,
     .attrs = {{.key = "http.route", .text = "/cart"}, {.key = "code", .number = 500}},
     .event = {.key = "level", .text = "debug"}},
    {.trace = 2, .name = "send", .attrs = {{.key = "code", .number = 200}}},
};

enum { SPANS_COUNT = sizeof(SPANS) / sizeof(SPANS[0]) };

static void good(struct proc_world *world, const char *config)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (proc_world_init(world, "filter", config, &detail) != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
}

static void spans_go_for_which_a_condition_is_true(void **state)
{
    static const struct {
        const char *config;
        const char *left; /* first letters but one of the names: h, c, s */
    } cases[] = {
        {"", "hcs"},
        {"{traces: {}}", "hcs"},
        {"{traces: {span: ['attributes[\"http.route\"] == \"/health\"']}}", "cs"},
        {"{traces: {span: ['IsMatch(name, \"^GET\")']}}", "s"},
        {"{traces: {span: ['name == \"send\"', 'status.code == STATUS_CODE_ERROR']}}", "h"},
        {"{error_mode: ignore, traces: {span: ['attributes[\"code\"] >= 200']}}", "h"},
        {"{error_mode: silent, traces: {span: ['attributes[\"code\"] == nil']}}", "cs"},
        {"{traces: {span: ['resource.attributes[\"service.name\"] == \"shop\"']}}", ""},
        {"{traces: {span: ['not (IsRootSpan() and kind == SPAN_KIND_UNSPECIFIED)']}}", "hs"},
        {"{spans: {exclude: {match_type: strict, span_names: [send]}}}", "hc"},
        {"{spans: {include: {match_type: regexp, span_names: ['^GET']}}}", "hc"},
        {"{metrics: {metric: ['name == 1']}, logs: {}}", "hcs"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (unsigned apart = 0; apart < 2; apart++) {
            struct proc_world world;
            struct col_traces traces;
            struct col_span span;
            char left[8] = "";

            good(&world, cases[i].config);
            assert_int_equal(proc_feed(&world, SPANS, SPANS_COUNT, apart != 0), OTEL_OK);
            for (size_t k = 0; proc_span(&world, k, &traces, &span); k++)
                left[k] = span.name.len == 4 ? 's' : span.name.data[5];
            if (strcmp(left, cases[i].left) != 0)
                fail_msg("%s: '%s' is left instead of '%s'", cases[i].config, left,
                         cases[i].left);
            assert_int_equal(world.batches, left[0] != '\0');
            assert_int_equal(proc_counter(&world, "otelcol_processor_filter_spans_filtered",
                                          "filter=\"filter\""),
                             SPANS_COUNT - strlen(left));
            proc_world_fini(&world);
        }
}

static void events_go_and_their_spans_stay(void **state)
{
    static const struct {
        const char *config;
        uint32_t events;
    } cases[] = {
        {"{traces: {spanevent: ['attributes[\"level\"] == \"debug\"']}}", 0},
        {"{traces: {spanevent: ['name == \"happened\" and span.name == \"GET /cart\"']}}", 0},
        {"{traces: {spanevent: ['attributes[\"level\"] == \"info\"']}}", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proc_world world;
        struct col_traces traces;
        struct col_span span;

        good(&world, cases[i].config);
        assert_int_equal(proc_feed(&world, SPANS, SPANS_COUNT, false), OTEL_OK);
        assert_int_equal(world.spans, SPANS_COUNT);
        assert_true(proc_span(&world, 1, &traces, &span));
        assert_int_equal(span.events.count, cases[i].events);
        assert_int_equal(span.attributes.count, 2);
        proc_world_fini(&world);
    }
}

static void what_follows_answers_and_nothing_left_is_success(void **state)
{
    struct proc_world world;

    (void)state;
    good(&world, "{traces: {span: ['name == \"send\"']}}");
    world.answer = OTEL_ERR_UNAVAILABLE;
    assert_int_equal(proc_feed(&world, SPANS, SPANS_COUNT, false), OTEL_ERR_UNAVAILABLE);
    assert_int_equal(proc_feed(&world, &SPANS[2], 1, false), OTEL_OK);
    proc_world_fini(&world);
}

static void a_condition_that_fails_does_not_hold_or_is_told(void **state)
{
    static const struct {
        const char *config;
        enum otel_err answer;
        uint64_t left;
    } cases[] = {
        {"{traces: {span: ['HasPrefix(kind, \"x\")', 'name == \"send\"']}}", OTEL_OK, 2},
        {"{traces: {span: ['not HasPrefix(attributes[\"http.route\"], \"/h\")']}}", OTEL_OK, 2},
        {"{traces: {span: ['true or HasPrefix(kind, \"x\")']}}", OTEL_OK, 0},
        {"{traces: {span: ['HasPrefix(kind, \"x\") or true']}}", OTEL_OK, 0},
        {"{traces: {span: ['HasPrefix(kind, \"x\") or name != nil']}}", OTEL_OK, 3},
        {"{traces: {span: ['name != nil or HasPrefix(kind, \"x\")']}}", OTEL_OK, 0},
        {"{traces: {span: ['name == nil and HasPrefix(kind, \"x\") or name != nil']}}", OTEL_OK, 0},
        {"{error_mode: propagate, traces: {span: ['HasPrefix(kind, \"x\")']}}", OTEL_ERR_ARGUMENT,
         0},
        {"{error_mode: propagate, traces: {spanevent: ['HasSuffix(span.kind, \"x\")']}}",
         OTEL_ERR_ARGUMENT, 0},
        {"{error_mode: propagate, traces: {span: ['IsMatch(kind, \"0\")']}}", OTEL_OK, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proc_world world;

        good(&world, cases[i].config);
        assert_int_equal(proc_feed(&world, SPANS, SPANS_COUNT, false), cases[i].answer);
        if (world.spans != cases[i].left)
            fail_msg("%s: %d are left", cases[i].config, (int)world.spans);
        if (cases[i].answer != OTEL_OK)
            assert_int_equal(proc_counter(&world, "otelcol_processor_filter_spans_filtered",
                                          "filter=\"filter\""), 0);
        proc_world_fini(&world);
    }
}

static void wrong_settings_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {"{error_mode: ignor}", "did you mean 'ignore'?"},
        {"{traces: {spans: []}}", "did you mean 'span'?"},
        {"{traces: {span: ['name == ']}}", ":1:18: processor 'filter': 'name == ', character 9"},
        {"{traces: {span: ['nme == \"x\"']}}",
         "'nme' is not known in the context span (did you mean 'name'?)"},
        {"{traces: {spanevent: ['IsMatch(name, \"(\")']}}", "the regular expression"},
        {"{traces: {span: ['true']}, spans: {exclude: {match_type: strict, services: [a]}}}",
         "cannot be used at the same time"},
        {"{spans: {exclude: {services: [a]}}}", "match_type"},
        {"{trace_conditions: ['name == nil']}", ":1:21: processor 'filter': no path tells the"},
        {"{trace_conditions: ['span.name == nil'], traces: {span: ['name == nil']}}",
         "cannot use 'trace_conditions' and conditions of 'traces' at the same time"},
        {"{trace_conditions: [{context: log, conditions: ['body == nil']}]}",
         "'log' is no context of trace_conditions"},
        {"{trace_conditions: [{conditions: ['span.name == nil']}, 'span.name == nil']}",
         "multiple configuration styles"},
        {"{trace_conditions: ['span.name == nil', {conditions: ['span.name == nil']}]}",
         "multiple configuration styles"},
        {"{log_conditions: ['log.bdy == nil']}", "did you mean 'body'?"},
        {"{logs: {include: {severity_number: {min: warnn}}}}",
         ":1:42: processor 'filter': 'warnn' is not a valid severity"},
        {"{logs: {include: {bodies: [a]}}}", "include: match_type is missing: strict or regexp"},
        {"{logs: {include: {match_type: expr, bodies: [a]}}}", "expected strict or regexp"},
        {"{logs: {exclude: {match_type: regexp, bodies: ['(']}}}", "bodies: "},
        {"{logs: {exclude: {match_type: strict, log_bodies: [a]}}}", "unknown key 'log_bodies'"},
        {"{metrics: {exclude: {metric_names: [a]}}}", "exclude: match_type is missing"},
        {"{metrics: {include: {match_type: regexp, resource_attributes: [{key: a, value: 5}]}}}",
         "match_type regexp takes only a text as value"},
        {"{metrics: {include: {match_type: expr, expressions: ['MetricName == \"a\"']}}}",
         ":1:12: processor 'filter': 'include' with match_type expr is a setting of the Collector"},
        {"{metrics: {metric: ['name == nil'], include: {match_type: strict, metric_names: [a]}}}",
         "conditions of metrics and include and exclude of 'metrics' cannot be used at the same"},
        {"{log_conditions: ['log.body == nil'], logs: {exclude: {severity_number: {min: INFO}}}}",
         "conditions of logs and include and exclude of 'logs' cannot be used at the same time"},
    };

    (void)state;
    proc_check_refusals("filter", cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_go_for_which_a_condition_is_true),
        cmocka_unit_test(events_go_and_their_spans_stay),
        cmocka_unit_test(what_follows_answers_and_nothing_left_is_success),
        cmocka_unit_test(a_condition_that_fails_does_not_hold_or_is_told),
        cmocka_unit_test(wrong_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
