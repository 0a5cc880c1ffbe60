/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sdk/processor/batch_impl.h"
#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"

/* Delays in these tests are either an hour (it must not be waited for) or short; the bounds on
 * wall time are an order of magnitude above what is expected. */

enum { HOUR_MILLIS = 3600 * 1000, DROPS = 4096 };

struct bench {
    struct rig rig;
    struct fake fake;
    struct otel_sdk_batch_options batch;
    struct otl_batch *processor;
    pthread_mutex_t lock;
    struct otel_sdk_drop drops[DROPS];
    uint8_t ids[DROPS][OTEL_SPAN_ID_SIZE];
    size_t drop_count;
    uint64_t dropped; /* spans */
    uint64_t first_drop_millis;
    bool go; /* [a] */
    uint64_t held_up_until_millis;
    uint64_t flushes; /* that an export waits for */
};

static void on_drop(void *arg, const struct otel_sdk_drop *drop)
{
    struct bench *bench = arg;

    pthread_mutex_lock(&bench->lock);
    if (bench->drop_count == 0)
        bench->first_drop_millis = now_millis();
    if (bench->drop_count < DROPS) {
        bench->drops[bench->drop_count] = *drop;
        if (drop->span_id != NULL)
            memcpy(bench->ids[bench->drop_count], drop->span_id, OTEL_SPAN_ID_SIZE);
    }
    bench->drop_count++;
    bench->dropped += drop->count;
    pthread_mutex_unlock(&bench->lock);
}

static int set_up(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof(bench));
    pthread_mutex_init(&bench.lock, NULL);
    rig_init(&bench.rig);
    bench.rig.options.drop = on_drop;
    bench.rig.options.drop_arg = &bench;
    otel_sdk_batch_options_init(&bench.batch);
    bench.batch.schedule_delay_millis = HOUR_MILLIS;
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
    assert_int_equal(otel_sdk_batch_new(&bench->batch, &bench->fake.exporter, &processor), OTEL_OK);
    bench->processor = (struct otl_batch *)processor;
    rig_start_with(&bench->rig, processor);
}

static void spans(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        one_span(&bench->rig, "s");
}

/* started = exported + dropped + queued + in flight, by counters and by callback. */
static void the_books_balance(struct bench *bench)
{
    struct otel_sdk_stats stats = rig_stats(&bench->rig);
    uint64_t dropped = 0;

    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        dropped += stats.total.dropped[i];
    assert_int_equal(stats.started, stats.sampled + stats.record_only + stats.not_recorded);
    assert_int_equal(stats.total.received, stats.sampled);
    assert_int_equal(stats.sampled,
                     stats.total.exported + dropped + stats.total.queued + stats.total.in_flight);
    assert_int_equal(dropped, bench->dropped);
}

static enum otel_err flush(struct bench *bench, uint32_t millis)
{
    return otel_sdk_provider_force_flush(bench->rig.provider, millis);
}

static enum otel_err stop(struct bench *bench, uint32_t millis)
{
    return otel_sdk_provider_shutdown(bench->rig.provider, millis);
}

static void a_full_batch_is_exported_without_waiting_for_the_delay(void **state)
{
    struct bench *bench = *state;

    start(bench, FAKE_OK);
    spans(bench, 512);
    assert_true(fake_wait_spans(&bench->fake, 512));
    assert_int_equal(fake_exports(&bench->fake), 1);
    assert_false(bench->fake.signals_open); /* the worker blocks every signal */
}

static void a_few_spans_are_exported_when_the_delay_is_over(void **state)
{
    struct bench *bench = *state;

    bench->batch.schedule_delay_millis = 50;
    start(bench, FAKE_OK);
    spans(bench, 3);
    assert_true(fake_wait_spans(&bench->fake, 3));
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(rig_stats(&bench->rig).total.exported, 3);
}

static void with_no_delay_every_span_is_exported_at_once(void **state)
{
    struct bench *bench = *state;

    bench->batch.schedule_delay_millis = 0;
    start(bench, FAKE_OK);
    for (size_t i = 1; i <= 200; i++) {
        spans(bench, 1);
        assert_true(fake_wait_spans(&bench->fake, i));
    }
}

