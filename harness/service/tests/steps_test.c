/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/service/tests/rig.h"
#include "sdk/base/mem.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

#define SERVICES(steps)                                                                            \
    "# Test.\n"                                                                                    \
    "services:\n"                                                                                  \
    "  gateway:\n"                                                                                 \
    "    routes:\n"                                                                                \
    "      POST /checkout:\n"                                                                      \
    "        steps:\n" steps "  order:\n"                                                          \
    "    routes:\n"                                                                                \
    "      POST /orders: {}\n"                                                                     \
    "      POST /stock: {}\n"                                                                      \
    "load: {route: gateway POST /checkout, rate: 1, duration: 1s}\n"

static struct rig g_rig;

static int tear_down(void **state)
{
    (void)state;
    rig_close(&g_rig);
    return 0;
}

static struct hx_request *begin(uint64_t number, const char *traceparent, const char *header)
{
    return rig_begin(&g_rig, "POST /checkout", number, traceparent, header);
}

static void spans_nest_as_the_steps_do(void **state)
{
    const struct hx_led_span *server, *outer, *inner;

    (void)state;
    rig_open(&g_rig, SERVICES("          - span: outer\n"
                              "            steps:\n"
                              "              - work: 5us\n"
                              "              - span: inner\n"
                              "          - work: 7us\n"));
    begin(1, PARENT, NULL);
    assert_int_equal(g_rig.answers, 1);
    assert_string_equal(g_rig.events[0], "work 5000");
    assert_string_equal(g_rig.events[1], "work 7000");
    assert_int_equal(otel_sdk_memory_count(g_rig.memory), 3);
    rig_read(&g_rig);
    server = rig_span(&g_rig, "POST /checkout");
    outer = rig_span(&g_rig, "outer");
    inner = rig_span(&g_rig, "inner");
    assert_int_equal(server->parent_seq, 0);
    assert_true(server->head.flags & HX_LED_SPAN_REMOTE_PARENT);
    assert_int_equal(server->parent_span_id[0], 0xb7);
    assert_int_equal(server->trace_id[0], 0x0a);
    assert_int_equal(outer->parent_seq, server->head.seq);
    assert_int_equal(inner->parent_seq, outer->head.seq);
    assert_memory_equal(inner->parent_span_id, outer->span_id, 8);
    assert_true(inner->head.flags & HX_LED_SPAN_RECORDING);
    assert_int_equal(rig_rows(&g_rig, HX_LED_SPAN_CLOSE), 3);
    assert_int_equal(rig_rows(&g_rig, HX_LED_ENTRY_CLOSE), 1);
}

static void entry_row_has_request_caller_and_raw_headers(void **state)
{
    const struct hx_led_entry *entry;
    struct otl_view text;

    (void)state;
    rig_open(&g_rig, SERVICES("          - work: 1us\n"));
    begin(0xabc, PARENT, "baggage: a=1");
    rig_read(&g_rig);
    entry = (const void *)rig_row(&g_rig, HX_LED_ENTRY, 0);
    assert_int_equal(entry->request, 0xabc);
    assert_int_equal(entry->caller_seq, 7);
    text = hx_led_view(&entry->head, entry->traceparent);
    assert_true(otl_view_is(text, PARENT));
    text = hx_led_view(&entry->head, entry->baggage);
    assert_true(otl_view_is(text, "a=1"));
    assert_int_equal(entry->tracestate.len, 0);
}

static void wait_stops_the_steps_until_resumed(void **state)
{
    (void)state;
    rig_open(&g_rig, SERVICES("          - wait: 3ms\n"
                              "          - work: 1us\n"));
    begin(1, NULL, NULL);
    assert_int_equal(g_rig.answers, 0);
    assert_int_equal(g_rig.event_count, 1);
    assert_string_equal(g_rig.events[0], "wait 3000000");
    rig_resume(&g_rig, 0);
    assert_string_equal(g_rig.events[1], "work 1000");
    assert_int_equal(g_rig.answers, 1);
    assert_int_equal(g_rig.last_status, 200);
}

static void some_requests_alone_take_a_step_with_a_probability(void **state)
{
    (void)state;
    rig_open(&g_rig, SERVICES("          - {work: 1us, probability: 0.3}\n"
                              "          - {work: 2us, probability: 0.0}\n"));
    for (uint64_t i = 1; i <= 200; i++)
        begin(i, NULL, NULL);
    assert_int_equal(g_rig.answers, 200);
    assert_true(g_rig.event_count > 30 && g_rig.event_count < 90);
    for (size_t i = 0; i < g_rig.event_count; i++)
        assert_string_equal(g_rig.events[i], "work 1000");
}

