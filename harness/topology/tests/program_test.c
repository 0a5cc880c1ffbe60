/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a command that is no program. */
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

#include "harness/topology/program.h"

static char dir[64], said[HX_PROGRAM_WHY], found[HX_PROGRAM_PATH];

/* A file in dir/bin-N; its path until the next call. */
static const char *file(unsigned bin, const char *name, const char *text, mode_t mode)
{
    static char path[128];
    FILE *out;

    snprintf(path, sizeof(path), "%s/bin-%u", dir, bin);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/bin-%u/%s", dir, bin, name);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static int setup(void **state)
{
    char path[160];

    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/program-XXXXXX");
    assert_non_null(mkdtemp(dir));
    file(1, "plain", "x", 0600);
    file(1, "both", "x", 0600);
    file(2, "both", "#!/bin/sh\n", 0700);
    file(2, "script", "#! /no/such/shell -e\n", 0700);
    snprintf(path, sizeof(path), "%s/bin-1::/nowhere:%s/bin-2", dir, dir);
    assert_int_equal(setenv("PATH", path, 1), 0);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"bin-1/plain", "bin-1/both", "bin-2/both", "bin-2/script",
                                        "bin-1", "bin-2", "."};
    char path[160];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        if (remove(i == 6 ? dir : path) != 0)
            return -1;
    }
    return 0;
}

/* What is said of it, with dir cut out; "" where it is one. */
static const char *why_not(const char *name)
{
    char *at;

    said[0] = '\0';
    if (hx_program_find(name, found, said))
        return "";
    while ((at = strstr(said, dir)) != NULL)
        memmove(at, at + strlen(dir), strlen(at + strlen(dir)) + 1);
    return said;
}

static void a_program_is_found(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/bin-2/both", dir);
    assert_string_equal(why_not(path), "");
    assert_string_equal(found, path);
    assert_string_equal(why_not("both"), ""); /* the one that can be started */
    assert_string_equal(found, path);
}

static void what_is_not_there_is_told(void **state)
{
    (void)state;
    assert_string_equal(why_not("no-such"), "there is no program 'no-such' in PATH");
    assert_string_equal(why_not("/nowhere/x"), "there is no program '/nowhere/x'");
}

static void a_directory_that_cannot_be_looked_into_holds_no_program(void **state)
{
    const char *told;
    bool root = geteuid() == 0; /* who may look anywhere */

    (void)state;
    assert_int_equal(chmod(dir, 0), 0);
    assert_true(!root || seteuid(65534) == 0);
    told = why_not("no-such");
    assert_true(!root || seteuid(0) == 0);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_string_equal(told, "there is no program 'no-such' in PATH");
}

static void what_is_there_but_no_program_is_told(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/bin-1/plain", dir);
    assert_string_equal(why_not(path), "'/bin-1/plain' is there but not executable (chmod +x?)");
    assert_string_equal(why_not("plain"),
                        "'/bin-1/plain' is there but not executable (chmod +x?)");
    snprintf(path, sizeof(path), "%s/bin-1", dir);
    assert_string_equal(why_not(path), "'/bin-1' is a directory, not a program");
    snprintf(path, sizeof(path), "%s/bin-1/plain/x", dir);
    assert_string_equal(why_not(path), "there is no program '/bin-1/plain/x'");
}

static void the_first_line_is_a_hint(void **state)
{
    char path[128], hint[HX_PROGRAM_WHY];

    (void)state;
    snprintf(path, sizeof(path), "%s/bin-2/script", dir);
    assert_string_equal(hx_program_hint(path, hint), " (its first line asks for '/no/such/shell')");
    snprintf(path, sizeof(path), "%s/bin-1/plain", dir);
    assert_string_equal(hx_program_hint(path, hint), "");
    assert_string_equal(hx_program_hint("/nowhere/x", hint), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_found),
        cmocka_unit_test(what_is_not_there_is_told),
        cmocka_unit_test(a_directory_that_cannot_be_looked_into_holds_no_program),
        cmocka_unit_test(what_is_there_but_no_program_is_told),
        cmocka_unit_test(the_first_line_is_a_hint),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
