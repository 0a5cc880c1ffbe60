/* SPDX-License-Identifier: Apache-2.0 */
/* Variables whose names are nearly one of OpenTelemetry's, in the process's own environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/config.h>

#include "sdk/config/env.h"
#include "sdk/config/tests/fake_env.h"

/* An environment that holds nothing, but how the test is to report. */
static void empty_environment(void)
{
    const char *format = getenv("CMOCKA_MESSAGE_OUTPUT");
    char kept[16];

    snprintf(kept, sizeof(kept), "%s", format != NULL ? format : "");
    clearenv();
    if (kept[0] != '\0')
        setenv("CMOCKA_MESSAGE_OUTPUT", kept, 1);
}

/* An SDK in an environment of this one variable; what was told. */
static struct fake_env told_of(const char *name, const char *value)
{
    struct otel_sdk_env_options options;
    struct fake_env told = {.count = 0};
    struct otel_sdk *sdk = NULL;

    empty_environment();
    setenv("OTEL_TRACES_EXPORTER", "none", 1);
    setenv(name, value, 1);
    otel_sdk_env_options_init(&options);
    options.error = fake_error;
    options.error_arg = &told;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    otel_sdk_free(sdk);
    return told;
}

static void a_misspelt_name_is_told_with_the_nearest(void **state)
{
    static const struct {
        const char *name, *meant;
    } rows[] = {{"OTEL_TRACES_SAMPLR", "OTEL_TRACES_SAMPLER"},
                {"OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"},
                {"OTEL_TRACES_SAMPELR_ARG", "OTEL_TRACES_SAMPLER_ARG"},
                {"OTEL_SERVICENAME", "OTEL_SERVICE_NAME"},
                {"otel_service_name", "OTEL_SERVICE_NAME"},
                {"OTEL_RESOURCE_ATTRIBUTE", "OTEL_RESOURCE_ATTRIBUTES"},
                {"OTEL_EXPORTER_OTLP_HEADER", "OTEL_EXPORTER_OTLP_HEADERS"},
                {"OTEL_BSP_MAX_QUEUE_SIZES", "OTEL_BSP_MAX_QUEUE_SIZE"},
                {"OTEL_METRICS_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_INTERVAL"},
                {"OTEL_LOG_EXPORTER", "OTEL_LOGS_EXPORTER"},
                {"OTEL_CONFIG_FILES", "OTEL_CONFIG_FILE"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_env told = told_of(rows[i].name, "a secret");
        char meant[100];

        snprintf(meant, sizeof(meant), "%s is no variable of OpenTelemetry (did you mean %s?)",
                 rows[i].name, rows[i].meant);
        if (told.told != 1 || strstr(told.said, meant) == NULL)
            fail_msg("%s: %u: %s", rows[i].name, told.told, told.said);
        assert_null(strstr(told.said, "secret")); /* it may be a header's */
    }
}

static void names_that_are_right_or_far_from_all_are_silent(void **state)
{
    static const char *const names[] = {
        "OTEL_METRICS_EXPORTER", "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRICS_EXEMPLAR_FILTER",
        "OTEL_LOGS_EXPORTER", "OTEL_BLRP_SCHEDULE_DELAY", "OTEL_BLRP_MAX_QUEUE_SIZE",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "OTEL_EXPORTER_PROMETHEUS_PORT", "OTEL_SEMCONV_STABILITY_OPT_IN",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT", "OTEL_EXPORTER_JAEGER_ENDPOINT",
        /* other languages', collectors', operators' and programs' own */
        "OTEL_PYTHON_LOG_LEVEL", "OTEL_JAVAAGENT_ENABLED", "OTEL_DOTNET_AUTO_HOME",
        "OTEL_GO_X_SELF_OBSERVABILITY", "OTEL_NODE_RESOURCE_DETECTORS", "OTEL_POD_IP",
        "OTEL_OPERATOR_IMAGE", "OTELCOL_CONFIG", "OTEL", "OTEL_", "OTEL_SERVICE_NAMESPACE",
        "SERVICE_NAME", "OTEL_A_NAME_THAT_IS_LONGER_THAN_ANY_OF_OPENTELEMETRYS_OWN_NAMES_IS"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct fake_env told = told_of(names[i], "1");

        if (told.told != 0)
            fail_msg("%s: %s", names[i], told.said);
    }
    assert_int_equal(told_of("OTEL_TRACES_SAMPLR", "").told, 0); /* empty is unset */
}

/* Whatever is read is right. */
static void every_variable_that_is_read_is_known(void **state)
{
    struct fake_env told = {.count = 0};
    struct otl_env_source source = {.teller = {fake_error, &told}};

    (void)state;
    empty_environment();
    for (size_t i = 0; otl_env_name(i) != NULL; i++)
        setenv(otl_env_name(i), "1", 1);
    assert_non_null(otl_env_name(30));
    otl_env_misspelt(&source);
    assert_string_equal(told.said, "");
}

static void a_flood_of_them_is_told_in_part(void **state)
{
    struct fake_env told = {.count = 0};
    struct otl_env_source source = {.teller = {fake_error, &told}};
    char name[40];

    (void)state;
    empty_environment();
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "OTEL_SERVICE_NAME%02d", i);
        setenv(name, "1", 1);
    }
    otl_env_misspelt(&source);
    assert_int_equal(told.told, 16);
    source.getenv = fake_getenv; /* the program's own look-up: the environment is no matter */
    otl_env_misspelt(&source);
    assert_int_equal(told.told, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelt_name_is_told_with_the_nearest),
        cmocka_unit_test(names_that_are_right_or_far_from_all_are_silent),
        cmocka_unit_test(every_variable_that_is_read_is_known),
        cmocka_unit_test(a_flood_of_them_is_told_in_part),
    };

    return cmocka_run_group_tests_name("env_misspelt", tests, NULL, NULL);
}
