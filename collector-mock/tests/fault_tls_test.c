/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of TLS on command, seen by a client that verifies. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/tests/certs.h"
#include "collector-mock/tests/rig.h"
#include "collector-mock/tests/secure.h"

static const char config[] =
    "receivers:\n"
    "  otlp:\n"
    "    protocols:\n"
    "      http: {endpoint: '127.0.0.1:0', tls: &tls {cert_file: DIR/server.pem,\n"
    "             key_file: DIR/server-key.pem}}\n"
    "      grpc: {endpoint: '127.0.0.1:0', tls: *tls}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n";

static struct rig rig;
static char ca[128];

static int setup(void **state)
{
    struct certs *certs;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    rig_config(&rig, config);
    certs = certs_new(rig.dir);
    certs_make(certs, &(struct certs_ask){.name = "server"});
    certs_make(certs, &(struct certs_ask){.name = "expired", .expired = true});
    certs_make(certs, &(struct certs_ask){.name = "elsewhere", .host = "DNS:elsewhere.test"});
    certs_make(certs, &(struct certs_ask){.name = "itself", .of_itself = true});
    certs_free(certs);
    snprintf(ca, sizeof(ca), "%s/ca.pem", rig.dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

/* A handshake on each protocol; true: both are done. Why not is in *why of the last one. */
static bool shake(char why[256])
{
    static const char *const words[][2] = {{"otlp/http", "http/1.1"}, {"otlp/grpc", "h2"}};
    bool done = true;

    for (size_t i = 0; i < 2; i++) {
        struct secure secure;
        done &= secure_open(&secure, rig_connect(rig_port(&rig, words[i][0])),
                            &(struct secure_ask){.ca = ca, .protocol = words[i][1]});
        if (why != NULL)
            snprintf(why, 256, "%s", secure.why);
        secure_close(&secure);
    }
    return done;
}

static void certificates_are_exchanged_by_turns(void **state)
{
    static const char *const says[] = {"certificate has expired", "hostname mismatch",
                                       "self-signed certificate", "handshake failure"};
    char why[256];

    (void)state;
    rig_start_control(&rig);
    assert_true(shake(NULL));
    for (size_t i = 0; i < 4; i++) {
        static const char *const names[] = {"expired", "elsewhere", "itself"};
        char command[500];
        if (i < 3)
            snprintf(command, sizeof(command),
                     "{\"do\":\"fault\",\"id\":%zu,\"kind\":\"tls_certificate\",\"count\":2,"
                     "\"cert_file\":\"%s/%s.pem\",\"key_file\":\"%s/%s-key.pem\"}",
                     i, rig.dir, names[i], rig.dir, names[i]);
        else
            snprintf(command, sizeof(command),
                     "{\"do\":\"fault\",\"id\":3,\"kind\":\"tls_refuse\",\"count\":2}");
        rig_command(&rig, command);
        rig_metric_until(&rig, "collector_mock_faults_active", 1);
        assert_false(shake(why)); /* hits twice, then it is over */
        if (strcasestr(why, says[i]) == NULL)
            fail_msg("%zu: it says: %s", i, why);
        while (rig_metric(&rig, "collector_mock_faults_active") > 0)
            continue;
        assert_true(shake(NULL));
    }
    assert_true(rig_metric(&rig, "collector_mock_fault_hit_connections_total{fault="
                                 "\"tls_certificate\"}") == 6);
    assert_true(rig_metric(&rig, "collector_mock_fault_hit_connections_total{fault="
                                 "\"tls_refuse\"}") == 2);
    assert_int_equal(rig_recorded(&rig, "\"kind\":\"tls_refuse\""), 2);
    assert_int_equal(rig_stop(&rig), 0);
}

static void a_certificate_that_cannot_be_read_is_told(void **state)
{
    char line[600];

    (void)state;
    rig_start_control(&rig);
    rig_command(&rig, "{\"do\":\"fault\",\"id\":1,\"kind\":\"tls_certificate\",\"cert_file\":"
                      "\"/nowhere/a.pem\",\"key_file\":\"/nowhere/b.pem\"}");
    do
        rig_reply(&rig, line, sizeof(line));
    while (strstr(line, "\"event\":\"acted\"") != NULL);
    assert_non_null(strstr(line, "cannot read '/nowhere/a.pem'"));
    assert_true(shake(NULL));
    assert_int_equal(rig_stop(&rig), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(certificates_are_exchanged_by_turns),
        TEST(a_certificate_that_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
