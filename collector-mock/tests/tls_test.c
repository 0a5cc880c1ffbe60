/* SPDX-License-Identifier: Apache-2.0 */
/* TLS and client certificates of the receivers, seen by a client that verifies. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/certs.h"
#include "collector-mock/tests/rig.h"
#include "collector-mock/tests/secure.h"

static struct rig rig;
static struct certs *certs;
static struct secure secure;
static struct otl_buf full, answer;
static char ca[128], friend[128], stranger[128];

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    certs = certs_new(rig.dir);
    certs_make(certs, &(struct certs_ask){.name = "server"});
    certs_make(certs, &(struct certs_ask){.name = "friend", .for_client = true});
    certs_make(certs, &(struct certs_ask){
                          .name = "stranger", .for_client = true, .of_itself = true});
    snprintf(ca, sizeof(ca), "%s/ca.pem", rig.dir);
    snprintf(friend, sizeof(friend), "%s/friend", rig.dir);
    snprintf(stranger, sizeof(stranger), "%s/stranger", rig.dir);
    rig_official("full", &full);
    otl_buf_init(&answer, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    certs_free(certs);
    rig_fini(&rig);
    otl_buf_fini(&full);
    otl_buf_fini(&answer);
    return 0;
}

static void configure(const char *more)
{
    char text[2000];

    snprintf(text, sizeof(text),
             "receivers:\n"
             "  otlp:\n"
             "    protocols:\n"
             "      http:\n"
             "        endpoint: 127.0.0.1:0\n"
             "        tls: &tls\n"
             "          cert_file: DIR/server.pem\n"
             "          key_file: DIR/server-key.pem\n"
             "%s"
             "      grpc:\n"
             "        endpoint: 127.0.0.1:0\n"
             "        tls: *tls\n"
             "exporters: {nop: }\n"
             "service:\n"
             "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
             more);
    rig_config(&rig, text);
}

static bool open_http(const struct secure_ask *ask)
{
    return secure_open(&secure, rig_connect(rig_port(&rig, "otlp/http")), ask);
}

static unsigned post(void)
{
    char head[256];
    int len = snprintf(head, sizeof(head),
                       "POST /v1/traces HTTP/1.1\r\nHost: x\r\n"
                       "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                       full.len);

    secure_send(&secure, head, (size_t)len);
    secure_send(&secure, full.data, full.len);
    return secure_answer(&secure, &answer);
}

/* A whole call; grpc-status, -1: none. */
static int call(const struct secure_ask *ask)
{
    static struct client client;
    struct otl_buf framed;
    int code = -1;

    if (!secure_open(&secure, rig_connect(rig_port(&rig, "otlp/grpc")), ask)) {
        secure_close(&secure);
        return -1;
    }
    otl_buf_init(&framed, 16 << 20);
    put_message(&framed, 0, otl_view(full.data, full.len));
    client_open(&client, secure.fd, NULL, NULL);
    client.tls = secure.tls;
    code = client_call(&client, &(struct ask){.body = framed.data, .len = framed.len});
    client_close(&client);
    otl_buf_fini(&framed);
    return code;
}

static double metric(const char *name, const char *transport)
{
    char series[160];

    snprintf(series, sizeof(series), "%s_total{receiver=\"otlp\",transport=\"%s\"}", name,
             transport);
    return rig_metric(&rig, series);
}

/* ---- */

static void requests_come_over_tls_and_are_recorded(void **state)
{
    (void)state;
    configure("");
    rig_start(&rig, NULL);
    assert_true(open_http(&(struct secure_ask){.ca = ca, .protocol = "http/1.1"}));
    assert_string_equal(secure.protocol, "http/1.1");
    for (int i = 0; i < 3; i++) /* on one connection */
        assert_int_equal(post(), 200);
    secure_close(&secure);
    assert_true(open_http(&(struct secure_ask){.ca = ca}));
    assert_int_equal(post(), 200);
    secure_close(&secure);
    assert_int_equal(call(&(struct secure_ask){.ca = ca, .protocol = "h2"}), 0);
    assert_true(metric("collector_mock_tls_handshakes", "http") == 2);
    assert_true(metric("collector_mock_tls_handshakes", "grpc") == 1);
    assert_true(metric("otelcol_receiver_accepted_spans", "http") ==
                4 * metric("otelcol_receiver_accepted_spans", "grpc"));
    assert_int_equal(rig_stop(&rig), 0);
}

