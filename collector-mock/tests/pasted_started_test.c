/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations as people paste them are started, and a span over each protocol, a data point and
 * a log record sent through each. Only what is of somebody's own machines is changed: ports that
 * are listened on, the addresses of backends, the paths of files.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/config/tests/pasted.h"
#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/certs.h"
#include "collector-mock/tests/rig.h"
#include "sdk/base/file.h"

enum { TEXT_MAX = 8192 };

/* A backend that takes everything, plain and under TLS. */
static const char backend_config[] =
    "receivers:\n"
    "  otlp:\n"
    "    protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}\n"
    "  otlp/tls:\n"
    "    protocols:\n"
    "      grpc: {endpoint: '127.0.0.1:0', tls: &tls {cert_file: DIR/server.pem,\n"
    "             key_file: DIR/server-key.pem}}\n"
    "      http: {endpoint: '127.0.0.1:0', tls: *tls}\n"
    "  otlp/prometheus:\n"
    "    protocols: {http: {endpoint: '127.0.0.1:0', metrics_url_path: /api/v1/otlp/v1/metrics}}\n"
    "  otlp/loki:\n"
    "    protocols: {http: {endpoint: '127.0.0.1:0', logs_url_path: /otlp/v1/logs}}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
    "  pipelines:\n"
    "    traces: {receivers: [otlp, otlp/tls], exporters: [nop]}\n"
    "    metrics: {receivers: [otlp, otlp/prometheus], exporters: [nop]}\n"
    "    logs: {receivers: [otlp, otlp/loki], exporters: [nop]}\n";

/* ResourceSpans > ScopeSpans > a span "x" of 1 ns that failed */
static const char span_request[] =
    "\x0a\x39\x12\x37\x12\x35"
    "\x0a\x10\xb1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"
    "\x12\x08\xb1\2\3\4\5\6\7\x8"
    "\x2a\x01x"
    "\x39\1\0\0\0\0\0\0\x10"
    "\x41\2\0\0\0\0\0\0\x10"
    "\x7a\x02\x18\x02";
static const char point_request[] =
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"pasted\",\"gauge\":"
    "{\"dataPoints\":[{\"timeUnixNano\":\"1792000000000000000\",\"asInt\":\"7\"}]}}]}]}]}";
static const char record_request[] =
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"pasted\"}}"
    "]}]}]}";

static struct rig backend, rig;
static struct otl_buf answer;

static int setup(void **state)
{
    char path[160];
    struct certs *certs;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    otl_buf_init(&answer, 1u << 20);
    rig_init(&backend);
    certs = certs_new(backend.dir);
    certs_make(certs, &(struct certs_ask){.name = "server"});
    certs_free(certs);
    snprintf(path, sizeof(path), "%s/htpasswd", backend.dir);
    assert_int_equal(otl_file_write(path, "plain:word\n", 11, NULL), OTEL_OK);
    rig_config(&backend, backend_config);
    rig_start(&backend, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&backend);
    otl_buf_fini(&answer);
    return 0;
}

/* ---- what is of somebody's own machines ---- */

/* Every `from` in text becomes `to`. */
static void replace(char *text, const char *from, const char *to)
{
    char copy[TEXT_MAX];
    char *at = text;

    while ((at = strstr(at, from)) != NULL) {
        snprintf(copy, sizeof(copy), "%s", at + strlen(from));
        assert_true(strlen(text) + strlen(to) < TEXT_MAX);
        at += (size_t)snprintf(at, TEXT_MAX - (size_t)(at - text), "%s", to);
        snprintf(at, TEXT_MAX - (size_t)(at - text), "%s", copy);
    }
}

/* Ports come last, by way of marks: the digits of one may be those that another begins with. */
static void make_ours(const char *pasted, char *out)
{
    static const char *const listened[] = {":4317",  ":4318", ":13133", ":1777",
                                           ":55679", ":9464", ":8889",  ":8888"};
    static const struct {
        const char *pasted, *endpoint;
    } backends[] = {
        {"tempo.example.com:4317", "otlp/tls/grpc"},
        {"tempo.example.com:4318", "otlp/tls/http"},
        {"tempo:4317", "otlp/grpc"},
        {"jaeger:4317", "otlp/grpc"},
        {"otelcol:4317", "otlp/grpc"},
        {"prometheus:9090", "otlp/prometheus/http"},
        {"loki:3100", "otlp/loki/http"},
    };
    enum { BACKENDS = sizeof(backends) / sizeof(backends[0]) };
    char mark[8], address[32];

    snprintf(out, TEXT_MAX, "%s", pasted);
    for (size_t i = 0; i < BACKENDS; i++) {
        snprintf(mark, sizeof(mark), "<%zu>", i);
        replace(out, backends[i].pasted, mark);
    }
    for (size_t i = 0; i < sizeof(listened) / sizeof(listened[0]); i++)
        replace(out, listened[i], ":0");
    replace(out, "port: 8888", "port: 0");
    replace(out, "/etc/otel", backend.dir);
    for (size_t i = 0; i < BACKENDS; i++) {
        snprintf(mark, sizeof(mark), "<%zu>", i);
        snprintf(address, sizeof(address), "localhost:%u",
                 rig_port(&backend, backends[i].endpoint));
        replace(out, mark, address);
    }
}

/* ---- sending ---- */

static bool serves(const char *endpoint)
{
    char key[40];

    snprintf(key, sizeof(key), "\"%s\":", endpoint);
    return strstr(rig.ready, key) != NULL;
}