static void no_batch_exceeds_the_maximum_and_none_is_empty(void **state)
{
    struct bench *bench = *state;

    bench->batch.max_export_batch_size = 100;
    start(bench, FAKE_OK);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(fake_exports(&bench->fake), 0);
    for (int i = 0; i < 10; i++) {
        spans(bench, 203);
        assert_int_equal(flush(bench, 10000), OTEL_OK);
    }
    assert_int_equal(bench->fake.biggest, 100);
    assert_int_equal(fake_spans(&bench->fake), 2030);
    the_books_balance(bench);
}

static void exports_never_overlap(void **state)
{
    struct bench *bench = *state;

    bench->batch.max_export_batch_size = 10;
    bench->fake.delay_millis = 5;
    start(bench, FAKE_SLOW);
    spans(bench, 100);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_false(bench->fake.overlapped);
    assert_int_equal(fake_exports(&bench->fake), 10);
    assert_int_equal(rig_stats(&bench->rig).total.batches, 10);
    assert_int_equal(rig_stats(&bench->rig).total.bytes, 1000);
    assert_true(rig_stats(&bench->rig).total.export_latency_max_ns >= 4000000);
}

static void a_full_queue_drops_the_newest_by_identity(void **state)
{
    struct bench *bench = *state;
    struct otel_span *span;

    bench->batch.max_queue_size = 8;
    bench->batch.max_export_batch_size = 4;
    start(bench, FAKE_BLOCK);
    spans(bench, 4);
    assert_true(fake_wait_spans(&bench->fake, 4)); /* in flight, off the queue */
    spans(bench, 8);
    for (int i = 0; i < 2; i++) {
        span = otel_span_start(bench->rig.tracer, "newest", NULL);
        otel_span_end(span);
        assert_int_equal(bench->drop_count, i + 1);
        assert_int_equal(bench->drops[i].reason, OTEL_SDK_DROP_QUEUE_FULL);
        assert_memory_equal(bench->ids[i], otel_span_get_context(span)->span_id, 8);
        otel_span_unref(span);
    }
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_QUEUE_FULL], 2);
    assert_int_equal(rig_stats(&bench->rig).total.queue_high_water, 8);
    the_books_balance(bench);
    fake_release(&bench->fake);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(fake_spans(&bench->fake), 12);
    the_books_balance(bench);
}

static size_t resident_pages(void)
{
    size_t all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &all, &resident), 2);
    fclose(file);
    return resident;
}

static void memory_stays_bounded_while_nothing_flows(void **state)
{
    struct bench *bench = *state;
    size_t before;

    bench->batch.export_timeout_millis = 0; /* the first export goes on through all of it */
    start(bench, FAKE_HANG);
    spans(bench, 5000);
    assert_true(fake_wait_spans(&bench->fake, 512));
    before = resident_pages();
    spans(bench, 100000);
    assert_in_range(resident_pages(), 0, before + 1024); /* 4 MiB */
    the_books_balance(bench);
    assert_int_equal(stop(bench, 0), OTEL_ERR_TIMEOUT);
    assert_true(fake_wait_shutdown(&bench->fake)); /* by a worker that may still be counting */
    the_books_balance(bench);
}

static void flush_returns_after_all_earlier_spans_were_acknowledged(void **state)
{
    struct bench *bench = *state;

    bench->fake.delay_millis = 20;
    bench->batch.max_export_batch_size = 7;
    start(bench, FAKE_SLOW);
    spans(bench, 20);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(rig_stats(&bench->rig).total.exported, 20);
    assert_int_equal(bench->fake.flushes, 1);
}

static void flush_honours_its_timeout(void **state)
{
    struct bench *bench = *state;
    uint64_t began = now_millis();

    start(bench, FAKE_HANG);
    spans(bench, 3);
    assert_int_equal(flush(bench, 100), OTEL_ERR_TIMEOUT);
    assert_in_range(now_millis() - began, 90, 20000);
    assert_int_equal(stop(bench, 0), OTEL_ERR_TIMEOUT);
}

