/* SPDX-License-Identifier: Apache-2.0 */
/* A batch processor with several exporters: exports that run at once. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/tests/every_nth.h"
#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/heap.h"
#include "sdk/tests/rig.h"

enum { LANES = 3, HOUR_MILLIS = 3600 * 1000 };

struct bench {
    struct rig rig;
    struct fake fakes[LANES];
    struct otel_sdk_exporter *more[LANES - 1];
    struct otel_sdk_batch_options options;
    bool stop; /* [a] */
};

static int set_up(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof(bench));
    rig_init(&bench.rig);
    otel_sdk_batch_options_init(&bench.options);
    bench.options.schedule_delay_millis = HOUR_MILLIS;
    bench.options.max_export_batch_size = 2;
    for (size_t i = 0; i < LANES; i++) {
        fake_init(&bench.fakes[i], FAKE_HANG);
        if (i > 0)
            bench.more[i - 1] = &bench.fakes[i].exporter;
    }
    bench.options.more_exporters = bench.more;
    bench.options.more_exporter_count = LANES - 1;
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < LANES; i++)
        fake_release(&bench->fakes[i]);
    rig_fini(&bench->rig);
    for (size_t i = 0; i < LANES; i++)
        fake_fini(&bench->fakes[i]);
    return 0;
}

static void start(struct bench *bench)
{
    struct otel_sdk_processor *processor = NULL;

    assert_int_equal(otel_sdk_batch_new(&bench->options, &bench->fakes[0].exporter, &processor),
                     OTEL_OK);
    rig_start_with(&bench->rig, processor);
}

static void spans(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        one_span(&bench->rig, "s");
}

/* Until so many were acknowledged, which is a moment after the exporter saw them; at most 10 s. */
static struct otel_sdk_processor_stats when_exported(struct bench *bench, uint64_t count)
{
    struct otel_sdk_processor_stats stats;

    for (int i = 0; i < 10000; i++) {
        assert_true(otel_sdk_provider_processor_stats(bench->rig.provider, 0, &stats));
        if (stats.exported >= count && stats.in_flight <= 2)
            break;
        poll(NULL, 0, 1);
    }
    return stats;
}

static void every_exporter_gets_a_batch_before_one_gets_a_second(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_processor_stats stats;

    start(bench);
    spans(bench, 2);
    assert_true(fake_wait_spans(&bench->fakes[0], 2));
    spans(bench, 2);
    assert_true(fake_wait_spans(&bench->fakes[1], 2)); /* though the first still hangs */
    spans(bench, 6);
    assert_true(fake_wait_spans(&bench->fakes[2], 2));
    assert_true(otel_sdk_provider_processor_stats(bench->rig.provider, 0, &stats));
    assert_int_equal(stats.in_flight, 6);
    assert_int_equal(stats.queued, 4);
    for (size_t i = 0; i < LANES; i++)
        assert_int_equal(fake_exports(&bench->fakes[i]), 1);
    /* all of them hang: the shutdown's deadline cancels each, and counts every span once */
    assert_int_equal(otel_sdk_provider_shutdown(bench->rig.provider, 50), OTEL_ERR_TIMEOUT);
    assert_true(fake_wait_shutdown(&bench->fakes[0])); /* by a worker that may be late */
    assert_true(otel_sdk_provider_processor_stats(bench->rig.provider, 0, &stats));
    assert_int_equal(stats.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 10);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.exported, 0);
}

static void one_that_hangs_does_not_hold_up_the_others(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_processor_stats stats;

    bench->options.export_timeout_millis = 0;
    fake_set_mode(&bench->fakes[1], FAKE_OK);
    start(bench);
    spans(bench, 2);
    assert_true(fake_wait_spans(&bench->fakes[0], 2)); /* hangs for good */
    spans(bench, 20);
    assert_true(fake_wait_spans(&bench->fakes[1], 20));
    assert_int_equal(fake_exports(&bench->fakes[2]), 0); /* one free lane was enough */
    stats = when_exported(bench, 20);
    assert_int_equal(stats.exported, 20);
    assert_int_equal(stats.in_flight, 2);
    assert_int_equal(otel_sdk_provider_force_flush(bench->rig.provider, 50), OTEL_ERR_TIMEOUT);
}

static void flush_waits_for_all_and_each_is_flushed_and_shut_down(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_processor_stats stats;

    for (size_t i = 0; i < LANES; i++) {
        fake_set_mode(&bench->fakes[i], FAKE_SLOW);
        bench->fakes[i].delay_millis = 5;
    }
    start(bench);
    spans(bench, 101);
    assert_int_equal(otel_sdk_provider_force_flush(bench->rig.provider, 20000), OTEL_OK);
    assert_true(otel_sdk_provider_processor_stats(bench->rig.provider, 0, &stats));
    assert_int_equal(stats.exported, 101);
    assert_int_equal(otel_sdk_provider_shutdown(bench->rig.provider, 20000), OTEL_OK);
    for (size_t i = 0; i < LANES; i++) {
        assert_true(bench->fakes[i].exports > 0);
        assert_false(bench->fakes[i].overlapped); /* each one export at a time */
        assert_int_equal(bench->fakes[i].flushes, 1);
        assert_int_equal(bench->fakes[i].shutdowns, 1);
    }
}

