/* SPDX-License-Identifier: Apache-2.0 */
/* OTEL_TRACES_SAMPLR: names that are nearly one of OpenTelemetry's. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sdk/base/text.h"
#include "sdk/config/env.h"

extern char **environ;

enum { NAME_MAX_LEN = 63, KNOWN_MAX = 160, TOLD_MAX = 16, NEAR = 2 };

#define OTLP(signal)                                                                               \
    "OTEL_EXPORTER_OTLP_" signal "_ENDPOINT", "OTEL_EXPORTER_OTLP_" signal "_HEADERS",             \
        "OTEL_EXPORTER_OTLP_" signal "_COMPRESSION", "OTEL_EXPORTER_OTLP_" signal "_PROTOCOL",     \
        "OTEL_EXPORTER_OTLP_" signal "_TIMEOUT", "OTEL_EXPORTER_OTLP_" signal "_INSECURE",         \
        "OTEL_EXPORTER_OTLP_" signal "_CERTIFICATE", "OTEL_EXPORTER_OTLP_" signal "_CLIENT_KEY",   \
        "OTEL_EXPORTER_OTLP_" signal "_CLIENT_CERTIFICATE"

/* Of other signals, of other SDKs in the same environment, of former days: right, and no matter of
 * this table's neighbour in env.c. */
static const char *const others[] = {
    "OTEL_CONFIG_FILE",
    "OTEL_EXPERIMENTAL_CONFIG_FILE",
    "OTEL_LOG_LEVEL",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
    OTLP("METRICS"),
    OTLP("LOGS"),
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_METRICS_EXPORTER",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_LOGS_EXPORTER",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BLRP_EXPORT_TIMEOUT",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
    "OTEL_EXPORTER_JAEGER_ENDPOINT",
    "OTEL_EXPORTER_JAEGER_TIMEOUT",
    "OTEL_EXPORTER_JAEGER_PROTOCOL",
    "OTEL_EXPORTER_JAEGER_USER",
    "OTEL_EXPORTER_JAEGER_PASSWORD",
    "OTEL_EXPORTER_JAEGER_AGENT_HOST",
    "OTEL_EXPORTER_JAEGER_AGENT_PORT",
};

static void list_known(const char **known)
{
    size_t count = 0;

    for (size_t i = 0; otl_env_name(i) != NULL && count + 1 < KNOWN_MAX; i++)
        known[count++] = otl_env_name(i);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && count + 1 < KNOWN_MAX; i++)
        known[count++] = others[i];
    known[count] = NULL;
}

/* Its name into name; false: it is none to look at, or it is empty and counts as unset. */
static bool name_of(const char *entry, char name[NAME_MAX_LEN + 1])
{
    size_t len = strcspn(entry, "=");

    if (len > NAME_MAX_LEN || strncasecmp(entry, "OTEL", 4) != 0 || entry[len] == '\0' ||
        entry[len + 1] == '\0')
        return false;
    memcpy(name, entry, len);
    name[len] = '\0';
    return true;
}

void otl_env_misspelt(const struct otl_env_source *source)
{
    const char *known[KNOWN_MAX];
    char name[NAME_MAX_LEN + 1];
    unsigned told = 0;

    if (source->getenv != NULL || source->teller.error == NULL || environ == NULL)
        return;
    list_known(known);
    for (char *const *at = environ; *at != NULL && told < TOLD_MAX; at++) {
        const char *near;

        if (!name_of(*at, name))
            continue;
        near = otl_nearest_within(name, known, NEAR);
        if (near == NULL || strcmp(near, name) == 0)
            continue;
        otl_tell(&source->teller, OTEL_OK,
                 "%s is no variable of OpenTelemetry (did you mean %s?); ignored", name, near);
        told++;
    }
}
