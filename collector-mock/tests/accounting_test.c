/* SPDX-License-Identifier: Apache-2.0 */
/* The books of the whole process balance at every moment and after every fault, over both
 * protocols, with several clients at once. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/faults/fault.h"
#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/books.h"
#include "collector-mock/tests/certs.h"
#include "collector-mock/tests/rig.h"
#include "collector-mock/tests/secure.h"
#include "collector-mock/wire/signal.h"

/* For spans, data points and log records, each in a process of its own; the equations stand in
 * books.h. */

enum {
    PREFIX = 5,  /* of a gRPC message */
    CLIENTS = 3, /* of each protocol at once */
    NONE = -1    /* no answer */
};

#define TAIL "collector_mock_tail_sampling_"

/* How a fault is met, and what becomes of a request that it has hit. */
enum way {
    ANSWERED, /* while it is under way */
    KEPT,     /* until it is over, then dropped */
    LATE,     /* until it is over, then served */
    AWAY,     /* nobody listens */
    WRITING,  /* it hits what leaves the pipeline */
    SHAKING   /* it hits handshakes */
};

/* What the pipeline is given of a request. */
enum share { ALL, NOTHING, ALL_BUT_5, TWICE };

static const struct row {
    enum col_fault_kind kind;
    const char *more; /* settings of the command; DIR is the rig's */
    enum way way;
    int http;         /* the status, or NONE */
    int grpc;         /* the code, or NONE */
    enum share into;
} rows[] = {
    {COL_FAULT_DELAY, "\"delay\":\"1ms\"", ANSWERED, 200, 0, ALL},
    {COL_FAULT_STATUS, "\"status\":503", ANSWERED, 503, 14, NOTHING},
    {COL_FAULT_STATUS, "\"status\":429,\"retry_after\":\"1s\"", ANSWERED, 429, 8, NOTHING},
    {COL_FAULT_STATUS, "\"code\":3", ANSWERED, 400, 3, NOTHING},
    {COL_FAULT_STALL, NULL, KEPT, NONE, NONE, NOTHING},
    {COL_FAULT_REFUSE, NULL, AWAY, NONE, NONE, ALL},
    {COL_FAULT_PARTIAL, "\"rejected\":5", ANSWERED, 200, 0, ALL_BUT_5},
    {COL_FAULT_PARTIAL, "\"rejected\":500", ANSWERED, 200, 0, NOTHING},
    {COL_FAULT_RST_STREAM, NULL, ANSWERED, NONE, NONE, NOTHING},
    {COL_FAULT_GOAWAY, NULL, ANSWERED, NONE, NONE, NOTHING},
    {COL_FAULT_HALF_OPEN, NULL, KEPT, NONE, NONE, NOTHING},
    {COL_FAULT_TRUNCATED, NULL, ANSWERED, 200, NONE, ALL},
    {COL_FAULT_CORRUPT_GZIP, NULL, ANSWERED, 200, 0, ALL},
    {COL_FAULT_WRONG_TYPE, NULL, ANSWERED, 200, NONE, ALL},
    {COL_FAULT_OVERSIZED, "\"size\":10000", ANSWERED, 200, 0, ALL},
    {COL_FAULT_SLOW_ANSWER, "\"rate\":100000", ANSWERED, 200, 0, ALL},
    {COL_FAULT_DUPLICATE, NULL, ANSWERED, 200, 0, TWICE},
    {COL_FAULT_CLOCK_SKEW, "\"skew\":\"1h\"", ANSWERED, 200, 0, ALL},
    {COL_FAULT_MEMORY, NULL, ANSWERED, 503, 14, NOTHING},
    {COL_FAULT_DISK_FULL, NULL, WRITING, 200, 0, ALL},
    {COL_FAULT_ACCEPT_STALL, NULL, LATE, 200, 0, ALL},
    {COL_FAULT_SLOW_READ, "\"rate\":100000", ANSWERED, 200, 0, ALL},
    {COL_FAULT_TLS_REFUSE, NULL, SHAKING, NONE, NONE, NOTHING},
    {COL_FAULT_TLS_CERTIFICATE,
     "\"cert_file\":\"DIR/itself.pem\",\"key_file\":\"DIR/itself-key.pem\"", SHAKING, NONE, NONE,
     NOTHING},
    {COL_FAULT_RESTART, "\"for\":\"24h\"", AWAY, NONE, NONE, ALL},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const char config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'%s},\n"
    "                               grpc: {endpoint: '127.0.0.1:0'%s}}}}\n"
    "exporters: {file: {path: DIR/out.bin, format: proto}}\n"
    "processors:\n"
    "  memory_limiter: {check_interval: 1s, limit_mib: 100000}\n"
    "%s";
#define PIPELINE(signal, chooses)                                                                 \
    "service:\n"                                                                                  \
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"                                          \
    "  pipelines: {" signal ": {receivers: [otlp], processors: [memory_limiter, " chooses "],\n"  \
    "                       exporters: [file]}}\n"

/* Batches that go when they are large enough, and at the end. */
static const struct cargo {
    enum col_signal signal;
    const char *official, *method, *more; /* more: of the configuration */
    unsigned items; /* of the official request */
} cargoes[COL_SIGNALS] = {
    {COL_TRACES, "groups", "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
     "  tail_sampling: {decision_wait: 1s, num_traces: 40, compat: {max_bytes: 6144},\n"
     "                  policies: [{name: p, type: probabilistic, probabilistic:\n"
     "                              {sampling_percentage: 50}}]}\n"
     PIPELINE("traces", "tail_sampling"), 24},
    {COL_METRICS, "metrics", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
     "  filter: {metrics: {datapoint: ['attributes[\"k\"] == \"none\"']}}\n"
     "  batch: {timeout: 24h, send_batch_size: 20}\n"
     PIPELINE("metrics", "filter, batch"), 16},
    {COL_LOGS, "logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
     "  probabilistic_sampler: {sampling_percentage: 50, fail_closed: false}\n"
     "  batch: {timeout: 24h, send_batch_size: 10}\n"
     PIPELINE("logs", "probabilistic_sampler, batch"), 6},
};
static const char tls[] = ", tls: {cert_file: DIR/server.pem, key_file: DIR/server-key.pem}";

static const struct cargo *cargo;
static double most_held; /* in memory, at any look */
static struct rig rig;
static struct otl_buf framed, metrics; /* the request as a gRPC message; the last look */
static struct ask ask;
static int posts[CLIENTS];
static struct client callers[CLIENTS];
static char ca[128];

static void start(enum col_signal signal_of, const char *security)
{
    char text[2048];
    struct otl_buf body;

    signal(SIGPIPE, SIG_IGN);
    cargo = &cargoes[signal_of];
    most_held = 0;
    rig_init(&rig);
    rig_official(cargo->official, &body);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(body.data, body.len));
    otl_buf_fini(&body);
    ask = (struct ask){.path = cargo->method, .body = framed.data, .len = framed.len};
    otl_buf_init(&metrics, 1u << 20);
    snprintf(text, sizeof(text), config, security, security, cargo->more);
    rig_config(&rig, text);
}

