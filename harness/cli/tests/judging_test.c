/* SPDX-License-Identifier: Apache-2.0 */
/* What an interrupt says that comes while a run is judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/judging.h"

static char dir[64], path[128], said[512];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/judging-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/report.json", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* A process that judges, or has judged, gets that signal: its wait status; what it said in said. */
static int struck(int signal_number, bool ignored, bool over)
{
    int ends[2], status = 0;
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(signal_number, ignored ? SIG_IGN : SIG_DFL);
        hx_judging_begin(dir);
        if (over)
            hx_judging_end();
        raise(signal_number);
        _exit(7);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + len, sizeof(said) - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void an_interrupt_names_the_way_to_a_verdict(void **state)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    char wanted[256];

    (void)state;
    snprintf(wanted, sizeof(wanted), "tracerig: interrupted while judging: there is no report; "
                                     "tracerig verify %s judges what was recorded\n", dir);
    for (size_t i = 0; i < 3; i++) {
        int status = struck(numbers[i], false, false);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
        assert_string_equal(said, wanted);
    }
}

static void with_a_report_it_names_the_way_to_the_page(void **state)
{
    FILE *file = fopen(path, "w");

    (void)state;
    assert_non_null(file);
    fclose(file);
    assert_int_equal(WTERMSIG(struck(SIGINT, false, false)), SIGINT);
    assert_non_null(strstr(said, "report.json is whole; tracerig report "));
}

static void what_was_ignored_stays_ignored(void **state)
{
    int status = struck(SIGHUP, true, false);

    (void)state;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_string_equal(said, "");
}

static void behind_it_nothing_is_said(void **state)
{
    (void)state;
    assert_int_equal(WTERMSIG(struck(SIGINT, false, true)), SIGINT);
    assert_string_equal(said, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interrupt_names_the_way_to_a_verdict),
        TEST(with_a_report_it_names_the_way_to_the_page),
        TEST(what_was_ignored_stays_ignored),
        TEST(behind_it_nothing_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
