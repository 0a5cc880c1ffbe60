/* SPDX-License-Identifier: Apache-2.0 */
/* A whole SDK out of an environment: spans arrive where and how it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <otel/propagators.h>
#include <otel/sdk/config.h>
#include <otel/sdk/detectors.h>

#include "ci/witness/otlp_pb.h"
#include "sdk/config/tests/fake_env.h"
#include "sdk/config/tests/rule_of.h"
#include "sdk/transport/tests/server.h"

static struct otel_sdk *make(struct fake_env *env)
{
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;

    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = env;
    options.error = fake_error;
    options.error_arg = env;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    return sdk;
}

static bool has_attribute(const Otlp__ExportTraceServiceRequest *request, const char *key,
                          const char *value)
{
    const Otlp__Resource *resource = request->resource_spans[0]->resource;

    for (size_t i = 0; i < resource->n_attributes; i++) {
        const Otlp__KeyValue *pair = resource->attributes[i];
        if (pair->key.len == strlen(key) && memcmp(pair->key.data, key, pair->key.len) == 0)
            return pair->value->string_value.len == strlen(value) &&
                   memcmp(pair->value->string_value.data, value, strlen(value)) == 0;
    }
    return false;
}

static void spans_arrive_as_the_environment_says(void **state)
{
    struct srv *srv = srv_new();
    struct fake_env env = {.count = 0};
    Otlp__ExportTraceServiceRequest *request;
    struct otel_tracer *tracer;
    struct otel_sdk_otlp_stats stats;
    struct otel_sdk *sdk;
    char endpoint[64], value[64];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://localhost:%u/base", (unsigned)srv_port(srv));
    fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    fake_set(&env, "OTEL_SERVICE_NAME", "shop");
    fake_set(&env, "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=te%73t");
    fake_set(&env, "OTEL_EXPORTER_OTLP_HEADERS", "x-key=v%20w");
    sdk = make(&env);
    otel_sdk_install(sdk);
    tracer = otel_tracer("lib", "1");
    for (int i = 0; i < 3; i++)
        otel_span_finish(otel_span_start(tracer, "s", NULL));
    otel_tracer_unref(tracer);
    assert_int_equal(otel_sdk_force_flush(sdk, 10000), OTEL_OK);
    assert_true(strncmp(srv_request(srv, 0)->head, "POST /base/v1/traces HTTP/1.1\r\n", 31) == 0);
    assert_true(srv_header(srv_request(srv, 0), "x-key", value, sizeof(value)));
    assert_string_equal(value, "v w");
    request = otlp__export_trace_service_request__unpack(NULL, srv_request(srv, 0)->body_len,
                                                         (uint8_t *)srv_request(srv, 0)->body);
    assert_non_null(request);
    assert_int_equal(request->resource_spans[0]->scope_spans[0]->n_spans, 3);
    assert_true(has_attribute(request, "service.name", "shop"));
    assert_true(has_attribute(request, "deployment.environment.name", "test"));
    assert_true(has_attribute(request, "telemetry.sdk.name", OTEL_SDK_NAME));
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    otel_sdk_otlp_stats(otel_sdk_otlp_of(sdk), &stats);
    assert_int_equal(stats.spans_delivered, 3);
    assert_int_equal(otel_sdk_shutdown(sdk, 5000), OTEL_OK);
    otel_sdk_free(sdk);
    assert_ptr_equal(otel_propagator_global(), otel_propagator_noop()); /* static: no reference */
    assert_int_equal(env.told, 0);
    srv_free(srv);
}

static void disabled_leaves_the_propagators(void **state)
{
    struct fake_env env = {.count = 0};
    struct otel_sdk *sdk;

    (void)state;
    fake_set(&env, "OTEL_SDK_DISABLED", "true");
    sdk = make(&env);
    assert_null(otel_sdk_provider_of(sdk));
    assert_null(otel_sdk_otlp_of(sdk));
    assert_ptr_equal(otel_sdk_propagator_of(sdk), otel_propagator_w3c());
    otel_sdk_install(sdk);
    assert_int_equal(otel_sdk_force_flush(sdk, 1), OTEL_OK);
    otel_sdk_free(sdk);
}

static void count_field(void *arg, struct otel_str text)
{
    (void)text;
    ++*(unsigned *)arg;
}

