/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <otel/sdk/config_file.h>
#include <otel/vendor_propagators.h>

#include "ci/witness/otlp_pb.h"
#include "sdk/base/mem.h"
#include "sdk/config/hook.h"
#include "sdk/config/tests/fake_env.h"
#include "sdk/config/tests/rule_of.h"
#include "sdk/transport/tests/server.h"

/* Names the library, so that it is linked. */
static const struct otl_config_hook *const g_linked = &otel_config_hook_0;

static struct fake_env g_env;
static struct otel_config_problem g_problem;

#define PROVIDER "tracer_provider:\n  processors:\n    - simple: {exporter: {console: }}\n"
#define FORMAT "file_format: \"1.0\"\n"

static enum otel_err make(const char *text, struct otel_sdk **ret)
{
    struct otel_config_env env = {fake_getenv, &g_env};
    struct otel_sdk_env_options options;
    struct otel_config *config = NULL;
    enum otel_err err;

    assert_non_null(g_linked);
    memset(&g_problem, 0, sizeof(g_problem));
    g_env.told = 0;
    g_env.said[0] = '\0';
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &g_env;
    options.error = fake_error;
    options.error_arg = &g_env;
    options.instance_id = "test-1";
    options.console_fd = 2; /* the output is TAP */
    err = otel_config_read_text(otel_str(text), "otel.yaml", &env, &config, &g_problem);
    if (err == OTEL_OK)
        err = otel_config_create(config, &options, ret, &g_problem);
    otel_config_free(config); /* the SDK outlives it */
    return err;
}

static struct otel_sdk *made(const char *text)
{
    struct otel_sdk *sdk = NULL;
    enum otel_err err = make(text, &sdk);
    char words[900];

    if (err != OTEL_OK)
        print_message("%s\n", otel_config_problem_text(&g_problem, words, sizeof(words)));
    assert_int_equal(err, OTEL_OK);
    assert_non_null(sdk);
    return sdk;
}

/* text fails, and says so at line:column with these words. */
static void fails(const char *text, unsigned line, unsigned column, const char *words)
{
    struct otel_sdk *sdk = NULL;
    enum otel_err err = make(text, &sdk);
    char said[900];

    otel_config_problem_text(&g_problem, said, sizeof(said));
    if (err == OTEL_OK || strstr(said, words) == NULL || g_problem.line != line ||
        g_problem.column != column)
        print_message("%d: %s\n", (int)err, said);
    assert_int_not_equal(err, OTEL_OK);
    assert_null(sdk);
    assert_int_equal(g_problem.code, err);
    assert_non_null(strstr(said, words));
    assert_int_equal(g_problem.line, line);
    assert_int_equal(g_problem.column, column);
    assert_string_equal(g_problem.source, "otel.yaml");
}

static void a_file_without_a_tracer_provider_makes_none(void **state)
{
    struct otel_sdk *sdk = made(FORMAT);

    (void)state;
    assert_null(otel_sdk_provider_of(sdk));
    assert_int_equal(g_env.told, 0);
    otel_sdk_free(sdk);
    sdk = made(FORMAT "disabled: true\n" PROVIDER "propagator: {composite: [{b3: }]}\n");
    assert_null(otel_sdk_provider_of(sdk));
    assert_ptr_equal(otel_sdk_propagator_of(sdk), otel_propagator_b3());
    otel_sdk_free(sdk);
}

