/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send, asked of the program over both protocols. */
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

#include "collector-mock/extensions/base64.h"
#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/rig.h"
#include "sdk/base/file.h"

static struct rig rig;
static struct otl_buf answer;
static struct otl_buf body;
static struct client client;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    otl_buf_init(&answer, 1u << 20);
    rig_official("minimal", &body);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&answer);
    otl_buf_fini(&body);
    return 0;
}

static void configure(const char *extension, const char *http, const char *grpc)
{
    char text[4096];

    snprintf(text, sizeof(text),
             "receivers:\n"
             "  otlp:\n"
             "    protocols:\n"
             "      http: {endpoint: '127.0.0.1:0', auth: {authenticator: %s}}\n"
             "      grpc: {endpoint: '127.0.0.1:0', auth: {authenticator: %s}}\n"
             "exporters: {nop: }\n"
             "extensions:\n"
             "  %s\n"
             "service:\n"
             "  extensions: [%.*s]\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n"
             "  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, "
             "port: 0}}}}]}}\n",
             http, grpc, extension, (int)strcspn(extension, ":"), extension);
    rig_config(&rig, text);
}

/* "Basic ...", for these words. */
static void basic(const char *words, char *out, size_t size)
{
    struct otl_buf value;

    otl_buf_init(&value, 8192);
    assert_int_equal(otl_buf_append_str(&value, "Basic "), OTEL_OK);
    assert_int_equal(col_base64_append(&value, otl_view_str(words)), OTEL_OK);
    snprintf(out, size, "%s", value.data);
    otl_buf_fini(&value);
}

static void send_request(int fd, const char *type, const char *authorization)
{
    char head[8192];
    int len = snprintf(head, sizeof(head),
                       "POST /v1/traces HTTP/1.1\r\nHost: x\r\n%s%s%s%s%s%s"
                       "Content-Length: %zu\r\n\r\n",
                       type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "",
                       authorization ? "Authorization: " : "", authorization ? authorization : "",
                       authorization ? "\r\n" : "", body.len);

    rig_send(fd, head, (size_t)len);
    rig_send(fd, body.data, body.len);
}

static unsigned ask_http(const char *type, const char *authorization)
{
    int fd = rig_connect(rig_port(&rig, "otlp/http"));
    unsigned status;

    send_request(fd, type, authorization);
    status = rig_answer(fd, &answer);
    close(fd);
    return status;
}

static struct otl_view answer_body(void)
{
    const char *at = strstr(answer.data, "\r\n\r\n") + 4;

    return otl_view(at, (size_t)(answer.data + answer.len - at));
}

static const char protobuf[] = "application/x-protobuf";
/* A dollar is written twice: one begins an environment variable. All but the first: open sesame. */
static const char accounts[] =
    "basicauth/server: {htpasswd: {inline: \"plain:word\\nsha:{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=\\n"
    "slow:$$2y$$12$$abcdefghijklmnopqrstuuq2uHH4t8IjTa8PV9VUUF1vssBH6WaR2\\n"
    "endless:$$2y$$31$$abcdefghijklmnopqrstuuq2uHH4t8IjTa8PV9VUUF1vssBH6WaR2\\n"
    "apache:$$apr1$$abcdefgh$$T64oOxnD8c28.dQa.2Lty1\"}}";

static void start_accounts(void)
{
    configure(accounts, "basicauth/server", "basicauth/server");
    rig_start(&rig, NULL);
}

static const struct {
    const char *words; /* NULL: value instead */
    const char *value; /* of the header; NULL: none */
    const char *text;  /* of the refusal; NULL: granted */
} rows[] = {
    {"plain:word", NULL, NULL},
    {"sha:open sesame", NULL, NULL},
    {"slow:open sesame", NULL, NULL},
    {"slow:open sesame", NULL, NULL},
    {"apache:open sesame", NULL, NULL},
    {NULL, "bAsIc cGxhaW46d29yZA==", NULL},
    {NULL, NULL, "no basic auth provided"},
    {NULL, "Basic", "invalid authorization scheme prefix"},
    {NULL, "Bearer cGxhaW46d29yZA==", "invalid authorization scheme prefix"},
    {NULL, "Basic cGxhaW46d29yZA", "invalid authorization format"},
    {NULL, "Basic cGxhaW4=", "invalid authorization format"},
    {"plain:Word", NULL, "invalid credentials"},
    {"plain:", NULL, "invalid credentials"},
    {"plain:word:", NULL, "invalid credentials"},
    {"sha:open", NULL, "invalid credentials"},
    {"slow:open", NULL, "invalid credentials"},
    {"slow:open", NULL, "invalid credentials"},
    {"nobody:word", NULL, "invalid credentials"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), GRANTED = 6 };

