/* SPDX-License-Identifier: Apache-2.0 */
/* The collector's own numbers: names, labels and levels of the Collector, in one table. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/tests/rig.h"

/* Three spans, of which the filter drops one; nobody listens where they are sent. */
static const char config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
    "processors:\n"
    "  filter: {traces: {span: ['name == \"drop\"']}}\n"
    "  batch: {timeout: 0}\n"
    "  tail_sampling:\n"
    "    decision_wait: 1s\n"
    "    policies: [{name: all, type: always_sample}]\n"
    "%s"
    "exporters:\n"
    "  nop:\n"
    "  otlp: {endpoint: 'http://127.0.0.1:1', retry_on_failure: {enabled: false},\n"
    "         sending_queue: {batch: {min_size: 1}}}\n"
    "  otlphttp: {endpoint: 'http://127.0.0.1:1', retry_on_failure: {enabled: false}}\n"
    "service:\n"
    "  telemetry: {metrics: {level: %s, readers: [{pull: {exporter: {prometheus: {host: \n"
    "    127.0.0.1, port: 0}}}}]}}\n"
    "  pipelines:\n"
    "    traces: {receivers: [otlp], processors: [filter, batch], exporters: [otlp, otlphttp]}\n"
    "    traces/tail: {receivers: [otlp], processors: [tail_sampling], exporters: [nop]}\n";

enum { SERIES_MAX = 24, PRESENT = -2, ABSENT = -1 };

struct row {
    const char *series;
    double value; /* PRESENT: any; ABSENT */
};

struct run {
    const char *version; /* --as-version; NULL: the latest */
    const char *level, *compat;
    struct row rows[SERIES_MAX];
};

#define FILTER "{processor=\"filter\",otel_signal=\"traces\"}"
#define BATCH "{processor=\"batch\"}"
#define OTLP "{exporter=\"otlp\"}"
#define OTLPHTTP "{exporter=\"otlphttp\"}"
#define P "otelcol_processor_"
#define TYPE "\n# TYPE otelcol_exporter_"
#define E "otelcol_exporter_"
#define TAIL "otelcol_processor_tail_sampling_"
#define ALL "{policy=\"all\"}"
#define SAMPLED "{policy=\"all\",sampled=\"true\",decision=\"sampled\"}"

static const struct run runs[] = {
    {NULL, "normal", "    compat: {count_spans_sampled: true}\n",
     {{P "incoming_items_total" FILTER, 3},
      {P "outgoing_items_total" FILTER, 2},
      {P "incoming_items_total{processor=\"batch\",otel_signal=\"traces\"}", ABSENT},
      {P "internal_duration_count" FILTER, ABSENT},
      {P "batch_batch_send_size_count" BATCH, 1},
      {P "batch_batch_send_size_sum" BATCH, 2},
      {P "batch_batch_send_size_bucket{processor=\"batch\",le=\"10\"}", 1},
      {P "batch_batch_send_size_bucket{processor=\"batch\",le=\"100000\"}", 1},
      {P "batch_batch_send_size_bytes_count" BATCH, ABSENT},
      {P "batch_batch_size_trigger_send_total" BATCH, 1},
      {P "batch_timeout_trigger_send_total" BATCH, 0},
      {E "enqueue_size_count" OTLP, ABSENT},
      {E "queue_batch_send_size_count" OTLP, ABSENT},
      {TAIL "count_spans_sampled_total" SAMPLED, 3},
      {TAIL "sampling_policy_execution_count_total" ALL, 1},
      {TAIL "sampling_decision_latency_count" ALL, ABSENT},
      {"otelcol_process_uptime_total", PRESENT},
      {"otelcol_process_cpu_seconds_total", PRESENT},
      {"otelcol_process_memory_rss", PRESENT},
      {"otelcol_process_runtime_heap_alloc_bytes", PRESENT},
      {"otelcol_process_runtime_total_sys_memory_bytes", PRESENT}}},
    {NULL, "detailed", "",
     {{P "internal_duration_count" FILTER, 1},
      {P "internal_duration_bucket{processor=\"filter\",otel_signal=\"traces\",le=\"10000\"}", 1},
      {P "batch_batch_send_size_bytes_count" BATCH, 1},
      {P "batch_batch_send_size_bytes_bucket{processor=\"batch\",le=\"524288\"}", 1},
      {P "batch_batch_send_size_bytes_bucket{processor=\"batch\",le=\"1.048576e+06\"}", 1},
      {P "batch_batch_send_size_bytes_bucket{processor=\"batch\",le=\"1.6777216e+07\"}", 1},
      {E "enqueue_size_sum" OTLP, 2},
      {E "enqueue_size_sum" OTLPHTTP, 2},
      {E "enqueue_size_bytes_count" OTLP, 1},
      {E "queue_batch_send_size_sum" OTLP, 2},
      {E "queue_batch_send_size_bytes_count" OTLP, 1},
      {E "queue_batch_send_size_count" OTLPHTTP, ABSENT},
      {TAIL "count_spans_sampled_total" SAMPLED, ABSENT}}},
    {"0.139", "normal", "",
     {{E "queue_batch_send_size_sum" OTLP, 2}, /* level detailed since v0.144 */
      {E "queue_batch_send_size_bytes_count" OTLP, ABSENT},
      {TAIL "sampling_decision_latency_count" ALL, 1},
      {TAIL "sampling_policy_execution_count_total" ALL, ABSENT}}},
    {"0.140", "normal", "",
     {{TAIL "sampling_decision_latency_count" ALL, ABSENT},
      {TAIL "sampling_policy_execution_count_total" ALL, 1}}},
    {"0.158", "detailed", "",
     {{E "enqueue_size_count" OTLP, ABSENT}, {E "queue_batch_send_size_sum" OTLP, 2}}},
};

