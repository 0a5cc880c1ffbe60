/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/topology/guardian.h"
#include "sdk/base/file.h"

static char folder[256];

static int make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof(folder), "%s/guardian.XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static enum otel_err spawn_shell(struct hx_guardian *guardian, uint32_t id, const char *script,
                                 struct otl_detail *detail)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    const char *env[] = {"WHERE=here", NULL};
    struct hx_spawn spawn = {.id = id, .argv = argv, .env = env, .directory = folder,
                             .control = -1};
    char log[300];
    pid_t pid;

    snprintf(log, sizeof(log), "%s/log", folder);
    spawn.log = log;
    return hx_guardian_spawn(guardian, &spawn, &pid, detail);
}

static void next_exit(struct hx_guardian *guardian, struct hx_child_exit *event)
{
    struct pollfd wait = {guardian->fd, POLLIN, 0};

    assert_int_equal(poll(&wait, 1, 60000), 1);
    assert_int_equal(hx_guardian_next(guardian, event), OTEL_OK);
}

/* The pid that a shell wrote to folder/name; waits until the line is whole. */
static pid_t pid_in(const char *name)
{
    const struct timespec pause = {0, 5000000};
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (int i = 0; i < 12000; i++) {
        struct otl_buf text;
        long pid = 0;
        otl_buf_init(&text, 64);
        if (otl_file_read(path, &text, NULL) == OTEL_OK && text.len > 0 &&
            text.data[text.len - 1] == '\n')
            pid = strtol(text.data, NULL, 10);
        otl_buf_fini(&text);
        if (pid > 0) {
            unlink(path);
            return (pid_t)pid;
        }
        nanosleep(&pause, NULL);
    }
    fail_msg("%s was not written", path);
    return 0;
}

static bool gone(pid_t pid)
{
    const struct timespec pause = {0, 5000000};

    for (int i = 0; i < 6000; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static void exit_status_and_environment_arrive(void **state)
{
    struct hx_guardian guardian;
    struct hx_child_exit event;

    (void)state;
    assert_int_equal(hx_guardian_start(&guardian, NULL), OTEL_OK);
    assert_int_equal(spawn_shell(&guardian, 7, "test \"$WHERE\" = here && exit 5", NULL), OTEL_OK);
    next_exit(&guardian, &event);
    assert_int_equal(event.id, 7);
    assert_int_equal(event.code, 5);
    assert_int_equal(event.signal, 0);
    assert_int_equal(hx_guardian_next(&guardian, &event), OTEL_ERR_BLOCKED);
    hx_guardian_stop(&guardian);
}

static void a_program_that_cannot_start_is_named(void **state)
{
    const char *argv[] = {"/nowhere/at-all", NULL};
    struct hx_spawn spawn = {.id = 1, .argv = argv, .control = -1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_guardian guardian;
    pid_t pid;

    (void)state;
    assert_int_equal(hx_guardian_start(&guardian, NULL), OTEL_OK);
    assert_int_equal(hx_guardian_spawn(&guardian, &spawn, &pid, &detail), OTEL_ERR_IO);
    assert_string_equal(detail.source, "/nowhere/at-all");
    assert_non_null(strstr(detail.text, "No such file"));
    hx_guardian_stop(&guardian);
}

static void a_signal_reaches_the_child_it_names(void **state)
{
    struct hx_guardian guardian;
    struct hx_child_exit event;

    (void)state;
    assert_int_equal(hx_guardian_start(&guardian, NULL), OTEL_OK);
    assert_int_equal(spawn_shell(&guardian, 1, "exec sleep 600", NULL), OTEL_OK);
    assert_int_equal(spawn_shell(&guardian, 2, "exec sleep 600", NULL), OTEL_OK);
    assert_int_equal(hx_guardian_signal(&guardian, 2, SIGTERM), OTEL_OK);
    next_exit(&guardian, &event);
    assert_int_equal(event.id, 2);
    assert_int_equal(event.signal, SIGTERM);
    hx_guardian_stop(&guardian);
}

static void stopping_ends_descendants_that_forked_twice(void **state)
{
    struct hx_guardian guardian;
    pid_t away, child;

    (void)state;
    assert_int_equal(hx_guardian_start(&guardian, NULL), OTEL_OK);
    assert_int_equal(spawn_shell(&guardian, 1,
                                 "(setsid sh -c 'trap \"\" TERM INT HUP; echo $$ > away; "
                                 "sleep 600' > /dev/null 2>&1 &) ; echo $$ > child; sleep 600",
                                 NULL),
                     OTEL_OK);
    away = pid_in("away");
    child = pid_in("child");
    hx_guardian_stop(&guardian);
    assert_true(gone(away));
    assert_true(gone(child));
}

/* Who hears of the exit finds the last words in the log. */
static void a_log_stays_within_its_limit(void **state)
{
    const char *argv[] = {"/bin/sh", "-c", "yes | head -c 3000000; echo the end; exit 4", NULL};
    char log[300];
    struct hx_spawn spawn = {.id = 1, .argv = argv, .log = log, .log_limit = 100000, .control = -1};
    struct hx_guardian guardian;
    struct hx_child_exit event;
    struct otl_buf text;
    pid_t pid;

    (void)state;
    snprintf(log, sizeof(log), "%s/chatty", folder);
    assert_int_equal(hx_guardian_start(&guardian, NULL), OTEL_OK);
    assert_int_equal(hx_guardian_spawn(&guardian, &spawn, &pid, NULL), OTEL_OK);
    next_exit(&guardian, &event);
    assert_int_equal(event.code, 4);
    otl_buf_init(&text, 1 << 22);
    assert_int_equal(otl_file_read(log, &text, NULL), OTEL_OK);
    assert_true(text.len > 100000 && text.len < 105000);
    assert_memory_equal(text.data, "y\ny\n", 4);
    assert_memory_equal(text.data + text.len - 8, "the end\n", 8);
    otl_buf_fini(&text);
    hx_guardian_stop(&guardian);
    unlink(log);
}

/* The runner itself is killed with SIGKILL: nothing of it may stay. */
static void killing_the_runner_ends_everything(void **state)
{
    pid_t runner, away;

    (void)state;
    runner = fork();
    if (runner == 0) {
        struct hx_guardian guardian;
        if (hx_guardian_start(&guardian, NULL) != OTEL_OK)
            _exit(1);
        if (spawn_shell(&guardian, 1, "(setsid sleep 600 & echo $! > away); sleep 600", NULL) !=
            OTEL_OK)
            _exit(1);
        for (;;)
            pause();
    }
    away = pid_in("away");
    kill(runner, SIGKILL);
    waitpid(runner, NULL, 0);
    assert_true(gone(away));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_status_and_environment_arrive),
        cmocka_unit_test(a_program_that_cannot_start_is_named),
        cmocka_unit_test(a_signal_reaches_the_child_it_names),
        cmocka_unit_test(stopping_ends_descendants_that_forked_twice),
        cmocka_unit_test(a_log_stays_within_its_limit),
        cmocka_unit_test(killing_the_runner_ends_everything),
    };
    return cmocka_run_group_tests_name("guardian", tests, make_folder, NULL);
}
