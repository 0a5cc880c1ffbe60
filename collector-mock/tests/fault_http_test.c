/* SPDX-License-Identifier: Apache-2.0 */
/* Each fault on command over OTLP/HTTP, as a raw socket sees it, and what is said of it. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "ci/witness/otlp_pb.h"
#include "collector-mock/tests/lone.h"
#include "sdk/base/clock.h"

static const char config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n";

static const char one_span[] =
    "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
    "Content-Length: 6\r\n\r\n\n\x04\x12\x02\x12\0";

static int setup(void **state)
{
    int failed = lone_setup(state);

    rig_config(&lone, config);
    return failed;
}

static int join(void)
{
    return rig_connect(rig_port(&lone, "otlp/http"));
}

static uint64_t now(void)
{
    return otl_clock_mono(otl_clock_real());
}

static double hits(const char *word)
{
    char series[120];

    snprintf(series, sizeof(series), "collector_mock_fault_requests_total{fault=\"%s\"}", word);
    return rig_metric(&lone, series);
}

static double spans(const char *what)
{
    char series[120];

    snprintf(series, sizeof(series),
             "otelcol_receiver_%s_spans_total{receiver=\"otlp\",transport=\"http\"}", what);
    return rig_metric(&lone, series);
}

/* What the book says of one hit by the fault, then the next request is served as usual. */
static void check_book(const char *word)
{
    char text[80];

    assert_true(hits(word) == 1);
    snprintf(text, sizeof(text), "\"kind\":\"%s\"", word);
    assert_int_equal(rig_recorded(&lone, text), 1);
    assert_int_equal(rig_recorded(&lone, "\"request\":1,"), 1);
    assert_int_equal(lone_post(""), 200);
    assert_int_equal(rig_stop(&lone), 0);
}

static struct otl_view answer_body(void)
{
    const char *end = strstr(lone_answer.data, "\r\n\r\n");

    assert_non_null(end);
    return otl_view(end + 4, lone_answer.len - (size_t)(end + 4 - lone_answer.data));
}

static Otlp__ExportTraceServiceResponse *decode(void)
{
    struct otl_view message = answer_body();
    Otlp__ExportTraceServiceResponse *response = otlp__export_trace_service_response__unpack(
        NULL, message.len, (const uint8_t *)message.data);

    assert_non_null(response);
    return response;
}

/* ---- before the pipeline ---- */

static void faults_with_a_count_are_a_queue(void **state)
{
    (void)state;
    rig_start_faults(&lone,
                     "faults:\n"
                     "  - {at: 0s, fault: status, status: 503, count: 2}\n"
                     "  - {at: 0s, fault: status, code: 8, retry_after: 7s, count: 1}\n"
                     "  - {at: 0s, fault: rst_stream, count: 1}\n",
                     3);
    assert_int_equal(lone_post(""), 503);
    assert_null(strstr(lone_answer.data, "Retry-After"));
    assert_int_equal(lone_post(""), 503);
    assert_int_equal(lone_post(""), 429);
    assert_non_null(strstr(lone_answer.data, "Retry-After: 7\r\n"));
    assert_int_equal(lone_post(""), 0);
    assert_int_equal(lone_post(""), 200);
    assert_int_equal(rig_recorded(&lone, "\"fault\":0,"), 2);
    assert_int_equal(rig_recorded(&lone, "\"fault\":1,"), 1);
    assert_int_equal(rig_recorded(&lone, "\"fault\":2,\"kind\":\"rst_stream\""), 1);
    assert_int_equal(rig_recorded(&lone, "\"request\":4,"), 1);
    rig_metric_until(&lone, "collector_mock_fault_spans_total{fault=\"status\"}", 3 * LONE_SPANS);
    assert_true(spans("accepted") == LONE_SPANS);
    assert_true(spans("refused") == 4 * LONE_SPANS);
    assert_int_equal(rig_stop(&lone), 0);
}

static void every_status_may_be_the_answer(void **state)
{
    static const unsigned codes[17] = {0,   503, 500, 400, 503, 500, 500, 403, 429,
                                       500, 503, 503, 404, 500, 503, 503, 401};
    char plan[16000] = "faults:\n";

    (void)state;
    for (unsigned status = 400; status < 600; status++)
        snprintf(plan + strlen(plan), sizeof(plan) - strlen(plan),
                 " - {at: 0s, fault: status, status: %u, count: 1}\n", status);
    for (unsigned code = 1; code <= 16; code++)
        snprintf(plan + strlen(plan), sizeof(plan) - strlen(plan),
                 " - {at: 0s, fault: status, code: %u, count: 1}\n", code);
    rig_start_faults(&lone, plan, 216);
    for (unsigned status = 400; status < 600; status++)
        assert_int_equal(lone_post(""), status);
    for (unsigned code = 1; code <= 16; code++)
        assert_int_equal(lone_post(""), codes[code]);
    assert_int_equal(lone_post(""), 200);
    assert_int_equal(rig_stop(&lone), 0);
}

