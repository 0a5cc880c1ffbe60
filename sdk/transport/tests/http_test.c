/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a scripted server: connections, framings, ends and deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/mem.h"
#include "sdk/transport/tests/http_rig.h"

static void one_connection_carries_many_requests(void **state)
{
    struct rig rig;
    char value[64];

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push_answer(rig.srv, 200, "", "first", 5);
    for (int i = 0; i < 20; i++) {
        rig_post(&rig, "hello");
        assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
        assert_int_equal(rig.result.status, 200);
        assert_int_equal(rig.result.reused, i > 0);
        if (i == 0)
            assert_string_equal(rig.body, "first");
    }
    assert_int_equal(srv_connections(rig.srv), 1);
    assert_int_equal(srv_count(rig.srv), 20);
    assert_int_equal(otl_http_stats(rig.http)->requests, 20);
    assert_int_equal(otl_http_stats(rig.http)->connections, 1);
    assert_true(strncmp(srv_request(rig.srv, 7)->head, "POST /v1/traces HTTP/1.1\r\n", 26) == 0);
    assert_true(srv_header(srv_request(rig.srv, 7), "X-Test", value, sizeof(value)));
    assert_true(srv_header(srv_request(rig.srv, 7), "Host", value, sizeof(value)));
    assert_memory_equal(srv_request(rig.srv, 19)->body, "hello", 5);
    rig_fini(&rig);
}

static void a_connection_that_went_away_is_opened_again(void **state)
{
    struct srv_step closing = {.raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                               .then = SRV_CLOSE};
    struct srv_step saying_so = {
        .raw = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        .then = SRV_KEEP};
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push(rig.srv, &closing);
    srv_push(rig.srv, &saying_so);
    rig_post(&rig, "1");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    while (event_base_get_num_events(rig.base, EVENT_BASE_COUNT_ADDED) > 0)
        event_base_loop(rig.base, EVLOOP_ONCE); /* the idle connection's end is an event */
    rig_post(&rig, "2");
    rig_post(&rig, "3");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(srv_connections(rig.srv), 3);
    rig_fini(&rig);
}

static void chunked_and_unbounded_answers_are_read(void **state)
{
    struct srv_step chunked = {
        .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\n\r\n"};
    struct srv_step unbounded = {.raw = "HTTP/1.1 503 x\r\nRetry-After: 7\r\n\r\nuntil the end",
                                 .then = SRV_CLOSE};
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push(rig.srv, &chunked);
    srv_push(rig.srv, &unbounded);
    rig_post(&rig, "x");
    assert_string_equal(rig.body, "wiki");
    rig_post(&rig, "x");
    assert_int_equal(rig.result.status, 503);
    assert_string_equal(rig.body, "until the end");
    assert_string_equal(rig.retry_after, "7");
    assert_int_equal(srv_connections(rig.srv), 1);
    rig_fini(&rig);
}

static void a_large_request_arrives_whole(void **state)
{
    const size_t size = 8 << 20;
    char *body = malloc(size);
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < size; i++)
        body[i] = (char)(i * 31 >> 3);
    rig_init(&rig, NULL, NULL);
    rig_post_for(&rig, body, size, 60000);
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(srv_request(rig.srv, 0)->body_len, size);
    assert_memory_equal(srv_request(rig.srv, 0)->body, body, 1 << 20);
    assert_true(rig.result.bytes_sent > size);
    rig_fini(&rig);
    free(body);
}

static void an_answer_before_the_whole_request_was_read_counts(void **state)
{
    struct srv_step early = {.raw = "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n",
                             .then = SRV_DEAF,
                             .after_head = true};
    const size_t size = 32 << 20;
    char *body = calloc(1, size);
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push(rig.srv, &early);
    rig_post_for(&rig, body, size, 60000);
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(rig.result.status, 413);
    rig_post(&rig, "next"); /* on a new connection */
    assert_int_equal(srv_connections(rig.srv), 2);
    rig_fini(&rig);
    free(body);
}

