/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that mean harm: what breaks off, what is slow, floods of headers and frames. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/hostile.h"

enum { LORIS = 300 };

static void requests_that_break_off_are_counted(void **state)
{
    static const char *const cuts[] = {
        "POST /v1", "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Le",
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
        "Content-Length: 1000\r\n\r\nabc",
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
        "Transfer-Encoding: chunked\r\n\r\nffff\r\nabc"};
    double before = hostile_metric("collector_mock_http_cut_off");

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        int fd = hostile_join();
        rig_send(fd, cuts[i], strlen(cuts[i]));
        close(fd);
    }
    hostile_metric_becomes("collector_mock_http_cut_off", before + 4);
    hostile_still_well();
}

/* A head that is larger than the one before on its connection, and breaks: nothing of the one
 * before is looked at to refuse it. */
static void a_broken_head_behind_a_good_request_is_refused_by_itself(void **state)
{
    static const char end[] = "\r\nB\1d: header\r\n\r\n";
    static char head[20000] = "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nX: ";
    struct hostile_tally before = hostile_tally("http", 400);
    int fd = hostile_join();
    size_t len = strlen(head);

    (void)state;
    memset(head + len, 'a', sizeof(head) - len);
    memcpy(head + sizeof(head) - (sizeof(end) - 1), end, sizeof(end) - 1);
    rig_begin(fd, "application/json", "", otl_view("{}", 2));
    assert_int_equal(rig_answer(fd, &hostile_answer), 200);
    rig_send(fd, head, sizeof(head));
    assert_int_equal(rig_answer(fd, &hostile_answer), 400);
    assert_non_null(strstr(hostile_answer.data, "Content-Type: text/plain"));
    close(fd);
    hostile_counted("http", 400, before);
    hostile_still_well();
}

/* Many connections that say a little and then nothing. */
static void slow_connections_hold_nobody_up(void **state)
{
    static const char *const words[] = {"", "P", "POST /v1/traces HTTP/1.1\r\nX: ",
                                        "POST /v1/traces HTTP/1.1\r\nHost: x\r\n"
                                        "Content-Type: application/x-protobuf\r\n"
                                        "Content-Length: 20000000\r\n\r\nab"};
    static int fds[LORIS];

    (void)state;
    for (size_t i = 0; i < LORIS; i++) {
        fds[i] = i % 2 ? rig_connect(rig_port(&hostile_rig, "otlp/grpc")) : hostile_join();
        rig_send(fds[i], words[i / 2 % 4], strlen(words[i / 2 % 4]));
    }
    hostile_still_well();
    for (size_t i = 0; i < LORIS; i++)
        close(fds[i]);
    hostile_still_well();
}

