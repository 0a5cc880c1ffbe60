/* SPDX-License-Identifier: Apache-2.0 */
/* The sending_queue from outside: who waits, for what, how it ends; what goes out together. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/pair.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/clock.h"

static const char type[] = "otlphttp";
static const char stall[] = "\"kind\":\"stall\"";
static const char blocking[] = "sending_queue: {queue_size: 1, num_consumers: 1, "
                               "block_on_overflow: true}, timeout: 0s, "
                               "retry_on_failure: {initial_interval: 10ms, max_interval: 10ms}";

/* Begin a request of GROUPS spans to near; its connection. */
static int begin(void)
{
    int fd = rig_connect(rig_port(&pair_near, "otlp/http"));

    rig_begin(fd, "application/x-protobuf", "", otl_view(pair_body.data, pair_body.len));
    return fd;
}

static bool is_answered(int fd)
{
    return poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0) == 1;
}

static unsigned finish(int fd)
{
    unsigned status = rig_answer(fd, &pair_answer);

    close(fd);
    return status;
}

static void until_blocked(double requests)
{
    pair_until("collector_mock_exporter_blocked_requests", type, requests);
}

static void until_dropped(const char *reason, double spans)
{
    char series[128];

    snprintf(series, sizeof(series),
             "collector_mock_exporter_dropped_spans_total{exporter=\"%s\",reason=\"%s\"}", type,
             reason);
    rig_metric_until(&pair_near, series, spans);
}

static double received(const char *what)
{
    char series[128];

    snprintf(series, sizeof(series),
             "otelcol_receiver_%s_spans_total{receiver=\"otlp\",transport=\"http\"}", what);
    return rig_metric(&pair_near, series);
}

