/* SPDX-License-Identifier: Apache-2.0 */
/* The clients without memory for the timer of a deadline: no request waits for ever. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/tests/loop_heap.h"
#include "sdk/transport/grpc.h"
#include "sdk/transport/tests/http_rig.h"

enum { HEAP_OF_TIMERS = 8 }; /* as many as libevent's first block of them holds */

static uint64_t in_an_hour(void)
{
    return otl_clock_mono(otl_clock_real()) + 3600 * OTL_NS_PER_S;
}

static void http_does_not_begin_a_request_that_nothing_would_end(void **state)
{
    struct otl_http_request request = {
        .body = otl_view_str("x"), .deadline_ns = in_an_hour(), .done = rig_on_done};
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    request.context = &rig;
    loop_heap_exhaust(true);
    assert_int_equal(otl_http_post(rig.http, &request), OTEL_ERR_MEMORY);
    assert_int_equal(loop_heap_refused(), 1);
    request.deadline_ns = UINT64_MAX; /* which needs no timer */
    assert_int_equal(otl_http_post(rig.http, &request), OTEL_OK);
    otl_http_cancel(rig.http);
    loop_heap_exhaust(false);
    assert_false(rig.done);
    rig_post(&rig, "y");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(srv_count(rig.srv), 1);
    rig_fini(&rig);
}

static void no_answer(void *context, const struct otl_grpc_result *result)
{
    (void)result;
    ++*(unsigned *)context;
}

static void grpc_does_not_begin_a_call_that_nothing_would_end(void **state)
{
    struct otl_grpc_options options = {.clock = otl_clock_real(),
                                       .method = "/some.Service/Method",
                                       .header_lines = otl_view_str(""),
                                       .max_response = 1000};
    unsigned dones = 0;
    struct otl_grpc_request request = {.message = otl_view_str("x"),
                                       .deadline_ns = in_an_hour(),
                                       .done = no_answer,
                                       .context = &dones};
    struct otl_grpc *grpc = NULL;
    struct otl_url url;

    (void)state;
    assert_int_equal(otl_url_parse(otl_view_str("http://127.0.0.1:1"), &url, NULL), OTEL_OK);
    options.url = &url;
    options.base = event_base_new();
    assert_int_equal(otl_grpc_new(&options, &grpc), OTEL_OK);
    loop_heap_exhaust(true);
    assert_int_equal(otl_grpc_call(grpc, &request), OTEL_ERR_MEMORY);
    assert_int_equal(loop_heap_refused(), 1);
    loop_heap_exhaust(false);
    assert_int_equal(otl_grpc_call(grpc, &request), OTEL_OK); /* it is not busy */
    otl_grpc_cancel(grpc);
    assert_int_equal(dones, 0);
    otl_grpc_free(grpc);
    event_base_free(options.base);
}

static uint64_t stands_still(void *state)
{
    (void)state;
    return 1;
}

static void ignore(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

struct crowd {
    struct event *first, *others[HEAP_OF_TIMERS];
};

static void add_for_an_hour(struct event *event)
{
    const struct timeval hour = {3600, 0};

    assert_int_equal(event_add(event, &hour), 0);
}

/* Takes the places that the two timers of this turn have just given back. */
static void take_the_last_places(evutil_socket_t fd, short what, void *arg)
{
    struct crowd *crowd = arg;

    (void)fd;
    (void)what;
    add_for_an_hour(crowd->others[HEAP_OF_TIMERS - 2]);
    add_for_an_hour(crowd->others[HEAP_OF_TIMERS - 1]);
    loop_heap_exhaust(true);
}

/* A client whose clock stands still, with a connection that is kept. */
static void connect_on_still_clock(struct rig *rig, struct otl_http_request *request)
{
    static const struct otl_clock still = {stands_still, stands_still, NULL};
    struct otl_http_options options = {.base = rig->base,
                                       .clock = &still,
                                       .header_lines = otl_view_str(""),
                                       .max_response = 1000};
    struct otl_url url;
    char text[64];

    snprintf(text, sizeof(text), "http://127.0.0.1:%u/", (unsigned)srv_port(rig->srv));
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    options.url = &url;
    otl_http_free(rig->http);
    assert_int_equal(otl_http_new(&options, &rig->http), OTEL_OK);
    request->deadline_ns = 3600 * OTL_NS_PER_S;
    assert_int_equal(otl_http_post(rig->http, request), OTEL_OK);
    while (!rig->done)
        assert_int_equal(event_base_loop(rig->base, EVLOOP_ONCE), 0);
    assert_int_equal(rig->result.outcome, OTL_HTTP_ANSWERED);
    rig->done = false;
}

/* The deadline's clock stands still, so that its timer, when it is over, is too early. */
static void a_timer_that_cannot_be_set_again_ends_the_request(void **state)
{
    const struct timeval at_once = {0, 0};
    struct srv_step silent = {.raw = "", .then = SRV_SILENT};
    struct otl_http_request request = {.body = otl_view_str("x"), .done = rig_on_done};
    struct crowd crowd;
    struct rig rig;

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push_answer(rig.srv, 200, "", "", 0);
    srv_push(rig.srv, &silent);
    request.context = &rig;
    connect_on_still_clock(&rig, &request);
    crowd.first = event_new(rig.base, -1, 0, take_the_last_places, &crowd);
    for (int i = 0; i < HEAP_OF_TIMERS; i++)
        crowd.others[i] = event_new(rig.base, -1, 0, ignore, NULL);
    for (int i = 0; i < HEAP_OF_TIMERS - 2; i++)
        add_for_an_hour(crowd.others[i]);
    assert_int_equal(event_add(crowd.first, &at_once), 0);
    request.deadline_ns = 2 * OTL_NS_PER_MS;
    assert_int_equal(otl_http_post(rig.http, &request), OTEL_OK);
    poll(NULL, 0, 20); /* both are over when the loop begins, the deadline's behind the other */
    while (!rig.done)
        assert_int_equal(event_base_loop(rig.base, EVLOOP_ONCE), 0);
    assert_int_equal(loop_heap_refused(), 1);
    loop_heap_exhaust(false);
    assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    event_free(crowd.first);
    for (int i = 0; i < HEAP_OF_TIMERS; i++)
        event_free(crowd.others[i]);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_does_not_begin_a_request_that_nothing_would_end),
        cmocka_unit_test(grpc_does_not_begin_a_call_that_nothing_would_end),
        cmocka_unit_test(a_timer_that_cannot_be_set_again_ends_the_request),
    };

    loop_heap_install();
    return cmocka_run_group_tests_name("transport_no_timer", tests, NULL, NULL);
}
