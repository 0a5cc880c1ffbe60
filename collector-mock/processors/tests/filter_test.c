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

static void wrong_settings_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {"{error_mode: ignor}", "did you mean 'ignore'?"},
        {"{traces: {spans: []}}", "did you mean 'span'?"},
        {"{traces: {span: ['name == ']}}", ":1:18: processor 'filter': 'name == ', character 9"},
        {"{traces: {span: ['nme == \"x\"']}}", "'nme' is not known here"},
        {"{traces: {spanevent: ['IsMatch(name, \"(\")']}}", "the regular expression"},
        {"{traces: {span: ['true']}, spans: {exclude: {match_type: strict, services: [a]}}}",
         "cannot be used at the same time"},
        {"{spans: {exclude: {services: [a]}}}", "match_type"},
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
        cmocka_unit_test(wrong_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