static void *flush_thread(void *arg)
{
    struct bench *bench = arg;

    for (int i = 0; i < 20; i++) {
        spans(bench, 5);
        if (flush(bench, 10000) != OTEL_OK)
            return arg;
    }
    return NULL;
}

static void eight_threads_flush_at_once(void **state)
{
    struct bench *bench = *state;
    pthread_t threads[8];

    start(bench, FAKE_OK);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, flush_thread, bench), 0);
    for (int i = 0; i < 8; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(fake_spans(&bench->fake), 800);
    the_books_balance(bench);
}

static void shutdown_exports_what_is_queued(void **state)
{
    struct bench *bench = *state;

    bench->fake.delay_millis = 10;
    start(bench, FAKE_SLOW);
    spans(bench, 10);
    assert_int_equal(stop(bench, 10000), OTEL_OK);
    assert_int_equal(fake_spans(&bench->fake), 10);
    assert_int_equal(bench->fake.shutdowns, 1);
    the_books_balance(bench);
}

static void shutdown_is_bounded_while_the_exporter_waits(void **state)
{
    struct bench *bench = *state;
    uint64_t began;

    start(bench, FAKE_HANG);
    spans(bench, 600);
    assert_true(fake_wait_spans(&bench->fake, 512));
    began = now_millis();
    assert_int_equal(stop(bench, 200), OTEL_ERR_TIMEOUT);
    assert_in_range(now_millis() - began, 0, 20000);
    assert_true(fake_wait_shutdown(&bench->fake)); /* by a worker that may be late */
    assert_int_equal(bench->fake.cancels, 1);
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 600);
    the_books_balance(bench);
}

static void shutdown_bounds_the_export_that_it_starts_itself(void **state)
{
    struct bench *bench = *state;

    start(bench, FAKE_HANG);
    spans(bench, 3); /* too few for an export before the shutdown */
    assert_int_equal(stop(bench, 200), OTEL_ERR_TIMEOUT);
    assert_true(fake_wait_shutdown(&bench->fake));
    /* a worker that comes too late begins none */
    assert_int_equal(bench->fake.cancels, fake_exports(&bench->fake));
    the_books_balance(bench);
}

static void shutdown_is_bounded_even_if_the_exporter_never_returns(void **state)
{
    struct bench *bench = *state;
    uint64_t began;

    start(bench, FAKE_BLOCK);
    spans(bench, 600);
    assert_true(fake_wait_spans(&bench->fake, 512));
    began = now_millis();
    assert_int_equal(stop(bench, 100), OTEL_ERR_TIMEOUT);
    assert_in_range(now_millis() - began, 90, 20000);
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 600);
    the_books_balance(bench);
    fake_release(&bench->fake); /* the worker comes back and counts nothing twice */
    assert_true(fake_wait_shutdown(&bench->fake));
    the_books_balance(bench);
}

static void *stop_thread(void *arg)
{
    static enum otel_err results[2] = {OTEL_OK, OTEL_ERR_CLOSED};

    return &results[stop(arg, 10000) == OTEL_OK ? 0 : 1];
}

static void only_the_first_of_two_shutdowns_acts(void **state)
{
    struct bench *bench = *state;
    pthread_t threads[2];
    unsigned acted = 0;

    start(bench, FAKE_OK);
    spans(bench, 10);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stop_thread, bench), 0);
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(threads[i], &result);
        acted += *(enum otel_err *)result == OTEL_OK;
    }
    assert_int_equal(acted, 1);
    assert_int_equal(stop(bench, 100), OTEL_ERR_CLOSED);
    assert_int_equal(fake_spans(&bench->fake), 10);
}

