/* SPDX-License-Identifier: Apache-2.0 */
/* What each variable means, what is said of its mistakes, and which wins over which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/mem.h"
#include "sdk/config/settings.h"
#include "sdk/config/tests/fake_env.h"
#include "sdk/resource/environment.h"

static struct otl_settings g_settings;
static struct fake_env g_env;

/* Pairs of name and value, NULL-terminated. The settings stay valid until the next call. */
static struct otl_settings *with(const char *name, ...)
{
    static struct otl_env env;
    struct otl_env_source source = {fake_getenv, &g_env, {fake_error, &g_env}};
    va_list args;

    otl_settings_fini(&g_settings);
    otl_env_fini(&env);
    memset(&g_env, 0, sizeof(g_env));
    va_start(args, name);
    for (; name != NULL; name = va_arg(args, const char *))
        fake_set(&g_env, name, va_arg(args, const char *));
    va_end(args);
    assert_int_equal(otl_env_read(&source, &env), OTEL_OK);
    assert_int_equal(otl_settings_from_env(&source, &env, &g_settings), OTEL_OK);
    return &g_settings;
}

static int teardown(void **state)
{
    (void)state;
    with(NULL);
    otl_settings_fini(&g_settings);
    return 0;
}

static bool said(const char *text)
{
    return strstr(g_env.said, text) != NULL;
}

static bool endpoint_is(const char *text)
{
    return otel_str_equal(g_settings.otlp.endpoint, otel_str(text));
}

/* order: a digit for each OTL_PROPAGATOR_... */
static bool propagates(const struct otl_settings *s, const char *order)
{
    for (unsigned i = 0; i < s->propagator_count; i++)
        if (order[i] != '0' + s->propagators[i])
            return false;
    return order[s->propagator_count] == '\0';
}

/* order: a digit for each OTL_EXPORTER_... */
static bool exports(const struct otl_settings *s, const char *order)
{
    for (unsigned i = 0; i < s->exporter_count; i++)
        if (order[i] != '0' + s->exporters[i])
            return false;
    return order[s->exporter_count] == '\0';
}

static void nothing_set_means_the_specifications_defaults(void **state)
{
    const struct otl_settings *s = with(NULL);

    (void)state;
    assert_false(s->disabled);
    assert_true(propagates(s, "01"));
    assert_true(exports(s, "0"));
    assert_int_equal(s->sampler, OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_ALWAYS_ON);
    assert_int_equal(s->batch.schedule_delay_millis, 5000);
    assert_int_equal(s->batch.export_timeout_millis, 30000);
    assert_int_equal(s->batch.max_queue_size, 2048);
    assert_int_equal(s->batch.max_export_batch_size, 512);
    assert_int_equal(s->limits.attribute_count_limit, 128);
    assert_int_equal(s->otlp.timeout_millis, 10000);
    assert_true(endpoint_is("http://localhost:4318/v1/traces"));
    assert_int_equal(g_env.told, 0);
}

static void empty_is_unset_and_blanks_go_away(void **state)
{
    const struct otl_settings *s =
        with("OTEL_SDK_DISABLED", "", "OTEL_TRACES_SAMPLER", "", "OTEL_PROPAGATORS", " ",
             "OTEL_BSP_SCHEDULE_DELAY", " 7 ", NULL);

    (void)state;
    assert_false(s->disabled);
    assert_true(propagates(s, "01"));
    assert_int_equal(s->batch.schedule_delay_millis, 7);
    assert_int_equal(g_env.told, 0);
}

static void only_true_is_true(void **state)
{
    (void)state;
    assert_true(with("OTEL_SDK_DISABLED", "true", NULL)->disabled);
    assert_true(with("OTEL_SDK_DISABLED", "TrUe", NULL)->disabled);
    assert_false(with("OTEL_SDK_DISABLED", "False", NULL)->disabled);
    assert_int_equal(g_env.told, 0);
    assert_false(with("OTEL_SDK_DISABLED", "1", NULL)->disabled);
    assert_int_equal(g_env.told, 1);
    assert_true(said("OTEL_SDK_DISABLED: \"1\""));
}