static int setup_traces(void **state)
{
    (void)state;
    start(COL_TRACES, "");
    return 0;
}

static int setup_metrics(void **state)
{
    (void)state;
    start(COL_METRICS, "");
    return 0;
}

static int setup_logs(void **state)
{
    (void)state;
    start(COL_LOGS, "");
    return 0;
}

static int setup_tls(void **state)
{
    struct certs *certs;

    (void)state;
    start(COL_TRACES, tls);
    certs = certs_new(rig.dir);
    certs_make(certs, &(struct certs_ask){.name = "server"});
    certs_make(certs, &(struct certs_ask){.name = "itself", .of_itself = true});
    certs_free(certs);
    snprintf(ca, sizeof(ca), "%s/ca.pem", rig.dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&framed);
    otl_buf_fini(&metrics);
    return 0;
}

/* ---- the books ---- */

static double value(const char *series)
{
    double found = rig_metric_in(&metrics, series);

    if (found < 0)
        fail_msg("no %s", series);
    return found;
}

/* One look at all the numbers. */
static struct books balanced(const char *when)
{
    struct books books;

    otl_buf_fini(&metrics);
    rig_metrics(&rig, &metrics);
    books = books_balanced(&metrics, cargo->signal, when);
    most_held = books.held > most_held ? books.held : most_held;
    return books;
}

