/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of this SDK through two collectors, the second of which is away for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <otel/sdk/config.h>
#include <otel/trace.h>

#include "collector-mock/tests/rig.h"
#include "collector-mock/wire/traces.h"

enum { SPANS = 300 };

static struct rig near, far;

/* What the environment says of OpenTelemetry is for others. */
static void forget_environment(void)
{
    static const char prefix[] = "OTEL_";
    char name[128];

    for (char **at = environ; *at != NULL;) {
        if (strncmp(*at, prefix, sizeof(prefix) - 1) != 0) {
            at++;
            continue;
        }
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(*at, "="), *at);
        assert_int_equal(unsetenv(name), 0); /* the next one is in its place */
    }
}

static int setup(void **state)
{
    (void)state;
    forget_environment();
    rig_init(&near);
    rig_init(&far);
    rig_config(&far, "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
                     "exporters: {nop: }\n"
                     "service:\n"
                     "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
                     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n");
    rig_start_control(&far);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&near);
    rig_fini(&far);
    return 0;
}

static void start_near(void)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters:\n"
             "  otlp:\n"
             "    endpoint: 127.0.0.1:%u\n"
             "    tls: {insecure: true}\n"
             "    retry_on_failure: {initial_interval: 20ms, max_interval: 50ms}\n"
             "service:\n"
             "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}\n",
             rig_port(&far, "otlp/grpc"));
    rig_config(&near, text);
    rig_start(&near, NULL);
}

static void make_spans(struct otel_sdk *sdk)
{
    struct otel_tracer *tracer;

    otel_sdk_install(sdk);
    tracer = otel_tracer("chain", NULL);
    for (int i = 0; i < SPANS; i++) {
        struct otel_span *span = otel_span_start(tracer, "step", NULL);
        otel_span_set_int(span, "number", i);
        otel_span_finish(span);
    }
    otel_tracer_unref(tracer);
    assert_int_equal(otel_sdk_shutdown(sdk, RIG_WAIT_MS), OTEL_OK);
}

/* How often each number is in the tap of the far one. */
static void count_numbers(unsigned seen[SPANS])
{
    struct col_tap_reader reader;
    struct col_tap_record record;

    assert_int_equal(col_tap_open(far.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        struct col_traces traces;
        struct col_span span;
        if (record.type != COL_TAP_REQUEST)
            continue;
        col_traces_init(&traces, record.body);
        while (col_traces_next(&traces, &span)) {
            struct col_value number;
            assert_true(col_attribute_find(&span.attributes, "number", &number));
            assert_true(number.integer >= 0 && number.integer < SPANS);
            seen[number.integer]++;
        }
        assert_int_equal(col_traces_error(&traces, NULL), OTEL_OK);
    }
    col_tap_close(&reader);
}

static void every_span_passes_two_collectors_once(void **state)
{
    unsigned seen[SPANS] = {0};
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;
    char endpoint[64];

    (void)state;
    rig_command(&far, "{\"do\":\"fault\",\"id\":1,\"kind\":\"refuse\"}");
    rig_metric_until(&far, "collector_mock_faults_active", 1);
    start_near();
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", rig_port(&near, "otlp/http"));
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, 1);
    setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", 1);
    setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16", 1);
    otel_sdk_env_options_init(&options);
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    make_spans(sdk); /* the near one has them all: shutdown says so */
    otel_sdk_free(sdk);
    rig_metric_until(&near, "collector_mock_exporter_retries_total{exporter=\"otlp\"}", 1);
    rig_command(&far, "{\"do\":\"end\",\"id\":1}");
    rig_metric_until(&near, "otelcol_exporter_sent_spans_total{exporter=\"otlp\"}", SPANS);
    assert_int_equal(rig_stop(&near), 0);
    assert_int_equal(rig_stop(&far), 0);
    count_numbers(seen);
    for (int i = 0; i < SPANS; i++)
        assert_int_equal(seen[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_span_passes_two_collectors_once, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
