/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that mean harm, against the program: a clear answer, a count, bounded memory, and the next
 * request is served. One collector takes it all. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/rig.h"
#include "sdk/base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
enum { GROWTH_MAX_MIB = 500 }; /* freed memory stays in quarantine */
#else
enum { GROWTH_MAX_MIB = 100 };
#endif
enum { BOMB_BYTES = 64 << 20, LORIS = 300 };

static struct rig rig;
static struct otl_buf good, framed, answer;
static size_t peak_before_kib;

/* The most memory that the collector ever had. */
static size_t peak_kib(void)
{
    struct otl_buf status;
    char path[64];
    const char *at;
    size_t kib;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)rig.pid);
    rig_read(path, &status);
    at = strstr(status.data, "VmHWM:");
    assert_non_null(at);
    kib = strtoul(at + 6, NULL, 10);
    otl_buf_fini(&status);
    return kib;
}

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    rig_config(&rig, "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'},\n"
                     "                               grpc: {endpoint: '127.0.0.1:0'}}}}\n"
                     "exporters: {nop: }\n"
                     "service:\n"
                     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n"
                     "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n");
    rig_start(&rig, NULL);
    rig_official("groups", &good);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(good.data, good.len));
    otl_buf_init(&answer, 1 << 20);
    peak_before_kib = peak_kib();
    return 0;
}

static int stop(void **state)
{
    int status = rig_stop(&rig);

    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&good);
    otl_buf_fini(&framed);
    otl_buf_fini(&answer);
    return status;
}

static int join_http(void)
{
    return rig_connect(rig_port(&rig, "otlp/http"));
}

static void still_well(void)
{
    static struct client client;
    int fd = join_http();

    assert_int_equal(rig_post(fd, "", otl_view(good.data, good.len), NULL), 200);
    close(fd);
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    assert_int_equal(
        client_call(&client, &(struct ask){.body = framed.data, .len = framed.len}), 0);
    client_close(&client);
    if (peak_kib() > peak_before_kib + GROWTH_MAX_MIB * 1024)
        fail_msg("memory grew from %zu to %zu KiB", peak_before_kib, peak_kib());
}

static double metric(const char *name)
{
    char series[120];

    snprintf(series, sizeof(series), "%s_total{receiver=\"otlp\"}", name);
    return rig_metric(&rig, series);
}

static void metric_becomes(const char *name, double value)
{
    char series[120];

    snprintf(series, sizeof(series), "%s_total{receiver=\"otlp\"}", name);
    rig_metric_until(&rig, series, value);
}

/* POST; the status, and the answer must say this. */
static void post(const char *headers, struct otl_view body, unsigned status, const char *says)
{
    int fd = join_http();
    unsigned got = rig_post(fd, headers, body, &answer);

    if (got != status || memmem(answer.data, answer.len, says, strlen(says)) == NULL)
        fail_msg("%s: %u: %s", says, got, answer.len > 0 ? answer.data : "(closed)");
    close(fd);
}

/* A message by gRPC, which is wrong. */
static void call(uint8_t flag, const char *encoding, struct otl_view message, int code,
                 const char *says)
{
    static struct client client;
    struct otl_buf all;
    struct ask ask = {.encoding = encoding};

    otl_buf_init(&all, 64u << 20);
    put_message(&all, flag, message);
    ask.body = all.data;
    ask.len = all.len;
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&client, &ask), code);
    if (strstr(client.calls[0]->text, says) == NULL)
        fail_msg("%s: %s", says, client.calls[0]->text);
    client_close(&client);
    otl_buf_fini(&all);
}

/* ---- */

static void requests_that_break_off_are_counted(void **state)
{
    static const char *const cuts[] = {
        "POST /v1", "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Le",
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
        "Content-Length: 1000\r\n\r\nabc",
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
        "Transfer-Encoding: chunked\r\n\r\nffff\r\nabc"};
    double before = metric("collector_mock_http_cut_off");

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        int fd = join_http();
        rig_send(fd, cuts[i], strlen(cuts[i]));
        close(fd);
    }
    metric_becomes("collector_mock_http_cut_off", before + 4);
    still_well();
}