static void retry_after_may_be_a_date(void **state)
{
    struct tm parts;
    time_t then;
    char *text;

    (void)state;
    rig_start_faults(&lone,
                     "faults: [{at: 0s, fault: status, status: 429, retry_after: 30s,\n"
                     "          retry_after_as: date, count: 1}]",
                     1);
    memset(&parts, 0, sizeof(parts));
    then = time(NULL) + 30;
    assert_int_equal(lone_post(""), 429);
    text = strstr(lone_answer.data, "Retry-After: ");
    assert_non_null(text);
    text = strptime(text + 13, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    assert_non_null(text);
    assert_int_equal(*text, '\r');
    assert_true(timegm(&parts) >= then);
    assert_true(timegm(&parts) <= time(NULL) + 31);
    check_book("status");
}

static void rst_stream_resets_the_connection(void **state)
{
    char byte;
    int fd;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: rst_stream, count: 1}]", 1);
    fd = join();
    assert_int_equal(lone_post_on(fd, ""), 0);
    assert_int_equal(lone_answer.len, 0);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    check_book("rst_stream");
}

static void goaway_closes_without_a_word(void **state)
{
    char byte;
    int fd;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: goaway, count: 1}]", 1);
    fd = join();
    assert_int_equal(lone_post_on(fd, ""), 0);
    assert_int_equal(lone_answer.len, 0);
    assert_int_equal(recv(fd, &byte, 1, 0), 0); /* an end, no reset */
    close(fd);
    check_book("goaway");
}

static void half_open_says_nothing_until_it_is_over(void **state)
{
    char byte;
    int fd;

    (void)state;
    rig_start_control(&lone);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":3,\"kind\":\"half_open\",\"count\":1}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    fd = join();
    rig_send(fd, one_span, sizeof(one_span) - 1);
    rig_metric_until(&lone, "collector_mock_fault_held", 1);
    assert_int_equal(lone_post(""), 200); /* the others go on */
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    rig_command(&lone, "{\"do\":\"end\",\"id\":3}");
    assert_true(rig_closed(fd));
    close(fd);
    check_book("half_open");
}

static void memory_pressure_refuses_as_the_limiter_does(void **state)
{
    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: memory_pressure, count: 1}]", 1);
    assert_int_equal(lone_post(""), 503);
    assert_null(strstr(lone_answer.data, "Retry-After"));
    assert_non_null(memmem(lone_answer.data, lone_answer.len, "high memory usage", 17));
    check_book("memory_pressure");
}

static void a_full_disk_leaves_no_trace_in_the_tap(void **state)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    size_t requests = 0;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: disk_full, count: 1}]", 1);
    assert_int_equal(lone_post(""), 503);
    assert_non_null(memmem(lone_answer.data, lone_answer.len, "No space left on device", 23));
    assert_true(spans("failed") == LONE_SPANS);
    check_book("disk_full");
    assert_int_equal(col_tap_open(lone.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record))
        requests += record.type == COL_TAP_REQUEST;
    assert_int_equal(requests, 1); /* the second one */
    col_tap_close(&reader);
}

/* ---- behind it ---- */

static void a_delay_is_drawn_from_its_law(void **state)
{
    (void)state;
    rig_start_faults(&lone,
                     "faults:\n"
                     "  - {at: 0s, fault: delay, delay: 30ms, delay_max: 60ms,\n"
                     "     distribution: uniform, count: 5}\n"
                     "  - {at: 0s, fault: delay, delay: 10ms, delay_max: 20ms,\n"
                     "     distribution: exponential, count: 5}\n",
                     2);
    for (int i = 0; i < 10; i++) {
        uint64_t began = now();
        assert_int_equal(lone_post(""), 200);
        if (i < 5)
            assert_true(now() - began >= 29 * OTL_NS_PER_MS);
    }
    assert_true(hits("delay") == 10);
    assert_int_equal(rig_stop(&lone), 0);
}

