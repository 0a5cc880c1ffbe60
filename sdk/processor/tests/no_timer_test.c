/* SPDX-License-Identifier: Apache-2.0 */
/* The batch processor while libevent has no memory for a timer: nothing waits for one for ever. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/processor/batch_impl.h"
#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/loop_heap.h"
#include "sdk/tests/rig.h"

enum { HOUR_MILLIS = 3600 * 1000, MINUTE_MILLIS = 60 * 1000 };

struct bench {
    struct rig rig;
    struct fake fake;
    struct otel_sdk_batch_options options;
    struct otel_sdk_processor *processor;
};

/* The worker's first step finds no memory left: no timer has had any before. */
static int exhaust_and_create(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg)
{
    (void)arg;
    loop_heap_exhaust(true);
    return pthread_create(ret_thread, NULL, run, run_arg);
}

static void prepare(struct bench *bench, enum fake_mode mode)
{
    memset(bench, 0, sizeof(*bench));
    rig_init(&bench->rig);
    fake_init(&bench->fake, mode);
    otel_sdk_batch_options_init(&bench->options);
    bench->options.schedule_delay_millis = HOUR_MILLIS;
    bench->options.create_thread = exhaust_and_create;
}

static void start(struct bench *bench)
{
    assert_int_equal(otel_sdk_batch_new(&bench->options, &bench->fake.exporter, &bench->processor),
                     OTEL_OK);
    rig_start_with(&bench->rig, bench->processor);
}

static struct otel_sdk_processor_stats stats_of(struct bench *bench)
{
    struct otel_sdk_processor_stats stats;

    assert_true(otel_sdk_provider_processor_stats(bench->rig.provider, 0, &stats));
    return stats;
}

static void finish(struct bench *bench)
{
    loop_heap_exhaust(false);
    rig_fini(&bench->rig);
    fake_fini(&bench->fake);
}

static void the_delay_begins_when_there_is_memory_for_it(void **state)
{
    struct bench bench;

    (void)state;
    prepare(&bench, FAKE_OK);
    bench.options.schedule_delay_millis = 5;
    start(&bench);
    one_span(&bench.rig, "waits");
    assert_true(loop_heap_await_refusals(3)); /* it tries again and again */
    loop_heap_exhaust(false);
    assert_true(fake_wait_spans(&bench.fake, 1)); /* by the delay alone */
    finish(&bench);
}

static void an_export_without_a_limit_is_not_begun_and_its_spans_are_counted(void **state)
{
    struct bench bench;

    (void)state;
    prepare(&bench, FAKE_HANG);
    start(&bench);
    one_span(&bench.rig, "lost");
    assert_int_equal(otel_sdk_provider_force_flush(bench.rig.provider, MINUTE_MILLIS),
                     OTEL_ERR_MEMORY);
    assert_int_equal(fake_exports(&bench.fake), 0);
    assert_int_equal(stats_of(&bench).dropped[OTEL_SDK_DROP_EXPORT_FAILED], 1);
    assert_int_equal(stats_of(&bench).in_flight, 0);
    loop_heap_exhaust(false);
    fake_set_mode(&bench.fake, FAKE_OK);
    one_span(&bench.rig, "sent");
    assert_int_equal(otel_sdk_provider_force_flush(bench.rig.provider, MINUTE_MILLIS), OTEL_OK);
    assert_int_equal(fake_spans(&bench.fake), 1);
    finish(&bench);
}

static void a_shutdown_that_cannot_wait_for_an_export_cancels_it(void **state)
{
    struct bench bench;
    uint64_t began;

    (void)state;
    prepare(&bench, FAKE_HANG);
    bench.options.schedule_delay_millis = 0; /* neither has a timer before the shutdown */
    bench.options.export_timeout_millis = 0;
    start(&bench);
    one_span(&bench.rig, "hangs");
    assert_true(fake_wait_exports(&bench.fake, 1));
    began = now_millis();
    assert_int_not_equal(otel_sdk_provider_shutdown(bench.rig.provider, HOUR_MILLIS), OTEL_OK);
    assert_true(now_millis() - began < 2 * MINUTE_MILLIS); /* it is a matter of no time */
    assert_int_equal(bench.fake.cancels, 1);
    assert_int_equal(stats_of(&bench).dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 1);
    finish(&bench);
}

