/* SPDX-License-Identifier: Apache-2.0 */
/* Spans in over the socket, span_metrics, the prometheus endpoint: the whole way. */
#include <poll.h>
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

#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/tests/rig.h"

#define HEAD "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
#define TAIL                                                                                      \
    "service:\n"                                                                                  \
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"                                          \
    "  pipelines:\n"                                                                              \
    "    traces: {receivers: [otlp], exporters: [span_metrics]}\n"                                \
    "    metrics/spans: {receivers: [span_metrics], exporters: [prometheus]}\n"

static int setup(void **state)
{
    static struct rig rig;

    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    return 0;
}

static void post(const struct rig *rig, const struct tail_span *spans, size_t count)
{
    int fd = rig_connect(rig_port(rig, "otlp/http"));
    struct otl_buf body;

    otl_buf_init(&body, 1 << 20);
    tail_put_request(&body, spans, count, false);
    assert_int_equal(rig_post(fd, "", otl_view(body.data, body.len), NULL), 200);
    otl_buf_fini(&body);
    close(fd);
}

static void scrape(const struct rig *rig, const char *accept, struct otl_buf *out)
{
    int fd = rig_connect(rig_port(rig, "prometheus"));
    char request[160];

    snprintf(request, sizeof(request),
             "GET /metrics HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", accept);
    otl_buf_reset(out);
    rig_send(fd, request, strlen(request));
    assert_int_equal(rig_answer(fd, out), 200);
    close(fd);
}

/* Until the line is there; each flush brings the state anew. */
static void scrape_until(const struct rig *rig, const char *accept, const char *line,
                         struct otl_buf *out)
{
    for (int i = 0; i < RIG_WAIT_MS / 20; i++) {
        scrape(rig, accept, out);
        if (strstr(out->data, line) != NULL)
            return;
        poll(NULL, 0, 20);
    }
    fail_msg("no '%s' in\n%s", line, out->data);
}

static void has(const struct otl_buf *text, const char *line)
{
    if (strstr(text->data, line) == NULL)
        fail_msg("no '%s' in\n%s", line, text->data);
}

/* The line that begins so goes on so. */
static void in_line(const struct otl_buf *text, const char *begin, const char *word)
{
    const char *line = strstr(text->data, begin), *found;

    if (line == NULL)
        fail_msg("no '%s' in\n%s", begin, text->data);
    found = strstr(line + 1, word);
    if (found == NULL || found > strchr(line + 1, '\n'))
        fail_msg("no '%s' behind '%s' in\n%s", word, begin, text->data);
}

#define LABELS                                                                                    \
    "job=\"shop\",otel_scope_name=\"spanmetricsconnector\",otel_scope_schema_url=\"\","           \
    "otel_scope_version=\"\",service_name=\"shop\",span_kind=\"SPAN_KIND_UNSPECIFIED\","

/* As the Collector: kept with probability 1/4 and 1/4096, they stand for so many. */
static void a_sampled_span_counts_for_those_that_were_not(void **state)
{
    static const struct tail_span spans[] = {
        {.trace = 1, .ms = 2, .name = "pay", .trace_state = "ot=th:c,vendor=1"},
        {.trace = 2, .ms = 4, .name = "pay", .trace_state = "vendor=1,ot=th:fff"},
        {.trace = 3, .ms = 1, .name = "pay", .trace_state = "ot=rv:00000000000001"},
        {.trace = 4, .ms = 1, .name = "pay", .trace_state = "ot=th:0"}};
    struct rig *rig = *state;
    struct otl_buf text;

    otl_buf_init(&text, 1 << 20);
    rig_config(rig, HEAD "connectors: {span_metrics: {metrics_flush_interval: 20ms}}\n"
                         "exporters: {prometheus: {endpoint: '127.0.0.1:0'}}\n" TAIL);
    rig_start(rig, NULL);
    post(rig, spans, 4);
#define UNSET LABELS "span_name=\"pay\",status_code=\"STATUS_CODE_UNSET\""
    scrape_until(rig, "", "\ntraces_span_metrics_calls_total{" UNSET "} 4102\n", &text);
    has(&text, "\ntraces_span_metrics_duration_milliseconds_sum{" UNSET "} 16394\n");
    has(&text, "\ntraces_span_metrics_duration_milliseconds_bucket{" UNSET ",le=\"2\"} 6\n");
    otl_buf_fini(&text);
}

