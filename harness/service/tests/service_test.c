/* SPDX-License-Identifier: Apache-2.0 */
/* Two traced services over real sockets in one loop, exporting to a sink on a thread of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <ftw.h>
#include <pthread.h>
#include <unistd.h>

#include "harness/ledger/reader.h"
#include "harness/service/app.h"

enum { REQUESTS = 40, PROCESSES = 2 };

static const char scenario_text[] =
    "# Test.\n"
    "tracing: {schedule_delay: 10ms}\n"
    "services:\n"
    "  gateway:\n"
    "    http: %s\n"
    "    routes:\n"
    "      GET /health: {span: false}\n"
    "      POST /checkout:\n"
    "        steps:\n"
    "          - set_baggage: {tenant: {header: x-tenant}}\n"
    "          - call: order POST /orders\n"
    "  order:\n"
    "    http: %s\n"
    "    routes:\n"
    "      POST /orders:\n"
    "        steps:\n"
    "          - read_baggage: [tenant]\n"
    "          - sql: INSERT INTO orders (id) VALUES (?)\n"
    "            parameters: [\"${request}\"]\n"
    "          - wait: {uniform: [0us, 2ms]}\n"
    "          - fail: {probability: 0.3, status: 409}\n"
    "load: {route: gateway POST /checkout, rate: 1, duration: 1s}\n";

/* ---- the sink: acknowledges every export ----------------------------------------------------- */

struct sink {
    pthread_t thread;
    struct event_base *base;
    struct event *stop;
    struct hx_http_server *server;
    unsigned exports;
};

static void on_export(void *arg, struct hx_http_request *request)
{
    struct sink *sink = arg;

    sink->exports++;
    hx_http_reply(request, 200, otl_view("", 0));
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    struct sink *sink = arg;

    (void)fd;
    (void)what;
    event_base_loopbreak(sink->base);
}

static void *sink_main(void *arg)
{
    struct sink *sink = arg;

    event_base_dispatch(sink->base);
    return NULL;
}

static int g_stop_pipe[2];

static void start_sink(struct sink *sink)
{
    struct hx_http_server_options options;

    memset(sink, 0, sizeof(*sink));
    assert_int_equal(pipe(g_stop_pipe), 0);
    sink->base = event_base_new();
    sink->stop = event_new(sink->base, g_stop_pipe[0], EV_READ, on_stop, sink);
    event_add(sink->stop, NULL);
    options = (struct hx_http_server_options){sink->base, "127.0.0.1", 0, on_export, sink};
    assert_int_equal(hx_http_evhttp.server_new(&options, &sink->server, NULL), OTEL_OK);
    assert_int_equal(pthread_create(&sink->thread, NULL, sink_main, sink), 0);
}

static void stop_sink(struct sink *sink)
{
    assert_int_equal(write(g_stop_pipe[1], "x", 1), 1);
    pthread_join(sink->thread, NULL);
    hx_http_evhttp.server_free(sink->server);
    event_free(sink->stop);
    event_base_free(sink->base);
    close(g_stop_pipe[0]);
    close(g_stop_pipe[1]);
}

/* ---- the two services ------------------------------------------------------------------------ */

struct world {
    char dir[64];
    struct event_base *base;
    struct sink sink;
    struct hx_role roles[PROCESSES];
    struct hx_app *apps[PROCESSES];
    struct hx_http_client *client;
    int answers[600];
    int answered, expected;
};

static void write_role(const struct world *w, const struct hx_scenario *scenario,
                       const char *service, int process, char *path, size_t size)
{
    json_t *role = json_pack("{s:O, s:s, s:i, s:s+, s:i, s:s}", "scenario", scenario->tree,
                             "service", service, "process", process, "instance", service, "-0",
                             "seed", 42, "dir", w->dir);

    snprintf(path, size, "%s/%s.json", w->dir, service);
    assert_int_equal(json_dump_file(role, path, 0), 0);
    json_decref(role);
}