static void mistakes_have_a_place_and_the_nearest_word(void **state)
{
    (void)state;
    fails("disabled: false\n", 1, 1, "missing key 'file_format'");
    fails("file_format: 1.0\n", 1, 14, "file_format");
    fails("file_format: \"2.0\"\n", 1, 14, "version 2.0 is not supported");
    fails("file_format: \"new\"\n", 1, 14, "is no version");
    fails(FORMAT "tracer_provider:\n  procesors: []\n", 3, 3, "did you mean 'processors'?");
    fails(FORMAT "tracer_provider:\n  processors: []\n", 3, 15, "at least 1");
    fails(FORMAT "tracer_provider:\n  processors:\n    - batch:\n        exporter:\n"
                 "          otlp_htp:\n",
          6, 11, "did you mean 'otlp_http'?");
    fails(FORMAT "tracer_provider:\n  processors:\n    - batch:\n        schedule_delay: -1\n"
                 "        exporter: {console: }\n",
          5, 25, "must not be negative");
    fails(FORMAT "tracer_provider:\n  processors:\n    - batch:\n        max_queue_size: 10\n"
                 "        max_export_batch_size: 11\n        exporter: {console: }\n",
          6, 32, "larger than max_queue_size, 10");
    fails(FORMAT PROVIDER "  sampler: {trace_id_ratio_based: {ratio: 1.5}}\n", 5, 43,
          "from 0 to 1");
    fails(FORMAT PROVIDER "  sampler: {always_on: , always_off: }\n", 5, 12, "at most 1");
    fails(FORMAT PROVIDER "  sampler: {trace_id_ratio_rule: {rule: jaba}}\n", 5, 41,
          "did you mean 'java'?");
    fails(FORMAT PROVIDER "  sampler: {trace_id_ratio_rule: {ratio: 0.5}}\n", 5, 34, "rule");
    fails(FORMAT PROVIDER "  sampler: {jaeger_remote/development: {endpoint: x, initial_sampler: "
                          "{always_on: }}}\n",
          5, 51, "it cannot be asked for strategies");
    fails(FORMAT PROVIDER "  sampler: {xray: {endpoint: x}}\n", 5, 30,
          "it cannot be asked for rules");
    fails(FORMAT PROVIDER "  sampler: {xray: {polling_interval: 50}}\n", 5, 20,
          "unknown key 'polling_interval'");
    fails(FORMAT "propagator: {composite_list: \"tracecontext,bagage\"}\n", 2, 30,
          "did you mean 'baggage'?");
    fails(FORMAT "disabled: yes\n", 2, 11, "disabled");
    fails(FORMAT "disabled: ${BROKEN\n", 2, 11, "without '}'");
    fails(FORMAT "a: [\n", 3, 1, "");
    fails("", 0, 0, "expected the configuration, found nothing");
}

static void endpoints_headers_and_files_are_judged_where_they_stand(void **state)
{
#define OTLP(rest)                                                                                 \
    FORMAT "tracer_provider:\n  processors:\n    - batch:\n        exporter:\n"                  \
           "          otlp_http:\n" rest
    (void)state;
    fails(OTLP("            endpoint: collector:4318\n"), 7, 23, "endpoint: ");
    fails(OTLP("            headers: [{name: \"a b\", value: x}]\n"), 7, 30, "cannot be sent");
    fails(OTLP("            headers_list: nonsense\n"), 7, 27, "entry 1");
    fails(OTLP("            compression: zstd\n"), 7, 26, "unknown word 'zstd'");
    fails(OTLP("            endpoint: https://c\n            tls: {ca_file: /nowhere/ca.pem}\n"), 7,
          13, "otlp_http: /nowhere/ca.pem");
    fails(FORMAT "tracer_provider: {processors: [{simple: {exporter: {otlp_file/development: "

                 "{output_stream: nowhere}}}}]}\n",
          2, 92, "expected stdout or file:///PATH");
}

/* The first request of the server, decoded by the witness. */
static Otlp__ExportTraceServiceRequest *first_request(struct srv *srv)
{
    const struct srv_request *request;
    Otlp__ExportTraceServiceRequest *decoded;

    assert_true(srv_wait(srv, 1));
    request = srv_request(srv, 0);
    decoded = otlp__export_trace_service_request__unpack(NULL, request->body_len,
                                                         (const uint8_t *)request->body);
    assert_non_null(decoded);
    return decoded;
}

static const Otlp__KeyValue *find(const Otlp__Resource *resource, const char *key)
{
    for (size_t i = 0; i < resource->n_attributes; i++)
        if (resource->attributes[i]->key.len == strlen(key) &&
            memcmp(resource->attributes[i]->key.data, key, strlen(key)) == 0)
            return resource->attributes[i];
    return NULL;
}

