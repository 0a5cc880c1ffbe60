/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP exporter's life: deadlines, shutdown, the simple processor, fork, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/exporter/tests/rig.h"

#define NOW() otl_clock_mono(otl_clock_real())

static void silence_ends_as_a_timeout(void **state)
{
    struct srv_step silent = {.then = SRV_SILENT};
    struct rig rig;
    uint64_t start = NOW();

    (void)state;
    rig_defaults(&rig);
    rig.otlp.timeout_millis = 200;
    rig_init(&rig);
    srv_push(rig.srv, &silent);
    assert_int_not_equal(rig_send(&rig, 3), OTEL_OK);
    assert_true(NOW() - start < 9 * OTL_NS_PER_S); /* without this limit: 10 s, or never */
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 3);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_TIMEOUT], 1);
    for (int tries = 0; rig_send(&rig, 3) != OTEL_OK; tries++) /* and it recovers */
        assert_in_range(tries, 0, 100);
    rig_fini(&rig);
}

static void shutdown_is_bounded_though_nobody_answers(void **state)
{
    struct srv_step silent = {.then = SRV_SILENT};
    struct rig rig;
    uint64_t start;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.timeout_millis = 0; /* no limit of its own */
    rig.batch.export_timeout_millis = 0;
    rig_init(&rig);
    srv_push(rig.srv, &silent);
    rig_spans(&rig, 600); /* the first batch of 512 leaves at once */
    assert_true(srv_wait(rig.srv, 1));
    start = NOW();
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 200), OTEL_ERR_TIMEOUT);
    assert_true(NOW() - start < 60 * OTL_NS_PER_S); /* without this limit: never */
    rig_wait_dropped(&rig, OTEL_SDK_DROP_EXPORT_TIMEOUT, 600);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 600);
    rig_fini(&rig);
}

static void shutdown_sends_what_is_queued(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    rig_spans(&rig, 10);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 10000), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 1);
    assert_int_equal(rig_span_count(srv_request(rig.srv, 0)), 10);
    rig_fini(&rig);
}

static void the_simple_processor_sends_each_span(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.simple = true;
    rig_init(&rig);
    srv_push_answer(rig.srv, 503, "", "", 0);
    rig_spans(&rig, 3);
    assert_int_equal(srv_count(rig.srv), 4); /* the first one twice */
    assert_int_equal(srv_connections(rig.srv), 1);
    assert_int_equal(rig_stats(&rig).exported, 3);
    rig_fini(&rig);
}

static void a_peer_that_resets_raises_no_signal(void **state)
{
    struct srv_step reset = {.then = SRV_RESET, .after_head = true};
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.simple = true; /* sends on this thread, where SIGPIPE would kill the test */
    rig_init(&rig);
    for (int i = 0; i < 5; i++)
        srv_push(rig.srv, &reset);
    rig_spans(&rig, 2);
    assert_int_equal(rig_stats(&rig).exported, 2);
    rig_fini(&rig);
}

