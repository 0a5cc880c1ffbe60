/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/config/config.h"
#include "collector-mock/config/lint.h"
#include "sdk/base/mem.h"

#define HEAD                                                                                       \
    "receivers: {otlp: {protocols: {http: }}}\n"                                                   \
    "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n"
#define TRACES(exporter)                                                                           \
    "receivers: {otlp: {protocols: {http: }}}\n"                                                   \
    "service: {pipelines: {traces: {receivers: [otlp], exporters: [" exporter "]}}}\n"

static enum otel_err load(const char *text, bool lenient, struct col_findings *findings,
                          struct col_config **ret, struct otl_detail *reterr)
{
    const struct col_config_options options = {.text = text,
                                               .text_len = strlen(text),
                                               .source = "c.yaml",
                                               .lenient = lenient,
                                               .findings = findings};

    return col_config_load(&options, ret, reterr);
}

static bool noted(const struct col_findings *findings, const char *message)
{
    char text[1024];

    for (size_t i = 0; i < findings->count; i++)
        if (strstr(otl_detail_format(&findings->items[i].detail, text, sizeof(text)), message))
            return true;
    return false;
}

static void list(const struct col_findings *findings)
{
    char text[1024];

    for (size_t i = 0; i < findings->count; i++)
        print_error("  %s: %s\n", col_severity_name(findings->items[i].severity),
                    otl_detail_format(&findings->items[i].detail, text, sizeof(text)));
}

/* Old words: what the strict load says (NULL: it takes them), what the lenient one warns of. */
static const struct {
    const char *text;
    const char *strict, *warning;
} old[] = {
    {TRACES("logging") "exporters:\n  logging: {loglevel: debug}\n",
     "c.yaml:4:3: exporter 'logging': the logging exporter is deprecated and was removed; use the "
     "debug exporter instead",
     "c.yaml:4:3: exporter 'logging': the logging exporter is deprecated"},
    {TRACES("logging") "exporters:\n  logging: {loglevel: info}\n", "debug exporter",
     "c.yaml:4:13: 'loglevel' was removed; use verbosity: normal"},
    {TRACES("logging") "exporters:\n  logging: {loglevel: warn}\n", "debug exporter",
     "use verbosity: basic"},
    {TRACES("jaeger") "exporters: {jaeger: {endpoint: 'jaeger:14250', insecure: true}}\n",
     "c.yaml:3:13: exporter 'jaeger': the jaeger exporter was removed in v0.86",
     "c.yaml:3:13: exporter 'jaeger': the jaeger exporter was removed in v0.86; Jaeger takes OTLP, "
     "use the otlp_grpc exporter instead; here spans are counted and go nowhere"},
    {TRACES("jaeger_thrift/a") "exporters: {jaeger_thrift/a: {endpoint: x}}\n", "removed in v0.86",
     "use the otlp_http exporter instead"},
    {TRACES("loki") "exporters: {loki: {endpoint: 'http://loki:3100'}}\n", "removed in v0.131",
     "c.yaml:3:13: exporter 'loki': the loki exporter was removed in v0.131"},
    {HEAD "exporters: {nop: }\nextensions: {memory_ballast: {size_mib: 64}}\n",
     "c.yaml:4:14: extension 'memory_ballast': the memory_ballast extension was removed in v0.109",
     "it does nothing"},
    {HEAD "exporters: {nop: }\nprocessors: {memory_limiter: {limit_mib: 9, check_interval: 1s, "
          "ballast_size_mib: 5}}\n",
     "c.yaml:4:65: unknown key 'ballast_size_mib'",
     "c.yaml:4:65: 'ballast_size_mib' was removed in v0.109"},
    {HEAD "exporters: {nop: }\nprocessors: {memory_limiter: {limit_mib: 9}}\n", NULL,
     "c.yaml:4:14: memory_limiter: check_interval must be greater than zero; 1s is taken"},
    {HEAD "exporters: {nop: }\nprocessors: {spanmetrics: {metrics_exporter: prometheus}}\n",
     "use the span_metrics connector", "c.yaml:4:14: processor 'spanmetrics': "},
    {HEAD "exporters: {nop: }\nprocessors: {queued_retry: }\n", "use sending_queue",
     "spans are counted and handed on unchanged"},
    {HEAD "exporters: {nop: }\nprocessors: {bacth: }\n",
     "c.yaml:4:14: unknown type 'bacth' for processor 'bacth' (did you mean 'batch'?)",
     "c.yaml:4:14: unknown type 'bacth' for processor 'bacth' (did you mean 'batch'?)"},
    {HEAD "exporters: {nop: }\nservice: {}\n", "c.yaml:4:1: ", NULL}, /* never taken */
    {"receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\n"
     "service:\n  telemetry: {metrics: {address: '0.0.0.0:8888'}}\n"
     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     NULL, "c.yaml:4:25: 'address' is deprecated since v0.111"},
    {"receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\n"
     "service:\n  pipelines:\n"
     "    traces: {receivers: [otlp], exporters: [nop]}\n"
     "    profiles: {receivers: [otlp], exporters: [nop]}\n",
     "c.yaml:6:5: pipeline \"profiles\": profiling signal support is at alpha level",
     "\"service.profilesSupport\" feature gate; it is left out"},
    {"receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\n"
     "service: {pipelines: {profiles: {receivers: [otlp], exporters: [nop]}}}\n",
     "profiling signal support", NULL},
    {"receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\n"
     "service:\n  telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {}}}}]}}\n"
     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     "c.yaml:4:35: service.telemetry: 'periodic' is a setting of the Collector",
     "that this one does not have yet; it is left out"},
    {HEAD "exporters: {nop: , debug: {verbosty: basic}}\n", "c.yaml:3:28: unknown key 'verbosty'",
     NULL}, /* a typing error is one in every mode */
};

