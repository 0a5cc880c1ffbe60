/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "collector-mock/tests/rig.h"
#include "collector-mock/wire/json.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/file.h"

/* The whole program: its recordings and files, and its end. */

#define RECEIVER "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
#define METRICS "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
static const char with_files[] =
    RECEIVER "exporters: {file: {path: DIR/spans.json}, file/p: {path: DIR/spans.bin, format: "
             "proto}}\n"
             "service:\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [file, file/p]}}\n" METRICS;
static const char with_nop[] =
    RECEIVER "exporters: {nop: }\nservice:\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n" METRICS;

/* An 18-digit number as the trace id of one span: which request a record holds. */
static size_t numbered(uint64_t number, char *out)
{
    static const char head[] = "\n\x16\x12\x14\x12\x12\n\x10";

    memcpy(out, head, sizeof(head) - 1);
    memset(out + sizeof(head) - 1, 0, 16);
    memcpy(out + sizeof(head) - 1 + 8, &number, 8);
    return sizeof(head) - 1 + 16;
}

static uint64_t number_of(struct otl_view body)
{
    struct col_traces traces;
    struct col_span span;
    uint64_t number;

    col_traces_init(&traces, body);
    assert_true(col_traces_next(&traces, &span));
    memcpy(&number, span.trace_id + 8, 8);
    return number;
}

#define SERIES "collector_mock_stand_in_spans_total"

/* What is not here counts, and the rest works on. */
static void a_lenient_collector_counts_for_what_is_not_here(void **state)
{
    static const char config[] =
        RECEIVER "processors: {queued_retry: }\n"
                 "exporters: {jaeger: {endpoint: 'jaeger:14250'}, file: {path: DIR/spans.json}}\n"
                 "service:\n"
                 "  pipelines: {traces: {receivers: [otlp], processors: [queued_retry],\n"
                 "    exporters: [jaeger, file]}}\n" METRICS;
    struct rig *rig = *state;
    char body[64];
    struct otl_view view = {body, numbered(7, body)};
    struct otl_buf text;
    int fd;

    rig_config(rig, config);
    rig_start(rig, "--lenient");
    fd = rig_connect(rig_port(rig, "otlp/http"));
    assert_int_equal(rig_post(fd, "Content-Type: application/x-protobuf\r\n", view, NULL), 200);
    close(fd);
    assert_true(rig_metric(rig, SERIES "{component=\"jaeger\"}") == 1);
    assert_true(rig_metric(rig, SERIES "{component=\"queued_retry\"}") == 1);
    assert_int_equal(rig_stop(rig), 0);
    rig_read(rig->log, &text);
    assert_non_null(strstr(text.data, "the jaeger exporter was removed in v0.86"));
    otl_buf_fini(&text);
}

/* One request goes to each of them, also where they are more than a few. */
static void a_receiver_gives_to_hundreds_of_pipelines(void **state)
{
    enum { PIPELINES = 200 };
    static const char head[] = RECEIVER "exporters: {nop: }\nservice:\n" METRICS "  pipelines:\n";
    struct rig *rig = *state;
    struct otl_buf config;
    char body[64];
    struct otl_view view = {body, numbered(7, body)};
    int fd;

    otl_buf_init(&config, 1u << 20);
    assert_int_equal(otl_buf_append_str(&config, head), OTEL_OK);
    for (unsigned i = 0; i < PIPELINES; i++)
        assert_int_equal(otl_buf_printf(&config,
                                        "    traces/%u: {receivers: [otlp], exporters: [nop]}\n",
                                        i),
                         OTEL_OK);
    assert_int_equal(otl_buf_append_byte(&config, '\0'), OTEL_OK);
    rig_config(rig, config.data);
    otl_buf_fini(&config);
    rig_start(rig, NULL);
    fd = rig_connect(rig_port(rig, "otlp/http"));
    assert_int_equal(rig_post(fd, "", view, NULL), 200);
    close(fd);
    assert_true(rig_metric(rig, "otelcol_exporter_sent_spans_total{exporter=\"nop\"}") ==
                PIPELINES);
    assert_int_equal(rig_stop(rig), 0);
}