static void spans_after_shutdown_are_counted_and_tracers_become_no_ops(void **state)
{
    struct bench *bench = *state;
    struct otel_span *early, *late;

    start(bench, FAKE_OK);
    early = otel_span_start(bench->rig.tracer, "early", NULL);
    assert_int_equal(stop(bench, 10000), OTEL_OK);
    otel_span_end(early);
    assert_int_equal(bench->drop_count, 1);
    assert_int_equal(bench->drops[0].reason, OTEL_SDK_DROP_AFTER_SHUTDOWN);
    otel_span_unref(early);
    late = otel_span_start(bench->rig.tracer, "late", NULL);
    assert_false(otel_span_is_recording(late));
    assert_false(otel_tracer_enabled(bench->rig.tracer));
    otel_span_finish(late);
    assert_int_equal(flush(bench, 100), OTEL_ERR_CLOSED);
    the_books_balance(bench);
}

static void an_export_that_takes_too_long_is_cancelled_and_the_next_flows(void **state)
{
    struct bench *bench = *state;

    bench->batch.export_timeout_millis = 100;
    bench->batch.max_export_batch_size = 5;
    start(bench, FAKE_HANG);
    spans(bench, 5);
    assert_true(fake_wait_exports(&bench->fake, 1));
    fake_set_mode(&bench->fake, FAKE_OK);
    spans(bench, 5);
    assert_true(fake_wait_exports(&bench->fake, 2));
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 5);
    assert_int_equal(rig_stats(&bench->rig).total.exported, 5);
    the_books_balance(bench);
}

/* The first export holds the worker's loop up, and the next begins in the same turn of it. */
static void hold_up(void *arg)
{
    struct bench *bench = arg;

    if (bench->held_up_until_millis != 0)
        return;
    while (!__atomic_load_n(&bench->go, __ATOMIC_ACQUIRE))
        poll(NULL, 0, 1);
    fake_set_mode(&bench->fake, FAKE_HANG);
    poll(NULL, 0, 250);
    bench->held_up_until_millis = now_millis();
}

static void an_export_has_all_of_its_time_though_the_loop_was_held_up(void **state)
{
    struct bench *bench = *state;

    bench->batch.export_timeout_millis = 200;
    bench->batch.max_export_batch_size = 5;
    bench->fake.on_export = hold_up;
    bench->fake.on_export_arg = bench;
    start(bench, FAKE_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(flush(bench, 60000), OTEL_OK); /* the worker is in its loop */
    spans(bench, 10);
    __atomic_store_n(&bench->go, true, __ATOMIC_RELEASE);
    assert_true(fake_wait_exports(&bench->fake, 2));
    flush(bench, 60000);
    assert_int_equal(bench->drop_count, 5);
    assert_in_range(bench->first_drop_millis - bench->held_up_until_millis, 199, UINT32_MAX);
    the_books_balance(bench);
}

static void until_flushes_are_asked_for(void *arg)
{
    struct bench *bench = arg;
    struct otl_batch *batch = bench->processor;
    uint64_t until = now_millis() + 60000, asked = 0;

    while (asked < bench->flushes && now_millis() < until && poll(NULL, 0, 1) == 0) {
        pthread_mutex_lock(&batch->lock);
        asked = batch->flush_asked;
        pthread_mutex_unlock(&batch->lock);
    }
}

static void flush_tells_of_a_failed_export_that_it_found_under_way(void **state)
{
    struct bench *bench = *state;

    bench->batch.max_export_batch_size = 5;
    bench->flushes = 1;
    bench->fake.on_export = until_flushes_are_asked_for;
    bench->fake.on_export_arg = bench;
    start(bench, FAKE_FAIL);
    spans(bench, 5);
    assert_true(fake_wait_exports(&bench->fake, 1));
    assert_int_equal(flush(bench, 60000), OTEL_ERR_REFUSED);
    assert_int_equal(fake_exports(&bench->fake), 1);
    the_books_balance(bench);
}

static void *flush_once(void *arg)
{
    return flush(arg, 60000) == OTEL_ERR_REFUSED ? NULL : arg;
}

/* The export is the first flush's own; the second comes while it is under way. */
static void every_flush_that_was_asked_for_before_an_export_failed_is_told(void **state)
{
    struct bench *bench = *state;
    pthread_t threads[2];

    bench->flushes = 2;
    bench->fake.on_export = until_flushes_are_asked_for;
    bench->fake.on_export_arg = bench;
    start(bench, FAKE_FAIL);
    spans(bench, 3);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, flush_once, bench), 0);
        assert_true(fake_wait_exports(&bench->fake, 1));
    }
    for (int i = 0; i < 2; i++) {
        void *not_told;
        pthread_join(threads[i], &not_told);
        assert_null(not_told);
    }
    assert_int_equal(fake_exports(&bench->fake), 1);
    assert_int_equal(flush(bench, 60000), OTEL_OK); /* which lost nothing */
    the_books_balance(bench);
}