static void credentials_decide_over_http_as_in_the_collector(void **state)
{
    char value[512], expected[256];

    (void)state;
    start_accounts();
    for (size_t i = 0; i < ROWS; i++) {
        const char *header = rows[i].value;
        unsigned status;
        if (rows[i].words != NULL) {
            basic(rows[i].words, value, sizeof(value));
            header = value;
        }
        status = ask_http(protobuf, header);
        if (status != (rows[i].text != NULL ? 401 : 200))
            fail_msg("row %zu: %u", i, status);
        if (rows[i].text == NULL)
            continue;
        /* google.rpc.Status {code: 16, message} */
        snprintf(expected, sizeof(expected), "\x08\x10\x12%c%s", (char)strlen(rows[i].text),
                 rows[i].text);
        assert_true(otl_view_is(answer_body(), expected));
        assert_non_null(strstr(answer.data, "Content-Type: application/x-protobuf\r\n"));
        assert_null(strstr(answer.data, "WWW-Authenticate"));
    }
    assert_int_equal(ask_http("application/json", NULL), 401);
    assert_true(
        otl_view_is(answer_body(), "{\"code\":16,\"message\":\"no basic auth provided\"}"));
    assert_int_equal(ask_http(NULL, NULL), 401);
    assert_non_null(strstr(answer.data, "Content-Type: application/json\r\n"));
    assert_int_equal(ask_http("text/plain", NULL), 500);
    assert_true(otl_view_is(answer_body(),
                            "{\"code\": 13, \"message\": \"failed to marshal error message\"}"));
#define ASKED "collector_mock_auth_requests_total{extension=\"basicauth/server\",outcome="
    assert_true(rig_metric(&rig, ASKED "\"granted\"}") == GRANTED);
    assert_true(rig_metric(&rig, ASKED "\"refused\"}") == ROWS - GRANTED + 3);
    assert_true(rig_metric(&rig, ASKED "\"busy\"}") == 0);
    /* three pairs of words that are slow to check, two of them twice */
    assert_true(rig_metric(&rig, "collector_mock_auth_checks_total"
                                 "{extension=\"basicauth/server\"}") == 3);
    assert_true(rig_metric(&rig, "collector_mock_auth_recalled_total"
                                 "{extension=\"basicauth/server\"}") == 2);
    assert_true(rig_metric(&rig, "otelcol_receiver_accepted_spans_total"
                                 "{receiver=\"otlp\",transport=\"http\"}") == GRANTED);
    assert_int_equal(rig_stop(&rig), 0);
}

static void credentials_decide_over_grpc_as_in_the_collector(void **state)
{
    struct otl_buf framed;
    char value[512];

    (void)state;
    start_accounts();
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(body.data, body.len));
    client_open(&client, rig_connect(rig_port(&rig, "otlp/grpc")), NULL, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        struct ask ask = {.auth = rows[i].value, .body = framed.data, .len = framed.len};
        struct call *call;
        if (rows[i].words != NULL) {
            basic(rows[i].words, value, sizeof(value));
            ask.auth = value;
        }
        call = client_ask(&client, &ask);
        client_wait(&client, call);
        if (call->http_status != 200 || call->code != (rows[i].text != NULL ? 16 : 0))
            fail_msg("row %zu: %d %s", i, call->code, call->text);
        if (rows[i].text != NULL)
            assert_string_equal(call->text, rows[i].text);
    }
    /* a method that is not there is told before credentials are asked for */
    assert_int_equal(client_call(&client, &(struct ask){.path = "/x.Y/Z"}), 12);
    client_close(&client);
    otl_buf_fini(&framed);
    assert_int_equal(rig_stop(&rig), 0);
}

static void tokens_of_a_list_and_of_a_file_open(void **state)
{
    char path[256], extension[512];

    (void)state;
    configure("bearertokenauth: {tokens: [one, two]}", "bearertokenauth", "bearertokenauth");
    rig_start(&rig, NULL);
    assert_int_equal(ask_http(protobuf, "Bearer one"), 200);
    assert_int_equal(ask_http(protobuf, "Bearer two"), 200);
    assert_int_equal(ask_http("application/json", "bearer two"), 401);
    assert_true(otl_view_is(
        answer_body(),
        "{\"code\":16,\"message\":\"scheme or token does not match: bearer two\"}"));
    assert_int_equal(ask_http("application/json", NULL), 401);
    assert_non_null(strstr(answer.data, "missing or empty authorization header: "));
    assert_int_equal(rig_stop(&rig), 0);
    snprintf(path, sizeof(path), "%s/tokens", rig.dir);
    assert_int_equal(otl_file_write(path, " a \r\nb\n", 7, NULL), OTEL_OK);
    snprintf(extension, sizeof(extension), "bearertokenauth: {filename: '%s', scheme: ''}", path);
    configure(extension, "bearertokenauth", "bearertokenauth");
    rig_start(&rig, NULL);
    assert_int_equal(ask_http(protobuf, "a"), 200);
    assert_int_equal(ask_http(protobuf, "b"), 200);
    assert_int_equal(ask_http(protobuf, "a b"), 401);
    assert_int_equal(rig_stop(&rig), 0);
}

/* Each wrong password is a check of its own: the first a quarter of a second of work, the others
 * days. Whoever needs none is served meanwhile. */
