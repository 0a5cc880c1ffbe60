/* SPDX-License-Identifier: Apache-2.0 */
/* otel.sdk.processor.* and otel.sdk.exporter.*: what processors show, and what they keep account of
 * for their exporters. */
#include <stdio.h>
#include <string.h>

#include "sdk/processor/account.h"
#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"
#include "sdk/tests/shown.h"

#define COMPONENT(type, n) "{otel.component.name=" type "/" n ",otel.component.type=" type
#define BATCH(n) COMPONENT("batching_span_processor", n)
#define SIMPLE(n) COMPONENT("simple_span_processor", n)
#define OTHER(n) COMPONENT("other_span_exporter", n)
#define PROCESSED "otel.sdk.processor.span.processed"
#define EXPORTED "otel.sdk.exporter.span.exported"
#define INFLIGHT "otel.sdk.exporter.span.inflight"
#define DURATION "otel.sdk.exporter.operation.duration"

static void start_batch(struct rig *rig, struct fake *fake, enum fake_mode mode, size_t queue)
{
    struct otel_sdk_batch_options options;
    struct otel_sdk_processor *processor = NULL;

    fake_init(fake, mode);
    rig_init(rig);
    otel_sdk_batch_options_init(&options);
    options.max_queue_size = queue;
    options.max_export_batch_size = queue; /* only flush and shutdown export */
    options.schedule_delay_millis = 3600 * 1000;
    assert_int_equal(otel_sdk_batch_new(&options, &fake->exporter, &processor), OTEL_OK);
    rig_start_with(rig, processor);
}

static void spans(struct rig *rig, int count)
{
    while (count-- > 0)
        one_span(rig, "s");
}

static void *flush(void *rig)
{
    (void)otel_sdk_provider_force_flush(((struct rig *)rig)->provider, 60000);
    return NULL;
}

/* count spans are with an exporter that keeps them; a thread waits for their flush. */
static pthread_t hand_over(struct rig *rig, struct fake *fake, size_t count)
{
    size_t before = fake_spans(fake);
    pthread_t flusher;

    spans(rig, (int)count);
    assert_int_equal(pthread_create(&flusher, NULL, flush, rig), 0);
    assert_true(fake_wait_spans(fake, before + count));
    return flusher;
}

static void over(struct rig *rig, struct fake *fake)
{
    rig_fini(rig);
    fake_fini(fake);
}

static void a_full_queue_is_shown_as_it_fills_and_drops(void **state)
{
    struct otel_span *late;
    struct shown shown;
    pthread_t flusher;
    struct fake fake;
    struct rig rig;

    (void)state;
    start_batch(&rig, &fake, FAKE_BLOCK, 8);
    late = otel_span_start(rig.tracer, "late", NULL);
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, "otel.sdk.processor.span.queue.capacity" BATCH(
                                              "0") "} updowncounter {span}"),
                     8);
    assert_int_equal(shown_sum(&shown, PROCESSED "{"), 0);
    assert_int_equal(shown_lines(&shown, DURATION "{"), 0); /* none has ended */
    flusher = hand_over(&rig, &fake, 4);
    spans(&rig, 8 + 3);
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, "otel.sdk.processor.span.queue.size" BATCH(
                                              "0") "} updowncounter {span}"),
                     8);
    assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") "} counter {span}"), 4);
    assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") ",error.type=queue_full}"), 3);
    assert_int_equal(shown_number(&shown, INFLIGHT OTHER("0") "} updowncounter {span}"), 4);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") "} counter {span}"), 0);
    fake_release(&fake);
    pthread_join(flusher, NULL);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_OK);
    otel_span_finish(late);
    shown = show(rig.provider);
    assert_int_equal(shown_sum(&shown, "otel.sdk.processor.span.queue.size{"), 0);
    assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") "}"), 12);
    assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") ",error.type=already_shutdown}"), 1);
    assert_int_equal(shown_sum(&shown, PROCESSED "{"), rig_stats(&rig).total.received);
    assert_int_equal(shown_number(&shown, INFLIGHT OTHER("0") "}"), 0);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") "}"), 12);
    assert_int_equal(shown_number(&shown, DURATION OTHER("0") "} histogram s"), 2);
    assert_int_equal(shown_lines(&shown, EXPORTED "{"), 1); /* no failure that never was */
    over(&rig, &fake);
}

