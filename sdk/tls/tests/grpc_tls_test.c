/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over TLS: the client of sdk/transport against a scripted server behind a TLS front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "sdk/base/mem.h"
#include "sdk/tls/tests/certs.h"
#include "sdk/tls/tests/front.h"
#include "sdk/transport/grpc.h"
#include "sdk/transport/tests/grpc_server.h"

static struct certs g_certs;

static const struct otl_tls_ops *const g_linked = &otel_sdk_tls_ops_0;

struct rig {
    struct event_base *base;
    struct gsrv *srv;
    struct front_options options;
    struct otl_tls_files files;
    struct front *front;
    struct otl_tls *tls;
    struct otl_grpc *grpc;
    struct otl_grpc_result result;
    char why[512];
    bool done;
};

static void prepare(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    assert_non_null(g_linked);
    rig->base = event_base_new();
    rig->srv = gsrv_new(rig->base);
    rig->options = (struct front_options){.cert = g_certs.server, .key = g_certs.server_key,
                                          .alpn = "h2", .behind = gsrv_port(rig->srv)};
    rig->files.ca = g_certs.ca;
}

static enum otel_err make(struct rig *rig)
{
    struct otl_grpc_options options = {.clock = otl_clock_real(),
                                       .base = rig->base,
                                       .method = "/some.Service/Method",
                                       .max_response = 1 << 20};
    struct otl_url url;
    char text[64];
    enum otel_err err = otl_tls_new(&rig->files, &rig->tls, NULL);

    if (err != OTEL_OK)
        return err;
    snprintf(text, sizeof(text), "https://localhost:%u", (unsigned)front_port(rig->front));
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    options.url = &url;
    options.tls = rig->tls;
    return otl_grpc_new(&options, &rig->grpc);
}

static void begin(struct rig *rig)
{
    rig->front = front_new(&rig->options);
    assert_int_equal(make(rig), OTEL_OK);
}

static void end(struct rig *rig)
{
    otl_grpc_free(rig->grpc);
    otl_tls_free(rig->tls);
    front_free(rig->front);
    gsrv_free(rig->srv);
    event_base_free(rig->base);
}

static void on_done(void *context, const struct otl_grpc_result *result)
{
    struct rig *rig = context;

    rig->result = *result;
    rig->done = true;
    snprintf(rig->why, sizeof(rig->why), "%s", result->why);
}

/* OTEL_OK: done was called. */
static enum otel_err call(struct rig *rig, const char *data, size_t len)
{
    struct otl_grpc_request request = {
        .message = otl_view(data, len),
        .deadline_ns = otl_clock_mono(otl_clock_real()) + 20 * OTL_NS_PER_S,
        .done = on_done,
        .context = rig};
    enum otel_err err;

    rig->done = false;
    err = otl_grpc_call(rig->grpc, &request);
    while (err == OTEL_OK && !rig->done)
        assert_true(event_base_loop(rig->base, EVLOOP_ONCE) >= 0);
    return err;
}

static void is_answered(struct rig *rig, const char *data, size_t len)
{
    assert_int_equal(call(rig, data, len), OTEL_OK);
    assert_int_equal(rig->result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(rig->result.grpc_status, 0);
}

static void calls_go_over_one_connection_with_alpn_h2(void **state)
{
    static char large[300000];
    struct rig rig;
    size_t len;

    (void)state;
    memset(large, 'x', sizeof(large));
    prepare(&rig);
    begin(&rig);
    is_answered(&rig, "hello", 5);
    assert_non_null(strstr(gsrv_headers(rig.srv), ":scheme: https\n"));
    is_answered(&rig, large, sizeof(large)); /* through flow control and many records */
    gsrv_data(rig.srv, &len);
    assert_int_equal(len, sizeof(large) + 5);
    is_answered(&rig, "again", 5);
    assert_int_equal(front_accepted(rig.front), 1);
    assert_string_equal(front_name(rig.front), "localhost");
    end(&rig);
}

static void a_server_that_does_not_agree_to_h2_is_refused(void **state)
{
    static const char *const alpn[] = {NULL, "http/1.1"};
    static const char *const said[] = {"ALPN", "no application protocol"};
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        prepare(&rig);
        rig.options.alpn = alpn[i];
        begin(&rig);
        assert_int_equal(call(&rig, "hello", 5), OTEL_OK);
        assert_int_equal(rig.result.outcome, OTL_HTTP_UNTRUSTED);
        assert_non_null(strstr(rig.why, said[i]));
        assert_int_equal(gsrv_calls(rig.srv), 0);
        end(&rig);
    }
}

