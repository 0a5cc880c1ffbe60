/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen threads end spans while the real exporters send them to a server in this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "sdk/exporter/tests/rig.h"
#include "sdk/transport/tests/grpc_thread.h"

enum { THREADS = 16, ROUNDS = 5, SPANS = 40, ALL = THREADS * ROUNDS * SPANS };

static void *produce(void *argument)
{
    struct rig *rig = argument;

    for (int i = 0; i < ROUNDS; i++) {
        rig_spans(rig, SPANS);
        (void)rig_otlp(rig); /* counters may be read at any time */
        (void)rig_stats(rig);
        if (i == ROUNDS / 2)
            (void)otel_sdk_provider_force_flush(rig->provider, 60000);
    }
    return NULL;
}

/* A queue for all of them, batches small enough that exports go on all the while. */
static void prepare(struct rig *rig)
{
    rig_defaults(rig);
    rig->batch.max_queue_size = 1 << 13;
    rig->batch.max_export_batch_size = 64;
    rig->batch.schedule_delay_millis = 1;
    rig->otlp.timeout_millis = 120000;
}

static void run(struct rig *rig)
{
    pthread_t threads[THREADS];
    struct otel_sdk_processor_stats stats;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, produce, rig), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(otel_sdk_provider_shutdown(rig->provider, 120000), OTEL_OK);
    stats = rig_stats(rig);
    assert_int_equal(stats.received, ALL);
    assert_int_equal(stats.exported, ALL);
}

static int received_over_http(struct rig *rig)
{
    int count = 0;

    for (unsigned i = 0; i < srv_count(rig->srv); i++)
        count += rig_span_count(srv_request(rig->srv, i));
    return count;
}

/* The first request is refused once: its spans arrive twice. */
static void every_span_arrives_over_http(void **state)
{
    int refused;
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 503, "", "", 0);
    run(&rig);
    assert_int_equal(rig_otlp(&rig).spans_delivered, ALL);
    assert_int_equal(rig_otlp(&rig).retries, 1);
    refused = rig_span_count(srv_request(rig.srv, 0));
    if (srv_count(rig.srv) < 64) /* the record is not full */
        assert_int_equal(received_over_http(&rig), ALL + refused);
    rig_fini(&rig);
}

static void every_span_arrives_over_grpc(void **state)
{
    struct otel_sdk_otlp_stats stats;
    struct gsrv_thread server;
    struct rig rig;

    (void)state;
    gsrv_thread_start(&server);
    prepare(&rig);
    snprintf(rig.endpoint, sizeof(rig.endpoint), "http://127.0.0.1:%u", (unsigned)server.port);
    rig.otlp.endpoint = otel_str(rig.endpoint);
    rig.otlp.protocol = OTEL_SDK_OTLP_GRPC;
    rig_init(&rig);
    run(&rig);
    stats = rig_otlp(&rig);
    rig_fini(&rig);
    gsrv_thread_stop(&server);
    assert_int_equal(stats.spans_delivered, ALL);
    assert_int_equal(gsrv_connections(server.srv), 1);
    assert_int_equal(gsrv_calls(server.srv), stats.exports);
    /* five bytes in front of each message */
    assert_int_equal(gsrv_data_bytes(server.srv), stats.bytes_encoded + 5 * stats.exports);
    gsrv_thread_fini(&server);
}

/* Four connections of one processor. */
static void exports_that_run_at_once_share_nothing(void **state)
{
    enum { MORE = 3 };
    struct otel_sdk_exporter *more[MORE];
    struct otel_sdk_otlp_stats stats;
    uint64_t delivered;
    struct rig rig;

    (void)state;
    prepare(&rig);
    for (int i = 0; i < MORE; i++)
        assert_int_equal(otel_sdk_otlp_new(&rig.otlp, &more[i]), OTEL_OK);
    rig.batch.more_exporters = more;
    rig.batch.more_exporter_count = MORE;
    rig_init(&rig);
    run(&rig);
    delivered = rig_otlp(&rig).spans_delivered;
    for (int i = 0; i < MORE; i++) {
        otel_sdk_otlp_stats(more[i], &stats);
        delivered += stats.spans_delivered;
    }
    assert_int_equal(delivered, ALL);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_span_arrives_over_http),
        cmocka_unit_test(every_span_arrives_over_grpc),
        cmocka_unit_test(exports_that_run_at_once_share_nothing),
    };

    return cmocka_run_group_tests_name("exporter_threads", tests, NULL, NULL);
}
