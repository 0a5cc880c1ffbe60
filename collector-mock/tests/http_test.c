/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "ci/witness/otlp_pb.h"
#include "collector-mock/tests/rig.h"
#include "sdk/base/mem.h"

/* What an SDK sees: statuses and bodies of OTLP/HTTP, on real sockets. One collector for all. */

static struct rig rig;
static unsigned port;

static int start(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_config(&rig, "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0',\n"
                     "  max_request_body_size: 100000}}}}\n"
                     "exporters: {nop: }\n"
                     "service:\n"
                     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n"
                     "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n");
    rig_start(&rig, NULL);
    port = rig_port(&rig, "otlp/http");
    return 0;
}

static int stop(void **state)
{
    int status = rig_stop(&rig);

    (void)state;
    rig_fini(&rig);
    return status;
}

#define HOST "Host: x\r\n"
#define PROTO "Content-Type: application/x-protobuf\r\n"
#define POST "POST /v1/traces HTTP/1.1\r\n" HOST PROTO
#define JSON "POST /v1/traces HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
/* a request with one empty span: 8 bytes */
#define SPAN "\n\x04\x12\x02\x12"
static const char empty_request[] = POST "Content-Length: 0\r\n\r\n";
#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *title;
    const char *data;
    size_t len;
    unsigned status;
    const char *type; /* of the answer */
    const char *says; /* part of its body */
    bool closes;
} requests[] = {
    {"one span", BYTES(POST "Content-Length: 6\r\n\r\n" SPAN "\0"), 200, "x-protobuf", "", false},
    {"no spans", BYTES(POST "Content-Length: 0\r\n\r\n"), 200, "x-protobuf", "", false},
    {"no length, no body", BYTES(POST "\r\n"), 200, "x-protobuf", "", false},
    {"chunked", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n2\r\n\n\x04\r\n4\r\n\x12\x02\x12\0"
                           "\r\n0\r\n\r\n"),
     200, "x-protobuf", "", false},
    {"chunked with extension and trailer",
     BYTES(POST "Transfer-Encoding: chunked\r\n\r\n6;a=b\r\n" SPAN "\0\r\n0\r\nX: y\r\n\r\n"), 200,
     "x-protobuf", "", false},
    {"query is ignored",
     BYTES("POST /v1/traces?a=b HTTP/1.1\r\n" HOST PROTO "Content-Length: 0\r\n\r\n"), 200,
     "x-protobuf", "", false},
    {"content type with a parameter and in capitals",
     BYTES("POST /v1/traces HTTP/1.1\r\n" HOST
           "CONTENT-TYPE: Application/X-Protobuf ; a=b\r\nContent-Length: 0\r\n\r\n"),
     200, "x-protobuf", "", false},
    {"connection close", BYTES(POST "Connection: close\r\nContent-Length: 0\r\n\r\n"), 200,
     "x-protobuf", "", true},
    {"HTTP/1.0", BYTES("POST /v1/traces HTTP/1.0\r\n" PROTO "Content-Length: 0\r\n\r\n"), 200,
     "x-protobuf", "", true},
    {"HTTP/1.0 keep-alive",
     BYTES("POST /v1/traces HTTP/1.0\r\n" PROTO
           "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
     200, "x-protobuf", "", false},
    {"offer of h2c is not taken up",
     BYTES(POST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 6\r\n\r\n"
                SPAN "\0"),
     200, "x-protobuf", "", false},
    {"expect continue", BYTES(POST "Expect: 100-continue\r\nContent-Length: 6\r\n\r\n" SPAN "\0"),
     200, "x-protobuf", "", false},
    {"expect something else", BYTES(POST "Expect: miracles\r\nContent-Length: 0\r\n\r\n"), 417,
     "text/plain", "100-continue", true},
    {"GET", BYTES("GET /v1/traces HTTP/1.1\r\n" HOST "\r\n"), 405, "text/plain",
     "405 method not allowed, supported: [POST]", false},
    {"another path", BYTES("POST /v1/trace HTTP/1.1\r\n" HOST PROTO "Content-Length: 0\r\n\r\n"),
     404, "text/plain", "404 page not found", false},
    {"path with more behind",
     BYTES("POST /v1/traces/ HTTP/1.1\r\n" HOST PROTO "Content-Length: 0\r\n\r\n"), 404,
     "text/plain", "404", false},
    {"no content type", BYTES("POST /v1/traces HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
     415, "text/plain", "415 unsupported media type", false},
    {"text", BYTES("POST /v1/traces HTTP/1.1\r\n" HOST
                   "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n"),
     415, "text/plain", "415 unsupported media type", false},
    {"body that is no OTLP", BYTES(POST "Content-Length: 3\r\n\r\n\n\x05x"), 400, "x-protobuf",
     "byte 2: request: truncated or malformed field", false},
    {"unknown encoding", BYTES(POST "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"), 400,
     "x-protobuf", "unsupported Content-Encoding: br", false},
    {"gzip that is none", BYTES(POST "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"),
     400, "x-protobuf", "damaged", false},
    {"gzip of nothing", BYTES(POST "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), 400,
     "x-protobuf", "truncated", false},
    {"JSON", BYTES(JSON "Content-Length: 64\r\n\r\n"
                   "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"}]}]}]}   "),
     200, "application/json", "{\"partialSuccess\":{}}", false},
    {"JSON without spans", BYTES(JSON "Content-Length: 2\r\n\r\n{}"), 200, "application/json",
     "{\"partialSuccess\":{}}", false},
    {"JSON that is none", BYTES(JSON "Content-Length: 2\r\n\r\n{]"), 400, "application/json",
     "{\"code\":3,\"message\":\"byte 1: JSON: expected '\\\"'\"}", false},
    {"JSON without a body", BYTES(JSON "Content-Length: 0\r\n\r\n"), 400, "application/json",
     "expected '{'", false},
    {"JSON with a span that is none",
     BYTES(JSON "Content-Length: 66\r\n\r\n"
                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"spanId\":\"0102\"}]}]}]}"),
     400, "application/json", "wrong length of an id", false},
    {"JSON in an unknown encoding",
     BYTES(JSON "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}"), 400,
     "application/json", "unsupported Content-Encoding: br", false},
    {"announced JSON over the limit", BYTES(JSON "Content-Length: 100001\r\n\r\n"), 400,
     "application/json", "too large", true},
    {"zstd that is none", BYTES(POST "Content-Encoding: zstd\r\nContent-Length: 5\r\n\r\nplain"),
     400, "x-protobuf", "damaged", false},
    {"zstd of nothing", BYTES(POST "Content-Encoding: zstd\r\nContent-Length: 0\r\n\r\n"), 400,
     "x-protobuf", "truncated", false},
    {"identity", BYTES(POST "Content-Encoding: identity\r\nContent-Length: 6\r\n\r\n" SPAN "\0"),
     200, "x-protobuf", "", false},
    {"announced body over the limit", BYTES(POST "Content-Length: 100001\r\n\r\n"), 400,
     "x-protobuf", "too large", true},
    {"chunk over the limit", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n186a1\r\n"), 0, NULL,
     NULL, false}, /* announced only: not refused before it comes */
    {"length of 2^64", BYTES(POST "Content-Length: 18446744073709551616\r\n\r\n"), 400,
     "text/plain", "content-length", true},
    {"negative length", BYTES(POST "Content-Length: -1\r\n\r\n"), 400, "text/plain",
     "content-length", true},
    {"two lengths", BYTES(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), 400,
     "text/plain", "content-length", true},
    {"length and chunked",
     BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
     "text/plain", "", true},
    {"bad chunk size", BYTES(POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400,
     "", "chunk size", true},
    {"no HTTP at all", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400, "text/plain",
     "invalid HTTP method", true},
    {"HTTP/2 preface", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400, "text/plain", "", true},
};

