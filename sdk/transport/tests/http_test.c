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

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/base/mem.h"
#include "sdk/transport/http.h"
#include "sdk/transport/tests/server.h"

struct rig {
    struct event_base *base;
    struct otl_http *http;
    struct srv *srv;
    struct otl_http_result result;
    char body[256];
    char retry_after[64];
    bool done;
};

static void rig_init(struct rig *rig, const char *host, otl_lookup_fn look_up)
{
    struct otl_http_options options = {.clock = otl_clock_real(),
                                       .header_lines = otl_view_str("X-Test: yes\r\n"),
                                       .max_response = 1 << 20,
                                       .look_up = look_up};
    struct otl_url url;
    char text[128];

    memset(rig, 0, sizeof(*rig));
    rig->srv = srv_new();
    rig->base = event_base_new();
    snprintf(text, sizeof(text), "http://%s:%u/v1/traces", host ? host : "127.0.0.1",
             (unsigned)srv_port(rig->srv));
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    options.base = rig->base;
    options.url = &url;
    assert_int_equal(otl_http_new(&options, &rig->http), OTEL_OK);
}

static void rig_fini(struct rig *rig)
{
    otl_http_free(rig->http);
    event_base_free(rig->base);
    srv_free(rig->srv);
}

static void on_done(void *context, const struct otl_http_result *result)
{
    struct rig *rig = context;

    rig->result = *result;
    rig->done = true;
    snprintf(rig->body, sizeof(rig->body), "%.*s", (int)result->body.len,
             result->body.len ? result->body.data : "");
    snprintf(rig->retry_after, sizeof(rig->retry_after), "%.*s", (int)result->retry_after.len,
             result->retry_after.len ? result->retry_after.data : "");
}

static void post_for(struct rig *rig, const char *data, size_t len, unsigned millis)
{
    struct otl_http_request request = {
        .body = otl_view(data, len),
        .deadline_ns = millis ? otl_clock_mono(otl_clock_real()) + millis * OTL_NS_PER_MS
                              : UINT64_MAX,
        .done = on_done,
        .context = rig};

    rig->done = false;
    assert_int_equal(otl_http_post(rig->http, &request), OTEL_OK);
    assert_false(rig->done);
    assert_int_equal(otl_http_post(rig->http, &request), OTEL_ERR_BLOCKED);
    while (!rig->done)
        assert_int_equal(event_base_loop(rig->base, EVLOOP_ONCE), 0);
}

static void post(struct rig *rig, const char *body)
{
    post_for(rig, body, strlen(body), 5000);
}

static void one_connection_carries_many_requests(void **state)
{
    struct rig rig;
    char value[64];

    (void)state;
    rig_init(&rig, NULL, NULL);
    srv_push_answer(rig.srv, 200, "", "first", 5);
    for (int i = 0; i < 20; i++) {
        post(&rig, "hello");
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
    post(&rig, "1");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    while (event_base_get_num_events(rig.base, EVENT_BASE_COUNT_ADDED) > 0)
        event_base_loop(rig.base, EVLOOP_ONCE); /* the idle connection's end is an event */
    post(&rig, "2");
    post(&rig, "3");
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
    post(&rig, "x");
    assert_string_equal(rig.body, "wiki");
    post(&rig, "x");
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
    post_for(&rig, body, size, 60000);
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
    post_for(&rig, body, size, 60000);
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(rig.result.status, 413);
    post(&rig, "next"); /* on a new connection */
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
        post(&rig, "x");
        /* reset at once, it may look as if nobody had accepted */
        if (!(steps[i].at_accept && rig.result.outcome == OTL_HTTP_NO_CONNECTION))
            assert_int_equal(rig.result.outcome, OTL_HTTP_CUT);
        assert_int_equal(rig.result.status, 0);
        post(&rig, "x"); /* and it recovers */
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
    post(&rig, "x");
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
    post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_GARBAGE);
    post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_TOO_LARGE);
    assert_int_equal(rig.result.status, 200);
    post(&rig, "x");
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
    srv_push(rig.srv, &half);
    start = otl_clock_mono(otl_clock_real());
    post_for(&rig, "x", 1, 100);
    took = otl_clock_mono(otl_clock_real()) - start;
    assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    assert_true(took >= 100 * OTL_NS_PER_MS && took < 5 * OTL_NS_PER_S);
    post_for(&rig, "x", 1, 100);
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED); /* the head was there */
    assert_int_equal(rig.result.status, 503);
    rig_fini(&rig);
}