static void exporters_write_the_framing_of_the_collector(void **state)
{
    static const char *const names[] = {"full", "extremes", "groups", "minimal", "no-spans"};
    struct rig *rig = *state;
    struct otl_buf json, proto, official;
    const char *line;
    char path[256];
    size_t at = 0;
    int fd;

    rig_config(rig, with_files);
    rig_start(rig, NULL);
    fd = rig_connect(rig_port(rig, "otlp/http"));
    for (size_t i = 0; i < 5; i++) {
        rig_official(names[i], &official);
        assert_int_equal(rig_post(fd, "", otl_view(official.data, official.len), NULL), 200);
        otl_buf_fini(&official);
    }
    close(fd);
    assert_int_equal(rig_stop(rig), 0);
    snprintf(path, sizeof(path), "%s/spans.json", rig->dir);
    rig_read(path, &json);
    snprintf(path, sizeof(path), "%s/spans.bin", rig->dir);
    rig_read(path, &proto);
    line = json.data;
    for (size_t i = 0; i < 4; i++) { /* no-spans does not reach the pipeline */
        const uint8_t *length = (const uint8_t *)proto.data + at;
        const char *end = strchr(line, '\n');
        json_t *mine, *theirs;

        assert_non_null(end);
        mine = json_loadb(line, (size_t)(end - line), JSON_ALLOW_NUL, NULL);
        snprintf(path, sizeof(path), "ci/witness/official/%s.json", names[i]);
        theirs = json_load_file(path, JSON_ALLOW_NUL, NULL);
        assert_non_null(mine);
        assert_non_null(theirs);
        if (!json_equal(mine, theirs))
            fail_msg("%s differs: %.*s", names[i], (int)(end - line), line);
        json_decref(mine);
        json_decref(theirs);
        line = end + 1;

        rig_official(names[i], &official);
        assert_true(at + 4 + official.len <= proto.len);
        assert_int_equal((uint32_t)length[0] << 24 | (uint32_t)length[1] << 16 |
                             (uint32_t)length[2] << 8 | length[3],
                         official.len);
        assert_memory_equal(proto.data + at + 4, official.data, official.len);
        at += 4 + official.len;
        otl_buf_fini(&official);
    }
    assert_int_equal(*line, '\0');
    assert_int_equal(at, proto.len);
    otl_buf_fini(&json);
    otl_buf_fini(&proto);
}

/* Every number up to count is in the tap as a request; returns how many requests there are. */
static uint64_t check_tap(const struct rig *rig, const _Atomic bool *acknowledged, uint64_t count)
{
    bool *seen = calloc(count, sizeof(*seen));
    struct col_tap_reader reader;
    struct col_tap_record record;
    uint64_t requests = 0;

    assert_non_null(seen);
    assert_int_equal(col_tap_open(rig->tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        uint64_t number;
        if (record.type != COL_TAP_REQUEST)
            continue;
        requests++;
        number = number_of(record.body);
        assert_true(number < count);
        assert_false(seen[number]);
        seen[number] = true;
    }
    assert_false(reader.damaged);
    col_tap_close(&reader);
    for (uint64_t i = 0; i < count; i++)
        if (acknowledged[i] && !seen[i])
            fail_msg("request %llu was acknowledged and is not in the tap", (unsigned long long)i);
    free(seen);
    return requests;
}

enum { CLIENTS = 4, NUMBERS = 400000 };

struct load {
    unsigned port;
    _Atomic uint64_t next;
    _Atomic uint64_t acked;
    uint64_t enough; /* acknowledgements that are waited for */
    sem_t reached;
    _Atomic bool acknowledged[NUMBERS];
};

/* Requests one after another until the collector closes the connection. No assertions here: they
 * belong to the main thread. */
static void *client(void *arg)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";
    struct load *load = arg;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
    struct timeval patience = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        goto done;
    for (;;) {
        uint64_t number = atomic_fetch_add(&load->next, 1);
        char text[512], body[64];
        size_t len = numbered(number, body);
        int head = snprintf(text, sizeof(text),
                            "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: "
                            "application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                            len);
        ssize_t got;

        if (number >= NUMBERS)
            break;
        memcpy(text + head, body, len);
        if (send(fd, text, (size_t)head + len, MSG_NOSIGNAL) != head + (ssize_t)len)
            break;
        do /* with a limit of time, it ends where the process is stopped and goes on */
            got = recv(fd, text, sizeof(text), 0);
        while (got < 0 && errno == EINTR);
        if (got < (ssize_t)sizeof(ok) - 1 || memcmp(text, ok, sizeof(ok) - 1) != 0)
            break;
        atomic_store(&load->acknowledged[number], true);
        if (atomic_fetch_add(&load->acked, 1) + 1 == load->enough)
            sem_post(&load->reached);
        if (memmem(text, (size_t)got, "Connection: close", 17) != NULL)
            break;
    }
done:
    close(fd);
    return NULL;
}

static struct load *run_load(struct rig *rig, int number, uint64_t acks)
{
    struct load *load = calloc(1, sizeof(*load));
    struct timespec deadline;
    pthread_t threads[CLIENTS];

    assert_non_null(load);
    load->enough = acks;
    assert_int_equal(sem_init(&load->reached, 0, 0), 0);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &deadline), 0);
    deadline.tv_sec += 240;
    load->port = rig_port(rig, "otlp/http");
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, client, load), 0);
    assert_int_equal(sem_timedwait(&load->reached, &deadline), 0);
    assert_int_equal(kill(rig->pid, number), 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    sem_destroy(&load->reached);
    return load;
}

