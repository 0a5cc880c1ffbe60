/* SPDX-License-Identifier: Apache-2.0 */
/* One collector before two: who gets which span, over real sockets. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/exporters/ring.h"
#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/tests/rig.h"
#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/traces.h"

#define TELEMETRY "service:\n  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
static const char backend_config[] =
    "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n" TELEMETRY
    "  pipelines:\n"
    "    traces: {receivers: [otlp], exporters: [nop]}\n"
    "    metrics: {receivers: [otlp], exporters: [nop]}\n"
    "    logs: {receivers: [otlp], exporters: [nop]}\n";

enum { BACKENDS = 2, TRACES = 40, SERVICES = 40 };

static struct rig front, backends[BACKENDS];
static char hosts[BACKENDS][32];

static const char *front_signal = "traces";

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    front_signal = "traces";
    rig_init(&front);
    for (size_t i = 0; i < BACKENDS; i++) {
        rig_init(&backends[i]);
        rig_config(&backends[i], backend_config);
        rig_start(&backends[i], NULL);
        snprintf(hosts[i], sizeof(hosts[i]), "127.0.0.1:%u", rig_port(&backends[i], "otlp/grpc"));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&front);
    for (size_t i = 0; i < BACKENDS; i++)
        rig_fini(&backends[i]);
    return 0;
}

/* extra: an option more; NULL: none. */
static void start_front(const char *type, const char *routing, const char *extra)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters:\n"
             "  %s:\n"
             "    %s\n"
             "    protocol: {otlp: {tls: {insecure: true}}}\n"
             "    resolver: {static: {hostnames: ['%s', '%s']}}\n" TELEMETRY
             "  pipelines: {%s: {receivers: [otlp], exporters: [%s]}}\n",
             type, routing, hosts[0], hosts[1], front_signal, type);
    rig_config(&front, text);
    rig_start(&front, extra);
}

static unsigned post(const struct tail_span *spans, size_t count)
{
    int fd = rig_connect(rig_port(&front, "otlp/http"));
    struct otl_buf body;
    unsigned status;

    otl_buf_init(&body, 1 << 20);
    tail_put_request(&body, spans, count, false);
    status = rig_post(fd, "", otl_view(body.data, body.len), NULL);
    otl_buf_fini(&body);
    close(fd);
    return status;
}

enum by { BY_TRACE, BY_SERVICE, BY_ATTRIBUTES };

/* What the ring is asked about a span. */
static size_t key_of(const struct col_span *span, enum by by, char key[80])
{
    struct col_value service = {.kind = COL_VALUE_EMPTY};

    if (by == BY_TRACE) {
        memcpy(key, span->trace_id, 16);
        return 16;
    }
    if (by == BY_ATTRIBUTES) { /* those of the first span of its trace */
        snprintf(key, 80, "tenant=t-%u|span.kind=Server|none=|", span->trace_id[15]);
        return strlen(key);
    }
    if (!col_attribute_find(&span->resource->attributes, "service.name", &service))
        service.text = otl_view("", 0);
    snprintf(key, 80, "service.name=%.*s|", (int)service.text.len, service.text.data);
    return strlen(key);
}

/* The spans in the tap of a backend that must be its own by the ring; how many there are. */
static size_t judged(size_t backend, const struct col_ring *ring, enum by by)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    size_t count = 0;

    assert_int_equal(col_tap_open(backends[backend].tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        struct col_traces traces;
        struct col_span span;
        char key[80];
        if (record.type != COL_TAP_REQUEST)
            continue;
        col_traces_init(&traces, record.body);
        for (; col_traces_next(&traces, &span); count++)
            assert_int_equal(col_ring_endpoint(ring, key, key_of(&span, by, key)), backend);
        assert_int_equal(col_traces_error(&traces, NULL), OTEL_OK);
    }
    col_tap_close(&reader);
    return count;
}