/* 1 if a span was taken */
static unsigned send_span_by_grpc(bool with_words)
{
    struct otl_buf framed;
    struct client client;
    int code;

    if (!serves("otlp/grpc"))
        return 0;
    otl_buf_init(&framed, 4096);
    put_message(&framed, 0, otl_view(span_request, sizeof(span_request) - 1));
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    code = client_call(&client, &(struct ask){.auth = with_words ? "Basic cGxhaW46d29yZA==" : NULL,
                                              .body = framed.data,
                                              .len = framed.len});
    client_close(&client);
    otl_buf_fini(&framed);
    assert_true(code == 0 || code == 12 || code == 16);
    return code == 0;
}

static unsigned send_by_http(const char *path, const char *type, struct otl_view body)
{
    char header[80];
    unsigned status;
    int fd;

    if (!serves("otlp/http"))
        return 0;
    fd = rig_connect(rig_port(&rig, "otlp/http"));
    snprintf(header, sizeof(header), "Content-Type: %s\r\n", type);
    status = rig_post_to(fd, path, header, body, &answer);
    close(fd);
    assert_true(status == 200 || status == 404); /* 404: no pipeline of the signal */
    return status == 200;
}

/* The page of the prometheus exporter, where there is one, holds the point. */
static void fetch_page(void)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    int fd;

    if (!serves("prometheus"))
        return;
    fd = rig_connect(rig_port(&rig, "prometheus"));
    rig_send(fd, request, sizeof(request) - 1);
    assert_int_equal(rig_answer(fd, &answer), 200);
    close(fd);
    assert_non_null(strstr(answer.data, "pasted{"));
}

/* ---- judging ---- */

static const char *const modes[] = {NULL, "--lenient"};

static void start_refuses(const struct pasted *one, bool lenient, const char *error)
{
    const char *arguments[] = {"--config", rig.config, modes[lenient], NULL};
    const char *words = strstr(error, ": "); /* its place is judged by lint */
    struct otl_buf log;
    int status = rig_run(&rig, arguments);

    rig_read(rig.log, &log);
    if (status != 2 || words == NULL || strstr(log.data, words) == NULL)
        fail_msg("%s%s: exit %d: %s", one->name, lenient ? ", lenient" : "", status, log.data);
    otl_buf_fini(&log);
}

/* All that was sent is where it was to go when the program has ended. */
static void judge_numbers(const struct pasted *one, const char *path, unsigned spans)
{
    static const char *const of_nop[3] = {"otelcol_exporter_sent_spans_total{exporter=\"nop\"}"};
    const char *const *through = one->through[0] != NULL ? one->through : of_nop;
    struct otl_buf numbers;

    rig_read(path, &numbers);
    for (size_t i = 0; i < 3 && through[i] != NULL; i++) {
        double wanted = strstr(through[i], "_spans_") != NULL ? spans : 1;
        double got = rig_metric_in(&numbers, through[i]);
        if (wanted < 1 || got != wanted)
            fail_msg("%s: %s is %g of %g", one->name, through[i], got, wanted);
    }
    otl_buf_fini(&numbers);
}

static void start_takes(const struct pasted *one, bool lenient)
{
    bool guarded = strstr(one->text, "authenticator") != NULL;
    const char *arguments = lenient ? "--lenient" : "--workers=1";
    char option[160], path[128];
    unsigned spans;

    snprintf(path, sizeof(path), "%s/last.prom", rig.dir);
    snprintf(option, sizeof(option), "--last-metrics=%s", path);
    rig.more = option;
    rig_start(&rig, arguments);
    if (guarded)
        assert_int_equal(send_span_by_grpc(false), 0);
    spans = send_span_by_grpc(true);
    spans += send_by_http("/v1/traces", "application/x-protobuf",
                          otl_view(span_request, sizeof(span_request) - 1));
    send_by_http("/v1/metrics", "application/json", otl_view_str(point_request));
    send_by_http("/v1/logs", "application/json", otl_view_str(record_request));
    fetch_page();
    assert_int_equal(rig_stop(&rig), 0);
    judge_numbers(one, path, spans);
}

static void judge(const struct pasted *one, bool lenient)
{
    const char *error = lenient ? one->lenient : one->strict;
    char text[TEXT_MAX];

    rig_init(&rig);
    make_ours(one->text, text);
    rig_config(&rig, text);
    if (error != NULL)
        start_refuses(one, lenient, error);
    else
        start_takes(one, lenient);
    rig_fini(&rig);
}

static void what_people_paste_runs_or_says_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < pasted_count; i++) {
        judge(&pasted_configs[i], false);
        judge(&pasted_configs[i], true);
    }
}

/* As pasted, where the files are not: the Collector ends at its start and names them, too. */
static void a_file_that_is_not_there_is_named(void **state)
{
    static const struct {
        const char *about, *words;
    } cases[] = {
        {"to tempo with an authority", ":10:16: exporter 'otlp/tempo': 'ca_file': "},
        {"credentials on gRPC", "extension 'basicauth/server': htpasswd: cannot open: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t k = 0;
        struct otl_buf log;
        char text[TEXT_MAX];
        while (strncmp(pasted_configs[k].name, cases[i].about, strlen(cases[i].about)) != 0)
            assert_true(++k < pasted_count);
        rig_init(&rig);
        make_ours(pasted_configs[k].text, text);
        replace(text, backend.dir, "/nonexistent/otel");
        rig_config(&rig, text);
        assert_int_equal(rig_run(&rig, (const char *[]){"--config", rig.config, NULL}), 2);
        rig_read(rig.log, &log);
        if (strstr(log.data, cases[i].words) == NULL ||
            strstr(log.data, "/nonexistent/otel/") == NULL ||
            strstr(log.data, "No such file or directory") == NULL)
            fail_msg("%s", log.data);
        otl_buf_fini(&log);
        rig_fini(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_paste_runs_or_says_why_not),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
