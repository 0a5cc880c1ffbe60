/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/config/lint.h"
#include "sdk/base/mem.h"

/*
 * Configurations as people paste them: each is taken, or it is said why not, in both modes. Judged
 * by lint, which also makes every component.
 */

#define RECEIVERS                                                                                  \
    "receivers:\n"                                                                                 \
    "  otlp:\n"                                                                                    \
    "    protocols:\n"                                                                             \
    "      grpc: {endpoint: 0.0.0.0:4317}\n"                                                       \
    "      http: {endpoint: 0.0.0.0:4318}\n"
#define NOP "exporters: {nop: }\n"
/* with the limiter first and one processor more */
#define SERVICE(processor, exporter)                                                               \
    "service: {pipelines: {traces: {receivers: [otlp], processors: [" processor                    \
    "], exporters: [" exporter "]}}}\n"
#define LIMITER "  memory_limiter: {check_interval: 1s, limit_mib: 512, spike_limit_mib: 128}\n"
#define POLICIES                                                                                   \
    "    policies:\n"                                                                              \
    "      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n"            \
    "      - {name: slow, type: latency, latency: {threshold_ms: 1000}}\n"                         \
    "      - {name: some, type: probabilistic, probabilistic: {sampling_percentage: 5}}\n"

static const struct pasted {
    const char *name;
    const char *text;
    const char *strict;  /* a finding that is an error; NULL: it is taken */
    const char *lenient; /* the same */
    const char *warning; /* of lenient mode; NULL: none is asked for */
} pasted[] = {
    {"otlp on all addresses", RECEIVERS NOP SERVICE("", "nop"), NULL, NULL, NULL},
    {"limiter and batch",
     RECEIVERS NOP "processors:\n" LIMITER
                   "  batch: {timeout: 1s, send_batch_size: 1024, send_batch_max_size: 2048}\n"
                   "  batch/5: {timeout: 5s}\n  batch/10: {timeout: 10s}\n" SERVICE(
                       "memory_limiter, batch, batch/5, batch/10", "nop"),
     NULL, NULL, NULL},
    {"limiter without an interval",
     RECEIVERS NOP "processors:\n  memory_limiter: {limit_mib: 512}\n" SERVICE("memory_limiter",
                                                                              "nop"),
     "c.yaml:8:3: processor 'memory_limiter': check_interval must be greater than zero", NULL,
     "c.yaml:8:3: memory_limiter: check_interval must be greater than zero; 1s is taken"},
    {"tail sampling",
     RECEIVERS NOP "processors:\n" LIMITER "  batch:\n  tail_sampling:\n    decision_wait: 10s\n"
                   "    num_traces: 100000\n    expected_new_traces_per_sec: 1000\n" POLICIES
                       SERVICE("memory_limiter, tail_sampling, batch", "nop"),
     NULL, NULL, NULL},
    {"tail sampling behind batch",
     RECEIVERS NOP "processors:\n" LIMITER
                   "  batch:\n  tail_sampling:\n    decision_wait: 10s\n" POLICIES SERVICE(
                       "memory_limiter, batch, tail_sampling", "nop"),
     NULL, NULL, "tail_sampling stands behind batch"},
    {"attributes and resource",
     RECEIVERS NOP
     "processors:\n"
     "  attributes:\n"
     "    actions:\n"
     "      - {key: http.request.header.authorization, action: delete}\n"
     "      - {key: http.url, action: delete}\n"
     "      - {key: user.email, action: delete}\n"
     "      - {key: db.statement, action: hash}\n"
     "  resource:\n"
     "    attributes:\n"
     "      - {key: deployment.environment, value: production, action: upsert}\n"
     "      - {key: cluster.name, value: eu-1, action: upsert}\n" SERVICE("attributes, resource",
                                                                         "nop"),
     NULL, NULL, NULL},
    {"to tempo without TLS",
     RECEIVERS "exporters:\n  otlp/tempo:\n    endpoint: tempo:4317\n"
               "    tls:\n      insecure: true\n" SERVICE("", "otlp/tempo"),
     NULL, NULL, "c.yaml:7:3: exporter 'otlp/tempo': 'otlp' is the old name of 'otlp_grpc'"},
    {"TLS on one line by mistake",
     RECEIVERS "exporters:\n  otlp/tempo:\n    endpoint: tempo:4317\n"
               "    tls: insecure: true\n" SERVICE("", "otlp/tempo"),
     "c.yaml:9:18: mapping values are not allowed", "c.yaml:9:18: mapping values are not allowed",
     NULL},
    {"to jaeger, loki and a log",
     RECEIVERS "exporters:\n"
               "  jaeger: {endpoint: 'jaeger:14250', tls: {insecure: true}}\n"
               "  loki: {endpoint: 'http://loki:3100/loki/api/v1/push'}\n"
               "  logging: {loglevel: debug}\n" SERVICE("", "jaeger, loki, logging"),
     "c.yaml:7:3: exporter 'jaeger': the jaeger exporter was removed in v0.86", NULL,
     "c.yaml:8:3: exporter 'loki': the loki exporter was removed in v0.131"},
    {"the collector's own telemetry",
     RECEIVERS NOP "service:\n"
                   "  telemetry:\n"
                   "    logs: {level: info, encoding: json}\n"
                   "    metrics:\n      level: detailed\n      readers:\n"
                   "        - pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}\n"
                   "    resource: {service.name: gateway}\n"
                   "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     NULL, NULL, "c.yaml:9:25: service.telemetry: 'encoding' does nothing here"},
    {"the collector's own telemetry, sent elsewhere",
     RECEIVERS NOP "service:\n"
                   "  telemetry:\n    metrics:\n      readers:\n"
                   "        - periodic: {exporter: {otlp: {endpoint: 'http://backend:4318'}}}\n"
                   "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     "c.yaml:11:11: service.telemetry: 'periodic' is a setting", NULL,
     "c.yaml:11:11: service.telemetry: 'periodic' is a setting"},
    {"extensions and the old address",
     RECEIVERS NOP "extensions:\n  health_check: {endpoint: 0.0.0.0:13133}\n"
                   "  pprof: {endpoint: 0.0.0.0:1777}\n"
                   "service:\n"
                   "  extensions: [health_check, pprof]\n"
                   "  telemetry: {metrics: {address: 0.0.0.0:8888}}\n"
                   "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     NULL, NULL, "c.yaml:12:25: 'address' is deprecated since v0.111"},
    {"three signals",
     RECEIVERS NOP "processors:\n" LIMITER
                   "  batch:\n"
                   "service:\n"
                   "  pipelines:\n"
                   "    traces: {receivers: [otlp], processors: [memory_limiter, batch], "
                   "exporters: [nop]}\n"
                   "    metrics: {receivers: [otlp], processors: [memory_limiter, batch], "
                   "exporters: [nop]}\n"
                   "    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: "
                   "[nop]}\n",
     NULL, NULL, NULL},
    {"credentials on gRPC by a file of passwords",
     "receivers:\n  otlp:\n    protocols:\n"
     "      grpc: {endpoint: 0.0.0.0:4317, auth: {authenticator: basicauth/server}}\n"
     "      http: {endpoint: 0.0.0.0:4318}\n"
     "extensions:\n  basicauth/server: {htpasswd: {file: /etc/otel/htpasswd}}\n" NOP
     "service:\n"
     "  extensions: [basicauth/server]\n"
     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     NULL, NULL, NULL},
    {"for browsers",
     "receivers:\n  otlp:\n    protocols:\n"
     "      grpc: {endpoint: 0.0.0.0:4317, transport: tcp, read_buffer_size: 524288}\n"
     "      http:\n        endpoint: 0.0.0.0:4318\n"
     "        cors:\n          allowed_origins: ['http://*', 'https://*.example.com']\n"
     "          allowed_headers: ['*']\n          max_age: 7200\n"
     "        response_headers: {X-Served-By: gateway}\n" NOP SERVICE("", "nop"),
     NULL, NULL, NULL},
    {"for clients behind a load balancer",
     "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 0.0.0.0:4317\n"
     "        max_recv_msg_size_mib: 16\n        keepalive:\n"
     "          server_parameters: {max_connection_age: 60s, max_connection_age_grace: 10s}\n"
     "          enforcement_policy: {min_time: 10s, permit_without_stream: true}\n" NOP
     SERVICE("", "nop"),
     NULL, NULL, NULL},
    {"settings of the receiver that are not here",
     "receivers:\n  otlp:\n    protocols:\n"
     "      grpc: {endpoint: 0.0.0.0:4317}\n"
     "      http: {endpoint: 0.0.0.0:4318, transport: unix}\n" NOP SERVICE("", "nop"),
     "c.yaml:5:38: receiver 'otlp': 'transport'", NULL,
     "c.yaml:5:38: receiver 'otlp': 'transport'"},
    {"time limits of a server",
     "receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint: 0.0.0.0:4318\n"
     "        read_timeout: 5s\n        read_header_timeout: 2s\n"
     "        write_timeout: 0\n        idle_timeout: 1m\n" NOP SERVICE("", "nop"),
     NULL, NULL, NULL},
    {"time limits of a server under a key that there is not",
     "receivers:\n  otlp:\n    protocols:\n"
     "      http: {endpoint: 0.0.0.0:4318, timeouts: {read_timeout: 5s}}\n" NOP SERVICE("", "nop"),
     "c.yaml:4:38: unknown key 'timeouts'", "c.yaml:4:38: unknown key 'timeouts'", NULL},
};

static bool found(const struct col_findings *findings, enum col_severity least,
                  const char *message)
{
    char text[1024];

    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].severity >= least &&
            strncmp(otl_detail_format(&findings->items[i].detail, text, sizeof(text)), message,
                    strncmp(message, "c.yaml", 6) == 0 ? strlen(message) : 0) == 0 &&
            strstr(text, message) != NULL)
            return true;
    return false;
}

