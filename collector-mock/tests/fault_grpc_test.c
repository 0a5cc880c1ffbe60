/* SPDX-License-Identifier: Apache-2.0 */
/* Each fault on command over OTLP/gRPC, as an HTTP/2 client sees its frames. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ci/witness/otlp_pb.h"
#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/rig.h"
#include "sdk/base/clock.h"

static const char config[] =
    "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n";

enum { SPANS = 24 }; /* of the official request "groups" */

static struct rig rig;
static struct client client;
static struct otl_buf body, framed;
static struct ask ask;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    rig_config(&rig, config);
    rig_official("groups", &body);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(body.data, body.len));
    ask = (struct ask){.body = framed.data, .len = framed.len};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    otl_buf_fini(&body);
    otl_buf_fini(&framed);
    rig_fini(&rig);
    return 0;
}

static void join(void)
{
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
}

static uint64_t now(void)
{
    return otl_clock_mono(otl_clock_real());
}

/* Start with this fault, and make one call. */
static const struct call *call_under(const char *fault)
{
    char plan[200];

    snprintf(plan, sizeof(plan), "faults: [{at: 0s, %s, count: 1}]", fault);
    rig_start_faults(&rig, plan, 1);
    join();
    client_call(&client, &ask);
    return client.calls[0];
}

static double spans(const char *what)
{
    char series[120];

    snprintf(series, sizeof(series),
             "otelcol_receiver_%s_spans_total{receiver=\"otlp\",transport=\"grpc\"}", what);
    return rig_metric(&rig, series);
}

/* What the book says of the one hit; then a new connection is served as usual. */
static void check_book(const char *word)
{
    char series[120];

    snprintf(series, sizeof(series), "collector_mock_fault_requests_total{fault=\"%s\"}", word);
    assert_true(rig_metric(&rig, series) == 1);
    snprintf(series, sizeof(series), "\"kind\":\"%s\"", word);
    assert_int_equal(rig_recorded(&rig, series), 1);
    assert_int_equal(rig_recorded(&rig, "\"request\":1,"), 1);
    client_close(&client);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

static Otlp__ExportTraceServiceResponse *decode(const struct call *call)
{
    Otlp__ExportTraceServiceResponse *response;

    assert_true(call->body.len >= 5);
    response = otlp__export_trace_service_response__unpack(
        NULL, call->body.len - 5, (const uint8_t *)call->body.data + 5);
    assert_non_null(response);
    return response;
}

/* ---- before the pipeline ---- */

static void every_code_may_be_the_answer(void **state)
{
    char plan[4000] = "faults:\n";

    (void)state;
    for (unsigned code = 1; code <= 16; code++)
        snprintf(plan + strlen(plan), sizeof(plan) - strlen(plan),
                 " - {at: 0s, fault: status, code: %u, count: 1}\n"
                 " - {at: 0s, fault: status, code: %u, retry_after: %us, count: 1}\n",
                 code, code, code);
    rig_start_faults(&rig, plan, 32);
    join();
    for (int code = 1; code <= 16; code++) {
        assert_int_equal(client_call(&client, &ask), code);
        assert_string_equal(client.calls[client.count - 1]->details, "");
        assert_int_equal(client_call(&client, &ask), code);
        assert_true(strlen(client.calls[client.count - 1]->details) > 60); /* RetryInfo */
    }
    assert_int_equal(client_call(&client, &ask), 0);
    assert_true(spans("accepted") == SPANS);
    assert_true(spans("refused") == 32 * SPANS);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

static void rst_stream_ends_one_stream_alone(void **state)
{
    const struct call *call;

    (void)state;
    call = call_under("fault: rst_stream, error_code: 7");
    assert_true(call->closed);
    assert_int_equal(call->reset, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(call->http_status, 0);
    assert_int_equal(client_call(&client, &ask), 0); /* on the same connection */
    assert_false(client.dead);
    check_book("rst_stream");
}

static void goaway_leaves_the_request_out(void **state)
{
    const struct call *call;

    (void)state;
    rig_start_control(&rig);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"goaway\",\"count\":1}");
    rig_metric_until(&rig, "collector_mock_faults_active", 1);
    client_call(&client, &ask);
    assert_true(client_until(&client, &client.dead)); /* then it is closed */
    call = client.calls[1];
    assert_int_equal(client.goaways, 1);
    assert_int_equal(client.goaway_last, client.calls[0]->id);
    assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(call->code, -1);
    assert_true(spans("accepted") == SPANS);
    client_close(&client);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    assert_int_equal(rig_recorded(&rig, "\"kind\":\"goaway\""), 1);
    assert_int_equal(rig_recorded(&rig, "\"request\":2,"), 1);
    assert_int_equal(rig_stop(&rig), 0);
}

static void half_open_is_a_connection_that_says_nothing(void **state)
{
    static struct client other;

    (void)state;
    rig_start_control(&rig);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"half_open\",\"count\":1}");
    rig_metric_until(&rig, "collector_mock_faults_active", 1);
    join();
    client_ask(&client, &ask);
    while (rig_metric(&rig, "collector_mock_fault_held") < 1)
        client_turn(&client);
    client_ask(&client, &ask); /* on the same connection: not read */
    client_turn(&client);
    client_open(&other, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&other, &ask), 0); /* the others go on */
    client_close(&other);
    client_turn(&client);
    assert_false(client.calls[0]->closed);
    assert_false(client.calls[1]->closed);
    assert_false(client.dead);
    rig_command(&rig, "{\"do\":\"end\",\"id\":1}");
    assert_true(client_until(&client, &client.dead)); /* reset, when it is over */
    assert_true(spans("accepted") == SPANS);
    check_book("half_open");
}

