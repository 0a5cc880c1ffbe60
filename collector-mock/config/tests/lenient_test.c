/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/config/config.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_names_are_refused_or_work_with_a_warning),
        cmocka_unit_test(what_is_rewritten_is_what_the_component_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
