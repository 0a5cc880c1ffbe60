/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/ledger/reader.h"
#include "harness/load/gen.h"
#include "harness/load/report.h"
#include "harness/load/tests/test_server.h"
#include "harness/stats/hdr_log.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

struct session {
    struct hx_gen_options options;
    struct hx_request_template *request;
    struct hx_gen *gen;
    struct hx_load_totals totals;
    unsigned progress;
    uint64_t stop_at; /* requests; 0: never */
    struct event *hold_up; /* 200 ms after the start; NULL: none */
};

static struct hx_load_counts *measured(struct session *session)
{
    return &session->totals.counts[HX_LOAD_MEASURE];
}

static void on_ready(void *state)
{
    const struct timeval soon = {0, 200 * 1000};
    struct session *session = state;

    assert_int_equal(hx_gen_start(session->gen, NULL), OTEL_OK);
    if (session->hold_up != NULL)
        assert_int_equal(event_add(session->hold_up, &soon), 0);
}

static void on_progress(void *state, const struct hx_load_progress *progress)
{
    struct session *session = state;

    assert_true(progress->elapsed_s > 0);
    session->progress++;
    if (session->stop_at != 0 && progress->requests >= session->stop_at)
        hx_gen_stop(session->gen);
}

static void on_finished(void *state)
{
    struct session *session = state;

    hx_gen_totals(session->gen, &session->totals);
    hx_gen_leave(session->gen);
}

static void on_fault(void *state, const struct otl_detail *detail)
{
    (void)state;
    fail_msg("fault: %s", detail->text);
}

static void prepare(struct session *session, double rate, uint64_t duration_ms)
{
    const struct hx_request_options request = {.method = "GET", .path = "/", .authority = "test"};

    memset(session, 0, sizeof(*session));
    hx_gen_options_init(&session->options);
    assert_int_equal(hx_request_template_new(&request, &session->request, NULL), OTEL_OK);
    session->options.plan = (struct hx_schedule_options){rate, HX_ARRIVAL_CONSTANT, 0,
                                                         duration_ms * OTL_NS_PER_MS, 1, 1};
    session->options.connections = 8;
    session->options.timeout_ns = 60 * OTL_NS_PER_S; /* of a machine that stands still, too */
    session->options.callbacks =
        (struct hx_gen_callbacks){on_ready, on_progress, on_finished, on_fault, session};
}

/* Whatever happened: each planned request has ended exactly once. */
static void assert_books(struct session *session)
{
    for (int phase = 0; phase < HX_LOAD_PHASES; phase++) {
        const struct hx_load_counts *counts = &session->totals.counts[phase];

        assert_int_equal(counts->planned, counts->ok + hx_load_errors(counts));
    }
}

static void run_on(struct session *session, const struct hx_address *addresses, size_t count)
{
    session->options.request = session->request;
    session->options.addresses = addresses;
    session->options.address_count = count;
    assert_int_equal(hx_gen_new(&session->options, &session->gen, NULL), OTEL_OK);
    hx_gen_prepare(session->gen);
    hx_gen_run(session->gen);
    assert_books(session);
}

static void run_against(struct session *session, struct test_server *server)
{
    run_on(session, &server->address, 1);
    test_server_stop(server);
}

static void finish(struct session *session)
{
    hx_gen_free(session->gen);
    hx_request_template_free(session->request);
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void each_request_goes_out_once(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    prepare(&session, 500, 600);
    session.options.plan.warmup_ns = 200 * OTL_NS_PER_MS;
    run_against(&session, &server);
    assert_int_equal(session.totals.counts[HX_LOAD_WARM_UP].ok, 100);
    assert_int_equal(measured(&session)->ok, 300);
    assert_int_equal(measured(&session)->bytes_in, 300 * 5);
    assert_int_equal(session.totals.series[HX_SERIES_RESPONSE]->total, 300);
    assert_int_equal(session.totals.series[HX_SERIES_SERVICE]->total, 300);
    assert_int_equal(session.totals.series[HX_SERIES_LAG]->total, 300);
    assert_int_equal(server.requests, 400);
    qsort(server.ids, 400, sizeof(server.ids[0]), compare_ids);
    for (uint64_t i = 0; i < 400; i++)
        assert_int_equal(server.ids[i], i + 1);
    assert_non_null(strstr(server.first, "GET / HTTP/1.1\r\n"));
    finish(&session);
}

/* One connection, a server that does nothing for 1 s: a closed loop would show one slow request
 * and a lower rate. Everyone who came in that second waited. */
static void a_stall_shows_in_the_response_time(void **state)
{
    const struct hx_hdr *response, *service;
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_STALLS, 1000);
    prepare(&session, 200, 2000);
    session.options.connections = 1;
    run_against(&session, &server);
    response = session.totals.series[HX_SERIES_RESPONSE];
    service = session.totals.series[HX_SERIES_SERVICE];
    assert_int_equal(measured(&session)->ok, 400);
    assert_true(hx_hdr_max(response) >= 990 * OTL_NS_PER_MS);
    assert_true(response->total - hx_hdr_count_below(response, 500 * OTL_NS_PER_MS) >= 90);
    assert_true(service->total - hx_hdr_count_below(service, 500 * OTL_NS_PER_MS) <= 10);
    assert_true(measured(&session)->delayed >= 150);
    assert_true(session.totals.backlog_max >= 150);
    assert_true(session.totals.in_flight_max == 1);
    assert_true(session.progress >= 1);
    finish(&session);
}