static const char g_whole[] =
    FORMAT "resource:\n"
           "  attributes_list: \"service.name=lost,team=a%2Cb\"\n"
           "  attributes:\n"
           "    - {name: service.name, value: \"${NAME:-shop}\"}\n"
           "    - {name: port, value: \"${PORT}0\"}\n"
           "    - name: number\n"
           "      value: ${PORT}\n"
           "      type: int\n"
           "    - {name: ratio, value: 0.5, type: double}\n"
           "    - {name: on, value: true, type: bool}\n"
           "    - {name: list, value: [a, b], type: string_array}\n"
           "    - {name: gone, value: null}\n"
           "  schema_url: https://s.test/1\n"
           "attribute_limits: {attribute_count_limit: 1, attribute_value_length_limit: 2}\n"
           "propagator: {composite: [{baggage: }], composite_list: \"tracecontext,baggage\"}\n"
           "tracer_provider:\n"
           "  limits: {attribute_count_limit: 2}\n"
           "  sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 1}}}}\n"
           "  processors:\n"
           "    - batch:\n"
           "        max_queue_size: 64\n"
           "        exporter:\n"
           "          otlp_http:\n"
           "            endpoint: http://127.0.0.1:${SERVER}/own/path\n"
           "            headers:\n"
           "              - {name: X-Key, value: '$${literal}'}\n"
           "              - {name: X-No, value: null}\n"
           "            headers_list: \"X-Key=second,X-More=c%20d\"\n";
static void check_request(const struct srv_request *request)
{
    char value[64];

    assert_non_null(strstr(request->head, "POST /own/path HTTP/1.1"));
    assert_true(srv_header(request, "X-Key", value, sizeof(value)));
    assert_string_equal(value, "${literal}");
    assert_true(srv_header(request, "X-More", value, sizeof(value)));
    assert_string_equal(value, "c d");
    assert_false(srv_header(request, "X-No", value, sizeof(value)));
}

static bool is_text(const Otlp__Resource *resource, const char *key, const char *expected)
{
    const Otlp__KeyValue *found = find(resource, key);

    return found != NULL && found->value->string_value.len == strlen(expected) &&
           memcmp(found->value->string_value.data, expected, strlen(expected)) == 0;
}

static void check_resource(const Otlp__Resource *resource)
{
    assert_true(is_text(resource, "service.name", "shop"));
    assert_true(is_text(resource, "team", "a,b"));
    assert_true(is_text(resource, "port", "4310"));
    assert_true(is_text(resource, "service.instance.id", "test-1"));
    assert_int_equal(find(resource, "number")->value->int_value, 431);
    assert_true(find(resource, "on")->value->bool_value);
    assert_int_equal(find(resource, "list")->value->array_value->n_values, 2);
    assert_null(find(resource, "gone"));
}

static void a_whole_file_describes_what_arrives(void **state)
{
    struct srv *srv = srv_new();
    Otlp__ExportTraceServiceRequest *request;
    const Otlp__Span *exported;
    struct otel_tracer_options tracer_options;
    struct otel_tracer *tracer;
    struct otel_span *span;
    struct otel_sdk *sdk;
    char port[16];

    (void)state;
    g_env.count = 0;
    snprintf(port, sizeof(port), "%u", (unsigned)srv_port(srv));
    fake_set(&g_env, "SERVER", port);
    fake_set(&g_env, "PORT", "431");
    fake_set(&g_env, "OTEL_SERVICE_NAME", "ignored");
    fake_set(&g_env, "OTEL_TRACES_SAMPLER", "always_off");
    sdk = made(g_whole);
    otel_tracer_options_init(&tracer_options);
    tracer_options.name = otel_str("t");
    tracer = otel_tracer_provider_tracer(
        otel_sdk_provider_api(otel_sdk_provider_of(sdk)), &tracer_options);
    span = otel_span_start(tracer, "work", NULL);
    otel_span_set_str(span, "one", "long");
    otel_span_set_int(span, "two", 2);
    otel_span_set_int(span, "three", 3);
    otel_span_finish(span);
    otel_tracer_unref(tracer);
    assert_int_equal(otel_sdk_force_flush(sdk, 20000), OTEL_OK);
    request = first_request(srv);
    check_request(srv_request(srv, 0));
    check_resource(request->resource_spans[0]->resource);
    exported = request->resource_spans[0]->scope_spans[0]->spans[0];
    assert_int_equal(exported->n_attributes, 2);
    assert_int_equal(exported->dropped_attributes_count, 1);
    assert_int_equal(exported->attributes[0]->value->string_value.len, 2);
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    assert_non_null(otel_sdk_otlp_of(sdk));
    otel_sdk_free(sdk);
    srv_free(srv);
}

