/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP exporter over HTTP and TLS, from spans to a scripted server behind a TLS front. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "sdk/base/mem.h"
#include "sdk/exporter/tests/rig.h"
#include "sdk/tls/tests/certs.h"
#include "sdk/tls/tests/front.h"
#include "sdk/transport/tls.h"

static struct certs g_certs;

/* Names the library, so that it is linked. */
static const struct otl_tls_ops *const g_linked = &otel_sdk_tls_ops_0;

struct secure {
    struct rig rig;
    struct front_options options;
    struct front *front;
};

static void prepare(struct secure *s)
{
    rig_defaults(&s->rig);
    s->front = NULL;
    s->options = (struct front_options){.cert = g_certs.server, .key = g_certs.server_key,
                                        .behind = srv_port(s->rig.srv)};
    s->rig.otlp.tls_ca_file = otel_str(g_certs.ca);
}

static void begin(struct secure *s, const char *host)
{
    s->front = front_new(&s->options);
    snprintf(s->rig.endpoint, sizeof(s->rig.endpoint), "https://%s:%u/v1/traces", host,
             (unsigned)front_port(s->front));
    s->rig.otlp.endpoint = otel_str(s->rig.endpoint);
    rig_init(&s->rig);
}

static void finish(struct secure *s)
{
    rig_fini(&s->rig);
    front_free(s->front);
}

static void is_delivered(struct secure *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(rig_send(&s->rig, 3), OTEL_OK);
    assert_true(srv_wait(s->rig.srv, times));
    assert_int_equal(rig_span_count(srv_request(s->rig.srv, times - 1)), 3);
    assert_int_equal(front_accepted(s->front), 1);
    assert_int_equal(rig_otlp(&s->rig).results[OTEL_SDK_OTLP_DELIVERED], times);
}

/* Refused by one of the two, once and for all: no second attempt, spans counted, reason told. */
static void is_refused(struct secure *s, const char *reason)
{
    enum otel_err err = rig_send(&s->rig, 3);

    if (err != OTEL_ERR_REFUSED)
        print_message("%s\n", s->rig.said);
    assert_int_equal(err, OTEL_ERR_REFUSED);
    if (strstr(s->rig.said, reason) == NULL)
        print_message("%s\n", s->rig.said);
    assert_non_null(strstr(s->rig.said, reason));
    assert_int_equal(rig_otlp(&s->rig).results[OTEL_SDK_OTLP_UNTRUSTED], 1);
    assert_int_equal(rig_otlp(&s->rig).requests, 1);
    assert_int_equal(s->rig.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 3);
    assert_int_equal(srv_count(s->rig.srv), 0);
}

static void spans_arrive_over_tls_on_one_connection(void **state)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct secure s;

    (void)state;
    assert_non_null(g_linked);
    for (size_t i = 0; i < 2; i++) {
        prepare(&s);
        begin(&s, hosts[i]);
        is_delivered(&s, 3);
        assert_string_equal(front_name(s.front), i == 0 ? "localhost" : ""); /* no SNI by address */
        finish(&s);
    }
}

static void spans_arrive_over_tls_1_2_and_with_a_server_that_knows_no_alpn(void **state)
{
    struct secure s;

    (void)state;
    prepare(&s);
    s.options.tls12 = true;
    begin(&s, "localhost");
    is_delivered(&s, 2);
    finish(&s);
    prepare(&s);
    s.options.alpn = "http/1.1";
    begin(&s, "localhost");
    is_delivered(&s, 1);
    finish(&s);
}

static void large_batches_are_cut_into_records(void **state)
{
    struct secure s;

    (void)state;
    prepare(&s);
    s.rig.batch.max_queue_size = 8192;
    s.rig.batch.max_export_batch_size = 8192;
    begin(&s, "localhost");
    assert_int_equal(rig_send(&s.rig, 8000), OTEL_OK);
    assert_true(srv_wait(s.rig.srv, 1));
    assert_int_equal(rig_span_count(srv_request(s.rig.srv, 0)), 8000);
    finish(&s);
}

