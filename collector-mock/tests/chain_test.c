/* SPDX-License-Identifier: Apache-2.0 */
/* One collector sends to the next: what arrives there, and what is said of what does not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/pair.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/clock.h"

/* All official requests, one after the other: the far one has them byte for byte. */
static void arrives_untouched(const char *type, const char *more)
{
    static const char *const names[] = {"full", "extremes", "groups", "minimal"};
    struct otl_buf official, got[BODIES];
    double spans = 0;

    pair_start(type, more);
    for (size_t i = 0; i < 4; i++) {
        uint64_t count;
        rig_official(names[i], &official);
        assert_int_equal(col_traces_check(otl_view(official.data, official.len), &count, NULL),
                         OTEL_OK);
        spans += (double)count;
        assert_int_equal(pair_post(otl_view(official.data, official.len)), 200);
        pair_until("otelcol_exporter_sent_spans_total", type, spans);
        otl_buf_fini(&official);
    }
    assert_true(pair_metric("otelcol_exporter_sent_spans_total", type, "") <= spans);
    assert_int_equal(rig_stop(&pair_near), 0);
    assert_int_equal(pair_arrived(got, NULL), 4);
    for (size_t i = 0; i < 4; i++) {
        rig_official(names[i], &official);
        assert_int_equal(got[i].len, official.len);
        assert_memory_equal(got[i].data, official.data, official.len);
        otl_buf_fini(&official);
        otl_buf_fini(&got[i]);
    }
}

static void spans_arrive_byte_for_byte_over_http(void **state)
{
    (void)state;
    arrives_untouched("otlphttp", "compression: none");
}

static void spans_arrive_byte_for_byte_in_gzip_over_http(void **state)
{
    (void)state;
    arrives_untouched("otlphttp", "timeout: 20s");
}