static void memory_pressure_and_a_full_disk_are_unavailable(void **state)
{
    (void)state;
    assert_int_equal(call_under("fault: memory_pressure")->code, 14);
    assert_string_equal(client.calls[0]->text, "data refused due to high memory usage");
    assert_string_equal(client.calls[0]->details, "");
    check_book("memory_pressure");
    assert_int_equal(call_under("fault: disk_full")->code, 14);
    assert_non_null(strstr(client.calls[0]->text, "No space left on device"));
    check_book("disk_full");
}

/* ---- behind it ---- */

static void partial_success_says_how_many(void **state)
{
    Otlp__ExportTraceServiceResponse *response;
    const struct call *call;

    (void)state;
    call = call_under("fault: partial_success, rejected: 7");
    assert_int_equal(call->code, 0);
    response = decode(call);
    assert_int_equal(response->partial_success->rejected_spans, 7);
    otlp__export_trace_service_response__free_unpacked(response, NULL);
    assert_true(spans("accepted") == SPANS - 7);
    assert_true(spans("refused") == 7);
    check_book("partial_success");
}

static void a_truncated_answer_has_no_status(void **state)
{
    const struct call *call;
    size_t announced;

    (void)state;
    call = call_under("fault: truncated_answer");
    assert_true(call->closed);
    assert_int_equal(call->http_status, 200);
    assert_int_equal(call->code, -1);
    assert_true(call->body.len > 5);
    announced = (size_t)(uint8_t)call->body.data[4];
    assert_true(call->body.len - 5 < announced);
    assert_false(client.dead);
    check_book("truncated_answer");
}

static void corrupt_gzip_is_said_to_be_gzip(void **state)
{
    const struct call *call;

    (void)state;
    call = call_under("fault: corrupt_gzip");
    assert_int_equal(call->code, 0);
    assert_int_equal(call->body.data[0], 1);
    assert_memory_equal(call->body.data + 5, "\x1f\x8b\x08", 3);
    assert_string_equal(call->encoding, "gzip");
    check_book("corrupt_gzip");
}

static void a_wrong_content_type_is_html(void **state)
{
    const struct call *call;

    (void)state;
    call = call_under("fault: wrong_content_type");
    assert_int_equal(call->http_status, 200);
    assert_int_equal(call->code, -1);
    assert_string_equal(call->type, "text/html");
    assert_memory_equal(call->body.data, "<!DOCTYPE html>", 15);
    check_book("wrong_content_type");
}

static void an_oversized_answer_is_a_good_one_of_that_size(void **state)
{
    Otlp__ExportTraceServiceResponse *response;

    (void)state;
    response = decode(call_under("fault: oversized_answer, size: 1000000"));
    assert_int_equal(client.calls[0]->code, 0);
    assert_int_equal(response->partial_success->error_message.len, 1000000);
    otlp__export_trace_service_response__free_unpacked(response, NULL);
    check_book("oversized_answer");
}