/* Look, until a series of the fault has grown by so many. */
static void until(const struct row *row, const char *what, double end)
{
    char series[120];

    snprintf(series, sizeof(series), "collector_mock_%s_total{fault=\"%s\"}", what,
             col_fault_word(row->kind));
    rig_metric_until(&rig, series, end);
}

static double grown(const struct row *row, const char *what)
{
    char series[120];

    snprintf(series, sizeof(series), "collector_mock_%s_total{fault=\"%s\"}", what,
             col_fault_word(row->kind));
    return value(series);
}

/* ---- clients ---- */

/* Traces that nobody has seen yet: their ids are a byte and 01 02 ... 0f in the request. */
static void freshen(void)
{
    static const uint8_t rest[] = {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static uint32_t serial;

    serial++;
    for (size_t at = PREFIX + 4; at + sizeof(rest) <= framed.len; at++)
        if (memcmp(framed.data + at, rest, sizeof(rest)) == 0)
            memcpy(framed.data + at - sizeof(serial), &serial, sizeof(serial));
}

static void post(int fd)
{
    char head[200];
    int len = snprintf(head, sizeof(head),
                       "POST /v1/%s HTTP/1.1\r\nHost: x\r\n"
                       "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                       col_signal_name(cargo->signal), framed.len - PREFIX);

    freshen();
    rig_send(fd, head, (size_t)len);
    rig_send(fd, framed.data + PREFIX, framed.len - PREFIX);
}

static void call(struct client *client)
{
    freshen();
    client_ask(client, &ask);
    client_turn(client);
}

static void join_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        posts[i] = rig_connect(rig_port(&rig, "otlp/http"));
        client_open(&callers[i], rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    }
}

static void leave_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        close(posts[i]);
        client_close(&callers[i]);
    }
}

static void ask_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        post(posts[i]);
        call(&callers[i]);
    }
}

static int answer_of(int fd)
{
    struct otl_buf answer;
    unsigned status;

    otl_buf_init(&answer, 1 << 20);
    status = rig_answer(fd, &answer);
    otl_buf_fini(&answer);
    return status != 0 ? (int)status : NONE;
}

/* Of the last call. */
static int code_of(struct client *client)
{
    struct call *last = client->calls[client->count - 1];

    if (!client_until(client, &last->closed))
        fail_msg("no answer");
    return last->code;
}

static void expect_answers(const char *word, int http, int grpc)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        int status = answer_of(posts[i]), code = code_of(&callers[i]);
        if (status != http || code != grpc)
            fail_msg("%s: client %zu is answered %d by HTTP (expected %d), %d by gRPC (%d)", word,
                     i, status, http, code, grpc);
    }
}

/* Everybody is served as usual. */
static void check_served(void)
{
    struct books before = balanced("before the next requests"), after;

    join_all();
    ask_all();
    (void)balanced("the next requests under way");
    expect_answers("the next requests", 200, 0);
    after = balanced("after the next requests");
    assert_true(after.accepted == before.accepted + 2 * CLIENTS * cargo->items);
    leave_all();
}

/* ---- rows ---- */

static void begin(const struct row *row, size_t id)
{
    char command[512], more[400] = "";
    const char *at = row->more != NULL ? row->more : "";

    while (*at != '\0') {
        size_t len = strlen(more);
        bool dir = strncmp(at, "DIR", 3) == 0;
        snprintf(more + len, sizeof(more) - len, dir ? "%s" : "%.1s", dir ? rig.dir : at);
        at += dir ? 3 : 1;
    }
    snprintf(command, sizeof(command), "{\"do\":\"fault\",\"id\":%zu,\"kind\":\"%s\"%s%s}", id,
             col_fault_word(row->kind), more[0] != '\0' ? "," : "", more);
    rig_command(&rig, command);
    rig_metric_until(&rig, "collector_mock_faults_active", 1);
}

static void finish(size_t id)
{
    char command[60];

    snprintf(command, sizeof(command), "{\"do\":\"end\",\"id\":%zu}", id);
    rig_command(&rig, command);
    while (rig_metric(&rig, "collector_mock_faults_active") > 0)
        continue;
}