/* With every export there are as many new spans as it took away. */
static void refill(void *arg)
{
    struct bench *bench = arg;

    if (!__atomic_load_n(&bench->stop, __ATOMIC_RELAXED))
        spans(bench, 2);
}

/* It covers what had ended before; what ends meanwhile must not keep it for ever. */
static void flush_ends_though_spans_never_cease(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < LANES; i++) {
        fake_set_mode(&bench->fakes[i], FAKE_OK);
        bench->fakes[i].on_export = refill;
        bench->fakes[i].on_export_arg = bench;
    }
    start(bench);
    spans(bench, 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(otel_sdk_provider_force_flush(bench->rig.provider, 20000), OTEL_OK);
    __atomic_store_n(&bench->stop, true, __ATOMIC_RELAXED);
}

static void exporters_that_cannot_be_used_are_consumed_all_the_same(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_exporter *second = bench->more[1];

    bench->more[1] = NULL;
    assert_int_equal(otel_sdk_batch_new(&bench->options, &bench->fakes[0].exporter, &processor),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(bench->fakes[0].frees, 1);
    assert_int_equal(bench->fakes[1].frees, 1);
    bench->more[1] = second;
    start(bench);
}

/* --- while every n-th allocation fails --- */

static void prepare_lanes(void *arg)
{
    struct bench *bench = arg;

    for (size_t i = 0; i < LANES; i++) {
        fake_init(&bench->fakes[i], FAKE_SLOW);
        bench->fakes[i].delay_millis = 1; /* so that all of them get something to do */
    }
}

static void books_balance(struct otel_sdk_provider *provider)
{
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};
    uint64_t lost = 0;

    otel_sdk_provider_stats(provider, &stats);
    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        lost += i == OTEL_SDK_DROP_NO_MEMORY ? 0 : stats.total.dropped[i];
    assert_int_equal(stats.started, stats.sampled + stats.not_recorded);
    assert_int_equal(stats.sampled, stats.total.exported + lost);
    assert_int_equal(stats.total.queued + stats.total.in_flight, 0);
}

static enum otel_err live_with_lanes(void *arg)
{
    struct bench *bench = arg;
    struct otel_sdk_provider_options options;
    struct otel_sdk_processor *processor = NULL;
    enum otel_err err =
        otel_sdk_batch_new(&bench->options, &bench->fakes[0].exporter, &processor);

    if (err != OTEL_OK)
        return err;
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    err = otel_sdk_provider_new(&options, &bench->rig.provider);
    if (err != OTEL_OK)
        return err;
    bench->rig.tracer = rig_tracer(&bench->rig, "lanes");
    spans(bench, 20);
    (void)otel_sdk_provider_force_flush(bench->rig.provider, 60000);
    spans(bench, 20);
    (void)otel_sdk_provider_shutdown(bench->rig.provider, 60000);
    books_balance(bench->rig.provider);
    otel_tracer_unref(bench->rig.tracer);
    otel_sdk_provider_free(bench->rig.provider);
    return OTEL_OK;
}

static void each_was_freed_once(void *arg)
{
    struct bench *bench = arg;

    for (size_t i = 0; i < LANES; i++) {
        assert_int_equal(__atomic_load_n(&bench->fakes[i].frees, __ATOMIC_ACQUIRE), 1);
        fake_fini(&bench->fakes[i]);
    }
}

static void when_every_nth_allocation_fails_nothing_is_left_behind(void **state)
{
    static struct bench bench;
    struct every_nth test = {prepare_lanes, live_with_lanes, each_was_freed_once, &bench, 3000,
                             true};

    (void)state;
    otel_sdk_batch_options_init(&bench.options);
    bench.options.schedule_delay_millis = HOUR_MILLIS;
    bench.options.max_export_batch_size = 2;
    bench.options.more_exporters = bench.more;
    bench.options.more_exporter_count = LANES - 1;
    for (size_t i = 1; i < LANES; i++)
        bench.more[i - 1] = &bench.fakes[i].exporter;
    prepare_lanes(&bench); /* what the process keeps for ever is made now */
    assert_int_equal(live_with_lanes(&bench), OTEL_OK);
    for (size_t i = 0; i < LANES; i++)
        assert_true(bench.fakes[i].exports > 0);
    each_was_freed_once(&bench);
    every_nth(&test);
}

int main(void)
{
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(every_exporter_gets_a_batch_before_one_gets_a_second),
        BENCH_TEST(one_that_hangs_does_not_hold_up_the_others),
        BENCH_TEST(flush_waits_for_all_and_each_is_flushed_and_shut_down),
        BENCH_TEST(flush_ends_though_spans_never_cease),
        BENCH_TEST(exporters_that_cannot_be_used_are_consumed_all_the_same),
        cmocka_unit_test(when_every_nth_allocation_fails_nothing_is_left_behind),
    };

    heap_install();
    return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
