/* SPDX-License-Identifier: Apache-2.0 */
/* The prometheus exporter: metrics in over the socket as OTLP/JSON, lines on its /metrics. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/rig.h"

enum { POSTS_MAX = 4, LINES_MAX = 6 };

#define DELTA "1"
#define CUMULATIVE "2"
/* Points of the metric m: from, to, and a value. */
#define POINT(from, to, value)                                                                    \
    "{\"startTimeUnixNano\":\"" from "\",\"timeUnixNano\":\"" to "\"," value "}"
#define INT(n) "\"asInt\":\"" n "\""
#define SUM_OF(temporality, monotonic, points)                                                    \
    "{\"name\":\"m\",\"sum\":{\"aggregationTemporality\":" temporality ",\"isMonotonic\":"        \
    monotonic ",\"dataPoints\":[" points "]}}"
#define SUM(temporality, from, to, n) SUM_OF(temporality, "true", POINT(from, to, INT(n)))
#define GAUGE(to, value) "{\"name\":\"m\",\"gauge\":{\"dataPoints\":[" POINT("0", to, value) "]}}"
#define HISTOGRAM(temporality, from, to, sum, counts, bounds)                                     \
    "{\"name\":\"m\",\"histogram\":{\"aggregationTemporality\":" temporality ",\"dataPoints\":["  \
    POINT(from, to, "\"count\":\"3\",\"sum\":" sum ",\"bucketCounts\":[" counts                   \
                    "],\"explicitBounds\":[" bounds "]") "]}}"
#define EXPONENTIAL(temporality, from, to, scale)                                                 \
    "{\"name\":\"m\",\"exponentialHistogram\":{\"aggregationTemporality\":" temporality           \
    ",\"dataPoints\":[" POINT(from, to, "\"count\":\"3\",\"sum\":1.5,\"scale\":" scale            \
    ",\"zeroCount\":\"1\",\"positive\":{\"offset\":0,\"bucketCounts\":[\"2\"]}") "]}}"
#define GONE "\"flags\":1"

struct scenario {
    const char *title, *settings, *accept;
    const char *posts[POSTS_MAX];
    const char *lines[LINES_MAX];
    const char *never; /* the begin of a line; NULL: any may be there */
};

#define OPEN "Accept: application/openmetrics-text\r\n"
#define PLAIN ""