static void the_queue_is_bounded_and_every_loss_has_a_name(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_SILENT, 0);
    prepare(&session, 200, 1000);
    session.options.connections = 2;
    session.options.queue_max = 10;
    session.options.timeout_ns = 300 * OTL_NS_PER_MS;
    run_against(&session, &server);
    assert_int_equal(measured(&session)->planned, 200);
    assert_int_equal(measured(&session)->ok, 0);
    assert_true(measured(&session)->errors[HX_LOAD_ERROR_DROPPED] > 50);
    assert_true(measured(&session)->errors[HX_LOAD_ERROR_TIMEOUT] >= 2);
    assert_true(session.totals.backlog_max == 10);
    assert_true(session.totals.in_flight_max == 2);
    assert_true(hx_hdr_min(session.totals.series[HX_SERIES_RESPONSE]) >= 290 * OTL_NS_PER_MS);
    finish(&session);
}

static void a_lost_connection_costs_one_request(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_DROPS, 0);
    prepare(&session, 500, 400);
    run_against(&session, &server);
    assert_int_equal(measured(&session)->errors[HX_LOAD_ERROR_RESET], 40);
    assert_int_equal(measured(&session)->ok, 160);
    finish(&session);
}

static void what_is_not_http_is_malformed(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_GARBAGE, 0);
    prepare(&session, 200, 200);
    run_against(&session, &server);
    assert_int_equal(measured(&session)->errors[HX_LOAD_ERROR_MALFORMED], 40);
    finish(&session);
}

static void a_refused_connection_is_an_error_of_its_request(void **state)
{
    struct session session;
    struct hx_address address;
    int fd;

    (void)state;
    address = test_refusing_address(&fd);
    prepare(&session, 200, 200);
    run_on(&session, &address, 1);
    close(fd);
    assert_int_equal(measured(&session)->errors[HX_LOAD_ERROR_CONNECT], 40);
    assert_int_equal(measured(&session)->sent, 0);
    finish(&session);
}

static void a_server_that_closes_is_connected_to_again(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_CLOSING, 0);
    prepare(&session, 200, 300);
    run_against(&session, &server);
    assert_int_equal(measured(&session)->ok, 60);
    assert_true(session.totals.connections_made >= 60);
    finish(&session);
}

static void answers_are_counted_by_class(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_ERRORS, 0);
    prepare(&session, 200, 300);
    run_against(&session, &server);
    assert_int_equal(measured(&session)->ok, 30);
    assert_int_equal(measured(&session)->errors[HX_LOAD_ERROR_STATUS_5XX], 30);
    finish(&session);
    test_server_start(&server, SERVER_CHUNKED, 0);
    prepare(&session, 200, 300);
    run_against(&session, &server);
    assert_int_equal(measured(&session)->ok, 60);
    assert_int_equal(measured(&session)->bytes_in, 300);
    finish(&session);
}

static void replicas_take_turns(void **state)
{
    struct test_server servers[2];
    struct hx_address addresses[2];
    struct session session;

    (void)state;
    for (int i = 0; i < 2; i++) {
        test_server_start(&servers[i], SERVER_FAST, 0);
        addresses[i] = servers[i].address;
    }
    prepare(&session, 400, 250);
    run_on(&session, addresses, 2);
    for (int i = 0; i < 2; i++) {
        test_server_stop(&servers[i]);
        assert_int_equal(servers[i].requests, 50);
        for (int k = 0; k < 50; k++)
            assert_int_equal((int)(servers[i].ids[k] % 2), 1 - i);
    }
    finish(&session);
}

