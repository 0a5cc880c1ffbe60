/* SPDX-License-Identifier: Apache-2.0 */
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

#include "collector-mock/tests/hostile.h"

#if defined(__SANITIZE_ADDRESS__)
enum { GROWTH_MAX_MIB = 500 }; /* freed memory stays in quarantine */
#else
enum { GROWTH_MAX_MIB = 100 };
#endif

struct rig hostile_rig;
struct otl_buf hostile_good, hostile_framed, hostile_answer;
static size_t peak_before_kib;

static const char config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'},\n"
    "                               grpc: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n";

/* The most memory that the collector ever had. */
static size_t peak_kib(void)
{
    struct otl_buf status;
    char path[64];
    const char *at;
    size_t kib;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)hostile_rig.pid);
    rig_read(path, &status);
    at = strstr(status.data, "VmHWM:");
    assert_non_null(at);
    kib = strtoul(at + 6, NULL, 10);
    otl_buf_fini(&status);
    return kib;
}

int hostile_start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&hostile_rig);
    rig_config(&hostile_rig, config);
    rig_start(&hostile_rig, NULL);
    rig_official("groups", &hostile_good);
    otl_buf_init(&hostile_framed, 1 << 20);
    put_message(&hostile_framed, 0, otl_view(hostile_good.data, hostile_good.len));
    otl_buf_init(&hostile_answer, 1 << 20);
    peak_before_kib = peak_kib();
    return 0;
}

int hostile_stop(void **state)
{
    int status = rig_stop(&hostile_rig);

    (void)state;
    rig_fini(&hostile_rig);
    otl_buf_fini(&hostile_good);
    otl_buf_fini(&hostile_framed);
    otl_buf_fini(&hostile_answer);
    return status;
}

int hostile_join(void)
{
    return rig_connect(rig_port(&hostile_rig, "otlp/http"));
}

void hostile_still_well(void)
{
    static struct client client;
    int fd = hostile_join();
    struct ask ask;

    assert_int_equal(rig_post(fd, "", otl_view(hostile_good.data, hostile_good.len), NULL), 200);
    close(fd);
    client_open(&client, rig_connect(rig_port(&hostile_rig, "otlp/grpc")), NULL, NULL);
    ask = (struct ask){.body = hostile_framed.data, .len = hostile_framed.len};
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    if (peak_kib() > peak_before_kib + GROWTH_MAX_MIB * 1024)
        fail_msg("memory grew from %zu to %zu KiB", peak_before_kib, peak_kib());
}

double hostile_metric(const char *name)
{
    char series[120];

    snprintf(series, sizeof(series), "%s_total{receiver=\"otlp\"}", name);
    return rig_metric(&hostile_rig, series);
}

void hostile_metric_becomes(const char *name, double value)
{
    char series[120];

    snprintf(series, sizeof(series), "%s_total{receiver=\"otlp\"}", name);
    rig_metric_until(&hostile_rig, series, value);
}

struct hostile_tally hostile_tally(const char *transport, unsigned status)
{
    struct hostile_tally ret;
    char series[120];

    snprintf(series, sizeof(series),
             "collector_mock_requests_total{transport=\"%s\",status=\"%u\"}", transport, status);
    ret.answers = rig_metric(&hostile_rig, series);
    snprintf(series, sizeof(series),
             "otelcol_receiver_requests_total{receiver=\"otlp\",transport=\"%s\","
             "outcome=\"failure\"}",
             transport);
    ret.failures = rig_metric(&hostile_rig, series);
    if (ret.answers < 0) /* the first one makes the series */
        ret.answers = 0;
    return ret;
}

void hostile_counted(const char *transport, unsigned status, struct hostile_tally before)
{
    struct hostile_tally after = hostile_tally(transport, status);

    if (after.answers != before.answers + 1 || after.failures != before.failures + 1)
        fail_msg("%s %u is not counted: %g after %g answers, %g after %g failures", transport,
                 status, after.answers, before.answers, after.failures, before.failures);
}

static void check_http(int fd, unsigned got, unsigned status, const char *says)
{
    const struct otl_buf *text = &hostile_answer;

    if (got != status || memmem(text->data, text->len, says, strlen(says)) == NULL)
        fail_msg("%s: %u: %s", says, got, text->len > 0 ? text->data : "(closed)");
    close(fd);
}

void hostile_post(const char *headers, struct otl_view body, unsigned status, const char *says)
{
    struct hostile_tally before = hostile_tally("http", status);
    int fd = hostile_join();

    check_http(fd, rig_post(fd, headers, body, &hostile_answer), status, says);
    hostile_counted("http", status, before);
}

void hostile_post_json(struct otl_view body, unsigned status, const char *says)
{
    struct hostile_tally before = hostile_tally("http", status);
    int fd = hostile_join();

    rig_begin(fd, "application/json", "", body);
    check_http(fd, rig_answer(fd, &hostile_answer), status, says);
    hostile_counted("http", status, before);
}

void hostile_say(struct otl_view text, const char *says)
{
    struct hostile_tally before = hostile_tally("http", 400);
    int fd = hostile_join();

    rig_send(fd, text.data, text.len);
    check_http(fd, rig_answer(fd, &hostile_answer), 400, says);
    hostile_counted("http", 400, before);
}

void hostile_call_raw(const char *encoding, struct otl_view body, int code, const char *says)
{
    struct hostile_tally before = hostile_tally("grpc", (unsigned)code);
    struct ask ask = {.encoding = encoding, .body = body.data, .len = body.len};
    static struct client client;
    int got;

    client_open(&client, rig_connect(rig_port(&hostile_rig, "otlp/grpc")), NULL, NULL);
    got = client_call(&client, &ask);
    if (got != code || strstr(client.calls[0]->text, says) == NULL)
        fail_msg("%s: %d: %s", says, got, client.calls[0]->text);
    client_close(&client);
    hostile_counted("grpc", (unsigned)code, before);
}

void hostile_call(uint8_t flag, const char *encoding, struct otl_view message, int code,
                  const char *says)
{
    struct otl_buf all;

    otl_buf_init(&all, 64u << 20);
    put_message(&all, flag, message);
    hostile_call_raw(encoding, otl_view(all.data, all.len), code, says);
    otl_buf_fini(&all);
}
