/* SPDX-License-Identifier: Apache-2.0 */
/* The schema 1.2 of opentelemetry-configuration, as far as traces go. */
#include <stdint.h>

#include "sdk/config/file/plugin.h"

#define COUNT(k) {.key = k, .type = OTL_SCHEMA_UINT, .nullable = true, .max = INT32_MAX}
#define SIZE(k) {.key = k, .type = OTL_SCHEMA_UINT, .nullable = true, .min = 1, .max = 1 << 24}
#define TEXT(k) {.key = k, .type = OTL_SCHEMA_STRING, .nullable = true}
#define NOTHING(k) {.key = k, .type = OTL_SCHEMA_MAP, .nullable = true, .child = nothing}
#define MAP(k, rows) {.key = k, .type = OTL_SCHEMA_MAP, .child = rows}
#define MAP_OR_NULL(k, rows) {.key = k, .type = OTL_SCHEMA_MAP, .nullable = true, .child = rows}
#define ONE(k, rows) {.key = k, .type = OTL_SCHEMA_MAP, .min = 1, .max = 1, .child = rows}
#define LIST(k, row) {.key = k, .type = OTL_SCHEMA_LIST, .min = 1, .child = row}
#define PLUGINS(list) {.key = "*", .type = OTL_SCHEMA_MAP, .nullable = true, .names = list}
#define RATIO {.key = "ratio", .type = OTL_SCHEMA_DOUBLE, .nullable = true, .real_max = 1}

static const struct otl_schema nothing[] = {OTL_SCHEMA_END};
static const struct otl_schema strings[] = {{.type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};

/* ---- exporters ---- */

static const struct otl_schema pair_keys[] = {
    {.key = "name", .type = OTL_SCHEMA_STRING, .required = true, .min = 1},
    {.key = "value", .type = OTL_SCHEMA_STRING, .required = true, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema pair[] = {
    {.type = OTL_SCHEMA_MAP, .child = pair_keys, .what = "a header"}, OTL_SCHEMA_END};
static const struct otl_schema http_tls[] = {TEXT("ca_file"), TEXT("key_file"), TEXT("cert_file"),
                                             OTL_SCHEMA_END};
static const struct otl_schema grpc_tls[] = {
    TEXT("ca_file"), TEXT("key_file"), TEXT("cert_file"),
    {.key = "insecure", .type = OTL_SCHEMA_BOOL, .nullable = true}, OTL_SCHEMA_END};
static const char *const encodings[] = {"protobuf", "json", NULL};
static const char *const compressions[] = {"gzip", "none", NULL};

#define OTLP(tls_keys)                                                                             \
    TEXT("endpoint"), MAP_OR_NULL("tls", tls_keys), LIST("headers", pair), TEXT("headers_list"),   \
        {.key = "compression", .type = OTL_SCHEMA_ENUM, .nullable = true, .words = compressions},  \
        COUNT("max_request_size"),                                                                 \
        {.key = "max_response_size", .type = OTL_SCHEMA_UINT, .nullable = true, .min = 1,          \
         .max = INT32_MAX},                                                                        \
        COUNT("timeout")

static const struct otl_schema otlp_http[] = {
    OTLP(http_tls),
    {.key = "encoding", .type = OTL_SCHEMA_ENUM, .nullable = true, .words = encodings},
    OTL_SCHEMA_END};
static const struct otl_schema otlp_grpc[] = {OTLP(grpc_tls), OTL_SCHEMA_END};
static const struct otl_schema otlp_file[] = {TEXT("output_stream"), OTL_SCHEMA_END};
const struct otl_schema otl_config_exporters[] = {
    MAP_OR_NULL("otlp_http", otlp_http), MAP_OR_NULL("otlp_grpc", otlp_grpc),
    MAP_OR_NULL("otlp_file/development", otlp_file), NOTHING("console"),
    PLUGINS(otl_plugin_exporters), OTL_SCHEMA_END};

/* ---- processors ---- */

#define EXPORTER                                                                                   \
    {.key = "exporter", .type = OTL_SCHEMA_MAP, .required = true, .min = 1, .max = 1,              \
     .child = otl_config_exporters}

static const struct otl_schema batch[] = {
    COUNT("schedule_delay"), COUNT("export_timeout"), SIZE("max_queue_size"),
    SIZE("max_export_batch_size"), EXPORTER, OTL_SCHEMA_END};
static const struct otl_schema simple[] = {EXPORTER, OTL_SCHEMA_END};
const struct otl_schema otl_config_processors[] = {
    MAP("batch", batch), MAP("simple", simple), PLUGINS(otl_plugin_processors), OTL_SCHEMA_END};
static const struct otl_schema processor[] = {
    {.type = OTL_SCHEMA_MAP, .min = 1, .max = 1, .child = otl_config_processors,
     .what = "a processor"},
    OTL_SCHEMA_END};

/* ---- samplers ---- */

static const struct otl_schema ratio[] = {RATIO, OTL_SCHEMA_END};
const char *const otl_config_ratio_rules[] = {"go", "java", "dotnet", "cpp", "js", NULL};
static const struct otl_schema ratio_rule[] = {
    {.key = "rule", .type = OTL_SCHEMA_ENUM, .required = true, .words = otl_config_ratio_rules},
    RATIO, OTL_SCHEMA_END};
static const struct otl_schema values[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING, .required = true},
    {.key = "values", .type = OTL_SCHEMA_LIST, .required = true, .min = 1, .child = strings},
    OTL_SCHEMA_END};
static const struct otl_schema patterns[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING, .required = true}, LIST("included", strings),
    LIST("excluded", strings), OTL_SCHEMA_END};
static const char *const kind_words[] = {"internal", "server",   "client",
                                         "producer", "consumer", NULL};
static const char *const parent_words[] = {"none", "remote", "local", NULL};
static const struct otl_schema kind[] = {{.type = OTL_SCHEMA_ENUM, .words = kind_words},
                                         OTL_SCHEMA_END};
static const struct otl_schema parent[] = {{.type = OTL_SCHEMA_ENUM, .words = parent_words},
                                           OTL_SCHEMA_END};
static const struct otl_schema rule_keys[] = {
    MAP("attribute_values", values), MAP("attribute_patterns", patterns),
    LIST("span_kinds", kind), LIST("parent", parent),
    {.key = "sampler", .type = OTL_SCHEMA_MAP, .required = true, .min = 1, .max = 1,
     .child = otl_config_composables},
    OTL_SCHEMA_END};
static const struct otl_schema rule[] = {
    {.type = OTL_SCHEMA_MAP, .child = rule_keys, .what = "a rule"}, OTL_SCHEMA_END};
static const struct otl_schema rule_based[] = {LIST("rules", rule), OTL_SCHEMA_END};
static const struct otl_schema threshold[] = {
    {.key = "root", .type = OTL_SCHEMA_MAP, .required = true, .min = 1, .max = 1,
     .child = otl_config_composables},
    OTL_SCHEMA_END};
const struct otl_schema otl_config_composables[] = {
    NOTHING("always_on"), NOTHING("always_off"), MAP("parent_threshold", threshold),
    MAP_OR_NULL("probability", ratio), MAP_OR_NULL("rule_based", rule_based),
    PLUGINS(otl_plugin_composables), OTL_SCHEMA_END};

static const struct otl_schema always_record[] = {
    {.key = "root", .type = OTL_SCHEMA_MAP, .required = true, .min = 1, .max = 1,
     .child = otl_config_samplers},
    OTL_SCHEMA_END};
static const struct otl_schema parent_based[] = {
    ONE("root", otl_config_samplers), ONE("remote_parent_sampled", otl_config_samplers),
    ONE("remote_parent_not_sampled", otl_config_samplers),
    ONE("local_parent_sampled", otl_config_samplers),
    ONE("local_parent_not_sampled", otl_config_samplers), OTL_SCHEMA_END};
static const struct otl_schema jaeger_remote[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING, .required = true}, COUNT("interval"),
    {.key = "initial_sampler", .type = OTL_SCHEMA_MAP, .required = true, .min = 1, .max = 1,
     .child = otl_config_samplers},
    OTL_SCHEMA_END};