static void a_failed_batch_is_reported_span_by_span(void **state)
{
    struct bench *bench = *state;

    start(bench, FAKE_FAIL);
    spans(bench, 5);
    assert_int_equal(flush(bench, 10000), OTEL_ERR_REFUSED);
    assert_int_equal(bench->drop_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(bench->drops[i].reason, OTEL_SDK_DROP_EXPORT_FAILED);
        assert_true(fake_has(&bench->fake, bench->ids[i]));
    }
    the_books_balance(bench);
}

static void an_exporter_that_cannot_start_costs_a_batch_and_is_started_again(void **state)
{
    struct bench *bench = *state;

    bench->batch.max_export_batch_size = 5;
    bench->fake.failing_starts = 1;
    start(bench, FAKE_OK);
    spans(bench, 3);
    flush(bench, 10000);
    assert_int_equal(rig_stats(&bench->rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 3);
    spans(bench, 4);
    assert_int_equal(flush(bench, OTEL_SDK_NO_TIMEOUT), OTEL_OK);
    assert_int_equal(rig_stats(&bench->rig).total.exported, 4);
    the_books_balance(bench);
}

static void a_partial_success_counts_what_was_rejected(void **state)
{
    struct bench *bench = *state;

    bench->fake.reject = 2;
    start(bench, FAKE_REJECT);
    spans(bench, 5);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(rig_stats(&bench->rig).total.exported, 3);
    assert_int_equal(bench->drop_count, 1);
    assert_int_equal(bench->drops[0].count, 2);
    assert_null(bench->drops[0].span_id); /* nobody said which */
    bench->fake.reject = 5;
    spans(bench, 5);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(bench->drop_count, 6);
    assert_non_null(bench->drops[1].span_id);
    the_books_balance(bench);
}

static void no_wake_up_is_lost(void **state)
{
    struct bench *bench = *state;

    bench->batch.schedule_delay_millis = 3600 * 1000; /* nothing else would wake the worker */
    start(bench, FAKE_OK);
    for (int i = 0; i < 300; i++) {
        spans(bench, 1);
        assert_int_equal(flush(bench, 60000), OTEL_OK);
    }
    for (int i = 0; i < 300; i++) {
        struct otel_sdk_processor *processor = NULL;
        struct otel_sdk_provider *provider = NULL;
        struct otel_sdk_provider_options options;
        struct otel_tracer *tracer;
        otel_sdk_provider_options_init(&options);
        assert_int_equal(otel_sdk_batch_new(&bench->batch, &bench->fake.exporter, &processor),
                         OTEL_OK);
        options.processors = &processor;
        options.processor_count = 1;
        assert_int_equal(otel_sdk_provider_new(&options, &provider), OTEL_OK);
        tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(provider), NULL);
        otel_span_finish(otel_span_start(tracer, "s", NULL));
        otel_tracer_unref(tracer);
        assert_int_equal(otel_sdk_provider_shutdown(provider, 60000), OTEL_OK);
        otel_sdk_provider_free(provider);
    }
    assert_int_equal(fake_spans(&bench->fake), 600);
}

/* --- wakes: counted where a producer makes the system call, so that no bound here depends on when
 * the worker runs --- */

enum { WAKE_BATCH = 8, WAKE_ROUNDS = 50, WAKE_LIMIT_MILLIS = 30000 };