/* As it is on the wire, they are fewer bytes there. */
static void spans_arrive_byte_for_byte_however_they_are_compressed(void **state)
{
    static const struct {
        const char *type, *compression, *received;
    } rows[] = {
        {"otlphttp", "zstd", "collector_mock_http_received_bytes_total"},
        {"otlphttp", "zlib", "collector_mock_http_received_bytes_total"},
        {"otlphttp", "deflate", "collector_mock_http_received_bytes_total"},
        {"otlp", "gzip", "collector_mock_grpc_received_bytes_total"},
        {"otlp", "zstd", "collector_mock_grpc_received_bytes_total"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double plain, received;
        char more[64], series[96];

        snprintf(more, sizeof(more), "compression: %s", rows[i].compression);
        arrives_untouched(rows[i].type, more);
        snprintf(series, sizeof(series), "%s{receiver=\"otlp\"}", rows[i].received);
        received = rig_metric(&pair_far, series);
        snprintf(series, sizeof(series),
                 "collector_mock_request_bytes_total{receiver=\"otlp\",transport=\"%s\"}",
                 rows[i].type[4] == 'h' ? "http" : "grpc");
        plain = rig_metric(&pair_far, series);
        if (received <= 0 || received >= plain)
            fail_msg("%s, %s: %g bytes were received of %g", rows[i].type, rows[i].compression,
                     received, plain);
        pair_teardown(state);
        pair_setup(state);
    }
}

static void spans_arrive_byte_for_byte_over_grpc(void **state)
{
    (void)state;
    arrives_untouched("otlp", "headers: {X-Tenant: a}");
}

static void spans_arrive_in_json(void **state)
{
    (void)state;
    pair_start("otlphttp", "encoding: json");
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_sent_spans_total", "otlphttp", GROUPS);
    assert_int_equal(rig_metric(&pair_far, "otelcol_exporter_sent_spans_total{exporter=\"nop\"}"),
                     GROUPS);
    assert_int_equal(rig_stop(&pair_near), 0);
}

/* Nobody listens for a while: what was taken is sent when somebody does. */
static void outlasts(const char *type)
{
    pair_fault("\"kind\":\"refuse\"");
    pair_start(type, "retry_on_failure: {initial_interval: 20ms, max_interval: 50ms}");
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(pair_post_groups(), 200);
    pair_until("collector_mock_exporter_retries_total", type, 10);
    assert_int_equal(pair_metric("otelcol_exporter_sent_spans_total", type, ""), 0);
    assert_int_equal(pair_metric("otelcol_exporter_queue_size", type, ""), 30);
    assert_int_equal(pair_metric("otelcol_exporter_in_flight_requests", type, ""), 10);
    pair_end_fault();
    pair_until("otelcol_exporter_sent_spans_total", type, 30 * GROUPS);
    assert_int_equal(pair_metric("otelcol_exporter_queue_size", type, ""), 0);
    assert_int_equal(pair_metric("otelcol_exporter_send_failed_spans_total", type, ""), 0);
    assert_int_equal(rig_stop(&pair_near), 0);
    assert_int_equal(pair_arrived(NULL, NULL), 30);
}

static void an_outage_of_the_next_one_is_outlasted_over_http(void **state)
{
    (void)state;
    outlasts("otlphttp");
}

static void an_outage_of_the_next_one_is_outlasted_over_grpc(void **state)
{
    (void)state;
    outlasts("otlp");
}

static void a_full_queue_refuses_and_counts(void **state)
{
    const char *type = "otlphttp";

    (void)state;
    pair_fault("\"kind\":\"stall\"");
    pair_start(type, "sending_queue: {queue_size: 3, num_consumers: 1}, timeout: 0s");
    for (size_t i = 0; i < 3; i++) /* one under way and two that wait: together queue_size */
        assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(pair_post_groups(), 503);
    assert_non_null(strstr(pair_answer.data, "sending queue is full"));
    assert_int_equal(pair_post_groups(), 503);
    assert_int_equal(pair_dropped(type, "queue_full"), 2 * GROUPS);
    assert_int_equal(pair_metric("otelcol_exporter_enqueue_failed_spans_total", type, ""),
                     2 * GROUPS);
    assert_int_equal(pair_metric("otelcol_exporter_queue_size", type, ""), 3);
    assert_int_equal(pair_metric("otelcol_exporter_queue_capacity", type, ""), 3);
    assert_int_equal(pair_metric("otelcol_exporter_sent_spans_total", type, ""), 0);
    assert_int_equal(rig_metric(&pair_near, "otelcol_receiver_refused_spans_total"
                                            "{receiver=\"otlp\",transport=\"http\"}"),
                     2 * GROUPS);
    rig_kill(&pair_near);
}

static void a_queue_by_items_counts_spans(void **state)
{
    const char *type = "otlphttp";

    (void)state;
    pair_fault("\"kind\":\"stall\"");
    pair_start(type, "sending_queue: {sizer: items, queue_size: 50}, timeout: 0s");
    assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(pair_post_groups(), 503);
    assert_int_equal(pair_metric("otelcol_exporter_queue_size", type, ""), 2 * GROUPS);
    assert_int_equal(pair_dropped(type, "queue_full"), GROUPS);
    rig_kill(&pair_near);
}

static void what_is_refused_for_good_is_dropped_at_once(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"status\":400,\"count\":1");
    pair_start("otlphttp", "");
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_send_failed_spans_total", "otlphttp", GROUPS);
    assert_int_equal(pair_dropped("otlphttp", "refused"), GROUPS);
    assert_int_equal(pair_metric("collector_mock_exporter_retries_total", "otlphttp", ""), 0);
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_sent_spans_total", "otlphttp", GROUPS);
    assert_int_equal(rig_stop(&pair_near), 0);
}

