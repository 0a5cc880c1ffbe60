/* SPDX-License-Identifier: Apache-2.0 */
/* sending_queue, retry_on_failure and timeout of load_balancing itself, around those of its
 * backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/pair.h"

static const char type[] = "load_balancing";

/* outer: settings of load_balancing; inner: of protocol.otlp. */
static void start(const char *outer, const char *inner)
{
    char text[1500];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters:\n"
             "  load_balancing:\n"
             "    %s\n"
             "    protocol: {otlp: {tls: {insecure: true}, %s}}\n"
             "    resolver: {static: {hostnames: ['127.0.0.1:%u']}}\n"
             "service:\n"
             "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [load_balancing]},\n"
             "              metrics: {receivers: [otlp], exporters: [load_balancing]},\n"
             "              logs: {receivers: [otlp], exporters: [load_balancing]}}\n",
             outer, inner, rig_port(&pair_far, "otlp/grpc"));
    rig_config(&pair_near, text);
    rig_start(&pair_near, NULL);
}

#define NO_QUEUE "sending_queue: {enabled: false}"
#define NO_RETRY "retry_on_failure: {enabled: false}"
#define SOON "retry_on_failure: {enabled: true, initial_interval: 1ms, max_interval: 2ms}"
#define SENT "otelcol_exporter_sent_spans_total"
#define FAILED "otelcol_exporter_send_failed_spans_total"
#define RETRIES "collector_mock_exporter_retries_total"

/* The backend has no queue, so that what it is told is what the attempt comes to. */
static void what_a_backend_could_not_send_is_tried_again(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"code\":14,\"count\":3");
    start(SOON, NO_QUEUE ", " NO_RETRY);
    assert_int_equal(pair_post_groups(), 200); /* without a queue the client waits */
    assert_true(pair_metric(RETRIES, type, "") == 3);
    assert_true(pair_metric(SENT, type, "") == GROUPS);
    assert_true(pair_metric(FAILED, type, "") == 0);
    assert_int_equal(rig_stop(&pair_near), 0);
    assert_int_equal(pair_arrived(NULL, NULL), 4);
}

static void what_is_refused_for_good_is_not_tried_again(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"code\":3");
    start(SOON, NO_QUEUE ", " NO_RETRY);
    assert_int_equal(pair_post_groups(), 500);
    assert_non_null(strstr(pair_answer.data, "not retryable error"));
    assert_true(pair_metric(RETRIES, type, "") == 0);
    assert_true(pair_metric(FAILED, type, "") == GROUPS);
    assert_true(pair_dropped(type, "refused") == GROUPS);
    assert_int_equal(rig_stop(&pair_near), 0);
    assert_int_equal(pair_arrived(NULL, NULL), 1);
}

static void without_retries_the_first_answer_is_the_last(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"code\":14");
    start("retry_on_failure: {enabled: false}", NO_QUEUE ", " NO_RETRY);
    assert_int_equal(pair_post_groups(), 503);
    assert_true(pair_metric(FAILED, type, "") == GROUPS);
    assert_true(pair_metric(SENT, type, "") == 0);
    assert_true(pair_metric(RETRIES, type, "") == 0);
    assert_true(pair_dropped(type, "retries_turned_off") == GROUPS);
    assert_int_equal(rig_stop(&pair_near), 0);
}

/* Its own queue holds what the backend, which has none, cannot take now; the end sends it. */
static void a_queue_stands_before_the_ring(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"stall\"");
    start("sending_queue: {queue_size: 2, num_consumers: 1}\n    " SOON, NO_QUEUE ", " NO_RETRY);
    assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(pair_post_groups(), 503);
    assert_non_null(strstr(pair_answer.data, "sending queue is full"));
    assert_true(pair_metric("otelcol_exporter_queue_size", type, "") == 2);
    assert_true(pair_metric("otelcol_exporter_queue_capacity", type, "") == 2);
    assert_true(pair_metric("otelcol_exporter_in_flight_requests", type, "") == 1);
    assert_true(pair_metric("otelcol_exporter_enqueue_failed_spans_total", type, "") == GROUPS);
    pair_end_fault(); /* drops the connection: another attempt */
    pair_until(SENT, type, 2 * GROUPS);
    assert_true(pair_metric(RETRIES, type, "") >= 1);
    assert_int_equal(rig_stop(&pair_near), 0);
}

