/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/config/lint.h"
#include "collector-mock/config/tests/pasted.h"
#include "sdk/base/mem.h"

/*
 * Configurations as people paste them: each is taken, or it is said why not, in both modes. Judged
 * by lint, which also makes every component.
 */

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
        struct pasted one = {cases[i].setting, text, message, NULL, message, {NULL}};

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

/* Likewise a receiver; what it does not serve is not taken for one that it does. */
static void what_a_receiver_does_not_have_is_named(void **state)
{
    static const struct {
        const char *setting, *words;
    } cases[] = {
        {"compression_algorithms: ['', gzip, snappy]", "'compression_algorithms' snappy is a"},
        {"compression_algorithms: [lz4]", "'compression_algorithms' lz4 is a"},
        {"compression_algorithms: [x-snappy-framed]",
         "'compression_algorithms' x-snappy-framed is a"},
        {"middlewares: [{id: a}]", "'middlewares' is a"},
        {"dialer: {timeout: 1s}", "'dialer' is a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512], message[200];
        struct pasted one = {cases[i].setting, text, message, NULL, message, {NULL}};
        snprintf(text, sizeof(text),
                 "receivers:\n  otlp:\n    protocols:\n      http:\n"
                 "        endpoint: '127.0.0.1:0'\n        %s\n" NOP SERVICE("", "nop"),
                 cases[i].setting);
        snprintf(message, sizeof(message),
                 "c.yaml:6:9: receiver 'otlp': %s setting of the Collector that this one does "
                 "not have yet", cases[i].words);
        judge(&one, false);
        judge(&one, true);
    }
}

static void what_people_paste_is_taken_or_told_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < pasted_count; i++) {
        judge(&pasted_configs[i], false);
        judge(&pasted_configs[i], true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_receiver_does_not_have_is_named),
        cmocka_unit_test(what_people_paste_is_taken_or_told_why_not),
        cmocka_unit_test(what_an_exporter_does_not_have_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