/* RESOURCE_EXHAUSTED is only worth another attempt where the server says when. */
static void exhaustion_without_a_time_is_for_good(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"code\":8,\"count\":1");
    pair_start("otlp", "");
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_send_failed_spans_total", "otlp", GROUPS);
    assert_int_equal(pair_dropped("otlp", "refused"), GROUPS);
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void waits_as_told(const char *type, const char *status)
{
    uint64_t times[2] = {0, 0};

    pair_fault(status);
    pair_start(type, "retry_on_failure: {initial_interval: 1ms, max_interval: 1ms}");
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_sent_spans_total", type, GROUPS);
    assert_int_equal(pair_arrived(NULL, times), 2);
    assert_true(times[1] - times[0] >= 990 * OTL_NS_PER_MS);
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    waits_as_told("otlphttp",
                  "\"kind\":\"status\",\"status\":503,\"retry_after\":\"1s\",\"count\":1");
}

static void retry_info_is_waited_for(void **state)
{
    (void)state;
    waits_as_told("otlp", "\"kind\":\"status\",\"code\":8,\"retry_after\":\"1s\",\"count\":1");
}

static void attempts_end_at_max_elapsed_time(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"status\":503");
    pair_start("otlphttp", "retry_on_failure: {initial_interval: 10ms, max_interval: 20ms, "
                           "max_elapsed_time: 200ms}");
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_send_failed_spans_total", "otlphttp", GROUPS);
    assert_int_equal(pair_dropped("otlphttp", "retries_exhausted"), GROUPS);
    assert_true(pair_arrived(NULL, NULL) >= 1); /* a slow machine gets no further in that time */
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void without_retry_one_attempt_is_made(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"status\":503");
    pair_start("otlphttp", "retry_on_failure: {enabled: false}");
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_send_failed_spans_total", "otlphttp", GROUPS);
    assert_int_equal(pair_dropped("otlphttp", "retries_turned_off"), GROUPS);
    assert_int_equal(pair_arrived(NULL, NULL), 1);
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void a_partial_success_is_counted_and_not_repeated(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"partial_success\",\"rejected\":5");
    pair_start("otlphttp", "");
    assert_int_equal(pair_post_groups(), 200);
    pair_until("otelcol_exporter_sent_spans_total", "otlphttp", GROUPS);
    assert_int_equal(pair_metric("collector_mock_exporter_rejected_spans_total", "otlphttp", ""),
                     5);
    assert_int_equal(rig_stop(&pair_near), 0);
    assert_int_equal(pair_arrived(NULL, NULL), 1);
}

static void what_is_queued_is_sent_before_the_end(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"delay\",\"delay\":\"5ms\"");
    pair_start("otlphttp", "sending_queue: {num_consumers: 2}");
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(rig_stop(&pair_near), 0);
    assert_int_equal(pair_arrived(NULL, NULL), 50);
}

/* Not what /metrics said when it was asked last: what was sent on the way out is in it. */
static void the_last_metrics_are_those_of_the_end(void **state)
{
    struct otl_buf text;
    char path[128];

    (void)state;
    pair_fault("\"kind\":\"stall\"");
    pair_start("otlphttp", "sending_queue: {queue_size: 3, num_consumers: 1}");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(pair_post_groups(), 503);
    assert_int_equal(pair_metric("otelcol_exporter_sent_spans_total", "otlphttp", ""), 0);
    pair_end_fault();
    assert_int_equal(rig_stop(&pair_near), 0);
    snprintf(path, sizeof(path), "%s/last.prom", pair_near.dir);
    rig_read(path, &text);
    assert_non_null(strstr(text.data, "otelcol_exporter_queue_size{exporter=\"otlphttp\","
                                      "data_type=\"traces\"} 0\n"));
    assert_non_null(strstr(text.data, "otelcol_exporter_enqueue_failed_spans_total"
                                      "{exporter=\"otlphttp\"} 24\n"));
    assert_null(strstr(text.data, "otelcol_exporter_sent_spans_total{exporter=\"otlphttp\"} 0\n"));
    otl_buf_fini(&text);
}