static void judge(const struct pasted *one, bool lenient)
{
    const struct col_config_options options = {.text = one->text,
                                               .text_len = strlen(one->text),
                                               .source = "c.yaml",
                                               .lenient = lenient};
    const char *error = lenient ? one->lenient : one->strict;
    struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));
    struct otl_detail detail = OTL_DETAIL_NONE;
    bool good;

    assert_non_null(findings);
    assert_int_equal(col_lint(&options, findings, &detail), OTEL_OK);
    good = error == NULL ? findings->errors == 0 : found(findings, COL_ERROR, error);
    if (lenient && one->warning != NULL)
        good = good && found(findings, COL_ADVICE, one->warning);
    for (size_t k = 0; !good && k < findings->count; k++) {
        char text[1024];
        print_error("%s %s\n", col_severity_name(findings->items[k].severity),
                    otl_detail_format(&findings->items[k].detail, text, sizeof(text)));
    }
    if (!good)
        fail_msg("%s, %s", one->name, lenient ? "lenient" : "strict");
    otl_mem_free(findings);
}

/* Settings of an otlp exporter's client that are not here: named with their place, and left out in
 * lenient mode. */
static void what_an_exporter_does_not_have_is_named(void **state)
{
    static const struct {
        const char *type, *setting, *word;
    } cases[] = {
        {"otlp_grpc", "authority: other", "authority"},
        {"otlp_http", "proxy_url: 'http://proxy:3128'", "proxy_url"},
        {"otlp_http", "cookies: {enabled: true}", "cookies"},
        {"otlp_grpc", "middlewares: [{id: a}]", "middlewares"},
        {"otlp_grpc", "sending_queue: {storage: file_storage}", "storage"},
        {"otlp_grpc", "sending_queue: {batch: {partition: {metadata_keys: [a]}}}",
         "metadata_keys"},
        {"otlp_grpc", "tls: {ca_pem: x}", "ca_pem"},
        {"otlp_grpc", "tls: {cert_pem: x}", "cert_pem"},
        {"otlp_grpc", "tls: {key_pem: x}", "key_pem"},
        {"otlp_grpc", "tls: {min_version: '1.3'}", "min_version"},
        {"otlp_grpc", "tls: {max_version: '1.3'}", "max_version"},
        {"otlp_grpc", "tls: {cipher_suites: [a]}", "cipher_suites"},
        {"otlp_grpc", "tls: {curve_preferences: [a]}", "curve_preferences"},
        {"otlp_grpc", "tls: {reload_interval: 1s}", "reload_interval"},
        {"otlp_grpc", "tls: {tpm: {enabled: true}}", "tpm"},
        {"otlp_grpc", "tls: {include_system_ca_certs_pool: true}",
         "include_system_ca_certs_pool"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512], message[200];
        struct pasted one = {cases[i].setting, text, message, NULL, message};

        snprintf(text, sizeof(text),
                 RECEIVERS "exporters:\n  %s:\n    endpoint: 'http://next:1'\n    %s\n"
                 SERVICE("", "%s"),
                 cases[i].type, cases[i].setting, cases[i].type);
        snprintf(message, sizeof(message),
                 "exporter '%s': '%s' is a setting of the Collector that this one does not have "
                 "yet",
                 cases[i].type, cases[i].word);
        judge(&one, false);
        judge(&one, true);
    }
}

static void what_people_paste_is_taken_or_told_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pasted) / sizeof(pasted[0]); i++) {
        judge(&pasted[i], false);
        judge(&pasted[i], true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_paste_is_taken_or_told_why_not),
        cmocka_unit_test(what_an_exporter_does_not_have_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
