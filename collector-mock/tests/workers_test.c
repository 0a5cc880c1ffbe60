/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/tests/books.h"
#include "collector-mock/wire/traces.h"

/* Several workers in the whole program: every trace meets in one of them, and nothing is lost. */

enum { WORKERS = 4, PEERS = 4, CLIENTS = 2 * PEERS, ROUNDS = 40, TRACES = 16 };

#define METRICS "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
#define RECEIVER                                                                                  \
    "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: "           \
    "'127.0.0.1:0'}}}}\n"

static const char tail_config[] =
    RECEIVER
    "processors:\n"
    "  tail_sampling:\n"
    "    decision_wait: 1s\n"
    "    policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]\n"
    "exporters: {file: {path: DIR/kept.bin, format: proto}}\n"
    "service:\n"
    "  pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: [file]}}\n"
    METRICS;

static struct rig rig, far; /* far: where the former sends to */

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_init(&far);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    rig_fini(&far);
    return 0;
}

/* ---- clients: all of them have sent before the first is answered ---- */

struct crowd {
    int http[PEERS];
    struct client grpc[PEERS];
    struct otl_buf bodies[CLIENTS];
};

static void open_crowd(struct crowd *crowd)
{
    for (unsigned i = 0; i < PEERS; i++) {
        crowd->http[i] = rig_connect(rig_port(&rig, "otlp/http"));
        client_open(&crowd->grpc[i], rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    }
}

static void close_crowd(struct crowd *crowd)
{
    for (unsigned i = 0; i < PEERS; i++) {
        close(crowd->http[i]);
        client_close(&crowd->grpc[i]);
    }
}

static void post(int fd, const char *path, const struct otl_buf *body)
{
    char head[200];
    int len = snprintf(head, sizeof(head),
                       "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: "
                       "application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                       path, body->len);

    rig_send(fd, head, (size_t)len);
    rig_send(fd, body->data, body->len);
}

/* A span of each of these traces from everybody; every third trace has one error. */
static void send_round(struct crowd *crowd, unsigned round)
{
    struct otl_buf answer, framed[PEERS];
    struct ask asks[PEERS];

    for (unsigned c = 0; c < CLIENTS; c++) {
        struct tail_span spans[TRACES] = {{.trace = 0}};
        for (unsigned i = 0; i < TRACES; i++) {
            spans[i].trace = round * TRACES + i + 1;
            spans[i].status = spans[i].trace % 3 == 0 && spans[i].trace % CLIENTS == c ? 2 : 0;
        }
        otl_buf_init(&crowd->bodies[c], 1 << 20);
        tail_put_request(&crowd->bodies[c], spans, TRACES, c % 2 == 0);
    }
    for (unsigned i = 0; i < PEERS; i++) {
        const struct otl_buf *body = &crowd->bodies[PEERS + i];
        otl_buf_init(&framed[i], 1 << 20);
        put_message(&framed[i], 0, otl_view(body->data, body->len));
        asks[i] = (struct ask){.body = framed[i].data, .len = framed[i].len};
        client_ask(&crowd->grpc[i], &asks[i]);
        client_turn(&crowd->grpc[i]);
        post(crowd->http[i], "/v1/traces", &crowd->bodies[i]);
    }
    otl_buf_init(&answer, 1 << 20);
    for (unsigned i = 0; i < PEERS; i++) {
        assert_int_equal(rig_answer(crowd->http[i], &answer), 200);
        client_wait_all(&crowd->grpc[i]);
        assert_int_equal(crowd->grpc[i].calls[round]->code, 0);
        otl_buf_fini(&framed[i]);
    }
    otl_buf_fini(&answer);
    for (unsigned c = 0; c < CLIENTS; c++)
        otl_buf_fini(&crowd->bodies[c]);
}

/* ---- what became of it ---- */

static unsigned trace_of(const uint8_t id[16])
{
    unsigned trace = (unsigned)id[14] << 8 | id[15];

    assert_in_range(trace, 1, ROUNDS * TRACES);
    return trace;
}

/* Spans by trace in the file that the exporter wrote: whole records, each within one trace. */
static void count_kept(uint64_t kept[ROUNDS * TRACES + 1])
{
    struct otl_buf file;
    char path[160];

    snprintf(path, sizeof(path), "%s/kept.bin", rig.dir);
    rig_read(path, &file);
    for (size_t at = 0, len; at < file.len; at += 4 + len) {
        const uint8_t *head = (const uint8_t *)file.data + at;
        struct col_traces traces;
        struct col_span span;
        unsigned first = 0;
        assert_true(file.len - at >= 4);
        len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        assert_true(len <= file.len - at - 4);
        col_traces_init(&traces, otl_view(file.data + at + 4, len));
        while (col_traces_next(&traces, &span)) {
            unsigned trace = trace_of(span.trace_id);
            assert_true(first == 0 || first == trace);
            first = trace;
            kept[trace]++;
        }
        assert_int_equal(col_traces_error(&traces, NULL), OTEL_OK);
    }
    otl_buf_fini(&file);
}

/* By trace: how often it was decided, and whether to be kept. */
static void read_decisions(unsigned decided[ROUNDS * TRACES + 1], bool keep[ROUNDS * TRACES + 1])
{
    static const char start[] = "{\"event\":\"decision\"", id[] = "\"trace_id\":\"";
    struct otl_buf record;
    char path[160];

    snprintf(path, sizeof(path), "%s/decisions", rig.dir);
    rig_read(path, &record);
    for (char *line = record.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const char *at;
        unsigned trace;
        *end = '\0';
        if (strncmp(line, start, sizeof(start) - 1) != 0)
            continue;
        at = strstr(line, id);
        assert_non_null(at);
        trace = (unsigned)strtoul(at + sizeof(id) - 1 + 28, NULL, 16);
        assert_in_range(trace, 1, ROUNDS * TRACES);
        decided[trace]++;
        keep[trace] = strstr(line, "\"decision\":\"sampled\"") != NULL;
    }
    otl_buf_fini(&record);
}

/* Requests of the tap, and from how many workers its connections were served. */
static void check_tap(uint64_t requests)
{
    bool numbers[ROUNDS * CLIENTS + 1] = {false}, workers[WORKERS] = {false};
    struct col_tap_reader reader;
    struct col_tap_record record;
    uint64_t count = 0;

    assert_int_equal(col_tap_open(rig.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        if (record.type != COL_TAP_REQUEST)
            continue;
        assert_in_range(record.request, 1, requests);
        assert_false(numbers[record.request]);
        numbers[record.request] = true;
        assert_in_range(record.connection >> 50, 0, WORKERS - 1);
        workers[record.connection >> 50] = true;
        count++;
    }
    assert_false(reader.torn || reader.damaged);
    col_tap_close(&reader);
    assert_int_equal(count, requests);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_true(workers[i]);
}

static double receiver_metric(const struct otl_buf *metrics, const char *what)
{
    char http[160], grpc[160];

    snprintf(http, sizeof(http), "otelcol_receiver_%s_spans_total{receiver=\"otlp\",transport="
                                 "\"http\"}", what);
    snprintf(grpc, sizeof(grpc), "otelcol_receiver_%s_spans_total{receiver=\"otlp\",transport="
                                 "\"grpc\"}", what);
    return rig_metric_in(metrics, http) + rig_metric_in(metrics, grpc);
}

/* At rest: accepted = received by the processor, and of that nothing is missing. */
static void check_books(double sent)
{
#define HANDED(what) "collector_mock_worker_" what "_spans_total{component=\"tail_sampling\"}"
    struct otl_buf metrics;

    rig_metric_until(&rig, "collector_mock_tail_sampling_received_spans_total{processor="
                           "\"tail_sampling\"}", sent);
    rig_metrics(&rig, &metrics);
    assert_true(receiver_metric(&metrics, "accepted") == sent);
    assert_true(receiver_metric(&metrics, "refused") == 0);
    assert_true(receiver_metric(&metrics, "failed") == 0);
    assert_true(books_of(&metrics, "tail_sampling") == sent);
    assert_true(rig_metric_in(&metrics, HANDED("handed_over")) > 0);
    assert_true(rig_metric_in(&metrics, HANDED("handed_over")) ==
                rig_metric_in(&metrics, HANDED("taken_over")));
    assert_true(rig_metric_in(&metrics, HANDED("lost")) == 0);
    otl_buf_fini(&metrics);
}

static void each_trace_is_decided_once_and_no_span_is_lost(void **state)
{
    static unsigned decided[ROUNDS * TRACES + 1];
    static bool keep[ROUNDS * TRACES + 1];
    static uint64_t kept[ROUNDS * TRACES + 1];
    struct otl_buf metrics;
    struct crowd crowd;
    char extra[160];

    (void)state;
    rig_config(&rig, tail_config);
    snprintf(extra, sizeof(extra), "--decisions=%s/decisions", rig.dir);
    rig.more = "--workers=4";
    rig_start(&rig, extra);
    open_crowd(&crowd);
    for (unsigned round = 0; round < ROUNDS; round++) {
        send_round(&crowd, round);
        if (round % 8 != 0)
            continue;
        rig_metrics(&rig, &metrics); /* amid ticks and requests: exact as well */
        books_of(&metrics, "tail_sampling");
        otl_buf_fini(&metrics);
    }
    check_books((double)ROUNDS * CLIENTS * TRACES);
    close_crowd(&crowd);
    assert_int_equal(rig_stop(&rig), 0);
    read_decisions(decided, keep);
    count_kept(kept);
    for (unsigned trace = 1; trace <= ROUNDS * TRACES; trace++) {
        assert_int_equal(decided[trace], 1);
        assert_true(!keep[trace] || trace % 3 == 0);
        assert_int_equal(kept[trace], keep[trace] ? CLIENTS : 0); /* late ones, too */
    }
    check_tap(ROUNDS * CLIENTS);
}

/* ---- what there is once ---- */

static const char single_config[] =
    RECEIVER
    "processors:\n"
    "  tail_sampling:\n"
    "    decision_wait: 60s\n"
    "    policies: [{name: few, type: rate_limiting, rate_limiting: {spans_per_second: 1, "
    "burst_capacity: 24}}]\n"
    "  groupbytrace: {wait_duration: 200ms}\n"
    "  batch: {}\n"
    "connectors: {span_metrics: {metrics_flush_interval: 50ms}, forward: }\n"
    "exporters:\n"
    "  prometheus: {endpoint: '127.0.0.1:0'}\n"
    "  file: {path: DIR/kept.bin, format: proto}\n"
    "  debug: {}\n"
    "extensions: {health_check: {endpoint: '127.0.0.1:0'}}\n"
    "service:\n"
    "  extensions: [health_check]\n"
    "  pipelines:\n"
    "    traces/in: {receivers: [otlp], processors: [groupbytrace], exporters: [forward, debug]}\n"
    "    traces/out: {receivers: [forward], processors: [tail_sampling], exporters: [file, "
    "span_metrics]}\n"
    "    metrics: {receivers: [span_metrics], exporters: [prometheus]}\n" METRICS;

/* A limit is the limit of all workers: of the traces of 8 spans each, three are kept. That is
 * decided at the end. */
static void what_is_there_once_is_worker_0s(void **state)
{
    static uint64_t kept[ROUNDS * TRACES + 1];
    struct otl_buf log;
    struct crowd crowd;
    char last[128], sum[128];
    unsigned whole = 0;

    (void)state;
    snprintf(last, sizeof(last), "--last-metrics=%s/last.prom", rig.dir);
    rig_config(&rig, single_config);
    rig.more = last;
    rig_start(&rig, "--workers=4");
    rig.more = NULL;
    open_crowd(&crowd);
    send_round(&crowd, 0);
    close_crowd(&crowd);
    rig_metric_until(&rig, "collector_mock_tail_sampling_held_spans{processor=\"tail_sampling\"}",
                     CLIENTS * TRACES);
    assert_int_equal(rig_stop(&rig), 0);
    count_kept(kept);
    for (unsigned trace = 1; trace <= TRACES; trace++) {
        assert_true(kept[trace] == 0 || kept[trace] == CLIENTS);
        whole += kept[trace] > 0;
    }
    assert_int_equal(whole, 3);
    rig_read(rig.log, &log);
    assert_null(strstr(log.data, "lost"));
    otl_buf_fini(&log);
    rig_read(strchr(last, '=') + 1, &log);
    snprintf(sum, sizeof(sum), "spans_total{receiver=\"otlp\",transport=\"http\"} %d\n",
             PEERS * TRACES);
    assert_non_null(strstr(log.data, sum)); /* of all workers */
    otl_buf_fini(&log);
}

/* ---- from collector to collector ---- */

static const char behind_config[] =
    RECEIVER
    "exporters: {nop: }\n"
    "service:\n"
    "  pipelines:\n"
    "    traces: {receivers: [otlp], exporters: [nop]}\n"
    "    metrics: {receivers: [otlp], exporters: [nop]}\n"
    "    logs: {receivers: [otlp], exporters: [nop]}\n" METRICS;

static const char before_config[] =
    RECEIVER
    "processors:\n"
    "  batch: {timeout: 50ms}\n"
    "  tail_sampling: {decision_wait: 60s, policies: [{name: all, type: always_sample}]}\n"
    "exporters:\n"
    "  otlp_grpc: {endpoint: '127.0.0.1:%u', tls: {insecure: true}}\n"
    "  otlp_http: {endpoint: 'http://127.0.0.1:%u'}\n"
    "  prometheus: {endpoint: '127.0.0.1:0'}\n"
    "connectors: {span_metrics: }\n"
    "service:\n"
    "  pipelines:\n"
    "    traces: {receivers: [otlp], processors: [tail_sampling, batch], exporters: [otlp_grpc, "
    "span_metrics]}\n"
    "    metrics: {receivers: [otlp], processors: [batch], exporters: [otlp_http, prometheus]}\n"
    "    metrics/spans: {receivers: [span_metrics], exporters: [prometheus]}\n"
    "    logs: {receivers: [otlp], processors: [batch], exporters: [otlp_http]}\n" METRICS;

static void post_official(const struct crowd *crowd, const char *name, const char *path)
{
    struct otl_buf body, answer;

    rig_official(name, &body);
    otl_buf_init(&answer, 1 << 20);
    for (unsigned i = 0; i < PEERS; i++)
        post(crowd->http[i], path, &body);
    for (unsigned i = 0; i < PEERS; i++)
        assert_int_equal(rig_answer(crowd->http[i], &answer), 200);
    otl_buf_fini(&body);
    otl_buf_fini(&answer);
}

static double accepted(const struct rig *of, const char *items, const char *transport)
{
    char series[160];

    snprintf(series, sizeof(series), "otelcol_receiver_accepted_%s_total{receiver=\"otlp\","
                                     "transport=\"%s\"}", items, transport);
    return rig_metric(of, series);
}

/* Everything is still under way when the first collector is told to end. */
static void all_signals_are_forwarded_to_the_last(void **state)
{
    double points, records;
    struct rig behind;
    struct crowd crowd;
    char text[2048];

    (void)state;
    rig_init(&behind);
    rig_config(&behind, behind_config);
    rig_start(&behind, "--workers=2");
    snprintf(text, sizeof(text), before_config, rig_port(&behind, "otlp/grpc"),
             rig_port(&behind, "otlp/http"));
    rig_config(&rig, text);
    rig_start(&rig, "--workers=4");
    open_crowd(&crowd);
    for (unsigned round = 0; round < 4; round++) {
        send_round(&crowd, round);
        post_official(&crowd, "metrics", "/v1/metrics");
        post_official(&crowd, "logs", "/v1/logs");
    }
    close_crowd(&crowd);
    points = accepted(&rig, "metric_points", "http");
    records = accepted(&rig, "log_records", "http");
    assert_true(points >= 4 * PEERS && records >= 4 * PEERS);
    assert_int_equal(rig_stop(&rig), 0);
    assert_true(accepted(&behind, "spans", "grpc") == 4.0 * CLIENTS * TRACES);
    assert_true(accepted(&behind, "metric_points", "http") == points);
    assert_true(accepted(&behind, "log_records", "http") == records);
    assert_int_equal(rig_stop(&behind), 0);
    rig_fini(&behind);
}

/* Each worker has exporters of its own, to one that takes everything. */
static void exporters_of_all_workers_send_everything(void **state)
{
    enum { SENDS = 10, SPANS = SENDS * CLIENTS * TRACES };
    static struct crowd crowd;
    char text[1200];
    double taken;

    (void)state;
    rig_config(&far, RECEIVER "exporters: {nop: }\nservice:\n" METRICS
                              "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n");
    rig_start(&far, "--workers=2");
    snprintf(text, sizeof(text),
             RECEIVER
             "exporters:\n"
             "  otlp: {endpoint: '127.0.0.1:%u', tls: {insecure: true}, timeout: 0s}\n"
             "  otlphttp: {endpoint: 'http://127.0.0.1:%u', timeout: 0s, compression: zstd}\n"
             "  load_balancing:\n"
             "    timeout: 60s\n"
             "    protocol: {otlp: {tls: {insecure: true}, timeout: 0s}}\n"
             "    resolver: {static: {hostnames: ['127.0.0.1:%u']}}\n"
             "service:\n" METRICS
             "  pipelines: {traces: {receivers: [otlp], exporters: [otlp, otlphttp, "
             "load_balancing]}}\n",
             rig_port(&far, "otlp/grpc"), rig_port(&far, "otlp/http"), rig_port(&far, "otlp/grpc"));
    rig_config(&rig, text);
    rig_start(&rig, "--workers=4");
    open_crowd(&crowd);
    for (unsigned round = 0; round < SENDS; round++)
        send_round(&crowd, round);
    close_crowd(&crowd);
    assert_int_equal(rig_stop(&rig), 0); /* sent to the end */
    taken = rig_metric(&far, "otelcol_exporter_sent_spans_total{exporter=\"nop\"}");
    if (taken < 3 * SPANS || taken > 3 * SPANS)
        fail_msg("%.0f spans arrived of %d", taken, 3 * SPANS);
    assert_int_equal(rig_stop(&far), 0);
}

static void wrong_numbers_of_workers_are_refused(void **state)
{
    static const char *const wrong[] = {"--workers=0", "--workers=65", "--workers=-1",
                                        "--workers=two", "--workers=", "--workers=1.5"};
    const char *arguments[] = {NULL, NULL, NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        arguments[0] = wrong[i];
        assert_int_equal(rig_run(&rig, arguments), 2);
    }
    arguments[0] = "--workers=2";
    arguments[1] = "--faults=/dev/null";
    assert_int_equal(rig_run(&rig, arguments), 2);
    arguments[1] = "--control-fd=0";
    assert_int_equal(rig_run(&rig, arguments), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_trace_is_decided_once_and_no_span_is_lost, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_there_once_is_worker_0s, setup, teardown),
        cmocka_unit_test_setup_teardown(all_signals_are_forwarded_to_the_last, setup, teardown),
        cmocka_unit_test_setup_teardown(exporters_of_all_workers_send_everything, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(wrong_numbers_of_workers_are_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