static void numbers_out_of_range_count_as_unset(void **state)
{
    static const char *const wrong[] = {"-1", "abc", "1.5", "0x10", "99999999999999999999", "+3"};
    const struct otl_settings *s;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        s = with("OTEL_BSP_SCHEDULE_DELAY", wrong[i], "OTEL_BSP_MAX_QUEUE_SIZE", wrong[i],
                 "OTEL_SPAN_EVENT_COUNT_LIMIT", wrong[i], NULL);
        assert_int_equal(s->batch.schedule_delay_millis, 5000);
        assert_int_equal(s->batch.max_queue_size, 2048);
        assert_int_equal(s->limits.event_count_limit, 128);
        assert_int_equal(g_env.told, 3);
    }
    s = with("OTEL_BSP_MAX_QUEUE_SIZE", "16777216", NULL);
    assert_int_equal(s->batch.max_queue_size, 16777216);
    assert_int_equal(g_env.told, 0);
    s = with("OTEL_BSP_MAX_QUEUE_SIZE", "16777217", NULL);
    assert_int_equal(s->batch.max_queue_size, 2048);
    assert_true(said("OTEL_BSP_MAX_QUEUE_SIZE: \"16777217\" is not a number from 1 to 16777216"));
    s = with("OTEL_BSP_MAX_QUEUE_SIZE", "0", "OTEL_BSP_SCHEDULE_DELAY", "0",
             "OTEL_BSP_EXPORT_TIMEOUT", "0", "OTEL_SPAN_LINK_COUNT_LIMIT", "0", NULL);
    assert_int_equal(s->batch.max_queue_size, 2048); /* a size of 0 is not one */
    assert_int_equal(s->batch.schedule_delay_millis, 0);
    assert_int_equal(s->batch.export_timeout_millis, 0);
    assert_int_equal(s->limits.link_count_limit, 0);
    assert_int_equal(g_env.told, 1);
}