static const struct scenario scenarios[] = {
    {"delta sums are added up where one begins as another ends", "", PLAIN,
     {SUM(DELTA, "10", "20", "3"), SUM(DELTA, "20", "30", "4")}, {"\nm_total{} 7\n"}, NULL},
    {"a gap begins anew", "", PLAIN,
     {SUM(DELTA, "10", "20", "3"), SUM(DELTA, "25", "30", "4")}, {"\nm_total{} 4\n"}, NULL},
    {"an older point changes nothing", "", PLAIN,
     {SUM(DELTA, "10", "20", "3"), SUM(DELTA, "5", "10", "4")}, {"\nm_total{} 3\n"}, NULL},
    {"of cumulative sums the newest stands", "", PLAIN,
     {SUM(CUMULATIVE, "10", "20", "3"), SUM(CUMULATIVE, "10", "30", "5"),
      SUM(CUMULATIVE, "10", "25", "4")}, {"\nm_total{} 5\n"}, NULL},
    {"of gauges too", "", PLAIN, {GAUGE("30", INT("8")), GAUGE("20", INT("9"))}, {"\nm{} 8\n"},
     NULL},
    {"delta sums that are not monotonic are not kept", "", PLAIN,
     {SUM_OF(DELTA, "false", POINT("10", "20", INT("3")))}, {NULL}, "\nm"},
    {"sums without a temporality are not kept", "", PLAIN, {SUM("0", "10", "20", "3")}, {NULL},
     "\nm"},
    {"delta histograms are added up", "", PLAIN,
     {HISTOGRAM(DELTA, "10", "20", "1.5", "1,2", "0.5"),
      HISTOGRAM(DELTA, "20", "30", "2", "3,0", "0.5")},
     {"\nm_bucket{le=\"0.5\"} 4\n", "\nm_bucket{le=\"+Inf\"} 6\n", "\nm_sum{} 3.5\n",
      "\nm_count{} 6\n"}, NULL},
    {"a histogram after a gap begins anew", "", PLAIN,
     {HISTOGRAM(DELTA, "10", "20", "1.5", "1,2", "0.5"),
      HISTOGRAM(DELTA, "21", "30", "2", "3,0", "0.5")},
     {"\nm_bucket{le=\"0.5\"} 3\n", "\nm_sum{} 2\n", "\nm_count{} 3\n"}, NULL},
    {"one that overlaps is not kept", "", PLAIN,
     {HISTOGRAM(DELTA, "10", "20", "1.5", "1,2", "0.5"),
      HISTOGRAM(DELTA, "15", "30", "2", "3,0", "0.5")},
     {"\nm_bucket{le=\"0.5\"} 1\n", "\nm_sum{} 1.5\n"}, NULL},
    {"of other bounds the newer one stands", "", PLAIN,
     {HISTOGRAM(DELTA, "10", "20", "1.5", "1,2", "0.5"),
      HISTOGRAM(DELTA, "20", "30", "2", "3,0", "0.25")},
     {"\nm_bucket{le=\"0.25\"} 3\n", "\nm_sum{} 2\n", "\nm_count{} 3\n"}, "\nm_bucket{le=\"0.5\"}"},
    {"of exponential histograms count and sum are shown", "", PLAIN,
     {EXPONENTIAL(DELTA, "10", "20", "0"), EXPONENTIAL(DELTA, "20", "30", "1")},
     {"\n# TYPE m histogram\n", "\nm_bucket{le=\"+Inf\"} 6\n", "\nm_sum{} 3\n", "\nm_count{} 6\n"},
     "\nm_bucket{le=\"1"},
    {"but not of such a scale", "", PLAIN, {EXPONENTIAL(CUMULATIVE, "10", "20", "-5")}, {NULL},
     "\nm"},
    {"a point without a value ends its series", "", PLAIN,
     {GAUGE("30", INT("8")), GAUGE("40", GONE)}, {NULL}, "\nm"},
    {"times stand behind values", "send_timestamps: true", PLAIN,
     {SUM(CUMULATIVE, "10", "1700000000123000000", "3")}, {"\nm_total{} 3 1700000000123\n"},
     NULL},
    {"on every line of a histogram", "send_timestamps: true", PLAIN,
     {HISTOGRAM(CUMULATIVE, "10", "1700000000123999999", "1.5", "1,2", "0.5")},
     {"\nm_bucket{le=\"0.5\"} 1 1700000000123\n", "\nm_bucket{le=\"+Inf\"} 3 1700000000123\n",
      "\nm_sum{} 1.5 1700000000123\n", "\nm_count{} 3 1700000000123\n"}, NULL},
    {"in OpenMetrics as seconds", "send_timestamps: true, enable_open_metrics: true", OPEN,
     {GAUGE("1700000000123000000", INT("8"))}, {"\nm{} 8.0 1.700000000123e+09\n"}, NULL},
    {"a target needs an instance", "", PLAIN, {GAUGE("30", INT("8"))}, {"\nm{} 8\n"},
     "target_info"},
    {"series that nobody renews are gone", "metric_expiration: 1ns", PLAIN,
     {GAUGE("30", INT("8"))}, {NULL}, "\nm"},
};

static void post(const struct rig *rig, const char *metric)
{
    int fd = rig_connect(rig_port(rig, "otlp/http"));
    struct otl_buf body;

    otl_buf_init(&body, 1 << 16);
    assert_int_equal(
        otl_buf_printf(&body, "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[%s]}]}]}",
                       metric), OTEL_OK);
    assert_int_equal(rig_post_json(fd, "/v1/metrics", otl_view(body.data, body.len)), 200);
    close(fd);
    otl_buf_fini(&body);
}

static void scrape(const struct rig *rig, const char *accept, struct otl_buf *out)
{
    int fd = rig_connect(rig_port(rig, "prometheus"));
    char request[160];

    snprintf(request, sizeof(request),
             "GET /metrics HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", accept);
    otl_buf_init(out, 1 << 20);
    rig_send(fd, request, strlen(request));
    assert_int_equal(rig_answer(fd, out), 200);
    close(fd);
}

static void check(const struct scenario *it)
{
    char text[1024];
    struct otl_buf page;
    struct rig rig;

    rig_init(&rig);
    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters: {prometheus: {endpoint: '127.0.0.1:0', without_scope_info: true, %s}}\n"
             "service: {telemetry: {metrics: {level: none}},\n"
             "  pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}\n",
             it->settings);
    rig_config(&rig, text);
    rig_start(&rig, NULL);
    for (size_t i = 0; i < POSTS_MAX && it->posts[i] != NULL; i++)
        post(&rig, it->posts[i]);
    scrape(&rig, it->accept, &page);
    for (size_t i = 0; i < LINES_MAX && it->lines[i] != NULL; i++)
        if (strstr(page.data, it->lines[i]) == NULL)
            fail_msg("%s: no '%s' in\n%s", it->title, it->lines[i], page.data);
    if (it->never != NULL && strstr(page.data, it->never) != NULL)
        fail_msg("%s: '%s' in\n%s", it->title, it->never, page.data);
    otl_buf_fini(&page);
    assert_int_equal(rig_stop(&rig), 0);
    rig_fini(&rig);
}

static void what_arrives_becomes_what_the_collector_shows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        check(&scenarios[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_becomes_what_the_collector_shows),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
