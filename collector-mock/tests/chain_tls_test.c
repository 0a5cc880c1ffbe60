/* SPDX-License-Identifier: Apache-2.0 */
/* One collector sends to the next under TLS, both with certificates. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/certs.h"
#include "collector-mock/tests/rig.h"

#define TELEMETRY "service:\n  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
#define SENT "otelcol_exporter_sent_spans_total"
static const char far_config[] =
    "receivers:\n"
    "  otlp:\n"
    "    protocols:\n"
    "      http: {endpoint: '127.0.0.1:0', tls: &tls {cert_file: DIR/server.pem,\n"
    "             key_file: DIR/server-key.pem, client_ca_file: DIR/ca.pem}}\n"
    "      grpc: {endpoint: '127.0.0.1:0', tls: *tls}\n"
    "exporters: {nop: }\n" TELEMETRY
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n";

enum { GROUPS = 24 }; /* spans of the official request "groups" */

static struct rig near, far;

static int setup(void **state)
{
    struct certs *certs;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&near);
    rig_init(&far);
    rig_config(&far, far_config);
    certs = certs_new(far.dir);
    certs_make(certs, &(struct certs_ask){.name = "server"});
    certs_make(certs, &(struct certs_ask){.name = "client", .for_client = true});
    certs_free(certs);
    rig_start(&far, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&near);
    rig_fini(&far);
    return 0;
}

/* A near one with an exporter over each protocol, and a request of it. tls: of both of them. */
static void post_to_both(const char *tls)
{
    char text[2048];
    struct otl_buf body;
    int fd;

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "extensions: {bearertokenauth: {token: secret}}\n"
             "exporters:\n"
             "  otlp: {endpoint: 'localhost:%u', auth: {authenticator: bearertokenauth},\n"
             "         tls: {%s}, retry_on_failure: &r {initial_interval: 20ms}}\n"
             "  otlphttp: {endpoint: 'https://localhost:%u', tls: {%s}, retry_on_failure: *r}\n"
             TELEMETRY
             "  extensions: [bearertokenauth]\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [otlp, otlphttp]}}\n",
             rig_port(&far, "otlp/grpc"), tls, rig_port(&far, "otlp/http"), tls);
    rig_config(&near, text);
    rig_start(&near, NULL);
    fd = rig_connect(rig_port(&near, "otlp/http"));
    rig_official("groups", &body);
    assert_int_equal(rig_post(fd, "", otl_view(body.data, body.len), NULL), 200);
    otl_buf_fini(&body);
    close(fd);
}

static void spans_pass_where_both_sides_trust_each_other(void **state)
{
    char tls[512];

    (void)state;
    snprintf(tls, sizeof(tls),
             "ca_file: %s/ca.pem, cert_file: %s/client.pem, key_file: %s/client-key.pem", far.dir,
             far.dir, far.dir);
    post_to_both(tls);
    rig_metric_until(&near, SENT "{exporter=\"otlp\"}", GROUPS);
    rig_metric_until(&near, SENT "{exporter=\"otlphttp\"}", GROUPS);
    assert_int_equal(rig_metric(&far, SENT "{exporter=\"nop\"}"), 2 * GROUPS);
    assert_int_equal(rig_stop(&near), 0);
    assert_int_equal(rig_stop(&far), 0);
}

/* Nobody has to vouch for the far one; it still asks who we are. */
static void spans_pass_to_anybody_where_nothing_is_verified(void **state)
{
    char tls[512];

    (void)state;
    snprintf(tls, sizeof(tls),
             "insecure_skip_verify: true, cert_file: %s/client.pem, key_file: %s/client-key.pem",
             far.dir, far.dir);
    post_to_both(tls);
    rig_metric_until(&near, SENT "{exporter=\"otlp\"}", GROUPS);
    rig_metric_until(&near, SENT "{exporter=\"otlphttp\"}", GROUPS);
    assert_int_equal(rig_stop(&near), 0);
    assert_int_equal(rig_metric(&far, SENT "{exporter=\"nop\"}"), 2 * GROUPS);
}

/* Over each protocol again and again, and nothing arrives. */
static void nothing_passes(const char *tls)
{
    static const char *const retries[] = {
        "collector_mock_exporter_retries_total{exporter=\"otlp\"}",
        "collector_mock_exporter_retries_total{exporter=\"otlphttp\"}"};

    post_to_both(tls);
    for (size_t i = 0; i < 2; i++)
        rig_metric_until(&near, retries[i], 2);
    assert_int_equal(rig_metric(&near, SENT "{exporter=\"otlp\"}"), 0);
    assert_int_equal(rig_metric(&near, SENT "{exporter=\"otlphttp\"}"), 0);
    assert_int_equal(rig_stop(&near), 0);
    assert_int_equal(rig_metric(&far, SENT "{exporter=\"nop\"}"), 0);
}

/* Without the authority's certificate the next one could be anybody. */
static void nothing_is_sent_to_a_stranger(void **state)
{
    (void)state;
    nothing_passes("");
}

static void nothing_is_sent_to_somebody_of_another_name(void **state)
{
    char tls[512];

    (void)state;
    snprintf(tls, sizeof(tls),
             "ca_file: %s/ca.pem, cert_file: %s/client.pem, key_file: %s/client-key.pem, "
             "server_name_override: elsewhere.example",
             far.dir, far.dir, far.dir);
    nothing_passes(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spans_pass_where_both_sides_trust_each_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(spans_pass_to_anybody_where_nothing_is_verified, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_sent_to_a_stranger, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_sent_to_somebody_of_another_name, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