static void open_world(struct world *w, const char *backend)
{
    static const char *const names[PROCESSES] = {"gateway", "order"};
    struct hx_scenario_options options = {.seed = 42, .has_seed = true};
    struct hx_scenario *scenario = NULL;
    struct otl_detail detail = OTL_DETAIL_NONE;
    char path[128];
    json_t *peers;
    FILE *file;

    memset(w, 0, sizeof(*w));
    snprintf(w->dir, sizeof(w->dir), "/tmp/service-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(path, sizeof(path), "%s/scenario.yaml", w->dir);
    file = fopen(path, "w");
    fprintf(file, scenario_text, backend, backend);
    fclose(file);
    assert_int_equal(hx_scenario_load_file(path, &options, &scenario, &detail), OTEL_OK);
    w->base = event_base_new();
    start_sink(&w->sink);
    for (int i = 0; i < PROCESSES; i++) {
        write_role(w, scenario, names[i], i + 1, path, sizeof(path));
        assert_int_equal(hx_role_read(path, &w->roles[i], &detail), OTEL_OK);
        assert_int_equal(hx_app_new(w->base, &w->roles[i], &w->apps[i], &detail), OTEL_OK);
    }
    peers = json_pack("{s:{s:[o]}, s:o}", "services", "order",
                      json_sprintf("127.0.0.1:%d", hx_app_port(w->apps[1])), "otlp",
                      json_sprintf("http://127.0.0.1:%d",
                                   hx_http_evhttp.server_port(w->sink.server)));
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(hx_app_peers(w->apps[i], peers, &detail), OTEL_OK);
        assert_true(hx_app_is_ready(w->apps[i]));
    }
    json_decref(peers);
    assert_int_equal(w->apps[0]->http->client_new(w->base, "127.0.0.1", hx_app_port(w->apps[0]),
                                                  &w->client),
                     OTEL_OK);
    hx_scenario_free(scenario);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void stop_apps(struct world *w, struct hx_led_process_close *rows)
{
    for (int i = 0; i < PROCESSES; i++) {
        assert_true(hx_app_is_idle(w->apps[i]));
        hx_app_close(w->apps[i]);
        hx_app_stop(w->apps[i], 5000, &rows[i]);
        hx_app_free(w->apps[i]);
        w->apps[i] = NULL;
    }
}

static void close_world(struct world *w)
{
    w->client->ops->client_free(w->client);
    for (int i = 0; i < PROCESSES; i++) {
        hx_app_free(w->apps[i]);
        hx_role_fini(&w->roles[i]);
    }
    stop_sink(&w->sink);
    event_base_free(w->base);
    assert_int_equal(nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void on_answer(void *arg, enum hx_http_outcome outcome, int status)
{
    struct world *w = arg;

    assert_int_equal(outcome, HX_HTTP_ANSWERED);
    w->answers[status]++;
    if (++w->answered == w->expected)
        event_base_loopbreak(w->base);
}

static void call(struct world *w, const char *method, const char *path, uint64_t request)
{
    char text[HX_REQUEST_HEADER_LEN + 1];
    struct hx_http_header headers[] = {
        {otl_view_str(HX_REQUEST_HEADER), hx_request_header_write(request, 0, text)},
        {otl_view_str("X-Tenant"), otl_view_str("r\xc3\xa4t, selig")},
    };
    struct hx_http_call options = {method, path, headers, 2, {NULL, 0}, 20000000000ULL,
                                   on_answer, w};

    w->expected++;
    assert_int_equal(hx_http_call(w->client, &options), OTEL_OK);
}

/* ---- what the ledger says -------------------------------------------------------------------- */

struct hop {
    char sent[64];
    char received[64];
    uint64_t send_seq;
    uint64_t caller_seq;
    bool baggage;
};

static void copy(char *out, size_t size, struct otl_view text)
{
    snprintf(out, size, "%.*s", (int)text.len, text.data);
}

static void read_hops(const struct world *w, struct hop *hops)
{
    struct hx_led_reader *reader = NULL;
    const struct hx_led_record *record;
    const struct hx_led_file *file;
    char dir[128];

    snprintf(dir, sizeof(dir), "%s/ledger", w->dir);
    assert_int_equal(hx_led_reader_open(dir, &reader, NULL), OTEL_OK);
    while ((record = hx_led_reader_next(reader, &file)) != NULL) {
        if (record->type == HX_LED_SEND) {
            const struct hx_led_send *send = (const void *)record;
            hops[send->request].send_seq = record->seq;
            copy(hops[send->request].sent, 64, hx_led_view(record, send->traceparent));
        } else if (record->type == HX_LED_ENTRY && file->name[0] == 'o') {
            const struct hx_led_entry *entry = (const void *)record;
            hops[entry->request].caller_seq = entry->caller_seq;
            copy(hops[entry->request].received, 64, hx_led_view(record, entry->traceparent));
        } else if (record->type == HX_LED_BAGGAGE && file->name[0] == 'o') {
            const struct hx_led_baggage *row = (const void *)record;
            hops[row->request].baggage =
                otl_view_is(hx_led_view(record, row->value), "r\xc3\xa4t, selig");
        }
    }
    hx_led_reader_free(reader);
}

static void check_hops(const struct world *w)
{
    struct hop hops[REQUESTS + 1];

    memset(hops, 0, sizeof(hops));
    read_hops(w, hops);
    for (int i = 1; i <= REQUESTS; i++) {
        assert_int_equal(strlen(hops[i].sent), 55);
        assert_string_equal(hops[i].sent, hops[i].received);
        assert_int_equal(hops[i].send_seq, hops[i].caller_seq);
        assert_true(hops[i].baggage);
        for (int k = 1; k < i; k++)
            assert_memory_not_equal(hops[i].sent + 3, hops[k].sent + 3, 32);
    }
}

static void requests_are_traced_over_two_services(const char *backend)
{
    struct hx_led_process_close rows[PROCESSES];
    struct world w;

    open_world(&w, backend);
    for (uint64_t i = 1; i <= REQUESTS; i++)
        call(&w, "POST", "/checkout", i);
    event_base_dispatch(w.base);
    assert_int_equal(w.answers[200] + w.answers[409], REQUESTS);
    assert_true(w.answers[409] > 0);
    assert_true(w.answers[200] > 0);
    stop_apps(&w, rows);
    assert_int_equal(rows[0].started, 2 * REQUESTS);
    assert_int_equal(rows[1].started, 2 * REQUESTS);
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(rows[i].exported, 2 * REQUESTS);
        assert_int_equal(rows[i].open_spans, 0);
        assert_true(rows[i].export_requests > 0);
    }
    check_hops(&w);
    close_world(&w);
    assert_true(w.sink.exports >= 2);
}

static void requests_are_traced_over_evhttp(void **state)
{
    (void)state;
    requests_are_traced_over_two_services("evhttp");
}

static void requests_are_traced_over_lean(void **state)
{
    (void)state;
    requests_are_traced_over_two_services("lean");
}

static void untraced_and_unknown_routes_make_no_span(void **state)
{
    struct hx_led_process_close rows[PROCESSES];
    struct world w;

    (void)state;
    open_world(&w, "lean");
    call(&w, "GET", "/health", 1);
    call(&w, "GET", "/nowhere", 2);
    call(&w, "GET", "/checkout", 3);
    event_base_dispatch(w.base);
    assert_int_equal(w.answers[200], 1);
    assert_int_equal(w.answers[404], 2);
    stop_apps(&w, rows);
    assert_int_equal(rows[0].started, 0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_traced_over_evhttp),
        cmocka_unit_test(requests_are_traced_over_lean),
        cmocka_unit_test(untraced_and_unknown_routes_make_no_span),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
