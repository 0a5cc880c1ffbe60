/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/rig.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/tap.h"

/* Metrics and logs through the program: received over both protocols in both forms, recorded,
 * written, sent on, refused and counted. */

enum { POINTS = 16, RECORDS = 6 };

static const uint64_t counts[COL_SIGNALS] = {0, POINTS, RECORDS};
static const char *const methods[COL_SIGNALS] = {
    NULL, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export"};

#define RECEIVER                                                                                  \
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'},\n"                           \
    "                               grpc: {endpoint: '127.0.0.1:0'}}}}\n"
#define TELEMETRY "service:\n  telemetry: {metrics: {address: '127.0.0.1:0'}}\n  pipelines:\n"
#define PIPELINES(processors, exporters)                                                          \
    "    metrics: {receivers: [otlp], processors: [" processors "], exporters: [" exporters "]}\n" \
    "    logs: {receivers: [otlp], processors: [" processors "], exporters: [" exporters "]}\n"

struct world {
    struct rig near, far;
    struct otl_buf official[COL_SIGNALS], json[COL_SIGNALS], answer;
    struct client client;
};

static int setup(void **state)
{
    static struct world world;

    signal(SIGPIPE, SIG_IGN);
    memset(&world, 0, sizeof(world));
    rig_init(&world.near);
    rig_init(&world.far);
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        char path[64];
        rig_official(col_signal_name((enum col_signal)s), &world.official[s]);
        snprintf(path, sizeof(path), "ci/witness/official/%s.json",
                 col_signal_name((enum col_signal)s));
        rig_read(path, &world.json[s]);
    }
    otl_buf_init(&world.answer, 1 << 20);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    rig_fini(&world->near);
    rig_fini(&world->far);
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        otl_buf_fini(&world->official[s]);
        otl_buf_fini(&world->json[s]);
    }
    otl_buf_fini(&world->answer);
    return 0;
}

static struct otl_view view(const struct otl_buf *buf)
{
    return otl_view(buf->data, buf->len);
}

static unsigned post(struct world *world, enum col_signal signal, bool json, struct otl_view body)
{
    int fd = rig_connect(rig_port(&world->near, "otlp/http"));
    unsigned status;
    char head[256];
    int len = snprintf(head, sizeof(head),
                       "POST /v1/%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/%s\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       col_signal_name(signal), json ? "json" : "x-protobuf", body.len);

    otl_buf_reset(&world->answer);
    rig_send(fd, head, (size_t)len);
    rig_send(fd, body.data, body.len);
    status = rig_answer(fd, &world->answer);
    close(fd);
    return status;
}

static int call(struct world *world, enum col_signal signal, struct call **ret)
{
    struct ask ask = {.path = methods[signal]};
    struct otl_buf framed;
    int code;

    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, view(&world->official[signal]));
    ask.body = framed.data;
    ask.len = framed.len;
    *ret = client_ask(&world->client, &ask);
    client_wait(&world->client, *ret);
    code = (*ret)->code;
    otl_buf_fini(&framed);
    return code;
}

static double counted(const struct rig *rig, const char *name, enum col_signal signal,
                      const char *labels)
{
    char series[256];

    snprintf(series, sizeof(series), "%s_%s_total{%s}", name, col_signal_items(signal), labels);
    return rig_metric(rig, series);
}

/* The JSON lines of a file are all what the official encoder has printed. */
static void check_file(const struct rig *rig, const char *name, enum col_signal signal,
                       size_t lines)
{
    char path[256], official[64];
    struct otl_buf text;
    const char *line;
    json_t *theirs;
    size_t count = 0;

    snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
    rig_read(path, &text);
    snprintf(official, sizeof(official), "ci/witness/official/%s.json", col_signal_name(signal));
    theirs = json_load_file(official, JSON_ALLOW_NUL, NULL);
    assert_non_null(theirs);
    for (line = text.data; *line != '\0'; line = strchr(line, '\n') + 1, count++) {
        size_t len = (size_t)(strchr(line, '\n') - line);
        json_t *mine = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
        assert_non_null(mine);
        if (!json_equal(mine, theirs))
            fail_msg("%s differs: %.*s", col_signal_name(signal), (int)len, line);
        json_decref(mine);
    }
    assert_int_equal(count, lines);
    json_decref(theirs);
    otl_buf_fini(&text);
}

struct seen {
    size_t requests, answers;
};

/* What the tap has of a signal: each request in these bytes, each answered well. */
static struct seen look_at_tap(const struct rig *rig, enum col_signal signal,
                               struct otl_view bytes)
{
    struct seen seen = {0, 0};
    struct col_tap_reader reader;
    struct col_tap_record record;

