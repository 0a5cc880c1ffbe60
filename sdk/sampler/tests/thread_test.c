/* SPDX-License-Identifier: Apache-2.0 */
/* One provider, several threads: samplers keep nothing that two threads could tear. */
#include <pthread.h>

#include <otel/sdk/composable_sampler.h>

#include "sdk/tests/rig.h"

enum { THREADS = 8, SPANS = 2000 };

static void no_random_id(void *state, uint8_t *ret_id)
{
    static const uint8_t id[16] = {1, 2, 3};
    (void)state;
    memcpy(ret_id, id, 16);
}

static void span_id(void *state, uint8_t *ret_id)
{
    uint64_t id = __atomic_add_fetch((uint64_t *)state, 1, __ATOMIC_RELAXED);
    memcpy(ret_id, &id, 8);
}

static void *start_spans(void *tracer)
{
    for (int i = 0; i < SPANS; i++) {
        struct otel_span *span = otel_span_start(tracer, "op", NULL);
        otel_span_finish(child_of(tracer, span, "child"));
        otel_span_finish(span);
    }
    return NULL;
}

/* Root ids are not random, so that every root draws an rv; children follow its threshold. */
static void threads_share_a_composite_sampler(void **state)
{
    struct otel_attribute note = otel_attr_str("rule", "half");
    struct otel_sdk_composable *half = NULL, *noted = NULL, *whole = NULL;
    struct otel_sdk_id_generator ids = {no_random_id, span_id, NULL, false};
    pthread_t threads[THREADS];
    uint64_t next = 0, kept;
    struct rig rig;

    (void)state;
    assert_int_equal(otel_sdk_composable_probability_new(0.5, &half), OTEL_OK);
    assert_int_equal(otel_sdk_composable_annotating_new(&note, 1, half, &noted), OTEL_OK);
    assert_int_equal(otel_sdk_composable_parent_threshold_new(noted, &whole), OTEL_OK);
    rig_init(&rig);
    assert_int_equal(otel_sdk_sampler_composite_new(whole, &rig.options.sampler), OTEL_OK);
    otel_sdk_composable_unref(half);
    otel_sdk_composable_unref(noted);
    otel_sdk_composable_unref(whole);
    ids.state = &next;
    rig.options.id_generator = &ids;
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, start_spans, rig.tracer), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    kept = rig_stats(&rig).sampled;
    assert_int_equal(kept % 2, 0); /* a child with each root */
    assert_true(kept / 2 > THREADS * SPANS / 2 - 400 && kept / 2 < THREADS * SPANS / 2 + 400);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_composite_sampler),
    };

    return cmocka_run_group_tests_name("sampler_threads", tests, NULL, NULL);
}