/* A body of several megabytes, many records. */
static void large_bodies_come_over_tls(void **state)
{
    const size_t want = 8u << 20;
    struct otl_buf one = full;

    (void)state;
    configure("");
    otl_buf_init(&full, 32u << 20);
    while (full.len < want)
        assert_int_equal(otl_buf_append(&full, one.data, one.len), OTEL_OK);
    rig_start(&rig, NULL);
    assert_true(open_http(&(struct secure_ask){.ca = ca}));
    assert_int_equal(post(), 200);
    secure_close(&secure);
    assert_int_equal(rig_stop(&rig), 0);
    otl_buf_fini(&full);
    configure("");
    otl_buf_init(&full, 32u << 20);
    while (full.len < (3u << 20))
        assert_int_equal(otl_buf_append(&full, one.data, one.len), OTEL_OK);
    otl_buf_fini(&one);
    rig_start(&rig, NULL);
    assert_int_equal(call(&(struct secure_ask){.ca = ca, .protocol = "h2"}), 0);
    assert_int_equal(rig_stop(&rig), 0);
}

static void strangers_are_not_let_in(void **state)
{
    const struct {
        const char *cert, *says;
    } cases[] = {{NULL, "certificate required"}, {stranger, "unknown ca"}};

    (void)state;
    configure("          client_ca_file: DIR/ca.pem\n");
    rig_start(&rig, NULL);
    for (size_t i = 0; i < 2; i++) {
        /* under TLS 1.3 the client learns it by its first read */
        if (open_http(&(struct secure_ask){.ca = ca, .cert = cases[i].cert}))
            assert_int_equal(secure_answer(&secure, &answer), 0);
        if (strstr(secure.why, cases[i].says) == NULL)
            fail_msg("it says: %s", secure.why);
        secure_close(&secure);
        assert_int_equal(call(&(struct secure_ask){
                             .ca = ca, .cert = cases[i].cert, .protocol = "h2"}),
                         -1);
    }
    assert_true(open_http(&(struct secure_ask){.ca = ca, .cert = friend}));
    assert_int_equal(post(), 200);
    secure_close(&secure);
    assert_int_equal(call(&(struct secure_ask){.ca = ca, .cert = friend, .protocol = "h2"}), 0);
    assert_true(metric("collector_mock_tls_handshake_failures", "http") == 2);
    assert_true(metric("collector_mock_tls_handshake_failures", "grpc") == 2);
    assert_int_equal(rig_stop(&rig), 0);
}

static void versions_are_bounded_on_both_sides(void **state)
{
    (void)state;
    configure("          min_version: '1.3'\n");
    rig_start(&rig, NULL);
    assert_false(open_http(&(struct secure_ask){.ca = ca, .max_version = TLS1_2_VERSION}));
    assert_non_null(strstr(secure.why, "protocol version"));
    secure_close(&secure);
    assert_true(open_http(&(struct secure_ask){.ca = ca}));
    secure_close(&secure);
    assert_int_equal(rig_stop(&rig), 0);

    configure("          max_version: '1.2'\n"
              "          cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
              "          curve_preferences: [P384]\n");
    rig_start(&rig, NULL);
    assert_true(open_http(&(struct secure_ask){.ca = ca}));
    assert_int_equal(SSL_version(secure.tls), TLS1_2_VERSION);
    assert_string_equal(SSL_get_cipher_name(secure.tls), "ECDHE-ECDSA-AES256-GCM-SHA384");
    secure_close(&secure);
    assert_int_equal(rig_stop(&rig), 0);
}

static void grpc_wants_h2_by_alpn(void **state)
{
    (void)state;
    configure("");
    rig_start(&rig, NULL);
    assert_int_equal(call(&(struct secure_ask){.ca = ca}), -1);
    assert_int_equal(call(&(struct secure_ask){.ca = ca, .protocol = "http/1.1"}), -1);
    assert_non_null(strstr(secure.why, "no application protocol"));
    assert_int_equal(call(&(struct secure_ask){.ca = ca, .protocol = "h2"}), 0);
    assert_int_equal(rig_stop(&rig), 0);
}