    assert_int_equal(col_tap_open(rig->tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        if (record.type == COL_TAP_START || (int)record.signal != (int)signal + COL_TAP_TRACES)
            continue;
        if (record.type == COL_TAP_ANSWER) {
            assert_int_equal(record.status, record.transport == COL_TAP_HTTP ? 200 : 0);
            seen.answers++;
            continue;
        }
        seen.requests++;
        assert_int_equal(record.spans, counts[signal]);
        assert_int_equal(record.encoding, COL_TAP_PROTOBUF);
        if (bytes.len > 0 && record.body.len == bytes.len)
            assert_memory_equal(record.body.data, bytes.data, bytes.len);
    }
    col_tap_close(&reader);
    return seen;
}

static void both_are_received_recorded_counted_and_written(void **state)
{
    struct world *world = *state;

    rig_config(&world->near,
               RECEIVER "processors: {memory_limiter: {check_interval: 1s, limit_mib: 4000},\n"
                        "             batch: {timeout: 0s}}\n"
                        "exporters: {file/m: {path: DIR/m.json}, file/l: {path: DIR/l.json},\n"
                        "            debug: {verbosity: detailed}}\n" TELEMETRY
                        "    metrics: {receivers: [otlp], processors: [memory_limiter, batch],\n"
                        "              exporters: [file/m, debug]}\n"
                        "    logs: {receivers: [otlp], processors: [memory_limiter, batch],\n"
                        "           exporters: [file/l, debug]}\n");
    rig_start(&world->near, NULL);
    client_open(&world->client, rig_connect(rig_port(&world->near, "otlp/grpc")), NULL, NULL);
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        enum col_signal signal = (enum col_signal)s;
        double count = (double)counts[s];
        struct call *one;
        assert_int_equal(post(world, signal, false, view(&world->official[s])), 200);
        assert_int_equal(post(world, signal, true, view(&world->json[s])), 200);
        assert_non_null(strstr(world->answer.data, "{\"partialSuccess\":{}}"));
        assert_int_equal(call(world, signal, &one), 0);
        assert_true(counted(&world->near, "otelcol_receiver_accepted", signal,
                            "receiver=\"otlp\",transport=\"http\"") == 2 * count);
        assert_true(counted(&world->near, "otelcol_receiver_accepted", signal,
                            "receiver=\"otlp\",transport=\"grpc\"") == count);
        assert_true(counted(&world->near, "otelcol_processor_memory_limiter_accepted", signal,
                            "processor=\"memory_limiter\"") == 3 * count);
        assert_true(counted(&world->near, "otelcol_exporter_sent", signal,
                            "exporter=\"debug\"") == 3 * count);
    }
    client_close(&world->client);
    assert_int_equal(rig_stop(&world->near), 0);
    check_file(&world->near, "m.json", COL_METRICS, 3);
    check_file(&world->near, "l.json", COL_LOGS, 3);
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        struct seen seen =
            look_at_tap(&world->near, (enum col_signal)s, view(&world->official[s]));
        assert_int_equal(seen.requests, 3);
        assert_int_equal(seen.answers, 3);
    }
}

static void they_are_sent_on_as_the_bytes_that_came(void **state)
{
    static const char *const types[] = {"otlp", "otlphttp"};
    struct world *world = *state;

    for (size_t t = 0; t < 2; t++) {
        char text[1024];
        rig_config(&world->far, RECEIVER "exporters: {nop: }\n" TELEMETRY PIPELINES("", "nop"));
        rig_start(&world->far, NULL);
        snprintf(text, sizeof(text), RECEIVER
                 "exporters: {%s: {endpoint: 'http://127.0.0.1:%u'}}\n" TELEMETRY
                 "    metrics: {receivers: [otlp], exporters: [%s]}\n"
                 "    logs: {receivers: [otlp], exporters: [%s]}\n",
                 types[t], rig_port(&world->far, t == 0 ? "otlp/grpc" : "otlp/http"), types[t],
                 types[t]);
        rig_config(&world->near, text);
        rig_start(&world->near, NULL);
        for (int s = COL_METRICS; s < COL_SIGNALS; s++)
            assert_int_equal(
                post(world, (enum col_signal)s, false, view(&world->official[s])), 200);
        assert_int_equal(rig_stop(&world->near), 0);
        assert_int_equal(rig_stop(&world->far), 0);
        for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
            struct seen seen =
                look_at_tap(&world->far, (enum col_signal)s, view(&world->official[s]));
            assert_int_equal(seen.requests, 1 + t); /* the tap goes on */
        }
    }
}