static void check_mode(size_t i, bool lenient, struct col_findings *findings)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;
    char text[1024];
    enum otel_err err = load(old[i].text, lenient, findings, &config, &detail);
    bool expected = lenient ? old[i].warning != NULL : old[i].strict == NULL;

    if ((err == OTEL_OK) != expected)
        fail_msg("%s: %s\n%s", lenient ? "lenient" : "strict", detail.text, old[i].text);
    otl_detail_format(&detail, text, sizeof(text));
    if (!lenient && err != OTEL_OK && strstr(text, old[i].strict) == NULL)
        fail_msg("said: %s\nexpected: %s", text, old[i].strict);
    if (lenient && err == OTEL_OK && !noted(findings, old[i].warning)) {
        list(findings);
        fail_msg("not noted: %s\n%s", old[i].warning, old[i].text);
    }
    col_config_free(config);
}

static void old_names_are_refused_or_work_with_a_warning(void **state)
{
    struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));

    (void)state;
    assert_non_null(findings);
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        findings->count = 0;
        check_mode(i, false, findings);
        findings->count = 0;
        check_mode(i, true, findings);
        assert_int_equal(findings->errors, 0);
    }
    otl_mem_free(findings);
}

static void what_is_rewritten_is_what_the_component_sees(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;
    const struct col_config_component *logging, *limiter;

    (void)state;
    if (load(TRACES("logging") "exporters: {logging: {loglevel: debug}}\n"
                               "processors: {memory_limiter: {limit_mib: 512}}\n",
             true, NULL, &config, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    limiter = &config->components[1];
    logging = &config->components[2];
    assert_string_equal(logging->id, "logging");
    assert_string_equal(logging->type->name, "debug");
    assert_string_equal(otl_tree_text(logging->config, "verbosity", ""), "detailed");
    assert_null(json_object_get(logging->config, "loglevel"));
    assert_string_equal(otl_tree_text(limiter->config, "check_interval", ""), "1s");
    col_config_free(config);
}

/* Settings of the Collector that are not here, each on line 4 in a component of its own: strict
 * they are refused with their place, lenient they are left out. */
#define RECEIVER(protocol, setting)                                                                \
    "exporters: {nop: }\nextensions: {basicauth: {htpasswd: {inline: 'a:b'}}}\nreceivers:\n"       \
    "  otlp: {protocols: {" protocol ": {" setting "}}}\n"                                         \
    "service:\n  extensions: [basicauth]\n"                                                        \
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n"
#define EXPORTER(type, setting) TRACES(type) "exporters:\n  " type ": {" setting "}\n"
#define METRICS_EXPORTER(setting)                                                                  \
    "receivers: {otlp: {protocols: {http: }}}\n"                                                   \
    "service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}\n"              \
    "exporters:\n  prometheus: {endpoint: 'x:1', " setting "}\n"
#define SPAN_METRICS(setting)                                                                      \
    "receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\nconnectors:\n"                  \
    "  span_metrics: {" setting "}\n"                                                              \
    "service:\n  pipelines:\n    traces: {receivers: [otlp], exporters: [span_metrics]}\n"         \
    "    metrics: {receivers: [span_metrics], exporters: [nop]}\n"
#define FILE_(setting) EXPORTER("file", "path: /tmp/x, " setting)
#define BALANCER(inner)                                                                            \
    EXPORTER("load_balancing", "resolver: {static: {hostnames: [a]}}, protocol: {otlp: {"          \
             inner "tls: {insecure: true}}}")
#define GRPC(setting) EXPORTER("otlp_grpc", "endpoint: 'http://x:1', " setting)
#define HTTP(setting) EXPORTER("otlp_http", "endpoint: 'http://x:1', " setting)

static const struct {
    const char *text, *key;
} not_yet[] = {
    {FILE_("encoding: otlp_json"), "encoding"},
    {EXPORTER("file", "path: '/tmp/*', group_by: {enabled: true}, rotation: {max_days: 1}"),
     "rotation"},
    {BALANCER("compression: snappy, "), "compression"},
    {BALANCER("user_agent: me, "), "user_agent"},
    {METRICS_EXPORTER("tls: {cert_file: a, key_file: b}"), "tls"},
    {METRICS_EXPORTER("auth: {authenticator: basicauth}"), "auth"},
    {METRICS_EXPORTER("cors: {allowed_origins: ['*']}"), "cors"},
    {METRICS_EXPORTER("translation_strategy: NoTranslation"), "translation_strategy"},
    {SPAN_METRICS("include_instrumentation_scope: [a]"), "include_instrumentation_scope"},
    {SPAN_METRICS("add_resource_attributes: true"), "add_resource_attributes"},
    {SPAN_METRICS("enable_metrics_sampling_method: true"), "enable_metrics_sampling_method"},
    {"receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\nextensions:\n"
     "  health_check: {tls: {cert_file: a, key_file: b}}\n"
     "service:\n  extensions: [health_check]\n"
     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     "tls"},
    {EXPORTER("debug", "sending_queue: {enabled: true}"), "sending_queue"},
    {RECEIVER("http", "auth: {authenticator: basicauth, request_params: [key]}"),
     "request_params"},
    {RECEIVER("grpc", "auth: {authenticator: basicauth, request_params: [key]}"),
     "request_params"},
    {RECEIVER("http", "middlewares: [{id: a}]"), "middlewares"},
    {RECEIVER("grpc", "middlewares: [{id: a}]"), "middlewares"},
    {RECEIVER("http", "dialer: {timeout: 1s}"), "dialer"},
    {RECEIVER("grpc", "dialer: {timeout: 1s}"), "dialer"},
    {GRPC("user_agent: me"), "user_agent"},
    {GRPC("tls: {include_insecure_cipher_suites: true}"), "include_insecure_cipher_suites"},
    {HTTP("tls: {include_insecure_cipher_suites: true}"), "include_insecure_cipher_suites"},
    {GRPC("compression: snappy"), "compression"},
    {HTTP("compression: snappy"), "compression"},
};

/* The finding that says so at the place of the last KEY: in line 4. */
static bool told(const struct col_findings *findings, enum col_severity severity, const char *text,
                 const char *key)
{
    const char *line = text, *at, *next;
    char start[64], word[64], said[1024];

    for (int i = 1; i < 4; i++)
        line = strchr(line, '\n') + 1;
    snprintf(word, sizeof(word), "%s: ", key);
    at = strstr(line, word);
    while (at != NULL && (next = strstr(at + 1, word)) != NULL && next < strchr(line, '\n'))
        at = next;
    assert_non_null(at);
    snprintf(start, sizeof(start), "c.yaml:4:%d: ", (int)(at - line) + 1);
    snprintf(word, sizeof(word), "'%s' ", key);
    for (size_t i = 0; i < findings->count; i++) {
        otl_detail_format(&findings->items[i].detail, said, sizeof(said));
        if (findings->items[i].severity == severity && strstr(said, word) != NULL &&
            strncmp(said, start, strlen(start)) == 0 &&
            strstr(said, "is a setting of the Collector that this one does not have yet") != NULL)
            return true;
    }
    return false;
}

static void settings_that_are_not_here_are_refused_or_left_out(void **state)
{
    struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));

    (void)state;
    assert_non_null(findings);
    for (size_t i = 0; i < sizeof(not_yet) / sizeof(not_yet[0]); i++) {
        const struct col_config_options strict = {.text = not_yet[i].text,
                                                  .text_len = strlen(not_yet[i].text),
                                                  .source = "c.yaml"};
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct col_config *config = NULL;
        bool refused, loads;
        findings->count = findings->errors = 0;
        assert_int_equal(col_lint(&strict, findings, &detail), OTEL_OK);
        refused = findings->errors == 1 &&
                  told(findings, COL_ERROR, not_yet[i].text, not_yet[i].key);
        if (!refused)
            list(findings);
        findings->count = findings->errors = 0;
        loads = load(not_yet[i].text, true, findings, &config, &detail) == OTEL_OK &&
                findings->errors == 0 &&
                told(findings, COL_WARNING, not_yet[i].text, not_yet[i].key);
        if (!loads)
            list(findings);
        col_config_free(config);
        if (!refused || !loads) {
            otl_mem_free(findings);
            fail_msg("strict %s, lenient %s: %s\n%s", refused ? "good" : "wrong",
                     loads ? "good" : "wrong", detail.text, not_yet[i].text);
        }
    }
    otl_mem_free(findings);
}