static unsigned items_into(enum share share)
{
    switch (share) {
    case NOTHING:
        return 0;
    case ALL_BUT_5:
        return cargo->items - 5;
    case TWICE:
        return 2 * cargo->items;
    case ALL:
        break;
    }
    return cargo->items;
}

/* What is hit is asked while the fault is under way. */
static void meet(const struct row *row, size_t id)
{
    const char *word = col_fault_word(row->kind);
    const char *hits = col_fault_on_connections(row->kind) ? "fault_hit_connections"
                                                           : "fault_requests";
    struct books before = balanced(word), after;
    unsigned into = items_into(row->into);
    double hit = grown(row, hits);

    begin(row, id);
    join_all();
    ask_all();
    (void)balanced(word);
    if (row->way == ANSWERED)
        expect_answers(word, row->http, row->grpc);
    until(row, hits, row->way == WRITING ? hit + 1 : hit + 2 * CLIENTS);
    after = balanced(word);
    if (row->way == LATE)
        assert_true(after.received == before.received);
    finish(id);
    if (row->way != ANSWERED)
        expect_answers(word, row->http, row->grpc);
    leave_all();
    after = balanced(word);
    if (after.received - before.received != 2 * CLIENTS * cargo->items ||
        after.accepted - before.accepted != 2 * CLIENTS * into ||
        (into < cargo->items &&
         after.refused - before.refused != 2 * CLIENTS * (cargo->items - into)))
        fail_msg("%s: received %.0f, accepted %.0f, refused %.0f", word,
                 after.received - before.received, after.accepted - before.accepted,
                 after.refused - before.refused);
}

static int connect_error(const char *protocol)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)rig_port(&rig, protocol)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        error = errno;
    close(fd);
    return error;
}

/* Connections that are ended with requests on their way, and nobody listens. Whether a request was
 * received before is chance; the books know it. */
static void stay_away(const struct row *row, size_t id)
{
    const char *word = col_fault_word(row->kind);
    struct books before = balanced(word), after;
    double acknowledged = 0;

    join_all();
    ask_all();
    expect_answers("before it goes away", 200, 0);
    ask_all();
    begin(row, id);
    (void)balanced(word);
    assert_int_equal(connect_error("otlp/http"), ECONNREFUSED);
    assert_int_equal(connect_error("otlp/grpc"), ECONNREFUSED);
    for (size_t i = 0; i < CLIENTS; i++)
        acknowledged += (answer_of(posts[i]) == 200 ? cargo->items : 0) +
                        (code_of(&callers[i]) == 0 ? cargo->items : 0);
    leave_all();
    finish(id);
    after = balanced(word);
    assert_true(after.refused == before.refused);
    assert_true(after.accepted - before.accepted >= 2 * CLIENTS * cargo->items + acknowledged);
    assert_true(after.accepted - before.accepted <= 4 * CLIENTS * cargo->items);
}

/* True: both protocols have shaken hands. */
static bool shake(void)
{
    static const char *const words[][2] = {{"otlp/http", "http/1.1"}, {"otlp/grpc", "h2"}};
    bool done = true;

    for (size_t i = 0; i < 2; i++) {
        struct secure secure;
        done &= secure_open(&secure, rig_connect(rig_port(&rig, words[i][0])),
                            &(struct secure_ask){.ca = ca, .protocol = words[i][1]});
        secure_close(&secure);
    }
    return done;
}

static void check_served_securely(void)
{
    struct secure secure;
    int code;

    assert_true(secure_open(&secure, rig_connect(rig_port(&rig, "otlp/grpc")),
                            &(struct secure_ask){.ca = ca, .protocol = "h2"}));
    client_open(&callers[0], secure.fd, NULL, NULL);
    callers[0].tls = secure.tls;
    call(&callers[0]);
    code = code_of(&callers[0]);
    assert_int_equal(code, 0);
    client_close(&callers[0]);
}