/* What is shown as failed is what was dropped under these reasons. */
static void balance(struct rig *rig, const struct shown *shown)
{
    struct otel_sdk_processor_stats total = rig_stats(rig).total;
    int64_t all = shown_sum(shown, EXPORTED "{");

    assert_int_equal(
        all - (int64_t)total.exported + shown_sum(shown, PROCESSED BATCH("0") ",err"),
        total.dropped[OTEL_SDK_DROP_EXPORT_FAILED] + total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT] +
            total.dropped[OTEL_SDK_DROP_REJECTED] + total.dropped[OTEL_SDK_DROP_QUEUE_FULL] +
            total.dropped[OTEL_SDK_DROP_AFTER_SHUTDOWN]);
    assert_int_equal(shown_number(shown, PROCESSED BATCH("0") "}"),
                     all + shown_sum(shown, INFLIGHT "{"));
}

static void failures_of_an_exporter_are_told_apart(void **state)
{
    struct shown shown;
    pthread_t flusher;
    struct fake fake;
    struct rig rig;

    (void)state;
    start_batch(&rig, &fake, FAKE_OK, 64);
    fake.failing_starts = 1; /* the first batch never reaches it */
    spans(&rig, 2);
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 60000), OTEL_ERR_IO);
    spans(&rig, 3);
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 60000), OTEL_OK);
    fake_set_mode(&fake, FAKE_FAIL);
    spans(&rig, 1);
    assert_int_not_equal(otel_sdk_provider_force_flush(rig.provider, 60000), OTEL_OK);
    fake_set_mode(&fake, FAKE_REJECT);
    fake.reject = 3;
    spans(&rig, 4);
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 60000), OTEL_OK);
    spans(&rig, 2); /* all of it */
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 60000), OTEL_OK);
    fake_set_mode(&fake, FAKE_HANG);
    flusher = hand_over(&rig, &fake, 4);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 50), OTEL_ERR_TIMEOUT);
    pthread_join(flusher, NULL);
    assert_true(fake_wait_shutdown(&fake)); /* by a worker that may still be counting */
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") "}"), 16); /* whatever became */
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") "}"), 3 + 1);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") ",error.type=io}"), 2);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") ",error.type=refused}"), 1);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") ",error.type=rejected}"), 3 + 2);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") ",error.type=timeout}"), 4);
    assert_int_equal(shown_number(&shown, DURATION OTHER("0") "}"), 1);
    assert_int_equal(shown_number(&shown, DURATION OTHER("0") ",error.type=rejected}"), 2);
    assert_int_equal(shown_number(&shown, DURATION OTHER("0") ",error.type=timeout}"), 1);
    assert_int_equal(shown_sum(&shown, DURATION "{"), rig_stats(&rig).total.batches);
    balance(&rig, &shown);
    over(&rig, &fake);
}

/* The exporter gives up when it is told to, or hears nothing. */
static void stop_without_time(enum fake_mode mode)
{
    struct shown shown;
    pthread_t flusher;
    struct fake fake;
    struct rig rig;

    start_batch(&rig, &fake, mode, 64);
    flusher = hand_over(&rig, &fake, 4);
    spans(&rig, 6);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 50), OTEL_ERR_TIMEOUT);
    if (mode == FAKE_HANG)
        assert_true(fake_wait_shutdown(&fake)); /* by a worker that may still be counting */
    for (int again = 0; again < 2; again++) { /* it comes back, and counts nothing twice */
        shown = show(rig.provider);
        assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") "}"), 4);
        assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") ",error.type=export_timeout}"),
                         6);
        assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") ",error.type=timeout}"), 4);
        assert_int_equal(shown_sum(&shown, INFLIGHT "{"), 0);
        balance(&rig, &shown);
        fake_release(&fake);
        assert_true(fake_wait_shutdown(&fake));
    }
    pthread_join(flusher, NULL);
    over(&rig, &fake);
}

static void what_a_shutdown_had_no_time_for_was_not_exported(void **state)
{
    (void)state;
    stop_without_time(FAKE_BLOCK);
    stop_without_time(FAKE_HANG);
}

struct ended_inside {
    struct rig *rig;
    struct otel_span *span;
};

static void end_inside(void *arg)
{
    struct ended_inside *inside = arg;

    otel_span_finish(inside->span);
    inside->span = NULL;
}