static void sigterm_under_load_loses_nothing_that_was_accepted(void **state)
{
    struct rig *rig = *state;
    struct load *load;
    struct otl_buf json;
    uint64_t requests, lines = 0;
    char path[256];

    rig_config(rig, with_files);
    rig_start(rig, NULL);
    load = run_load(rig, SIGTERM, 2000);
    assert_int_equal(rig_wait(rig), 0);
    requests = check_tap(rig, load->acknowledged, NUMBERS);
    assert_true(requests >= load->acked);
    snprintf(path, sizeof(path), "%s/spans.json", rig->dir);
    rig_read(path, &json);
    for (size_t i = 0; i < json.len; i++)
        lines += json.data[i] == '\n';
    assert_int_equal(lines, requests);
    otl_buf_fini(&json);
    free(load);
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    struct rig *rig = *state;
    struct load *load;

    rig_config(rig, with_nop);
    rig_start(rig, NULL);
    load = run_load(rig, SIGKILL, 2000);
    assert_int_equal(rig_wait(rig), 1000 + SIGKILL);
    assert_true(check_tap(rig, load->acknowledged, NUMBERS) >= load->acked);
    free(load);
    /* and the next life appends to it */
    rig_start(rig, NULL);
    assert_int_equal(rig_stop(rig), 0);
}

static void requests_and_answers_are_recorded(void **state)
{
    struct rig *rig = *state;
    struct col_tap_reader reader;
    struct col_tap_record record;
    struct otl_buf official;
    int fd;

    rig_config(rig, with_nop);
    rig_start(rig, NULL);
    rig_official("groups", &official);
    fd = rig_connect(rig_port(rig, "otlp/http"));
    assert_int_equal(rig_post(fd, "", otl_view(official.data, official.len), NULL), 200);
    assert_int_equal(rig_post(fd, "", otl_view("x", 1), NULL), 400);
    close(fd);
    assert_int_equal(rig_stop(rig), 0);
    assert_int_equal(col_tap_open(rig->tap, &reader, NULL), OTEL_OK);
    assert_true(col_tap_next(&reader, &record));
    assert_int_equal(record.type, COL_TAP_START);
    assert_true(record.wall_ns > 1600000000000000000ULL);
    for (uint64_t number = 1; number <= 2; number++) {
        uint64_t received;
        assert_true(col_tap_next(&reader, &record));
        assert_int_equal(record.type, COL_TAP_REQUEST);
        assert_int_equal(record.request, number);
        assert_int_equal(record.connection, 1);
        assert_int_equal(record.encoding, COL_TAP_PROTOBUF);
        assert_int_equal(record.transport, COL_TAP_HTTP);
        assert_int_equal(record.signal, COL_TAP_TRACES);
        assert_int_equal(record.spans, number == 1 ? 24 : 0);
        assert_int_equal(record.flags, number == 1 ? 0 : COL_TAP_UNDECODABLE);
        if (number == 1)
            assert_true(otl_view_equal(record.body, otl_view(official.data, official.len)));
        received = record.mono_ns;
        assert_true(col_tap_next(&reader, &record));
        assert_int_equal(record.type, COL_TAP_ANSWER);
        assert_int_equal(record.request, number);
        assert_int_equal(record.status, number == 1 ? 200 : 400);
        assert_true(record.mono_ns >= received);
        assert_int_equal(record.flags, 0);
    }
    assert_false(col_tap_next(&reader, &record));
    col_tap_close(&reader);
    otl_buf_fini(&official);
}