static const struct otl_schema xray[] = {TEXT("endpoint"), COUNT("interval"), OTL_SCHEMA_END};
const struct otl_schema otl_config_samplers[] = {
    NOTHING("always_on"), NOTHING("always_off"), MAP("always_record", always_record),
    MAP_OR_NULL("trace_id_ratio_based", ratio), MAP("trace_id_ratio_rule", ratio_rule),
    MAP_OR_NULL("parent_based", parent_based),
    MAP_OR_NULL("probability/development", ratio),
    ONE("composite/development", otl_config_composables),
    MAP_OR_NULL("jaeger_remote/development", jaeger_remote), MAP_OR_NULL("xray", xray),
    PLUGINS(otl_plugin_samplers), OTL_SCHEMA_END};

/* ---- provider, resource, propagator ---- */

#define LIMITS                                                                                     \
    COUNT("attribute_value_length_limit"), COUNT("attribute_count_limit"),                         \
    {                                                                                              \
        .key = "attribute_value_depth_limit", .type = OTL_SCHEMA_UINT, .nullable = true, .min = 1, \
        .max = 64                                                                                  \
    }

static const struct otl_schema attribute_limits[] = {LIMITS, OTL_SCHEMA_END};
static const struct otl_schema span_limits[] = {
    LIMITS, COUNT("event_count_limit"), COUNT("link_count_limit"),
    COUNT("event_attribute_count_limit"), COUNT("link_attribute_count_limit"), OTL_SCHEMA_END};
const struct otl_schema otl_config_id_generators[] = {
    NOTHING("random"), PLUGINS(otl_plugin_id_generators), OTL_SCHEMA_END};
static const struct otl_schema tracer_config[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL, .nullable = true}, OTL_SCHEMA_END};
static const struct otl_schema tracer_keys[] = {
    {.key = "name", .type = OTL_SCHEMA_STRING, .required = true},
    {.key = "config", .type = OTL_SCHEMA_MAP, .required = true, .child = tracer_config},
    OTL_SCHEMA_END};
