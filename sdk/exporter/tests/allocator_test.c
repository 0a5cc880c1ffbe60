/* SPDX-License-Identifier: Apache-2.0 */
/* A program with an allocator of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <otel/memory.h>
#include <otel/propagators.h>

#include "sdk/exporter/tests/rig.h"
#include "sdk/tests/heap.h"

static void it_is_set_once_and_before_everything(void **state)
{
    struct otel_allocator own;

    (void)state;
    assert_int_equal(otel_set_allocator(NULL), OTEL_ERR_ARGUMENT);
    memset(&own, 0, sizeof(own));
    assert_int_equal(otel_set_allocator(&own), OTEL_ERR_ARGUMENT);
    assert_null(otel_allocator_in_use());
    heap_install();
    assert_non_null(otel_allocator_in_use());
    own = *otel_allocator_in_use();
    assert_int_equal(otel_set_allocator(&own), OTEL_ERR_CLOSED);
}

/* Spans with heap of their own, sent compressed to a server. */
static void a_day_of_work(struct rig *rig)
{
    static char large[5001];

    memset(large, 'x', sizeof(large) - 1);
    for (int i = 0; i < 20; i++) {
        struct otel_span *span = otel_span_start(rig->tracer, "work", NULL);
        otel_span_set_str(span, "large", large);
        otel_span_set_int(span, "n", i);
        otel_span_finish(span);
    }
    (void)otel_sdk_provider_force_flush(rig->provider, 30000);
}

static void all_memory_comes_from_it_and_goes_back(void **state)
{
    long before = heap_live(), once = 0;
    unsigned long calls = heap_calls();
    struct rig rig;

    (void)state;
    for (int round = 0; round < 2; round++) {
        rig_defaults(&rig);
        rig.otlp.compression = OTEL_SDK_COMPRESSION_GZIP;
        rig_init(&rig);
        a_day_of_work(&rig);
        assert_int_equal(rig_otlp(&rig).spans_delivered, 20);
        rig_fini(&rig);
        if (round == 0)
            once = heap_live();
    }
    assert_true(heap_calls() > calls + 20);
    assert_int_equal(heap_live(), once); /* what the first round left is the process's, for ever */
    assert_true(once - before <= 4);
}

static void when_every_nth_call_fails_the_books_still_balance(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth < 40; nth++) {
        long before = heap_live();
        struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};
        uint64_t lost = 0;
        struct rig rig;
        rig_defaults(&rig);
        rig_init(&rig);
        heap_fail_every(nth);
        a_day_of_work(&rig);
        a_day_of_work(&rig);
        heap_fail_every(0);
        a_day_of_work(&rig);
        otel_sdk_provider_stats(rig.provider, &stats);
        for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++) {
            lost += stats.total.dropped[i];
            assert_int_equal(stats.total.dropped[i], rig.dropped[i]);
        }
        assert_int_equal(stats.started, 60);
        assert_int_equal(stats.sampled + stats.not_recorded, 60);
        assert_int_equal(stats.sampled,
                         stats.total.exported + lost -
                             stats.total.dropped[OTEL_SDK_DROP_NO_MEMORY]);
        rig_fini(&rig);
        assert_true(heap_live() - before <= 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_set_once_and_before_everything),
        cmocka_unit_test(all_memory_comes_from_it_and_goes_back),
        cmocka_unit_test(when_every_nth_call_fails_the_books_still_balance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
