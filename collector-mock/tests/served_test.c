/* SPDX-License-Identifier: Apache-2.0 */
/* What the servers say of their requests on level detailed: kinds, sizes, durations. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/lone.h"

static struct otl_buf metrics; /* the last look */

static int setup(void **state)
{
    otl_buf_init(&metrics, 1u << 20);
    return lone_setup(state);
}

static int teardown(void **state)
{
    otl_buf_fini(&metrics);
    return lone_teardown(state);
}

static void configure(const char *level)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0',\n"
             "                                      logs_url_path: '/a\"b'},\n"
             "                               grpc: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters: {nop: }\n"
             "service:\n"
             "  telemetry: {metrics: {level: %s, address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [nop]},\n"
             "              logs: {receivers: [otlp], exporters: [nop]}}\n",
             level);
    rig_config(&lone, text);
}

static void look(void)
{
    otl_buf_fini(&metrics);
    rig_metrics(&lone, &metrics);
}

static unsigned ask(const char *line, const char *type, const char *body)
{
    int fd = rig_connect(rig_port(&lone, "otlp/http"));
    struct otl_buf answer;
    char text[512];
    unsigned status;

    otl_buf_init(&answer, 1 << 20);
    snprintf(text, sizeof(text),
             "%s\r\nHost: x\r\nConnection: close\r\nContent-Type: %s\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             line, type, strlen(body), body);
    rig_send(fd, text, strlen(text));
    status = rig_answer(fd, &answer);
    otl_buf_fini(&answer);
    close(fd);
    return status;
}

#define PROTOBUF "application/x-protobuf"
#define JSON "application/json"

/* The body is not looked at where the path, the method or the type is wrong. */
static const struct row {
    const char *line, *type, *body;
    unsigned status;
    const char *method, *route, *version; /* as they are to be shown */
    double read, sent;                    /* bytes; sent -1: any */
} rows[] = {
    {"POST /v1/traces HTTP/1.1", JSON, "{}", 200, "POST", "/v1/traces", "1.1", 2, 21},
    {"POST /v1/traces HTTP/1.0", JSON, "{  }", 200, "POST", "/v1/traces", "1.0", 4, 21},
    {"POST /v1/traces HTTP/1.1", PROTOBUF, "garbage", 400, "POST", "/v1/traces", "1.1", 7, -1},
    {"POST /a\"b HTTP/1.1", JSON, "{}", 200, "POST", "/a\\\"b", "1.1", 2, 21},
    {"POST /v1/traces HTTP/1.1", "text/x", "garbage", 415, "POST", "/v1/traces", "1.1", 0, -1},
    {"GET /v1/traces HTTP/1.1", JSON, "{}", 405, "GET", "/v1/traces", "1.1", 0, 41},
    {"PROPFIND /nowhere HTTP/1.1", JSON, "{}", 404, "_OTHER", NULL, "1.1", 0, 19},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* NAME{labels of the row}; -1: absent. */
static double shown(const char *name, const struct row *row)
{
    char series[512], route[64] = "";

    if (row->route != NULL)
        snprintf(route, sizeof(route), "http_route=\"%s\",", row->route);
    snprintf(series, sizeof(series),
             "http_server_%s{http_request_method=\"%s\",http_response_status_code=\"%u\",%s"
             "network_protocol_name=\"http\",network_protocol_version=\"%s\",url_scheme=\"http\"}",
             name, row->method, row->status, route, row->version);
    return rig_metric_in(&metrics, series);
}

static void ask_each(void)
{
    for (size_t i = 0; i < ROWS; i++)
        if (ask(rows[i].line, rows[i].type, rows[i].body) != rows[i].status)
            fail_msg("%s is not answered %u", rows[i].line, rows[i].status);
}

static void requests_are_counted_by_what_they_are(void **state)
{
    (void)state;
    configure("detailed");
    rig_start(&lone, NULL);
    ask_each();
    look();
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        double read = shown("request_body_size_sum", row);
        double sent = shown("response_body_size_sum", row);
        if (shown("request_duration_count", row) != 1 || shown("request_duration_sum", row) <= 0 ||
            shown("request_body_size_count", row) != 1 || read != row->read ||
            shown("response_body_size_count", row) != 1 || (row->sent >= 0 && sent != row->sent))
            fail_msg("%s, %u: %g requests, %g bytes and %g bytes", row->line, row->status,
                     shown("request_duration_count", row), read, sent);
    }
    assert_int_equal(rig_stop(&lone), 0);
}

static void a_level_below_says_nothing_of_them(void **state)
{
    (void)state;
    configure("normal");
    rig_start(&lone, NULL);
    ask_each();
    look();
    assert_null(strstr(metrics.data, "http_server_"));
    assert_null(strstr(metrics.data, "rpc_server_"));
    assert_int_equal(rig_stop(&lone), 0);
}

/* What a fault adds is in it. */
static void an_answer_that_is_late_takes_long(void **state)
{
    const struct row late = {.status = 200, .method = "POST", .route = "/v1/traces",
                             .version = "1.1"};

    (void)state;
    configure("detailed");
    rig_start_control(&lone);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":1,\"kind\":\"delay\",\"delay\":\"80ms\"}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    assert_int_equal(lone_post(""), 200);
    look();
    assert_true(shown("request_duration_count", &late) == 1);
    assert_true(shown("request_duration_sum", &late) >= 0.08);
    assert_true(shown("request_body_size_sum", &late) == (double)lone_body.len);
    assert_int_equal(rig_stop(&lone), 0);
}

/* A table of fixed size: what comes when it is full is counted together. */
static void too_many_kinds_are_counted_together(void **state)
{
    enum { KINDS = 70, ROOM = 64 };

    (void)state;
    configure("detailed");
    rig_start_control(&lone);
    for (int i = 0; i < KINDS; i++) {
        char line[120];
        snprintf(line, sizeof(line),
                 "{\"do\":\"fault\",\"id\":%d,\"kind\":\"status\",\"status\":%d}", i + 1, 400 + i);
        rig_command(&lone, line);
        rig_metric_until(&lone, "collector_mock_faults_active", 1);
        assert_int_equal(lone_post(""), 400 + i);
        snprintf(line, sizeof(line), "{\"do\":\"end\",\"id\":%d}", i + 1);
        rig_command(&lone, line);
        while (rig_metric(&lone, "collector_mock_faults_active") > 0)
            continue;
    }
    look();
    assert_true(rig_metric_in(&metrics, "http_server_request_duration_count"
                                        "{otel_metric_overflow=\"true\"}") == KINDS - ROOM);
    assert_int_equal(rig_stop(&lone), 0);
}

static double calls(const char *signal, const char *status)
{
    char series[256];

    snprintf(series, sizeof(series),
             "rpc_server_call_duration_count{rpc_method=\"opentelemetry.proto.collector.%s/Export"
             "\",rpc_response_status_code=\"%s\",rpc_system_name=\"grpc\"}",
             signal, status);
    return rig_metric_in(&metrics, series);
}

static void calls_are_counted_by_method_and_status(void **state)
{
    struct ask good = {.body = NULL}, bad = {.body = "\0\0\0\0\2\x08\x01", .len = 7}, logs = bad,
               nobody = {.path = "/nobody/Export"}, bare = {.bare = true};
    struct otl_buf framed;
    struct client client;

    (void)state;
    configure("detailed");
    rig_start(&lone, NULL);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(lone_body.data, lone_body.len));
    good.body = framed.data;
    good.len = framed.len;
    logs.path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    client_open(&client, rig_connect(rig_port(&lone, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&client, &good), 0);
    assert_int_equal(client_call(&client, &good), 0);
    assert_int_equal(client_call(&client, &bad), 13);
    assert_int_equal(client_call(&client, &logs), 13);
    assert_int_equal(client_call(&client, &nobody), 12);
    assert_int_equal(client_call(&client, &bare), 13); /* the server itself refuses it */
    client_close(&client);
    otl_buf_fini(&framed);
    look();
    assert_true(calls("trace.v1.TraceService", "OK") == 2);
    assert_true(calls("trace.v1.TraceService", "INTERNAL") == 2);
    assert_true(calls("logs.v1.LogsService", "INTERNAL") == 1);
    assert_null(strstr(metrics.data, "UNIMPLEMENTED"));
    assert_int_equal(rig_stop(&lone), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(requests_are_counted_by_what_they_are),
        CASE(a_level_below_says_nothing_of_them),
        CASE(an_answer_that_is_late_takes_long),
        CASE(too_many_kinds_are_counted_together),
        CASE(calls_are_counted_by_method_and_status),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("served", tests, NULL, NULL);
}