static void partial_success_rejects_the_last_spans(void **state)
{
    Otlp__ExportTraceServiceResponse *response;
    struct col_tap_reader reader;
    struct col_tap_record record;
    uint64_t rejected = 0;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: partial_success, rejected: 5, count: 1}]", 1);
    assert_int_equal(lone_post(""), 200);
    response = decode();
    assert_int_equal(response->partial_success->rejected_spans, 5);
    assert_int_equal(response->partial_success->error_message.len, 19);
    otlp__export_trace_service_response__free_unpacked(response, NULL);
    assert_true(spans("accepted") == LONE_SPANS - 5);
    assert_true(spans("refused") == 5);
    check_book("partial_success");
    assert_int_equal(col_tap_open(lone.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record))
        if (record.type == COL_TAP_ANSWER)
            rejected += record.rejected_spans;
    assert_int_equal(rejected, 5);
    col_tap_close(&reader);
}

static void partial_success_is_json_to_json(void **state)
{
    static const char request[] =
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 52\r\n\r\n{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}  ";
    int fd;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: partial_success, rejected: 5, count: 1}]", 1);
    fd = join();
    rig_send(fd, request, sizeof(request) - 1);
    assert_int_equal(rig_answer(fd, &lone_answer), 200);
    assert_string_equal(answer_body().data, "{\"partialSuccess\":{\"rejectedSpans\":\"1\","
                                            "\"errorMessage\":\"rejected on command\"}}");
    close(fd);
    assert_true(spans("accepted") == 0);
    check_book("partial_success");
}

static void a_truncated_answer_breaks_off(void **state)
{
    char *length;
    int fd;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: truncated_answer, count: 1}]", 1);
    fd = join();
    assert_int_equal(lone_post_on(fd, ""), 200); /* until the end of the connection */
    length = strstr(lone_answer.data, "Content-Length: ");
    assert_non_null(length);
    assert_true(answer_body().len > 0);
    assert_int_equal(answer_body().len, strtoul(length + 16, NULL, 10) / 2);
    assert_true(rig_closed(fd));
    close(fd);
    check_book("truncated_answer");
}

static void corrupt_gzip_cannot_be_inflated(void **state)
{
    struct otl_view message;
    uint8_t out[1000];
    z_stream stream;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: corrupt_gzip, count: 1}]", 1);
    assert_int_equal(lone_post(""), 200);
    assert_non_null(strstr(lone_answer.data, "Content-Encoding: gzip\r\n"));
    message = answer_body();
    assert_memory_equal(message.data, "\x1f\x8b\x08", 3);
    memset(&stream, 0, sizeof(stream));
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = (uint8_t *)(uintptr_t)message.data;
    stream.avail_in = (unsigned)message.len;
    stream.next_out = out;
    stream.avail_out = sizeof(out);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_DATA_ERROR);
    inflateEnd(&stream);
    check_book("corrupt_gzip");
}

static void a_wrong_content_type_is_html(void **state)
{
    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: wrong_content_type, count: 1}]", 1);
    assert_int_equal(lone_post(""), 200);
    assert_non_null(strstr(lone_answer.data, "Content-Type: text/html\r\n"));
    assert_non_null(strstr(lone_answer.data, "this is no OTLP"));
    check_book("wrong_content_type");
}

static void an_oversized_answer_is_a_good_one_of_that_size(void **state)
{
    Otlp__ExportTraceServiceResponse *response;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: oversized_answer, size: 8000, count: 1}]",
                     1);
    assert_int_equal(lone_post(""), 200);
    response = decode();
    assert_int_equal(response->partial_success->error_message.len, 8000);
    otlp__export_trace_service_response__free_unpacked(response, NULL);
    check_book("oversized_answer");
}

static void a_slow_answer_comes_a_few_bytes_at_a_time(void **state)
{
    uint64_t began;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: slow_answer, rate: 100, count: 1}]", 1);
    began = now();
    assert_int_equal(lone_post(""), 200);
    assert_true(now() - began >= 200 * OTL_NS_PER_MS); /* about 80 bytes */
    check_book("slow_answer");
}

static void a_duplicate_goes_to_the_pipeline_twice(void **state)
{
    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: duplicate, count: 1}]", 1);
    assert_int_equal(lone_post(""), 200);
    assert_true(spans("accepted") == 2 * LONE_SPANS);
    check_book("duplicate");
}