static void post(const struct rig *rig)
{
    static const struct tail_span spans[] = {
        {.trace = 1, .name = "keep"}, {.trace = 1, .name = "drop"}, {.trace = 1, .name = "keep"}};
    int fd = rig_connect(rig_port(rig, "otlp/http"));
    struct otl_buf body;

    otl_buf_init(&body, 1 << 20);
    tail_put_request(&body, spans, 3, false);
    assert_int_equal(rig_post(fd, "", otl_view(body.data, body.len), NULL), 200);
    otl_buf_fini(&body);
    close(fd);
}

/* Sent, or given up, and decided: nothing counts any more. */
static void wait_for_the_end(const struct rig *rig)
{
    rig_metric_until(rig, E "send_failed_spans_total" OTLP, 2);
    rig_metric_until(rig, E "send_failed_spans_total" OTLPHTTP, 2);
    rig_metric_until(rig, TAIL "global_count_traces_sampled_total{sampled=\"true\",decision="
                          "\"sampled\"}", 1);
}

static void check(const struct run *run, const struct otl_buf *metrics)
{
    for (const struct row *row = run->rows; row->series != NULL; row++) {
        double value = rig_metric_in(metrics, row->series);
        if (row->value == PRESENT ? value < 0 : value != row->value)
            fail_msg("level %s, version %s: %s is %g instead of %g", run->level,
                     run->version != NULL ? run->version : "latest", row->series, value,
                     row->value);
    }
}

static void numbers_have_the_names_and_levels_of_the_collector(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        char text[2048], version[32] = "";
        struct otl_buf metrics;
        struct rig rig;

        rig_init(&rig);
        snprintf(text, sizeof(text), config, runs[i].compat, runs[i].level);
        rig_config(&rig, text);
        if (runs[i].version != NULL)
            snprintf(version, sizeof(version), "--as-version=%s", runs[i].version);
        rig_start(&rig, version[0] != '\0' ? version : NULL);
        post(&rig);
        wait_for_the_end(&rig);
        rig_metrics(&rig, &metrics);
        check(&runs[i], &metrics);
        otl_buf_fini(&metrics);
        assert_int_equal(rig_stop(&rig), 0);
        rig_fini(&rig);
    }
}

/* By one worker, and summed up by two; /metrics and --last-metrics. */
static void counters_end_in_total_unless_that_is_not_wanted(void **state)
{
    static const char *const words[] = {"", ", without_type_suffix: false",
                                        ", without_type_suffix: true"};
    static const char *const workers[] = {"--workers=1", "--workers=2"};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        bool plain = i / 2 == 2;
        char text[1024], path[128], option[160];
        struct otl_buf metrics;
        struct rig rig;

        rig_init(&rig);
        snprintf(text, sizeof(text),
                 "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                 "exporters: {nop: }\nservice:\n"
                 "  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: \n"
                 "    127.0.0.1, port: 0%s}}}}]}}\n"
                 "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
                 words[i / 2]);
        rig_config(&rig, text);
        snprintf(path, sizeof(path), "%s/last.prom", rig.dir);
        snprintf(option, sizeof(option), "--last-metrics=%s", path);
        rig.more = option;
        rig_start(&rig, workers[i % 2]);
        post(&rig);
        for (unsigned last = 0; last < 2; last++) {
            if (last)
                assert_int_equal(rig_stop(&rig), 0);
            if (last)
                rig_read(path, &metrics);
            else
                rig_metrics(&rig, &metrics);
            assert_true(rig_metric_in(&metrics, E "sent_spans{exporter=\"nop\"}") ==
                        (plain ? 3 : ABSENT));
            assert_true(rig_metric_in(&metrics, E "sent_spans_total{exporter=\"nop\"}") ==
                        (plain ? ABSENT : 3));
            assert_true(rig_metric_in(&metrics, "otelcol_process_memory_rss") > 0);
            assert_non_null(strstr(metrics.data, plain ? TYPE "sent_spans counter\n"
                                                       : TYPE "sent_spans_total counter\n"));
            otl_buf_fini(&metrics);
        }
        rig_fini(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_end_in_total_unless_that_is_not_wanted),
        cmocka_unit_test(numbers_have_the_names_and_levels_of_the_collector),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