static void the_batch_fits_into_the_queue(void **state)
{
    const struct otl_settings *s =
        with("OTEL_BSP_MAX_QUEUE_SIZE", "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "101", NULL);

    (void)state;
    assert_int_equal(s->batch.max_queue_size, 100);
    assert_int_equal(s->batch.max_export_batch_size, 100);
    assert_true(said("larger than the queue"));
    s = with("OTEL_BSP_MAX_QUEUE_SIZE", "100", NULL);
    assert_int_equal(s->batch.max_export_batch_size, 100);
    assert_int_equal(g_env.told, 0);
}

static void span_limits_beat_general_ones(void **state)
{
    const struct otl_settings *s =
        with("OTEL_ATTRIBUTE_COUNT_LIMIT", "10", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20", NULL);

    (void)state;
    assert_int_equal(s->limits.attribute_count_limit, 10);
    assert_int_equal(s->limits.attribute_value_length_limit, 20);
    assert_int_equal(s->limits.event_attribute_count_limit, 128);
    s = with("OTEL_ATTRIBUTE_COUNT_LIMIT", "10", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "30",
             "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "4", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5",
             "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6", NULL);
    assert_int_equal(s->limits.attribute_count_limit, 30);
    assert_int_equal(s->limits.event_attribute_count_limit, 4);
    assert_int_equal(s->limits.link_attribute_count_limit, 5);
    assert_int_equal(s->limits.attribute_value_length_limit, 6);
}

static void samplers_are_found_by_name(void **state)
{
    const struct otl_settings *s =
        with("OTEL_TRACES_SAMPLER", "TraceIdRatio", "OTEL_TRACES_SAMPLER_ARG", "0.25", NULL);

    (void)state;
    assert_int_equal(s->sampler, OTL_SAMPLER_TRACEIDRATIO);
    assert_true(s->sampler_ratio > 0.249 && s->sampler_ratio < 0.251);
    s = with("OTEL_TRACES_SAMPLER", "parentbased_always_off", "OTEL_TRACES_SAMPLER_ARG", "x", NULL);
    assert_int_equal(s->sampler, OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_ALWAYS_OFF);
    assert_int_equal(g_env.told, 0); /* the argument is not this sampler's */
    s = with("OTEL_TRACES_SAMPLER_ARG", "0.1", NULL);
    assert_int_equal(s->sampler, OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_ALWAYS_ON);
    assert_true(s->sampler_ratio > 0.99); /* used only with a sampler */
    assert_true(said("OTEL_TRACES_SAMPLER_ARG has no effect"));
}

static void the_ratio_rule_is_one_of_five_words_and_only_for_traceidratio(void **state)
{
    const struct otl_settings *s = with("OTEL_TRACES_SAMPLER", "parentbased_traceidratio",
                                        "OTEL_C_TRACES_SAMPLER_RATIO_RULE", "DotNet", NULL);

    (void)state;
    assert_int_equal(s->ratio_rule, OTEL_SDK_RATIO_DOTNET);
    assert_int_equal(g_env.told, 0);
    s = with("OTEL_TRACES_SAMPLER", "traceidratio", NULL);
    assert_int_equal(s->ratio_rule, OTEL_SDK_RATIO_GO);
    s = with("OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_C_TRACES_SAMPLER_RATIO_RULE", "jaba",
             NULL);
    assert_int_equal(s->ratio_rule, OTEL_SDK_RATIO_GO);
    assert_true(said("OTEL_C_TRACES_SAMPLER_RATIO_RULE: \"jaba\" is unknown (did you mean java?)"));
    s = with("OTEL_TRACES_SAMPLER", "always_on", "OTEL_C_TRACES_SAMPLER_RATIO_RULE", "java", NULL);
    assert_int_equal(s->sampler, OTL_SAMPLER_ALWAYS_ON);
    assert_true(said("it has no effect"));
}

static void bad_samplers_and_arguments_are_named(void **state)
{
    static const char *const wrong[] = {"2", "-1", "x", "nan", "0.5 "};
    const struct otl_settings *s = with("OTEL_TRACES_SAMPLER", "always_onn", NULL);

    (void)state;
    assert_int_equal(s->sampler, OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_ALWAYS_ON);
    assert_true(said("did you mean always_on?"));
    for (size_t i = 0; i < 4; i++) {
        s = with("OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG",
                 wrong[i], NULL);
        assert_true(s->sampler_ratio > 0.99);
        assert_int_equal(g_env.told, 1);
    }
    s = with("OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", wrong[4], NULL);
    assert_true(s->sampler_ratio < 0.51);
}

static void a_remote_sampler_has_a_list_of_arguments(void **state)
{
    const struct otl_settings *s =
        with("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote", "OTEL_TRACES_SAMPLER_ARG",
             "endpoint=http://jaeger:5778/s, pollingIntervalMs=5000,initialSamplingRate=0.25",
             NULL);

    (void)state;
    assert_int_equal(s->sampler, OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_JAEGER_REMOTE);
    assert_string_equal(s->sampler_endpoint, "http://jaeger:5778/s");
    assert_int_equal(s->sampler_interval_millis, 5000);
    assert_true(s->sampler_ratio > 0.24 && s->sampler_ratio < 0.26);
    assert_int_equal(g_env.told, 0);
    s = with("OTEL_TRACES_SAMPLER", "jaeger_remote", "OTEL_TRACES_SAMPLER_ARG",
             "endpoint=jaeger,pollingIntervalMs=0,initialSamplingRate=2,interval=1,,x", NULL);
    assert_int_equal(s->sampler, OTL_SAMPLER_JAEGER_REMOTE);
    assert_string_equal(s->sampler_endpoint, "");
    assert_int_equal(s->sampler_interval_millis, 0);
    assert_true(s->sampler_ratio < 0.0011);
    assert_int_equal(g_env.told, 6);
    assert_true(said("\"interval=1\" is none of endpoint=URL"));
    s = with("OTEL_TRACES_SAMPLER", "jaeger_remote", NULL);
    assert_int_equal(g_env.told, 0);
    assert_string_equal(s->sampler_endpoint, "");
}

static void propagators_are_a_list_without_duplicates(void **state)
{
    const struct otl_settings *s = with("OTEL_PROPAGATORS", "baggage, tracecontext,baggage", NULL);

    (void)state;
    assert_true(propagates(s, "10"));
    assert_true(propagates(with("OTEL_PROPAGATORS", "tracecontext,B3", NULL), "02"));
    s = with("OTEL_PROPAGATORS",
             "datadog,ottrace,xray,jaeger,b3multi,b3,baggage,tracecontext,datadog", NULL);
    assert_true(propagates(s, "76543210"));
    assert_int_equal(g_env.told, 0);
    assert_true(propagates(with("OTEL_PROPAGATORS", "none", NULL), ""));
    assert_int_equal(g_env.told, 0);
    assert_true(propagates(with("OTEL_PROPAGATORS", "b3,none", NULL), ""));
    assert_true(said("none beside others"));
    assert_true(propagates(with("OTEL_PROPAGATORS", "nonsense", NULL), "01"));
    assert_int_equal(g_env.told, 1);
    assert_true(propagates(with("OTEL_PROPAGATORS", "nonsense,xray", NULL), "5"));
}

static void exporters_may_be_none(void **state)
{
    (void)state;
    assert_true(exports(with("OTEL_TRACES_EXPORTER", "none", NULL), ""));
    assert_true(exports(with("OTEL_TRACES_EXPORTER", "OTLP", NULL), "0"));
    assert_true(exports(with("OTEL_TRACES_EXPORTER", "console", NULL), "1"));
    assert_true(
        exports(with("OTEL_TRACES_EXPORTER", "otlp/stdout, otlp,console,otlp", NULL), "201"));
    assert_int_equal(g_env.told, 0);
    assert_true(exports(with("OTEL_TRACES_EXPORTER", "none,console", NULL), "1"));
    assert_true(said("none beside others has no effect"));
    assert_true(exports(with("OTEL_TRACES_EXPORTER", "zipkin", NULL), "0"));
    assert_true(said("\"zipkin\" is not supported"));
    assert_true(exports(with("OTEL_TRACES_EXPORTER", "consol", NULL), "0"));
    assert_true(said("did you mean console?"));
}

static void the_base_endpoint_gets_the_signals_path(void **state)
{
    (void)state;
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1", NULL);
    assert_true(endpoint_is("http://h:1/v1/traces"));
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1/", NULL);
    assert_true(endpoint_is("http://h:1/v1/traces"));
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h/x/", NULL);
    assert_true(endpoint_is("http://h/x/v1/traces"));
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
         "http://t:2/own", NULL);
    assert_true(endpoint_is("http://t:2/own"));
    with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2", NULL);
    assert_true(endpoint_is("http://t:2/"));
    assert_int_equal(g_env.told, 0);
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", NULL);
    assert_true(endpoint_is("http://localhost:4318/v1/traces"));
    assert_true(said("OTEL_EXPORTER_OTLP_ENDPOINT: the URL must start with"));
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ":",
         NULL);
    assert_true(endpoint_is("http://h:1/v1/traces")); /* an unusable one counts as unset */
}