static void shake_hands(const struct row *row, size_t id)
{
    const char *word = col_fault_word(row->kind);
    struct books before = balanced(word), after;

    begin(row, id);
    for (size_t i = 0; i < CLIENTS; i++)
        if (shake())
            fail_msg("%s: hands were shaken", word);
    until(row, "fault_hit_connections", 2 * CLIENTS);
    after = balanced(word);
    assert_true(after.received == before.received);
    finish(id);
    check_served_securely();
    after = balanced(word);
    assert_true(after.accepted == before.accepted + cargo->items);
}

/* ---- the end ---- */

/* All that was received, by the record that is written before anything else happens. */
static double recorded(void)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    double spans = 0;

    assert_int_equal(col_tap_open(rig.tap, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &record))
        spans += record.type == COL_TAP_REQUEST ? record.spans : 0;
    col_tap_close(&reader);
    return spans;
}

/* What the exporter wrote, counted in its file. */
static double written(void)
{
    struct otl_buf text;
    uint64_t count, sum = 0;
    char path[128];

    snprintf(path, sizeof(path), "%s/out.bin", rig.dir);
    rig_read(path, &text);
    for (size_t at = 0; at < text.len;) {
        const uint8_t *head = (const uint8_t *)text.data + at;
        size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        assert_true(text.len - at - 4 >= len);
        assert_int_equal(col_request_check(cargo->signal, otl_view(text.data + at + 4, len), &count,
                                           NULL),
                         OTEL_OK);
        sum += count;
        at += 4 + len;
    }
    otl_buf_fini(&text);
    return (double)sum;
}

/* When all traces are decided: two seconds and a little behind the last span. What waits in a
 * batch is written at the end. */
static void settle(void)
{
    struct books before = balanced("the end"), after = before;

    for (int i = 0; i < 600 && cargo->signal == COL_TRACES && after.held > 0; i++) {
        poll(NULL, 0, 50);
        after = balanced("the end");
        assert_true(after.accepted == before.accepted);
    }
    assert_true(cargo->signal != COL_TRACES || after.held == 0);
    assert_true(after.left_out > 0 && after.written > 0 && after.lost > 0 && most_held > 0);
    assert_int_equal(rig_stop(&rig), 0);
    assert_true(recorded() == after.received);
    assert_true(written() == after.written + after.held);
}

static void check_every_fault(void)
{
    rig_start_control(&rig);
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].way == SHAKING)
            continue;
        if (rows[i].way == AWAY)
            stay_away(&rows[i], i + 1);
        else
            meet(&rows[i], i + 1);
        check_served();
    }
}

static void the_books_balance_after_every_fault(void **state)
{
    (void)state;
    check_every_fault();
    assert_true(
        value(TAIL "dropped_spans_total{processor=\"tail_sampling\",reason=\"max_bytes\"}") > 0);
    settle();
}

/* Of data points and log records. */
static void the_books_of_batches_balance_after_every_fault(void **state)
{
    (void)state;
    check_every_fault();
    settle();
}

static void the_books_balance_after_faults_of_tls(void **state)
{
    (void)state;
    rig_start_control(&rig);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].way == SHAKING)
            shake_hands(&rows[i], i + 1);
    assert_int_equal(rig_stop(&rig), 0);
}

static void every_kind_of_fault_has_its_row(void **state)
{
    bool shown[COL_FAULT_KINDS] = {false};

    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        shown[rows[i].kind] = true;
    for (unsigned kind = 0; kind < COL_FAULT_KINDS; kind++)
        if (!shown[kind])
            fail_msg("no row of the accounting test is about '%s'",
                     col_fault_word((enum col_fault_kind)kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_books_balance_after_every_fault, setup_traces,
                                        teardown),
        {"the_books_of_data_points_balance_after_every_fault",
         the_books_of_batches_balance_after_every_fault, setup_metrics, teardown, NULL},
        {"the_books_of_log_records_balance_after_every_fault",
         the_books_of_batches_balance_after_every_fault, setup_logs, teardown, NULL},
        cmocka_unit_test_setup_teardown(the_books_balance_after_faults_of_tls, setup_tls,
                                        teardown),
        cmocka_unit_test(every_kind_of_fault_has_its_row),
    };

    return cmocka_run_group_tests_name("accounting", tests, NULL, NULL);
}
