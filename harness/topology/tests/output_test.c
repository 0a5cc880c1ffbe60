/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a program that says too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/topology/output.h"
#include "sdk/base/file.h"

enum { LIMIT = 1000 };

static char dir[64], path[128], text[64 * 1024];
static struct hx_output output;
static int program; /* its end of the pipe */

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/output-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/log", dir);
    return hx_output_open(&output, path, LIMIT, &program);
}

static int teardown(void **state)
{
    (void)state;
    if (program >= 0)
        close(program);
    hx_output_close(&output);
    unlink(path);
    return rmdir(dir);
}

static void say(const char *what, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        assert_int_equal(otl_fd_write_all(program, what, strlen(what)), 0);
        hx_output_read(&output);
    }
}

static const char *log_text(void)
{
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void what_has_room_is_kept_as_it_is(void **state)
{
    (void)state;
    say("one\n", 1);
    assert_string_equal(log_text(), "one\n");
    say("two\n", 1);
    hx_output_settle(&output);
    assert_string_equal(log_text(), "one\ntwo\n");
}

static void of_too_much_the_beginning_and_the_end_are_kept(void **state)
{
    static const char line[] = "\n[tracerig: the log takes 1000 bytes; of 9024 more these were "
                               "the last:]\n";
    const char *at;

    (void)state;
    say("123456789\n", 1000);
    say("the licence has expired\n", 1);
    assert_int_equal(strlen(log_text()), LIMIT);
    assert_null(strstr(text, "licence"));
    hx_output_settle(&output);
    log_text();
    assert_int_equal(strncmp(text, "123456789\n123456789\n", 20), 0);
    at = text + LIMIT;
    assert_int_equal(strncmp(at, line, strlen(line)), 0);
    assert_int_equal(strlen(at + strlen(line)), HX_OUTPUT_TAIL);
    assert_string_equal(text + strlen(text) - 34, "123456789\nthe licence has expired\n");
}

/* Larger than what is read at once, and written while nobody reads. */
static void what_is_in_the_pipe_at_the_end_is_settled(void **state)
{
    static char large[40000];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    assert_int_equal(otl_fd_write_all(program, large, sizeof(large) - 1), 0);
    hx_output_settle(&output);
    assert_non_null(strstr(log_text(), "of 38999 more these were the last:]\nxxx"));
    assert_true(strlen(text) < LIMIT + 200 + HX_OUTPUT_TAIL);
}

static void the_end_of_the_output_closes_it(void **state)
{
    (void)state;
    say("last\n", 1);
    close(program);
    program = -1;
    hx_output_read(&output);
    assert_false(output.open);
    assert_string_equal(log_text(), "last\n");
}

static void a_second_program_shares_the_room(void **state)
{
    (void)state;
    say("123456789\n", 99);
    close(program);
    hx_output_close(&output);
    assert_int_equal(hx_output_open(&output, path, LIMIT, &program), 0);
    say("abcdefghijkl\n", 2);
    hx_output_settle(&output);
    assert_string_equal(log_text() + 990,
                        "abcdefghij\n[tracerig: the log takes 1000 bytes; of 16 more these were "
                        "the last:]\nkl\nabcdefghijkl\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_has_room_is_kept_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(of_too_much_the_beginning_and_the_end_are_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_in_the_pipe_at_the_end_is_settled, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_the_output_closes_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_program_shares_the_room, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