static void check_answer(size_t i, int fd)
{
    struct otl_buf answer;
    unsigned status;

    otl_buf_init(&answer, 1 << 20);
    status = rig_answer(fd, &answer);
    if (status != requests[i].status)
        fail_msg("%s: %s", requests[i].title, answer.len ? answer.data : "(closed)");
    if (strstr(answer.data, requests[i].type) == NULL)
        fail_msg("%s: content type: %s", requests[i].title, answer.data);
    if (memmem(answer.data, answer.len, requests[i].says, strlen(requests[i].says)) == NULL)
        fail_msg("%s: does not say '%s': %s", requests[i].title, requests[i].says, answer.data);
    if (requests[i].closes) {
        assert_true(rig_closed(fd));
    } else { /* the connection goes on */
        rig_send(fd, empty_request, sizeof(empty_request) - 1);
        if (rig_answer(fd, &answer) != 200)
            fail_msg("%s: nothing more on this connection", requests[i].title);
    }
    otl_buf_fini(&answer);
}

static void statuses_and_bodies_are_those_of_the_collector(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int fd = rig_connect(port);

        rig_send(fd, requests[i].data, requests[i].len);
        if (requests[i].status != 0)
            check_answer(i, fd);
        close(fd);
    }
}

static void the_same_when_every_byte_comes_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int fd = rig_connect(port), one = 1;

        if (requests[i].status == 0 || requests[i].closes) {
            close(fd); /* it may be answered before its end */
            continue;
        }
        setsockopt(fd, 6, 1, &one, sizeof(one)); /* TCP_NODELAY: a segment a byte */
        for (size_t k = 0; k < requests[i].len; k++)
            rig_send(fd, requests[i].data + k, 1);
        check_answer(i, fd);
        close(fd);
    }
}