static void a_stopped_load_keeps_its_books(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    prepare(&session, 200, 60000);
    session.stop_at = 10;
    run_against(&session, &server);
    assert_true(session.totals.stopped);
    assert_true(measured(&session)->planned >= 10 && measured(&session)->planned < 6000);
    assert_true(session.totals.measured_ns < 30 * OTL_NS_PER_S);
    finish(&session);
}

static void spinning_needs_no_timer(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    prepare(&session, 1000, 200);
    session.options.pacer = HX_PACER_SPIN;
    run_against(&session, &server);
    assert_int_equal(measured(&session)->ok, 200);
    assert_int_equal(session.totals.lateness->total, 0);
    finish(&session);
}

static void high_rates_are_sent_in_ticks(void **state)
{
    struct test_server server;
    struct session session;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    prepare(&session, 6000, 200);
    run_against(&session, &server);
    assert_int_equal(measured(&session)->planned, 1200);
    assert_int_equal(measured(&session)->ok, 1200);
    finish(&session);
}

/* ---- what it leaves behind ------------------------------------------------------------------ */

static void sum_log(const char *dir, const char *name, uint64_t *ret_warmup, uint64_t *ret_measure)
{
    struct hx_hdr_log_reader reader;
    struct hx_hdr_log_entry entry;
    struct otl_buf text;
    char path[256];

    snprintf(path, sizeof(path), "%s/%s.hlog", dir, name);
    otl_buf_init(&text, 1 << 22);
    assert_int_equal(otl_file_read(path, &text, NULL), OTEL_OK);
    *ret_warmup = *ret_measure = 0;
    hx_hdr_log_reader_init(&reader, otl_view(text.data, text.len));
    while (hx_hdr_log_next(&reader, &entry, NULL) == OTEL_OK) {
        *(otl_view_is(entry.tag, "warmup") ? ret_warmup : ret_measure) += entry.hdr->total;
        hx_hdr_free(entry.hdr);
    }
    assert_int_equal(reader.rest.len, 0);
    unlink(path);
    snprintf(path, sizeof(path), "%s/%s.hgrm", dir, name);
    otl_buf_reset(&text);
    assert_int_equal(otl_file_read(path, &text, NULL), OTEL_OK);
    assert_non_null(strstr(text.data, "Total count    =          300]"));
    otl_buf_fini(&text);
    unlink(path);
}

static void the_logs_hold_every_request(void **state)
{
    static const char *const names[] = {"response", "service", "sendlag"};
    char dir[] = "/tmp/load-test-XXXXXX";
    struct test_server server;
    struct session session;

    (void)state;
    assert_non_null(mkdtemp(dir));
    test_server_start(&server, SERVER_FAST, 0);
    prepare(&session, 200, 1500);
    session.options.plan.warmup_ns = 500 * OTL_NS_PER_MS;
    session.options.hdr_dir = dir;
    run_against(&session, &server);
    for (int i = 0; i < 3; i++) {
        uint64_t warmup, measure;

        sum_log(dir, names[i], &warmup, &measure);
        assert_int_equal(warmup, 100);
        assert_int_equal(measure, 300);
    }
    finish(&session);
    rmdir(dir);
}

struct rows {
    uint64_t open, closed, ok, sent, warmup, last_request;
    uint64_t outcome_sum;
};

static struct rows read_ledger(const char *dir)
{
    const struct hx_led_record *record;
    struct hx_led_reader *reader = NULL;
    const struct hx_led_file *file;
    struct rows rows;

    memset(&rows, 0, sizeof(rows));
    assert_int_equal(hx_led_reader_open(dir, &reader, NULL), OTEL_OK);
    while ((record = hx_led_reader_next(reader, &file)) != NULL) {
        if (record->type == HX_LED_LOAD) {
            const struct hx_led_load *row = (const void *)record;

            rows.open++;
            rows.sent += row->sent_mono_ns != 0;
            rows.warmup += (record->flags & HX_LED_LOAD_WARMUP) != 0;
            assert_int_equal(row->op, 7);
            assert_true(row->sent_mono_ns == 0 || row->sent_mono_ns >= row->intended_mono_ns);
            if (row->request > rows.last_request)
                rows.last_request = row->request;
        } else if (record->type == HX_LED_LOAD_CLOSE) {
            const struct hx_led_load_close *row = (const void *)record;

            rows.closed++;
            rows.ok += row->outcome == HX_LED_OUTCOME_OK && row->http_status == 200;
        }
    }
    hx_led_reader_free(reader);
    return rows;
}

static void remove_ledger(const char *dir)
{
    char path[256];

    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/load.0.%04u.led", dir, i);
        unlink(path);
    }
    rmdir(dir);
}