static void header_floods_are_cut_off(void **state)
{
    static char large[40000];
    static struct client client;
    const struct ask ask = {
        .extra = large, .body = hostile_framed.data, .len = hostile_framed.len};
    struct hostile_tally http = hostile_tally("http", 431), grpc = hostile_tally("grpc", 8);
    struct otl_buf head;

    (void)state;
    otl_buf_init(&head, 64u << 20);
    assert_int_equal(otl_buf_append_str(&head, "GET / HTTP/1.1\r\n"), OTEL_OK);
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(otl_buf_append_str(&head, "A: b\r\n"), OTEL_OK);
    {
        int fd = hostile_join();
        rig_send(fd, head.data, head.len);
        assert_int_equal(rig_answer(fd, &hostile_answer), 431);
        close(fd);
    }
    hostile_counted("http", 431, http);
    otl_buf_fini(&head);
    memset(large, 'a', sizeof(large) - 1);
    client_open(&client, rig_connect(rig_port(&hostile_rig, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&client, &ask), 8);
    client_close(&client);
    hostile_counted("grpc", 8, grpc);
    hostile_still_well();
}

/* A table of one long entry, and then its number over and over: 16 KiB that stand for 46 MiB. */
static void a_head_that_unpacks_without_end_is_cut_off(void **state)
{
    enum { ENTRY = 3900, TIMES = 12000 };
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    /* POST, http, "/", of x; and x: ... */
    static const char start[] = "\x83\x86\x44\1/\x41\1x\x40\1x\x7f";
    struct hostile_tally before = hostile_tally("grpc", 8);
    int fd = rig_connect(rig_port(&hostile_rig, "otlp/grpc"));
    struct otl_buf head;
    char frame[9] = {0, 0, 0, 1, 5, 0, 0, 0, 1}; /* HEADERS that end both, of stream 1 */
    char *at;

    (void)state;
    otl_buf_init(&head, 1u << 20);
    assert_int_equal(otl_buf_append(&head, start, sizeof(start) - 1), OTEL_OK);
    assert_int_equal(otl_buf_append_byte(&head, (uint8_t)(((ENTRY - 127) & 0x7f) | 0x80)), OTEL_OK);
    assert_int_equal(otl_buf_append_byte(&head, (uint8_t)((ENTRY - 127) >> 7)), OTEL_OK);
    assert_int_equal(otl_buf_reserve(&head, ENTRY + TIMES), OTEL_OK);
    at = head.data + head.len;
    memset(at, 'a', ENTRY);
    memset(at + ENTRY, 0xbe, TIMES); /* entry 62 */
    head.len += ENTRY + TIMES;
    frame[1] = (char)(head.len >> 8);
    frame[2] = (char)head.len;
    rig_send(fd, hello, sizeof(hello) - 1);
    rig_send(fd, frame, sizeof(frame));
    rig_send(fd, head.data, head.len);
    rig_metric_until(&hostile_rig, "collector_mock_requests_total{transport=\"grpc\",status=\"8\"}",
                     before.answers + 1);
    hostile_counted("grpc", 8, before);
    close(fd);
    otl_buf_fini(&head);
    hostile_still_well();
}

/* Sends one frame whole and takes what is answered: a flood that listens, else nobody reads it. */
static bool flood_once(int fd, const char *frame, size_t len)
{
    char heard[4096];

    for (size_t sent = 0; sent < len;) {
        struct pollfd poller = {.fd = fd, .events = POLLIN | POLLOUT};
        ssize_t n;
        while (recv(fd, heard, sizeof(heard), MSG_DONTWAIT) > 0)
            continue;
        n = send(fd, frame + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return false;
        sent += n > 0 ? (size_t)n : 0;
        if (n < 0 && poll(&poller, 1, 60000) == 0)
            fail_msg("nobody reads any more");
    }
    return true;
}

/* Frames without end, by hand; each ends the connection. */
static void http2_floods_end_the_connection(void **state)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    static const struct {
        const char *name, *first;
        size_t first_len;
        const char *then;
        size_t then_len;
    } floods[] = {
        {"PING", "", 0, "\0\0\x08\6\0\0\0\0\0" "12345678", 17},
        {"SETTINGS", "", 0, "\0\0\6\4\0\0\0\0\0\0\2\0\0\0\0", 15},
        {"CONTINUATION", "\0\0\1\1\0\0\0\0\1\203", 10, "\0\0\0\11\0\0\0\0\1", 9},
        {"PRIORITY", "", 0, "\0\0\5\2\0\0\0\0\3\0\0\0\1\20", 14},
        {"WINDOW_UPDATE", "", 0, "\0\0\4\x08\0\0\0\0\0\0\0\0\1", 13},
        {"empty DATA", "\0\0\4\1\4\0\0\0\1\203\206\204\101", 12, "\0\0\0\0\0\0\0\0\1", 9},
    };
    double broken = hostile_metric("collector_mock_grpc_connections_broken");

    (void)state;
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        int fd = rig_connect(rig_port(&hostile_rig, "otlp/grpc")), frames = 0;
        rig_send(fd, hello, sizeof(hello) - 1);
        rig_send(fd, floods[i].first, floods[i].first_len);
        while (frames < 2000000 && flood_once(fd, floods[i].then, floods[i].then_len))
            frames++;
        if (frames == 2000000)
            fail_msg("%s: it goes on", floods[i].name);
        hostile_metric_becomes("collector_mock_grpc_connections_broken", broken + 1 + (double)i);
        close(fd);
    }
    hostile_still_well();
}

/* HEADERS and RST_STREAM, again and again; many at once, for some are forgiven each second. */
static void rapid_reset_ends_the_connection(void **state)
{
    enum { AT_ONCE = 100, ALL = 4000 };
    static struct client client;
    double floods = hostile_metric("collector_mock_grpc_floods");

    (void)state;
    client_open(&client, rig_connect(rig_port(&hostile_rig, "otlp/grpc")), NULL, NULL);
    for (size_t first = 0; first < ALL && !client.dead; first += AT_ONCE) {
        for (size_t i = 0; i < AT_ONCE; i++)
            client_ask(&client, &(struct ask){.open = true});
        client_turn(&client);
        for (size_t i = first; i < first + AT_ONCE; i++)
            nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, client.calls[i]->id,
                                      NGHTTP2_CANCEL);
        client_turn(&client);
    }
    assert_true(client_until(&client, &client.dead));
    client_close(&client);
    hostile_metric_becomes("collector_mock_grpc_floods", floods + 1);
    hostile_still_well();
}

static void noise_is_answered_or_closed(void **state)
{
    static char noise[4096];
    uint32_t seed = 12345;

    (void)state;
    for (int round = 0; round < 200; round++) {
        int fd = round % 2 ? rig_connect(rig_port(&hostile_rig, "otlp/grpc")) : hostile_join();
        for (size_t i = 0; i < sizeof(noise); i++) {
            seed = seed * 1664525u + 1013904223u;
            noise[i] = (char)(seed >> 24);
        }
        rig_send(fd, noise, 1 + seed % sizeof(noise));
        close(fd);
    }
    hostile_still_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_break_off_are_counted),
        cmocka_unit_test(a_broken_head_behind_a_good_request_is_refused_by_itself),
        cmocka_unit_test(slow_connections_hold_nobody_up),
        cmocka_unit_test(header_floods_are_cut_off),
        cmocka_unit_test(a_head_that_unpacks_without_end_is_cut_off),
        cmocka_unit_test(http2_floods_end_the_connection),
        cmocka_unit_test(rapid_reset_ends_the_connection),
        cmocka_unit_test(noise_is_answered_or_closed),
    };
    return cmocka_run_group_tests(tests, hostile_start, hostile_stop);
}