static void an_end_without_an_answer_is_cut(void **state)
{
    static const struct srv_step steps[] = {
        {.raw = "", .then = SRV_CLOSE},
        {.raw = "", .then = SRV_RESET},
        {.raw = "", .then = SRV_CLOSE, .at_accept = true},
        {.raw = "", .then = SRV_RESET, .at_accept = true},
        {.raw = "HTTP/1.1 200 OK\r\nContent-Le", .then = SRV_CLOSE},
    };
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        rig_init(&rig, NULL, NULL);
        srv_push(rig.srv, &steps[i]);
        rig_post(&rig, "x");
        /* reset at once, it may look as if nobody had accepted */
        if (!(steps[i].at_accept && rig.result.outcome == OTL_HTTP_NO_CONNECTION))
            assert_int_equal(rig.result.outcome, OTL_HTTP_CUT);
        assert_int_equal(rig.result.status, 0);
        rig_post(&rig, "x"); /* and it recovers */
        assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
        rig_fini(&rig);
    }
}

static void a_whole_head_counts_though_its_body_is_cut(void **state)
{
    struct srv_step cut = {.raw = "HTTP/1.1 400 x\r\nContent-Length: 100\r\n\r\nhalf",
                           .then = SRV_CLOSE};
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push(rig.srv, &cut);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(rig.result.status, 400);
    assert_true(rig.result.truncated);
    rig_fini(&rig);
}

static void garbage_and_oversize_answers_are_told_apart(void **state)
{
    struct srv_step garbage = {.raw = "220 smtp.example ESMTP\r\n"};
    struct srv_step large = {.raw = "HTTP/1.1 200 OK\r\n\r\n", .pad = (1 << 20) + 1};
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push(rig.srv, &garbage);
    srv_push(rig.srv, &large);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_GARBAGE);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_TOO_LARGE);
    assert_int_equal(rig.result.status, 200);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    rig_fini(&rig);
}

static void silence_ends_at_the_deadline(void **state)
{
    struct srv_step silent = {.raw = "", .then = SRV_SILENT};
    struct srv_step half = {.raw = "HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\n",
                            .then = SRV_SILENT};
    struct rig rig;
    uint64_t start, took;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push(rig.srv, &silent);
    start = otl_clock_mono(otl_clock_real());
    rig_post_for(&rig, "x", 1, 100);
    took = otl_clock_mono(otl_clock_real()) - start;
    assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    assert_true(took >= 100 * OTL_NS_PER_MS && took < 60 * OTL_NS_PER_S);
    for (unsigned millis = 100; millis < 100000; millis *= 4) { /* the head is there by then */
        srv_push(rig.srv, &half);
        rig_post_for(&rig, "x", 1, millis);
        if (rig.result.outcome != OTL_HTTP_TIMEOUT)
            break;
    }
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(rig.result.status, 503);
    rig_fini(&rig);
}

static uint64_t g_hand_ns; /* a clock that the test moves by hand */

static uint64_t by_hand(void *state)
{
    (void)state;
    return g_hand_ns;
}

static void the_deadline_is_the_given_clocks(void **state)
{
    static const struct otl_clock hand = {by_hand, by_hand, NULL};
    struct otl_http_options options = {.clock = &hand, .max_response = 100};
    struct otl_http_request request = {.body = otl_view("x", 1), .done = rig_on_done};
    struct srv_step silent = {.then = SRV_SILENT};
    struct timeval pause = {0, 60000};
    struct otl_url url;
    struct rig rig;
    char text[64];

    (void)state;
    rig_init(&rig, NULL, NULL);
    otl_http_free(rig.http);
    srv_push(rig.srv, &silent);
    snprintf(text, sizeof(text), "http://127.0.0.1:%u", (unsigned)srv_port(rig.srv));
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    options.base = rig.base;
    options.url = &url;
    assert_int_equal(otl_http_new(&options, &rig.http), OTEL_OK);
    g_hand_ns = OTL_NS_PER_S;
    request.deadline_ns = g_hand_ns + 20 * OTL_NS_PER_MS;
    request.context = &rig;
    assert_int_equal(otl_http_post(rig.http, &request), OTEL_OK);
    event_base_loopexit(rig.base, &pause); /* three times the limit in real time */
    event_base_dispatch(rig.base);
    assert_false(rig.done);
    g_hand_ns += 20 * OTL_NS_PER_MS;
    while (!rig.done)
        event_base_loop(rig.base, EVLOOP_ONCE);
    assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    rig_fini(&rig);
}

