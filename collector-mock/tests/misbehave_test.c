/* SPDX-License-Identifier: Apache-2.0 */
/* The program misbehaves as a plan says, seen from a client's socket. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/rig.h"
#include "sdk/base/clock.h"

static const char config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n";

struct world {
    struct rig rig;
    struct otl_buf body, answer;
    char plan[200];
};

static int setup(void **state)
{
    static struct world world;

    memset(&world, 0, sizeof(world));
    rig_init(&world.rig);
    rig_config(&world.rig, config);
    rig_official("full", &world.body);
    otl_buf_init(&world.answer, 1u << 20);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    otl_buf_fini(&world->body);
    otl_buf_fini(&world->answer);
    rig_fini(&world->rig);
    return 0;
}

static void start(struct world *world, const char *plan)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/plan.yaml", world->rig.dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(plan, file);
    fclose(file);
    snprintf(world->plan, sizeof(world->plan), "--faults=%s", path);
    rig_start(&world->rig, world->plan);
}

static uint64_t now(void)
{
    return otl_clock_mono(otl_clock_real());
}

static unsigned post(struct world *world, int fd)
{
    return rig_post(fd, "", otl_view(world->body.data, world->body.len), &world->answer);
}

/* Post until the answer is status; at most 10 s. */
static void post_until(struct world *world, unsigned status)
{
    uint64_t end = now() + 10 * OTL_NS_PER_S;
    unsigned got;

    do {
        int fd = rig_connect(rig_port(&world->rig, "otlp/http"));
        got = post(world, fd);
        close(fd);
    } while (got != status && now() < end);
    assert_int_equal(got, status);
}

static void a_status_with_retry_after_then_the_usual_answer(void **state)
{
    struct world *world = *state;

    rig_start_control(&world->rig);
    rig_command(&world->rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"status\",\"status\":503,"
                             "\"retry_after\":\"2s\"}");
    rig_metric_until(&world->rig, "collector_mock_faults_active", 1);
    post_until(world, 503);
    assert_non_null(strstr(world->answer.data, "Retry-After: 2\r\n"));
    rig_command(&world->rig, "{\"do\":\"end\",\"id\":1}");
    post_until(world, 200);
    assert_true(rig_metric(&world->rig,
                           "collector_mock_fault_requests_total{fault=\"status\"}") >= 1);
    assert_int_equal(rig_stop(&world->rig), 0);
}

/* Nobody has to be there in its time. */
static void a_fault_by_plan_ends_by_itself(void **state)
{
    struct world *world = *state;

    start(world, "faults: [{at: 0s, fault: status, status: 503, for: 50ms}]");
    rig_metric_until(&world->rig, "collector_mock_faults_ended_total{fault=\"status\"}", 1);
    post_until(world, 200);
    assert_int_equal(rig_stop(&world->rig), 0);
}

static void a_delay_is_a_late_success(void **state)
{
    struct world *world = *state;
    uint64_t began;
    int fd;

    start(world, "faults: [{at: 0s, fault: delay, delay: 120ms}]");
    while (rig_metric(&world->rig, "collector_mock_faults_active") < 1)
        ;
    fd = rig_connect(rig_port(&world->rig, "otlp/http"));
    began = now();
    assert_int_equal(post(world, fd), 200);
    assert_true(now() - began >= 119 * OTL_NS_PER_MS);
    close(fd);
    assert_int_equal(rig_stop(&world->rig), 0);
}

static void a_stall_ends_in_a_closed_connection(void **state)
{
    struct world *world = *state;
    char head[160];
    int fd, len = snprintf(head, sizeof(head),
                           "POST /v1/traces HTTP/1.1\r\nHost: x\r\n"
                           "Content-Type: application/x-protobuf\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           world->body.len);

    rig_start_control(&world->rig);
    rig_command(&world->rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"stall\"}");
    rig_metric_until(&world->rig, "collector_mock_faults_active", 1);
    fd = rig_connect(rig_port(&world->rig, "otlp/http"));
    rig_send(fd, head, (size_t)len);
    rig_send(fd, world->body.data, world->body.len);
    rig_metric_until(&world->rig, "collector_mock_fault_held", 1);
    rig_command(&world->rig, "{\"do\":\"end\",\"id\":1}");
    assert_int_equal(rig_answer(fd, &world->answer), 0);
    close(fd);
    post_until(world, 200);
    assert_int_equal(rig_stop(&world->rig), 0);
}

static int try_connect(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result = connect(fd, (const struct sockaddr *)&to, sizeof(to));
    close(fd);
    return result;
}

static void refused_connections_come_back_on_the_same_port(void **state)
{
    struct world *world = *state;
    uint64_t end = now() + 10 * OTL_NS_PER_S;
    unsigned port;
    int fd;

    rig_start_control(&world->rig);
    port = rig_port(&world->rig, "otlp/http");
    fd = rig_connect(port);
    assert_int_equal(post(world, fd), 200); /* it was accepted */
    rig_command(&world->rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"refuse\"}");
    assert_true(rig_closed(fd)); /* reset when the outage begins */
    close(fd);
    assert_int_not_equal(try_connect(port), 0);
    rig_command(&world->rig, "{\"do\":\"end\",\"id\":1}");
    while (try_connect(port) != 0 && now() < end)
        ;
    post_until(world, 200);
    assert_int_equal(rig_stop(&world->rig), 0);
}

static void stopped_in_mid_fault_it_still_ends_well(void **state)
{
    static const char *const plans[] = {
        "faults: [{at: 0s, fault: refuse}]", "faults: [{at: 0s, fault: stall}]",
        "faults: [{at: 0s, fault: delay, delay: 60s}]", "faults: [{at: 60s, fault: stall}]"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        start(world, plans[i]);
        while (i < 3 && rig_metric(&world->rig, "collector_mock_faults_active") < 1)
            ;
        assert_int_equal(rig_stop(&world->rig), 0);
    }
}

static void wrong_plans_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *plan, *says;
    } cases[] = {
        {"faults: [{at: 0s, fault: stal}]", "plan.yaml:1:26: fault: unknown word 'stal'"},
        {"faults: [{fault: stall}]", "plan.yaml:1:10"},
        {"faults: [{at: 0s, fault: status}]", "'status' is needed by 'fault: status'"},
        {"faults: [{at: 0s, fault: stall, delay: 1s}]", "'delay' belongs to 'fault: delay'"},
        {"faults: [{at: 0s, fault: status, status: 200}]", "400"},
        {"fults: []", "unknown key 'fults' (did you mean 'faults'?)"},
        {"", "plan.yaml"},
    };
    struct world *world = *state;
    char path[128];

    snprintf(path, sizeof(path), "%s/plan.yaml", world->rig.dir);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const arguments[] = {"--config", world->rig.config, "--faults", path, NULL};
        struct otl_buf text;
        FILE *file = fopen(path, "w");
        int got;

        assert_non_null(file);
        fputs(cases[i].plan, file);
        fclose(file);
        unlink(world->rig.log);
        got = rig_run(&world->rig, arguments);
        rig_read(world->rig.log, &text);
        if (got != 2 || strstr(text.data, cases[i].says) == NULL)
            fail_msg("exit %d; said: %s\nexpected: %s", got, text.data, cases[i].says);
        otl_buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_status_with_retry_after_then_the_usual_answer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_fault_by_plan_ends_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_delay_is_a_late_success, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stall_ends_in_a_closed_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_connections_come_back_on_the_same_port, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stopped_in_mid_fault_it_still_ends_well, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_plans_are_refused_with_their_place, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