static void parallel_goes_on_when_the_last_branch_has_ended(void **state)
{
    (void)state;
    rig_open(&g_rig, SERVICES("          - parallel:\n"
                              "              - call: order POST /orders\n"
                              "              - call: order POST /stock\n"
                              "          - work: 1us\n"));
    begin(1, NULL, NULL);
    assert_int_equal(g_rig.waiting_count, 2);
    assert_int_equal(g_rig.event_count, 2);
    rig_resume(&g_rig, 1);
    assert_int_equal(g_rig.event_count, 2);
    assert_int_equal(g_rig.answers, 0);
    rig_resume(&g_rig, 0);
    assert_string_equal(g_rig.events[2], "work 1000");
    assert_int_equal(g_rig.answers, 1);
}

static void failure_skips_the_rest_and_answers_its_status(void **state)
{
    const struct hx_led_entry_close *close;

    (void)state;
    rig_open(&g_rig, SERVICES("          - span: outer\n"
                              "            steps:\n"
                              "              - fail: {status: 402, type: card_declined}\n"
                              "              - work: 1us\n"
                              "          - work: 2us\n"));
    begin(1, NULL, NULL);
    assert_int_equal(g_rig.answers, 1);
    assert_int_equal(g_rig.last_status, 402);
    assert_int_equal(g_rig.event_count, 0);
    rig_read(&g_rig);
    close = (const void *)rig_row(&g_rig, HX_LED_ENTRY_CLOSE, 0);
    assert_int_equal(close->outcome, HX_LED_OUTCOME_FAILED);
    assert_int_equal(close->http_status, 402);
    assert_int_equal(rig_rows(&g_rig, HX_LED_SPAN_CLOSE), 2);
}

/* Status and error.type of the exported span of that name. */
static enum otel_status exported_status(const char *name, char *error_type, size_t size)
{
    struct otel_sdk_memory_span span;
    struct otel_sdk_span_info info;
    struct otel_sdk_read_attribute attribute;

    error_type[0] = '\0';
    for (size_t i = 0; otel_sdk_memory_at(g_rig.memory, i, &span); i++) {
        struct otel_sdk_iter it = otel_sdk_decode_attributes(span.encoded);
        otel_sdk_decode_info(span.encoded, &info);
        if (!otel_str_equal(info.name, otel_str(name)))
            continue;
        while (otel_sdk_next_attribute(&it, &attribute))
            if (otel_str_equal(attribute.key, otel_str("error.type")))
                snprintf(error_type, size, "%.*s", (int)attribute.text.len, attribute.text.data);
        return info.status;
    }
    fail_msg("no span %s", name);
    return OTEL_STATUS_UNSET;
}

static void client_error_is_no_error_of_the_server_span(void **state)
{
    char type[64];

    (void)state;
    rig_open(&g_rig, SERVICES("          - span: outer\n"
                              "            steps:\n"
                              "              - fail: {status: 402, type: card_declined}\n"));
    begin(1, NULL, NULL);
    assert_int_equal(exported_status("outer", type, sizeof(type)), OTEL_STATUS_ERROR);
    assert_string_equal(type, "card_declined");
    assert_int_equal(exported_status("POST /checkout", type, sizeof(type)), OTEL_STATUS_UNSET);
    assert_string_equal(type, "");
}

static void exception_that_is_passed_on_fails_every_span_around(void **state)
{
    char type[64];

    (void)state;
    rig_open(&g_rig, SERVICES("          - span: outer\n"
                              "            steps:\n"
                              "              - span: inner\n"
                              "                steps:\n"
                              "                  - exception: {type: Timeout, message: too slow}\n"
                              "              - work: 1us\n"));
    begin(1, NULL, NULL);
    assert_int_equal(g_rig.last_status, 500);
    assert_int_equal(g_rig.event_count, 0);
    assert_int_equal(exported_status("inner", type, sizeof(type)), OTEL_STATUS_ERROR);
    assert_int_equal(exported_status("outer", type, sizeof(type)), OTEL_STATUS_ERROR);
    assert_int_equal(exported_status("POST /checkout", type, sizeof(type)), OTEL_STATUS_ERROR);
    assert_string_equal(type, "Timeout");
}