static const struct otl_schema tracer[] = {
    {.type = OTL_SCHEMA_MAP, .child = tracer_keys, .what = "a tracer"}, OTL_SCHEMA_END};
static const struct otl_schema tracers[] = {MAP("default_config", tracer_config),
                                            LIST("tracers", tracer), OTL_SCHEMA_END};
static const struct otl_schema tracer_provider[] = {
    {.key = "processors", .type = OTL_SCHEMA_LIST, .required = true, .min = 1, .max = 16,
     .child = processor},
    MAP("limits", span_limits), ONE("sampler", otl_config_samplers),
    ONE("id_generator", otl_config_id_generators),
    MAP_OR_NULL("tracer_configurator/development", tracers), OTL_SCHEMA_END};

static const char *const types[] = {"string",       "bool",       "int",       "double",
                                    "string_array", "bool_array", "int_array", "double_array",
                                    NULL};
static const struct otl_schema attribute_keys[] = {
    {.key = "name", .type = OTL_SCHEMA_STRING, .required = true, .min = 1},
    {.key = "value", .type = OTL_SCHEMA_ANY, .required = true, .nullable = true},
    {.key = "type", .type = OTL_SCHEMA_ENUM, .nullable = true, .words = types}, OTL_SCHEMA_END};
static const struct otl_schema attribute[] = {
    {.type = OTL_SCHEMA_MAP, .child = attribute_keys, .what = "an attribute"}, OTL_SCHEMA_END};
static const struct otl_schema include_exclude[] = {LIST("included", strings),
                                                    LIST("excluded", strings), OTL_SCHEMA_END};
const struct otl_schema otl_config_detectors[] = {
    NOTHING("container"), NOTHING("host"), NOTHING("process"), NOTHING("service"),
    {.key = "*", .type = OTL_SCHEMA_MAP, .nullable = true}, /* one that is not here: a warning */
    OTL_SCHEMA_END};
static const struct otl_schema detector[] = {
    {.type = OTL_SCHEMA_MAP, .min = 1, .max = 1, .child = otl_config_detectors,
     .what = "a detector"},
    OTL_SCHEMA_END};
static const struct otl_schema detection[] = {MAP("attributes", include_exclude),
                                              LIST("detectors", detector), OTL_SCHEMA_END};
static const struct otl_schema resource[] = {
    LIST("attributes", attribute), MAP("detection/development", detection), TEXT("schema_url"),
    TEXT("attributes_list"), OTL_SCHEMA_END};

const struct otl_schema otl_config_propagators[] = {
    NOTHING("tracecontext"), NOTHING("baggage"), NOTHING("b3"), NOTHING("b3multi"),
    NOTHING("jaeger"), NOTHING("xray"), NOTHING("ottrace"), NOTHING("datadog"),
    PLUGINS(otl_plugin_propagators), OTL_SCHEMA_END};
static const struct otl_schema propagator_item[] = {
    {.type = OTL_SCHEMA_MAP, .min = 1, .max = 1, .child = otl_config_propagators,
     .what = "a propagator"},
    OTL_SCHEMA_END};
static const struct otl_schema propagator[] = {LIST("composite", propagator_item),
                                               TEXT("composite_list"), OTL_SCHEMA_END};

static const char *const levels[] = {
    "trace",  "trace2", "trace3", "trace4", "debug",  "debug2", "debug3", "debug4", "info",
    "info2",  "info3",  "info4",  "warn",   "warn2",  "warn3",  "warn4",  "error",  "error2",
    "error3", "error4", "fatal",  "fatal2", "fatal3", "fatal4", NULL};

/* Severities: the n-th word is n. */
int otl_config_level(const json_t *root_map)
{
    const char *word = otl_tree_text(root_map, "log_level", "info");
    int severity = 1;

    for (size_t i = 0; levels[i] != NULL && strcmp(levels[i], word) != 0; i++)
        severity++;
    return severity;
}

static const struct otl_schema root[] = {
    {.key = "file_format", .type = OTL_SCHEMA_STRING, .required = true},
    {.key = "disabled", .type = OTL_SCHEMA_BOOL, .nullable = true},
    {.key = "log_level", .type = OTL_SCHEMA_ENUM, .nullable = true, .words = levels},
    MAP("attribute_limits", attribute_limits),
    {.key = "logger_provider", .type = OTL_SCHEMA_MAP},
    {.key = "meter_provider", .type = OTL_SCHEMA_MAP},
    MAP("propagator", propagator),
    MAP("tracer_provider", tracer_provider),
    MAP("resource", resource),
    {.key = "instrumentation/development", .type = OTL_SCHEMA_MAP},
    {.key = "distribution", .type = OTL_SCHEMA_MAP},
    {.key = "*", .type = OTL_SCHEMA_ANY},
    OTL_SCHEMA_END};
const struct otl_schema otl_config_schema[] = {
    {.type = OTL_SCHEMA_MAP, .child = root, .what = "the configuration"}, OTL_SCHEMA_END};