static void error_bodies_are_google_rpc_status(void **state)
{
    struct otl_buf answer;
    Otlp__RpcStatus *status;
    const char *body;
    int fd = rig_connect(port);

    (void)state;
    otl_buf_init(&answer, 1 << 20);
    assert_int_equal(rig_post(fd, "", otl_view("\n\x05x", 3), &answer), 400);
    body = strstr(answer.data, "\r\n\r\n") + 4;
    status = otlp__rpc_status__unpack(NULL, answer.len - (size_t)(body - answer.data),
                                      (const uint8_t *)body);
    assert_non_null(status);
    assert_int_equal(status->code, 3);
    assert_true(status->message.len > 10);
    otlp__rpc_status__free_unpacked(status, NULL);
    otl_buf_fini(&answer);
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct otl_buf all, answer;
    int fd = rig_connect(port);

    (void)state;
    otl_buf_init(&all, 1 << 20);
    otl_buf_init(&answer, 1 << 20);
    for (int i = 0; i < 50; i++)
        assert_int_equal(otl_buf_append_str(&all, i % 2 ? "GET / HTTP/1.1\r\n" HOST "\r\n"
                                                        : POST "Content-Length: 0\r\n\r\n"),
                         OTEL_OK);
    rig_send(fd, all.data, all.len);
    for (int i = 0; i < 50; i++)
        assert_int_equal(rig_answer(fd, &answer), i % 2 ? 404 : 200);
    otl_buf_fini(&all);
    otl_buf_fini(&answer);
    close(fd);
}

/* size bytes of unknown fields, deflated; window as for deflateInit2. */
static size_t compress_zeros(size_t size, int window, uint8_t *out, size_t room)
{
    uint8_t *plain = otl_mem_alloc(size);
    z_stream stream;
    size_t len;

    assert_non_null(plain);
    for (size_t i = 0; i < size; i++)
        plain[i] = i % 2 ? 0 : 0x78; /* field 15, varint 0 */
    memset(&stream, 0, sizeof(stream));
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = plain;
    stream.avail_in = (unsigned)size;
    stream.next_out = out;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    len = room - stream.avail_out;
    deflateEnd(&stream);
    otl_mem_free(plain);
    return len;
}

/* The same by zstd. */
static size_t compress_zstd(size_t size, uint8_t *out, size_t room)
{
    uint8_t *plain = otl_mem_alloc(size);
    size_t len;

    assert_non_null(plain);
    for (size_t i = 0; i < size; i++)
        plain[i] = i % 2 ? 0 : 0x78;
    len = ZSTD_compress(out, room, plain, size, 3);
    assert_false(ZSTD_isError(len));
    otl_mem_free(plain);
    return len;
}

enum { BY_GZIP, BY_DEFLATE, BY_ZSTD, WAYS };

static size_t compress_by(int way, size_t size, uint8_t *out, size_t room)
{
    return way == BY_ZSTD ? compress_zstd(size, out, room)
                          : compress_zeros(size, way == BY_GZIP ? 15 + 16 : 15, out, room);
}

