/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/config/config.h"

/*
 * service.telemetry: the collector's own log and numbers.
 *
 * Acted on: level, encoding, sampling and initial_fields of the log, the address of /metrics.
 * Without `encoding` the log is JSON lines (there it is for people), without `sampling` all of it
 * is written (there 10 lines of a kind in 10 s, then every 100th). Without `without_type_suffix`
 * counters end in _total, as those of readers did from v0.121 until some version of 2026. What else
 * changes how the Collector's own log looks, how its own traces are propagated and which attributes
 * its own numbers carry is taken, and --lint says that it does nothing here. What would send the
 * collector's telemetry elsewhere is refused by name; lenient mode leaves it out.
 */

static const char *const levels[] = {"debug", "info", "warn", "error", "DEBUG",
                                     "INFO",  "WARN", "ERROR", NULL};
static const char *const log_encodings[] = {"console", "json", NULL};
static const struct otl_schema path[] = {{.type = OTL_SCHEMA_STRING, .min = 1}, OTL_SCHEMA_END};
static const struct otl_schema sampling_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL},
    {.key = "tick", .type = OTL_SCHEMA_DURATION, .min = 1},
    {.key = "initial", .type = OTL_SCHEMA_UINT},
    {.key = "thereafter", .type = OTL_SCHEMA_UINT},
    OTL_SCHEMA_END};
static const struct otl_schema logs_keys[] = {
    {.key = "level", .type = OTL_SCHEMA_ENUM, .words = levels},
    {.key = "encoding", .type = OTL_SCHEMA_ENUM, .words = log_encodings},
    {.key = "development", .type = OTL_SCHEMA_BOOL},
    {.key = "disable_caller", .type = OTL_SCHEMA_BOOL},
    {.key = "disable_stacktrace", .type = OTL_SCHEMA_BOOL},
    {.key = "sampling", .type = OTL_SCHEMA_MAP, .child = sampling_keys, .nullable = true},
    {.key = "output_paths", .type = OTL_SCHEMA_LIST, .child = path},
    {.key = "error_output_paths", .type = OTL_SCHEMA_LIST, .child = path},
    {.key = "initial_fields", .type = OTL_SCHEMA_MAP, .nullable = true},
    {.key = "processors", .type = OTL_SCHEMA_LIST},
    OTL_SCHEMA_END};
static const struct otl_schema prometheus_keys[] = {
    {.key = "host", .type = OTL_SCHEMA_STRING, .fallback = "localhost"},
    {.key = "port", .type = OTL_SCHEMA_UINT, .max = 65535, .required = true},
    {.key = "without_type_suffix", .type = OTL_SCHEMA_BOOL},
    {.key = "without_units", .type = OTL_SCHEMA_BOOL},
    {.key = "without_scope_info", .type = OTL_SCHEMA_BOOL},
    {.key = "with_resource_constant_labels", .type = OTL_SCHEMA_MAP, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema pull_exporter_keys[] = {
    {.key = "prometheus", .type = OTL_SCHEMA_MAP, .child = prometheus_keys, .required = true},
    OTL_SCHEMA_END};
static const struct otl_schema pull_keys[] = {
    {.key = "exporter", .type = OTL_SCHEMA_MAP, .child = pull_exporter_keys, .required = true},
    OTL_SCHEMA_END};
static const struct otl_schema reader_keys[] = {
    {.key = "pull", .type = OTL_SCHEMA_MAP, .child = pull_keys},
    {.key = "periodic", .type = OTL_SCHEMA_MAP},
    OTL_SCHEMA_END};
static const struct otl_schema reader_row[] = {{.type = OTL_SCHEMA_MAP, .child = reader_keys},
                                               OTL_SCHEMA_END};
static const char *const metric_levels[] = {"none", "basic", "normal", "detailed", NULL};
static const struct otl_schema metrics_keys[] = {
    {.key = "level", .type = OTL_SCHEMA_ENUM, .words = metric_levels},
    {.key = "address", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "readers", .type = OTL_SCHEMA_LIST, .child = reader_row},
    {.key = "views", .type = OTL_SCHEMA_LIST},
    OTL_SCHEMA_END};
static const struct otl_schema traces_keys[] = {
    {.key = "level", .type = OTL_SCHEMA_ENUM, .words = metric_levels},
    {.key = "propagators", .type = OTL_SCHEMA_LIST, .child = path},
    {.key = "processors", .type = OTL_SCHEMA_LIST},
    OTL_SCHEMA_END};
const struct otl_schema col_telemetry_keys[] = {
    {.key = "logs", .type = OTL_SCHEMA_MAP, .child = logs_keys, .nullable = true},
    {.key = "metrics", .type = OTL_SCHEMA_MAP, .child = metrics_keys, .nullable = true},
    {.key = "traces", .type = OTL_SCHEMA_MAP, .child = traces_keys, .nullable = true},
    {.key = "resource", .type = OTL_SCHEMA_MAP, .nullable = true},
    OTL_SCHEMA_END};

/* ---- what is not here ---- */

/* An error, a finding, or in lenient mode a warning. */
static enum otel_err not_yet(struct col_config *config, struct otl_yaml_pos pos, const char *what,
                             struct otl_detail *reterr)
{
    static const char words[] = "is a setting of the Collector that this one does not have yet";

    if (config->lenient) {
        col_findings_note(config->findings, COL_WARNING, pos,
                          "service.telemetry: '%s' %s; it is left out", what, words);
        return OTEL_OK;
    }
    return col_config_fault(config,
                            otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line,
                                           pos.column, "service.telemetry: '%s' %s", what, words),
                            reterr);
}

static bool on_stderr(const json_t *paths)
{
    const char *only = json_string_value(json_array_get(paths, 0));

    return json_array_size(paths) == 0 ||
           (json_array_size(paths) == 1 && only != NULL && strcmp(only, "stderr") == 0);
}

static enum otel_err refuse_what_goes_elsewhere(struct col_config *config, const json_t *telemetry,
                                                struct otl_detail *reterr)
{
    static const char *const lists[][2] = {
        {"logs", "processors"}, {"metrics", "views"}, {"traces", "processors"}};
    const json_t *logs = json_object_get(telemetry, "logs");
    enum otel_err err = OTEL_OK;

    if (!on_stderr(json_object_get(logs, "output_paths")))
        err = not_yet(config, otl_yaml_value_pos(config->doc, logs, "output_paths"),
                      "output_paths", reterr);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && err == OTEL_OK; i++) {
        const json_t *map = json_object_get(telemetry, lists[i][0]);
        if (json_array_size(json_object_get(map, lists[i][1])) > 0)
            err = not_yet(config, otl_yaml_key_pos(config->doc, map, lists[i][1]), lists[i][1],
                          reterr);
    }
    return err;
}

