/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/service/http.h"
#include "sdk/base/tests/shortage.h"

/* Both back ends pass the same tests. */

enum { PATIENCE_TURNS = 30000 }; /* of a millisecond at least */

struct fixture {
    const struct hx_http_ops *ops;
    struct event_base *base;
    struct hx_http_server *server;
    struct hx_http_client *client;
    /* seen by the server */
    char method[16], path[64], headers[4096];
    struct hx_http_request *held[600];
    size_t held_count, hold_until;
    int status;
    /* seen by the client */
    int answers, last_status;
    enum hx_http_outcome last_outcome;
    int expected;
};

static void note_header(void *arg, const struct hx_http_header *header)
{
    struct fixture *f = arg;
    size_t len = strlen(f->headers);

    snprintf(f->headers + len, sizeof(f->headers) - len, "%.*s=[%.*s]\n", (int)header->name.len,
             header->name.data, (int)header->value.len, header->value.data);
}

static void release(struct fixture *f)
{
    for (size_t i = 0; i < f->held_count; i++)
        hx_http_reply(f->held[i], f->status, otl_view_str("done"));
    f->held_count = 0;
}

static void on_request(void *arg, struct hx_http_request *request)
{
    struct fixture *f = arg;
    struct otl_view method = hx_http_method(request), path = hx_http_path(request);

    snprintf(f->method, sizeof(f->method), "%.*s", (int)method.len, method.data);
    snprintf(f->path, sizeof(f->path), "%.*s", (int)path.len, path.data);
    f->headers[0] = '\0';
    hx_http_headers(request, note_header, f);
    f->held[f->held_count++] = request;
    if (f->held_count >= f->hold_until)
        release(f);
}

static void on_done(void *arg, enum hx_http_outcome outcome, int status)
{
    struct fixture *f = arg;

    f->last_outcome = outcome;
    f->last_status = status;
    if (++f->answers == f->expected)
        event_base_loopbreak(f->base);
}

static int set_up(struct fixture *f)
{
    struct hx_http_server_options options;

    f->base = event_base_new();
    f->status = 200;
    f->hold_until = 1;
    f->expected = 1;
    options = (struct hx_http_server_options){f->base, "127.0.0.1", 0, on_request, f};
    if (f->ops->server_new(&options, &f->server, NULL) != OTEL_OK)
        return -1;
    return f->ops->client_new(f->base, "127.0.0.1", f->ops->server_port(f->server), &f->client) ==
                   OTEL_OK
               ? 0
               : -1;
}

static int set_up_evhttp(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->ops = &hx_http_evhttp;
    *state = f;
    return set_up(f);
}

static int set_up_lean(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->ops = &hx_http_lean;
    *state = f;
    return set_up(f);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    release(f);
    f->ops->client_free(f->client);
    f->ops->server_free(f->server);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void call(struct fixture *f, const char *path, uint64_t timeout_ns)
{
    struct hx_http_header headers[] = {
        {otl_view_str("traceparent"), otl_view_str("00-1-2-01")},
        {otl_view_str("tracestate"), otl_view_str("a=1")},
        {otl_view_str("tracestate"), otl_view_str("b=2")},
    };
    struct hx_http_call options = {"POST",  path, headers, 3, otl_view_str("body"), timeout_ns,
                                   on_done, f};

    assert_int_equal(hx_http_call(f->client, &options), OTEL_OK);
}

static const uint64_t long_ns = 10000000000ULL;

static void call_reaches_the_server_with_all_its_headers(void **state)
{
    struct fixture *f = *state;

    f->status = 201;
    call(f, "/orders?x=1", long_ns);
    assert_int_equal(f->answers, 0);
    event_base_dispatch(f->base);
    assert_int_equal(f->last_outcome, HX_HTTP_ANSWERED);
    assert_int_equal(f->last_status, 201);
    assert_string_equal(f->method, "POST");
    assert_string_equal(f->path, "/orders");
    assert_non_null(strstr(f->headers, "traceparent=[00-1-2-01]\n"));
    assert_non_null(strstr(f->headers, "tracestate=[a=1]\n"));
    assert_non_null(strstr(f->headers, "tracestate=[b=2]\n"));
}

static void calls_one_after_the_other_use_one_connection(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 50; i++) {
        call(f, "/a", long_ns);
        f->expected = f->answers + 1;
        event_base_dispatch(f->base);
        assert_int_equal(f->last_outcome, HX_HTTP_ANSWERED);
    }
    assert_int_equal(f->answers, 50);
}

static void more_calls_than_connections_wait_their_turn(void **state)
{
    struct fixture *f = *state;

    f->expected = HX_HTTP_MAX_CONNECTIONS + 40;
    f->hold_until = 5;
    for (int i = 0; i < f->expected; i++)
        call(f, "/a", long_ns);
    f->hold_until = 1;
    event_base_dispatch(f->base);
    assert_int_equal(f->answers, f->expected);
    assert_int_equal(f->last_outcome, HX_HTTP_ANSWERED);
}

static void answer_that_does_not_come_is_a_timeout(void **state)
{
    struct fixture *f = *state;
    uint64_t timeout_ns = 30000000;

    f->hold_until = 100;
    /* It may be over before it is connected, or before the server has heard of the call. */
    while (f->last_outcome != HX_HTTP_TIMED_OUT || f->held_count == 0) {
        assert_true(timeout_ns < long_ns);
        f->expected = f->answers + 1;
        call(f, "/slow", timeout_ns);
        event_base_dispatch(f->base);
        assert_int_not_equal(f->last_outcome, HX_HTTP_ANSWERED);
        assert_int_equal(f->last_status, 0);
        timeout_ns *= 2;
    }
    release(f); /* the late reply goes nowhere and harms nothing */
    f->hold_until = 1;
    f->expected = f->answers + 1;
    call(f, "/again", long_ns);
    event_base_dispatch(f->base);
    assert_int_equal(f->last_outcome, HX_HTTP_ANSWERED);
}

