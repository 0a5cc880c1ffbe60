/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/processors/tests/proc_world.h"

/* The groupbytrace processor: one request a trace, after the wait, on eviction and at the end. */

enum { ROUNDS_MAX = 5000, MANY = 200 };

#define METRIC(name) "otelcol_processor_groupbytrace_" name
#define LABELS "processor=\"groupbytrace\""

#define LOST "collector_mock_groupbytrace_lost_spans"

static const struct tail_span SPANS[] = {{.trace = 1}, {.trace = 2}, {.trace = 1}, {.trace = 3}};

static void good(struct proc_world *world, const char *config)
{
    assert_int_equal(proc_world_init(world, "groupbytrace", config, NULL), OTEL_OK);
}

/* Bytes of the ids that came out, one letter a span. */
static void check_order(const struct proc_world *world, const char *expected)
{
    struct col_traces traces;
    struct col_span span;
    char order[16] = "";

    for (size_t i = 0; proc_span(world, i, &traces, &span); i++)
        order[i] = (char)('0' + span.trace_id[15]);
    assert_string_equal(order, expected);
}

static void wait_for_batches(struct proc_world *world, uint64_t count)
{
    for (int i = 0; i < ROUNDS_MAX && world->batches < count; i++)
        event_base_loop(world->host.base, EVLOOP_ONCE);
    assert_int_equal(world->batches, count);
}

static void traces_leave_whole_in_the_order_they_came(void **state)
{
    struct proc_world world;

    (void)state;
    for (unsigned apart = 0; apart < 2; apart++) {
        good(&world, "{wait_duration: 50ms}");
        assert_int_equal(proc_feed(&world, SPANS, 4, apart != 0), OTEL_OK);
        assert_int_equal(proc_feed(&world, SPANS, 1, false), OTEL_OK);
        assert_int_equal(world.batches, 0);
        assert_int_equal(proc_counter(&world, METRIC("num_traces_in_memory"), LABELS), 3);
        wait_for_batches(&world, 3);
        check_order(&world, "11123");
        assert_int_equal(proc_counter(&world, METRIC("spans_released"), LABELS), 5);
        assert_int_equal(proc_counter(&world, METRIC("num_traces_in_memory"), LABELS), 0);
        assert_int_equal(proc_counter(&world, LOST, LABELS), 0);
        proc_world_fini(&world);
    }
}

static void late_spans_begin_a_new_wait(void **state)
{
    struct proc_world world;

    (void)state;
    good(&world, "{wait_duration: 5ms}");
    for (uint64_t round = 1; round < 3; round++) {
        assert_int_equal(proc_feed(&world, SPANS, 3, false), OTEL_OK);
        wait_for_batches(&world, 2 * round);
    }
    check_order(&world, "112112");
    proc_world_fini(&world);
}

/* As upstream: what is evicted is gone, and so is what waits when the collector stops. */
static void the_oldest_makes_room_and_is_lost(void **state)
{
    struct proc_world world;

    (void)state;
    good(&world, "{wait_duration: 1h, num_traces: 2}");
    assert_int_equal(proc_feed(&world, SPANS, 4, false), OTEL_OK);
    assert_int_equal(proc_counter(&world, METRIC("traces_evicted"), LABELS), 1);
    assert_int_equal(proc_counter(&world, LOST, LABELS), 2);
    assert_int_equal(world.type->flush(world.self, NULL), OTEL_OK);
    assert_int_equal(world.batches, 0);
    assert_int_equal(proc_counter(&world, LOST, LABELS), 4);
    assert_int_equal(proc_counter(&world, METRIC("num_traces_in_memory"), LABELS), 0);
    proc_world_fini(&world);
}

static uint64_t events(const struct proc_world *world, const char *event)
{
    struct otl_buf text;
    char series[160];
    unsigned long long count = 0;
    const char *at;

    snprintf(series, sizeof(series), METRIC("event_latency") "_count{" LABELS ",event=\"%s\"}",
             event);
    otl_buf_init(&text, 1 << 20);
    assert_int_equal(col_metrics_write(world->host.metrics, true, &text), OTEL_OK);
    assert_int_equal(otl_buf_append_byte(&text, 0), OTEL_OK);
    at = strstr(text.data, series);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(series), "%llu", &count), 1);
    otl_buf_fini(&text);
    return count;
}