/* `sending_queue:` with nothing in it is one with the defaults, as there. */
static void an_empty_queue_setting_is_a_queue(void **state)
{
    (void)state;
    start("sending_queue:", "timeout: 5s");
    assert_true(pair_metric("otelcol_exporter_queue_capacity", type, "") == 1000);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pair_post_groups(), 200);
    assert_int_equal(rig_stop(&pair_near), 0); /* sent to the end */
    assert_int_equal(pair_arrived(NULL, NULL), 5);
}

/* What the backend's own retries would go on with is given up. */
static void an_attempt_has_its_time(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"status\",\"code\":14");
    start("timeout: 50ms",
          NO_QUEUE ", retry_on_failure: {initial_interval: 200s, max_interval: 200s}");
    assert_int_equal(pair_post_groups(), 503);
    assert_non_null(strstr(pair_answer.data, "context deadline exceeded"));
    assert_true(pair_dropped(type, "retries_turned_off") == GROUPS);
    assert_int_equal(rig_stop(&pair_near), 0);
}

/* The backend is still at its first attempt when the time is over, and makes no other. */
static void an_attempt_that_is_out_of_time_is_the_last(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"stall\"");
    start("timeout: 50ms", "timeout: 250ms, " NO_QUEUE
                           ", retry_on_failure: {initial_interval: 200s, max_interval: 200s}");
    assert_int_equal(pair_post_groups(), 503);
    assert_non_null(strstr(pair_answer.data, "context deadline exceeded"));
    assert_true(pair_dropped(type, "retries_turned_off") == GROUPS);
    assert_int_equal(rig_stop(&pair_near), 0);
}

/* Stopped while it waits for another attempt: lost, and said so. */
static void the_end_does_not_wait_for_attempts(void **state)
{
    struct otl_buf log;

    (void)state;
    pair_fault("\"kind\":\"status\",\"code\":14");
    start("sending_queue: {num_consumers: 1}\n"
          "    retry_on_failure: {enabled: true, initial_interval: 200s, max_interval: 200s}",
          NO_QUEUE ", " NO_RETRY);
    assert_int_equal(pair_post_groups(), 200);
    rig_metric_until(&pair_far, "collector_mock_fault_requests_total{fault=\"status\"}", 1);
    assert_int_equal(rig_stop(&pair_near), 0);
    rig_read(pair_near.log, &log);
    assert_non_null(strstr(log.data, "exporter 'load_balancing': 24 spans lost: shutdown"));
    otl_buf_fini(&log);
}

/* ---- metrics and logs ---- */

static const struct cargo {
    const char *signal, *items; /* as counters are named after them */
    unsigned count;             /* of the official request */
} cargoes[] = {{"metrics", "metric_points", 16}, {"logs", "log_records", 6}};

static unsigned post_cargo(const struct cargo *cargo)
{
    int fd = rig_connect(rig_port(&pair_near, "otlp/http"));
    struct otl_buf body;
    char path[32];
    unsigned status;

    snprintf(path, sizeof(path), "/v1/%s", cargo->signal);
    rig_official(cargo->signal, &body);
    status = rig_post_to(fd, path, "Content-Type: application/x-protobuf\r\n",
                         otl_view(body.data, body.len), &pair_answer);
    otl_buf_fini(&body);
    close(fd);
    return status;
}

/* otelcol_exporter_NAME of it; what is counted stands for the * of a counter. */
static void cargo_series(const struct cargo *cargo, const char *name, char out[200])
{
    bool gauge = strstr(name, "_total") == NULL;
    const char *rest = strchr(name, '*');

    snprintf(out, 200, "otelcol_exporter_%.*s%s%s{exporter=\"%s\"%s%s%s}",
             (int)(rest != NULL ? rest - name : (ptrdiff_t)strlen(name)), name,
             rest != NULL ? cargo->items : "", rest != NULL ? rest + 1 : "", type,
             gauge ? ",data_type=\"" : "", gauge ? cargo->signal : "", gauge ? "\"" : "");
}

static double cargo_metric(const struct cargo *cargo, const char *name)
{
    char series[200];

    cargo_series(cargo, name, series);
    return rig_metric(&pair_near, series);
}