static void a_server_of_another_ca_is_refused(void **state)
{
    struct secure s;

    (void)state;
    prepare(&s);
    s.rig.otlp.tls_ca_file = otel_str(g_certs.other_ca);
    begin(&s, "localhost");
    is_refused(&s, "certificate of localhost is not accepted: unable to get local issuer");
    finish(&s);
    prepare(&s);
    s.rig.otlp.tls_ca_file = otel_strn(NULL, 0); /* the system's */
    begin(&s, "localhost");
    is_refused(&s, "certificate of localhost is not accepted");
    finish(&s);
}

/* The server shows this certificate; why it is refused. */
static void is_refused_with(const char *cert, const char *key, const char *host, const char *why)
{
    struct secure s;

    prepare(&s);
    s.options.cert = cert;
    s.options.key = key;
    begin(&s, host);
    is_refused(&s, why);
    finish(&s);
}

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    is_refused_with(g_certs.expired, g_certs.expired_key, "localhost", "certificate has expired");
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    is_refused_with(g_certs.stranger, g_certs.stranger_key, "localhost", "hostname mismatch");
    is_refused_with(g_certs.stranger, g_certs.stranger_key, "127.0.0.1", "IP address mismatch");
}

static void a_client_certificate_opens_a_server_that_asks_for_one(void **state)
{
    struct secure s;

    (void)state;
    for (int tls12 = 0; tls12 < 2; tls12++) {
        prepare(&s);
        s.options.client_ca = g_certs.ca;
        s.options.tls12 = tls12;
        s.rig.otlp.tls_cert_file = otel_str(g_certs.client);
        s.rig.otlp.tls_key_file = otel_str(g_certs.client_key);
        begin(&s, "localhost");
        is_delivered(&s, 2);
        finish(&s);
    }
}

static void without_a_client_certificate_or_with_a_foreign_one_the_server_refuses(void **state)
{
    struct secure s;

    (void)state;
    for (int tls12 = 0; tls12 < 2; tls12++) {
        prepare(&s);
        s.options.client_ca = g_certs.ca;
        s.options.tls12 = tls12;
        begin(&s, "localhost");
        is_refused(&s, tls12 ? "alert handshake failure" : "alert certificate required");
        finish(&s);
        prepare(&s);
        s.options.client_ca = g_certs.ca;
        s.options.tls12 = tls12;
        s.rig.otlp.tls_cert_file = otel_str(g_certs.foreign);
        s.rig.otlp.tls_key_file = otel_str(g_certs.foreign_key);
        begin(&s, "localhost");
        is_refused(&s, "alert unknown ca");
        finish(&s);
    }
}

static void a_plain_server_behind_https_is_told_as_such(void **state)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    struct srv_step step = {.then = SRV_CLOSE, .at_accept = true};
    struct secure s;

    (void)state;
    prepare(&s);
    snprintf(step.raw, sizeof(step.raw), "%s", answer);
    srv_push(s.rig.srv, &step);
    snprintf(s.rig.endpoint, sizeof(s.rig.endpoint), "https://localhost:%u/",
             (unsigned)srv_port(s.rig.srv));
    s.rig.otlp.endpoint = otel_str(s.rig.endpoint);
    rig_init(&s.rig);
    is_refused(&s, "wrong version number");
    finish(&s);
}

static void a_connection_that_is_cut_is_made_again(void **state)
{
    struct secure s;

    (void)state;
    prepare(&s);
    begin(&s, "localhost");
    assert_int_equal(rig_send(&s.rig, 3), OTEL_OK);
    front_cut(s.front);
    assert_int_equal(rig_send(&s.rig, 3), OTEL_OK);
    assert_true(srv_wait(s.rig.srv, 2));
    assert_int_equal(front_accepted(s.front), 2);
    assert_int_equal(rig_otlp(&s.rig).spans_delivered, 6);
    finish(&s);
}