static void clock_skew_is_in_the_recording(void **state)
{
    uint64_t wall = otl_clock_wall(otl_clock_real()), hour = 3600 * OTL_NS_PER_S, seen[2] = {0};
    struct col_tap_reader reader;
    struct col_tap_record record;
    size_t count = 0;

    (void)state;
    rig_start_faults(&lone,
                     "faults: [{at: 0s, fault: clock_skew, skew: 1h, behind: true, count: 1}]", 1);
    assert_int_equal(lone_post(""), 200);
    check_book("clock_skew");
    assert_int_equal(col_tap_open(lone.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record))
        if (record.type == COL_TAP_REQUEST && count < 2)
            seen[count++] = record.wall_ns;
    col_tap_close(&reader);
    assert_true(seen[0] >= wall - hour && seen[0] < wall - hour / 2);
    assert_true(seen[1] >= wall);
}

/* ---- connections ---- */

static void accept_stall_reads_nothing_until_it_is_over(void **state)
{
    char byte;
    int fd;

    (void)state;
    rig_start_control(&lone);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":3,\"kind\":\"accept_stall\",\"count\":1}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    fd = join();
    rig_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    rig_metric_until(&lone, "collector_mock_fault_hit_connections_total{fault=\"accept_stall\"}",
                     1);
    assert_int_equal(lone_post(""), 200); /* the second one is served */
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    rig_command(&lone, "{\"do\":\"end\",\"id\":3}");
    assert_int_equal(rig_answer(fd, &lone_answer), 404); /* now it was read */
    close(fd);
    assert_int_equal(rig_recorded(&lone, "\"kind\":\"accept_stall\""), 1);
    assert_int_equal(rig_stop(&lone), 0);
}

static void slow_read_takes_its_time(void **state)
{
    uint64_t began;
    int fd;

    (void)state;
    rig_start_faults(&lone, "faults: [{at: 0s, fault: slow_read, rate: 2000, count: 1}]", 1);
    fd = join();
    began = now();
    assert_int_equal(lone_post_on(fd, ""), 200);
    assert_true(now() - began >= lone_body.len * OTL_NS_PER_S / 2000 / 2);
    close(fd);
    assert_true(rig_metric(&lone,
                           "collector_mock_fault_hit_connections_total{fault=\"slow_read\"}") == 1);
    assert_int_equal(rig_stop(&lone), 0);
}

static void slow_read_slows_open_connections_too(void **state)
{
    uint64_t began;
    int fd;

    (void)state;
    rig_start_control(&lone);
    fd = join();
    assert_int_equal(lone_post_on(fd, ""), 200);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":3,\"kind\":\"slow_read\",\"rate\":2000}");
    rig_metric_until(&lone, "collector_mock_fault_hit_connections_total{fault=\"slow_read\"}", 1);
    began = now();
    assert_int_equal(lone_post_on(fd, ""), 200);
    assert_true(now() - began >= lone_body.len * OTL_NS_PER_S / 2000 / 2);
    close(fd);
    assert_int_equal(rig_stop(&lone), 0);
}

static void a_restart_ends_connections_in_order(void **state)
{
    char byte;
    int fd;

    (void)state;
    rig_start_control(&lone);
    fd = join();
    assert_int_equal(lone_post_on(fd, ""), 200);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":3,\"kind\":\"restart\",\"for\":\"24h\"}");
    assert_int_equal(recv(fd, &byte, 1, 0), 0); /* an end, no reset */
    close(fd);
    rig_metric_until(&lone, "collector_mock_fault_connections_total", 1);
    rig_command(&lone, "{\"do\":\"end\",\"id\":3}");
    while (rig_metric(&lone, "collector_mock_faults_active") > 0)
        continue;
    assert_int_equal(lone_post(""), 200); /* on the same port */
    assert_int_equal(rig_stop(&lone), 0);
}

/* The record says which connections it has ended, between its own beginning and end. */
static void a_refusal_resets_connections_and_names_them(void **state)
{
    char byte;
    int fd;

    (void)state;
    rig_start_control(&lone);
    fd = join();
    assert_int_equal(lone_post_on(fd, ""), 200);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":3,\"kind\":\"refuse\",\"for\":\"24h\"}");
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    rig_metric_until(&lone, "collector_mock_fault_hit_connections_total{fault=\"refuse\"}", 1);
    assert_int_equal(rig_recorded_as(&lone, "begin", "\"for_ns\":86400000000000,"), 1);
    assert_int_equal(rig_recorded(&lone, "\"fault\":3,\"kind\":\"refuse\""), 1);
    assert_int_equal(rig_recorded(&lone, "\"request\":0,\"connection\":1,"), 1);
    assert_int_equal(rig_recorded_as(&lone, "end", ""), 0);
    rig_command(&lone, "{\"do\":\"end\",\"id\":3}");
    rig_metric_until(&lone, "collector_mock_faults_ended_total{fault=\"refuse\"}", 1);
    assert_int_equal(rig_recorded_as(&lone, "end", "\"requests\":0,\"spans\":0,\"connections\":1}"),
                     1);
    assert_int_equal(lone_post(""), 200);
    assert_int_equal(rig_stop(&lone), 0);
}