static void exception_that_is_caught_lets_the_steps_go_on(void **state)
{
    (void)state;
    rig_open(&g_rig, SERVICES("          - exception: {type: Timeout, pass_on: false}\n"
                              "          - work: 1us\n"));
    begin(1, NULL, NULL);
    assert_int_equal(g_rig.event_count, 1);
    assert_int_equal(g_rig.last_status, 200);
}

/* Which of 200 requests fail, and how long each waits. */
static void play(char *out)
{
    rig_open(&g_rig, SERVICES("          - wait: {uniform: [1us, 1ms]}\n"
                              "          - fail: {probability: 0.3}\n"));
    for (uint64_t i = 1; i <= 200; i++) {
        begin(i, NULL, NULL);
        if (i % 2 == 0) { /* another order of events */
            rig_resume(&g_rig, 1);
            rig_resume(&g_rig, 0);
        }
        g_rig.event_count = g_rig.event_count > 200 ? 0 : g_rig.event_count;
        out[i - 1] = (char)(g_rig.last_status == 200 ? '.' : 'F');
    }
    out[200] = '\0';
}

static void failures_repeat_from_the_seed(void **state)
{
    char first[201], second[201];
    size_t failed = 0;

    (void)state;
    play(first);
    rig_close(&g_rig);
    play(second);
    assert_string_equal(first, second);
    for (size_t i = 0; i < 200; i++)
        failed += first[i] == 'F';
    assert_true(failed > 20 && failed < 180);
}

static void baggage_from_a_header_is_set_and_read(void **state)
{
    const struct hx_led_baggage *set, *read;

    (void)state;
    rig_open(&g_rig, SERVICES("          - set_baggage: {tenant.id: {header: x-tenant}}\n"
                              "          - read_baggage: [tenant.id, other]\n"));
    begin(1, NULL, "X-Tenant: umbrella corp, ltd");
    rig_read(&g_rig);
    assert_int_equal(rig_rows(&g_rig, HX_LED_BAGGAGE), 3);
    set = (const void *)rig_row(&g_rig, HX_LED_BAGGAGE, 0);
    assert_int_equal(set->what, HX_LED_BAGGAGE_SET);
    read = (const void *)rig_row(&g_rig, HX_LED_BAGGAGE, 1);
    assert_int_equal(read->what, HX_LED_BAGGAGE_READ);
    assert_true(otl_view_is(hx_led_view(&read->head, read->value), "umbrella corp, ltd"));
    read = (const void *)rig_row(&g_rig, HX_LED_BAGGAGE, 2);
    assert_int_equal(read->found, 0);
}

static void request_is_in_hand_until_its_last_report(void **state)
{
    const struct hx_led_span *producer;
    const struct hx_led_send *send;

    (void)state;
    rig_open(&g_rig, SERVICES("          - publish: topic\n")
             "topics: {topic: {partitions: 1}}\nbroker: embedded\n");
    begin(1, PARENT, NULL);
    assert_int_equal(g_rig.answers, 1);
    assert_int_equal(g_rig.runtime.in_hand, 1);
    rig_report(&g_rig, 0);
    assert_int_equal(g_rig.runtime.in_hand, 0);
    rig_read(&g_rig);
    producer = rig_span(&g_rig, "publish topic");
    assert_true(producer->head.flags & HX_LED_SPAN_ASYNC);
    send = (const void *)rig_row(&g_rig, HX_LED_SEND, 0);
    assert_int_equal(send->head.seq, producer->head.seq);
    assert_int_equal(send->traceparent.len, 55);
}

static void requests_over_the_limit_are_not_taken(void **state)
{
    (void)state;
    rig_open(&g_rig, SERVICES("          - wait: 1ms\n"));
    for (uint64_t i = 1; i <= 32; i++)
        assert_non_null(begin(i, NULL, NULL));
    assert_null(begin(33, NULL, NULL));
    rig_resume(&g_rig, 5);
    assert_non_null(begin(34, NULL, NULL));
    while (g_rig.waiting_count != 0)
        rig_resume(&g_rig, 0);
}

/* The consumer's span under each edge mode. */
static const struct hx_led_span *consume(const char *edge)
{
    char yaml[1024];

    snprintf(yaml, sizeof(yaml),
             "# Test.\n"
             "services:\n"
             "  worker:\n"
             "    consumers:\n"
             "      topic: {group: g, edge: %s}\n"
             "  gateway:\n"
             "    routes:\n"
             "      POST /checkout: {steps: [{publish: topic}]}\n"
             "topics: {topic: {partitions: 1}}\n"
             "broker: embedded\n"
             "load: {route: gateway POST /checkout, rate: 1, duration: 1s}\n",
             edge);
    rig_open(&g_rig, yaml);
    rig_begin(&g_rig, "process topic", 1, PARENT, NULL);
    rig_read(&g_rig);
    return rig_span(&g_rig, "process topic");
}

