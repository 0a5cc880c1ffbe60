/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole lives of the exporter over HTTPS and over gRPC with TLS while allocations of the SDK's
 * fail: nothing crashes, nothing is left behind, the books balance. OpenSSL's memory is its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/otlp.h>

#include "sdk/exporter/tests/life.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"
#include "sdk/tls/tests/certs.h"
#include "sdk/tls/tests/front.h"
#include "sdk/transport/tests/grpc_thread.h"
#include "sdk/transport/tests/server.h"
#include "sdk/transport/tls.h"

enum { SPANS = 10 };

/* Names the library, so that it is linked. */
static const struct otl_tls_ops *const g_linked = &otel_sdk_tls_ops_0;

static struct {
    struct certs certs;
    struct srv *srv;
    struct gsrv_thread grpc;
    struct front *front;
    struct otel_sdk_stats last;
} world;

static enum otel_err make_tls(enum otel_sdk_otlp_protocol protocol, struct otel_sdk_exporter **ret)
{
    struct otel_sdk_otlp_options options;
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "https://127.0.0.1:%u/v1/traces",
             (unsigned)front_port(world.front));
    otel_sdk_otlp_options_init(&options);
    options.endpoint = otel_str(endpoint);
    options.protocol = protocol;
    options.tls_ca_file = otel_str(world.certs.ca);
    options.tls_cert_file = otel_str(world.certs.client);
    options.tls_key_file = otel_str(world.certs.client_key);
    options.compression = OTEL_SDK_COMPRESSION_GZIP;
    options.initial_backoff_millis = options.max_backoff_millis = 1;
    options.max_attempts = 3;
    options.timeout_millis = 60000;
    return otel_sdk_otlp_new(&options, ret);
}

static enum otel_err make_https(struct otel_sdk_exporter **ret)
{
    return make_tls(OTEL_SDK_OTLP_HTTP_PROTOBUF, ret);
}

static enum otel_err make_grpcs(struct otel_sdk_exporter **ret)
{
    return make_tls(OTEL_SDK_OTLP_GRPC, ret);
}

static bool is_grpc(const struct life_kind *kind)
{
    return kind->make == make_grpcs;
}

/* The gRPC server is on the heap whose allocations fail: each life has one of its own. */
static void open_front(void *kind)
{
    struct front_options options = {.cert = world.certs.server,
                                    .key = world.certs.server_key,
                                    .client_ca = world.certs.ca,
                                    .behind = srv_port(world.srv)};

    if (is_grpc(kind)) {
        gsrv_thread_start(&world.grpc);
        options.alpn = "h2";
        options.behind = world.grpc.port;
    }
    world.front = front_new(&options);
}

static enum otel_err live(void *kind)
{
    enum otel_err err = life_of(kind, SPANS, &world.last);

    life_books_balance(&world.last);
    return err;
}

static void close_front(void *kind)
{
    front_free(world.front);
    if (is_grpc(kind)) {
        gsrv_thread_stop(&world.grpc);
        gsrv_thread_fini(&world.grpc);
    }
}

static void all_lives_of(struct life_kind *kind)
{
    struct every_nth test = {open_front, live, close_front, kind, 3000, true};

    open_front(kind); /* what the process keeps for ever is made now */
    assert_int_equal(live(kind), OTEL_OK);
    assert_int_equal(front_accepted(world.front), 1);
    close_front(kind);
    every_nth(&test);
    assert_int_equal(world.last.total.exported, 2 * SPANS);
}

static void over_https(void **state)
{
    struct life_kind kind = {.make = make_https, .wire = true};

    (void)state;
    assert_non_null(g_linked);
    all_lives_of(&kind);
}

static void over_https_each_span_at_once(void **state)
{
    struct life_kind kind = {.make = make_https, .simple = true, .wire = true};

    (void)state;
    all_lives_of(&kind);
}

static void over_grpc(void **state)
{
    struct life_kind kind = {.make = make_grpcs, .wire = true};

    (void)state;
    all_lives_of(&kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_https),
        cmocka_unit_test(over_https_each_span_at_once),
        cmocka_unit_test(over_grpc),
    };
    int failed;

    heap_install();
    certs_make(&world.certs);
    world.srv = srv_new();
    failed = cmocka_run_group_tests_name("tls_every_nth", tests, NULL, NULL);
    srv_free(world.srv);
    certs_remove(&world.certs);
    return failed;
}