/* ---- the live channel ---- */

static void commands_are_answered_with_what_was_done(void **state)
{
    char line[1000];

    (void)state;
    rig_start_control(&lone);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":9,\"kind\":\"partial_success\",\"rejected\":2,"
                      "\"count\":2,\"seed\":4}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    assert_int_equal(lone_post(""), 200);
    assert_int_equal(lone_post(""), 200);
    rig_reply(&lone, line, sizeof(line));
    assert_non_null(strstr(line, "\"event\":\"acted\",\"id\":9,\"kind\":\"partial_success\","
                                 "\"requests\":2,\"spans\":48,\"connections\":0"));
    assert_true(spans("refused") == 4);
    assert_int_equal(rig_stop(&lone), 0);
}

static void wrong_commands_are_told_why(void **state)
{
    static const struct {
        const char *command, *says;
    } cases[] = {
        {"{\"do\":\"fault\",\"kind\":\"stal\"}", "unknown word 'stal'"},
        {"{\"do\":\"fault\",\"kind\":\"slow_read\"}", "'rate' is needed by 'fault: slow_read'"},
        {"{\"do\":\"fault\",\"kind\":\"stall\",\"rate\":5}", "'rate' belongs to"},
        {"{\"do\":\"fault\",\"kind\":\"status\",\"code\":17}", "16"},
        {"{\"do\":\"fault\",\"kind\":\"stall\",\"probabilty\":1}", "did you mean 'probability'"},
        {"{\"do\":\"fault\",\"kind\":\"refuse\",\"count\":1}", "no meaning"},
        {"{\"do\":\"fault\",\"kind\":\"restart\"}", "'for' is needed"},
        {"{\"do\":\"fault\",\"kind\":\"delay\",\"delay_ns\":5000000,\"distribution\":"
         "\"uniform\"}",
         "delay_max"},
        {"{\"do\":\"fault\",\"kind\":\"tls_certificate\",\"cert_file\":\"a\",\"key_file\":\"b\"}",
         "no receiver speaks TLS"},
        {"{\"do\":\"end\",\"id\":77}", "no fault 77 is under way"},
        {"{\"do\":\"dance\"}", "a command is an object"},
        {"no json", "a command is an object"},
    };
    char line[1000];

    (void)state;
    rig_start_control(&lone);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rig_command(&lone, cases[i].command);
        do
            rig_reply(&lone, line, sizeof(line));
        while (strstr(line, "\"event\":\"acted\"") != NULL);
        if (strstr(line, "\"event\":\"fault\"") == NULL || strstr(line, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].command, line);
    }
    assert_int_equal(lone_post(""), 200);
    assert_int_equal(rig_stop(&lone), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, lone_teardown)
    const struct CMUnitTest tests[] = {
        TEST(faults_with_a_count_are_a_queue),
        TEST(every_status_may_be_the_answer),
        TEST(retry_after_may_be_a_date),
        TEST(rst_stream_resets_the_connection),
        TEST(goaway_closes_without_a_word),
        TEST(half_open_says_nothing_until_it_is_over),
        TEST(memory_pressure_refuses_as_the_limiter_does),
        TEST(a_full_disk_leaves_no_trace_in_the_tap),
        TEST(a_delay_is_drawn_from_its_law),
        TEST(partial_success_rejects_the_last_spans),
        TEST(partial_success_is_json_to_json),
        TEST(a_truncated_answer_breaks_off),
        TEST(corrupt_gzip_cannot_be_inflated),
        TEST(a_wrong_content_type_is_html),
        TEST(an_oversized_answer_is_a_good_one_of_that_size),
        TEST(a_slow_answer_comes_a_few_bytes_at_a_time),
        TEST(a_duplicate_goes_to_the_pipeline_twice),
        TEST(clock_skew_is_in_the_recording),
        TEST(accept_stall_reads_nothing_until_it_is_over),
        TEST(slow_read_takes_its_time),
        TEST(slow_read_slows_open_connections_too),
        TEST(a_restart_ends_connections_in_order),
        TEST(a_refusal_resets_connections_and_names_them),
        TEST(commands_are_answered_with_what_was_done),
        TEST(wrong_commands_are_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
