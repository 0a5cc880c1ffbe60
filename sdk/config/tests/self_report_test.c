/* SPDX-License-Identifier: Apache-2.0 */
/* What an SDK that was made from the environment asks of its program, and tells it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <otel/sdk/config.h>
#include <pthread.h>
#include <sched.h>

#include "sdk/base/clock.h"
#include "sdk/config/tests/fake_env.h"

struct hook {
    unsigned calls;       /* atomic */
    unsigned refuse_from; /* this call and all later ones fail; 0: none */
};

static int create(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg)
{
    struct hook *hook = arg;
    unsigned call = __atomic_add_fetch(&hook->calls, 1, __ATOMIC_RELAXED);

    if (hook->refuse_from != 0 && call >= hook->refuse_from)
        return EAGAIN;
    return pthread_create(ret_thread, NULL, run, run_arg);
}

static unsigned calls_of(const struct hook *hook)
{
    return __atomic_load_n(&hook->calls, __ATOMIC_RELAXED);
}

/* Workers and samplers tell, too, each on its thread. */
static void hear(void *arg, enum otel_err err, const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    fake_error(arg, err, text);
    pthread_mutex_unlock(&lock);
}

static enum otel_err make(struct fake_env *env, struct hook *hook, struct otel_sdk **ret)
{
    struct otel_sdk_env_options options;

    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = env;
    options.error = hear;
    options.error_arg = env;
    options.create_thread = hook != NULL ? create : NULL;
    options.create_thread_arg = hook;
    return otel_sdk_from_env(&options, ret);
}

static void one_span(struct otel_sdk *sdk)
{
    struct otel_tracer_options named;
    struct otel_tracer *tracer;

    otel_tracer_options_init(&named);
    named.name = otel_str("t");
    tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(otel_sdk_provider_of(sdk)), &named);
    otel_span_finish(otel_span_start(tracer, "s", NULL));
    otel_tracer_unref(tracer);
}

static struct otel_sdk_stats stats_of(struct otel_sdk *sdk)
{
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};

    otel_sdk_provider_stats(otel_sdk_provider_of(sdk), &stats);
    return stats;
}

