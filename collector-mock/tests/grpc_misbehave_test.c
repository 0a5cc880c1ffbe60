/* SPDX-License-Identifier: Apache-2.0 */
/* The program misbehaves over gRPC as a plan says, seen from a client's socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/rig.h"
#include "sdk/base/clock.h"

static const char config[] =
    "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n"
    "  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}"
    "]}}\n";

static struct rig rig;
static struct client client;
static struct otl_buf full, framed;
static struct ask ask;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_config(&rig, config);
    rig_official("full", &full);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(full.data, full.len));
    ask = (struct ask){.body = framed.data, .len = framed.len};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&full);
    otl_buf_fini(&framed);
    return 0;
}

static void join(void)
{
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
}

/* With the fault of the plan under way. */
static void start(const char *plan)
{
    char path[128], option[160];
    FILE *file;

    snprintf(path, sizeof(path), "%s/plan.yaml", rig.dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(plan, file);
    fclose(file);
    snprintf(option, sizeof(option), "--faults=%s", path);
    rig_start(&rig, option);
    while (rig_metric(&rig, "collector_mock_faults_active") < 1)
        continue;
}

/* A google.rpc.Status {14, "refused on command"} with RetryInfo {200 s}, as Google's own Python
 * classes write it. */
static const char retry_after_200_s[] =
    "CA4SEnJlZnVzZWQgb24gY29tbWFuZBoxCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuUmV0cnlJbmZvEgUK"
    "AwjIAQ";

static void a_status_is_a_code_with_its_details(void **state)
{
    static const struct {
        const char *plan;
        int code;
        const char *details;
    } cases[] = {
        {"faults: [{at: 0s, fault: status, status: 503, retry_after: 200s}]", 14,
         retry_after_200_s},
        {"faults: [{at: 0s, fault: status, status: 503}]", 14, ""},
        {"faults: [{at: 0s, fault: status, status: 429}]", 8, ""},
        {"faults: [{at: 0s, fault: status, status: 400}]", 3, ""},
        {"faults: [{at: 0s, fault: status, status: 500}]", 13, ""},
        {"faults: [{at: 0s, fault: status, status: 418}]", 2, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(cases[i].plan);
        join();
        assert_int_equal(client_call(&client, &ask), cases[i].code);
        assert_string_equal(client.calls[0]->details, cases[i].details);
        assert_string_equal(client.calls[0]->text, "refused on command");
        client_close(&client);
        assert_int_equal(rig_stop(&rig), 0);
    }
}

static void a_delay_is_a_late_success(void **state)
{
    uint64_t began;

    (void)state;
    start("faults: [{at: 0s, fault: delay, delay: 120ms}]");
    join();
    began = otl_clock_mono(otl_clock_real());
    for (int i = 0; i < 20; i++) /* they wait side by side */
        client_ask(&client, &ask);
    client_wait_all(&client);
    assert_true(otl_clock_mono(otl_clock_real()) - began >= 119 * OTL_NS_PER_MS);
    for (size_t i = 0; i < client.count; i++)
        assert_int_equal(client.calls[i]->code, 0);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

static void a_stall_ends_in_a_reset_connection(void **state)
{
    (void)state;
    rig_start_control(&rig);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"stall\"}");
    rig_metric_until(&rig, "collector_mock_faults_active", 1);
    join();
    for (int i = 0; i < 3; i++)
        client_ask(&client, &ask);
    while (rig_metric(&rig, "collector_mock_fault_held") < 3)
        client_turn(&client);
    rig_command(&rig, "{\"do\":\"end\",\"id\":1}");
    assert_true(client_until(&client, &client.dead));
    assert_true(client.dead);
    for (size_t i = 0; i < client.count; i++)
        assert_int_equal(client.calls[i]->code, -1);
    client_close(&client);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0);
}

static void a_refusal_resets_connections(void **state)
{
    (void)state;
    rig_start_control(&rig);
    join();
    assert_int_equal(client_call(&client, &ask), 0);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"refuse\"}");
    assert_true(client_until(&client, &client.dead));
    assert_true(client.dead);
    client_close(&client);
    assert_int_equal(rig_stop(&rig), 0); /* in mid-fault */
}

static void stopped_in_mid_fault_nothing_hangs(void **state)
{
    static const char *const plans[] = {"faults: [{at: 0s, fault: stall}]",
                                        "faults: [{at: 0s, fault: delay, delay: 60s}]"};

    (void)state;
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        start(plans[i]);
        join();
        for (int k = 0; k < 3; k++)
            client_ask(&client, &ask);
        while (rig_metric(&rig, i == 0 ? "collector_mock_fault_requests_total{fault=\"stall\"}"
                                       : "collector_mock_fault_requests_total{fault=\"delay\"}") <
               3)
            client_turn(&client);
        assert_int_equal(rig_stop(&rig), 0);
        client_close(&client);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_status_is_a_code_with_its_details), TEST(a_delay_is_a_late_success),
        TEST(a_stall_ends_in_a_reset_connection),  TEST(a_refusal_resets_connections),
        TEST(stopped_in_mid_fault_nothing_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