static void others_are_served_while_a_slow_check_runs(void **state)
{
    enum { SLOW = 4 };
    char words[32], value[128];
    int slow[SLOW];

    (void)state;
    start_accounts();
    for (size_t i = 0; i < SLOW; i++) {
        snprintf(words, sizeof(words), "%s:%zu", i == 0 ? "slow" : "endless", i);
        basic(words, value, sizeof(value));
        slow[i] = rig_connect(rig_port(&rig, "otlp/http"));
        send_request(slow[i], protobuf, value);
        rig_metric_until(&rig, "collector_mock_auth_checks_total{extension=\"basicauth/server\"}",
                         (double)i + 1);
    }
    basic("plain:word", value, sizeof(value));
    assert_int_equal(ask_http(protobuf, value), 200);
    assert_int_equal(poll(&(struct pollfd){slow[SLOW - 1], POLLIN, 0}, 1, 0), 0);
    assert_int_equal(rig_answer(slow[0], &answer), 401);
    assert_int_equal(ask_http(protobuf, value), 200); /* the second is being checked by now */
    for (size_t i = 0; i < SLOW; i++)
        close(slow[i]);
    rig_kill(&rig);
}

/* What is over the bound may come again; the checks that were begun do not outlive the end. */
static void checks_are_bounded(void **state)
{
    enum { CLIENTS = 72 };
    struct pollfd slow[CLIENTS];
    char words[32], value[128];
    unsigned status;
    size_t at = 0;

    (void)state;
    configure("basicauth: {htpasswd: {inline: "
              "'slow:$$2y$$31$$abcdefghijklmnopqrstuuq2uHH4t8IjTa8PV9VUUF1vssBH6WaR2'}}",
              "basicauth", "basicauth");
    rig_start(&rig, NULL);
    for (size_t i = 0; i < CLIENTS; i++) {
        snprintf(words, sizeof(words), "slow:%zu", i);
        basic(words, value, sizeof(value));
        slow[i] = (struct pollfd){rig_connect(rig_port(&rig, "otlp/http")), POLLIN, 0};
        send_request(slow[i].fd, protobuf, value);
    }
    do {
        assert_true(poll(slow, CLIENTS, RIG_WAIT_MS) > 0);
        for (at = 0; at < CLIENTS && slow[at].revents == 0; at++)
            ;
        status = rig_answer(slow[at].fd, &answer);
        close(slow[at].fd);
        slow[at].fd = -1; /* poll passes it over */
    } while (status == 401);
    assert_int_equal(status, 503);
    assert_non_null(strstr(answer.data, "too many checks of passwords are under way"));
    rig_metric_until(&rig,
                     "collector_mock_auth_requests_total{extension=\"basicauth\",outcome=\"busy\"}",
                     1);
    for (size_t i = 0; i < CLIENTS; i++)
        if (slow[i].fd >= 0)
            close(slow[i].fd);
    rig_kill(&rig);
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *extension, *http, *text;
    } mistakes[] = {
        {"basicauth: {htpasswd: {}}", "basicauth",
         ":8:15: extension 'basicauth': htpasswd names neither file nor inline"},
        {"basicauth: {htpasswd: {fiel: x}}", "basicauth", "did you mean 'file'"},
        {"basicauth: {client_auth: {username: x}}", "basicauth",
         ":4:61: receiver 'otlp': extension 'basicauth' is not a server authenticator"},
        {"basicauth: {htpasswd: {inline: 'a:b'}}", "basicauth/2",
         ":4:61: receiver 'otlp': failed to resolve authenticator 'basicauth/2'"},
        {"pprof: ", "pprof", ":4:61: receiver 'otlp': extension 'pprof' is no authenticator"},
        {"bearertokenauth: {token: a, tokens: [b]}", "bearertokenauth",
         "either tokens or token should be given, not both"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        const char *arguments[] = {"--config", rig.config, NULL};
        struct otl_buf log;
        configure(mistakes[i].extension, mistakes[i].http, mistakes[i].http);
        unlink(rig.log);
        assert_int_equal(rig_run(&rig, arguments), 2);
        rig_read(rig.log, &log);
        if (strstr(log.data, mistakes[i].text) == NULL)
            fail_msg("%s: '%s' is not in: %s", mistakes[i].extension, mistakes[i].text, log.data);
        otl_buf_fini(&log);
    }
}

static void a_missing_file_of_passwords_is_told(void **state)
{
    const char *arguments[] = {"--config", rig.config, NULL};
    struct otl_buf log;

    (void)state;
    configure("basicauth: {htpasswd: {file: /nowhere/htpasswd}}", "basicauth", "basicauth");
    assert_true(rig_run(&rig, arguments) > 0);
    rig_read(rig.log, &log);
    assert_non_null(strstr(log.data, "/nowhere/htpasswd"));
    otl_buf_fini(&log);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(credentials_decide_over_http_as_in_the_collector),
        CASE(credentials_decide_over_grpc_as_in_the_collector),
        CASE(tokens_of_a_list_and_of_a_file_open),
        CASE(others_are_served_while_a_slow_check_runs),
        CASE(checks_are_bounded),
        CASE(mistakes_are_told_with_their_place),
        CASE(a_missing_file_of_passwords_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