static bool header_is_set(unsigned i, const char *name, const char *value)
{
    return i < g_settings.otlp.header_count &&
           otel_str_equal(g_settings.headers[i].name, otel_str(name)) &&
           otel_str_equal(g_settings.headers[i].value, otel_str(value));
}

static void headers_are_decoded_and_split_at_the_first_equals(void **state)
{
    (void)state;
    with("OTEL_EXPORTER_OTLP_HEADERS",
         "authorization=Basic dXNlcjpwYXNz==, x-a = Bearer%20x ,,x-b=1%2C2,x-c=", NULL);
    assert_int_equal(g_settings.otlp.header_count, 4);
    assert_true(header_is_set(0, "authorization", "Basic dXNlcjpwYXNz=="));
    assert_true(header_is_set(1, "x-a", "Bearer x"));
    assert_true(header_is_set(2, "x-b", "1,2"));
    assert_true(header_is_set(3, "x-c", ""));
    with("OTEL_EXPORTER_OTLP_HEADERS", "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2", NULL);
    assert_int_equal(g_settings.otlp.header_count, 1);
    assert_true(header_is_set(0, "b", "2"));
}

static void bad_headers_are_left_out_without_being_shown(void **state)
{
    (void)state;
    with("OTEL_EXPORTER_OTLP_HEADERS",
         "good=1,secret,=secret,a b=secret,x=secret%0d%0ay,x=secret%zz,host=secret,last=2", NULL);
    assert_int_equal(g_settings.otlp.header_count, 2);
    assert_true(header_is_set(0, "good", "1"));
    assert_true(header_is_set(1, "last", "2"));
    assert_int_equal(g_env.told, 6);
    assert_false(said("secret"));
    assert_true(said("entry 2:"));
}

static void compression_and_timeout_have_a_signals_own(void **state)
{
    const struct otl_settings *s =
        with("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_TIMEOUT", "500", NULL);

    (void)state;
    assert_int_equal(s->otlp.compression, OTEL_SDK_COMPRESSION_GZIP);
    assert_int_equal(s->otlp.timeout_millis, 500);
    s = with("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
             "none", "OTEL_EXPORTER_OTLP_TIMEOUT", "500", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0",
             NULL);
    assert_int_equal(s->otlp.compression, OTEL_SDK_COMPRESSION_NONE);
    assert_int_equal(s->otlp.timeout_millis, 0);
    with("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", NULL);
    assert_true(said("\"zstd\" is unknown (known: none, gzip); ignored"));
}