static void the_simple_processor_shows_what_it_did(void **state)
{
    struct otel_sdk_processor *processor = NULL;
    struct ended_inside inside;
    struct otel_span *late;
    struct shown shown;
    struct fake fake;
    struct rig rig;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    assert_int_equal(otel_sdk_simple_new(NULL, &fake.exporter, &processor), OTEL_OK);
    rig_start_with(&rig, processor);
    late = otel_span_start(rig.tracer, "late", NULL);
    inside.span = otel_span_start(rig.tracer, "ended by the exporter", NULL);
    fake.on_export = end_inside;
    fake.on_export_arg = &inside;
    one_span(&rig, "s");
    fake.on_export = NULL;
    fake_set_mode(&fake, FAKE_FAIL);
    one_span(&rig, "s");
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_OK);
    otel_span_finish(late);
    shown = show(rig.provider);
    assert_int_equal(shown_lines(&shown, "otel.sdk.processor.span.queue."), 0); /* it has none */
    assert_int_equal(shown_number(&shown, PROCESSED SIMPLE("0") "}"), 2);
    assert_int_equal(shown_number(&shown, PROCESSED SIMPLE("0") ",error.type=export_failed}"), 1);
    assert_int_equal(shown_number(&shown, PROCESSED SIMPLE("0") ",error.type=already_shutdown}"),
                     1);
    assert_int_equal(shown_sum(&shown, PROCESSED "{"), rig_stats(&rig).total.received);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") "}"), 1);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") ",error.type=refused}"), 1);
    assert_int_equal(shown_sum(&shown, DURATION "{"), 2);
    over(&rig, &fake);
}

static void components_are_numbered_by_type(void **state)
{
    struct otel_sdk_exporter *more[2] = {NULL, NULL}, *memory = NULL;
    struct otel_sdk_batch_options options;
    struct otel_sdk_processor *processor = NULL;
    struct shown shown;
    struct fake fake;
    struct rig rig;

    (void)state;
    start_batch(&rig, &fake, FAKE_OK, 8);
    assert_int_equal(otel_sdk_memory_new(100, &rig.memory), OTEL_OK);
    assert_int_equal(otel_sdk_memory_exporter_new(rig.memory, &memory), OTEL_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(otel_sdk_memory_exporter_new(rig.memory, &more[i]), OTEL_OK);
    otel_sdk_batch_options_init(&options);
    options.more_exporters = more;
    options.more_exporter_count = 2;
    assert_int_equal(otel_sdk_batch_new(&options, memory, &processor), OTEL_OK);
    assert_int_equal(otel_sdk_provider_add_processor(rig.provider, processor), OTEL_OK);
    assert_int_equal(otel_sdk_memory_exporter_new(rig.memory, &memory), OTEL_OK);
    assert_int_equal(otel_sdk_simple_new(NULL, memory, &processor), OTEL_OK);
    assert_int_equal(otel_sdk_provider_add_processor(rig.provider, processor), OTEL_OK);
    spans(&rig, 3);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_OK);
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, PROCESSED BATCH("0") "}"), 3);
    assert_int_equal(shown_number(&shown, PROCESSED BATCH("1") "}"), 3);
    assert_int_equal(shown_number(&shown, PROCESSED SIMPLE("0") "}"), 3);
    assert_int_equal(shown_number(&shown, EXPORTED OTHER("0") "}"), 3);
    assert_int_equal(shown_lines(&shown, EXPORTED "{"), 5);
    assert_int_equal(shown_sum(&shown, EXPORTED COMPONENT("memory_span_exporter", "0")) +
                         shown_sum(&shown, EXPORTED COMPONENT("memory_span_exporter", "1")) +
                         shown_sum(&shown, EXPORTED COMPONENT("memory_span_exporter", "2")),
                     3); /* three exporters of one processor: a batch has one of them */
    assert_int_equal(shown_number(&shown, EXPORTED COMPONENT("memory_span_exporter", "3") "}"), 3);
    over(&rig, &fake);
}

/* --- an account by itself --- */

struct sunk {
    struct otel_sdk_metric_sink sink;
    struct shown shown;
};

static void sink_put(struct otel_sdk_metric_sink *sink, const struct otel_sdk_metric *metric)
{
    shown_put(&((struct sunk *)sink)->shown, metric);
}

static unsigned sink_next(struct otel_sdk_metric_sink *sink, const char *type)
{
    (void)sink, (void)type;
    return 7;
}

static void describe(const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_exporter_description *ret)
{
    (void)exporter;
    ret->type = "com.example.Exporter";
    ret->server_address = "example.com";
    ret->server_port = 443;
}

static void settle(struct otl_account *account, unsigned http_status, enum otel_err err)
{
    struct otel_sdk_export_result result = {.err = err, .http_status = http_status};

    otl_account_hand(account, 1);
    (void)otl_account_settle(account, &result);
}