static void what_is_no_tls_is_told_and_counted(void **state)
{
    int fd;

    (void)state;
    configure("");
    rig_start(&rig, NULL);
    fd = rig_connect(rig_port(&rig, "otlp/http"));
    rig_send(fd, "GET / HTTP/1.1\r\n\r\n", 18);
    rig_answer(fd, &answer);
    assert_non_null(strstr(answer.data, "Client sent an HTTP request to an HTTPS server."));
    close(fd);
    fd = rig_connect(rig_port(&rig, "otlp/grpc"));
    rig_send(fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    while (!rig_closed(fd))
        continue; /* perhaps an alert comes first */
    close(fd);
    assert_true(metric("collector_mock_tls_handshake_failures", "http") == 1);
    assert_true(metric("collector_mock_tls_handshake_failures", "grpc") == 1);
    assert_int_equal(rig_stop(&rig), 0);
}

static void new_files_are_read_again(void **state)
{
    char path[160];

    (void)state;
    configure("          reload_interval: 1ns\n");
    rig_start(&rig, NULL);
    assert_true(open_http(&(struct secure_ask){.ca = ca}));
    secure_close(&secure);
    certs_make(certs, &(struct certs_ask){.name = "server", .host = "DNS:elsewhere"});
    assert_false(open_http(&(struct secure_ask){.ca = ca}));
    secure_close(&secure);
    assert_true(open_http(&(struct secure_ask){.ca = ca, .host = "elsewhere"}));
    secure_close(&secure);
    snprintf(path, sizeof(path), "%s/server.pem", rig.dir);
    assert_int_equal(truncate(path, 0), 0);
    assert_true(open_http(&(struct secure_ask){.ca = ca, .host = "elsewhere"}));
    secure_close(&secure);
    assert_true(metric("collector_mock_tls_reload_failures", "http") == 1);
    assert_int_equal(rig_stop(&rig), 0);
}

static void wrong_settings_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *more, *place, *says;
    } cases[] = {
        {"          cert_pem: x\n", "config.yaml:9:11: ", "by 'cert_file' and 'cert_pem'"},
        {"          key_pem: x\n", "config.yaml:9:11: ", "by 'key_file' and 'key_pem'"},
        {"          ca_file: x\n          ca_pem: x\n", "config.yaml:10:11: ",
         "by 'ca_file' and 'ca_pem'"},
        {"          client_ca_file: /nowhere/ca.pem\n", "config.yaml:9:27: ",
         "cannot read '/nowhere/ca.pem'"},
        {"          client_ca_file: DIR/config.yaml\n", "config.yaml:9:27: ",
         "no certificate could be read"},
        {"          max_version: '1.1'\n", "config.yaml:9:11: ", "below 'min_version' 1.2"},
        {"          min_version: '1.4'\n", "config.yaml:9:24: ", "1.4"},
        {"          cipher_suites: [TLS_NONE]\n", "config.yaml:9:27: ",
         "'TLS_NONE' is no known name in 'cipher_suites'"},
        {"          curve_preferences: [X448]\n", "config.yaml:9:31: ",
         "'X448' is no known name in 'curve_preferences'"},
        {"          cert_fil: x\n", "config.yaml:9:11: ", "did you mean 'cert_file'"},
        {"          include_system_ca_certs_pool: 5\n", "config.yaml:9:41: ", "true or false"},
    };
    const char *arguments[] = {"--config", rig.config, NULL};
    struct otl_buf log;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        configure(cases[i].more);
        unlink(rig.log);
        assert_int_equal(rig_run(&rig, arguments), 2);
        rig_read(rig.log, &log);
        if (strstr(log.data, cases[i].place) == NULL || strstr(log.data, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].more, log.data);
        otl_buf_fini(&log);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(requests_come_over_tls_and_are_recorded),
        TEST(large_bodies_come_over_tls),
        TEST(strangers_are_not_let_in),
        TEST(versions_are_bounded_on_both_sides),
        TEST(grpc_wants_h2_by_alpn),
        TEST(what_is_no_tls_is_told_and_counted),
        TEST(new_files_are_read_again),
        TEST(wrong_settings_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
