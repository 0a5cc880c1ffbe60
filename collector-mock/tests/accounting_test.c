/* SPDX-License-Identifier: Apache-2.0 */
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

#include "collector-mock/tests/rig.h"

/*
 * The books of the whole process balance at every moment and after every fault: what the receiver
 * accepted = kept + sampled out + refused + dropped by reason + held by tail sampling, and what was
 * kept = written + not written by the exporter.
 */

enum { SPANS = 24 }; /* of the official request "groups" */

#define TAIL "collector_mock_tail_sampling_"
#define LABEL "{processor=\"tail_sampling\"}"
#define RECEIVER "{receiver=\"otlp\",transport=\"http\"}"

static struct rig rig;
static struct otl_buf body, metrics;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    rig_official("groups", &body);
    otl_buf_init(&metrics, 1u << 20);
    rig_config(&rig,
               "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
               "processors: {tail_sampling: {decision_wait: 1s, num_traces: 3, policies: [{name: "
               "p, type: probabilistic, probabilistic: {sampling_percentage: 50}}]}}\n"
               "exporters: {file: {path: DIR/out.bin, format: proto}}\n"
               "service:\n"
               "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
               "  pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: "
               "[file]}}\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&body);
    otl_buf_fini(&metrics);
    return 0;
}

static double value(const char *series)
{
    return rig_metric_in(&metrics, series);
}

static double dropped(void)
{
    static const char *const reasons[] = {"too_early",     "too_large", "drop_policy", "shutdown",
                                          "export_failed", "no_memory"};
    char series[160];
    double sum = 0;

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        snprintf(series, sizeof(series),
                 TAIL "dropped_spans_total{processor=\"tail_sampling\",reason=\"%s\"}",
                 reasons[i]);
        sum += value(series);
    }
    return sum;
}

/* One look at all the numbers; returns what was accepted. */
static double balanced(const char *when)
{
    double accepted, received, accounted, kept, written, failed;

    otl_buf_fini(&metrics);
    rig_metrics(&rig, &metrics);
    accepted = value("otelcol_receiver_accepted_spans_total" RECEIVER);
    received = value(TAIL "received_spans_total" LABEL);
    kept = value(TAIL "kept_spans_total" LABEL);
    accounted = kept + value(TAIL "sampled_out_spans_total" LABEL) +
                value(TAIL "refused_spans_total" LABEL) + dropped() +
                value(TAIL "held_spans" LABEL);
    written = value("otelcol_exporter_sent_spans_total{exporter=\"file\"}");
    failed = value("otelcol_exporter_send_failed_spans_total{exporter=\"file\"}");
    if (accepted != received || received != accounted || kept != written + failed)
        fail_msg("%s: accepted %.0f, received %.0f, accounted for %.0f; kept %.0f, written %.0f, "
                 "not written %.0f\n%s",
                 when, accepted, received, accounted, kept, written, failed, metrics.data);
    return accepted;
}

static unsigned post(void)
{
    int fd = rig_connect(rig_port(&rig, "otlp/http"));
    unsigned status = rig_post(fd, "", otl_view(body.data, body.len), NULL);

    close(fd);
    return status;
}

static void the_books_balance_after_every_fault(void **state)
{
    static const struct {
        const char *kind, *more;
        unsigned status; /* that the client sees; 0: none */
        unsigned spans;  /* that go into the pipeline */
    } faults[] = {
        {"delay", ",\"delay\":\"1ms\"", 200, SPANS},
        {"status", ",\"status\":503", 503, 0},
        {"status", ",\"status\":429,\"retry_after\":\"1s\"", 429, 0},
        {"status", ",\"status\":400", 400, 0},
        {"partial_success", ",\"rejected\":5", 200, SPANS - 5},
        {"rst_stream", "", 0, 0},
        {"goaway", "", 0, 0},
        {"truncated_answer", "", 200, SPANS},
        {"corrupt_gzip", "", 200, SPANS},
        {"wrong_content_type", "", 200, SPANS},
        {"oversized_answer", ",\"size\":10000", 200, SPANS},
        {"slow_answer", ",\"rate\":100000", 200, SPANS},
        {"duplicate", "", 200, 2 * SPANS},
        {"clock_skew", ",\"skew\":\"1h\"", 200, SPANS},
    };
    double before = 0;

    (void)state;
    rig_start_control(&rig);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char command[160];
        unsigned status;
        double after;

        snprintf(command, sizeof(command),
                 "{\"do\":\"fault\",\"id\":%zu,\"kind\":\"%s\",\"count\":1%s}", i + 1,
                 faults[i].kind, faults[i].more);
        rig_command(&rig, command);
        rig_metric_until(&rig, "collector_mock_faults_active", 1);
        status = post();
        if (status != faults[i].status)
            fail_msg("%s: answered %u", faults[i].kind, status);
        after = balanced(faults[i].kind);
        if (after - before != faults[i].spans)
            fail_msg("%s: %.0f spans were accepted", faults[i].kind, after - before);
        assert_int_equal(post(), 200);
        before = balanced("the request after it");
        assert_true(before == after + SPANS);
    }
    /* ... and when everything is decided: two seconds and a little behind the last span */
    for (int i = 0; i < 600 && value(TAIL "held_spans" LABEL) > 0; i++) {
        assert_true(balanced("the end") == before);
        poll(NULL, 0, 50);
    }
    assert_true(value(TAIL "held_spans" LABEL) == 0);
    assert_int_equal(rig_stop(&rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_books_balance_after_every_fault, setup, teardown),
    };

    return cmocka_run_group_tests_name("accounting", tests, NULL, NULL);
}