static void different_ends_are_bounded(void **state)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .describe = describe};
    struct otel_sdk_exporter exporter = {&ops};
    struct sunk sunk = {.sink = {sink_put, sink_next}};
    struct otl_account account;

    (void)state;
    otl_account_init(&account);
    for (unsigned status = 400; status < 500; status++)
        settle(&account, status, OTEL_ERR_REFUSED);
    settle(&account, 400, OTEL_ERR_REFUSED); /* known, still told apart */
    settle(&account, 200, OTEL_OK);          /* too late for a place of its own */
    otl_account_put(&account, &exporter, &sunk.sink);
    otl_account_fini(&account);
#define EXAMPLE COMPONENT("com.example.Exporter", "7") ",server.address=example.com,server.port=443"
    assert_int_equal(shown_number(&sunk.shown, EXPORTED EXAMPLE "}"), 1);
    assert_int_equal(shown_number(&sunk.shown, EXPORTED EXAMPLE ",error.type=400}"), 2);
    assert_int_equal(shown_number(&sunk.shown, EXPORTED EXAMPLE ",error.type=413}"), 1);
    assert_int_equal(shown_number(&sunk.shown, EXPORTED EXAMPLE ",error.type=_OTHER}"), 100 - 14);
    assert_int_equal(shown_number(&sunk.shown, DURATION EXAMPLE
                                  ",error.type=400,http.response.status_code=400}"),
                     2);
    assert_int_equal(shown_number(&sunk.shown, DURATION EXAMPLE "}"), 1);
    assert_int_equal(shown_sum(&sunk.shown, EXPORTED "{"), 102);
    assert_int_equal(shown_sum(&sunk.shown, DURATION "{"), 102);
}

static void ends_of_one_error_type_are_one_series(void **state)
{
    static const struct otel_sdk_exporter_ops older = {
        .struct_size = offsetof(struct otel_sdk_exporter_ops, describe), .describe = describe};
    struct otel_sdk_exporter exporter = {&older};
    struct sunk sunk = {.sink = {sink_put, sink_next}};
    struct otel_sdk_export_result one = {.err = OTEL_ERR_IO, .error_type = "full"};
    struct otel_sdk_export_result other = {.err = OTEL_ERR_LIMIT, .error_type = "full"};
    struct otel_sdk_export_result rpc = {.err = OTEL_ERR_REFUSED, .rpc_status = "INTERNAL"};
    struct otl_account account;

    (void)state;
    otl_account_init(&account);
    otl_account_hand(&account, 2);
    assert_int_equal(otl_account_settle(&account, &one), 2);
    otl_account_hand(&account, 3);
    assert_int_equal(otl_account_settle(&account, &other), 3);
    otl_account_hand(&account, 4);
    assert_int_equal(otl_account_settle(&account, &rpc), 4);
    otl_account_put(&account, &exporter, &sunk.sink);
    otl_account_fini(&account);
    /* an older header's operations end before describe */
    assert_int_equal(shown_number(&sunk.shown, EXPORTED OTHER("7") ",error.type=full}"), 5);
    assert_int_equal(shown_number(&sunk.shown, EXPORTED OTHER("7") ",error.type=INTERNAL}"), 4);
    assert_int_equal(
        shown_number(&sunk.shown,
                     DURATION OTHER("7") ",error.type=INTERNAL,rpc.status_code=INTERNAL}"),
        1);
}

static void start_another(void *arg, const struct otel_sdk_metric *metric)
{
    (void)metric;
    one_span(arg, "while it is shown");
}

static void who_is_shown_them_may_use_the_sdk(void **state)
{
    struct shown shown;
    struct fake fake;
    struct rig rig;

    (void)state;
    start_batch(&rig, &fake, FAKE_OK, 64);
    otel_sdk_provider_metrics(rig.provider, start_another, &rig);
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 60000), OTEL_OK);
    shown = show(rig.provider);
    assert_true(shown_sum(&shown, EXPORTED "{") > 15);
    assert_int_equal(shown_sum(&shown, EXPORTED "{"), shown_sum(&shown, "otel.sdk.span.started{"));
    over(&rig, &fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_is_shown_as_it_fills_and_drops),
        cmocka_unit_test(failures_of_an_exporter_are_told_apart),
        cmocka_unit_test(what_a_shutdown_had_no_time_for_was_not_exported),
        cmocka_unit_test(the_simple_processor_shows_what_it_did),
        cmocka_unit_test(components_are_numbered_by_type),
        cmocka_unit_test(different_ends_are_bounded),
        cmocka_unit_test(ends_of_one_error_type_are_one_series),
        cmocka_unit_test(who_is_shown_them_may_use_the_sdk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