static void *flush(void *provider)
{
    return (void *)(uintptr_t)otel_sdk_provider_force_flush(provider, HOUR_MILLIS);
}

/* --- spans on their way: their places in the queue are taken, they are not there yet --- */

enum { LATE_MAX = 2 };

struct late {
    struct otl_batch *batch;
    struct otel_span *open[LATE_MAX];
    struct otel_sdk_readable_span *spans[LATE_MAX];
    uint64_t at[LATE_MAX];
    pthread_t flusher;
};

/* There is one timer: to look again. A thread waits for their flush. */
static void send_off(struct bench *bench, struct late *late, size_t count)
{
    prepare(bench, FAKE_OK);
    bench->options.schedule_delay_millis = 0;
    bench->options.export_timeout_millis = 0;
    start(bench);
    late->batch = (struct otl_batch *)bench->processor;
    for (size_t i = 0; i < count; i++) {
        late->open[i] = otel_span_start(bench->rig.tracer, "late", NULL);
        late->spans[i] =
            (struct otel_sdk_readable_span *)(uintptr_t)otel_sdk_span_readable(late->open[i]);
        otel_sdk_readable_span_ref(late->spans[i]);
        late->at[i] = __atomic_fetch_add(&late->batch->queue.tail, 1, __ATOMIC_SEQ_CST);
    }
    assert_int_equal(pthread_create(&late->flusher, NULL, flush, bench->rig.provider), 0);
    assert_true(loop_heap_await_refusals(3));
}

static void arrive(struct late *late, size_t i)
{
    struct otl_queue *queue = &late->batch->queue;

    __atomic_store_n(&queue->cells[late->at[i] & queue->mask], late->spans[i], __ATOMIC_RELEASE);
    otel_span_unref(late->open[i]);
}

static void is_flushed(struct late *late)
{
    void *flushed;

    assert_int_equal(pthread_join(late->flusher, &flushed), 0);
    assert_int_equal((uintptr_t)flushed, OTEL_OK);
}

static void a_span_that_is_on_its_way_is_waited_for(void **state)
{
    struct bench bench;
    struct late late;

    (void)state;
    send_off(&bench, &late, 1);
    arrive(&late, 0);
    is_flushed(&late);
    assert_int_equal(fake_spans(&bench.fake), 1);
    finish(&bench);
}

static void a_batch_waits_for_each_of_its_spans(void **state)
{
    struct bench bench;
    struct late late;

    (void)state;
    send_off(&bench, &late, 2);
    arrive(&late, 0);
    assert_true(loop_heap_await_refusals(3));
    assert_int_equal(fake_exports(&bench.fake), 0);
    arrive(&late, 1);
    is_flushed(&late);
    assert_int_equal(fake_exports(&bench.fake), 1);
    assert_int_equal(fake_spans(&bench.fake), 2);
    finish(&bench);
}

static void a_thread_that_never_brings_its_span_does_not_keep_the_others(void **state)
{
    struct bench bench;
    struct late late;

    (void)state;
    send_off(&bench, &late, 2);
    arrive(&late, 0);
    loop_heap_exhaust(false);
    assert_true(fake_wait_spans(&bench.fake, 1));
    arrive(&late, 1);
    is_flushed(&late);
    assert_int_equal(fake_spans(&bench.fake), 2);
    finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delay_begins_when_there_is_memory_for_it),
        cmocka_unit_test(an_export_without_a_limit_is_not_begun_and_its_spans_are_counted),
        cmocka_unit_test(a_shutdown_that_cannot_wait_for_an_export_cancels_it),
        cmocka_unit_test(a_span_that_is_on_its_way_is_waited_for),
        cmocka_unit_test(a_batch_waits_for_each_of_its_spans),
        cmocka_unit_test(a_thread_that_never_brings_its_span_does_not_keep_the_others),
    };

    loop_heap_install();
    return cmocka_run_group_tests_name("no_timer", tests, NULL, NULL);
}
