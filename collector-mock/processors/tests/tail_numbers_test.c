/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of tail sampling under the names of the Collector, each with the value that a known
 * life of traces gives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/tests/rig.h"

#define ALWAYS "{name: all, type: always_sample}"
#define ERRORS "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}"
/* Asked for the prefix of a number. */
#define FAILS                                                                                     \
    "{name: bad, type: ottl_condition, ottl_condition: {error_mode: propagate, span: "             \
    "['HasPrefix(kind, \"x\")']}}"

#define P "otelcol_processor_tail_sampling_"
#define LABEL "{processor=\"tail_sampling\"}"

enum { ABSENT = -1 };

static struct tail_world world;

static void begin(const char *config, unsigned version)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (tail_world_init_as(&world, config, version, &detail) != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
}

static void feed(unsigned trace, unsigned status)
{
    const struct tail_span span = {.trace = trace, .child = true, .status = status};

    assert_int_equal(tail_feed(&world, &span, 1, false), OTEL_OK);
}

static double shown(const char *series)
{
    struct otl_buf text;
    double value;

    otl_buf_init(&text, 1u << 20);
    assert_int_equal(otl_buf_append_byte(&text, '\n'), OTEL_OK);
    assert_int_equal(col_metrics_write(world.host.metrics, true, &text), OTEL_OK);
    value = rig_metric_in(&text, series);
    otl_buf_fini(&text);
    return value;
}

static void expect(const char *series, double value)
{
    double found = shown(series);

    if (found < value || found > value) /* whole numbers: exact */
        fail_msg("%s is %g instead of %g", series, found, value);
}

static void late_spans_and_removed_traces_have_their_age(void **state)
{
    (void)state;
    begin("{decision_wait: 1s, num_traces: 2, policies: [" ERRORS "]}", 0);
    feed(1, 2);
    feed(2, 0);
    tail_ticks(&world, 2);
    expect(P "sampling_traces_on_memory" LABEL, 2);
    expect(P "sampling_late_span_age_count" LABEL, 0);
    tail_ticks(&world, 5);
    feed(1, 0); /* late, of one that was kept; and of one that was not: 5 s behind the decision */
    feed(2, 0);
    tail_ticks(&world, 3);
    feed(1, 0); /* 8 s */
    expect(P "sampling_late_span_age_count" LABEL, 3);
    expect(P "sampling_late_span_age_sum" LABEL, 18);
    expect(P "sampling_late_span_age_bucket{processor=\"tail_sampling\",le=\"5\"}", 2);
    expect(P "sampling_late_span_age_bucket{processor=\"tail_sampling\",le=\"10\"}", 3);
    expect(P "sampling_trace_removal_age_count" LABEL, 0);
    feed(3, 0); /* makes the table forget the first, 10 s after it came */
    tail_ticks(&world, 1);
    feed(4, 0); /* and the second, 11 s */
    expect(P "sampling_trace_removal_age_count" LABEL, 2);
    expect(P "sampling_trace_removal_age_sum" LABEL, 21);
    expect(P "sampling_trace_removal_age_bucket{processor=\"tail_sampling\",le=\"10\"}", 1);
    expect(P "new_trace_id_received_total" LABEL, 4);
    expect(P "sampling_trace_dropped_too_early_total" LABEL, 0);
    feed(5, 0); /* forgotten undecided */
    tail_ticks(&world, 2);
    expect(P "sampling_trace_dropped_too_early_total" LABEL, 1);
    tail_world_fini(&world);
}

static void a_cache_counts_the_spans_that_it_answers(void **state)
{
    static const struct tail_span kept[3] = {{.trace = 1}, {.trace = 1}, {.trace = 1}},
                                  not_kept[2] = {{.trace = 2}, {.trace = 2}};

    (void)state;
    begin("{decision_wait: 1s, decision_cache: {sampled_cache_size: 9, non_sampled_cache_size: 9}, "
          "policies: [" ERRORS "]}", 0);
    feed(1, 2);
    feed(2, 0);
    tail_ticks(&world, 2);
    expect(P "early_releases_from_cache_decision_total{sampled=\"true\"}", ABSENT);
    assert_int_equal(tail_feed(&world, kept, 3, false), OTEL_OK);
    assert_int_equal(tail_feed(&world, not_kept, 2, false), OTEL_OK);
    assert_int_equal(tail_feed(&world, not_kept, 2, false), OTEL_OK);
    expect(P "early_releases_from_cache_decision_total{sampled=\"true\"}", 3);
    expect(P "early_releases_from_cache_decision_total{sampled=\"false\"}", 4);
    expect(P "sampling_late_span_age_count" LABEL, 0); /* as there: nobody knows when it was */
    tail_world_fini(&world);
}

/* A policy that fails is counted, and others are asked all the same. */
static void policies_that_fail_are_counted(void **state)
{
    static const struct {
        const char *config;
        double errors, bad, all; /* of which policy was asked how often; of two traces */
    } cases[] = {
        {"{decision_wait: 1s, policies: [" FAILS ", " ALWAYS "]}", 2, 2, 2},
        {"{decision_wait: 1s, policies: [" ALWAYS ", " FAILS "]}", 2, 2, 2},
        {"{decision_wait: 1s, sample_on_first_match: true, policies: [" FAILS ", " ALWAYS "]}",
         2, 2, 2},
        {"{decision_wait: 1s, sample_on_first_match: true, policies: [" ALWAYS ", " FAILS "]}",
         0, ABSENT, 2},
        {"{decision_wait: 1s, policies: [{name: all, type: and, and: {and_sub_policy: [" FAILS
         "]}}]}", 2, ABSENT, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(cases[i].config, 0);
        feed(1, 0);
        feed(2, 0);
        tail_ticks(&world, 2);
        expect(P "sampling_policy_evaluation_error_total" LABEL, cases[i].errors);
        expect(P "sampling_policy_execution_count_total{policy=\"bad\"}", cases[i].bad);
        expect(P "sampling_policy_execution_count_total{policy=\"all\"}", cases[i].all);
        tail_world_fini(&world);
    }
}

/* Each look at the clock takes 3 us, and there is one behind each policy. */
static void policies_have_the_time_that_they_took(void **state)
{
    (void)state;
    begin("{decision_wait: 1s, policies: [" ERRORS ", " ALWAYS "]}", 0);
    for (unsigned i = 1; i <= 4; i++)
        feed(i, 0);
    tail_ticks(&world, 1);
    world.step_ns = 3000;
    tail_ticks(&world, 1);
    expect(P "sampling_policy_execution_count_total{policy=\"e\"}", 4);
    expect(P "sampling_policy_execution_time_sum_total{policy=\"e\"}", 12);
    expect(P "sampling_policy_execution_time_sum_total{policy=\"all\"}", 12);
    tail_world_fini(&world);
    begin("{decision_wait: 1s, policies: [" ERRORS ", " ALWAYS "]}", 139);
    feed(1, 0);
    tail_ticks(&world, 1);
    world.step_ns = 3000;
    tail_ticks(&world, 1);
    expect(P "sampling_policy_execution_time_sum_total{policy=\"e\"}", ABSENT);
    /* since the trace was looked at */
    expect(P "sampling_decision_latency_sum{policy=\"e\"}", 3);
    expect(P "sampling_decision_latency_sum{policy=\"all\"}", 6);
    tail_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_spans_and_removed_traces_have_their_age),
        cmocka_unit_test(a_cache_counts_the_spans_that_it_answers),
        cmocka_unit_test(policies_that_fail_are_counted),
        cmocka_unit_test(policies_have_the_time_that_they_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