static void a_refused_connection_is_reported_from_the_loop(void **state)
{
    struct otl_http_options options = {.clock = otl_clock_real(), .max_response = 100};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    struct otl_url url;
    struct rig rig;
    char text[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    rig_init(&rig, NULL, NULL);
    otl_http_free(rig.http);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0); /* bound, not listening */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    snprintf(text, sizeof(text), "http://localhost:%u", (unsigned)ntohs(in.sin_port));
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    options.base = rig.base;
    options.url = &url;
    assert_int_equal(otl_http_new(&options, &rig.http), OTEL_OK);
    post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    assert_int_equal(rig.result.err, OTEL_ERR_UNAVAILABLE);
    assert_int_equal(rig.result.bytes_sent, 0);
    close(fd);
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

static enum otel_err look_up_loopback(const char *host, uint16_t port, struct otl_addresses *ret)
{
    /* the first address refuses, the second is the server's */
    struct otl_addresses second;

    assert_string_equal(host, "collector.test");
    if (!otl_resolve_now("127.0.0.77", port, ret) ||
        !otl_resolve_now("127.0.0.1", port, &second))
        return OTEL_ERR_NOT_FOUND;
    ret->items[ret->count++] = second.items[0];
    return OTEL_OK;
}

/* A listener that accepts nobody: its queue is full, so that a connection neither comes about nor
 * fails. */
struct black_hole {
    int listener;
    int fillers[4];
    uint16_t port;
};

static void black_hole_init(struct black_hole *hole, const char *address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(in);

    assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
    hole->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(hole->listener, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(hole->listener, 0), 0);
    assert_int_equal(getsockname(hole->listener, (struct sockaddr *)&in, &len), 0);
    hole->port = ntohs(in.sin_port);
    for (int i = 0; i < 4; i++) {
        hole->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(hole->fillers[i], (struct sockaddr *)&in, sizeof(in));
    }
}

static void black_hole_fini(struct black_hole *hole)
{
    for (int i = 0; i < 4; i++)
        close(hole->fillers[i]);
    close(hole->listener);
}

static enum otel_err look_up_black_hole(const char *host, uint16_t port,
                                        struct otl_addresses *ret)
{
    struct otl_addresses second;

    (void)host;
    if (!otl_resolve_now("127.0.0.2", port, ret) || !otl_resolve_now("127.0.0.1", port, &second))
        return OTEL_ERR_NOT_FOUND;
    ret->items[ret->count++] = second.items[0];
    return OTEL_OK;
}

static void a_black_hole_takes_its_share_of_the_time(void **state)
{
    struct black_hole hole;
    struct rig rig;
    uint64_t start;

    (void)state;
    rig_init(&rig, "hole.test", look_up_black_hole);
    black_hole_init(&hole, "127.0.0.2", srv_port(rig.srv));
    start = otl_clock_mono(otl_clock_real());
    post_for(&rig, "x", 1, 600); /* 300 ms for the hole, the rest for the server */
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_true(otl_clock_mono(otl_clock_real()) - start >= 250 * OTL_NS_PER_MS);
    rig_fini(&rig);
    black_hole_fini(&hole);
}

static void a_black_hole_alone_ends_at_the_deadline(void **state)
{
    struct otl_http_options options = {.clock = otl_clock_real(), .max_response = 100};
    struct black_hole hole;
    struct otl_url url;
    struct rig rig;
    char text[64];

    (void)state;
    rig_init(&rig, NULL, NULL);
    otl_http_free(rig.http);
    black_hole_init(&hole, "127.0.0.1", 0);
    snprintf(text, sizeof(text), "http://127.0.0.1:%u", (unsigned)hole.port);
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    options.base = rig.base;
    options.url = &url;
    assert_int_equal(otl_http_new(&options, &rig.http), OTEL_OK);
    post_for(&rig, "x", 1, 150);
    assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    rig_fini(&rig);
    black_hole_fini(&hole);
}

static enum otel_err look_up_nothing(const char *host, uint16_t port, struct otl_addresses *ret)
{
    (void)host;
    (void)port;
    ret->count = 0;
    return OTEL_ERR_NOT_FOUND;
}

static void names_are_looked_up_and_addresses_tried_in_order(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, "collector.test", look_up_loopback);
    post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    rig_fini(&rig);
    rig_init(&rig, "collector.test", look_up_nothing);
    post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    assert_int_equal(rig.result.err, OTEL_ERR_NOT_FOUND);
    rig_fini(&rig);
}