static void edge_modes_tie_the_consumer_as_they_say(void **state)
{
    const struct hx_led_span *span;

    (void)state;
    span = consume("parent");
    assert_int_equal(span->trace_id[0], 0x0a);
    assert_int_equal(span->link_count, 0);
    rig_close(&g_rig);
    span = consume("both");
    assert_int_equal(span->trace_id[0], 0x0a);
    assert_int_equal(span->link_count, 1);
    rig_close(&g_rig);
    span = consume("link");
    assert_true(span->head.flags & HX_LED_SPAN_ROOT);
    assert_int_equal(span->link_count, 1);
    rig_close(&g_rig);
    span = consume("none");
    assert_true(span->head.flags & HX_LED_SPAN_ROOT);
    assert_int_equal(span->link_count, 0);
}

static void values_are_filled_in(void **state)
{
    struct otel_sdk_memory_span span;
    struct otel_sdk_read_attribute attribute;
    struct otel_sdk_iter it;
    unsigned seen = 0;

    (void)state;
    rig_open(&g_rig, SERVICES("          - span: s\n"
                              "            attributes:\n"
                              "              id: \"o-${request}-${replica}\"\n"
                              "              n: \"${n:5:9}\"\n"
                              "              list: [1, 2]\n"));
    begin(0x12, NULL, NULL);
    assert_true(otel_sdk_memory_at(g_rig.memory, 0, &span));
    it = otel_sdk_decode_attributes(span.encoded);
    while (otel_sdk_next_attribute(&it, &attribute)) {
        if (otel_str_equal(attribute.key, otel_str("n"))) {
            assert_int_equal(attribute.type, OTEL_VALUE_INT);
            assert_true(attribute.integer >= 5 && attribute.integer <= 9);
            seen++;
        } else if (otel_str_equal(attribute.key, otel_str("list"))) {
            assert_int_equal(attribute.type, OTEL_VALUE_ARRAY);
            seen++;
        } else if (otel_str_equal(attribute.key, otel_str("tracerig.seq"))) {
            assert_int_equal(attribute.type, OTEL_VALUE_INT);
            seen++;
        }
    }
    assert_int_equal(seen, 3);
}

/* Every allocation of a request in turn: it is refused, or answered, and nothing is left. */
static void failing_allocations_do_no_harm(void **state)
{
    (void)state;
    rig_open(&g_rig, SERVICES("          - set_baggage: {a: {header: x-a}}\n"
                              "          - span: outer\n"
                              "            attributes: {n: \"${n:1:9}\", t: \"r-${request}\"}\n"
                              "            events: [e]\n"
                              "            steps:\n"
                              "              - exception: {type: T, pass_on: false}\n"
                              "              - span: inner\n"));
    for (unsigned long n = 1; n < 60; n++) {
        otl_mem_fail_at(n);
        begin(n, PARENT, "x-a: 1");
        otl_mem_fail_at(0);
        assert_int_equal(g_rig.runtime.in_hand, 0);
        hx_runtime_fini(&g_rig.runtime); /* the next one allocates again */
    }
    begin(60, PARENT, "x-a: 1");
    assert_int_equal(g_rig.last_status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
        T(spans_nest_as_the_steps_do),
        T(entry_row_has_request_caller_and_raw_headers),
        T(wait_stops_the_steps_until_resumed),
        T(some_requests_alone_take_a_step_with_a_probability),
        T(parallel_goes_on_when_the_last_branch_has_ended),
        T(failure_skips_the_rest_and_answers_its_status),
        T(client_error_is_no_error_of_the_server_span),
        T(exception_that_is_passed_on_fails_every_span_around),
        T(exception_that_is_caught_lets_the_steps_go_on),
        T(failures_repeat_from_the_seed),
        T(baggage_from_a_header_is_set_and_read),
        T(request_is_in_hand_until_its_last_report),
        T(requests_over_the_limit_are_not_taken),
        T(edge_modes_tie_the_consumer_as_they_say),
        T(values_are_filled_in),
        T(failing_allocations_do_no_harm),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