static void wrong_attributes_of_the_resource_are_refused(void **state)
{
    (void)state;
    fails(FORMAT "resource: {attributes: [{name: a, value: 1}]}\n" PROVIDER, 2, 42,
          "write it in quotes");
    fails(FORMAT "resource: {attributes: [{name: a, value: x, type: int}]}\n" PROVIDER, 2, 42,
          "of type int");
    fails(FORMAT "resource: {attributes: [{name: a, value: [1, x], type: int_array}]}\n" PROVIDER,
          2, 42, "item 2");
    fails(FORMAT "resource: {attributes: [{value: x}]}\n" PROVIDER, 2, 25, "missing key 'name'");
    fails(FORMAT "resource: {attributes_list: a%zz=b}\n" PROVIDER, 2, 29, "percent");
    fails(FORMAT "resource: {detection/development: {detectors: [{hosts: 1}]}}\n" PROVIDER, 2, 56,
          "expected a map");
}

/* As the specification has it since 1.62: a detector of another language costs a warning. */
static void a_detector_that_is_not_here_is_told_and_the_others_are_asked(void **state)
{
    struct otel_sdk *sdk;

    (void)state;
    sdk = made(FORMAT "resource: {detection/development: {detectors: [{hosts: }, {process: },\n"
                      "  {aws.ec2: {timeout: 1}}]}}\n" PROVIDER);
    assert_int_equal(g_env.told, 2);
    assert_non_null(strstr(g_env.said, "otel.yaml:2:49: unknown detector 'hosts' (did you mean "
                                       "'host'?); it has no effect"));
    assert_non_null(strstr(g_env.said, "otel.yaml:3:4: unknown detector 'aws.ec2'; it has no"));
    assert_non_null(otel_sdk_provider_of(sdk));
    otel_sdk_free(sdk);
}

static void the_schemas_of_today_are_read_without_a_word(void **state)
{
    static const char *const formats[] = {"1.0", "1.1", "1.2", "1.2-rc.1"};
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        snprintf(text, sizeof(text), "file_format: \"%s\"\n%s", formats[i], PROVIDER);
        otel_sdk_free(made(text));
        assert_int_equal(g_env.told, 0);
    }
}

static void what_is_not_built_is_told_and_has_no_effect(void **state)
{
    struct otel_sdk *sdk;

    (void)state;
    sdk = made("file_format: \"1.7\"\nmeter_provider: {readers: [{x: 1}]}\nlog_level: info\n"
               "resorce: {}\nvendor.thing: 1\n" PROVIDER);
    assert_int_equal(g_env.told, 4);
    assert_non_null(strstr(g_env.said, "otel.yaml:1:1: file_format 1.7 is newer"));
    assert_non_null(strstr(g_env.said, "otel.yaml:2:1: meter_provider is not supported"));
    assert_non_null(strstr(g_env.said, "unknown key 'resorce' (did you mean 'resource'?)"));
    assert_non_null(strstr(g_env.said, "unknown key 'vendor.thing'"));
    otel_sdk_free(sdk);
}

static void the_log_level_decides_what_is_told(void **state)
{
    static const struct {
        const char *line;
        bool warnings;
    } rows[] = {{"", true},
                {"log_level: trace\n", true},
                {"log_level: warn\n", true}, /* a warning is of severity warn */
                {"log_level: warn2\n", false},
                {"log_level: error\n", false},
                {"log_level: fatal4\n", false},
                {"log_level: null\n", true}};
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), FORMAT "%svendor.thing: 1\n" PROVIDER, rows[i].line);
        otel_sdk_free(made(text));
        assert_int_equal(g_env.told, rows[i].warnings);
    }
}

