/* SPDX-License-Identifier: Apache-2.0 */
/* Whole lives of an SDK that the environment describes, from otel_sdk_from_env() to its freeing,
 * while allocations fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/config.h>
#include <otel/sdk/detectors.h>

#include "sdk/config/tests/fake_env.h"
#include "sdk/exporter/tests/life.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"
#include "sdk/transport/tests/server.h"

enum { SPANS = 3 };

static struct {
    struct srv *srv;
    struct fake_env env;
    struct otel_sdk_stats last;
} world;

static void say(void *arg, enum otel_err err, const char *text)
{
    (void)arg;
    (void)err;
    (void)text;
}

static void use(struct otel_sdk *sdk)
{
    struct otel_tracer *tracer;

    otel_sdk_install(sdk);
    tracer = otel_tracer("lib", "1");
    for (int i = 0; i < SPANS; i++)
        otel_span_finish(otel_span_start(tracer, "s", NULL));
    otel_tracer_unref(tracer);
    (void)otel_sdk_shutdown(sdk, 60000);
}

static enum otel_err live(void *arg)
{
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;
    enum otel_err err;

    (void)arg;
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &world.env;
    options.error = say;
    options.detectors = OTEL_SDK_DETECT_ALL | OTEL_SDK_DETECT_ENTITIES;
    options.concurrent_exports = 3;
    err = otel_sdk_from_env(&options, &sdk);
    assert_true((err == OTEL_OK) == (sdk != NULL));
    memset(&world.last, 0, sizeof(world.last));
    world.last.struct_size = sizeof(world.last);
    if (sdk != NULL) {
        use(sdk);
        otel_sdk_provider_stats(otel_sdk_provider_of(sdk), &world.last);
        life_books_balance(&world.last);
    }
    otel_sdk_free(sdk);
    return err;
}

static void all_lives(void)
{
    struct every_nth test = {.live = live, .most = 3000};

    assert_int_equal(live(NULL), OTEL_OK); /* what the process keeps for ever is made now */
    every_nth(&test);
    assert_int_equal(world.last.total.exported, SPANS);
}

static void set_common(const char *endpoint)
{
    memset(&world.env, 0, sizeof(world.env));
    fake_set(&world.env, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    fake_set(&world.env, "OTEL_SERVICE_NAME", "shop");
    fake_set(&world.env, "OTEL_RESOURCE_ATTRIBUTES", "a=b%20c,d=e,a=f");
    fake_set(&world.env, "OTEL_ENTITIES",
             "host{host.id=h}[host.name=n]@urn:x;bad;own{a=1};own{d=e}");
    fake_set(&world.env, "OTEL_EXPORTER_OTLP_HEADERS", "x-a=1%202,x-b=3");
    fake_set(&world.env, "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    fake_set(&world.env, "OTEL_PROPAGATORS", "b3,jaeger,baggage,tracecontext");
    fake_set(&world.env, "OTEL_BSP_SCHEDULE_DELAY", "3600000");
}

static void with_a_ratio_and_headers(void **state)
{
    char endpoint[64];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", (unsigned)srv_port(world.srv));
    set_common(endpoint);
    fake_set(&world.env, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
    fake_set(&world.env, "OTEL_TRACES_SAMPLER_ARG", "1");
    all_lives();
}

static void as_json_with_words_that_are_told(void **state)
{
    char endpoint[64];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", (unsigned)srv_port(world.srv));
    set_common(endpoint);
    fake_set(&world.env, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    fake_set(&world.env, "OTEL_TRACES_EXPORTER", "otlp,zipkin,otpl");
    fake_set(&world.env, "OTEL_TRACES_SAMPLER", "sometimes");
    fake_set(&world.env, "OTEL_BSP_MAX_QUEUE_SIZE", "-1");
    all_lives();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_ratio_and_headers),
        cmocka_unit_test(as_json_with_words_that_are_told),
    };
    int failed;

    heap_install();
    world.srv = srv_new();
    failed = cmocka_run_group_tests_name("config_every_nth", tests, NULL, NULL);
    srv_free(world.srv);
    return failed;
}