static void https_is_refused_at_once(void **state)
{
    struct otl_http_options options = {.clock = otl_clock_real(), .max_response = 100};
    struct otl_http *http = NULL;
    struct otl_url url;

    (void)state;
    assert_int_equal(otl_url_parse(otl_view_str("https://h/"), &url, NULL), OTEL_OK);
    options.url = &url;
    assert_int_equal(otl_http_new(&options, &http), OTEL_ERR_UNSUPPORTED);
    assert_null(http);
}

static void cancel_drops_the_request_and_its_connection(void **state)
{
    struct srv_step silent = {.raw = "", .then = SRV_SILENT};
    struct otl_http_request request = {.body = otl_view("gone", 4),
                                       .deadline_ns = UINT64_MAX,
                                       .done = rig_on_done};
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push(rig.srv, &silent);
    request.context = &rig;
    rig.done = false;
    assert_int_equal(otl_http_post(rig.http, &request), OTEL_OK);
    while (srv_count(rig.srv) == 0)
        event_base_loop(rig.base, EVLOOP_NONBLOCK);
    otl_http_cancel(rig.http);
    assert_false(rig.done);
    rig_post(&rig, "again");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(srv_connections(rig.srv), 2);
    rig_fini(&rig);
}

static void failing_allocation_ends_in_an_outcome(void **state)
{
    (void)state;
    for (unsigned long n = 1;; n++) {
        struct otl_http_options options = {.clock = otl_clock_real(), .max_response = 100};
        struct otl_http_request request = {.body = otl_view("x", 1), .done = rig_on_done};
        struct otl_http *own = NULL;
        struct otl_url url;
        struct rig rig;
        char text[64];
        bool posted = false;

        rig_init(&rig, NULL, NULL);
        otl_http_free(rig.http);
        rig.http = NULL;
        srv_push_answer(rig.srv, 200, "", "body", 4);
        snprintf(text, sizeof(text), "http://127.0.0.1:%u", (unsigned)srv_port(rig.srv));
        assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
        options.base = rig.base;
        options.url = &url;
        request.context = &rig;
        request.deadline_ns = otl_clock_mono(otl_clock_real()) + 10 * OTL_NS_PER_S;
        otl_mem_fail_at(n);
        if (otl_http_new(&options, &own) == OTEL_OK)
            posted = otl_http_post(own, &request) == OTEL_OK;
        while (posted && !rig.done)
            event_base_loop(rig.base, EVLOOP_ONCE);
        otl_mem_fail_at(0);
        otl_http_free(own);
        rig_fini(&rig);
        if (posted && rig.result.outcome == OTL_HTTP_ANSWERED)
            break;
        assert_true(n < 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_carries_many_requests),
        cmocka_unit_test(a_connection_that_went_away_is_opened_again),
        cmocka_unit_test(chunked_and_unbounded_answers_are_read),
        cmocka_unit_test(a_large_request_arrives_whole),
        cmocka_unit_test(an_answer_before_the_whole_request_was_read_counts),
        cmocka_unit_test(an_end_without_an_answer_is_cut),
        cmocka_unit_test(a_whole_head_counts_though_its_body_is_cut),
        cmocka_unit_test(garbage_and_oversize_answers_are_told_apart),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(the_deadline_is_the_given_clocks),
        cmocka_unit_test(https_is_refused_at_once),
        cmocka_unit_test(cancel_drops_the_request_and_its_connection),
        cmocka_unit_test(failing_allocation_ends_in_an_outcome),
    };

    return cmocka_run_group_tests_name("transport_http", tests, NULL, NULL);
}
