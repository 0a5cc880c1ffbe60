/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tests/rig.h"

/* Ends of programs: each case runs in a process of its own, this program with the case's name. */

static struct otel_sdk_provider *g_provider;
static struct otel_tracer *g_tracer;

static void start_sdk(void)
{
    struct otel_sdk_memory *memory = NULL;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_provider_options options;

    otel_sdk_provider_options_init(&options);
    if (otel_sdk_memory_new(1 << 20, &memory) != OTEL_OK ||
        otel_sdk_memory_exporter_new(memory, &exporter) != OTEL_OK ||
        otel_sdk_batch_new(NULL, exporter, &processor) != OTEL_OK)
        _exit(9);
    otel_sdk_memory_unref(memory);
    options.processors = &processor;
    options.processor_count = 1;
    if (otel_sdk_provider_new(&options, &g_provider) != OTEL_OK)
        _exit(9);
    otel_tracer_provider_set_global(otel_sdk_provider_api(g_provider));
    g_tracer = otel_tracer("exit", NULL);
}

static void make_span(void)
{
    struct otel_span *span = otel_span_start(g_tracer, "s", NULL);

    otel_span_set_str(span, "k", "v");
    otel_span_finish(span);
}

static void *make_spans_for_ever(void *arg)
{
    for (;;)
        make_span();
    return arg;
}

/* Exit without a shutdown, a span open, one more in an exit handler. */
static void case_careless(void)
{
    static struct otel_span *open;

    start_sdk();
    make_span();
    open = otel_span_start(g_tracer, "open", NULL);
    otel_span_set_int(open, "k", 1);
    atexit(make_span);
}

/* Exit while another thread makes spans. */
static void case_busy(void)
{
    pthread_t thread;

    start_sdk();
    if (pthread_create(&thread, NULL, make_spans_for_ever, NULL) != 0)
        _exit(9);
    pthread_detach(thread);
    for (int i = 0; i < 1000; i++)
        make_span();
}

/* Everything freed, then a span from a tracer that was kept. */
static void case_late(void)
{
    start_sdk();
    make_span();
    otel_tracer_provider_set_global(NULL);
    otel_sdk_provider_free(g_provider);
    atexit(make_span);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"careless", case_careless}, {"busy", case_busy}, {"late", case_late}};

static int run_case(const char *name)
{
    char *argv[] = {(char *)"exit_test", (char *)(uintptr_t)name, NULL};
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        alarm(20); /* a program that hangs at its end is killed by it */
        execv("/proc/self/exe", argv);
        _exit(8);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void a_program_may_end_without_any_farewell(void **state)
{
    (void)state;
    assert_int_equal(run_case("careless"), 0);
}

static void a_program_may_end_while_threads_make_spans(void **state)
{
    (void)state;
    assert_int_equal(run_case("busy"), 0);
}

static void spans_in_exit_handlers_after_the_provider_is_gone_are_harmless(void **state)
{
    (void)state;
    assert_int_equal(run_case("late"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_may_end_without_any_farewell),
        cmocka_unit_test(a_program_may_end_while_threads_make_spans),
        cmocka_unit_test(spans_in_exit_handlers_after_the_provider_is_gone_are_harmless),
    };

    for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(cases[0]); i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            exit(0);
        }
    return cmocka_run_group_tests_name("exit", tests, NULL, NULL);
}
