/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"
#include "sdk/tests/threaded.h"

enum { THREADS = 16, SPANS = THREADED_SPANS };

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, OTEL_SPAN_ID_SIZE);
}

static void all_spans_of_sixteen_threads_arrive_once(void **state)
{
    pthread_t threads[THREADS];
    struct otel_sdk_stats stats;
    struct fake fake;
    struct rig rig;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    threaded_start_batch(&rig, &fake, 1 << 17);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, threaded_spans, &rig), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 60000), OTEL_OK);
    stats = rig_stats(&rig); /* the threads are gone, their counts are not */
    assert_int_equal(stats.started, 2 * THREADS * SPANS);
    assert_int_equal(stats.ended, 2 * THREADS * SPANS);
    assert_int_equal(stats.total.exported, 2 * THREADS * SPANS);
    assert_int_equal(fake.spans, 2 * THREADS * SPANS);
    qsort(fake.ids, fake.spans, sizeof(fake.ids[0]), by_id);
    for (size_t i = 1; i < fake.spans; i++)
        assert_memory_not_equal(fake.ids[i - 1], fake.ids[i], OTEL_SPAN_ID_SIZE);
    rig_fini(&rig);
    fake_fini(&fake);
}

static void a_small_queue_under_sixteen_threads_loses_only_what_it_counts(void **state)
{
    pthread_t threads[THREADS];
    struct otel_sdk_stats stats;
    struct fake fake;
    struct rig rig;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    threaded_start_batch(&rig, &fake, 512);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, threaded_spans, &rig), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_OK);
    stats = rig_stats(&rig);
    assert_int_equal(stats.sampled, 2 * THREADS * SPANS);
    assert_int_equal(stats.sampled,
                     stats.total.exported + stats.total.dropped[OTEL_SDK_DROP_QUEUE_FULL]);
    assert_int_equal(fake.spans, stats.total.exported);
    rig_fini(&rig);
    fake_fini(&fake);
}

struct shared {
    struct otel_span *span;
    int id;
};

static void *write_shared(void *arg)
{
    struct shared *shared = arg;
    char key[32];

    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "thread.%d", shared->id);
        otel_span_set_int(shared->span, key, i);
        otel_span_set_str(shared->span, "common", i % 2 ? "a" : "longer than the other");
        otel_span_add_event_named(shared->span, "e");
        otel_span_update_name(shared->span, otel_str(i % 2 ? "odd" : "even, which is longer"));
        otel_span_is_recording(shared->span);
    }
    otel_span_end(shared->span);
    otel_span_unref(shared->span);
    return NULL;
}

static void one_span_may_be_written_and_ended_by_many_threads(void **state)
{
    struct shared shared[THREADS];
    pthread_t threads[THREADS];
    struct otel_sdk_memory_span seen;
    struct otel_sdk_span_info info;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    shared[0].span = otel_span_start(rig.tracer, "shared", NULL);
    for (int i = 0; i < THREADS; i++) {
        shared[i].span = i == 0 ? shared[0].span : otel_span_ref(shared[0].span);
        shared[i].id = i;
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_shared, &shared[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(otel_sdk_memory_count(rig.memory), 1);
    assert_true(otel_sdk_memory_at(rig.memory, 0, &seen));
    otel_sdk_decode_info(seen.encoded, &info);
    assert_in_range(info.attribute_count, 2, THREADS + 1);
    assert_true(info.event_count <= 128);
    rig_fini(&rig);
}

/* --- a span that is being ended --- */

struct meddler {
    struct otel_sdk_processor processor;
    struct otel_span *span;  /* what the other thread changes */
    struct otel_span *inner; /* ended from inside of on_ending; NULL: done */
    bool recording_outside;
};

static void *change_from_outside(void *arg)
{
    struct meddler *meddler = arg;
    struct otel_exception exception = {otel_str("Late"), otel_str("outside"), otel_str(""), NULL,
                                       0};
    struct otel_link link;

    memset(&link, 0, sizeof(link));
    memset(link.context.trace_id, 1, sizeof(link.context.trace_id));
    memset(link.context.span_id, 2, sizeof(link.context.span_id));
    meddler->recording_outside = otel_span_is_recording(meddler->span);
    otel_span_set_int(meddler->span, "outside", 1);
    otel_span_add_event_named(meddler->span, "outside");
    otel_span_add_link(meddler->span, &link);
    otel_span_record_exception(meddler->span, &exception);
    otel_span_set_status(meddler->span, OTEL_STATUS_ERROR, "outside");
    otel_span_update_name(meddler->span, otel_str("outside"));
    otel_span_end(meddler->span);
    return NULL;
}

static void let_another_thread_change(struct otel_sdk_processor *processor, struct otel_span *span)
{
    struct meddler *meddler = (struct meddler *)processor;
    struct otel_span *inner = meddler->inner;
    pthread_t thread;

    otel_span_set_int(span, "before", 1);
    if (inner != NULL) {
        meddler->inner = NULL;
        meddler->span = span;
        otel_span_finish(inner); /* comes here again */
    } else {
        otel_span_set_int(meddler->span, "from.inner", 1);
    }
    assert_int_equal(pthread_create(&thread, NULL, change_from_outside, meddler), 0);
    pthread_join(thread, NULL);
    assert_false(meddler->recording_outside);
    assert_true(otel_span_is_recording(span));
    otel_span_set_int(span, "after", 1);
}

static void nothing(struct otel_sdk_processor *processor)
{
    (void)processor;
}

static void a_span_that_is_being_ended_takes_changes_of_its_callbacks_alone(void **state)
{
    static const struct otel_sdk_processor_ops ops = {
        .struct_size = sizeof(ops), .on_ending = let_another_thread_change, .free = nothing};
    struct meddler meddler = {.processor = {&ops, 0}};
    struct otel_span *span;
    struct seen seen;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    assert_int_equal(otel_sdk_provider_add_processor(rig.provider, &meddler.processor), OTEL_OK);
    span = otel_span_start(rig.tracer, "outer", NULL);
    meddler.inner = otel_span_start(rig.tracer, "inner", NULL);
    otel_span_finish(span);
    seen = rig_seen(&rig, "outer");
    assert_int_equal(seen.info.attribute_count, 3);
    assert_true(seen_has(&seen, "before"));
    assert_true(seen_has(&seen, "from.inner"));
    assert_true(seen_has(&seen, "after"));
    assert_int_equal(seen.info.event_count + seen.info.link_count, 0);
    assert_int_equal(seen.info.status, OTEL_STATUS_UNSET);
    seen = rig_seen(&rig, "inner");
    assert_int_equal(seen.info.attribute_count, 2);
    assert_int_equal(otel_sdk_memory_count(rig.memory), 2);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_spans_of_sixteen_threads_arrive_once),
        cmocka_unit_test(a_small_queue_under_sixteen_threads_loses_only_what_it_counts),
        cmocka_unit_test(one_span_may_be_written_and_ended_by_many_threads),
        cmocka_unit_test(a_span_that_is_being_ended_takes_changes_of_its_callbacks_alone),
    };

    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