static void a_client_waits_for_room(void **state)
{
    int first, second;

    (void)state;
    pair_fault(stall);
    pair_start(type, blocking);
    assert_int_equal(pair_post_groups(), 200);
    first = begin();
    second = begin();
    until_blocked(2);
    assert_false(is_answered(first) || is_answered(second));
    assert_int_equal(pair_metric("otelcol_exporter_queue_size", type, ""), 1);
    assert_int_equal(received("accepted"), GROUPS); /* the others are not decided */
    pair_end_fault();
    assert_int_equal(finish(first), 200);
    assert_int_equal(finish(second), 200);
    pair_until("otelcol_exporter_sent_spans_total", type, 3 * GROUPS);
    assert_int_equal(received("accepted"), 3 * GROUPS);
    assert_int_equal(received("refused"), 0);
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void who_goes_away_frees_its_place(void **state)
{
    int first, second;

    (void)state;
    pair_fault(stall);
    pair_start(type, blocking);
    assert_int_equal(pair_post_groups(), 200);
    first = begin();
    until_blocked(1);
    second = begin();
    until_blocked(2);
    close(first);
    until_dropped("cancelled", GROUPS);
    assert_int_equal(pair_metric("collector_mock_exporter_blocked_requests", type, ""), 1);
    assert_int_equal(pair_metric("otelcol_exporter_enqueue_failed_spans_total", type, ""), GROUPS);
    assert_int_equal(received("refused"), GROUPS);
    pair_end_fault();
    assert_int_equal(finish(second), 200);
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void a_deadline_over_grpc_ends_the_wait(void **state)
{
    struct ask ask = {.timeout = "100m"};
    struct otl_buf framed;
    struct client client;
    struct call *call;

    (void)state;
    pair_fault(stall);
    pair_start(type, blocking);
    assert_int_equal(pair_post_groups(), 200);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(pair_body.data, pair_body.len));
    ask.body = framed.data;
    ask.len = framed.len;
    client_open(&client, rig_connect(rig_port(&pair_near, "otlp/grpc")), NULL, NULL);
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_true(call->code == 4 || call->code == 14); /* before it came to wait, or after */
    if (call->code == 14)
        assert_int_equal(pair_dropped(type, "cancelled"), GROUPS);
    assert_int_equal(pair_metric("collector_mock_exporter_blocked_requests", type, ""), 0);
    client_close(&client);
    otl_buf_fini(&framed);
    rig_kill(&pair_near);
}

static void the_end_ends_the_wait(void **state)
{
    int first;

    (void)state;
    pair_fault("\"kind\":\"status\",\"status\":503");
    pair_start(type, "sending_queue: {queue_size: 1, num_consumers: 1, block_on_overflow: true}");
    assert_int_equal(pair_post_groups(), 200);
    first = begin();
    until_blocked(1);
    assert_int_equal(kill(pair_near.pid, SIGTERM), 0);
    assert_int_equal(finish(first), 503);
    assert_int_equal(rig_wait(&pair_near), 0);
    assert_int_equal(pair_arrived(NULL, NULL), 1);
}

/* What becomes of the spans is what the client hears. */
static void tells_the_result(const char *settings)
{
    char more[256];
    int waiting;

    snprintf(more, sizeof(more), "%s, retry_on_failure: {enabled: false}", settings);
    pair_start(type, more);
    assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(pair_arrived(NULL, NULL), 1); /* before the answer, nothing waited for */
    pair_fault("\"kind\":\"status\",\"status\":400,\"count\":1");
    assert_int_equal(pair_post_groups(), 500);
    assert_non_null(strstr(pair_answer.data, "not retryable error: Permanent error: "));
    pair_fault("\"kind\":\"status\",\"status\":503,\"count\":1");
    assert_int_equal(pair_post_groups(), 503);
    assert_int_equal(pair_dropped(type, "refused"), GROUPS);
    assert_int_equal(pair_dropped(type, "retries_turned_off"), GROUPS);
    assert_int_equal(received("accepted"), GROUPS);
    assert_int_equal(received("refused"), 2 * GROUPS);
    pair_fault(stall);
    waiting = begin();
    pair_until("otelcol_exporter_in_flight_requests", type, 1);
    assert_false(is_answered(waiting));
    close(waiting);
    rig_kill(&pair_near);
}

static void who_waits_for_the_result_is_told_it(void **state)
{
    (void)state;
    tells_the_result("sending_queue: {wait_for_result: true}");
}

static void without_a_queue_the_client_is_told_the_result(void **state)
{
    (void)state;
    tells_the_result("sending_queue: {enabled: false}");
}

static void who_gives_up_ends_the_attempts(void **state)
{
    int waiting;

    (void)state;
    pair_fault("\"kind\":\"status\",\"status\":503");
    pair_start(type, "sending_queue: {enabled: false}, retry_on_failure: "
                     "{initial_interval: 100s, max_interval: 100s}");
    waiting = begin();
    rig_metric_until(&pair_far, "collector_mock_fault_requests_total{fault=\"status\"}", 1);
    close(waiting);
    until_dropped("cancelled", GROUPS);
    assert_int_equal(pair_metric("otelcol_exporter_queue_size", type, ""), 0);
    waiting = begin();
    rig_metric_until(&pair_far, "collector_mock_fault_requests_total{fault=\"status\"}", 2);
    assert_int_equal(kill(pair_near.pid, SIGTERM), 0);
    assert_int_equal(finish(waiting), 503);
    assert_int_equal(rig_wait(&pair_near), 0);
}

/* What waits is not on the stack any more when its answer is made late. */
static void an_answer_that_was_waited_for_may_be_late_too(void **state)
{
    static const char delay[] = "{\"do\":\"fault\",\"id\":1,\"kind\":\"delay\","
                                "\"delay\":\"50ms\",\"count\":1}";
    uint64_t began;

    (void)state;
    pair_start(type, "sending_queue: {enabled: false}");
    assert_int_equal(rig_stop(&pair_near), 0);
    rig_start_control(&pair_near); /* with the same configuration */
    rig_command(&pair_near, delay);
    rig_metric_until(&pair_near, "collector_mock_faults_active", 1);
    began = otl_clock_mono(otl_clock_real());
    assert_int_equal(pair_post_groups(), 200);
    assert_true(otl_clock_mono(otl_clock_real()) - began >= 49 * OTL_NS_PER_MS);
    assert_int_equal(rig_recorded(&pair_near, "\"delay_ns\":50000000"), 1);
    assert_true(rig_metric(&pair_near, "collector_mock_fault_not_held_total") == 0);
    assert_int_equal(rig_stop(&pair_near), 0);
}

/* A batch processor answers before: nobody waits for what is behind it. */
static void behind_a_batch_nobody_waits(void **state)
{
    char text[1024];

    (void)state;
    pair_fault(stall);
    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "processors: {batch: {timeout: 0s}}\n"
             "exporters: {otlphttp: {endpoint: 'http://127.0.0.1:%u', sending_queue: "
             "{wait_for_result: true}}}\n"
             "service:\n  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: "
             "[otlphttp]}}\n",
             rig_port(&pair_far, "otlp/http"));
    rig_config(&pair_near, text);
    rig_start(&pair_near, NULL);
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_in_flight_requests", type, 1);
    rig_kill(&pair_near);
}

