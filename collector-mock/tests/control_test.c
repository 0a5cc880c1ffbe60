/* SPDX-License-Identifier: Apache-2.0 */
/* Faults by command, as far as the channel itself goes: the socket of --control, its descriptor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/lone.h"

static char path[128];

static int setup(void **state)
{
    int failed = lone_setup(state);

    rig_config(&lone, "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                      "exporters: {nop: }\n"
                      "service:\n"
                      "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
                      "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n");
    snprintf(path, sizeof(path), "%s/control", lone.dir);
    return failed;
}

static void start(void)
{
    char option[160];

    snprintf(option, sizeof(option), "--control=%s", path);
    rig_start(&lone, option);
}

static int name_socket(struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof(address->sun_path), "%.100s", path);
    assert_true(fd >= 0);
    return fd;
}

/* It is where rig_command() speaks to and rig_reply() hears from. */
static void knock(void)
{
    struct sockaddr_un address;

    lone.control = name_socket(&address);
    assert_int_equal(connect(lone.control, (const struct sockaddr *)(const void *)&address,
                             sizeof(address)), 0);
}

static void leave(void)
{
    close(lone.control);
    lone.control = 0;
}

static void hears(const char *text)
{
    char line[400];

    if (strstr(rig_reply(&lone, line, sizeof(line)), text) == NULL)
        fail_msg("%s: %s", text, line);
}

static void faults_are_commanded_by_a_socket(void **state)
{
    struct stat info;

    (void)state;
    start();
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISSOCK(info.st_mode));
    assert_int_equal(info.st_mode & 0777, 0600);
    knock();
    rig_command(&lone, "{\"do\":\"fault\",\"id\":1,\"kind\":\"status\",\"status\":600}");
    hears("\"event\":\"fault\"");
    rig_command(&lone,
                "{\"do\":\"fault\",\"id\":2,\"kind\":\"status\",\"status\":599,\"count\":1}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    assert_int_equal(lone_post(""), 599);
    hears("\"id\":2");
    assert_int_equal(lone_post(""), 200);
    leave();
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(lstat(path, &info), -1); /* it is gone */
}

