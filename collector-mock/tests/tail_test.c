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

#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/tests/books.h"

/* Tail sampling in the whole program: over the socket, to a file, in /metrics and in the record. */

static const char config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
    "processors:\n"
    "  tail_sampling/shop:\n"
    "    decision_wait: 1s\n"
    "    policies:\n"
    "      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n"
    "      - {name: slow, type: latency, latency: {threshold_ms: 100}}\n"
    "exporters: {file: {path: DIR/kept.bin, format: proto}}\n"
    "service:\n"
    "  pipelines: {traces: {receivers: [otlp], processors: [tail_sampling/shop], exporters: "
    "[file]}}\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n";

#define TAIL "otelcol_processor_tail_sampling_"
#define PROCESSOR "{processor=\"tail_sampling/shop\"}"

static double books(const struct rig *rig)
{
    struct otl_buf metrics;
    double received;

    rig_metrics(rig, &metrics);
    received = books_of(&metrics, "tail_sampling/shop");
    otl_buf_fini(&metrics);
    return received;
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

static size_t lines_with(const struct otl_buf *text, const char *word)
{
    size_t count = 0;

    for (const char *at = text->data; (at = strstr(at, word)) != NULL; at++)
        count++;
    return count;
}

static void what_is_decided_stands_in_the_file_the_metrics_and_the_record(void **state)
{
    static const struct tail_span spans[] = {{.trace = 1, .status = 2}, {.trace = 2, .ms = 50},
                                             {.trace = 3, .ms = 150},   {.trace = 1, .ms = 5}};
    static const struct tail_span more[] = {{.trace = 4}};
    struct rig *rig = *state;
    struct otl_buf kept, record;
    char extra[160], path[160];

    rig_config(rig, config);
    snprintf(extra, sizeof(extra), "--decisions=%s/decisions", rig->dir);
    rig_start(rig, extra);
    post(rig, spans, 4);
    assert_true(books(rig) == 4);
    rig_metric_until(rig, TAIL "global_count_traces_sampled_total{sampled=\"true\",decision="
                          "\"sampled\"}", 2);
    assert_true(books(rig) == 4);
    assert_true(rig_metric(rig, TAIL "new_trace_id_received_total" PROCESSOR) == 3);
    assert_true(rig_metric(rig, TAIL "sampling_traces_on_memory" PROCESSOR) == 3);
    assert_true(rig_metric(rig, TAIL "sampling_trace_dropped_too_early_total" PROCESSOR) == 0);
    assert_true(rig_metric(rig, TAIL "count_traces_sampled_total{policy=\"shop.slow\",sampled="
                                "\"true\",decision=\"sampled\"}") == 1);
    assert_true(rig_metric(rig, TAIL "count_traces_sampled_total{policy=\"shop.errors\",sampled="
                                "\"false\",decision=\"not_sampled\"}") == 2);
    assert_true(rig_metric(rig, TAIL "sampling_policy_execution_count_total{policy="
                                "\"shop.errors\"}") == 3);
    assert_true(rig_metric(rig, TAIL "sampling_decision_timer_latency_count" PROCESSOR) >= 2);
    post(rig, more, 1); /* decided at the end */
    assert_int_equal(rig_stop(rig), 0);
    snprintf(path, sizeof(path), "%s/kept.bin", rig->dir);
    rig_read(path, &kept);
    assert_true(kept.len > 8);
    snprintf(path, sizeof(path), "%s/decisions", rig->dir);
    rig_read(path, &record);
    assert_int_equal(lines_with(&record, "\"event\":\"start\""), 1);
    assert_int_equal(lines_with(&record, "\"event\":\"decision\""), 4);
    assert_int_equal(lines_with(&record, "\"sampled\",\"policy\":\"errors\",\"spans\":2"), 1);
    assert_int_equal(lines_with(&record, "\"sampled\",\"policy\":\"slow\",\"spans\":1"), 1);
    assert_int_equal(lines_with(&record, "\"decision\":\"not_sampled\""), 2);
    assert_int_equal(lines_with(&record, "\"event\":\"end\""), 1);
    otl_buf_fini(&kept);
    otl_buf_fini(&record);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_decided_stands_in_the_file_the_metrics_and_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