/* ---- batches ---- */

/* The spans of each request that far has: *ret_largest in bytes. All are those of requests of
 * GROUPS spans, in their order, none lost or twice. */
static size_t spans_of_requests(uint64_t *spans, size_t max, size_t *ret_largest)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    struct col_traces sent, got;
    struct col_span expected, span;
    size_t count = 0;

    *ret_largest = 0;
    col_traces_init(&sent, otl_view(pair_body.data, pair_body.len));
    assert_int_equal(col_tap_open(pair_far.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        if (record.type != COL_TAP_REQUEST)
            continue;
        assert_true(count < max);
        spans[count] = record.spans;
        if (record.body.len > *ret_largest)
            *ret_largest = record.body.len;
        col_traces_init(&got, record.body);
        for (uint64_t i = 0; i < record.spans; i++) {
            assert_true(col_traces_next(&got, &span));
            if (!col_traces_next(&sent, &expected)) {
                col_traces_init(&sent, otl_view(pair_body.data, pair_body.len));
                assert_true(col_traces_next(&sent, &expected));
            }
            assert_true(otl_view_equal(span.raw, expected.raw));
            assert_true(otl_view_equal(span.resource->raw, expected.resource->raw));
            assert_true(otl_view_equal(span.scope->raw, expected.scope->raw));
        }
        count++;
    }
    col_tap_close(&reader);
    return count;
}

