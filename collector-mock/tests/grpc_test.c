/* SPDX-License-Identifier: Apache-2.0 */
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

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/rig.h"

/* OTLP/gRPC against the program: codes, texts, the tap, the end. */

static const char config[] =
    "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {file: {path: DIR/out.json}}\n"
    "service:\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [file]}}\n"
    "  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}"
    "]}}\n";

static struct rig rig;
static struct client client;
static struct otl_buf full;   /* an official request of several spans */
static struct otl_buf framed; /* it, as a gRPC message */

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_official("full", &full);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(full.data, full.len));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&full);
    otl_buf_fini(&framed);
    return 0;
}

static void begin(const char *yaml)
{
    rig_config(&rig, yaml);
    rig_start(&rig, NULL);
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
}

static void gzip(struct otl_view bytes, struct otl_buf *out)
{
    z_stream stream;

    memset(&stream, 0, sizeof(stream));
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(otl_buf_reserve(out, deflateBound(&stream, bytes.len)), OTEL_OK);
    stream.next_in = (unsigned char *)(uintptr_t)bytes.data;
    stream.avail_in = (unsigned)bytes.len;
    stream.next_out = (unsigned char *)out->data + out->len;
    stream.avail_out = (unsigned)deflateBound(&stream, bytes.len);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->len += stream.total_out;
    deflateEnd(&stream);
}

static void zstd(struct otl_view bytes, struct otl_buf *out)
{
    size_t room = ZSTD_compressBound(bytes.len), len;

    assert_int_equal(otl_buf_reserve(out, room), OTEL_OK);
    len = ZSTD_compress(out->data + out->len, room, bytes.data, bytes.len, 1);
    assert_false(ZSTD_isError(len));
    out->len += len;
}