static void spans_become_calls_and_durations(void **state)
{
    static const struct tail_span spans[] = {
        {.trace = 1, .ms = 2, .name = "pay", .status = 2},
        {.trace = 2, .ms = 3, .name = "pay", .status = 2},
        {.trace = 3, .ms = 20000, .name = "pay", .status = 2},
        {.trace = 4, .ms = 7, .name = "a\"b\\c", .attrs = {{"http.method", "GET", 0, false, 0}}},
        {.trace = 5, .ms = 7, .name = "a\"b\\c", .attrs = {{"http.method", "PUT", 0, false, 0}}}};
    struct rig *rig = *state;
    struct otl_buf text;

    otl_buf_init(&text, 1 << 20);
    rig_config(rig, HEAD
               "connectors: {span_metrics: {metrics_flush_interval: 20ms, dimensions: [\n"
               "  {name: http.method, default: NONE}]}}\n"
               "exporters: {prometheus: {endpoint: '127.0.0.1:0'}}\n" TAIL);
    rig_start(rig, NULL);
    post(rig, spans, 5);
#define PAY LABELS "span_name=\"pay\",status_code=\"STATUS_CODE_ERROR\""
    scrape_until(rig, "", "\ntraces_span_metrics_calls_total{http_method=\"NONE\"," PAY "} 3\n",
                 &text);
    has(&text, "\n# TYPE traces_span_metrics_calls_total counter\n");
    has(&text, "\n# TYPE traces_span_metrics_duration_milliseconds histogram\n");
#define DURATION "\ntraces_span_metrics_duration_milliseconds_"
    has(&text, DURATION "bucket{http_method=\"NONE\"," PAY ",le=\"2\"} 1\n");
    has(&text, DURATION "bucket{http_method=\"NONE\"," PAY ",le=\"4\"} 2\n");
    has(&text, DURATION "bucket{http_method=\"NONE\"," PAY ",le=\"15000\"} 2\n");
    has(&text, DURATION "bucket{http_method=\"NONE\"," PAY ",le=\"+Inf\"} 3\n");
    has(&text, DURATION "sum{http_method=\"NONE\"," PAY "} 20005\n");
    has(&text, DURATION "count{http_method=\"NONE\"," PAY "} 3\n");
    has(&text, "calls_total{http_method=\"GET\"," LABELS
               "span_name=\"a\\\"b\\\\c\",status_code=\"STATUS_CODE_UNSET\"} 1\n");
    has(&text, "calls_total{http_method=\"PUT\",");
    assert_null(strstr(text.data, "# {"));
    post(rig, spans, 5); /* cumulative */
    scrape_until(rig, "", "calls_total{http_method=\"NONE\"," PAY "} 6\n", &text);
    assert_true(rig_metric(rig, "otelcol_exporter_sent_metric_points_total{exporter=\"prometheus\""
                                "}") >= 12);
    assert_int_equal(rig_stop(rig), 0);
    otl_buf_fini(&text);
}