static void retries_and_refusals_go_for_metrics_and_logs(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        const struct cargo *cargo = &cargoes[i];

        pair_fault("\"kind\":\"status\",\"code\":14,\"count\":3");
        start(SOON, NO_QUEUE ", " NO_RETRY);
        assert_int_equal(post_cargo(cargo), 200);
        assert_true(pair_metric(RETRIES, type, "") == 3);
        assert_true(cargo_metric(cargo, "sent_*_total") == cargo->count);
        assert_true(cargo_metric(cargo, "send_failed_*_total") == 0);
        assert_true(pair_metric(SENT, type, "") == 0); /* no spans */
        assert_int_equal(rig_stop(&pair_near), 0);
        assert_int_equal(pair_arrived(NULL, NULL), 4);
        pair_teardown(state);
        pair_setup(state);
        pair_fault("\"kind\":\"status\",\"code\":3");
        start(SOON, NO_QUEUE ", " NO_RETRY);
        assert_int_equal(post_cargo(cargo), 500);
        assert_non_null(strstr(pair_answer.data, "not retryable error"));
        assert_true(cargo_metric(cargo, "send_failed_*_total") == cargo->count);
        assert_int_equal(rig_stop(&pair_near), 0);
        pair_teardown(state);
        pair_setup(state);
    }
}

/* A queue each: that of metrics is full, that of logs is not. */
static void each_signal_has_a_queue_of_its_own(void **state)
{
    (void)state;
    pair_fault("\"kind\":\"stall\"");
    start("sending_queue: {queue_size: 2, num_consumers: 1}\n    " SOON, NO_QUEUE ", " NO_RETRY);
    for (size_t i = 0; i < 2; i++) {
        const struct cargo *cargo = &cargoes[i];
        assert_true(cargo_metric(cargo, "queue_size") == 0);
        assert_int_equal(post_cargo(cargo), 200);
        assert_int_equal(post_cargo(cargo), 200);
        assert_int_equal(post_cargo(cargo), 503);
        assert_non_null(strstr(pair_answer.data, "sending queue is full"));
        assert_true(cargo_metric(cargo, "queue_size") == 2);
        assert_true(cargo_metric(cargo, "queue_capacity") == 2);
        assert_true(cargo_metric(cargo, "in_flight_requests") == 1);
        assert_true(cargo_metric(cargo, "enqueue_failed_*_total") == cargo->count);
    }
    pair_end_fault(); /* drops the connections: another attempt */
    for (size_t i = 0; i < 2; i++) {
        char series[200];
        cargo_series(&cargoes[i], "sent_*_total", series);
        rig_metric_until(&pair_near, series, 2 * cargoes[i].count);
    }
    assert_int_equal(rig_stop(&pair_near), 0);
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *outer, *says;
    } rows[] = {
        {"sending_queue: {num_consumers: 0}", ":4:36: num_consumers must be at least 1"},
        {"sending_queue: {storage: file_storage}", "'storage' is a setting of the Collector"},
        {"sending_queue: {wait_for_result: true, storage: x}", "`wait_for_result`"},
        {"retry_on_failure: {enabled: true, max_elapsed_time: 1s}",
         ":4:23: exporter 'load_balancing': 'max_elapsed_time' must not be less than"},
        {"retry_on_failure: {enable: true}", "did you mean 'enabled'?"},
        {"timeout: soon", ":4:14: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *arguments[] = {"--config", pair_near.config, NULL};
        struct otl_buf log;
        char text[600];
        snprintf(text, sizeof(text),
                 "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                 "exporters:\n"
                 "  load_balancing:\n"
                 "    %s\n"
                 "    resolver: {static: {hostnames: [a]}}\n"
                 "service: {pipelines: {traces: {receivers: [otlp], exporters: "
                 "[load_balancing]}}}\n",
                 rows[i].outer);
        rig_config(&pair_near, text);
        assert_int_equal(rig_run(&pair_near, arguments), 2);
        rig_read(pair_near.log, &log);
        if (strstr(log.data, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].outer, log.data);
        otl_buf_fini(&log);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_a_backend_could_not_send_is_tried_again),
        CASE(what_is_refused_for_good_is_not_tried_again),
        CASE(without_retries_the_first_answer_is_the_last),
        CASE(a_queue_stands_before_the_ring),
        CASE(an_empty_queue_setting_is_a_queue),
        CASE(an_attempt_has_its_time),
        CASE(an_attempt_that_is_out_of_time_is_the_last),
        CASE(the_end_does_not_wait_for_attempts),
        CASE(retries_and_refusals_go_for_metrics_and_logs),
        CASE(each_signal_has_a_queue_of_its_own),
        CASE(mistakes_are_told_with_their_place),
    };

    return cmocka_run_group_tests_name("balance_outer", tests, NULL, NULL);
}