/* Of three traces one had to go before its time had come, which it does all the same. */
static void what_went_early_is_an_incomplete_release_once_its_wait_is_over(void **state)
{
    struct tail_span many[MANY];
    struct proc_world world;

    (void)state;
    good(&world, "{wait_duration: 20ms, num_traces: 2}");
    assert_int_equal(proc_counter(&world, METRIC("conf_num_traces"), LABELS), 2);
    assert_int_equal(proc_feed(&world, SPANS, 4, false), OTEL_OK);
    assert_int_equal(proc_counter(&world, METRIC("traces_evicted"), LABELS), 1);
    assert_int_equal(proc_counter(&world, METRIC("incomplete_releases"), LABELS), 0);
    for (int i = 0; i < ROUNDS_MAX &&
                    (proc_counter(&world, METRIC("incomplete_releases"), LABELS) == 0 ||
                     world.batches < 2); i++)
        event_base_loop(world.host.base, EVLOOP_ONCE);
    assert_int_equal(proc_counter(&world, METRIC("incomplete_releases"), LABELS), 1);
    assert_int_equal(world.batches, 2);
    assert_int_equal(events(&world, "onTraceReceived"), 4); /* spans of a trace side by side */
    assert_int_equal(events(&world, "onTraceExpired"), 2);
    assert_int_equal(events(&world, "onTraceReleased"), 2);
    assert_int_equal(events(&world, "onTraceRemoved"), 3);
    proc_world_fini(&world);
    good(&world, "{wait_duration: 200ms, compat: {max_bytes: 1}}"); /* nothing can wait */
    for (size_t i = 0; i < MANY; i++)
        many[i] = (struct tail_span){.trace = (uint8_t)(i + 1)};
    assert_int_equal(proc_feed(&world, many, MANY, false), OTEL_OK);
    for (int i = 0; i < ROUNDS_MAX &&
                    proc_counter(&world, METRIC("incomplete_releases"), LABELS) < MANY; i++)
        event_base_loop(world.host.base, EVLOOP_ONCE);
    assert_int_equal(proc_counter(&world, METRIC("incomplete_releases"), LABELS), MANY);
    proc_world_fini(&world);
}

static void the_oldest_make_room_also_for_bytes(void **state)
{
    static const char held[] = "collector_mock_groupbytrace_held_bytes";
    struct tail_span one = {.trace = 1};
    struct proc_world world;
    uint64_t bytes = 0, most = 0;

    (void)state;
    good(&world, "{wait_duration: 1h, compat: {max_bytes: 4096}}");
    for (uint8_t i = 1; i < 200; i++) {
        one.trace = i;
        assert_int_equal(proc_feed(&world, &one, 1, false), OTEL_OK);
        bytes = proc_counter(&world, held, LABELS);
        assert_in_range(bytes, 1, 4096);
        most = bytes > most ? bytes : most;
    }
    assert_true(most > 3000);
    assert_int_equal(world.spans, 0); /* what is evicted is lost */
    bytes = proc_counter(&world, METRIC("traces_evicted"), LABELS);
    assert_true(bytes > 150);
    assert_int_equal(proc_counter(&world, "collector_mock_groupbytrace_evicted_spans",
                                  LABELS ",reason=\"bytes\""),
                     bytes);
    assert_int_equal(proc_counter(&world, "collector_mock_groupbytrace_lost_spans", LABELS), bytes);
    proc_world_fini(&world);
    good(&world, "{wait_duration: 1h, compat: {max_bytes: 1}}"); /* less than any trace needs */
    assert_int_equal(proc_feed(&world, SPANS, 4, false), OTEL_OK);
    assert_int_equal(proc_counter(&world, "collector_mock_groupbytrace_lost_spans", LABELS), 4);
    assert_int_equal(proc_counter(&world, held, LABELS), 0);
    proc_world_fini(&world);
}

static void what_follows_refuses_is_lost_and_counted(void **state)
{
    struct proc_world world;

    (void)state;
    good(&world, "{wait_duration: 1ms}");
    world.answer = OTEL_ERR_UNAVAILABLE;
    assert_int_equal(proc_feed(&world, SPANS, 4, false), OTEL_OK);
    for (int i = 0; i < ROUNDS_MAX && proc_counter(&world, LOST, LABELS) < 4; i++)
        event_base_loop(world.host.base, EVLOOP_ONCE);
    assert_int_equal(proc_counter(&world, LOST, LABELS), 4);
    proc_world_fini(&world);
}

static void wrong_settings_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {"{discard_orphans: true}", ":1:19: processor 'groupbytrace': option 'discard_orphans'"},
        {"{store_on_disk: true}", "not supported"},
        {"{num_traces: 0}", "num_traces"},
        {"{compat: {max_bytes: 0}}", "max_bytes"},
        {"{wait_durations: 1s}", "did you mean 'wait_duration'?"},
    };

    (void)state;
    proc_check_refusals("groupbytrace", cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_leave_whole_in_the_order_they_came),
        cmocka_unit_test(late_spans_begin_a_new_wait),
        cmocka_unit_test(the_oldest_makes_room_and_is_lost),
        cmocka_unit_test(what_went_early_is_an_incomplete_release_once_its_wait_is_over),
        cmocka_unit_test(the_oldest_make_room_also_for_bytes),
        cmocka_unit_test(what_follows_refuses_is_lost_and_counted),
        cmocka_unit_test(wrong_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
