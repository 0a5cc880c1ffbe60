/* SPDX-License-Identifier: Apache-2.0 */
/* What the verdict tells beside pass and fail: counts of traces, evidence, traces to look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/verify/tests/world.h"
#include "harness/verify/verify.h"

enum { FEW = 20 };

static const struct hx_edge_claim CALL_EDGE = {"gateway POST /checkout -> order POST /orders",
                                               OP_CHECKOUT, OP_ORDERS};
static const struct hx_edge_claim MESSAGE_EDGE = {
    "order POST /orders -> projector process order.created", OP_ORDERS, OP_CONSUME};

/* Writes, judges and ends the world. */
static json_t *judge(struct world *w)
{
    struct hx_verify_options options = {.dir = w->dir, .scenario = &w->scenario};
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *result = NULL;

    world_write(w);
    if (hx_verify_run(&options, &result, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    world_fini(w);
    return result;
}

static long long count_of(const json_t *result, const char *key)
{
    return (long long)json_integer_value(json_object_get(json_object_get(result, "traces"), key));
}

/* The row of a list whose key is the word. */
static const json_t *row_of(const json_t *result, const char *list, const char *key,
                            const char *word)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(result, list), i, row) {
        const char *found = json_string_value(json_object_get(row, key));
        if (found != NULL && strcmp(found, word) == 0)
            return row;
    }
    fail_msg("%s has no %s %s", list, key, word);
    return NULL;
}

static void has(const json_t *row, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(row, key));

    if (found == NULL || strstr(found, text) == NULL)
        fail_msg("%s: '%s' does not hold '%s'", key, found ? found : "(none)", text);
}

static void a_lost_span_makes_a_trace_incomplete_and_not_partial(void **state)
{
    struct world w;
    json_t *result;
    const json_t *claim, *evidence;

    (void)state;
    world_init(&w, &(struct w_options){.requests = FEW});
    w.scenario.claims.required = &CALL_EDGE;
    w.scenario.claims.required_count = 1;
    world_span(&w, OP_ORDERS, 7)->wire.gone = true;
    result = judge(&w);
    assert_int_equal(count_of(result, "partial"), 0);
    assert_int_equal(count_of(result, "incomplete"), 1);
    assert_int_equal(count_of(result, "missing"), 0);
    assert_int_equal(count_of(result, "complete"), count_of(result, "expected") - 1);
    claim = row_of(result, "expectations", "id", "required.1");
    has(claim, "verdict", "fail");
    evidence = json_array_get(json_object_get(claim, "evidence"), 0);
    has(evidence, "text", "the callee's span did not arrive");
    assert_int_equal(json_string_length(json_object_get(evidence, "trace_id")), 32);
    json_decref(result);
}

static void the_failing_trace_shows_what_was_lost(void **state)
{
    const json_t *trace, *spans, *span;
    struct world w;
    json_t *result;
    size_t i, ghosts = 0, orphans = 0;

    (void)state;
    world_init(&w, &(struct w_options){.requests = FEW});
    world_span(&w, OP_ORDERS, 7)->wire.gone = true;
    result = judge(&w);
    trace = row_of(result, "exemplar_traces", "kind", "failing");
    has(trace, "why", "a sampled span of it did not arrive");
    spans = json_object_get(trace, "spans");
    json_array_foreach(spans, i, span) {
        const char *problem = json_string_value(json_object_get(span, "problem"));
        if (json_is_false(json_object_get(span, "received"))) {
            has(span, "problem", "lost without explanation");
            ghosts++;
        } else if (problem != NULL && strcmp(problem, "its parent did not arrive") == 0) {
            orphans++;
        }
    }
    assert_int_equal(ghosts, 1);
    assert_int_equal(orphans, 1);
    row_of(result, "exemplar_traces", "kind", "slowest");
    json_decref(result);
}

/* One class apart: which spans, nobody knows. */
static void what_only_a_number_explains_is_told_apart(void **state)
{
    struct w_options options = {.requests = FEW};
    struct world w;
    json_t *result;
    const json_t *spans;

    (void)state;
    world_init(&w, &options);
    w.requests[0].rejected = 3;
    w.closes[w.requests[0].process].rejected = 3;
    w.closes[w.requests[0].process].exported -= 3;
    w.unnamed[w.requests[0].process][HX_DROP_REJECTED] = 3;
    world_span(&w, OP_CONSUME, 1)->wire.gone = true;
    w.closes[W_PROJECTOR].queue_full = 1;
    w.closes[W_PROJECTOR].exported--;
    w.unnamed[W_PROJECTOR][HX_DROP_QUEUE_FULL] = 1;
    result = judge(&w);
    spans = json_object_get(result, "spans");
    has(row_of(result, "checks", "id", "counter_lies"), "verdict", "pass");
    has(row_of(result, "checks", "id", "counter_lies"), "observed", "4 spans by count only");
    assert_int_equal(
        json_integer_value(json_object_get(spans, "delivered_reported_lost_counted")), 3);
    assert_int_equal(json_integer_value(json_object_get(spans, "delivered_reported_lost")), 0);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(spans, "lost"), "counted_only")), 1);
    assert_int_equal(json_integer_value(json_object_get(spans, "lost_total")), 1);
    json_decref(result);
}