static void a_slow_answer_comes_a_few_bytes_at_a_time(void **state)
{
    uint64_t began;

    (void)state;
    rig_start_faults(&rig, "faults: [{at: 0s, fault: slow_answer, rate: 100, count: 1}]", 1);
    join();
    began = now();
    assert_int_equal(client_call(&client, &ask), 0);
    assert_true(now() - began >= 200 * OTL_NS_PER_MS); /* about 80 bytes */
    check_book("slow_answer");
}

static void a_duplicate_goes_to_the_pipeline_twice(void **state)
{
    (void)state;
    assert_int_equal(call_under("fault: duplicate")->code, 0);
    assert_true(spans("accepted") == 2 * SPANS);
    check_book("duplicate");
}

/* ---- connections ---- */

static void accept_stall_reads_nothing_until_it_is_over(void **state)
{
    static struct client other;

    (void)state;
    rig_start_control(&rig);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"accept_stall\",\"count\":1}");
    rig_metric_until(&rig, "collector_mock_faults_active", 1);
    join();
    client_ask(&client, &ask);
    client_turn(&client);
    rig_metric_until(&rig, "collector_mock_fault_hit_connections_total{fault=\"accept_stall\"}", 1);
    client_open(&other, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&other, &ask), 0);
    client_close(&other);
    client_turn(&client);
    assert_false(client.calls[0]->closed);
    rig_command(&rig, "{\"do\":\"end\",\"id\":1}");
    client_wait_all(&client);
    assert_int_equal(client.calls[0]->code, 0); /* now it was read */
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

static void slow_read_takes_its_time(void **state)
{
    uint64_t began;

    (void)state;
    rig_start_control(&rig);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"slow_read\",\"rate\":2000}");
    rig_metric_until(&rig, "collector_mock_fault_hit_connections_total{fault=\"slow_read\"}", 1);
    began = now();
    assert_int_equal(client_call(&client, &ask), 0);
    assert_true(now() - began >= body.len * OTL_NS_PER_S / 2000 / 2);
    rig_command(&rig, "{\"do\":\"end\",\"id\":1}");
    for (int i = 0; i < 20; i++) /* fast again: else it would take 20 s */
        client_ask(&client, &ask);
    client_wait_all(&client);
    assert_int_equal(client.calls[21]->code, 0);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

static void a_restart_ends_connections_in_order(void **state)
{
    (void)state;
    rig_start_control(&rig);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"restart\",\"for\":\"24h\"}");
    assert_true(client_until(&client, &client.dead));
    assert_true(client.goaways >= 1);
    assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(client.goaway_last, client.calls[0]->id);
    client_close(&client);
    rig_command(&rig, "{\"do\":\"end\",\"id\":1}");
    rig_metric_until(&rig, "collector_mock_fault_connections_total", 1);
    while (rig_metric(&rig, "collector_mock_faults_active") > 0)
        continue;
    assert_int_equal(rig_recorded_as(&rig, "begin", "\"kind\":\"restart\""), 1);
    assert_int_equal(rig_recorded(&rig, "\"request\":0,\"connection\":1,"), 1);
    assert_int_equal(rig_recorded_as(&rig, "end", "\"connections\":1}"), 1);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_code_may_be_the_answer),
        TEST(rst_stream_ends_one_stream_alone),
        TEST(goaway_leaves_the_request_out),
        TEST(half_open_is_a_connection_that_says_nothing),
        TEST(memory_pressure_and_a_full_disk_are_unavailable),
        TEST(partial_success_says_how_many),
        TEST(a_truncated_answer_has_no_status),
        TEST(corrupt_gzip_is_said_to_be_gzip),
        TEST(a_wrong_content_type_is_html),
        TEST(an_oversized_answer_is_a_good_one_of_that_size),
        TEST(a_slow_answer_comes_a_few_bytes_at_a_time),
        TEST(a_duplicate_goes_to_the_pipeline_twice),
        TEST(accept_stall_reads_nothing_until_it_is_over),
        TEST(slow_read_takes_its_time),
        TEST(a_restart_ends_connections_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