static void advise_what_does_nothing(const struct col_config *config, const json_t *telemetry)
{
    const json_t *logs = json_object_get(telemetry, "logs");
    const struct {
        const json_t *map;
        const char *key;
    } parts[] = {{telemetry, "traces"}, {telemetry, "resource"},
                 {logs, "development"}, {logs, "disable_caller"},
                 {logs, "disable_stacktrace"}, {logs, "error_output_paths"}};

    for (size_t i = 0; config->all && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (json_object_get(parts[i].map, parts[i].key) != NULL)
            col_findings_note(config->findings, COL_ADVICE,
                              otl_yaml_key_pos(config->doc, parts[i].map, parts[i].key),
                              "service.telemetry: '%s' does nothing here", parts[i].key);
}

/* ---- what is acted on ---- */

static void read_level(struct col_config *config, const json_t *telemetry)
{
    const char *level = otl_tree_text(json_object_get(telemetry, "logs"), "level", "info");

    for (size_t i = 0; levels[i] != NULL; i++)
        if (strcmp(level, levels[i]) == 0)
            config->log_level = (enum otl_log_level)(i % 4);
}

static void read_sampling(struct col_config *config, const json_t *logs)
{
    const json_t *sampling = json_object_get(logs, "sampling");

    if (!json_is_object(sampling) || !otl_tree_bool(sampling, "enabled", true))
        return;
    config->log_sampling.tick_ns = otl_tree_duration_ns(sampling, "tick", 10 * OTL_NS_PER_S);
    config->log_sampling.initial = (uint64_t)otl_tree_int(sampling, "initial", 10);
    config->log_sampling.thereafter = (uint64_t)otl_tree_int(sampling, "thereafter", 100);
    config->log_style.sampling = &config->log_sampling;
}

/* As members of each line. */
static enum otel_err read_fields(struct col_config *config, const json_t *logs,
                                 struct otl_detail *reterr)
{
    json_t *fields = json_object_get(logs, "initial_fields");
    char *text;
    size_t len;
    bool room;

    if (json_object_size(fields) == 0)
        return OTEL_OK;
    text = json_dumps(fields, JSON_COMPACT);
    len = text != NULL ? strlen(text) : 0; /* "{...}": as ",..." */
    room = text != NULL && len - 1 < sizeof(config->log_fields);
    if (room)
        snprintf(config->log_fields, sizeof(config->log_fields), ",%.*s", (int)(len - 2), text + 1);
    free(text);
    config->log_style.fields = config->log_fields;
    if (room)
        return OTEL_OK;
    return col_config_fault(
        config,
        otl_yaml_error(reterr, otl_yaml_value_pos(config->doc, logs, "initial_fields"),
                       "initial_fields: more than %d bytes", OTL_LOG_FIELDS_MAX),
        reterr);
}

static enum otel_err read_log(struct col_config *config, const json_t *telemetry,
                              struct otl_detail *reterr)
{
    const json_t *logs = json_object_get(telemetry, "logs");

    read_level(config, telemetry);
    config->log_style.console =
        strcmp(otl_tree_text(logs, "encoding", "json"), "console") == 0;
    read_sampling(config, logs);
    return read_fields(config, logs, reterr);
}

static enum otel_err read_address(struct col_config *config, const json_t *metrics,
                                  struct otl_detail *reterr)
{
    const char *address = otl_tree_text(metrics, "address", NULL);
    char host[256];
    uint16_t port;

    if (address == NULL)
        return OTEL_OK;
    if (col_endpoint_split(address, host, sizeof(host), &port) != OTEL_OK)
        return col_config_fault(
            config, otl_yaml_error(reterr, otl_yaml_value_pos(config->doc, metrics, "address"),
                                   "'%s' is no HOST:PORT", address),
            reterr);
    snprintf(config->metrics_endpoint, sizeof(config->metrics_endpoint), "%s", address);
    return OTEL_OK;
}

/* Of what can be asked for, this is here: names with "_total" or without it. */
static void advise_how_names_are_spelled(const struct col_config *config, const json_t *prometheus)
{
    static const char *const without[] = {"without_units", "without_scope_info"};
    static const char labels[] = "with_resource_constant_labels";

    for (size_t i = 0; config->all && i < sizeof(without) / sizeof(without[0]); i++)
        if (!otl_tree_bool(prometheus, without[i], true))
            col_findings_note(config->findings, COL_ADVICE,
                              otl_yaml_key_pos(config->doc, prometheus, without[i]),
                              "service.telemetry: '%s: false' does nothing here", without[i]);
    if (config->all && json_object_size(json_object_get(prometheus, labels)) > 0)
        col_findings_note(config->findings, COL_ADVICE,
                          otl_yaml_key_pos(config->doc, prometheus, labels),
                          "service.telemetry: '%s' does nothing here", labels);
    if (config->all && json_object_get(prometheus, "without_type_suffix") == NULL)
        col_findings_note(config->findings, COL_ADVICE,
                          otl_yaml_container_pos(config->doc, prometheus),
                          "service.telemetry: names of counters end in _total here unless "
                          "without_type_suffix is true, which it is by default in v0.159");
}

static void take_pull(struct col_config *config, const json_t *pull)
{
    const json_t *prometheus =
        json_object_get(json_object_get(pull, "exporter"), "prometheus");
    const char *name = otl_tree_text(prometheus, "host", "localhost");
    bool colons = strchr(name, ':') != NULL; /* an IPv6 address */

    snprintf(config->metrics_endpoint, sizeof(config->metrics_endpoint), "%s%s%s:%d",
             colons ? "[" : "", name, colons ? "]" : "",
             (int)otl_tree_int(prometheus, "port", 8888));
    config->plain_names = otl_tree_bool(prometheus, "without_type_suffix", false);
    advise_how_names_are_spelled(config, prometheus);
}

static enum otel_err read_readers(struct col_config *config, const json_t *readers,
                                  struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;
    size_t pulls = 0;

    for (size_t i = 0; i < json_array_size(readers) && err == OTEL_OK; i++) {
        const json_t *reader = json_array_get(readers, i);
        const json_t *pull = json_object_get(reader, "pull");
        struct otl_yaml_pos pos = otl_yaml_item_pos(config->doc, readers, i);
        if (json_object_size(reader) != 1)
            err = col_config_fault(config,
                                   otl_yaml_error(reterr, pos, "a reader is one of pull and "
                                                               "periodic"),
                                   reterr);
        else if (pull == NULL)
            err = not_yet(config, pos, "periodic", reterr);
        else if (pulls++ > 0)
            err = not_yet(config, pos, "a second pull reader", reterr);
        else
            take_pull(config, pull);
    }
    return err;
}

enum otel_err col_config_telemetry(struct col_config *config, struct otl_detail *reterr)
{
    const json_t *service = json_object_get(otl_yaml_root(config->doc), "service");
    const json_t *telemetry = json_object_get(service, "telemetry");
    const json_t *metrics = json_object_get(telemetry, "metrics");
    const char *level = otl_tree_text(metrics, "level", "normal");
    enum otel_err err = refuse_what_goes_elsewhere(config, telemetry, reterr);

    advise_what_does_nothing(config, telemetry);
    if (err == OTEL_OK)
        err = read_log(config, telemetry, reterr);
    if (err != OTEL_OK || strcmp(level, "none") == 0)
        return err;
    config->metrics_level = strcmp(level, "detailed") == 0 ? COL_METRICS_DETAILED
                            : strcmp(level, "basic") == 0  ? COL_METRICS_BASIC
                                                           : COL_METRICS_NORMAL;
    err = read_address(config, metrics, reterr);
    return err == OTEL_OK ? read_readers(config, json_object_get(metrics, "readers"), reterr)
                          : err;
}