static void lengths_of_4_gib_are_refused_before_they_come(void **state)
{
    static const char length[] = "\n\xff\xff\xff\xff\x0f" "abc"; /* resource_spans of 2^32 - 1 */
    static const char prefix[] = "\0\xff\xff\xff\xff" "abc";
    static struct client client;

    (void)state;
    post("", otl_view(length, sizeof(length) - 1), 400, "truncated or malformed field");
    call(0, NULL, otl_view(length, sizeof(length) - 1), 13, "truncated or malformed field");
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    assert_int_equal(
        client_call(&client, &(struct ask){.body = prefix, .len = sizeof(prefix) - 1}), 8);
    assert_non_null(strstr(client.calls[0]->text, "larger than max (4294967295 vs. 4194304)"));
    client_close(&client);
    post("Transfer-Encoding: identity\r\n", otl_view("", 0), 400, "");
    still_well();
}

/* tag and length around what is there, count times; grows from the inside. */
static void nest(struct otl_buf *out, size_t count)
{
    static const uint8_t tags[] = {0x2a, 0x0a}; /* AnyValue.array_value, ArrayValue.values */
    uint8_t *bytes = otl_mem_alloc(count * 7);
    size_t at = count * 7;

    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        size_t len = count * 7 - at;
        uint8_t varint[5];
        size_t size = 0;
        for (; len >= 0x80; len >>= 7)
            varint[size++] = (uint8_t)(len | 0x80);
        varint[size++] = (uint8_t)len;
        at -= size;
        memcpy(bytes + at, varint, size);
        bytes[--at] = tags[i % 2];
    }
    assert_int_equal(otl_buf_append(out, bytes + at, count * 7 - at), OTEL_OK);
    otl_mem_free(bytes);
}

static void wrap(struct otl_buf *message, uint8_t tag)
{
    struct otl_buf inner = *message;
    uint8_t head[6] = {tag};
    size_t size = 1, len = inner.len;

    for (; len >= 0x80; len >>= 7)
        head[size++] = (uint8_t)(len | 0x80);
    head[size++] = (uint8_t)len;
    otl_buf_init(message, 8u << 20);
    assert_int_equal(otl_buf_append(message, head, size), OTEL_OK);
    assert_int_equal(otl_buf_append(message, inner.data, inner.len), OTEL_OK);
    otl_buf_fini(&inner);
}

static void values_nested_without_end_are_refused(void **state)
{
    static const uint8_t way[] = {0x12, 0x0a, 0x0a, 0x0a}; /* value, attributes, resource, ... */
    struct otl_buf message, json;

    (void)state;
    otl_buf_init(&message, 8u << 20);
    nest(&message, 200001);
    for (size_t i = 0; i < sizeof(way); i++)
        wrap(&message, way[i]);
    post("", otl_view(message.data, message.len), 400, "nested");
    call(0, NULL, otl_view(message.data, message.len), 13, "nested");
    otl_buf_fini(&message);

    otl_buf_init(&json, 8u << 20);
    assert_int_equal(otl_buf_append_str(&json, "{\"x\":"), OTEL_OK);
    for (int i = 0; i < 500000; i++)
        assert_int_equal(otl_buf_append_byte(&json, '['), OTEL_OK);
    {
        char head[160];
        int fd = join_http();
        int len = snprintf(head, sizeof(head),
                           "POST /v1/traces HTTP/1.1\r\nHost: x\r\n"
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                           json.len);
        rig_send(fd, head, (size_t)len);
        rig_send(fd, json.data, json.len);
        assert_int_equal(rig_answer(fd, &answer), 400);
        assert_non_null(strstr(answer.data, "nested too deep"));
        close(fd);
    }
    otl_buf_fini(&json);
    still_well();
}

