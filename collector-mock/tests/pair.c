/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/pair.h"

#define TELEMETRY "service:\n  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
static const char far_config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'},\n"
    "                               grpc: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n" TELEMETRY
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]},\n"
    "              metrics: {receivers: [otlp], exporters: [nop]},\n"
    "              logs: {receivers: [otlp], exporters: [nop]}}\n";

struct rig pair_near, pair_far;
struct otl_buf pair_body, pair_answer;

int pair_setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&pair_near);
    rig_init(&pair_far);
    rig_config(&pair_far, far_config);
    rig_start_control(&pair_far);
    rig_official("groups", &pair_body);
    otl_buf_init(&pair_answer, 1u << 20);
    return 0;
}

int pair_teardown(void **state)
{
    (void)state;
    rig_fini(&pair_near);
    rig_fini(&pair_far);
    otl_buf_fini(&pair_body);
    otl_buf_fini(&pair_answer);
    return 0;
}

/* Start the near one with this exporter ("TYPE: {endpoint: ENDPOINT, more}"). */
void pair_start(const char *type, const char *more)
{
    bool grpc = strcmp(type, "otlp") == 0;
    unsigned port = rig_port(&pair_far, grpc ? "otlp/grpc" : "otlp/http");
    char text[2048], last[128];

    snprintf(last, sizeof(last), "--last-metrics=%s/last.prom", pair_near.dir);
    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'},\n"
             "                               grpc: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters: {%s: {endpoint: 'http://127.0.0.1:%u', %s}}\n" TELEMETRY
             "  pipelines: {traces: {receivers: [otlp], exporters: [%s]}}\n",
             type, port, more, type);
    rig_config(&pair_near, text);
    rig_start(&pair_near, last);
}

unsigned pair_post(struct otl_view request)
{
    int fd = rig_connect(rig_port(&pair_near, "otlp/http"));
    unsigned status = rig_post(fd, "", request, &pair_answer);

    close(fd);
    return status;
}

unsigned pair_post_groups(void)
{
    return pair_post(otl_view(pair_body.data, pair_body.len));
}

/* Gauges say of which signal they are. */
static const char *signal_of(const char *name)
{
    return strstr(name, "_total") == NULL ? ",data_type=\"traces\"" : "";
}

double pair_metric(const char *name, const char *type, const char *more)
{
    char series[256];

    snprintf(series, sizeof(series), "%s{exporter=\"%s\"%s%s}", name, type, signal_of(name), more);
    return rig_metric(&pair_near, series);
}

void pair_until(const char *name, const char *type, double value)
{
    char series[256];

    snprintf(series, sizeof(series), "%s{exporter=\"%s\"%s}", name, type, signal_of(name));
    rig_metric_until(&pair_near, series, value);
}

double pair_dropped(const char *type, const char *reason)
{
    char more[64];

    snprintf(more, sizeof(more), ",reason=\"%s\"", reason);
    return pair_metric("collector_mock_exporter_dropped_spans_total", type, more);
}

void pair_fault(const char *words)
{
    char line[256];

    snprintf(line, sizeof(line), "{\"do\":\"fault\",\"id\":1,%s}", words);
    rig_command(&pair_far, line);
    rig_metric_until(&pair_far, "collector_mock_faults_active", 1);
}

void pair_end_fault(void)
{
    rig_command(&pair_far, "{\"do\":\"end\",\"id\":1}");
}

/* Requests in the tap of the far one; when (mono) the last two of them came. */
size_t pair_arrived(struct otl_buf *bodies, uint64_t times[2])
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    size_t count = 0;

    assert_int_equal(col_tap_open(pair_far.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        if (record.type != COL_TAP_REQUEST)
            continue;
        if (bodies != NULL && count < BODIES) {
            otl_buf_init(&bodies[count], 1u << 20);
            assert_int_equal(otl_buf_append(&bodies[count], record.body.data, record.body.len),
                             OTEL_OK);
        }
        if (times != NULL) {
            times[0] = times[1];
            times[1] = record.mono_ns;
        }
        count++;
    }
    col_tap_close(&reader);
    return count;
}