static void the_ledger_has_a_row_for_each_request(void **state)
{
    char dir[] = "/tmp/load-test-XXXXXX";
    const struct hx_led_writer_options options = {dir, "load", 0, 3, 1};
    struct test_server server;
    struct session session;
    struct rows rows;

    (void)state;
    assert_non_null(mkdtemp(dir));
    test_server_start(&server, SERVER_DROPS, 0);
    prepare(&session, 500, 400);
    session.options.plan.warmup_ns = 100 * OTL_NS_PER_MS;
    session.options.op = 7;
    assert_int_equal(hx_led_writer_new(&options, &session.options.ledger, NULL), OTEL_OK);
    run_against(&session, &server);
    hx_led_writer_free(session.options.ledger);
    rows = read_ledger(dir);
    assert_int_equal(rows.open, 250);
    assert_int_equal(rows.closed, 250);
    assert_int_equal(rows.sent, 250);
    assert_int_equal(rows.ok, 200);
    assert_int_equal(rows.warmup, 50);
    assert_int_equal(rows.last_request, 250);
    finish(&session);
    remove_ledger(dir);
}

/* Nobody runs this thread for a while. */
static void on_hold_up(evutil_socket_t fd, short what, void *arg)
{
    const struct timespec a_while = {0, 400 * 1000 * 1000};

    (void)fd;
    (void)what;
    (void)arg;
    nanosleep(&a_while, NULL);
}

static void a_client_that_is_not_run_knows_it(void **state)
{
    struct event_base *base = hx_gen_base_new();
    struct test_server server;
    struct session session;
    const struct hx_pauses *pauses = &session.totals.pauses;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    prepare(&session, 100, 1000);
    session.options.base = base;
    session.hold_up = evtimer_new(base, on_hold_up, NULL);
    assert_non_null(session.hold_up);
    run_against(&session, &server);
    assert_in_range(pauses->count, 1, 1000);
    assert_in_range(pauses->longest_ns, 360 * OTL_NS_PER_MS, 600 * OTL_NS_PER_S);
    assert_in_range(pauses->longest_at, 360 * OTL_NS_PER_MS, 600 * OTL_NS_PER_S);
    assert_in_range(pauses->total_ns, pauses->longest_ns, 600 * OTL_NS_PER_S);
    event_free(session.hold_up);
    finish(&session);
    event_base_free(base);
}

static void wrong_options_are_refused(void **state)
{
    struct session session;
    struct hx_address address;
    int fd;

    (void)state;
    address = test_refusing_address(&fd);
    close(fd);
    prepare(&session, 100, 100);
    session.options.request = session.request;
    session.options.addresses = &address;
    assert_int_equal(hx_gen_new(&session.options, &session.gen, NULL), OTEL_ERR_ARGUMENT);
    session.options.address_count = 1;
    session.options.connections = 0;
    assert_int_equal(hx_gen_new(&session.options, &session.gen, NULL), OTEL_ERR_ARGUMENT);
    session.options.connections = 4;
    session.options.plan.rate = 0;
    assert_int_equal(hx_gen_new(&session.options, &session.gen, NULL), OTEL_ERR_ARGUMENT);
    session.options.plan.rate = 10;
    for (unsigned long n = 1; n <= 8; n++) {
        otl_mem_fail_at(n);
        assert_int_equal(hx_gen_new(&session.options, &session.gen, NULL), OTEL_ERR_MEMORY);
        otl_mem_fail_at(0);
    }
    assert_null(session.gen);
    finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_goes_out_once),
        cmocka_unit_test(a_stall_shows_in_the_response_time),
        cmocka_unit_test(the_queue_is_bounded_and_every_loss_has_a_name),
        cmocka_unit_test(a_lost_connection_costs_one_request),
        cmocka_unit_test(what_is_not_http_is_malformed),
        cmocka_unit_test(a_refused_connection_is_an_error_of_its_request),
        cmocka_unit_test(a_server_that_closes_is_connected_to_again),
        cmocka_unit_test(answers_are_counted_by_class),
        cmocka_unit_test(replicas_take_turns),
        cmocka_unit_test(a_stopped_load_keeps_its_books),
        cmocka_unit_test(spinning_needs_no_timer),
        cmocka_unit_test(high_rates_are_sent_in_ticks),
        cmocka_unit_test(the_logs_hold_every_request),
        cmocka_unit_test(the_ledger_has_a_row_for_each_request),
        cmocka_unit_test(a_client_that_is_not_run_knows_it),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests_name("load generator", tests, NULL, NULL);
}