static void who_wants_no_metrics_does_not_serve_them(void **state)
{
    struct world *world = *state;
    struct call *one;

    rig_config(&world->near, RECEIVER "exporters: {nop: }\n" TELEMETRY
                                      "    logs: {receivers: [otlp], exporters: [nop]}\n");
    rig_start(&world->near, NULL);
    client_open(&world->client, rig_connect(rig_port(&world->near, "otlp/grpc")), NULL, NULL);
    assert_int_equal(post(world, COL_METRICS, false, view(&world->official[COL_METRICS])), 404);
    assert_int_equal(post(world, COL_LOGS, false, view(&world->official[COL_LOGS])), 200);
    assert_int_equal(call(world, COL_METRICS, &one), 12);
    assert_string_equal(
        one->text, "unknown service opentelemetry.proto.collector.metrics.v1.MetricsService");
    assert_int_equal(call(world, COL_LOGS, &one), 0);
    client_close(&world->client);
    assert_int_equal(rig_stop(&world->near), 0);
}

static void what_is_no_request_is_refused_and_what_is_empty_is_taken(void **state)
{
    struct world *world = *state;

    rig_config(&world->near, RECEIVER "exporters: {nop: }\n" TELEMETRY PIPELINES("", "nop"));
    rig_start(&world->near, NULL);
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        enum col_signal signal = (enum col_signal)s;
        assert_int_equal(post(world, signal, false, otl_view("\x08\x01", 2)), 400);
        assert_non_null(memmem(world->answer.data, world->answer.len, "wrong wire type", 15));
        assert_int_equal(post(world, signal, true, otl_view_str("{\"resourceLogs\":1,"
                                                                "\"resourceMetrics\":1}")),
                         400);
        assert_int_equal(post(world, signal, false, otl_view("", 0)), 200);
        assert_int_equal(post(world, signal, true, otl_view_str("{}")), 200);
        assert_true(counted(&world->near, "otelcol_receiver_accepted", signal,
                            "receiver=\"otlp\",transport=\"http\"") == 0);
    }
    assert_true(rig_metric(&world->near,
                           "otelcol_receiver_requests_total{receiver=\"otlp\","
                           "transport=\"http\",outcome=\"failure\"}") == 4);
    assert_int_equal(rig_stop(&world->near), 0);
}

static void a_partial_success_names_what_it_refused(void **state)
{
    static const char *const words[COL_SIGNALS] = {NULL, "{\"rejectedDataPoints\":\"5\",",
                                                   "{\"rejectedLogRecords\":\"5\","};
    struct world *world = *state;

    rig_config(&world->near, RECEIVER "exporters: {nop: }\n" TELEMETRY PIPELINES("", "nop"));
    rig_start_control(&world->near);
    rig_command(&world->near,
                "{\"do\":\"fault\",\"id\":1,\"kind\":\"partial_success\",\"rejected\":5}");
    rig_metric_until(&world->near, "collector_mock_faults_active", 1);
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        enum col_signal signal = (enum col_signal)s;
        assert_int_equal(post(world, signal, true, view(&world->json[s])), 200);
        if (strstr(world->answer.data, words[s]) == NULL)
            fail_msg("no %s in %s", words[s], world->answer.data);
        assert_true(counted(&world->near, "otelcol_receiver_accepted", signal,
                            "receiver=\"otlp\",transport=\"http\"") == (double)counts[s] - 5);
        assert_true(counted(&world->near, "otelcol_receiver_refused", signal,
                            "receiver=\"otlp\",transport=\"http\"") == 5);
        assert_true(counted(&world->near, "otelcol_exporter_sent", signal,
                            "exporter=\"nop\"") == (double)counts[s] - 5);
    }
    assert_int_equal(rig_stop(&world->near), 0);
}

/* Batches of at most 5 points, cut within a metric; each piece is a request that is whole. */
static void batch_cuts_between_points(void **state)
{
    struct world *world = *state;
    uint64_t total = 0;
    char path[256];
    struct otl_buf text;

    rig_config(&world->near,
               RECEIVER "processors: {batch: {send_batch_size: 5, send_batch_max_size: 5}}\n"
                        "exporters: {file: {path: DIR/m.bin, format: proto}}\n" TELEMETRY
                        "    metrics: {receivers: [otlp], processors: [batch], exporters: "
                        "[file]}\n");
    rig_start(&world->near, NULL);
    assert_int_equal(post(world, COL_METRICS, false, view(&world->official[COL_METRICS])), 200);
    assert_int_equal(rig_stop(&world->near), 0);
    snprintf(path, sizeof(path), "%s/m.bin", world->near.dir);
    rig_read(path, &text);
    for (size_t at = 0; at < text.len;) {
        const uint8_t *head = (const uint8_t *)text.data + at;
        size_t len = (size_t)head[2] << 8 | head[3];
        uint64_t count;
        assert_true(at + 4 + len <= text.len);
        assert_int_equal(col_request_check(COL_METRICS, otl_view(text.data + at + 4, len), &count,
                                           NULL),
                         OTEL_OK);
        assert_true(count <= 5);
        total += count;
        at += 4 + len;
    }
    assert_int_equal(total, POINTS);
    otl_buf_fini(&text);
}