/* All spans are there once, each where the ring of that version says, and both have some. */
static void arrived(size_t spans, enum by by, unsigned version)
{
    const char *const names[BACKENDS] = {hosts[0], hosts[1]};
    struct col_ring *ring = NULL;
    size_t counts[BACKENDS];

    assert_int_equal(rig_stop(&front), 0); /* its queues are sent */
    assert_int_equal(col_ring_new(col_ring_rule(version), names, BACKENDS, &ring), OTEL_OK);
    for (size_t i = 0; i < BACKENDS; i++) {
        assert_int_equal(rig_stop(&backends[i]), 0);
        counts[i] = judged(i, ring, by);
        assert_true(counts[i] > 0);
    }
    assert_int_equal(counts[0] + counts[1], spans);
    col_ring_free(ring);
}

/* Two spans of each trace, and one more. */
static void post_traces(void)
{
    struct tail_span spans[2 * TRACES] = {{.trace = 0}};

    for (unsigned i = 0; i < 2 * TRACES; i++)
        spans[i] = (struct tail_span){.trace = 1 + i % TRACES, .child = i >= TRACES, .ms = i};
    assert_int_equal(post(spans, 2 * TRACES), 200);
    assert_int_equal(post(spans, 1), 200); /* for one alone: as it came */
}

static void every_span_of_a_trace_goes_to_the_same_backend(void **state)
{
    char series[160];

    (void)state;
    start_front("load_balancing", "routing_key: traceID", NULL);
    post_traces();
    assert_true(rig_metric(&front, "otelcol_loadbalancer_num_backends{exporter=\"load_balancing\","
                                   "resolver=\"static\"}") == BACKENDS);
    for (size_t i = 0; i < BACKENDS; i++) {
        snprintf(series, sizeof(series),
                 "otelcol_loadbalancer_backend_outcome_total{exporter=\"load_balancing\","
                 "endpoint=\"%s\",success=\"true\"}", hosts[i]);
        assert_true(rig_metric(&front, series) >= 1);
        snprintf(series, sizeof(series),
                 "otelcol_loadbalancer_backend_latency_count{exporter=\"load_balancing\","
                 "endpoint=\"%s\"}", hosts[i]);
        assert_true(rig_metric(&front, series) >= 1);
    }
    arrived(2 * TRACES + 1, BY_TRACE, 0);
}

static void an_older_version_sends_traces_where_its_ring_says(void **state)
{
    (void)state;
    start_front("loadbalancing", "routing_key: traceID", "--as-version=0.120");
    post_traces();
    arrived(2 * TRACES + 1, BY_TRACE, 120);
}

/* As JSON: one span of each of so many services, the last of them without a name if nameless. */
static unsigned post_services(unsigned count, bool nameless)
{
    int fd = rig_connect(rig_port(&front, "otlp/http"));
    struct otl_buf body;
    unsigned status;

    otl_buf_init(&body, 1 << 20);
    assert_int_equal(otl_buf_append_str(&body, "{\"resourceSpans\":["), OTEL_OK);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(
            otl_buf_printf(&body,
                           "%s{\"resource\":{\"attributes\":[{\"key\":\"%s\",\"value\":"
                           "{\"stringValue\":\"service-%u\"}}]},\"scopeSpans\":[{\"spans\":[{"
                           "\"traceId\":\"000000000000000000000000000000ff\",\"spanId\":"
                           "\"00000000000000ff\",\"name\":\"s\"}]}]}",
                           i > 0 ? "," : "",
                           nameless && i + 1 == count ? "host.name" : "service.name", i),
            OTEL_OK);
    assert_int_equal(otl_buf_append_str(&body, "]}"), OTEL_OK);
    status = rig_post_json(fd, "/v1/traces", otl_view(body.data, body.len));
    otl_buf_fini(&body);
    close(fd);
    return status;
}

static void a_service_goes_to_one_backend(void **state)
{
    (void)state;
    start_front("load_balancing", "routing_key: service", NULL);
    assert_int_equal(post_services(SERVICES, false), 200);
    assert_int_equal(post_services(SERVICES, true), 200); /* one without a name is a service too */
    arrived(2 * SERVICES, BY_SERVICE, 0);
}

