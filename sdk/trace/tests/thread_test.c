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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_spans_of_sixteen_threads_arrive_once),
        cmocka_unit_test(a_small_queue_under_sixteen_threads_loses_only_what_it_counts),
        cmocka_unit_test(one_span_may_be_written_and_ended_by_many_threads),
    };

    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