static void fewer_spans_than_a_batch_wake_nobody(void **state)
{
    struct bench *bench = *state;

    bench->batch.max_export_batch_size = WAKE_BATCH;
    start(bench, FAKE_OK);
    for (int i = 0; i < WAKE_ROUNDS; i++) {
        spans(bench, WAKE_BATCH - 1);
        assert_int_equal(rig_stats(&bench->rig).total.wakes, 0);
        assert_int_equal(flush(bench, 60000), OTEL_OK); /* empties the queue */
    }
    assert_int_equal(rig_stats(&bench->rig).total.wakes, 0);
    assert_int_equal(fake_spans(&bench->fake), WAKE_ROUNDS * (WAKE_BATCH - 1));
}

/* One span of a round completes a batch. It wakes the worker if that sleeps, which it does in some
 * round sooner or later. */
static void a_full_batch_wakes_the_worker_at_most_once(void **state)
{
    struct bench *bench = *state;
    uint64_t began = now_millis(), rounds = 0, wakes;

    bench->batch.max_export_batch_size = WAKE_BATCH;
    start(bench, FAKE_OK);
    do {
        spans(bench, WAKE_BATCH);
        assert_int_equal(flush(bench, 60000), OTEL_OK);
        rounds++;
        wakes = rig_stats(&bench->rig).total.wakes;
        assert_in_range(wakes, 0, rounds);
    } while (rounds < WAKE_ROUNDS || (wakes == 0 && now_millis() - began < WAKE_LIMIT_MILLIS));
    assert_true(wakes != 0);
}

static void *make_many(void *arg)
{
    spans(arg, 100 * WAKE_BATCH);
    return NULL;
}

/* Each wake is the doing of the span that completes the batch which begins at the queue's head, and
 * that one is exported before the head is there again, however few of it are taken at once. */
static void several_threads_wake_the_worker_at_most_once_a_batch(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_stats stats;
    pthread_t threads[4];

    bench->batch.max_export_batch_size = WAKE_BATCH;
    start(bench, FAKE_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, bench), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(flush(bench, 60000), OTEL_OK);
    stats = rig_stats(&bench->rig);
    assert_int_equal(stats.total.queued + stats.total.in_flight, 0);
    assert_in_range(stats.total.wakes, 0, stats.total.batches);
    the_books_balance(bench);
}

static void call_back_in(void *arg)
{
    struct bench *bench = arg;

    assert_int_equal(flush(bench, 5000), OTEL_ERR_BLOCKED);
}

static void flush_from_the_exporter_is_refused_and_does_not_deadlock(void **state)
{
    struct bench *bench = *state;

    bench->fake.on_export = call_back_in;
    bench->fake.on_export_arg = bench;
    start(bench, FAKE_OK);
    spans(bench, 1);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
}

static void wrong_sizes_are_refused_and_the_exporter_is_consumed(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_processor *processor = NULL;

    bench->batch.max_export_batch_size = 4096;
    assert_int_equal(otel_sdk_batch_new(&bench->batch, &bench->fake.exporter, &processor),
                     OTEL_ERR_ARGUMENT);
    bench->batch.max_export_batch_size = 0;
    assert_int_equal(otel_sdk_batch_new(&bench->batch, &bench->fake.exporter, &processor),
                     OTEL_ERR_ARGUMENT);
    bench->batch.max_queue_size = 0;
    assert_int_equal(otel_sdk_batch_new(&bench->batch, &bench->fake.exporter, &processor),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(bench->fake.frees, 3);
    bench->batch.max_queue_size = bench->batch.max_export_batch_size = 1;
    start(bench, FAKE_OK);
}

struct hook {
    unsigned calls, prepared;
    bool refuse, unblocked;
    void *(*run)(void *);
    void *run_arg;
};

/* What a program does first on its own threads: here, look at the signal mask. */
static void *prepare(void *arg)
{
    struct hook *hook = arg;
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    hook->unblocked = !sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGPROF);
    hook->prepared++;
    return hook->run(hook->run_arg);
}