static sem_t g_entered, g_let_go;

static enum otel_err look_up_blocking(const char *host, uint16_t port, struct otl_addresses *ret)
{
    (void)host;
    (void)port;
    (void)ret;
    sem_post(&g_entered);
    while (sem_wait(&g_let_go) != 0)
        ;
    sem_post(&g_entered);
    return OTEL_ERR_UNAVAILABLE;
}

#ifndef __SANITIZE_THREAD__ /* which does not follow a fork of a threaded process */
/* A child has none of its parent's helpers, so that they do not count against it. */
static void look_up_in_a_child(struct srv *srv)
{
    struct otl_http_options options = {.clock = otl_clock_real(),
                                       .max_response = 100,
                                       .look_up = look_up_loopback};
    struct rig rig;
    struct otl_url url;
    char text[64];
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        memset(&rig, 0, sizeof(rig));
        snprintf(text, sizeof(text), "http://collector.test:%u", (unsigned)srv_port(srv));
        rig.base = event_base_new();
        options.base = rig.base;
        options.url = &url;
        if (otl_url_parse(otl_view_str(text), &url, NULL) != OTEL_OK ||
            otl_http_new(&options, &rig.http) != OTEL_OK)
            _exit(2);
        post(&rig, "x");
        _exit(rig.result.outcome == OTL_HTTP_ANSWERED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

static void a_hanging_name_server_is_left_behind(void **state)
{
    struct otl_http_request request = {.body = otl_view("x", 1),
                                       .deadline_ns = UINT64_MAX,
                                       .done = on_done};
    struct rig rig;

    (void)state;
    sem_init(&g_entered, 0, 0);
    sem_init(&g_let_go, 0, 0);
    rig_init(&rig, "slow.test", look_up_blocking);
    for (int i = 0; i < OTL_LOOKUPS_MAX; i++) { /* the deadline does not wait for it */
        post_for(&rig, "x", 1, 30);
        assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    }
    post_for(&rig, "x", 1, 5000); /* threads are limited */
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    assert_int_equal(rig.result.err, OTEL_ERR_LIMIT);
#ifndef __SANITIZE_THREAD__
    look_up_in_a_child(rig.srv);
#endif
    request.context = &rig;
    rig.done = false;
    assert_int_equal(otl_http_post(rig.http, &request), OTEL_OK);
    otl_http_cancel(rig.http);
    event_base_loop(rig.base, EVLOOP_NONBLOCK);
    assert_false(rig.done);
    rig_fini(&rig); /* while four helpers still hang */
    for (int i = 0; i < OTL_LOOKUPS_MAX; i++) {
        sem_wait(&g_entered);
        sem_post(&g_let_go);
    }
    for (int i = 0; i < OTL_LOOKUPS_MAX; i++)
        sem_wait(&g_entered);
}

static void cancel_drops_the_request_and_its_connection(void **state)
{
    struct srv_step silent = {.raw = "", .then = SRV_SILENT};
    struct otl_http_request request = {.body = otl_view("gone", 4),
                                       .deadline_ns = UINT64_MAX,
                                       .done = on_done};
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
    post(&rig, "again");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(srv_connections(rig.srv), 2);
    rig_fini(&rig);
}

static void failing_allocation_ends_in_an_outcome(void **state)
{
    (void)state;
    for (unsigned long n = 1;; n++) {
        struct otl_http_options options = {.clock = otl_clock_real(), .max_response = 100};
        struct otl_http_request request = {.body = otl_view("x", 1), .done = on_done};
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
        cmocka_unit_test(a_refused_connection_is_reported_from_the_loop),
        cmocka_unit_test(https_is_refused_at_once),
        cmocka_unit_test(names_are_looked_up_and_addresses_tried_in_order),
        cmocka_unit_test(a_black_hole_takes_its_share_of_the_time),
        cmocka_unit_test(a_black_hole_alone_ends_at_the_deadline),
        cmocka_unit_test(a_hanging_name_server_is_left_behind),
        cmocka_unit_test(cancel_drops_the_request_and_its_connection),
        cmocka_unit_test(failing_allocation_ends_in_an_outcome),
    };

    return cmocka_run_group_tests_name("transport_http", tests, NULL, NULL);
}