static void what_is_not_here_is_said(void **state)
{
    (void)state;
    with("OTEL_TRACES_EXPORTER", "zipkin", NULL);
    assert_int_equal(g_env.told, 1);
    assert_true(said("\"zipkin\" is not supported"));
}

static void xray_has_an_endpoint_and_an_interval_in_seconds(void **state)
{
    const struct otl_settings *s = with("OTEL_TRACES_SAMPLER", "xray", NULL);

    (void)state;
    assert_int_equal(s->sampler, OTL_SAMPLER_XRAY);
    assert_true(s->sampler_endpoint[0] == '\0' && s->sampler_interval_millis == 0);
    s = with("OTEL_TRACES_SAMPLER", "parentbased_xray", "OTEL_TRACES_SAMPLER_ARG",
             "endpoint=http://proxy:2000, polling_interval=300", NULL);
    assert_int_equal(s->sampler, OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_XRAY);
    assert_string_equal(s->sampler_endpoint, "http://proxy:2000");
    assert_int_equal(s->sampler_interval_millis, 300000);
    assert_int_equal(g_env.told, 0);
    s = with("OTEL_TRACES_SAMPLER", "xray", "OTEL_TRACES_SAMPLER_ARG",
             "endpoint=proxy,polling_interval=0,polling_interval=4294968,pollingIntervalMs=5,  ,x",
             NULL);
    assert_true(s->sampler_endpoint[0] == '\0' && s->sampler_interval_millis == 0);
    assert_int_equal(g_env.told, 6);
    assert_true(said("\"endpoint=proxy\" is none of endpoint=URL, polling_interval=SECONDS"));
}

static void json_goes_where_protobuf_goes(void **state)
{
    const struct otl_settings *s = with("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", NULL);

    (void)state;
    assert_int_equal(s->otlp.protocol, OTEL_SDK_OTLP_HTTP_JSON);
    assert_true(endpoint_is("http://localhost:4318/v1/traces"));
    s = with("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
             "http/protobuf", NULL);
    assert_int_equal(s->otlp.protocol, OTEL_SDK_OTLP_HTTP_PROTOBUF);
    assert_int_equal(g_env.told, 0);
}