static void batches_have_their_least_and_greatest_size(void **state)
{
    static const struct {
        const char *batch;
        size_t posts, count;
        uint64_t spans[4];
    } rows[] = {
        {"{min_size: 60, flush_timeout: 1000s}", 4, 2, {72, 24}},
        {"{min_size: 50, max_size: 50, flush_timeout: 1000s}", 5, 3, {50, 50, 20}},
        {"{min_size: 0, max_size: 10, flush_timeout: 1000s}", 1, 3, {10, 10, 4}},
        {"{flush_timeout: 1ms}", 1, 1, {24}},
        {"", 1, 1, {24}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[256];
        uint64_t spans[64];
        size_t largest, count;
        void *again = NULL;
        snprintf(more, sizeof(more), "sending_queue: {num_consumers: 1, batch: %s}",
                 rows[i].batch);
        pair_start(type, more);
        for (size_t k = 0; k < rows[i].posts; k++)
            assert_int_equal(pair_post_groups(), 200);
        if (i >= 3)
            pair_until("otelcol_exporter_sent_spans_total", type, GROUPS);
        assert_int_equal(rig_stop(&pair_near), 0);
        count = spans_of_requests(spans, 64, &largest);
        assert_int_equal(count, rows[i].count);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(spans[k], rows[i].spans[k]);
        pair_teardown(&again);
        pair_setup(&again);
    }
}

static void batches_may_be_counted_in_bytes(void **state)
{
    uint64_t spans[64], all = 0;
    size_t largest, count;

    (void)state;
    pair_start(type, "sending_queue: {num_consumers: 1, sizer: bytes, queue_size: 1000000, "
                     "batch: {min_size: 1000, max_size: 1500, flush_timeout: 1000s}}");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(rig_stop(&pair_near), 0);
    count = spans_of_requests(spans, 64, &largest);
    for (size_t i = 0; i < count; i++)
        all += spans[i];
    assert_int_equal(all, 5 * GROUPS);
    assert_in_range(largest, 1000, 1500);
    assert_true(count > 1);
}

/* All of whom a part is in a batch hear what became of it: five requests are four batches, the
 * first of which, refused, has one of them and 6 spans of another, whichever came first. */
static void who_waits_hears_of_every_part(void **state)
{
    enum { REQUESTS = 5, BATCH = REQUESTS * GROUPS / 4 };
    int clients[REQUESTS], refused = 0, taken = 0;

    (void)state;
    pair_fault("\"kind\":\"status\",\"status\":400,\"count\":1");
    pair_start(type, "sending_queue: {num_consumers: 1, wait_for_result: true, batch: {min_size: "
                     "30, max_size: 30, flush_timeout: 1000s}}");
    for (int i = 0; i < REQUESTS; i++)
        clients[i] = begin();
    for (int i = 0; i < REQUESTS; i++) {
        unsigned status = finish(clients[i]);
        refused += status == 500;
        taken += status == 200;
    }
    assert_int_equal(refused, 2);
    assert_int_equal(taken, REQUESTS - 2);
    pair_until("otelcol_exporter_sent_spans_total", type, REQUESTS * GROUPS - BATCH);
    assert_int_equal(pair_dropped(type, "refused"), BATCH);
    assert_int_equal(pair_metric("otelcol_exporter_queue_size", type, ""), 0);
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *queue, *text;
    } rows[] = {
        {"{batch: {sizer: requests}}", "`batch` supports only `items` or `bytes` sizer"},
        {"{sizer: requests, batch: {min_size: 1}}", "`batch` supports only `items` or `bytes`"},
        {"{batch: {min_size: 10, max_size: 9}}", "`max_size` must be greater or equal"},
        {"{sizer: items, queue_size: 10, batch: {min_size: 11}}",
         "`min_size` must be less than or equal to `queue_size`"},
        {"{batch: {flush_timeout: 0s}}", "flush_timeout"},
        {"{batch: {flush_timout: 1s}}", "did you mean 'flush_timeout'"},
        {"{batch: {partition: {metadata_keys: [a]}}}", "'metadata_keys'"},
        {"{storage: x, wait_for_result: true}", "not supported with a persistent queue"},
        {"{storage: x}", "'storage'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *arguments[] = {"--config", pair_near.config, NULL};
        struct otl_buf log;
        char text[512];
        snprintf(text, sizeof(text),
                 "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                 "exporters: {otlphttp: {endpoint: 'http://x', sending_queue: %s}}\n"
                 "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}}\n",
                 rows[i].queue);
        rig_config(&pair_near, text);
        unlink(pair_near.log);
        assert_int_equal(rig_run(&pair_near, arguments), 2);
        rig_read(pair_near.log, &log);
        if (strstr(log.data, rows[i].text) == NULL || strstr(log.data, ".yaml:2:") == NULL)
            fail_msg("%s: '%s' is not in: %s", rows[i].queue, rows[i].text, log.data);
        otl_buf_fini(&log);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_client_waits_for_room),
        CASE(who_goes_away_frees_its_place),
        CASE(a_deadline_over_grpc_ends_the_wait),
        CASE(the_end_ends_the_wait),
        CASE(who_waits_for_the_result_is_told_it),
        CASE(without_a_queue_the_client_is_told_the_result),
        CASE(who_gives_up_ends_the_attempts),
        CASE(an_answer_that_was_waited_for_may_be_late_too),
        CASE(behind_a_batch_nobody_waits),
        CASE(batches_have_their_least_and_greatest_size),
        CASE(batches_may_be_counted_in_bytes),
        CASE(who_waits_hears_of_every_part),
        CASE(mistakes_are_told_with_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