static void wrong_certificates_on_either_side_are_refused(void **state)
{
    struct rig rig;

    (void)state;
    for (int i = 0; i < 5; i++) {
        prepare(&rig);
        if (i == 0)
            rig.files.ca = g_certs.other_ca;
        if (i == 1) {
            rig.options.cert = g_certs.expired;
            rig.options.key = g_certs.expired_key;
        }
        if (i == 2) {
            rig.options.cert = g_certs.stranger;
            rig.options.key = g_certs.stranger_key;
        }
        if (i >= 3)
            rig.options.client_ca = g_certs.ca;
        if (i == 4) {
            rig.files.cert = g_certs.foreign;
            rig.files.key = g_certs.foreign_key;
        }
        begin(&rig);
        assert_int_equal(call(&rig, "hello", 5), OTEL_OK);
        assert_int_equal(rig.result.outcome, OTL_HTTP_UNTRUSTED);
        assert_true(rig.why[0] != '\0');
        assert_int_equal(gsrv_calls(rig.srv), 0);
        end(&rig);
    }
}

static void a_client_certificate_is_shown_where_it_is_asked_for(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.client_ca = g_certs.ca;
    rig.files.cert = g_certs.client;
    rig.files.key = g_certs.client_key;
    begin(&rig);
    is_answered(&rig, "hello", 5);
    end(&rig);
}

static void after_goaway_and_after_a_cut_the_next_call_connects_anew(void **state)
{
    struct gsrv_step step = {.then = GSRV_ANSWER, .goaway = true};
    struct rig rig;

    (void)state;
    prepare(&rig);
    begin(&rig);
    gsrv_push(rig.srv, &step);
    is_answered(&rig, "hello", 5);
    is_answered(&rig, "hello", 5);
    assert_int_equal(front_accepted(rig.front), 2);
    front_cut(rig.front);
    assert_int_equal(call(&rig, "hello", 5), OTEL_OK);
    if (rig.result.outcome == OTL_HTTP_CUT) /* the end had not arrived before the call */
        is_answered(&rig, "hello", 5);
    assert_int_equal(front_accepted(rig.front), 3);
    end(&rig);
}

/* Every n-th allocation of ours fails: an error or an outcome, never a crash, never a leak. */
static void failing_allocation_ends_in_an_outcome(void **state)
{
    bool whole = false;
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.client_ca = g_certs.ca;
    rig.files.cert = g_certs.client;
    rig.files.key = g_certs.client_key;
    rig.front = front_new(&rig.options);
    for (unsigned long n = 1; n < 500 && !whole; n++) {
        enum otel_err err;
        otl_mem_fail_at(n);
        err = make(&rig);
        if (err == OTEL_OK)
            err = call(&rig, "hello", 5);
        if (err == OTEL_OK) /* the server lacks memory, too: any outcome but the final one */
            assert_int_not_equal(rig.result.outcome, OTL_HTTP_UNTRUSTED);
        else
            assert_int_equal(err, OTEL_ERR_MEMORY);
        whole = otl_mem_count() < n;
        otl_mem_fail_at(0);
        otl_grpc_free(rig.grpc);
        otl_tls_free(rig.tls);
        rig.grpc = NULL;
        rig.tls = NULL;
    }
    assert_true(whole);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_go_over_one_connection_with_alpn_h2),
        cmocka_unit_test(a_server_that_does_not_agree_to_h2_is_refused),
        cmocka_unit_test(wrong_certificates_on_either_side_are_refused),
        cmocka_unit_test(a_client_certificate_is_shown_where_it_is_asked_for),
        cmocka_unit_test(after_goaway_and_after_a_cut_the_next_call_connects_anew),
        cmocka_unit_test(failing_allocation_ends_in_an_outcome),
    };
    int failed;

    certs_make(&g_certs);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    certs_remove(&g_certs);
    return failed;
}