static void a_server_that_hangs_in_the_handshake_costs_the_deadline_only(void **state)
{
    struct srv_step step = {.then = SRV_DEAF, .at_accept = true};
    struct secure s;

    (void)state;
    prepare(&s);
    srv_push(s.rig.srv, &step);
    snprintf(s.rig.endpoint, sizeof(s.rig.endpoint), "https://localhost:%u/",
             (unsigned)srv_port(s.rig.srv));
    s.rig.otlp.endpoint = otel_str(s.rig.endpoint);
    s.rig.otlp.timeout_millis = 100;
    rig_init(&s.rig);
    assert_int_equal(rig_send(&s.rig, 3), OTEL_ERR_TIMEOUT);
    assert_int_equal(rig_otlp(&s.rig).results[OTEL_SDK_OTLP_TIMEOUT], 1);
    finish(&s);
}

static char g_said[1024];

static void keep(void *arg, enum otel_err err, const char *text)
{
    (void)arg;
    (void)err;
    snprintf(g_said, sizeof(g_said), "%s", text);
}

static enum otel_err try_files(const char *ca, const char *cert, const char *key)
{
    struct otel_sdk_otlp_options options;
    struct otel_sdk_exporter *exporter = NULL;
    enum otel_err err;

    otel_sdk_otlp_options_init(&options);
    options.endpoint = otel_str("https://localhost:4318/v1/traces");
    options.tls_ca_file = otel_str(ca);
    options.tls_cert_file = otel_str(cert);
    options.tls_key_file = otel_str(key);
    options.error = keep;
    g_said[0] = '\0';
    err = otel_sdk_otlp_new(&options, &exporter);
    otel_sdk_exporter_free(exporter);
    return err;
}

/* Under a simple processor all of it runs on the guest's thread. */
static void the_guest_keeps_its_own_error_queue_and_no_sigpipe_is_raised(void **state)
{
    struct secure s;
    unsigned long before;

    (void)state;
    assert_int_equal(signal(SIGPIPE, SIG_DFL) == SIG_ERR, 0);
    prepare(&s);
    s.rig.simple = true;
    begin(&s, "localhost");
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 7);
    before = ERR_peek_last_error();
    assert_int_equal(try_files(g_certs.empty, "", ""), OTEL_ERR_SYNTAX);
    rig_spans(&s.rig, 1);
    front_cut(s.front);
    rig_spans(&s.rig, 2);
    assert_int_equal(rig_otlp(&s.rig).spans_delivered, 3);
    assert_true(ERR_peek_error() == before);
    assert_true(ERR_peek_last_error() == before);
    ERR_clear_error();
    finish(&s);
}