static unsigned post_json(int fd, struct otl_view body)
{
    struct otl_buf answer;
    unsigned status;
    char head[200];
    int len = snprintf(head, sizeof(head),
                       "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       body.len);

    otl_buf_init(&answer, 1 << 20);
    rig_send(fd, head, (size_t)len);
    rig_send(fd, body.data, body.len);
    status = rig_answer(fd, &answer);
    otl_buf_fini(&answer);
    return status;
}

static void json_is_recorded_as_the_protobuf_that_says_the_same(void **state)
{
    struct rig *rig = *state;
    struct otl_buf json, same;
    struct col_tap_reader reader;
    struct col_tap_record record;
    size_t requests = 0;
    int fd;

    rig_config(rig, with_nop);
    rig_start(rig, NULL);
    rig_read("ci/witness/official/groups.json", &json);
    otl_buf_init(&same, 1 << 20);
    assert_int_equal(col_json_decode(COL_TRACES, otl_view(json.data, json.len), &same, NULL),
                     OTEL_OK);
    fd = rig_connect(rig_port(rig, "otlp/http"));
    assert_int_equal(post_json(fd, otl_view(json.data, json.len)), 200);
    assert_int_equal(post_json(fd, otl_view("[]", 2)), 400);
    close(fd);
    assert_int_equal(rig_stop(rig), 0);
    assert_int_equal(col_tap_open(rig->tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        if (record.type != COL_TAP_REQUEST)
            continue;
        if (requests++ == 0) {
            assert_int_equal(record.encoding, COL_TAP_PROTOBUF);
            assert_int_equal(record.spans, 24);
            assert_true(otl_view_equal(record.body, otl_view(same.data, same.len)));
        } else {
            assert_int_equal(record.encoding, COL_TAP_JSON);
            assert_int_equal(record.flags, COL_TAP_UNDECODABLE);
            assert_true(otl_view_is(record.body, "[]"));
        }
    }
    assert_int_equal(requests, 2);
    col_tap_close(&reader);
    otl_buf_fini(&json);
    otl_buf_fini(&same);
}

static void a_broken_collector_acknowledges_and_loses(void **state)
{
    struct rig *rig = *state;
    struct col_tap_reader reader;
    struct col_tap_record record;
    uint64_t requests = 0;
    char body[64];
    int fd;

    rig_config(rig, with_nop);
    rig_start(rig, "--broken=lose-after-ack:5");
    fd = rig_connect(rig_port(rig, "otlp/http"));
    for (uint64_t i = 0; i < 20; i++) {
        size_t len = numbered(i, body);
        assert_int_equal(rig_post(fd, "", otl_view(body, len), NULL), 200);
    }
    close(fd);
    assert_int_equal((int)rig_metric(rig, "collector_mock_lost_on_purpose_spans_total"), 4);
    assert_int_equal(rig_stop(rig), 0);
    assert_int_equal(col_tap_open(rig->tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record)) {
        requests += record.type == COL_TAP_REQUEST;
        if (record.type == COL_TAP_REQUEST)
            assert_int_not_equal(number_of(record.body) % 5, 4);
    }
    assert_int_equal(requests, 16);
    col_tap_close(&reader);
}

/* ---- a full disk ---- */

static void a_full_disk_is_503_and_leaves_whole_files(void **state)
{
    static const char refused[] =
        "otelcol_receiver_refused_spans_total{receiver=\"otlp\",transport=\"http\"}";
    struct rig *rig = *state;
    struct otl_buf answer, text;
    unsigned good = 0, bad = 0;
    char path[256];
    int fd;

    rig_config(rig, with_files);
    rig->file_limit = 20000; /* the json file is full before the tap */
    rig_start(rig, NULL);
    rig_official("full", &text);
    otl_buf_init(&answer, 1 << 20);
    fd = rig_connect(rig_port(rig, "otlp/http"));
    for (int i = 0; i < 6; i++) {
        unsigned status = rig_post(fd, "", otl_view(text.data, text.len), &answer);
        good += status == 200;
        bad += status == 503;
        if (status == 503)
            assert_non_null(memmem(answer.data, answer.len, "File too large", 14));
    }
    otl_buf_fini(&text);
    assert_int_equal(good, 4);
    assert_int_equal(bad, 2);
    assert_int_equal((int)rig_metric(rig, refused), 2);
    for (int i = 0; i < 12; i++) /* until the tap is full as well */
        rig_post(fd, "", otl_view("\n\x00", 2), &answer);
    assert_int_equal((int)rig_metric(rig, "collector_mock_tap_failures_total") > 0, 0);
    rig_official("extremes", &text);
    assert_int_equal(rig_post(fd, "", otl_view(text.data, text.len), &answer), 503);
    assert_non_null(memmem(answer.data, answer.len, "cannot record the request", 25));
    assert_int_equal((int)rig_metric(rig, "collector_mock_tap_failures_total"), 1);
    otl_buf_fini(&text);
    close(fd);
    assert_int_equal(rig_stop(rig), 0);
    snprintf(path, sizeof(path), "%s/spans.json", rig->dir);
    rig_read(path, &text);
    assert_int_equal(text.data[text.len - 1], '\n');
    otl_buf_fini(&text);
    rig_read(rig->log, &text);
    assert_non_null(strstr(text.data, "cannot write"));
    otl_buf_fini(&text);
    otl_buf_fini(&answer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lenient_collector_counts_for_what_is_not_here),
        CASE(a_receiver_gives_to_hundreds_of_pipelines),
        CASE(exporters_write_the_framing_of_the_collector),
        CASE(requests_and_answers_are_recorded),
        CASE(json_is_recorded_as_the_protobuf_that_says_the_same),
        CASE(sigterm_under_load_loses_nothing_that_was_accepted),
        CASE(what_was_acknowledged_survives_kill_9),
        CASE(a_broken_collector_acknowledges_and_loses),
        CASE(a_full_disk_is_503_and_leaves_whole_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