/* The first request of a file in framing proto. */
static struct otl_view first_of(const struct rig *rig, const char *name, struct otl_buf *text)
{
    char path[256];
    const uint8_t *head;

    snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
    rig_read(path, text);
    assert_true(text->len > 4);
    head = (const uint8_t *)text->data;
    return otl_view(text->data + 4, (size_t)head[2] << 8 | head[3]);
}

static void check_points(struct otl_view request)
{
    struct col_value value;
    struct col_traces metrics;
    struct col_metric metric;
    struct col_point point;

    col_items_init(&metrics, COL_METRICS, request);
    while (col_metrics_next(&metrics, &metric)) {
        bool chosen = otl_view_is(metric.name, "temperature");
        assert_int_not_equal(metric.kind, COL_METRIC_SUMMARY);
        assert_true(col_attribute_find(&metric.resource->attributes, "zone", &value));
        while (col_point_next(metric.kind, &metric.points, &point)) {
            bool number = metric.kind == COL_METRIC_GAUGE || metric.kind == COL_METRIC_SUM;
            assert_true(!number || point.integer != -7);
            assert_int_equal(col_attribute_find(&point.attributes, "env", &value), chosen);
            assert_int_equal(col_attribute_find(&point.attributes, "k", &value),
                             number && !chosen);
        }
    }
    assert_int_equal(col_traces_error(&metrics, NULL), OTEL_OK);
}

static void processors_act_on_points_and_records(void **state)
{
    struct world *world = *state;
    struct otl_view request;
    struct otl_buf text;
    struct col_value value;
    struct col_traces logs;
    struct col_log log;
    uint64_t count;

    rig_config(
        &world->near,
        RECEIVER
        "processors:\n"
        "  resource: {attributes: [{key: zone, value: north, action: insert}]}\n"
        "  attributes/m: {include: {match_type: regexp, metric_names: ['^temp']},\n"
        "                 actions: [{key: env, value: test, action: insert},\n"
        "                           {key: k, action: delete}]}\n"
        "  attributes/l: {include: {match_type: regexp, log_bodies: ['^order']},\n"
        "                 actions: [{key: int, action: delete}]}\n"
        "  filter:\n"
        "    metrics: {metric: ['type == METRIC_DATA_TYPE_SUMMARY'],\n"
        "              datapoint: ['value_int == -7 and metric.unit != \"s\"',\n"
        "                          'attributes[\"k\"] == \"none\"']}\n"
        "    logs: {log_record: ['severity_number < SEVERITY_NUMBER_INFO2']}\n"
        "exporters: {file/m: {path: DIR/m.bin, format: proto},\n"
        "            file/l: {path: DIR/l.bin, format: proto}}\n" TELEMETRY
        "    metrics: {receivers: [otlp], processors: [resource, filter, attributes/m],\n"
        "              exporters: [file/m]}\n"
        "    logs: {receivers: [otlp], processors: [filter, attributes/l], exporters: [file/l]}\n");
    rig_start(&world->near, NULL);
    assert_int_equal(post(world, COL_METRICS, false, view(&world->official[COL_METRICS])), 200);
    assert_int_equal(post(world, COL_LOGS, false, view(&world->official[COL_LOGS])), 200);
    assert_true(rig_metric(&world->near, "otelcol_processor_filter_datapoints_filtered_total"
                                         "{filter=\"filter\"}") == 7);
    assert_true(rig_metric(&world->near,
                           "otelcol_processor_filter_logs_filtered_total{filter=\"filter\"}") ==
                5);
    assert_int_equal(rig_stop(&world->near), 0);
    request = first_of(&world->near, "m.bin", &text);
    assert_int_equal(col_request_check(COL_METRICS, request, &count, NULL), OTEL_OK);
    assert_int_equal(count, POINTS - 7);
    check_points(request);
    otl_buf_fini(&text);
    request = first_of(&world->near, "l.bin", &text);
    assert_int_equal(col_request_check(COL_LOGS, request, &count, NULL), OTEL_OK);
    assert_int_equal(count, 1);
    col_items_init(&logs, COL_LOGS, request);
    assert_true(col_logs_next(&logs, &log));
    assert_false(col_attribute_find(&log.attributes, "int", &value));
    assert_true(col_attribute_find(&log.attributes, "int.max", &value));
    otl_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_are_received_recorded_counted_and_written, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(they_are_sent_on_as_the_bytes_that_came, setup, teardown),
        cmocka_unit_test_setup_teardown(who_wants_no_metrics_does_not_serve_them, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_request_is_refused_and_what_is_empty_is_taken,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_partial_success_names_what_it_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(batch_cuts_between_points, setup, teardown),
        cmocka_unit_test_setup_teardown(processors_act_on_points_and_records, setup, teardown),
    };

    return cmocka_run_group_tests_name("three signals", tests, NULL, NULL);
}