#ifndef __SANITIZE_THREAD__
static void a_forked_child_exports_over_a_connection_of_its_own(void **state)
{
    struct secure s;
    int status = 0;
    pid_t child;

    (void)state;
    prepare(&s);
    begin(&s, "localhost");
    assert_int_equal(rig_send(&s.rig, 2), OTEL_OK);
    certs_remove(&g_certs); /* what was read is enough */
    child = fork();
    if (child == 0) {
        rig_spans(&s.rig, 3);
        status = otel_sdk_provider_shutdown(s.rig.provider, 20000) != OTEL_OK ||
                 rig_otlp(&s.rig).spans_delivered != 3;
        _exit(status);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(rig_send(&s.rig, 4), OTEL_OK); /* the parent's connection is untouched */
    assert_true(srv_wait(s.rig.srv, 3));
    assert_int_equal(front_accepted(s.front), 2);
    assert_int_equal(rig_span_count(srv_request(s.rig.srv, 1)), 3);
    assert_int_equal(rig_span_count(srv_request(s.rig.srv, 2)), 4);
    assert_int_equal(srv_request(s.rig.srv, 2)->connection, 0);
    finish(&s);
    certs_make(&g_certs);
}
#endif

#define SAYS(call, expected_err, words)                                                            \
    do {                                                                                           \
        assert_int_equal(call, expected_err);                                                      \
        if (strstr(g_said, words) == NULL)                                                         \
            print_message("said: %s\n", g_said);                                                   \
        assert_non_null(strstr(g_said, words));                                                    \
    } while (0)

static void files_that_cannot_be_used_are_named_at_once(void **state)
{
    const struct certs *c = &g_certs;

    (void)state;
    assert_int_equal(try_files("", "", ""), OTEL_OK);
    assert_int_equal(try_files(c->ca, c->client, c->client_key), OTEL_OK);
    SAYS(try_files("/nowhere/ca.pem", "", ""), OTEL_ERR_NOT_FOUND, "/nowhere/ca.pem");
    SAYS(try_files(c->empty, "", ""), OTEL_ERR_SYNTAX, "empty.pem: there is no certificate");
    SAYS(try_files(c->damaged, "", ""), OTEL_ERR_SYNTAX, "damaged.pem: ");
    SAYS(try_files(c->ca, c->client, ""), OTEL_ERR_ARGUMENT, "the key is missing");
    SAYS(try_files(c->ca, "", c->client_key), OTEL_ERR_ARGUMENT, "the certificate is missing");
    SAYS(try_files(c->ca, c->client, c->server_key), OTEL_ERR_ARGUMENT,
         "server-key.pem: the key does not belong");
    SAYS(try_files(c->ca, c->client, c->locked_key), OTEL_ERR_SYNTAX, "passphrase");
    SAYS(try_files(c->ca, c->client, c->client), OTEL_ERR_SYNTAX, "no private key");
    SAYS(try_files(c->dir, "", ""), OTEL_ERR_IO, c->dir);
}

static enum otel_err make_and_free(const struct otel_sdk_otlp_options *options)
{
    struct otel_sdk_exporter *exporter = NULL;
    enum otel_err err = otel_sdk_otlp_new(options, &exporter);

    otel_sdk_exporter_free(exporter);
    return err;
}

/* Of ours: OpenSSL's memory is its own. */
static void a_failing_allocation_costs_the_exporter_or_one_export(void **state)
{
    enum otel_err err = OTEL_ERR_MEMORY;
    struct secure s;

    (void)state;
    prepare(&s);
    begin(&s, "localhost");
    for (unsigned long n = 1; err != OTEL_OK; n++) {
        otl_mem_fail_at(n);
        err = make_and_free(&s.rig.otlp);
        otl_mem_fail_at(0);
        assert_true(n < 50);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
    }
    finish(&s);
    for (unsigned long n = 1; n <= 24; n++) {
        struct otel_sdk_processor_stats stats;
        uint64_t dropped = 0;
        prepare(&s);
        s.rig.otlp.max_attempts = 3;
        begin(&s, "localhost");
        otl_mem_fail_at(n);
        (void)rig_send(&s.rig, 3);
        otl_mem_fail_at(0);
        assert_int_equal(rig_send(&s.rig, 1), OTEL_OK);
        stats = rig_stats(&s.rig);
        for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
            dropped += stats.dropped[i];
        assert_int_equal(stats.received, stats.exported + dropped);
        finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_allocation_costs_the_exporter_or_one_export),
        cmocka_unit_test(spans_arrive_over_tls_on_one_connection),
        cmocka_unit_test(spans_arrive_over_tls_1_2_and_with_a_server_that_knows_no_alpn),
        cmocka_unit_test(large_batches_are_cut_into_records),
        cmocka_unit_test(a_server_of_another_ca_is_refused),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_certificate_for_another_name_is_refused),
        cmocka_unit_test(a_client_certificate_opens_a_server_that_asks_for_one),
        cmocka_unit_test(without_a_client_certificate_or_with_a_foreign_one_the_server_refuses),
        cmocka_unit_test(a_plain_server_behind_https_is_told_as_such),
        cmocka_unit_test(a_connection_that_is_cut_is_made_again),
        cmocka_unit_test(a_server_that_hangs_in_the_handshake_costs_the_deadline_only),
        cmocka_unit_test(the_guest_keeps_its_own_error_queue_and_no_sigpipe_is_raised),
#ifndef __SANITIZE_THREAD__ /* which ends a forked child that starts a thread */
        cmocka_unit_test(a_forked_child_exports_over_a_connection_of_its_own),
#endif
        cmocka_unit_test(files_that_cannot_be_used_are_named_at_once),
    };
    int failed;

    certs_make(&g_certs);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    certs_remove(&g_certs);
    return failed;
}