static void a_grpc_endpoint_without_a_scheme_is_tls_unless_insecure(void **state)
{
    const char *const grpc[] = {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"};

    (void)state;
    with(grpc[0], grpc[1], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", NULL);
    assert_true(endpoint_is("https://collector:4317/"));
    with(grpc[0], grpc[1], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317",
         "OTEL_EXPORTER_OTLP_INSECURE", "TRUE", NULL);
    assert_true(endpoint_is("http://collector:4317/"));
    with(grpc[0], grpc[1], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317",
         "OTEL_EXPORTER_OTLP_INSECURE", "true", "OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false",
         NULL);
    assert_true(endpoint_is("https://collector:4317/"));
    /* a scheme wins over INSECURE */
    with(grpc[0], grpc[1], "OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317",
         "OTEL_EXPORTER_OTLP_INSECURE", "true", NULL);
    assert_true(endpoint_is("https://collector:4317/"));
    /* HTTP has no such form */
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", NULL);
    assert_true(endpoint_is("http://localhost:4318/v1/traces"));
    assert_int_equal(g_env.told, 1);
}

static void the_former_name_of_insecure_is_read_and_told(void **state)
{
    const char *const grpc[] = {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"};

    (void)state;
    with(grpc[0], grpc[1], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317",
         "OTEL_EXPORTER_OTLP_SPAN_INSECURE", "true", NULL);
    assert_true(endpoint_is("http://collector:4317/"));
    assert_int_equal(g_env.told, 1);
    assert_string_equal(g_env.said, "OTEL_EXPORTER_OTLP_SPAN_INSECURE is now called "
                                    "OTEL_EXPORTER_OTLP_TRACES_INSECURE\n");
    /* it wins over the general one, as the present one does, and loses to that */
    with(grpc[0], grpc[1], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317",
         "OTEL_EXPORTER_OTLP_INSECURE", "true", "OTEL_EXPORTER_OTLP_SPAN_INSECURE", "false", NULL);
    assert_true(endpoint_is("https://collector:4317/"));
    with(grpc[0], grpc[1], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317",
         "OTEL_EXPORTER_OTLP_SPAN_INSECURE", "true", "OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false",
         NULL);
    assert_true(endpoint_is("https://collector:4317/"));
    assert_int_equal(g_env.told, 0);
}

static bool is(struct otel_str text, const char *expected)
{
    return otel_str_equal(text, otel_str(expected));
}

static void tls_files_of_the_signal_win_and_are_not_for_http(void **state)
{
    const struct otel_sdk_otlp_options *o =
        &with("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c", "OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca",
              "OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
              "/cert", NULL)
             ->otlp;

    (void)state;
    assert_true(is(o->tls_ca_file, "/ca") && is(o->tls_key_file, "/key"));
    assert_true(is(o->tls_cert_file, "/cert"));
    assert_int_equal(g_env.told, 0);
    o = &with("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c", "OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca",
              "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/own", NULL)
             ->otlp;
    assert_true(is(o->tls_ca_file, "/own"));
    with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca", NULL);
    assert_int_equal(g_env.told, 1);
    assert_non_null(strstr(g_env.said, "not used"));
}

static void grpc_has_its_own_endpoint(void **state)
{
    const struct otl_settings *s = with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", NULL);

    (void)state;
    assert_int_equal(s->otlp.protocol, OTEL_SDK_OTLP_GRPC);
    assert_true(endpoint_is("http://localhost:4317"));
    s = with("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
             "gRPC", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1", NULL);
    assert_int_equal(s->otlp.protocol, OTEL_SDK_OTLP_GRPC);
    assert_true(endpoint_is("http://c:1/")); /* nothing appended */
}

static void a_value_beyond_64_kib_counts_as_unset(void **state)
{
    static char large[70000];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    with("OTEL_SERVICE_NAME", large, NULL);
    assert_true(said("longer than 64 KiB"));
}

static const char *resource_value(const struct otel_sdk_resource *resource, const char *key)
{
    static char text[256];
    struct otel_value value;

    if (!otel_sdk_resource_get(resource, otel_str(key), &value))
        return "(absent)";
    snprintf(text, sizeof(text), "%.*s", (int)value.count, value.as.string);
    return text;
}

static const char *from_resource(const char *attributes, const char *service, const char *key,
                                 bool *ret_discarded)
{
    struct otl_resource_environment environment = {.attributes = attributes,
                                                   .service_name = service};
    struct otel_sdk_resource *resource = NULL;
    const char *text;

    assert_int_equal(otl_resource_from_environment(&environment, NULL, ret_discarded, &resource),
                     OTEL_OK);
    text = resource_value(resource, key);
    otel_sdk_resource_unref(resource);
    return text;
}

static void the_resource_comes_from_the_environment(void **state)
{
    static const char *const bad[] = {"a=1,novalue", "a=1,=2", "a=1,b=%zz", "a=1,b=%", "a=%ff"};
    bool discarded;

    (void)state;
    assert_string_equal(from_resource("a=1, b = x%2Cy%3Dz ,", NULL, "b", &discarded), "x,y=z");
    assert_false(discarded);
    assert_string_equal(from_resource("service.name=env", NULL, "service.name", &discarded), "env");
    assert_string_equal(from_resource("service.name=env", "own", "service.name", &discarded),
                        "own");
    assert_true(strncmp(from_resource(NULL, NULL, "service.name", &discarded),
                        "unknown_service:", 16) == 0);
    assert_string_equal(from_resource(NULL, "", "telemetry.sdk.language", &discarded), "c");
    assert_int_equal(strlen(from_resource("", "", "service.instance.id", &discarded)), 36);
    assert_string_equal(
        from_resource("service.instance.id=i-1", NULL, "service.instance.id", &discarded), "i-1");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_string_equal(from_resource(bad[i], "own", "a", &discarded), "(absent)");
        assert_true(discarded);
        assert_string_equal(from_resource(bad[i], "own", "service.name", &discarded), "own");
    }
}

static void uuids_are_random_and_of_version_4(void **state)
{
    char a[OTL_UUID_SIZE], b[OTL_UUID_SIZE];

    (void)state;
    assert_string_not_equal(otl_uuid(a), otl_uuid(b));
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
}

static void the_programs_resource_wins(void **state)
{
    struct otel_attribute attribute = otel_attr_str("service.name", "code");
    struct otl_resource_environment environment = {.attributes = "service.name=env,a=1",
                                                   .service_name = "own",
                                                   .instance_id = "id"};
    struct otel_sdk_resource *code = NULL, *resource = NULL;
    bool discarded;

    (void)state;
    assert_int_equal(otel_sdk_resource_new(&attribute, 1, otel_str(""), &code), OTEL_OK);
    assert_int_equal(otl_resource_from_environment(&environment, code, &discarded, &resource),
                     OTEL_OK);
    assert_string_equal(resource_value(resource, "service.name"), "code");
    assert_string_equal(resource_value(resource, "a"), "1");
    assert_string_equal(resource_value(resource, "service.instance.id"), "id");
    otel_sdk_resource_unref(resource);
    otel_sdk_resource_unref(code);
}

static void failing_allocation_ends_in_memory(void **state)
{
    struct otl_env_source source = {fake_getenv, &g_env, {NULL, NULL}};

    (void)state;
    memset(&g_env, 0, sizeof(g_env));
    fake_set(&g_env, "OTEL_SERVICE_NAME", "x");
    fake_set(&g_env, "OTEL_RESOURCE_ATTRIBUTES", "a=1,b=2");
    fake_set(&g_env, "OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2");
    for (unsigned long n = 1;; n++) {
        struct otl_resource_environment environment = {
            .attributes = "a=1,b=2",
            .service_name = "x",
            .entities = "a{a.id=1}[a.name=n]@https://x.test/1;b{b.id=2};b{b.id=3}"};
        struct otel_sdk_resource *resource = NULL;
        static struct otl_settings settings;
        enum otel_err err;
        struct otl_env env;
        bool discarded = false;

        otl_mem_fail_at(n);
        err = otl_env_read(&source, &env);
        if (err == OTEL_OK) {
            err = otl_settings_from_env(&source, &env, &settings);
            if (err == OTEL_OK) {
                err = otl_resource_from_environment(&environment, NULL, &discarded, &resource);
                otl_settings_fini(&settings);
            }
            otl_env_fini(&env);
        }
        otl_mem_fail_at(0);
        otel_sdk_resource_unref(resource);
        if (err == OTEL_OK)
            break;
        assert_int_equal(err, OTEL_ERR_MEMORY);
        assert_true(n < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_set_means_the_specifications_defaults),
        cmocka_unit_test(empty_is_unset_and_blanks_go_away),
        cmocka_unit_test(only_true_is_true),
        cmocka_unit_test(numbers_out_of_range_count_as_unset),
        cmocka_unit_test(the_batch_fits_into_the_queue),
        cmocka_unit_test(span_limits_beat_general_ones),
        cmocka_unit_test(samplers_are_found_by_name),
        cmocka_unit_test(bad_samplers_and_arguments_are_named),
        cmocka_unit_test(the_ratio_rule_is_one_of_five_words_and_only_for_traceidratio),
        cmocka_unit_test(a_remote_sampler_has_a_list_of_arguments),
        cmocka_unit_test(propagators_are_a_list_without_duplicates),
        cmocka_unit_test(exporters_may_be_none),
        cmocka_unit_test(the_base_endpoint_gets_the_signals_path),
        cmocka_unit_test(headers_are_decoded_and_split_at_the_first_equals),
        cmocka_unit_test(bad_headers_are_left_out_without_being_shown),
        cmocka_unit_test(compression_and_timeout_have_a_signals_own),
        cmocka_unit_test(what_is_not_here_is_said),
        cmocka_unit_test(xray_has_an_endpoint_and_an_interval_in_seconds),
        cmocka_unit_test(json_goes_where_protobuf_goes),
        cmocka_unit_test(grpc_has_its_own_endpoint),
        cmocka_unit_test(a_grpc_endpoint_without_a_scheme_is_tls_unless_insecure),
        cmocka_unit_test(the_former_name_of_insecure_is_read_and_told),
        cmocka_unit_test(tls_files_of_the_signal_win_and_are_not_for_http),
        cmocka_unit_test(a_value_beyond_64_kib_counts_as_unset),
        cmocka_unit_test(the_resource_comes_from_the_environment),
        cmocka_unit_test(uuids_are_random_and_of_version_4),
        cmocka_unit_test(the_programs_resource_wins),
        cmocka_unit_test(failing_allocation_ends_in_memory),
    };
    return cmocka_run_group_tests_name("env_settings", tests, NULL, teardown);
}