static bool has_tracer(struct otel_sdk *sdk, const char *name)
{
    struct otel_tracer_options named;
    struct otel_tracer *tracer;
    bool enabled;

    otel_tracer_options_init(&named);
    named.name = otel_str(name);
    tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(otel_sdk_provider_of(sdk)), &named);
    enabled = otel_tracer_enabled(tracer);
    otel_tracer_unref(tracer);
    return enabled;
}

static void tracers_are_enabled_by_the_first_name_that_matches(void **state)
{
    struct otel_sdk *sdk = made(FORMAT PROVIDER
                                "  tracer_configurator/development:\n"
                                "    default_config: {enabled: false}\n"
                                "    tracers:\n"
                                "      - {name: lib.noisy, config: {enabled: false}}\n"
                                "      - {name: lib.*, config: {}}\n"
                                "      - {name: \"?\", config: {enabled: true}}\n");

    (void)state;
    assert_int_equal(g_env.told, 0);
    assert_false(has_tracer(sdk, "lib.noisy"));
    assert_true(has_tracer(sdk, "lib.calm"));
    assert_true(has_tracer(sdk, "x"));
    assert_false(has_tracer(sdk, "xy"));
    otel_sdk_free(sdk);
    sdk = made(FORMAT PROVIDER "  tracer_configurator/development: {tracers: [{name: a, config: "
                               "{enabled: false}}]}\n");
    assert_false(has_tracer(sdk, "a"));
    assert_true(has_tracer(sdk, "b"));
    otel_sdk_free(sdk);
    fails(FORMAT PROVIDER "  tracer_configurator/development: {tracers: [{name: a}]}\n", 5, 47,
          "missing key 'config'");
}

static struct otel_sdk *with_sampler(const char *sampler)
{
    char text[2000];

    snprintf(text, sizeof(text), FORMAT "%s  sampler: %s\n", PROVIDER, sampler);
    return made(text);
}

/* Would a root span with this attribute and kind be sampled? */
static bool keeps(struct otel_sdk *sdk, struct otel_attribute attribute, enum otel_span_kind kind)
{
    struct otel_tracer_options named;
    struct otel_span_options options;
    struct otel_tracer *tracer;
    struct otel_span *span;
    bool kept;

    otel_tracer_options_init(&named);
    named.name = otel_str("t");
    tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(otel_sdk_provider_of(sdk)), &named);
    otel_span_options_init(&options);
    options.attributes = &attribute;
    options.attribute_count = 1;
    options.kind = kind;
    options.root = true;
    span = otel_span_start(tracer, "s", &options);
    kept = otel_span_is_recording(span);
    otel_span_unref(span);
    otel_tracer_unref(tracer);
    return kept;
}

