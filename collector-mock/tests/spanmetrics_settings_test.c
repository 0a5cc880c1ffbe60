/* SPDX-License-Identifier: Apache-2.0 */
/* What settings of span_metrics make of the same spans, as the OTLP that comes out. */
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

#include "collector-mock/tests/rig.h"

enum { WORDS_MAX = 8 };

/* Two spans of 3 ms and one of 0, on two hosts; two events. */
#define TEXT(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define SPAN(ms, more)                                                                            \
    "{\"traceId\":\"000000000000000000000000000000ff\",\"spanId\":\"00000000000000ff\","          \
    "\"name\":\"pay\",\"startTimeUnixNano\":\"1000000000\",\"endTimeUnixNano\":\"100" ms          \
    "000000\",\"attributes\":[" TEXT("http.method", "GET") "]" more "}"
#define ON(host, spans)                                                                           \
    "{\"resource\":{\"attributes\":[" TEXT("service.name", "shop") "," TEXT("host", host) "]},"   \
    "\"scopeSpans\":[{\"spans\":[" spans "]}]}"
#define EVENT(type) "{\"name\":\"exception\",\"attributes\":[" TEXT("exception.type", type) "]}"
static const char body[] =
    "{\"resourceSpans\":["
    ON("a", SPAN("3", ",\"events\":[" EVENT("E") "," EVENT("F") "]") "," SPAN("0", "")) ","
    ON("b", SPAN("3", "")) "]}";

static void start(struct rig *rig, const char *settings)
{
    char text[1024];

    rig_init(rig);
    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "connectors: {span_metrics: {%s}}\n"
             "exporters: {file: {path: DIR/metrics.json}}\n"
             "service: {telemetry: {metrics: {level: none}}, pipelines: {\n"
             "  traces: {receivers: [otlp], exporters: [span_metrics]},\n"
             "  metrics: {receivers: [span_metrics], exporters: [file]}}}\n", settings);
    rig_config(rig, text);
    rig_start(rig, NULL);
}

static void post(const struct rig *rig)
{
    int fd = rig_connect(rig_port(rig, "otlp/http"));

    assert_int_equal(rig_post_json(fd, "/v1/traces", otl_view(body, sizeof(body) - 1)), 200);
    close(fd);
}

static void read_metrics(const struct rig *rig, struct otl_buf *out)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/metrics.json", rig->dir);
    rig_read(path, out);
}

static size_t times_in(const struct otl_buf *text, const char *word)
{
    size_t count = 0;

    for (const char *at = text->data; (at = strstr(at, word)) != NULL; at++)
        count++;
    return count;
}

#define CALLS "\"name\":\"traces.span.metrics.calls\""
#define DURATION "\"name\":\"traces.span.metrics.duration\""
#define EVENTS "\"name\":\"traces.span.metrics.events\""
#define METHOD TEXT("http.method", "GET")

/* What the one flush at the end says, and how often. */
static const struct {
    const char *settings;
    struct {
        const char *word;
        size_t times;
    } words[WORDS_MAX];
} rows[] = {
    {"", {{CALLS, 2}, {DURATION, 2}, {EVENTS, 0}, {"\"aggregationTemporality\":2", 4},
          {"\"asInt\":\"2\"", 1}, {"\"asInt\":\"1\"", 1}, {"\"explicitBounds\"", 2}}},
    {"aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA",
     {{"\"aggregationTemporality\":1", 4}, {"\"asInt\":\"2\"", 1}}},
    {"histogram: {exponential: {max_size: 160}}",
     {{"\"exponentialHistogram\":{", 2}, {"\"scale\":20", 2}, {"\"zeroCount\":\"1\"", 1},
      {"\"offset\":1661953,\"bucketCounts\":[\"1\"]", 2}, {"\"max\":3", 2},
      {"\"explicitBounds\"", 0}, {"\"count\":\"2\"", 1}}},
    {"histogram: {disable: true}", {{CALLS, 2}, {DURATION, 0}}},
    {"calls_dimensions: [{name: http.method}]", {{METHOD, 2}}},
    {"histogram: {dimensions: [{name: http.method}]}", {{METHOD, 2}}},
    {"dimensions: [{name: http.method}]", {{METHOD, 4}}},
    {"events: {enabled: true, dimensions: [{name: exception.type}]}",
     {{EVENTS, 1}, {TEXT("exception.type", "E"), 1}, {TEXT("exception.type", "F"), 1},
      {CALLS, 2}, {DURATION, 2}}},
    {"resource_metrics_key_attributes: [service.name], dimensions: [{name: host}],\n"
     "aggregation_cardinality_limit: 1",
     {{"{\"key\":\"otel.metric.overflow\",\"value\":{\"boolValue\":true}}", 2},
      {"\"asInt\":\"2\"", 1}, {"\"asInt\":\"1\"", 1}}},
    {"resource_metrics_key_attributes: [service.name]",
     {{CALLS, 1}, {"\"asInt\":\"3\"", 1}, {TEXT("host", "a"), 1}, {TEXT("host", "b"), 0}}},
};

