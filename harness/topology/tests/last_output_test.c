/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a process that died: the end of what it said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/topology/parts.h"
#include "sdk/base/text.h"

static char dir[64], path[128];
static struct hx_child child = {.name = "relay", .role = HX_ROLE_RELAY};
static char out[HX_LAST_OUTPUT_SIZE];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/last-output-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/logs", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/logs/relay.err", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    snprintf(path, sizeof(path), "%s/logs", dir);
    rmdir(path);
    rmdir(dir);
    return 0;
}

static const char *last_output(const char *text)
{
    struct hx_run run = {.options.dir = dir};
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return hx_run_last_output(&run, &child, out, sizeof(out));
}

static void the_last_lines_are_told(void **state)
{
    (void)state;
    assert_string_equal(last_output("one\nAssertion failed\n\n"),
                        "; its output ends: one\nAssertion failed");
    assert_string_equal(last_output(""), "");
    assert_string_equal(last_output("\n"), "");
    unlink(path);
    {
        struct hx_run run = {.options.dir = dir};
        assert_string_equal(hx_run_last_output(&run, &child, out, sizeof(out)), "");
    }
}

static void a_long_text_is_cut_between_characters(void **state)
{
    static const char start[] = "; its output ends: ";
    char text[4 * HX_LOG_TAIL + 8] = "";

    (void)state;
    for (int shift = 0; shift < 3; shift++) {
        memset(text, 'x', (size_t)shift);
        text[shift] = '\0';
        for (int i = 0; i < HX_LOG_TAIL; i++)
            strncat(text, "\u20ac", 4);
        last_output(text);
        assert_memory_equal(out, start, sizeof(start) - 1);
        assert_true(otl_utf8_valid(out, strlen(out)));
        assert_true(strlen(out) > HX_LOG_TAIL - 8);
        assert_null(strstr(out, "\xef\xbf\xbd"));
    }
}

static void what_is_no_text_is_told_as_text(void **state)
{
    char text[2 * HX_LOG_TAIL];

    (void)state;
    memset(text, 0xff, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    last_output(text);
    assert_true(otl_utf8_valid(out, strlen(out)));
    assert_non_null(strstr(out, "\xef\xbf\xbd"));
}

static void a_large_log_has_an_end_too(void **state)
{
    enum { LARGE = 3 << 20 };
    char *text = malloc(LARGE + 16);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', LARGE);
    memcpy(text + LARGE, "\nthe end\n", 10);
    last_output(text);
    free(text);
    assert_non_null(strstr(out, "xx\nthe end"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_lines_are_told),
        TEST(a_long_text_is_cut_between_characters),
        TEST(what_is_no_text_is_told_as_text),
        TEST(a_large_log_has_an_end_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
