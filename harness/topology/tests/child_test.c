/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/topology/child.h"
#include "harness/topology/control.h"

struct fixture {
    struct event_base *base;
    struct hx_child *child;
    int runner;
    int commands;
    int lost;
    char last[64];
};

static void on_command(void *arg, const char *verb, const json_t *message)
{
    struct fixture *f = arg;

    assert_true(json_is_object(message));
    snprintf(f->last, sizeof(f->last), "%s", verb);
    f->commands++;
    if (strcmp(verb, "die") == 0) {
        hx_child_free(f->child);
        f->child = NULL;
        event_base_loopbreak(f->base);
    }
}

static void on_lost(void *arg)
{
    struct fixture *f = arg;

    f->lost++;
    event_base_loopbreak(f->base);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct hx_child_handlers handlers = {on_command, on_lost, f};
    int fds[2];

    f->base = event_base_new();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 ||
        hx_child_new(f->base, fds[0], &handlers, &f->child) != OTEL_OK)
        return -1;
    f->runner = fds[1];
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    hx_child_free(f->child);
    event_base_free(f->base);
    close(f->runner);
    free(f);
    return 0;
}

static void say(const struct fixture *f, const char *text)
{
    assert_int_equal(write(f->runner, text, strlen(text)), strlen(text));
}

static void commands_arrive_one_a_line_even_in_pieces(void **state)
{
    struct fixture *f = *state;

    say(f, "{\"do\":\"drain\"}\n{\"do\":\"fl");
    event_base_loop(f->base, EVLOOP_ONCE);
    assert_int_equal(f->commands, 1);
    say(f, "ush\"}\n");
    event_base_loop(f->base, EVLOOP_ONCE);
    assert_int_equal(f->commands, 2);
    assert_string_equal(f->last, "flush");
    assert_int_equal(f->lost, 0);
}

static void end_of_file_is_told_once(void **state)
{
    struct fixture *f = *state;

    shutdown(f->runner, SHUT_RDWR);
    event_base_dispatch(f->base);
    event_base_loop(f->base, EVLOOP_NONBLOCK);
    assert_int_equal(f->lost, 1);
}

static void garbage_counts_as_loss(void **state)
{
    struct fixture *f = *state;

    say(f, "[1,2]\n");
    event_base_dispatch(f->base);
    assert_int_equal(f->lost, 1);
    assert_int_equal(f->commands, 0);
}

static void line_without_end_counts_as_loss(void **state)
{
    struct fixture *f = *state;
    char *big = malloc(HX_CONTROL_LINE_MAX);

    memset(big, 'x', HX_CONTROL_LINE_MAX);
    for (size_t at = 0; at < HX_CONTROL_LINE_MAX && f->lost == 0;) {
        at += (size_t)write(f->runner, big + at, 4096);
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    for (int i = 0; i < 100 && f->lost == 0; i++)
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    assert_int_equal(f->lost, 1);
    free(big);
}

static void child_may_be_freed_by_its_own_command(void **state)
{
    struct fixture *f = *state;

    say(f, "{\"do\":\"die\"}\n{\"do\":\"never\"}\n");
    event_base_dispatch(f->base);
    assert_int_equal(f->commands, 1);
    assert_null(f->child);
}

static void last_line_is_written_without_the_loop(void **state)
{
    struct fixture *f = *state;
    char line[128] = "";

    hx_child_send_fault(f->child, "disk \"full\"");
    hx_child_drain(f->child, 1000);
    assert_true(read(f->runner, line, sizeof(line) - 1) > 0);
    assert_string_equal(line, "{\"event\":\"fault\",\"text\":\"disk \\\"full\\\"\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(commands_arrive_one_a_line_even_in_pieces),
        T(end_of_file_is_told_once),
        T(garbage_counts_as_loss),
        T(line_without_end_counts_as_loss),
        T(child_may_be_freed_by_its_own_command),
        T(last_line_is_written_without_the_loop),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