static void compressed_bodies_are_bounded_after_decompression(void **state)
{
    static const struct {
        size_t size;
        unsigned status;
    } cases[] = {{2, 200}, {99998, 200}, {100000, 200}, {100002, 400}, {50000000, 400}};
    static uint8_t out[200000];

    (void)state;
    for (size_t i = 0; i < WAYS * sizeof(cases) / sizeof(cases[0]); i++) {
        static const char *const headers[WAYS] = {"Content-Encoding: gzip\r\n",
                                                  "Content-Encoding: deflate\r\n",
                                                  "Content-Encoding: zstd\r\n"};
        const char *header = headers[i % WAYS];
        size_t len = compress_by((int)(i % WAYS), cases[i / WAYS].size, out, sizeof(out));
        int fd = rig_connect(port);

        assert_int_equal(rig_post(fd, header, otl_view((char *)out, len), NULL),
                         cases[i / WAYS].status);
        if (cases[i / WAYS].status == 200) { /* cut at a few places, and with something behind */
            for (size_t cut = 1; cut < len; cut += len / 7 + 1)
                assert_int_equal(rig_post(fd, header, otl_view((char *)out, len - cut), NULL), 400);
            out[len] = 'x';
            assert_int_equal(rig_post(fd, header, otl_view((char *)out, len + 1), NULL), 400);
        }
        close(fd);
    }
    /* two gzip members are one body, and two zstd frames */
    for (int way = BY_GZIP; way <= BY_ZSTD; way += 2) {
        size_t one = compress_by(way, 50, out, sizeof(out));
        size_t two = compress_by(way, 50, out + one, sizeof(out) - one);
        int fd = rig_connect(port);

        assert_int_equal(rig_post(fd, way == BY_GZIP ? "Content-Encoding: gzip\r\n"
                                                     : "Content-Encoding: zstd\r\n",
                                  otl_view((char *)out, one + two), NULL),
                         200);
        close(fd);
    }
}

static void a_body_that_outgrows_the_limit_is_told_so_while_it_still_comes(void **state)
{
    static const char head[] = POST "Transfer-Encoding: chunked\r\n\r\n200000\r\n";
    static char body[0x200000];
    struct otl_buf answer;
    int fd = rig_connect(port);

    (void)state;
    otl_buf_init(&answer, 1 << 20);
    rig_send(fd, head, sizeof(head) - 1);
    rig_send(fd, body, sizeof(body)); /* all of it, before looking at the answer */
    assert_int_equal(rig_answer(fd, &answer), 400);
    assert_non_null(memmem(answer.data, answer.len, "too large", 9));
    otl_buf_fini(&answer);
    close(fd);
}

static void heads_are_bounded(void **state)
{
    struct otl_buf head, answer;

    (void)state;
    otl_buf_init(&head, 1 << 20);
    otl_buf_init(&answer, 1 << 20);
    for (int way = 0; way < 3; way++) {
        int fd = rig_connect(port);

        otl_buf_reset(&head);
        assert_int_equal(otl_buf_append_str(&head, way == 0 ? "POST /" : POST), OTEL_OK);
        if (way == 1)
            assert_int_equal(otl_buf_append_str(&head, "X: "), OTEL_OK);
        for (int i = 0; i < (way == 2 ? 200 : 70000); i++)
            assert_int_equal(otl_buf_append_str(&head, way == 2 ? "A: b\r\n" : "a"), OTEL_OK);
        rig_send(fd, head.data, head.len);
        assert_int_equal(rig_answer(fd, &answer), 431);
        assert_true(rig_closed(fd));
        close(fd);
    }
    otl_buf_fini(&head);
    otl_buf_fini(&answer);
}

static void metrics_count_what_happened(void **state)
{
    static const char accepted[] =
        "otelcol_receiver_accepted_spans_total{receiver=\"otlp\",transport=\"http\"}";
    static const char bad[] = "collector_mock_requests_total{transport=\"http\",status=\"400\"}";
    double accepted_before = rig_metric(&rig, accepted), bad_before = rig_metric(&rig, bad);
    int fd = rig_connect(port);

    (void)state;
    assert_int_equal(rig_post(fd, "", otl_view(SPAN "\0", 6), NULL), 200);
    assert_int_equal(rig_post(fd, "", otl_view("", 0), NULL), 200);
    assert_int_equal(rig_post(fd, "", otl_view("x", 1), NULL), 400);
    close(fd);
    assert_int_equal((int)(rig_metric(&rig, accepted) - accepted_before), 1);
    assert_int_equal((int)(rig_metric(&rig, bad) - bad_before), 1);
    assert_true(rig_metric(&rig, "otelcol_process_uptime_total") > 0);
    assert_true(rig_metric(&rig, "otelcol_process_memory_rss") > 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_and_bodies_are_those_of_the_collector),
        cmocka_unit_test(the_same_when_every_byte_comes_alone),
        cmocka_unit_test(error_bodies_are_google_rpc_status),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(compressed_bodies_are_bounded_after_decompression),
        cmocka_unit_test(a_body_that_outgrows_the_limit_is_told_so_while_it_still_comes),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(metrics_count_what_happened),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