static void every_sampler_of_the_schema_is_made(void **state)
{
    static const struct {
        const char *text;
        bool kept;
    } rows[] = {
        {"{always_on: }", true},
        {"{always_off: {}}", false},
        {"{always_record: {root: {always_off: }}}", true},
        {"{trace_id_ratio_based: }", true},
        {"{trace_id_ratio_based: {ratio: 0}}", false},
        {"{parent_based: }", true},
        {"{parent_based: {root: {always_off: }, local_parent_sampled: {always_on: }}}", false},
        {"{probability/development: {ratio: 1}}", true},
        {"{probability/development: {ratio: 0}}", false},
        {"{jaeger_remote/development: {endpoint: 'http://127.0.0.1:9/s', initial_sampler: "
         "{always_on: }}}",
         true},
        {"{composite/development: {always_on: }}", true},
        {"{composite/development: {always_off: }}", false},
        {"{composite/development: {probability: {ratio: 1}}}", true},
        {"{composite/development: {parent_threshold: {root: {always_on: }}}}", true},
        {"{composite/development: {rule_based: {rules: [{sampler: {always_on: }}]}}}", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct otel_sdk *sdk = with_sampler(rows[i].text);
        if (keeps(sdk, otel_attr_int("n", 1), OTEL_SPAN_KIND_SERVER) != rows[i].kept)
            print_message("%s\n", rows[i].text);
        assert_int_equal(keeps(sdk, otel_attr_int("n", 1), OTEL_SPAN_KIND_SERVER), rows[i].kept);
        otel_sdk_free(sdk);
    }
}

static bool keeps_all(struct otel_sdk *sdk, int count)
{
    while (count > 0 && keeps(sdk, otel_attr_int("n", 1), OTEL_SPAN_KIND_SERVER))
        count--;
    return count == 0;
}

/* Its rule is for this service: without it 5 % were kept. */
static void xray_asks_where_it_is_told_to_and_is_told_of_the_resource(void **state)
{
    static const char rules[] =
        "{\"SamplingRuleRecords\":[{\"SamplingRule\":{\"RuleName\":\"all\",\"Version\":1,"
        "\"Priority\":1,\"ReservoirSize\":0,\"FixedRate\":1,\"ServiceName\":\"shop\","
        "\"ServiceType\":\"*\"}}]}";
    struct srv *srv = srv_new();
    struct otel_sdk *sdk;
    char text[500];

    (void)state;
    for (int i = 0; i < 2; i++)
        srv_push_answer(srv, 200, "", rules, sizeof(rules) - 1);
    snprintf(text, sizeof(text),
             FORMAT "resource: {attributes: [{name: service.name, value: shop}]}\n" PROVIDER
                    "  sampler: {xray: {endpoint: 'http://127.0.0.1:%u', interval: 50}}\n",
             (unsigned)srv_port(srv));
    sdk = made(text);
    assert_true(srv_wait(srv, 2)); /* again after the interval */
    while (!keeps_all(sdk, 100)) /* at most until the runner's limit */
        sched_yield();
    assert_memory_equal(srv_request(srv, 0)->head, "POST /GetSamplingRules HTTP/1.1\r\n", 33);
    otel_sdk_free(sdk);
    srv_free(srv);
}

static void ratio_rules_of_other_languages_are_made_by_name(void **state)
{
    static const char *const rules[] = {"go", "java", "dotnet", "cpp", "js"};
    struct otel_sdk *sdk;

    (void)state;
    for (int i = 0; i <= OTEL_SDK_RATIO_JS; i++) {
        char text[200];
        snprintf(text, sizeof(text),
                 "{parent_based: {root: {trace_id_ratio_rule: {rule: %s, ratio: 0.5}}}}", rules[i]);
        sdk = with_sampler(text);
        assert_int_equal(rule_of(sdk, 0.5), i);
        otel_sdk_free(sdk);
    }
    sdk = with_sampler("{trace_id_ratio_based: {ratio: 0.5}}");
    assert_int_equal(rule_of(sdk, 0.5), OTEL_SDK_RATIO_GO);
    otel_sdk_free(sdk);
    sdk = with_sampler("{trace_id_ratio_rule: {rule: java}}"); /* ratio 1 */
    assert_true(keeps(sdk, otel_attr_int("n", 1), OTEL_SPAN_KIND_SERVER));
    otel_sdk_free(sdk);
}

static void rules_look_at_values_patterns_kinds_and_parents(void **state)
{
    static const struct otel_str both[] = {{"x", 1}, {"/health/live", 12}};
    static const int64_t codes[] = {200, 404};
    struct otel_sdk *sdk = with_sampler(
        "{composite/development: {rule_based: {rules: ["
        "{attribute_patterns: {key: path, included: ['/health/*'], excluded: ['*/l?ve']}, "
        "sampler: {always_off: }},"
        "{attribute_values: {key: code, values: ['404', 'true', '0.1']}, "
        "sampler: {always_on: }},"
        "{span_kinds: [client, producer], parent: [remote, local], sampler: {always_on: }},"
        "{span_kinds: [client], parent: [none], sampler: {always_on: }},"
        "{attribute_patterns: {key: path, included: ['/*']}, sampler: {always_on: }}]}}}");
    enum otel_span_kind server = OTEL_SPAN_KIND_SERVER;

    (void)state;
    assert_false(keeps(sdk, otel_attr_str("path", "/health/ready"), OTEL_SPAN_KIND_CLIENT));
    assert_true(keeps(sdk, otel_attr_str("path", "/health/live"), server));
    assert_true(keeps(sdk, otel_attr_int("code", 404), server));
    assert_true(keeps(sdk, otel_attr_bool("code", true), server));
    assert_true(keeps(sdk, otel_attr_double("code", 0.1), server));
    assert_false(keeps(sdk, otel_attr_int("code", 200), server));
    assert_true(keeps(sdk, otel_attr("code", otel_value_many(OTEL_VALUE_INT_ARRAY, codes, 2)),
                      server));
    assert_true(keeps(sdk, otel_attr_int("code", 200), OTEL_SPAN_KIND_CLIENT));
    assert_false(keeps(sdk, otel_attr_int("code", 200), OTEL_SPAN_KIND_PRODUCER));
    assert_true(keeps(sdk, otel_attr("path", otel_value_many(OTEL_VALUE_STRING_ARRAY, both, 2)),
                      server));
    assert_false(keeps(sdk, otel_attr_str("path", "x"), server));
    otel_sdk_free(sdk);
}

static void detectors_are_asked_and_filtered(void **state)
{
    struct srv *srv = srv_new();
    Otlp__ExportTraceServiceRequest *request;
    struct otel_sdk *sdk;
    char text[1000];

    (void)state;
    snprintf(text, sizeof(text),
             FORMAT "resource: {detection/development: {attributes: {included: ['process.*'], "
                    "excluded: ['process.owner']}, detectors: [{process: }, {host: }]}}\n"
                    "tracer_provider: {processors: [{simple: {exporter: {otlp_http: {endpoint: "
                    "\"http://127.0.0.1:%u/\"}}}}]}\n",
             (unsigned)srv_port(srv));
    sdk = made(text);
    (void)keeps(sdk, otel_attr_int("n", 1), OTEL_SPAN_KIND_SERVER);
    {
        struct otel_tracer_options named;
        struct otel_tracer *tracer;
        otel_tracer_options_init(&named);
        named.name = otel_str("t");
        tracer =
            otel_tracer_provider_tracer(otel_sdk_provider_api(otel_sdk_provider_of(sdk)), &named);
        otel_span_finish(otel_span_start(tracer, "s", NULL));
        otel_tracer_unref(tracer);
    }
    request = first_request(srv);
    assert_int_equal(find(request->resource_spans[0]->resource, "process.pid")->value->int_value,
                     getpid());
    assert_null(find(request->resource_spans[0]->resource, "process.owner"));
    assert_null(find(request->resource_spans[0]->resource, "host.name"));
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    otel_sdk_free(sdk);
    srv_free(srv);
}

static void every_exporter_of_the_schema_is_made(void **state)
{
    char path[] = "/tmp/otel-config-XXXXXX", text[1200];
    int fd = mkstemp(path);
    struct otel_sdk *sdk;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    snprintf(text, sizeof(text),
             FORMAT "tracer_provider:\n  processors:\n"
                    "    - simple: {exporter: {console: }}\n"
                    "    - simple: {exporter: {otlp_file/development: {output_stream: "
                    "\"file://%s\"}}}\n"
                    "    - batch: {exporter: {otlp_http: }, schedule_delay: null}\n"
                    "    - batch: {exporter: {otlp_http: {encoding: json, compression: gzip, "
                    "timeout: 0, max_request_size: 0, max_response_size: 100}}}\n"
                    "    - batch: {exporter: {otlp_grpc: {endpoint: 'localhost:4317', tls: "
                    "{insecure: true}}}}\n"
                    "    - batch: {exporter: {otlp_grpc: }}\n"
                    "  id_generator: {random: }\n"
                    "  sampler: {always_off: }\n",
             path);
    sdk = made(text);
    assert_int_equal(g_env.told, 0);
    otel_sdk_free(sdk);
    unlink(path);
}

static void the_variable_names_the_file_and_all_others_are_ignored(void **state)
{
    char path[] = "/tmp/otel-config-XXXXXX";
    static const char text[] =
        FORMAT "resource: {attributes: [{name: service.name, value: '${X}'}]}\n"
               "tracer_provider: {sampler: {always_on: }, processors: "
               "[{batch: {exporter: {otlp_http: }}}]}\n";
    int fd = mkstemp(path);
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    memset(&g_env, 0, sizeof(g_env));
    fake_set(&g_env, "OTEL_CONFIG_FILE", path);
    fake_set(&g_env, "X", "by-file");
    fake_set(&g_env, "OTEL_SDK_DISABLED", "true");
    fake_set(&g_env, "OTEL_TRACES_SAMPLER", "nonsense");
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &g_env;
    options.error = fake_error;
    options.error_arg = &g_env;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    assert_non_null(otel_sdk_provider_of(sdk));
    assert_true(keeps(sdk, otel_attr_int("n", 1), OTEL_SPAN_KIND_SERVER));
    if (g_env.told > 0)
        print_message("%s\n", g_env.said);
    assert_int_equal(g_env.told, 0);
    otel_sdk_free(sdk);
    unlink(path);
    sdk = NULL;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_ERR_NOT_FOUND);
    assert_null(sdk);
    assert_non_null(strstr(g_env.said, path));
}