/* An hour late: who waits is answered when the fault is ended, and everybody after. */
static void what_is_delayed_is_answered_when_the_fault_is_ended(void **state)
{
    int waiting;

    (void)state;
    start();
    knock();
    rig_command(&lone, "{\"do\":\"fault\",\"id\":5,\"kind\":\"delay\",\"delay\":\"1h\"}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    waiting = rig_connect(rig_port(&lone, "otlp/http"));
    rig_begin(waiting, "application/x-protobuf", "", otl_view(lone_body.data, lone_body.len));
    rig_metric_until(&lone, "collector_mock_fault_held", 1);
    rig_command(&lone, "{\"do\":\"end\",\"id\":5}");
    hears("\"id\":5");
    assert_int_equal(rig_answer(waiting, &lone_answer), 200);
    close(waiting);
    assert_int_equal(lone_post(""), 200);
    assert_true(rig_metric(&lone, "collector_mock_fault_held") == 0);
    leave();
    assert_int_equal(rig_stop(&lone), 0);
}

/* One has the channel until it has said all; it still hears of its faults then, as `echo ... | nc`
 * needs it. */
static void one_at_a_time_has_the_channel(void **state)
{
    int first;

    (void)state;
    start();
    knock();
    rig_command(&lone, "{\"do\":\"end\",\"id\":7}");
    hears("no fault 7 is under way"); /* it is in */
    first = lone.control;
    knock();
    hears("somebody else has the channel");
    assert_true(rig_closed(lone.control));
    leave();

    lone.control = first;
    rig_command(&lone,
                "{\"do\":\"fault\",\"id\":3,\"kind\":\"status\",\"status\":500,\"count\":1}");
    assert_int_equal(shutdown(first, SHUT_WR), 0);
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    assert_int_equal(lone_post(""), 500);
    hears("\"id\":3");
    knock(); /* the first one has gone by this, and is shown out */
    rig_command(&lone, "{\"do\":\"end\",\"id\":8}");
    hears("no fault 8 is under way");
    assert_true(rig_closed(first));
    close(first);
    leave();
    assert_int_equal(rig_stop(&lone), 0);
}

/* Of one that was killed; a fault goes on when the channel is closed. */
static void a_socket_that_was_left_behind_is_replaced(void **state)
{
    struct sockaddr_un address;
    int fd;

    (void)state;
    fd = name_socket(&address);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    start();
    knock();
    rig_command(&lone, "{\"do\":\"fault\",\"id\":1,\"kind\":\"status\",\"status\":418}");
    rig_metric_until(&lone, "collector_mock_faults_active", 1);
    leave();
    assert_int_equal(lone_post(""), 418);
    assert_int_equal(rig_stop(&lone), 0);
}

static void refused(const char *option, const char *more, int status, const char *text)
{
    const char *arguments[] = {"--config", lone.config, option, more, NULL};
    struct otl_buf log;
    int got = rig_run(&lone, arguments);

    rig_read(lone.log, &log);
    if (got != status || strstr(log.data, text) == NULL)
        fail_msg("%s: %d: %s", option, got, log.data);
    otl_buf_fini(&log);
}

static void what_cannot_be_a_channel_is_refused(void **state)
{
    char option[400], busy[128];
    struct sockaddr_un address;
    struct stat info;
    FILE *file;
    int fd;

    (void)state;
    refused("--control=", NULL, 2, "an empty path");
    snprintf(option, sizeof(option), "--control=/tmp/%0108d", 7);
    refused(option, NULL, 2, "a path of 113 bytes; of a socket it has at most 107");
    snprintf(option, sizeof(option), "--control=%s/none/control", lone.dir);
    refused(option, NULL, 3, "/none/control: No such file or directory");

    file = fopen(path, "w"); /* what is no socket is left alone */
    assert_non_null(file);
    fclose(file);
    snprintf(option, sizeof(option), "--control=%s", path);
    refused(option, NULL, 3, "/control: Address already in use");
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    unlink(path);

    fd = name_socket(&address); /* somebody listens */
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    refused(option, NULL, 3, "/control: Address already in use");
    assert_int_equal(lstat(path, &info), 0);
    close(fd);

    snprintf(busy, sizeof(busy), "%s/closed", lone.dir);
    assert_int_equal(mkdir(busy, 0500), 0);
    snprintf(option, sizeof(option), "--control=%s/control", busy);
    if (access(busy, W_OK) != 0) /* root may */
        refused(option, NULL, 3, "/closed/control: Permission denied");
    refused("--control-fd=1000", NULL, 3, "--control-fd 1000: Bad file descriptor");
    refused("--control-fd=x", NULL, 2, "--control-fd: 'x' is no descriptor number");
    refused("--control-fd=0", option, 2, "--control: --control-fd is a channel already");
}

/* Requests of several workers meet faults in no order that could be told before. */
static void several_workers_have_no_faults(void **state)
{
    char plan[128], option[160];
    FILE *file;

    (void)state;
    snprintf(plan, sizeof(plan), "%s/plan.yaml", lone.dir);
    file = fopen(plan, "w");
    assert_non_null(file);
    fputs("faults: [{at: 0s, fault: stall}]\n", file);
    fclose(file);
    snprintf(option, sizeof(option), "--faults=%s", plan);
    refused("--workers=2", option, 2, "--workers: --faults needs one worker");
    refused("--workers=2", "--control-fd=0", 2, "--workers: --control-fd needs one worker");
    snprintf(option, sizeof(option), "--control=%s", path);
    refused("--workers=2", option, 2, "--workers: --control needs one worker");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, lone_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(faults_are_commanded_by_a_socket),
        CASE(what_is_delayed_is_answered_when_the_fault_is_ended),
        CASE(one_at_a_time_has_the_channel),
        CASE(a_socket_that_was_left_behind_is_replaced),
        CASE(what_cannot_be_a_channel_is_refused),
        CASE(several_workers_have_no_faults),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