static void claimed_partial_traces_are_said_to_be_claimed(void **state)
{
    static const struct w_options options = {
        .requests = 400, .sampler = {"traceidratio 0.5", "traceidratio 0.25", "traceidratio 0.4"}};
    const json_t *check;
    struct world w;
    json_t *result;

    (void)state;
    world_init(&w, &options);
    w.scenario.claims.partial_traces = true;
    result = judge(&w);
    assert_true(count_of(result, "partial") > 0);
    assert_int_equal(count_of(result, "incomplete"), 0);
    check = row_of(result, "checks", "id", "whole_traces");
    has(check, "verdict", "pass");
    has(check, "observed", " partial, as the scenario claims");
    has(check, "expected", "partial traces are claimed: ");
    has(row_of(result, "exemplar_traces", "kind", "failing"), "why", "as the scenario claims");
    json_decref(result);
}

/* Every trace's message loses its context: nothing is whole, and yet there is a slowest. */
static void where_nothing_is_whole_the_slowest_part_is_shown(void **state)
{
    const json_t *trace, *span, *claim, *evidence;
    struct world w;
    json_t *result;
    size_t i, broken = 0;

    (void)state;
    world_init(&w, &(struct w_options){.requests = FEW, .edge = HX_EDGE_LINK});
    w.scenario.claims.required = &MESSAGE_EDGE;
    w.scenario.claims.required_count = 1;
    for (unsigned n = 0; n < FEW; n++) {
        world_send(&w, OP_PUBLISH, n)->traceparent[0] = '\0';
        world_entry(&w, OP_CONSUME, n)->traceparent[0] = '\0';
    }
    result = judge(&w);
    assert_int_equal(count_of(result, "complete"), 0);
    has(row_of(result, "exemplar_traces", "kind", "slowest"), "why", "no trace arrived whole");
    trace = row_of(result, "exemplar_traces", "kind", "failing");
    json_array_foreach(json_object_get(trace, "spans"), i, span) {
        if (json_object_get(span, "problem") == NULL)
            continue;
        has(span, "problem", "a hop is broken here: sent without context");
        broken++;
    }
    assert_int_equal(broken, 1);
    claim = row_of(result, "expectations", "id", "required.1");
    has(claim, "verdict", "fail");
    evidence = json_array_get(json_object_get(claim, "evidence"), 0);
    has(evidence, "text", "sent without context");
    has(evidence, "edge", "order POST /orders -> projector");
    assert_int_equal(json_string_length(json_object_get(evidence, "trace_id")), 32);
    json_decref(result);
}

static void claimed_breaks_are_said_to_be_claimed(void **state)
{
    const json_t *check;
    struct world w;
    json_t *result;

    (void)state;
    world_init(&w, &(struct w_options){.requests = FEW, .edge = HX_EDGE_LINK});
    w.scenario.claims.broken = &MESSAGE_EDGE;
    w.scenario.claims.broken_count = 1;
    for (unsigned n = 0; n < FEW; n++) {
        world_send(&w, OP_PUBLISH, n)->traceparent[0] = '\0';
        world_entry(&w, OP_CONSUME, n)->traceparent[0] = '\0';
    }
    result = judge(&w);
    check = row_of(result, "checks", "id", "propagation");
    has(check, "verdict", "pass");
    has(check, "observed", "20 of 40 as the scenario claims, no other is wrong");
    json_decref(result);
}

/* A name of 1,000 bytes: it is cut wherever it goes, and then within a character. */
static void a_text_cut_within_a_character_is_still_told(void **state)
{
    char name[1001], *at = name;
    struct hx_edge_claim edge = {name, OP_CHECKOUT, OP_ORDERS};
    struct world w;
    json_t *result;

    (void)state;
    for (size_t i = 0; i < 1000; i += 4, at += 4)
        memcpy(at, i == 0 ? "edge" : "\xf0\x9f\x98\x80", 4);
    *at = '\0';
    for (unsigned skip = 0; skip < 4; skip++) {
        edge.text = name + skip;
        world_init(&w, &(struct w_options){.requests = FEW});
        w.scenario.claims.required = &edge;
        w.scenario.claims.required_count = 1;
        w.scenario.claims.broken = &edge;
        w.scenario.claims.broken_count = 1;
        result = judge(&w);
        has(row_of(result, "expectations", "id", "required.1"), "text", "\xf0\x9f\x98\x80");
        json_decref(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_span_makes_a_trace_incomplete_and_not_partial),
        cmocka_unit_test(the_failing_trace_shows_what_was_lost),
        cmocka_unit_test(what_only_a_number_explains_is_told_apart),
        cmocka_unit_test(claimed_partial_traces_are_said_to_be_claimed),
        cmocka_unit_test(where_nothing_is_whole_the_slowest_part_is_shown),
        cmocka_unit_test(claimed_breaks_are_said_to_be_claimed),
        cmocka_unit_test(a_text_cut_within_a_character_is_still_told),
    };

    return cmocka_run_group_tests_name("tell", tests, NULL, NULL);
}