static void an_exemplar_names_a_trace_of_its_bucket(void **state)
{
    static const struct tail_span spans[] = {{.trace = 0x51, .ms = 3, .name = "pay"},
                                             {.trace = 0x52, .ms = 700, .name = "pay"}};
    static const char open[] = "Accept: application/openmetrics-text\r\n";
    struct rig *rig = *state;
    struct otl_buf text;

    otl_buf_init(&text, 1 << 20);
    /* exemplars are those of one interval: send again until a scrape falls behind one */
    rig_config(rig, HEAD
               "connectors: {span_metrics: {metrics_flush_interval: 1s, namespace: '',\n"
               "  exemplars: {enabled: true}, exclude_dimensions: [span.kind],\n"
               "  histogram: {unit: s, explicit: {buckets: [100ms, 1s]}}}}\n"
               "exporters: {prometheus: {endpoint: '127.0.0.1:0', enable_open_metrics: true,\n"
               "  namespace: mine, const_labels: {zone: north}, without_scope_info: true}}\n" TAIL);
    rig_start(rig, NULL);
    for (int i = 0; i < 100; i++) {
        post(rig, spans, 2);
        scrape(rig, open, &text);
        if (strstr(text.data, "# {trace_id=") != NULL)
            break;
        poll(NULL, 0, 50);
    }
#define SECONDS "\nmine_duration_seconds_bucket{job=\"shop\",service_name=\"shop\",span_name="     \
                "\"pay\",status_code=\"STATUS_CODE_UNSET\",zone=\"north\",le="
    in_line(&text, SECONDS "\"0.1\"} ",
            " # {trace_id=\"00000000000000000000000000000051\",span_id=\"");
    in_line(&text, SECONDS "\"1.0\"} ",
            " # {trace_id=\"00000000000000000000000000000052\",span_id=\"");
    has(&text, "\n# TYPE mine_calls counter\n");
    has(&text, "\nmine_calls_total{job=\"shop\",");
    has(&text, "\n# EOF\n");
    assert_int_equal(rig_stop(rig), 0);
    otl_buf_fini(&text);
}

static void what_is_wrong_or_not_here_is_said(void **state)
{
    static const struct {
        const char *connector, *exporter, *message;
    } rows[] = {
        {"{dimensions: [{name: a}, {name: a}]}", "{endpoint: 'x:1'}", "duplicate dimension name"},
        {"{dimensions: [{name: span.kind}]}", "{endpoint: 'x:1'}", "duplicate dimension name"},
        {"{aggregation_temporality: AGGREGATION_TEMPORALITY_DELTAS}", "{endpoint: 'x:1'}",
         "did you mean 'AGGREGATION_TEMPORALITY_DELTA'?"},
        {"{histogram: {exponential: , explicit: }}", "{endpoint: 'x:1'}",
         "use either `explicit` or `exponential`"},
        {"{histogram: {exponential: {max_size: 1}}}", "{endpoint: 'x:1'}", "2 or more"},
        {"{histogram: {dimensions: [{name: a}, {name: a}]}}", "{endpoint: 'x:1'}",
         "duplicate dimension name"},
        {"{calls_dimensions: [{name: span.name}]}", "{endpoint: 'x:1'}",
         "duplicate dimension name"},
        {"{events: {enabled: true}}", "{endpoint: 'x:1'}", "no dimensions configured for events"},
        {"{metric_timestamp_cache_size: 0}", "{endpoint: 'x:1'}", "metric_timestamp_cache_size"},
        {"{add_resource_attributes: true}", "{endpoint: 'x:1'}", "does not have yet"},
        {"{dimensions_cache_size: 0}", "{endpoint: 'x:1'}", "dimensions_cache_size"},
        {"{dimension: []}", "{endpoint: 'x:1'}", "did you mean 'dimensions'?"},
        {"", "{}", "requires a non-empty \"endpoint\""},
        {"", "{endpoint: 'x:1', cors: {}}", "'cors' is a setting of the Collector"},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const arguments[] = {"--config", rig->config, NULL};
        struct otl_buf log;
        char text[1024];
        snprintf(text, sizeof(text), HEAD "connectors: {span_metrics: %s}\n"
                 "exporters: {prometheus: %s}\n" TAIL, rows[i].connector, rows[i].exporter);
        rig_config(rig, text);
        assert_int_equal(rig_run(rig, arguments), 2);
        rig_read(rig->log, &log);
        has(&log, rows[i].message);
        otl_buf_fini(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sampled_span_counts_for_those_that_were_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(spans_become_calls_and_durations, setup, teardown),
        cmocka_unit_test_setup_teardown(an_exemplar_names_a_trace_of_its_bucket, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_or_not_here_is_said, setup, teardown),
    };

    return cmocka_run_group_tests_name("spanmetrics", tests, NULL, NULL);
}