/* Every n-th allocation fails: an error, nothing left behind. */
static void failing_allocation_makes_nothing(void **state)
{
    static const char text[] =
        FORMAT "resource: {attributes_list: a=b, attributes: [{name: c, value: [1], type: "
               "int_array}], detection/development: {detectors: [{process: }]}}\n"
               "propagator: {composite: [{b3: }, {tracecontext: }]}\n"
               "tracer_provider:\n"
               "  tracer_configurator/development: {tracers: [{name: a, config: {}}]}\n"
               "  sampler: {composite/development: {rule_based: {rules: [{attribute_patterns: "
               "{key: a, included: [x], excluded: [y]}, sampler: {parent_threshold: {root: "
               "{probability: {ratio: 0.5}}}}}]}}}\n"
               "  processors:\n"
               "    - batch: {exporter: {otlp_http: {headers: [{name: A, value: b}], "
               "headers_list: c=d, compression: gzip}}}\n"
               "    - simple: {exporter: {otlp_grpc: }}\n";
    struct otel_config_env env = {fake_getenv, &g_env};
    bool whole = false;

    (void)state;
    for (unsigned long n = 1; n < 5000 && !whole; n++) {
        struct otel_config *config = NULL;
        struct otel_sdk *sdk = NULL;
        enum otel_err err;
        otl_mem_fail_at(n);
        err = otel_config_read_text(otel_str(text), "otel.yaml", &env, &config, &g_problem);
        if (err == OTEL_OK)
            err = otel_config_create(config, NULL, &sdk, &g_problem);
        whole = otl_mem_count() < n;
        otl_mem_fail_at(0);
        if (!whole && err != OTEL_OK)
            assert_int_equal(err, OTEL_ERR_MEMORY);
        if (err == OTEL_OK)
            assert_non_null(sdk);
        otel_sdk_free(sdk);
        otel_config_free(config);
    }
    assert_true(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_without_a_tracer_provider_makes_none),
        cmocka_unit_test(mistakes_have_a_place_and_the_nearest_word),
        cmocka_unit_test(endpoints_headers_and_files_are_judged_where_they_stand),
        cmocka_unit_test(a_whole_file_describes_what_arrives),
        cmocka_unit_test(wrong_attributes_of_the_resource_are_refused),
        cmocka_unit_test(what_is_not_built_is_told_and_has_no_effect),
        cmocka_unit_test(the_log_level_decides_what_is_told),
        cmocka_unit_test(tracers_are_enabled_by_the_first_name_that_matches),
        cmocka_unit_test(every_sampler_of_the_schema_is_made),
        cmocka_unit_test(xray_asks_where_it_is_told_to_and_is_told_of_the_resource),
        cmocka_unit_test(ratio_rules_of_other_languages_are_made_by_name),
        cmocka_unit_test(rules_look_at_values_patterns_kinds_and_parents),
        cmocka_unit_test(detectors_are_asked_and_filtered),
        cmocka_unit_test(a_detector_that_is_not_here_is_told_and_the_others_are_asked),
        cmocka_unit_test(the_schemas_of_today_are_read_without_a_word),
        cmocka_unit_test(every_exporter_of_the_schema_is_made),
        cmocka_unit_test(the_variable_names_the_file_and_all_others_are_ignored),
        cmocka_unit_test(failing_allocation_makes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