static void bombs_do_not_grow(void **state)
{
    uint8_t *zeros = calloc(1, BOMB_BYTES);
    size_t room = 1 << 20, len;
    uint8_t *out = malloc(room);
    static const struct {
        const char *header;
        int window;
    } ways[] = {{"Content-Encoding: gzip\r\n", 15 + 16},
                {"Content-Encoding: deflate\r\n", 15},
                {"Content-Encoding: zstd\r\n", 0}};

    (void)state;
    assert_non_null(zeros);
    assert_non_null(out);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (ways[i].window != 0) {
            z_stream stream;
            memset(&stream, 0, sizeof(stream));
            assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, ways[i].window, 8,
                                          Z_DEFAULT_STRATEGY),
                             Z_OK);
            stream.next_in = zeros;
            stream.avail_in = BOMB_BYTES;
            stream.next_out = out;
            stream.avail_out = (unsigned)room;
            assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
            len = room - stream.avail_out;
            deflateEnd(&stream);
        } else {
            len = ZSTD_compress(out, room, zeros, BOMB_BYTES, 1);
            assert_false(ZSTD_isError(len));
        }
        post(ways[i].header, otl_view((char *)out, len), 400,
             "the decompressed body is larger than 20971520 bytes");
        if (i == 0)
            call(1, "gzip", otl_view((char *)out, len), 8, "after decompression larger than max");
    }
    /* a frame of zstd that asks for a window of 128 MiB and brings nothing */
    post("Content-Encoding: zstd\r\n", otl_view("\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00", 9), 400,
         "damaged");
    free(zeros);
    free(out);
    still_well();
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
        fds[i] = i % 2 ? rig_connect(rig_port(&rig, "otlp/grpc")) : join_http();
        rig_send(fds[i], words[i / 2 % 4], strlen(words[i / 2 % 4]));
    }
    still_well();
    for (size_t i = 0; i < LORIS; i++)
        close(fds[i]);
    still_well();
}

static void header_floods_are_cut_off(void **state)
{
    static char large[40000];
    static struct client client;
    struct otl_buf head;

    (void)state;
    otl_buf_init(&head, 64u << 20);
    assert_int_equal(otl_buf_append_str(&head, "GET / HTTP/1.1\r\n"), OTEL_OK);
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(otl_buf_append_str(&head, "A: b\r\n"), OTEL_OK);
    {
        int fd = join_http();
        rig_send(fd, head.data, head.len);
        assert_int_equal(rig_answer(fd, &answer), 431);
        close(fd);
    }
    otl_buf_fini(&head);
    memset(large, 'a', sizeof(large) - 1);
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&client, &(struct ask){.extra = large, .body = framed.data,
                                                        .len = framed.len}),
                     8);
    client_close(&client);
    still_well();
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
    double broken = metric("collector_mock_grpc_connections_broken");

    (void)state;
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        int fd = rig_connect(rig_port(&rig, "otlp/grpc")), frames = 0;
        rig_send(fd, hello, sizeof(hello) - 1);
        rig_send(fd, floods[i].first, floods[i].first_len);
        while (frames < 2000000 && flood_once(fd, floods[i].then, floods[i].then_len))
            frames++;
        if (frames == 2000000)
            fail_msg("%s: it goes on", floods[i].name);
        metric_becomes("collector_mock_grpc_connections_broken", broken + 1 + (double)i);
        close(fd);
    }
    still_well();
}

/* HEADERS and RST_STREAM, again and again. */
static void rapid_reset_ends_the_connection(void **state)
{
    static struct client client;
    double floods = metric("collector_mock_grpc_floods");

    (void)state;
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    for (int i = 0; i < 4000 && !client.dead; i++) {
        struct call *one = client_ask(&client, &(struct ask){.open = true});
        client_turn(&client);
        if (client.dead)
            break;
        nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, one->id, NGHTTP2_CANCEL);
        client_turn(&client);
    }
    assert_true(client_until(&client, &client.dead));
    client_close(&client);
    metric_becomes("collector_mock_grpc_floods", floods + 1);
    still_well();
}

static void noise_is_answered_or_closed(void **state)
{
    static char noise[4096];
    uint32_t seed = 12345;

    (void)state;
    for (int round = 0; round < 200; round++) {
        int fd = round % 2 ? rig_connect(rig_port(&rig, "otlp/grpc")) : join_http();
        for (size_t i = 0; i < sizeof(noise); i++) {
            seed = seed * 1664525u + 1013904223u;
            noise[i] = (char)(seed >> 24);
        }
        rig_send(fd, noise, 1 + seed % sizeof(noise));
        close(fd);
    }
    still_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_break_off_are_counted),
        cmocka_unit_test(lengths_of_4_gib_are_refused_before_they_come),
        cmocka_unit_test(values_nested_without_end_are_refused),
        cmocka_unit_test(bombs_do_not_grow),
        cmocka_unit_test(slow_connections_hold_nobody_up),
        cmocka_unit_test(header_floods_are_cut_off),
        cmocka_unit_test(http2_floods_end_the_connection),
        cmocka_unit_test(rapid_reset_ends_the_connection),
        cmocka_unit_test(noise_is_answered_or_closed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