/* Statements and conditions of which the Collector has more than there is here. */
static void statements_that_are_not_here_are_refused_or_left_out(void **state)
{
    static const char text[] =
        "receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\nprocessors:\n"
        "  transform:\n    log_statements:\n      - set(log.severity_text, ToUpperCase(\"x\"))\n"
        "      - set(log.severity_text, \"y\")\n      - flatten(log.attributes)\n"
        "  filter: {logs: {log_record: ['IsEmpty(body)', 'severity_text == \"x\"']}}\n"
        "service: {pipelines: {logs: {receivers: [otlp], processors: [transform, filter], "
        "exporters: [nop]}}}\n";
    static const char *const says[] = {
        "c.yaml:6:9: processor 'transform': 'set(log.severity_text, ToUpperCase(\"x\"))', "
        "character 24: 'ToUpperCase' is a function of the Collector that this one does not have "
        "yet; it is left out",
        "c.yaml:8:9: processor 'transform': 'flatten(log.attributes)', character 1: 'flatten' is a "
        "function of the Collector that this one does not have yet; it is left out",
        "c.yaml:9:32: processor 'filter': 'IsEmpty(body)', character 1: 'IsEmpty' is a function "
        "of the Collector that this one does not have yet; it is left out"};
    const struct col_config_options strict = {.text = text, .text_len = sizeof(text) - 1,
                                              .source = "c.yaml"};
    struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;
    char said[1024];

    (void)state;
    assert_non_null(findings);
    assert_int_equal(col_lint(&strict, findings, &detail), OTEL_OK);
    assert_int_equal(findings->errors, 2); /* the first of each component */
    findings->count = findings->errors = 0;
    assert_int_equal(load(text, true, findings, &config, &detail), OTEL_OK);
    assert_int_equal(findings->count, 3);
    for (size_t i = 0; i < 3; i++) {
        otl_detail_format(&findings->items[i].detail, said, sizeof(said));
        assert_string_equal(said, says[i]);
    }
    col_config_free(config);
    otl_mem_free(findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_names_are_refused_or_work_with_a_warning),
        cmocka_unit_test(settings_that_are_not_here_are_refused_or_left_out),
        cmocka_unit_test(statements_that_are_not_here_are_refused_or_left_out),
        cmocka_unit_test(what_is_rewritten_is_what_the_component_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