static void nobody_listening_is_unreachable(void **state)
{
    struct fixture *f = *state;
    struct hx_http_call options = {"GET", "/", NULL, 0, {NULL, 0}, long_ns, on_done, f};
    struct hx_http_client *client = NULL;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    assert_int_equal(f->ops->client_new(f->base, "127.0.0.1", ntohs(address.sin_port), &client),
                     OTEL_OK);
    assert_int_equal(hx_http_call(client, &options), OTEL_OK);
    assert_int_equal(f->answers, 0);
    event_base_dispatch(f->base);
    assert_int_equal(f->last_outcome, HX_HTTP_UNREACHABLE);
    f->ops->client_free(client);
    close(fd);
}

static void server_without_descriptors_rests_and_goes_on(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(f->ops->server_port(f->server))};
    struct pollfd answer = {socket(AF_INET, SOCK_STREAM, 0), POLLIN, 0};
    int fd = answer.fd;
    char text[16];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(shortage_listeners(f->base), 1);
    shortage_begin();
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    shortage_await_listeners(f->base, 0);
    shortage_end();
    shortage_await_listeners(f->base, 1);
    for (int i = 0; i < PATIENCE_TURNS && poll(&answer, 1, 1) == 0; i++)
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    assert_true(recv(fd, text, sizeof(text), MSG_DONTWAIT) >= 12);
    assert_memory_equal(text, "HTTP/1.1 200", 12);
    close(fd);
}

static void stopped_server_still_answers_open_connections(void **state)
{
    struct fixture *f = *state;

    f->hold_until = 2;
    call(f, "/a", long_ns);
    while (f->held_count == 0)
        event_base_loop(f->base, EVLOOP_ONCE);
    f->ops->server_stop(f->server);
    release(f);
    event_base_dispatch(f->base);
    assert_int_equal(f->last_outcome, HX_HTTP_ANSWERED);
}

/* Callers that never pause must not keep a server from ending. */
static void stopped_server_ends_a_connection_with_its_answer(void **state)
{
    struct fixture *f = *state;

    call(f, "/a", long_ns);
    event_base_dispatch(f->base);
    f->ops->server_stop(f->server);
    f->expected = 2;
    call(f, "/b", long_ns);
    event_base_dispatch(f->base);
    assert_int_equal(f->last_outcome, HX_HTTP_ANSWERED);
    f->expected = 3;
    call(f, "/c", long_ns);
    event_base_dispatch(f->base);
    assert_int_equal(f->last_outcome, HX_HTTP_UNREACHABLE);
    assert_string_equal(f->path, "/b");
}

static void client_may_be_freed_with_calls_open(void **state)
{
    struct fixture *f = *state;

    f->hold_until = 1000;
    for (int i = 0; i < HX_HTTP_MAX_CONNECTIONS + 3; i++)
        call(f, "/a", long_ns);
    while (f->held_count == 0)
        event_base_loop(f->base, EVLOOP_ONCE);
    assert_int_equal(f->answers, 0);
}

/* Raw bytes, as a client with odd habits sends them. */
static void values_are_trimmed_and_pieces_put_together(void **state)
{
    struct fixture *f = *state;
    const char *pieces[] = {"POST /odd HT", "TP/1.1\r\nHost: x\r\ntracepa", "rent: \t 00-aa",
                            "-bb-01 \t\r\nTraceParent: second\r\nContent-Length: 4\r\n\r\nbo",
                            "dy"};
    struct sockaddr_in address = {.sin_family = AF_INET};
    char answer[512] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int turns = 0;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(f->ops->server_port(f->server));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_int_equal(write(fd, pieces[i], strlen(pieces[i])), strlen(pieces[i]));
        for (int turn = 0; turn < 3; turn++)
            event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    while (poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1) == 0 && turns++ < PATIENCE_TURNS)
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    assert_string_equal(f->method, "POST");
    assert_string_equal(f->path, "/odd");
    assert_non_null(strstr(f->headers, "traceparent=[00-aa-bb-01]\n"));
    assert_non_null(strstr(f->headers, "TraceParent=[second]\n"));
    assert_true(read(fd, answer, sizeof(answer) - 1) > 0);
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    close(fd);
    event_base_loop(f->base, EVLOOP_NONBLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define BOTH(name)                                                                                 \
    {"evhttp: " #name, name, set_up_evhttp, tear_down, NULL},                                      \
    {"lean: " #name, name, set_up_lean, tear_down, NULL}
        BOTH(call_reaches_the_server_with_all_its_headers),
        BOTH(calls_one_after_the_other_use_one_connection),
        BOTH(more_calls_than_connections_wait_their_turn),
        BOTH(answer_that_does_not_come_is_a_timeout),
        BOTH(nobody_listening_is_unreachable),
        BOTH(server_without_descriptors_rests_and_goes_on),
        BOTH(stopped_server_still_answers_open_connections),
        BOTH(stopped_server_ends_a_connection_with_its_answer),
        BOTH(client_may_be_freed_with_calls_open),
        BOTH(values_are_trimmed_and_pieces_put_together),
    };
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) { /* both ends of 512 connections are here */
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
