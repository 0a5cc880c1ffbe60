/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"

struct bench {
    struct rig rig;
    struct fake fake;
    struct otel_sdk_simple_options simple;
};

static int set_up(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof(bench));
    rig_init(&bench.rig);
    otel_sdk_simple_options_init(&bench.simple);
    fake_init(&bench.fake, FAKE_OK);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    fake_release(&bench->fake);
    rig_fini(&bench->rig);
    fake_fini(&bench->fake);
    return 0;
}

static void start(struct bench *bench, enum fake_mode mode)
{
    struct otel_sdk_processor *processor = NULL;

    fake_set_mode(&bench->fake, mode);
    assert_int_equal(otel_sdk_simple_new(&bench->simple, &bench->fake.exporter, &processor),
                     OTEL_OK);
    rig_start_with(&bench->rig, processor);
}

static void each_span_is_one_export_that_ends_before_the_span_does(void **state)
{
    struct bench *bench = *state;

    bench->fake.delay_millis = 5;
    start(bench, FAKE_SLOW);
    for (size_t i = 1; i <= 5; i++) {
        one_span(&bench->rig, "s");
        assert_int_equal(rig_stats(&bench->rig).total.exported, i);
    }
    assert_int_equal(fake_exports(&bench->fake), 5);
    assert_int_equal(otel_sdk_provider_force_flush(bench->rig.provider, 10000), OTEL_OK);
    assert_int_equal(bench->fake.flushes, 1);
    assert_int_equal(bench->fake.biggest, 1);
}

static void *end_spans(void *arg)
{
    struct bench *bench = arg;

    for (int i = 0; i < 200; i++)
        one_span(&bench->rig, "s");
    return NULL;
}

static void exports_of_several_threads_never_overlap(void **state)
{
    struct bench *bench = *state;
    pthread_t threads[4];

    start(bench, FAKE_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, end_spans, bench), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fake_spans(&bench->fake), 800);
    assert_false(bench->fake.overlapped);
}

static void an_export_that_hangs_is_cancelled_at_its_timeout(void **state)
{
    struct bench *bench = *state;
    uint64_t began = now_millis();

    bench->simple.export_timeout_millis = 50;
    start(bench, FAKE_HANG);
    one_span(&bench->rig, "s");
    assert_in_range(now_millis() - began, 40, 20000);
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 1);
}

static void shutdown_cuts_a_hanging_export_short(void **state)
{
    struct bench *bench = *state;
    uint64_t began;
    pthread_t thread;

    start(bench, FAKE_HANG);
    assert_int_equal(pthread_create(&thread, NULL, end_spans, bench), 0);
    assert_true(fake_wait_spans(&bench->fake, 1));
    began = now_millis();
    otel_sdk_provider_shutdown(bench->rig.provider, 100);
    assert_in_range(now_millis() - began, 0, 20000);
    pthread_join(thread, NULL);
    assert_int_equal(rig_stats(&bench->rig).total.exported, 0);
    assert_true(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT] >= 1);
}

static void *end_span(void *arg)
{
    struct bench *bench = arg;

    one_span(&bench->rig, "s");
    return NULL;
}

static void a_thread_that_comes_back_behind_the_shutdown_leaves_nothing_behind(void **state)
{
    struct bench *bench = *state;
    pthread_t thread;

    start(bench, FAKE_BLOCK);
    assert_int_equal(pthread_create(&thread, NULL, end_span, bench), 0);
    assert_true(fake_wait_spans(&bench->fake, 1));
    assert_int_equal(otel_sdk_provider_shutdown(bench->rig.provider, 10), OTEL_ERR_TIMEOUT);
    fake_release(&bench->fake);
    pthread_join(thread, NULL);
    otel_tracer_unref(bench->rig.tracer);
    otel_sdk_provider_free(bench->rig.provider);
    bench->rig.tracer = NULL;
    bench->rig.provider = NULL;
    assert_int_equal(bench->fake.shutdowns, 1);
    assert_int_equal(bench->fake.frees, 1);
}

static void failures_are_counted(void **state)
{
    struct bench *bench = *state;

    start(bench, FAKE_FAIL);
    one_span(&bench->rig, "s");
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 1);
    bench->fake.reject = 1;
    fake_set_mode(&bench->fake, FAKE_REJECT);
    one_span(&bench->rig, "s");
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_REJECTED], 1);
}

static void end_inside(void *arg)
{
    struct bench *bench = arg;

    bench->fake.on_export = NULL;
    one_span(&bench->rig, "inside");
}

static void an_exporter_that_makes_spans_does_not_export_them_in_itself(void **state)
{
    struct bench *bench = *state;

    bench->fake.on_export = end_inside;
    bench->fake.on_export_arg = bench;
    start(bench, FAKE_OK);
    one_span(&bench->rig, "outside");
    assert_int_equal(fake_exports(&bench->fake), 1);
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 1);
}

static void options_of_an_older_header_are_filled_up(void **state)
{
    struct bench *bench = *state;

    bench->simple.struct_size = offsetof(struct otel_sdk_simple_options, export_timeout_millis);
    bench->simple.export_timeout_millis = 1; /* behind struct_size: not looked at */
    bench->fake.delay_millis = 100;
    start(bench, FAKE_SLOW);
    one_span(&bench->rig, "s");
    assert_int_equal(rig_stats(&bench->rig).total.exported, 1);
}

static void options_that_were_not_initialised_are_refused_and_the_exporter_is_consumed(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_processor *processor = NULL;

    bench->simple.struct_size = 0;
    assert_int_equal(otel_sdk_simple_new(&bench->simple, &bench->fake.exporter, &processor),
                     OTEL_ERR_ARGUMENT);
    bench->simple.struct_size = sizeof(bench->simple) + 1;
    assert_int_equal(otel_sdk_simple_new(&bench->simple, &bench->fake.exporter, &processor),
                     OTEL_ERR_ARGUMENT);
    assert_null(processor);
    assert_int_equal(bench->fake.frees, 2);
    assert_int_equal(otel_sdk_simple_new(NULL, NULL, &processor), OTEL_ERR_ARGUMENT);
    bench->simple.struct_size = sizeof(bench->simple);
    start(bench, FAKE_OK);
}

int main(void)
{
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(each_span_is_one_export_that_ends_before_the_span_does),
        BENCH_TEST(exports_of_several_threads_never_overlap),
        BENCH_TEST(an_export_that_hangs_is_cancelled_at_its_timeout),
        BENCH_TEST(shutdown_cuts_a_hanging_export_short),
        BENCH_TEST(a_thread_that_comes_back_behind_the_shutdown_leaves_nothing_behind),
        BENCH_TEST(failures_are_counted),
        BENCH_TEST(an_exporter_that_makes_spans_does_not_export_them_in_itself),
        BENCH_TEST(options_of_an_older_header_are_filled_up),
        BENCH_TEST(options_that_were_not_initialised_are_refused_and_the_exporter_is_consumed),
    };

    return cmocka_run_group_tests_name("simple", tests, NULL, NULL);
}