static void settings_change_what_comes_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct otl_buf text;
        struct rig rig;

        start(&rig, rows[i].settings);
        post(&rig);
        assert_int_equal(rig_stop(&rig), 0);
        read_metrics(&rig, &text);
        for (size_t w = 0; w < WORDS_MAX && rows[i].words[w].word != NULL; w++)
            if (times_in(&text, rows[i].words[w].word) != rows[i].words[w].times)
                fail_msg("{%s}: not %zu times '%s' in\n%s", rows[i].settings,
                         rows[i].words[w].times, rows[i].words[w].word, text.data);
        otl_buf_fini(&text);
        rig_fini(&rig);
    }
}

/* Post again and again until the word is there so often. */
static void post_until(const struct rig *rig, const char *word, size_t times)
{
    for (int i = 0; i < RIG_WAIT_MS / 20; i++) {
        struct otl_buf text;
        size_t there;
        post(rig);
        read_metrics(rig, &text);
        there = times_in(&text, word);
        otl_buf_fini(&text);
        if (there >= times)
            return;
        poll(NULL, 0, 20);
    }
    fail_msg("not %zu times '%s'", times, word);
}

/* The number behind the next "key":" from *at on; 0: there is none. */
static unsigned long long next_number(const char **at, const char *key)
{
    char word[64];

    snprintf(word, sizeof(word), "\"%s\":\"", key);
    *at = strstr(*at, word);
    if (*at == NULL)
        return 0;
    *at += strlen(word);
    return strtoull(*at, NULL, 10);
}

/* Each point of delta temporality begins where the one before it ended. */
static void delta_points_follow_one_another(void **state)
{
    unsigned long long last = 0, from;
    struct otl_buf text;
    size_t points = 0;
    struct rig rig;
    const char *at;

    (void)state;
    start(&rig, "aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA,\n"
                "histogram: {disable: true}, metrics_flush_interval: 20ms,\n"
                "resource_metrics_key_attributes: [service.name]");
    post_until(&rig, CALLS, 4);
    assert_int_equal(rig_stop(&rig), 0);
    read_metrics(&rig, &text);
    at = text.data;
    while ((from = next_number(&at, "startTimeUnixNano")) != 0) {
        if (last != 0 && from != last)
            fail_msg("a point from %llu after one to %llu in\n%s", from, last, text.data);
        last = next_number(&at, "timeUnixNano");
        assert_true(last >= from);
        points++;
    }
    assert_true(points >= 4);
    otl_buf_fini(&text);
    rig_fini(&rig);
}

/* The last count of the spans on host a. */
static unsigned long long last_count(const struct rig *rig)
{
    unsigned long long count, last = 0;
    struct otl_buf text;
    const char *at;

    read_metrics(rig, &text);
    at = text.data;
    while ((at = strstr(at, TEXT("host", "a"))) != NULL &&
           (count = next_number(&at, "count")) != 0)
        last = count;
    otl_buf_fini(&text);
    return last;
}

/* Spans with pauses between them until a count has not grown: a resource that has expired goes on
 * once more, and keeps its counts if it is seen until then. */
static void what_expires_is_counted_anew(void **state)
{
    static const char *const settings[] = {"metrics_expiration: 1ns", "series_expiration: 1ns"};
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char all[256];
        bool fell = false;
        snprintf(all, sizeof(all), "metrics_flush_interval: 20ms, %s", settings[i]);
        start(&rig, all);
        for (int round = 0; round < RIG_WAIT_MS / 100 && !fell; round++) {
            post(&rig);
            poll(NULL, 0, 100);
            fell = last_count(&rig) == 2 && round > 0;
        }
        assert_int_equal(rig_stop(&rig), 0);
        if (!fell)
            fail_msg("%s: nothing was counted anew", settings[i]);
        rig_fini(&rig);
    }
    start(&rig, "metrics_flush_interval: 20ms, metrics_expiration: 1h, series_expiration: 1h");
    for (int i = 0; i < 3; i++)
        post(&rig);
    assert_int_equal(rig_stop(&rig), 0);
    assert_int_equal(last_count(&rig), 6);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_change_what_comes_out),
        cmocka_unit_test(delta_points_follow_one_another),
        cmocka_unit_test(what_expires_is_counted_anew),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
