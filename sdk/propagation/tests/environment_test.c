/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <otel/environment_carrier.h>
#include <otel/propagators.h>

#include "sdk/base/mem.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void names_are_made_fit_for_an_environment(void **state)
{
    static const char *const rows[][2] = {
        {"traceparent", "TRACEPARENT"},
        {"tracestate", "TRACESTATE"},
        {"baggage", "BAGGAGE"},
        {"x-b3-traceid", "X_B3_TRACEID"},
        {"X-Amzn-Trace-Id", "X_AMZN_TRACE_ID"},
        {"1st", "_1ST"},
        {"a.b/c=d", "A_B_C_D"},
        {"\xc3\xa9", "__"},
        {"_ok9", "_OK9"},
        {"", ""},
    };
    char longest[OTEL_ENVIRONMENT_NAME_MAX + 2], out[OTEL_ENVIRONMENT_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(otel_environment_name(otel_str(rows[i][0]), out), strlen(rows[i][1]));
        assert_string_equal(out, rows[i][1]);
    }
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(otel_environment_name(otel_strn(longest, 256), out), 256);
    assert_int_equal(otel_environment_name(otel_strn(longest, 257), out), 0);
    longest[0] = '1';
    assert_int_equal(otel_environment_name(otel_strn(longest, 256), out), 0);
}

static const char *found(char *const *block, const char *name)
{
    size_t len = strlen(name);

    for (; *block != NULL; block++)
        if (strncmp(*block, name, len) == 0 && (*block)[len] == '=')
            return *block + len + 1;
    return NULL;
}

static struct otel_context *sample(void)
{
    char parent[] = "TRACEPARENT=" PARENT, states[] = "TRACESTATE=a=1", bag[] = "BAGGAGE=k=v";
    char *const block[] = {parent, states, bag, NULL};

    return otel_propagator_extract(otel_propagator_w3c(), otel_context_root(), block,
                                   otel_environment_getter());
}

static void a_context_goes_into_a_block_and_replaces_what_was_there(void **state)
{
    char path[] = "PATH=/bin", old[] = "TRACEPARENT=old";
    char *const inherited[] = {path, old, NULL};
    struct otel_environment *env = NULL;
    struct otel_context *context = sample();
    char *const *block;

    (void)state;
    assert_int_equal(otel_environment_new(inherited, &env), OTEL_OK);
    otel_propagator_inject(otel_propagator_w3c(), context, env, otel_environment_setter());
    block = otel_environment_block(env);
    assert_string_equal(found(block, "PATH"), "/bin");
    assert_string_equal(found(block, "TRACEPARENT"), PARENT);
    assert_string_equal(found(block, "TRACESTATE"), "a=1");
    assert_string_equal(found(block, "BAGGAGE"), "k=v");
    assert_ptr_equal(block[4], NULL);
    otel_environment_free(env);
    otel_context_unref(context);
}

static void values_that_an_environment_cannot_hold_are_left_out(void **state)
{
    const struct otel_text_map_setter *setter = otel_environment_setter();
    static char large[64 * 1024 + 1];
    struct otel_environment *env = NULL;

    (void)state;
    memset(large, 'x', sizeof(large));
    assert_int_equal(otel_environment_new(NULL, &env), OTEL_OK);
    setter->set(env, otel_str("a"), otel_strn("b\0c", 3));
    setter->set(env, otel_str("b"), otel_strn(large, sizeof(large)));
    setter->set(env, otel_str(""), otel_str("x"));
    setter->set(env, otel_str("c"), otel_str(""));
    assert_string_equal(otel_environment_block(env)[0], "C=");
    assert_null(otel_environment_block(env)[1]);
    otel_environment_free(env);
}

/* The child dumps its environment through a pipe. */
static void a_child_process_finds_the_context_in_its_environment(void **state)
{
    char shell[] = "/bin/sh", flag[] = "-c",
         dump[] = "printf '%s %s' \"$TRACEPARENT\" \"$BAGGAGE\"";
    char *const argv[] = {shell, flag, dump, NULL};
    struct otel_context *context = sample();
    struct otel_environment *env = NULL;
    char text[128] = "";
    ssize_t len;
    int fds[2], status = -1;
    pid_t pid;

    (void)state;
    assert_int_equal(otel_environment_new(NULL, &env), OTEL_OK);
    otel_propagator_inject(otel_propagator_w3c(), context, env, otel_environment_setter());
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], 1);
        execve(shell, argv, otel_environment_block(env));
        _exit(127);
    }
    close(fds[1]);
    len = read(fds[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_equal(text, PARENT " k=v");
    otel_environment_free(env);
    otel_context_unref(context);
}

static void failing_memory_is_reported_or_leaves_a_usable_block(void **state)
{
    char path[] = "PATH=/bin";
    char *const inherited[] = {path, NULL};

    (void)state;
    for (unsigned long n = 1; n < 10; n++) {
        const struct otel_text_map_setter *setter = otel_environment_setter();
        struct otel_environment *env = NULL;
        otl_mem_fail_at(n);
        if (otel_environment_new(inherited, &env) == OTEL_OK) {
            setter->set(env, otel_str("a"), otel_str("1"));
            setter->set(env, otel_str("a"), otel_str("2"));
            assert_string_equal(otel_environment_block(env)[0], "PATH=/bin");
        } else {
            assert_null(env);
        }
        otl_mem_fail_at(0);
        otel_environment_free(env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_made_fit_for_an_environment),
        cmocka_unit_test(a_context_goes_into_a_block_and_replaces_what_was_there),
        cmocka_unit_test(values_that_an_environment_cannot_hold_are_left_out),
        cmocka_unit_test(a_child_process_finds_the_context_in_its_environment),
        cmocka_unit_test(failing_memory_is_reported_or_leaves_a_usable_block),
    };

    return cmocka_run_group_tests_name("environment_carrier", tests, NULL, NULL);
}
