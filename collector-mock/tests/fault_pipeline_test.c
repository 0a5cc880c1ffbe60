/* SPDX-License-Identifier: Apache-2.0 */
/* Faults that act on components: memory_pressure on memory_limiter, disk_full on file exporters. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/lone.h"

static void configure(const char *processors)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "processors:\n"
             "  memory_limiter: {check_interval: 1s, limit_mib: 100000}\n"
             "  batch: {timeout: 0s}\n"
             "exporters: {file: {path: DIR/out.bin, format: proto}}\n"
             "service:\n"
             "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], processors: [%s], exporters: [file]}}\n",
             processors);
    rig_config(&lone, text);
}

static bool answer_has(const char *text)
{
    return memmem(lone_answer.data, lone_answer.len, text, strlen(text)) != NULL;
}

static bool log_has(const char *text)
{
    struct otl_buf log;
    bool has;

    rig_read(lone.log, &log);
    has = strstr(log.data, text) != NULL;
    otl_buf_fini(&log);
    return has;
}

#define LIMITER(what) "otelcol_processor_memory_limiter_" what                                    \
                      "_spans_total{processor=\"memory_limiter\"}"

static void pressed(void)
{
    assert_int_equal(lone_post(""), 503);
    assert_true(answer_has("data refused due to high memory usage"));
    assert_false(answer_has("Retry-After"));
    assert_int_equal(lone_post(""), 503);
    assert_int_equal(lone_post(""), 200); /* it hits twice */
    assert_true(rig_metric(&lone, LIMITER("refused")) == 2 * LONE_SPANS);
    assert_true(rig_metric(&lone, LIMITER("accepted")) == LONE_SPANS);
    assert_true(rig_metric(&lone, "otelcol_receiver_refused_spans_total"
                                 "{receiver=\"otlp\",transport=\"http\"}") == 2 * LONE_SPANS);
    assert_true(rig_metric(&lone, "collector_mock_fault_spans_total{fault=\"memory_pressure\"}") ==
                2 * LONE_SPANS);
    assert_int_equal(rig_recorded(&lone, "\"kind\":\"memory_pressure\""), 2);
    assert_int_equal(rig_recorded(&lone, "\"request\":2,"), 1);
    assert_int_equal(rig_stop(&lone), 0);
    assert_true(log_has("above the soft limit: refusing data (fault memory_pressure)"));
    assert_true(log_has("back within limits (fault memory_pressure)"));
}

static void pressure_is_usage_over_the_limit_by_plan(void **state)
{
    (void)state;
    configure("memory_limiter");
    rig_start_faults(&lone, "faults: [{at: 0s, fault: memory_pressure, count: 2}]", 1);
    pressed();
}

static void pressure_is_usage_over_the_limit_live(void **state)
{
    (void)state;
    configure("memory_limiter");
    rig_start_control(&lone);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":1,\"kind\":\"memory_pressure\",\"count\":2}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    pressed();
}

/* It looks where it stands: a batch before it has answered the client already. */
static void pressure_behind_a_batch_loses_spans(void **state)
{
    (void)state;
    configure("batch, memory_limiter");
    rig_start_faults(&lone, "faults: [{at: 0s, fault: memory_pressure, count: 1}]", 1);
    assert_int_equal(lone_post(""), 200);
    assert_true(rig_metric(&lone, LIMITER("refused")) == LONE_SPANS);
    assert_true(rig_metric(&lone, "collector_mock_batch_lost_spans_total{processor=\"batch\"}") ==
                LONE_SPANS);
    assert_int_equal(rig_stop(&lone), 0);
}

static size_t written(void)
{
    struct otl_buf out;
    char path[128];
    size_t len;

    snprintf(path, sizeof(path), "%s/out.bin", lone.dir);
    rig_read(path, &out);
    len = out.len;
    otl_buf_fini(&out);
    return len;
}

static void no_room(unsigned status)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    size_t requests = 0;

    assert_int_equal(lone_post(""), status);
    if (status != 200)
        assert_true(answer_has("out.bin: No space left on device"));
    assert_int_equal(lone_post(""), 200); /* it hits once */
    assert_true(rig_metric(&lone, "otelcol_exporter_send_failed_spans_total{exporter=\"file\"}") ==
                LONE_SPANS);
    assert_true(rig_metric(&lone, "otelcol_exporter_sent_spans_total{exporter=\"file\"}") ==
                LONE_SPANS);
    assert_true(rig_metric(&lone, "collector_mock_fault_spans_total{fault=\"disk_full\"}") ==
                LONE_SPANS);
    assert_int_equal(rig_recorded(&lone, "\"kind\":\"disk_full\""), 1);
    assert_int_equal(rig_recorded(&lone, "\"spans\":24,\"exporter\":\"file\"}"), 1);
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(written(), lone_body.len + 4); /* of the second one, whole */
    assert_int_equal(col_tap_open(lone.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record))
        requests += record.type == COL_TAP_REQUEST;
    col_tap_close(&reader);
    assert_int_equal(requests, 2); /* what arrived is recorded all the same */
}

static void a_full_disk_is_a_write_that_fails_by_plan(void **state)
{
    (void)state;
    configure("memory_limiter");
    rig_start_faults(&lone, "faults: [{at: 0s, fault: disk_full, count: 1}]", 1);
    no_room(503);
}

static void a_full_disk_is_a_write_that_fails_live(void **state)
{
    (void)state;
    configure("batch");
    rig_start_control(&lone);
    rig_command(&lone, "{\"do\":\"fault\",\"id\":1,\"kind\":\"disk_full\",\"count\":1}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    no_room(200); /* behind a batch the client hears nothing of it */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pressure_is_usage_over_the_limit_by_plan),
        CASE(pressure_is_usage_over_the_limit_live),
        CASE(pressure_behind_a_batch_loses_spans),
        CASE(a_full_disk_is_a_write_that_fails_by_plan),
        CASE(a_full_disk_is_a_write_that_fails_live),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