static int create(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg)
{
    struct hook *hook = arg;

    hook->calls++;
    hook->run = run;
    hook->run_arg = run_arg;
    return hook->refuse ? EAGAIN : pthread_create(ret_thread, NULL, prepare, hook);
}

static void the_program_may_create_the_worker_itself(void **state)
{
    struct bench *bench = *state;
    struct otel_sdk_processor *processor = NULL;
    struct hook hook = {.refuse = true};

    bench->batch.create_thread = create;
    bench->batch.create_thread_arg = &hook;
    assert_int_equal(otel_sdk_batch_new(&bench->batch, &bench->fake.exporter, &processor),
                     OTEL_ERR_THREAD);
    hook.refuse = false;
    start(bench, FAKE_OK);
    spans(bench, 3);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
    assert_int_equal(bench->fake.spans, 3);
    assert_int_equal(otel_sdk_provider_shutdown(bench->rig.provider, 10000), OTEL_OK);
    assert_int_equal(hook.calls, 2);
    assert_int_equal(hook.prepared, 1);
    assert_false(hook.unblocked);
}

static void options_of_an_older_header_are_filled_up(void **state)
{
    struct bench *bench = *state;

    bench->batch.struct_size = offsetof(struct otel_sdk_batch_options, create_thread);
    bench->batch.create_thread = (int (*)(void *, pthread_t *, void *(*)(void *), void *))1;
    start(bench, FAKE_OK); /* what lies behind struct_size was not looked at */
    spans(bench, 1);
    assert_int_equal(flush(bench, 10000), OTEL_OK);
}

int main(void)
{
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_full_batch_is_exported_without_waiting_for_the_delay),
        BENCH_TEST(a_few_spans_are_exported_when_the_delay_is_over),
        BENCH_TEST(with_no_delay_every_span_is_exported_at_once),
        BENCH_TEST(no_batch_exceeds_the_maximum_and_none_is_empty),
        BENCH_TEST(exports_never_overlap),
        BENCH_TEST(a_full_queue_drops_the_newest_by_identity),
        BENCH_TEST(memory_stays_bounded_while_nothing_flows),
        BENCH_TEST(flush_returns_after_all_earlier_spans_were_acknowledged),
        BENCH_TEST(flush_honours_its_timeout),
        BENCH_TEST(eight_threads_flush_at_once),
        BENCH_TEST(shutdown_exports_what_is_queued),
        BENCH_TEST(shutdown_is_bounded_while_the_exporter_waits),
        BENCH_TEST(shutdown_bounds_the_export_that_it_starts_itself),
        BENCH_TEST(shutdown_is_bounded_even_if_the_exporter_never_returns),
        BENCH_TEST(only_the_first_of_two_shutdowns_acts),
        BENCH_TEST(spans_after_shutdown_are_counted_and_tracers_become_no_ops),
        BENCH_TEST(an_export_that_takes_too_long_is_cancelled_and_the_next_flows),
        BENCH_TEST(an_export_has_all_of_its_time_though_the_loop_was_held_up),
        BENCH_TEST(flush_tells_of_a_failed_export_that_it_found_under_way),
        BENCH_TEST(every_flush_that_was_asked_for_before_an_export_failed_is_told),
        BENCH_TEST(a_failed_batch_is_reported_span_by_span),
        BENCH_TEST(an_exporter_that_cannot_start_costs_a_batch_and_is_started_again),
        BENCH_TEST(a_partial_success_counts_what_was_rejected),
        BENCH_TEST(no_wake_up_is_lost),
        BENCH_TEST(fewer_spans_than_a_batch_wake_nobody),
        BENCH_TEST(a_full_batch_wakes_the_worker_at_most_once),
        BENCH_TEST(several_threads_wake_the_worker_at_most_once_a_batch),
        BENCH_TEST(flush_from_the_exporter_is_refused_and_does_not_deadlock),
        BENCH_TEST(the_program_may_create_the_worker_itself),
        BENCH_TEST(options_of_an_older_header_are_filled_up),
        BENCH_TEST(wrong_sizes_are_refused_and_the_exporter_is_consumed),
    };

    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