/* Answers in the tap with this status, and spans in requests that have them. */
static void read_tap(uint32_t status, size_t *ret_answers, uint64_t *ret_spans)
{
    uint64_t spans[4096] = {0};
    struct col_tap_reader reader;
    struct col_tap_record record;

    *ret_answers = 0;
    *ret_spans = 0;
    assert_int_equal(col_tap_open(rig.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        if (record.type == COL_TAP_START)
            continue;
        assert_int_equal(record.transport, COL_TAP_GRPC);
        assert_true(record.request < 4096);
        if (record.type == COL_TAP_REQUEST)
            spans[record.request] = record.spans;
        else if (record.status == status) {
            ++*ret_answers;
            *ret_spans += spans[record.request];
        }
    }
    assert_false(reader.torn || reader.damaged);
    col_tap_close(&reader);
}

static void good_requests_are_acknowledged_and_recorded(void **state)
{
    struct ask ask = {.body = framed.data, .len = framed.len};
    struct otl_buf packed, body;
    struct call *call;
    uint64_t spans;
    size_t answers;

    (void)state;
    begin(config);
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_int_equal(call->http_status, 200);
    assert_int_equal(call->code, 0);
    assert_true(call->in_trailers);
    assert_int_equal(call->body.len, 5); /* an ExportTraceServiceResponse without a byte */
    assert_memory_equal(call->body.data, "\0\0\0\0\0", 5);
    ask.type = "application/grpc+proto";
    ask.timeout = "10S";
    assert_int_equal(client_call(&client, &ask), 0);
    otl_buf_init(&packed, 1 << 20);
    otl_buf_init(&body, 1 << 20);
    gzip(otl_view(full.data, full.len), &packed);
    put_message(&body, 1, otl_view(packed.data, packed.len));
    ask = (struct ask){.encoding = "gzip", .body = body.data, .len = body.len};
    assert_int_equal(client_call(&client, &ask), 0);
    ask = (struct ask){.encoding = "gzip", .body = framed.data, .len = framed.len};
    assert_int_equal(client_call(&client, &ask), 0); /* not compressed, and it says so */
    ask = (struct ask){.body = "\0\0\0\0\0", .len = 5};
    assert_int_equal(client_call(&client, &ask), 0); /* no span: success */
    client_close(&client);
    assert_true(rig_metric(&rig, "collector_mock_requests_total"
                                 "{transport=\"grpc\",status=\"0\"}") == 5);
    assert_int_equal(rig_stop(&rig), 0);
    read_tap(0, &answers, &spans);
    assert_int_equal(answers, 5);
    assert_true(spans > 0 && spans % 4 == 0);
    otl_buf_fini(&packed);
    otl_buf_fini(&body);
}

struct wrong {
    struct ask ask;
    unsigned http_status;
    int code;
    const char *text;
};

#define PATH "/opentelemetry.proto.collector.trace.v1.TraceService/"
#define METRICS "opentelemetry.proto.collector.metrics.v1.MetricsService"

static void wrong_requests_are_told_the_collectors_codes(void **state)
{
    static const struct wrong cases[] = {
        {{.path = "/" METRICS "/Export"}, 200, 12, "unknown service " METRICS},
        {{.path = PATH "Import"},
         200, 12,
         "unknown method Import for service opentelemetry.proto.collector.trace.v1.TraceService"},
        {{.path = "/Export"}, 200, 12, "malformed method name: \"/Export\""},
        {{.path = "/"}, 200, 12, "malformed method name: \"/\""},
        {{.method = "GET"}, 405, 13,
         "Received a HEADERS frame with :method \"GET\" which should be POST"},
        {{.type = "application/json"}, 415, 3,
         "invalid gRPC request content-type \"application/json\""},
        {{.type = "application/grpc-web"}, 415, 3,
         "invalid gRPC request content-type \"application/grpc-web\""},
        {{.type = "application/grpc+json"}, 415, 3,
         "invalid gRPC request content-type \"application/grpc+json\""},
        {{.type = ""}, 415, 3, "invalid gRPC request content-type \"\""},
        {{.encoding = "snappy"}, 200, 12,
         "grpc: Decompressor is not installed for grpc-encoding \"snappy\""},
        {{.timeout = "10"}, 400, 13, "malformed grpc-timeout: \"10\""},
        {{.timeout = "S"}, 400, 13, "malformed grpc-timeout: \"S\""},
        {{.timeout = "1x"}, 400, 13, "malformed grpc-timeout: \"1x\""},
        {{.timeout = "123456789S"}, 400, 13, "malformed grpc-timeout: \"123456789S\""},
        {{.timeout = "-1S"}, 400, 13, "malformed grpc-timeout: \"-1S\""},
        {{.timeout = "1n"}, 200, 4, "context deadline exceeded"},
        {{.body = "", .len = 0}, 200, 13, "the request has no message"},
        {{.bare = true}, 200, 13, "the request has no message"},
        {{.body = "\0\0\0", .len = 3}, 200, 13, "unexpected EOF"},
        {{.body = "\0\0\0\0\5abcd", .len = 9}, 200, 13, "unexpected EOF"},
        {{.body = "\0\0\0\0\1a\0\0\0\0\0", .len = 11}, 200, 13,
         "more than one message in a unary request"},
        {{.body = "\2\0\0\0\1a", .len = 6}, 200, 13,
         "grpc: received unexpected payload format 2"},
        {{.body = "\1\0\0\0\1a", .len = 6}, 200, 13,
         "grpc: compressed flag set with identity or empty encoding"},
        {{.encoding = "identity", .body = "\1\0\0\0\1a", .len = 6}, 200, 13,
         "grpc: compressed flag set with identity or empty encoding"},
        {{.encoding = "gzip", .body = "\1\0\0\0\1a", .len = 6}, 200, 13,
         "grpc: failed to decompress the received message: the compressed body is truncated"},
        {{.body = "\0\0\100\0\1", .len = 5}, 200, 8,
         "grpc: received message larger than max (4194305 vs. 4194304)"},
        {{.body = "\0\377\377\377\377", .len = 5}, 200, 8,
         "grpc: received message larger than max (4294967295 vs. 4194304)"},
        {{.body = "\0\0\0\0\2\12\177", .len = 7}, 200, 13, "grpc: error unmarshalling request: "},
        {{.body = "\0\0\0\0\3\12\1\377", .len = 8}, 200, 13,
         "grpc: error unmarshalling request: "},
    };

    (void)state;
    begin(config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ask ask = cases[i].ask;
        struct call *call;

        if (ask.body == NULL && !ask.bare) {
            ask.body = framed.data;
            ask.len = framed.len;
        }
        call = client_ask(&client, &ask);
        client_wait(&client, call);
        if (call->http_status != cases[i].http_status || call->code != cases[i].code ||
            strncmp(call->text, cases[i].text, strlen(cases[i].text)) != 0)
            fail_msg("case %zu: %u, %d, \"%s\"; expected %u, %d, \"%s\"", i, call->http_status,
                     call->code, call->text, cases[i].http_status, cases[i].code, cases[i].text);
        assert_false(call->in_trailers);
        assert_string_equal(call->accept, call->code == 12 ? "identity,gzip,zstd" : "");
        /* the connection still serves */
        ask = (struct ask){.body = framed.data, .len = framed.len};
        assert_int_equal(client_call(&client, &ask), 0);
    }
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

static void sizes_are_limited_before_and_after_decompression(void **state)
{
    static const char one_mib[] =
        "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0', max_recv_msg_size_mib: 1,\n"
        "                                      max_concurrent_streams: 7}}}}\n"
        "exporters: {nop: }\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n";
    size_t over = (1u << 20) + 1;
    char *zeroes = calloc(1, over);
    struct otl_buf packed, body;
    struct call *call;
    struct ask ask;

    (void)state;
    assert_non_null(zeroes);
    begin(one_mib);
    otl_buf_init(&packed, 1 << 22);
    otl_buf_init(&body, 1 << 22);
    put_message(&body, 0, otl_view(zeroes, over));
    ask = (struct ask){.body = body.data, .len = body.len};
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_int_equal(call->code, 8);
    assert_string_equal(call->text, "grpc: received message larger than max (1048577 vs. 1048576)");
    assert_int_equal(client.max_streams, 7);
    assert_int_equal(client.window, 1 << 20);
    for (size_t i = 0; i < 2; i++) {
        otl_buf_reset(&packed);
        (i == 0 ? gzip : zstd)(otl_view(zeroes, over), &packed);
        otl_buf_reset(&body);
        put_message(&body, 1, otl_view(packed.data, packed.len));
        ask = (struct ask){
            .encoding = i == 0 ? "gzip" : "zstd", .body = body.data, .len = body.len};
        call = client_ask(&client, &ask);
        client_wait(&client, call);
        assert_int_equal(call->code, 8);
        assert_string_equal(
            call->text,
            "grpc: received message after decompression larger than max (1048577 vs. 1048576)");
    }
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
    otl_buf_fini(&packed);
    otl_buf_fini(&body);
    free(zeroes);
}

/* A request of about len bytes: full, and an unknown field that is stepped over. */
static void pad(size_t len, struct otl_buf *out)
{
    size_t filler = len - full.len - 6;
    uint8_t head[6] = {0xfa, 0x06}; /* field 111, bytes; then a length of four bytes */
    struct otl_buf message;

    otl_buf_init(&message, len + 64);
    for (unsigned i = 0; i < 4; i++)
        head[2 + i] = (uint8_t)((filler >> (7 * i) & 0x7f) | (i < 3 ? 0x80 : 0));
    assert_int_equal(otl_buf_append(&message, full.data, full.len), OTEL_OK);
    assert_int_equal(otl_buf_append(&message, head, sizeof(head)), OTEL_OK);
    assert_int_equal(otl_buf_reserve(&message, filler), OTEL_OK);
    memset(message.data + message.len, 0, filler);
    message.len += filler;
    otl_buf_init(out, message.len + 64);
    put_message(out, 0, otl_view(message.data, message.len));
    otl_buf_fini(&message);
}

static void messages_beyond_a_window_arrive(void **state)
{
    static const size_t sizes[] = {65535, 65536, (1u << 20) - 5, (1u << 20) - 4, 4194304};
    struct otl_buf body;
    uint64_t spans;
    size_t answers;

    (void)state;
    begin(config);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct ask ask;
        pad(sizes[i], &body);
        ask = (struct ask){.body = body.data, .len = body.len};
        assert_int_equal(client_call(&client, &ask), 0);
        otl_buf_fini(&body);
    }
    pad(3000000, &body);
    for (size_t i = 0; i < 8; i++) { /* at once, more than the connection's window */
        struct ask ask = {.body = body.data, .len = body.len};
        client_ask(&client, &ask);
    }
    client_wait_all(&client);
    for (size_t i = 0; i < client.count; i++)
        assert_int_equal(client.calls[i]->code, 0);
    otl_buf_fini(&body);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
    read_tap(0, &answers, &spans);
    assert_int_equal(answers, 13);
}

static void many_streams_at_once_are_all_answered(void **state)
{
    struct ask ask = {.body = framed.data, .len = framed.len};
    uint64_t spans;
    size_t answers;

    (void)state;
    begin(config);
    for (size_t i = 0; i < 2000; i++)
        client_ask(&client, &ask);
    client_wait_all(&client);
    for (size_t i = 0; i < client.count; i++)
        assert_int_equal(client.calls[i]->code, 0);
    assert_int_equal(client.max_streams, 1000);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
    read_tap(0, &answers, &spans);
    assert_int_equal(answers, 2000);
}

static void failing_pipelines_are_told_apart(void **state)
{
    static const char limited[] =
        "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
        "processors: {memory_limiter: {check_interval: 10ms, limit_mib: 1, spike_limit_mib: 0}}\n"
        "exporters: {nop: }\n"
        "service: {pipelines: {traces: {receivers: [otlp], processors: [memory_limiter],\n"
        "                               exporters: [nop]}}}\n";
    struct ask ask = {.body = framed.data, .len = framed.len};
    uint64_t spans;
    size_t answers = 0;

    (void)state;
    begin(limited);
    while (client_call(&client, &ask) == 0) /* the limiter changes its mind at its ticks */
        assert_true(client.count < CALLS_MAX);
    assert_int_equal(client.calls[client.count - 1]->code, 14);
    assert_true(strlen(client.calls[client.count - 1]->text) > 0);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
    read_tap(14, &answers, &spans);
    assert_int_equal(answers, 1);
}

static void what_cannot_be_recorded_is_unavailable(void **state)
{
    struct ask ask = {.body = framed.data, .len = framed.len};
    int code = 0;

    (void)state;
    rig.file_limit = 64 + 3 * full.len;
    begin("receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
          "exporters: {nop: }\n"
          "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n");
    for (int i = 0; i < 10 && code == 0; i++)
        code = client_call(&client, &ask);
    assert_int_equal(code, 14);
    assert_non_null(strstr(client.calls[client.count - 1]->text, "cannot record the request"));
    client_close(&client);
    rig_kill(&rig);
    rig.file_limit = 0;
}

/* Every answer that the client has stands in the tap, and behind the pipeline. */
static void nothing_accepted_is_lost_when_it_is_told_to_stop_under_load(void **state)
{
    struct ask ask = {.body = framed.data, .len = framed.len};
    size_t accepted = 0, answers, lines = 0;
    struct otl_buf out;
    uint64_t spans;
    char path[128];

    (void)state;
    begin(config);
    for (size_t i = 0; i < 300; i++)
        client_ask(&client, &ask);
    client_wait(&client, client.calls[20]);
    assert_int_equal(kill(rig.pid, SIGTERM), 0);
    for (size_t i = 0; i < 1500 && !client.dead && client.goaways == 0; i++) {
        client_ask(&client, &ask);
        client_turn(&client);
    }
    while (!client.dead) /* until the server has closed */
        client_until(&client, &client.dead);
    for (size_t i = 0; i < client.count; i++)
        accepted += client.calls[i]->code == 0;
    assert_true(client.goaways >= 1);
    assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
    assert_true(accepted >= 300);
    /* what lies above the last GOAWAY was not looked at */
    for (size_t i = 0; i < client.count; i++)
        if (client.calls[i]->id <= client.goaway_last)
            assert_int_equal(client.calls[i]->code, 0);
    client_close(&client);
    assert_int_equal(rig_wait(&rig), 0);
    read_tap(0, &answers, &spans);
    assert_int_equal(answers, accepted);
    snprintf(path, sizeof(path), "%s/out.json", rig.dir);
    rig_read(path, &out);
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    assert_int_equal(lines, accepted);
    otl_buf_fini(&out);
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    struct ask ask = {.body = framed.data, .len = framed.len};
    size_t accepted = 0, requests = 0;
    struct col_tap_reader reader;
    struct col_tap_record record;

    (void)state;
    begin(config);
    for (size_t i = 0; i < 500; i++)
        client_ask(&client, &ask);
    client_wait(&client, client.calls[100]);
    rig_kill(&rig);
    while (!client.dead)
        client_until(&client, &client.dead);
    for (size_t i = 0; i < client.count; i++)
        accepted += client.calls[i]->code == 0;
    client_close(&client);
    assert_int_equal(col_tap_open(rig.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record))
        requests += record.type == COL_TAP_REQUEST;
    col_tap_close(&reader);
    assert_true(accepted > 100);
    assert_true(requests >= accepted);
}

static void other_protocols_are_closed(void **state)
{
    static const char *const said[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                       "\26\3\1\2\0\1\0\1\374\3\3aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                       "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\naaaaaaaaaaaaaaaa"};

    (void)state;
    begin(config);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        int fd = rig_connect(rig_port(&rig, "otlp/grpc"));
        char sink[512];
        ssize_t got;

        rig_send(fd, said[i], strlen(said[i]));
        do
            got = recv(fd, sink, sizeof(sink), 0);
        while (got > 0);
        close(fd);
    }
    assert_true(rig_metric(&rig, "collector_mock_grpc_connections_broken_total"
                                 "{receiver=\"otlp\"}") == 3);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(good_requests_are_acknowledged_and_recorded),
        TEST(wrong_requests_are_told_the_collectors_codes),
        TEST(sizes_are_limited_before_and_after_decompression),
        TEST(messages_beyond_a_window_arrive),
        TEST(many_streams_at_once_are_all_answered),
        TEST(failing_pipelines_are_told_apart),
        TEST(what_cannot_be_recorded_is_unavailable),
        TEST(nothing_accepted_is_lost_when_it_is_told_to_stop_under_load),
        TEST(what_was_acknowledged_survives_a_kill),
        TEST(other_protocols_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