static unsigned threads_of_the_process(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;

    assert_non_null(tasks);
    for (const struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* .invalid is nobody's name: whatever the system says to it, it was asked on a thread. */
static void every_thread_is_made_by_the_program(void **state)
{
    struct fake_env env = {.count = 0};
    struct hook hook = {.calls = 0};
    unsigned before = threads_of_the_process();
    uint64_t limit = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;
    struct otel_sdk *sdk = NULL;

    (void)state;
    fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid:4318");
    fake_set(&env, "OTEL_TRACES_SAMPLER", "jaeger_remote");
    fake_set(&env, "OTEL_TRACES_SAMPLER_ARG",
             "endpoint=http://jaeger.invalid/s,initialSamplingRate=1");
    fake_set(&env, "OTEL_BSP_SCHEDULE_DELAY", "0");
    fake_set(&env, "OTEL_EXPORTER_OTLP_TIMEOUT", "50"); /* and then nothing is under way */
    assert_int_equal(make(&env, &hook, &sdk), OTEL_OK);
    one_span(sdk);
    while (calls_of(&hook) < 4) { /* a worker, a sampler, a look-up of each */
        assert_true(threads_of_the_process() <= before + calls_of(&hook));
        assert_true(otl_clock_mono(otl_clock_real()) < limit);
        sched_yield();
    }
    (void)otel_sdk_shutdown(sdk, 60000); /* says what became of the export */
    otel_sdk_free(sdk);
}

static void without_a_worker_there_is_no_sdk(void **state)
{
    struct fake_env env = {.count = 0};
    struct hook hook = {.refuse_from = 1};
    struct otel_sdk *sdk = NULL;

    (void)state;
    assert_int_equal(make(&env, &hook, &sdk), OTEL_ERR_THREAD);
    assert_null(sdk);
    assert_non_null(strstr(env.said, "a thread could not be created"));
}

static void without_a_thread_jaeger_remote_keeps_its_initial_rate(void **state)
{
    struct fake_env env = {.count = 0};
    struct hook hook = {.refuse_from = 1};
    struct otel_sdk *sdk = NULL;

    (void)state;
    fake_set(&env, "OTEL_TRACES_EXPORTER", "none");
    fake_set(&env, "OTEL_TRACES_SAMPLER", "jaeger_remote");
    fake_set(&env, "OTEL_TRACES_SAMPLER_ARG", "initialSamplingRate=1");
    assert_int_equal(make(&env, &hook, &sdk), OTEL_OK);
    assert_non_null(strstr(env.said, "its initial rate is used"));
    one_span(sdk);
    assert_int_equal(stats_of(sdk).sampled, 1);
    otel_sdk_free(sdk);
}

static void without_a_thread_to_look_up_an_export_fails_and_is_counted(void **state)
{
    struct fake_env env = {.count = 0};
    struct hook hook = {.refuse_from = 2};
    struct otel_sdk *sdk = NULL;
    struct otel_sdk_stats stats;

    (void)state;
    fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid:4318");
    fake_set(&env, "OTEL_EXPORTER_OTLP_TIMEOUT", "50");
    assert_int_equal(make(&env, &hook, &sdk), OTEL_OK);
    one_span(sdk);
    assert_int_not_equal(otel_sdk_force_flush(sdk, 60000), OTEL_OK);
    stats = stats_of(sdk);
    assert_int_equal(stats.total.exported, 0);
    assert_int_equal(stats.total.dropped[OTEL_SDK_DROP_EXPORT_FAILED] +
                         stats.total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT],
                     1);
    assert_int_equal(otel_sdk_shutdown(sdk, 60000), OTEL_OK);
    otel_sdk_free(sdk);
    assert_true(calls_of(&hook) >= 2);
}

/* ---- OTEL_LOG_LEVEL ------------------------------------------------------------------------- */

/* An environment with one mistake (a warning) and no exporter; what was told of it, and then of a
 * tracer without a name (an error). */
static void tell_both(const char *level, struct fake_env *env)
{
    struct otel_tracer_options nameless;
    struct otel_sdk *sdk = NULL;

    memset(env, 0, sizeof(*env));
    if (level != NULL)
        fake_set(env, "OTEL_LOG_LEVEL", level);
    fake_set(env, "OTEL_TRACES_EXPORTER", "none");
    fake_set(env, "OTEL_BSP_MAX_QUEUE_SIZE", "many");
    assert_int_equal(make(env, NULL, &sdk), OTEL_OK);
    otel_tracer_options_init(&nameless);
    otel_tracer_unref(otel_tracer_provider_tracer(
        otel_sdk_provider_api(otel_sdk_provider_of(sdk)), &nameless));
    otel_sdk_free(sdk);
}

static void the_level_decides_what_is_told(void **state)
{
    static const struct {
        const char *level;
        bool warnings, errors;
    } rows[] = {{NULL, true, true},    {"", true, true},      {"trace", true, true},
                {"debug", true, true}, {"Info", true, true},  {"WARN", true, true},
                {" warn", true, true}, {"error", false, true}, {"ERROR", false, true},
                {"fatal", false, false}, {"none", false, false}};
    struct fake_env env;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tell_both(rows[i].level, &env);
        assert_int_equal(strstr(env.said, "OTEL_BSP_MAX_QUEUE_SIZE") != NULL, rows[i].warnings);
        assert_int_equal(strstr(env.said, "tracer without a name") != NULL, rows[i].errors);
        assert_int_equal(env.told, rows[i].warnings + rows[i].errors);
    }
}

static void an_unknown_level_is_told_and_counts_as_unset(void **state)
{
    static const char *const wrong[] = {
        "eror", "17", "info,warn", "none of all this, and on and on for more than sixty bytes"};
    struct fake_env env;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        tell_both(wrong[i], &env);
        assert_non_null(strstr(env.said, "OTEL_LOG_LEVEL: \""));
        assert_non_null(strstr(env.said, "is unknown"));
        assert_int_equal(env.told, 3);
    }
    tell_both("eror", &env);
    assert_non_null(strstr(env.said, "did you mean error?"));
}

/* Reports reach each its own program's function. */
static void two_sdks_do_not_hear_each_other(void **state)
{
    struct fake_env a, b;

    (void)state;
    tell_both("error", &a);
    tell_both("error", &b);
    assert_int_equal(a.told, 1);
    assert_int_equal(b.told, 1);
}

static void many_listeners_are_told_too_much_rather_than_nothing(void **state)
{
    static struct fake_env env[80];

    (void)state;
    for (size_t i = 0; i < sizeof(env) / sizeof(env[0]); i++) {
        tell_both("error", &env[i]);
        assert_non_null(strstr(env[i].said, "tracer without a name"));
    }
    assert_int_equal(env[0].told, 1);
    assert_int_equal(env[79].told, 2); /* beyond the limit: the warning, too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_is_made_by_the_program),
        cmocka_unit_test(without_a_worker_there_is_no_sdk),
        cmocka_unit_test(without_a_thread_jaeger_remote_keeps_its_initial_rate),
        cmocka_unit_test(without_a_thread_to_look_up_an_export_fails_and_is_counted),
        cmocka_unit_test(the_level_decides_what_is_told),
        cmocka_unit_test(an_unknown_level_is_told_and_counts_as_unset),
        cmocka_unit_test(two_sdks_do_not_hear_each_other),
        cmocka_unit_test(many_listeners_are_told_too_much_rather_than_nothing),
    };

    return cmocka_run_group_tests_name("self_report", tests, NULL, NULL);
}