/* Two spans of each trace in one scope: the first one's attributes say where both go. */
static void attributes_of_the_first_span_say_where_a_trace_goes(void **state)
{
    int fd;
    struct otl_buf body;

    (void)state;
    start_front("load_balancing",
                "routing_key: attributes\n"
                "    routing_attributes: [tenant, span.kind, none]",
                NULL);
    fd = rig_connect(rig_port(&front, "otlp/http"));
    otl_buf_init(&body, 1 << 20);
    assert_int_equal(otl_buf_append_str(&body, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["),
                     OTEL_OK);
    for (unsigned i = 0; i < 2 * TRACES; i++)
        assert_int_equal(
            otl_buf_printf(&body,
                           "%s{\"traceId\":\"000000000000000000000000000000%02x\",\"spanId\":"
                           "\"00000000000000ff\",\"name\":\"s\",\"kind\":%u,\"attributes\":[{"
                           "\"key\":\"tenant\",\"value\":{\"stringValue\":\"t-%u\"}}]}",
                           i > 0 ? "," : "", 1 + i % TRACES, i < TRACES ? 2 : 3, 1 + i), OTEL_OK);
    assert_int_equal(otl_buf_append_str(&body, "]}]}]}"), OTEL_OK);
    assert_int_equal(rig_post_json(fd, "/v1/traces", otl_view(body.data, body.len)), 200);
    otl_buf_fini(&body);
    close(fd);
    arrived(2 * TRACES, BY_ATTRIBUTES, 0);
}

static double front_items(const char *name, const char *more)
{
    char series[160];

    snprintf(series, sizeof(series), "%s_total{exporter=\"load_balancing\"%s}", name, more);
    return rig_metric(&front, series);
}

/* The text by which this item is asked for: of metrics the name, of logs the service. */
static struct otl_view item_key(enum col_signal signal, const struct col_item *item)
{
    struct col_metric metric;
    struct col_value service;

    if (signal == COL_METRICS) {
        col_metric_split(item->raw, &metric);
        return metric.name;
    }
    assert_true(col_attribute_find(&item->resource->attributes, "service.name", &service));
    return service.text;
}

/* So many are in the taps of both, which have some, each (whole) where the ring says. */
static void items_arrived(enum col_signal signal, size_t items, bool whole)
{
    const char *const names[BACKENDS] = {hosts[0], hosts[1]};
    struct col_ring *ring = NULL;
    size_t all = 0;

    assert_int_equal(rig_stop(&front), 0);
    assert_int_equal(col_ring_new(col_ring_rule(0), names, BACKENDS, &ring), OTEL_OK);
    for (size_t i = 0; i < BACKENDS; i++) {
        struct col_tap_reader reader;
        struct col_tap_record record;
        size_t own = 0;
        assert_int_equal(rig_stop(&backends[i]), 0);
        assert_int_equal(col_tap_open(backends[i].tap, &reader, NULL), OTEL_OK);
        while (col_tap_next(&reader, &record)) {
            struct col_traces walk;
            struct col_item item;
            col_items_init(&walk, signal, record.body);
            while (record.type == COL_TAP_REQUEST && col_items_next(&walk, &item)) {
                struct otl_view key = item_key(signal, &item);
                own += item.count;
                if (whole)
                    assert_int_equal(col_ring_endpoint(ring, key.data, key.len), i);
            }
        }
        col_tap_close(&reader);
        assert_true(own > 0);
        all += own;
    }
    assert_int_equal(all, items);
    col_ring_free(ring);
}

/* One resource each of so many services, whose name stands under resource_key: of logs with a
 * record, of metrics with a gauge of two points. */
static unsigned post_items(enum col_signal signal, const char *resource_key)
{
    bool logs = signal == COL_LOGS;
    int fd = rig_connect(rig_port(&front, "otlp/http"));
    struct otl_buf body;
    unsigned status;

    otl_buf_init(&body, 1 << 20);
    assert_int_equal(otl_buf_printf(&body, "{\"resource%s\":[", logs ? "Logs" : "Metrics"),
                     OTEL_OK);
    for (unsigned i = 0; i < SERVICES; i++) {
        assert_int_equal(
            otl_buf_printf(&body,
                           "%s{\"resource\":{\"attributes\":[{\"key\":\"%s\",\"value\":"
                           "{\"stringValue\":\"service-%u\"}}]},\"scope%s\":[{\"%s\":[",
                           i > 0 ? "," : "", resource_key, i, logs ? "Logs" : "Metrics",
                           logs ? "logRecords" : "metrics"), OTEL_OK);
        assert_int_equal(logs ? otl_buf_append_str(&body, "{\"severityText\":\"x\"}")
                              : otl_buf_printf(&body,
                                               "{\"name\":\"metric-%u\",\"gauge\":{\"dataPoints\":"
                                               "[{\"asInt\":\"1\"},{\"asInt\":\"2\",\"attributes\":"
                                               "[{\"key\":\"k\"}]}]}}", i),
                         OTEL_OK);
        assert_int_equal(otl_buf_append_str(&body, "]}]}"), OTEL_OK);
    }
    assert_int_equal(otl_buf_append_str(&body, "]}"), OTEL_OK);
    status = rig_post_json(fd, logs ? "/v1/logs" : "/v1/metrics", otl_view(body.data, body.len));
    otl_buf_fini(&body);
    close(fd);
    return status;
}

static void records_go_by_their_service(void **state)
{
    (void)state;
    front_signal = "logs";
    start_front("load_balancing", "routing_key: ''", NULL);
    assert_int_equal(post_items(COL_LOGS, "service.name"), 200);
    assert_true(front_items("otelcol_exporter_sent_log_records", "") == SERVICES);
    items_arrived(COL_LOGS, SERVICES, true);
}

static void points_go_by_the_name_of_their_metric(void **state)
{
    (void)state;
    front_signal = "metrics";
    start_front("load_balancing", "routing_key: metric", NULL);
    assert_int_equal(post_items(COL_METRICS, "service.name"), 200);
    assert_true(front_items("otelcol_exporter_sent_metric_points", "") == 2 * SERVICES);
    items_arrived(COL_METRICS, 2 * SERVICES, true);
}

/* The two of a metric are two streams: where they part, each backend has one of them. */
static void each_stream_goes_its_own_way(void **state)
{
    (void)state;
    front_signal = "metrics";
    start_front("load_balancing", "routing_key: streamID", NULL);
    assert_int_equal(post_items(COL_METRICS, "service.name"), 200);
    items_arrived(COL_METRICS, 2 * SERVICES, false);
}

/* As there: alone they are refused for good, beside others they are left out (and counted). */
static void metrics_of_no_service_go_nowhere(void **state)
{
    static const char mixed[] =
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
        "\"stringValue\":\"a\"}}]},\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":{"
        "\"dataPoints\":[{\"asInt\":\"1\"}]}}]}]},{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\","
        "\"gauge\":{\"dataPoints\":[{\"asInt\":\"1\"},{\"asInt\":\"2\"}]}}]}]}]}";
    int fd;

    (void)state;
    front_signal = "metrics";
    start_front("load_balancing", "routing_key: service", NULL);
    assert_int_equal(post_items(COL_METRICS, "host.name"), 500);
    assert_true(front_items("otelcol_exporter_send_failed_metric_points", "") == 2 * SERVICES);
    fd = rig_connect(rig_port(&front, "otlp/http"));
    assert_int_equal(rig_post_json(fd, "/v1/metrics", otl_view_str(mixed)), 200);
    close(fd);
    assert_true(front_items("otelcol_exporter_sent_metric_points", "") == 1);
    assert_true(front_items("collector_mock_exporter_dropped_metric_points",
                            ",reason=\"no_service_name\"") == 2);
    assert_int_equal(rig_stop(&front), 0);
}

/* localhost is 127.0.0.1 and ::1, which need no name server. */
static void names_are_asked_for_their_addresses(void **state)
{
#define DNS "exporter=\"load_balancing\",resolver=\"dns\""
#define OUTCOME "otelcol_loadbalancer_backend_outcome_total{exporter=\"load_balancing\",endpoint="
    struct tail_span spans[TRACES] = {{.trace = 0}};
    char text[1024];

    (void)state;
    for (unsigned i = 0; i < TRACES; i++)
        spans[i] = (struct tail_span){.trace = 1 + i};
    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters:\n"
             "  load_balancing:\n"
             "    protocol: {otlp: {tls: {insecure: true}, retry_on_failure: {enabled: false}}}\n"
             "    resolver: {dns: {hostname: localhost, port: %s, interval: 20ms}}\n" TELEMETRY
             "  pipelines: {traces: {receivers: [otlp], exporters: [load_balancing]}}\n",
             strrchr(hosts[0], ':') + 1);
    rig_config(&front, text);
    rig_start(&front, NULL);
    rig_metric_until(&front, "otelcol_loadbalancer_num_resolutions_total{" DNS
                             ",success=\"true\"}", 3);
    assert_true(rig_metric(&front, "otelcol_loadbalancer_num_backends{" DNS "}") == 2);
    assert_true(rig_metric(&front, "otelcol_loadbalancer_num_backend_updates_total{" DNS "}") == 1);
    assert_int_equal(post(spans, TRACES), 200);
    snprintf(text, sizeof(text), OUTCOME "\"%s\",success=\"true\"}", hosts[0]);
    assert_true(rig_metric(&front, text) == 1);
    snprintf(text, sizeof(text), OUTCOME "\"[::1]:%s\",success=\"true\"}",
             strrchr(hosts[0], ':') + 1);
    assert_true(rig_metric(&front, text) == 1);
    rig_metric_until(&backends[0], "otelcol_receiver_accepted_spans_total{receiver=\"otlp\","
                                   "transport=\"grpc\"}", 1);
}

static void what_cannot_be_balanced_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *exporter, *message;
    } rows[] = {
        {"{}", "no resolvers specified for the exporter"},
        {"{resolver: {static: {hostnames: []}}}", "no endpoints specified for the static resolver"},
        {"{resolver: {static: {hostnames: [a]}}, routing_key: metric}",
         "unsupported routing_key: \"metric\""},
        {"{resolver: {static: {hostnames: [a]}}, routing_key: trace}", "'trace'"},
        {"{resolver: {static: {hostnames: [a]}}, routing_key: attributes}",
         "routing_attributes must be specified"},
        {"{resolver: {static: {hostnames: [a]}}, routing_attributes: [x]}",
         "routing_attributes can only be used"},
        {"{resolver: {k8s: {service: a}}}", "'k8s' is not supported here yet"},
        {"{resolver: {dns: {}}}", "no hostname specified to resolve the backends"},
        {"{resolver: {dns: {hostname: a}, static: {hostnames: [a]}}}", "exactly one"},
        {"{resolver: {dns: {hostname: a, port: 70000}}}", "port"},
        {"{resolver: {dns: {hostname: a}}, protocol: {otlp: {proxy_url: x}}}", "proxy_url"},
        {"{resolver: {static: {hostnames: [a]}}, protocol: {otlp: {endpiont: x}}}",
         "did you mean 'endpoint'?"},
        {"{resolver: {static: {hostnames: [a]}}, protocol: {otlp: {proxy_url: x}}}", "proxy_url"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const arguments[] = {"--config", front.config, NULL};
        struct otl_buf log;
        char text[1024];
        snprintf(text, sizeof(text),
                 "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                 "exporters: {loadbalancing: %s}\nservice:\n"
                 "  pipelines: {traces: {receivers: [otlp], exporters: [loadbalancing]}}\n",
                 rows[i].exporter);
        rig_config(&front, text);
        assert_int_equal(rig_run(&front, arguments), 2);
        rig_read(front.log, &log);
        if (strstr(log.data, rows[i].message) == NULL ||
            strstr(log.data, "config.yaml:2:") == NULL)
            fail_msg("%s: %s", rows[i].exporter, log.data);
        otl_buf_fini(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_span_of_a_trace_goes_to_the_same_backend, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_older_version_sends_traces_where_its_ring_says, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_service_goes_to_one_backend, setup, teardown),
        cmocka_unit_test_setup_teardown(attributes_of_the_first_span_say_where_a_trace_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(records_go_by_their_service, setup, teardown),
        cmocka_unit_test_setup_teardown(points_go_by_the_name_of_their_metric, setup, teardown),
        cmocka_unit_test_setup_teardown(each_stream_goes_its_own_way, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_of_no_service_go_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_asked_for_their_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_balanced_is_refused_with_its_place, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