#ifndef __SANITIZE_THREAD__ /* which does not follow a fork of a threaded process */
static void a_forked_child_exports_on_its_own(void **state)
{
    struct rig rig;
    int status = -1;
    pid_t child;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    assert_int_equal(rig_send(&rig, 2), OTEL_OK);
    rig_spans(&rig, 5); /* queued in the parent: not the child's business */
    child = fork();
    if (child == 0) {
        enum otel_err err = rig_send(&rig, 3);
        struct otel_sdk_processor_stats stats = rig_stats(&rig);
        _exit(err == OTEL_OK && stats.exported == 3 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 3);
    assert_int_equal(rig_span_count(srv_request(rig.srv, 1)), 3);
    assert_int_equal(rig_span_count(srv_request(rig.srv, 2)), 6);
    assert_int_equal(srv_request(rig.srv, 2)->connection, 0); /* the parent kept its connection */
    assert_int_equal(srv_request(rig.srv, 1)->connection, 1);
    rig_fini(&rig);
}
#endif

static void the_exporter_does_not_trace_itself(void **state)
{
    struct rig rig;
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    otel_tracer_provider_set_global(otel_sdk_provider_api(rig.provider));
    for (int i = 0; i < 5; i++)
        assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    otel_sdk_provider_stats(rig.provider, &stats);
    assert_int_equal(stats.started, 5);
    otel_tracer_provider_set_global(NULL);
    rig_fini(&rig);
}

static void *produce(void *argument)
{
    for (int i = 0; i < 50; i++) {
        rig_spans(argument, 40);
        (void)rig_otlp(argument); /* counters may be read at any time */
        (void)rig_stats(argument);
    }
    return NULL;
}

static void producers_and_exporter_share_without_races(void **state)
{
    struct rig rig;
    pthread_t threads[4];
    struct otel_sdk_processor_stats stats;
    int received = 0;

    (void)state;
    rig_defaults(&rig);
    rig.batch.max_queue_size = 16384;
    rig.batch.schedule_delay_millis = 1;
    rig_init(&rig);
    srv_push_answer(rig.srv, 503, "", "", 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &rig), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_OK);
    stats = rig_stats(&rig);
    assert_int_equal(stats.exported, 8000);
    assert_int_equal(rig_otlp(&rig).spans_delivered, 8000);
    for (unsigned i = 0; i < srv_count(rig.srv); i++)
        received += rig_span_count(srv_request(rig.srv, i));
    assert_true(srv_count(rig.srv) == 64 /* the record is full */ || received >= 8000);
    rig_fini(&rig);
}

/* Whatever allocation fails, every span is on the books and the next export works. */
static void failing_allocation_keeps_the_books(void **state)
{
    (void)state;
    for (unsigned long n = 1; n <= 40; n++) {
        struct otel_sdk_stats all = {.struct_size = sizeof(all)};
        struct otel_sdk_processor_stats stats;
        uint64_t dropped = 0, told = 0;
        unsigned sends;
        struct rig rig;

        rig_defaults(&rig);
        rig.otlp.compression = n % 2 ? OTEL_SDK_COMPRESSION_GZIP : OTEL_SDK_COMPRESSION_NONE;
        rig.otlp.timeout_millis = 200;
        rig_init(&rig);
        otl_mem_fail_at(n);
        (void)rig_send(&rig, 5);
        otl_mem_fail_at(0);
        for (sends = 1; rig_send(&rig, 1) != OTEL_OK; sends++)
            assert_in_range(sends, 1, 100); /* where 200 ms are too short */
        otel_sdk_provider_stats(rig.provider, &all);
        stats = rig_stats(&rig);
        for (int reason = 0; reason < OTEL_SDK_DROP_COUNT; reason++) {
            dropped += stats.dropped[reason];
            told += rig.dropped[reason];
        }
        assert_int_equal(stats.received, stats.exported + dropped);
        assert_int_equal(told, dropped + all.no_memory);
        assert_int_equal(all.started, 5 + sends);
        assert_true(stats.exported >= 1); /* the last one */
        assert_true(rig_otlp(&rig).exports <= stats.batches); /* less where start failed */
        rig_fini(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_ends_as_a_timeout),
        cmocka_unit_test(shutdown_is_bounded_though_nobody_answers),
        cmocka_unit_test(shutdown_sends_what_is_queued),
        cmocka_unit_test(the_simple_processor_sends_each_span),
        cmocka_unit_test(a_peer_that_resets_raises_no_signal),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(a_forked_child_exports_on_its_own),
#endif
        cmocka_unit_test(the_exporter_does_not_trace_itself),
        cmocka_unit_test(failing_allocation_keeps_the_books),
        cmocka_unit_test(producers_and_exporter_share_without_races),
    };

    return cmocka_run_group_tests_name("otlp_life", tests, NULL, NULL);
}