static void propagators_are_those_that_are_named(void **state)
{
    static const struct {
        const char *words;
        unsigned fields; /* that inject may set: 2 for tracecontext, 1 for baggage ... */
    } rows[] = {{"tracecontext", 2}, {"baggage", 1}, {"b3", 1},      {"b3multi", 4},
                {"jaeger", 1},       {"xray", 1},    {"ottrace", 3}, {"datadog", 5},
                {"none", 0},         {"b3,xray", 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_env env = {.count = 0};
        struct otel_sdk *sdk;
        unsigned fields = 0;
        fake_set(&env, "OTEL_SDK_DISABLED", "true");
        fake_set(&env, "OTEL_PROPAGATORS", rows[i].words);
        sdk = make(&env);
        otel_propagator_fields(otel_sdk_propagator_of(sdk), count_field, &fields);
        assert_int_equal(fields, rows[i].fields);
        assert_int_equal(env.told, 0);
        otel_sdk_free(sdk);
    }
}

static void entities_are_told_of_by_the_name_of_their_variable(void **state)
{
    struct fake_env env = {.count = 0};

    (void)state;
    fake_set(&env, "OTEL_TRACES_EXPORTER", "none");
    fake_set(&env, "OTEL_ENTITIES", "service{service.name=a};bad;host{host.id=1}@no");
    fake_set(&env, "OTEL_SERVICE_NAME", "b");
    otel_sdk_free(make(&env));
    assert_int_equal(env.told, 3);
    assert_non_null(strstr(env.said, "OTEL_ENTITIES: entity 2: it has no identifying"));
    assert_non_null(strstr(env.said, "OTEL_ENTITIES: entity 3: its schema URL is no URI"));
    assert_non_null(strstr(env.said, "OTEL_ENTITIES: service: another entity, or an attribute"));
}

static void detectors_are_an_option_and_yield_to_the_environment(void **state)
{
    struct srv *srv = srv_new();
    Otlp__ExportTraceServiceRequest *request;
    struct otel_sdk_env_options options;
    struct fake_env env = {.count = 0};
    struct otel_tracer *tracer;
    struct otel_sdk *sdk = NULL;
    char endpoint[64];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://localhost:%u", (unsigned)srv_port(srv));
    fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    fake_set(&env, "OTEL_RESOURCE_ATTRIBUTES", "process.executable.name=mine");
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &env;
    options.detectors = 2 * OTEL_SDK_DETECT_ENTITIES; /* no such detector */
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_ERR_ARGUMENT);
    options.detectors = OTEL_SDK_DETECT_PROCESS | OTEL_SDK_DETECT_OS;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    otel_sdk_install(sdk);
    tracer = otel_tracer("lib", "1");
    otel_span_finish(otel_span_start(tracer, "s", NULL));
    otel_tracer_unref(tracer);
    assert_int_equal(otel_sdk_force_flush(sdk, 10000), OTEL_OK);
    request = otlp__export_trace_service_request__unpack(NULL, srv_request(srv, 0)->body_len,
                                                         (uint8_t *)srv_request(srv, 0)->body);
    assert_non_null(request);
    assert_true(has_attribute(request, "os.type", "linux"));
    assert_true(has_attribute(request, "process.executable.name", "mine"));
    assert_false(has_attribute(request, "host.name", ""));
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    otel_sdk_free(sdk);
    srv_free(srv);
}

/* Standard output of this process is a file for the time of one call. */
static void several_exporters_have_a_processor_each(void **state)
{
    struct srv *srv = srv_new();
    struct otel_sdk_processor_stats stats;
    struct fake_env env = {.count = 0};
    char endpoint[64], text[4096] = "";
    struct otel_tracer *tracer;
    struct otel_sdk *sdk;
    FILE *file = tmpfile();
    int out = dup(1);

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://localhost:%u", (unsigned)srv_port(srv));
    fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    fake_set(&env, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    fake_set(&env, "OTEL_TRACES_EXPORTER", "otlp,console,otlp/stdout");
    sdk = make(&env);
    otel_sdk_install(sdk);
    tracer = otel_tracer("lib", "1");
    assert_non_null(file);
    dup2(fileno(file), 1);
    otel_span_finish(otel_span_start(tracer, "everywhere", NULL));
    dup2(out, 1);
    otel_tracer_unref(tracer);
    assert_int_equal(otel_sdk_force_flush(sdk, 10000), OTEL_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(otel_sdk_provider_processor_stats(otel_sdk_provider_of(sdk), i, &stats));
        assert_int_equal(stats.exported, 1);
    }
    assert_true(srv_request(srv, 0)->body[0] == '{');
    assert_true(pread(fileno(file), text, sizeof(text) - 1, 0) > 0);
    assert_non_null(strstr(text, "everywhere  internal  "));
    assert_non_null(strstr(text, "{\"resourceSpans\":[{\"resource\""));
    otel_sdk_free(sdk);
    assert_int_equal(env.told, 0);
    close(out);
    fclose(file);
    srv_free(srv);
}

static void no_exporter_means_no_processor(void **state)
{
    struct fake_env env = {.count = 0};
    struct otel_sdk *sdk;

    (void)state;
    fake_set(&env, "OTEL_TRACES_EXPORTER", "none");
    fake_set(&env, "OTEL_PROPAGATORS", "baggage,tracecontext");
    sdk = make(&env);
    assert_non_null(otel_sdk_provider_of(sdk));
    assert_null(otel_sdk_otlp_of(sdk));
    otel_sdk_free(sdk);
}

static void https_is_refused_rather_than_answered_in_plain_text(void **state)
{
    struct fake_env env = {.count = 0};
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;

    (void)state;
    fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318");
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &env;
    options.error = fake_error;
    options.error_arg = &env;
    /* libotel_tls is neither linked into this test nor beside it; files are read before */
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_ERR_UNSUPPORTED);
    assert_null(sdk);
    assert_non_null(strstr(env.said, "https needs libotel_tls.so.0"));
    fake_set(&env, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/nowhere/ca.pem");
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_ERR_NOT_FOUND);
    assert_non_null(strstr(env.said, "/nowhere/ca.pem"));
}