static void what_waits_for_another_attempt_ends_with_the_program(void **state)
{
    struct otl_buf log;

    (void)state;
    pair_fault("\"kind\":\"status\",\"status\":503");
    pair_start("otlphttp", "");
    assert_int_equal(pair_post_groups(), 200);
    rig_metric_until(&pair_far, "collector_mock_fault_requests_total{fault=\"status\"}", 1);
    assert_int_equal(rig_stop(&pair_near), 0); /* within its time: the wait is 2.5 s or more */
    rig_read(pair_near.log, &log);
    assert_non_null(strstr(log.data, "24 spans lost: shutdown"));
    otl_buf_fini(&log);
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *exporter, *text;
    } rows[] = {
        {"otlp: {}", "requires a non-empty \"endpoint\""},
        {"otlp: {endpoint: 'localhost', tls: {insecure: true}}", "names no port"},
        {"otlphttp: {}", "at least one endpoint must be specified"},
        {"otlphttp: {endpoint: 'ftp://x'}", ":2:"},
        {"otlphttp: {endpoint: 'http://x', sending_queue: {queue_size: 0}}", "queue_size"},
        {"otlphttp: {endpoint: 'http://x', sending_queue: {num_consumers: 0}}", "num_consumers"},
        {"otlphttp: {endpoint: 'http://x', sending_queue: {storage: file_storage}}", "'storage'"},
        {"otlphttp: {endpoint: 'http://x', retry_on_failure: {max_elapsed_time: 1s}}",
         "must not be less than 'initial_interval'"},
        {"otlphttp: {endpoint: 'http://x', retry_on_failure: {randomization_factor: 2}}",
         "randomization_factor"},
        {"otlphttp: {endpoint: 'http://x', headers: {'a b': c}}", "no header"},
        {"otlphttp: {endpoint: 'http://x', compresion: none}", "did you mean 'compression'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *arguments[] = {"--config", pair_near.config, NULL};
        struct otl_buf log;
        char text[512];
        snprintf(text, sizeof(text),
                 "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                 "exporters: {%s}\n"
                 "service: {pipelines: {traces: {receivers: [otlp], exporters: [%.*s]}}}\n",
                 rows[i].exporter, (int)strcspn(rows[i].exporter, ":"), rows[i].exporter);
        rig_config(&pair_near, text);
        unlink(pair_near.log);
        assert_int_equal(rig_run(&pair_near, arguments), 2);
        rig_read(pair_near.log, &log);
        if (strstr(log.data, rows[i].text) == NULL)
            fail_msg("%s: '%s' is not in: %s", rows[i].exporter, rows[i].text, log.data);
        otl_buf_fini(&log);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(spans_arrive_byte_for_byte_over_http),
        CASE(spans_arrive_byte_for_byte_in_gzip_over_http),
        CASE(spans_arrive_byte_for_byte_however_they_are_compressed),
        CASE(spans_arrive_byte_for_byte_over_grpc),
        CASE(spans_arrive_in_json),
        CASE(an_outage_of_the_next_one_is_outlasted_over_http),
        CASE(an_outage_of_the_next_one_is_outlasted_over_grpc),
        CASE(a_full_queue_refuses_and_counts),
        CASE(a_queue_by_items_counts_spans),
        CASE(what_is_refused_for_good_is_dropped_at_once),
        CASE(exhaustion_without_a_time_is_for_good),
        CASE(retry_after_is_waited_for),
        CASE(retry_info_is_waited_for),
        CASE(attempts_end_at_max_elapsed_time),
        CASE(without_retry_one_attempt_is_made),
        CASE(a_partial_success_is_counted_and_not_repeated),
        CASE(what_is_queued_is_sent_before_the_end),
        CASE(the_last_metrics_are_those_of_the_end),
        CASE(what_waits_for_another_attempt_ends_with_the_program),
        CASE(mistakes_are_told_with_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