/* The first answer never comes; the second batch does not wait for it. */
static void exports_may_run_at_once(void **state)
{
    struct srv_step silent = {.then = SRV_SILENT};
    struct srv *srv = srv_new();
    struct fake_env env = {.count = 0};
    struct otel_sdk_env_options options;
    struct otel_tracer_options named;
    struct otel_tracer *tracer;
    struct otel_sdk *sdk = NULL;
    char endpoint[64];

    (void)state;
    srv_push(srv, &silent);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", (unsigned)srv_port(srv));
    fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    fake_set(&env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1");
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &env;
    options.concurrent_exports = 2;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    otel_tracer_options_init(&named);
    named.name = otel_str("t");
    tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(otel_sdk_provider_of(sdk)), &named);
    for (unsigned i = 0; i < 4; i++) {
        otel_span_finish(otel_span_start(tracer, "s", NULL));
        assert_true(srv_wait(srv, i + 1));
    }
    assert_int_equal(srv_connections(srv), 2);
    otel_tracer_unref(tracer);
    (void)otel_sdk_shutdown(sdk, 50);
    otel_sdk_free(sdk);
    srv_free(srv);
}

static void a_ratio_rule_of_another_language_decides(void **state)
{
    static const char *const rules[] = {"go", "java", "dotnet", "cpp", "js"};
    struct fake_env env;

    (void)state;
    for (int i = 0; i < 2 * OTEL_SDK_RATIO_JS + 2; i++) {
        struct otel_sdk *sdk;
        memset(&env, 0, sizeof(env));
        fake_set(&env, "OTEL_TRACES_EXPORTER", "none");
        fake_set(&env, "OTEL_TRACES_SAMPLER", i % 2 ? "traceidratio" : "parentbased_traceidratio");
        fake_set(&env, "OTEL_TRACES_SAMPLER_ARG", "0.5");
        fake_set(&env, "OTEL_C_TRACES_SAMPLER_RATIO_RULE", rules[i / 2]);
        sdk = make(&env);
        assert_int_equal(rule_of(sdk, 0.5), i / 2);
        assert_string_equal(env.said, "");
        otel_sdk_free(sdk);
    }
}

static void every_sampler_name_makes_a_sampler(void **state)
{
    static const char *const names[] = {"always_on",
                                        "always_off",
                                        "traceidratio",
                                        "parentbased_always_on",
                                        "parentbased_always_off",
                                        "parentbased_traceidratio"};
    struct srv *srv = srv_new();
    char endpoint[64];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", (unsigned)srv_port(srv));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct fake_env env = {.count = 0};
        struct otel_tracer_options tracer_options;
        struct otel_tracer *tracer;
        struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};
        struct otel_sdk *sdk;

        fake_set(&env, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        fake_set(&env, "OTEL_TRACES_SAMPLER", names[i]);
        fake_set(&env, "OTEL_TRACES_SAMPLER_ARG", "0");
        sdk = make(&env);
        otel_tracer_options_init(&tracer_options);
        tracer_options.name = otel_str("lib");
        tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(otel_sdk_provider_of(sdk)),
                                             &tracer_options);
        otel_span_finish(otel_span_start(tracer, "root", NULL));
        otel_sdk_provider_stats(otel_sdk_provider_of(sdk), &stats);
        assert_int_equal(stats.sampled, strstr(names[i], "always_on") != NULL);
        assert_string_equal(env.said, "");
        otel_tracer_unref(tracer);
        otel_sdk_free(sdk);
    }
    assert_int_equal(srv_count(srv), 2); /* the two that sample a root */
    srv_free(srv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_arrive_as_the_environment_says),
        cmocka_unit_test(disabled_leaves_the_propagators),
        cmocka_unit_test(propagators_are_those_that_are_named),
        cmocka_unit_test(several_exporters_have_a_processor_each),
        cmocka_unit_test(entities_are_told_of_by_the_name_of_their_variable),
        cmocka_unit_test(detectors_are_an_option_and_yield_to_the_environment),
        cmocka_unit_test(no_exporter_means_no_processor),
        cmocka_unit_test(exports_may_run_at_once),
        cmocka_unit_test(https_is_refused_rather_than_answered_in_plain_text),
        cmocka_unit_test(every_sampler_name_makes_a_sampler),
        cmocka_unit_test(a_ratio_rule_of_another_language_decides),
    };

    return cmocka_run_group_tests_name("from_env", tests, NULL, NULL);
}
