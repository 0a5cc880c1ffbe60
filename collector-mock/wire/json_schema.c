/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/json_schema.h"

#include <stddef.h>

#define RULED(word, n, what, how)                                                                  \
    {.name = (word), .number = (n), .kind = COL_JSON_##what, .rule = COL_JSON_##how}
#define PLAIN(word, n, what) RULED(word, n, what, DEFAULT)
#define MANY(word, n, what)                                                                        \
    {.name = (word), .number = (n), .kind = COL_JSON_##what, .repeated = true}
#define ENUM(word, n, table)                                                                       \
    {.name = (word), .number = (n), .kind = COL_JSON_INT32, .words = (table)}
#define MESSAGE(word, n, table, how)                                                               \
    {.name = (word), .number = (n), .kind = COL_JSON_MESSAGE, .message = (table),                  \
     .rule = COL_JSON_##how}
#define LIST(word, n, table)                                                                       \
    {.name = (word), .number = (n), .kind = COL_JSON_MESSAGE, .message = (table), .repeated = true}

static const char *const span_kinds[] = {
    "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER", NULL};
static const char *const status_codes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                           "STATUS_CODE_ERROR", NULL};
static const char *const temporalities[] = {"AGGREGATION_TEMPORALITY_UNSPECIFIED",
                                            "AGGREGATION_TEMPORALITY_DELTA",
                                            "AGGREGATION_TEMPORALITY_CUMULATIVE", NULL};
static const char *const severities[] = {
    "SEVERITY_NUMBER_UNSPECIFIED", "SEVERITY_NUMBER_TRACE",  "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",      "SEVERITY_NUMBER_TRACE4", "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",      "SEVERITY_NUMBER_DEBUG3", "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",        "SEVERITY_NUMBER_INFO2",  "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",       "SEVERITY_NUMBER_WARN",   "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",       "SEVERITY_NUMBER_WARN4",  "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",      "SEVERITY_NUMBER_ERROR3", "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",       "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",      NULL};

/* ---- values, resources and scopes ---- */

static const struct col_json_field any_value[];
static const struct col_json_field key_value[] = {
    PLAIN("key", 1, TEXT),
    MESSAGE("value", 2, any_value, ALWAYS),
    RULED("keyStrindex", 3, INT32, SILENT),
    {.name = NULL}};
static const struct col_json_field array_value[] = {
    LIST("values", 1, any_value),
    {.name = NULL}};
static const struct col_json_field kvlist_value[] = {
    LIST("values", 1, key_value),
    {.name = NULL}};
static const struct col_json_field any_value[] = {
    RULED("stringValue", 1, TEXT, ONE),
    RULED("boolValue", 2, BOOL, ONE),
    RULED("intValue", 3, INT64, ONE),
    RULED("doubleValue", 4, DOUBLE, ONE),
    MESSAGE("arrayValue", 5, array_value, ONE),
    MESSAGE("kvlistValue", 6, kvlist_value, ONE),
    RULED("bytesValue", 7, BASE64, ONE),
    RULED("stringValueStrindex", 8, INT32, SILENT),
    {.name = NULL}};
static const struct col_json_field scope[] = {
    PLAIN("name", 1, TEXT),
    PLAIN("version", 2, TEXT),
    LIST("attributes", 3, key_value),
    PLAIN("droppedAttributesCount", 4, UINT32),
    {.name = NULL}};
static const struct col_json_field entity_ref[] = {
    PLAIN("schemaUrl", 1, TEXT),
    PLAIN("type", 2, TEXT),
    MANY("idKeys", 3, TEXT),
    MANY("descriptionKeys", 4, TEXT),
    {.name = NULL}};
static const struct col_json_field resource[] = {
    LIST("attributes", 1, key_value),
    PLAIN("droppedAttributesCount", 2, UINT32),
    LIST("entityRefs", 3, entity_ref),
    {.name = NULL}};

/* ---- traces ---- */

static const struct col_json_field event[] = {
    PLAIN("timeUnixNano", 1, FIXED64),
    PLAIN("name", 2, TEXT),
    LIST("attributes", 3, key_value),
    PLAIN("droppedAttributesCount", 4, UINT32),
    {.name = NULL}};
static const struct col_json_field span_link[] = {
    PLAIN("traceId", 1, HEX),
    PLAIN("spanId", 2, HEX),
    PLAIN("traceState", 3, TEXT),
    LIST("attributes", 4, key_value),
    PLAIN("droppedAttributesCount", 5, UINT32),
    PLAIN("flags", 6, FIXED32),
    {.name = NULL}};
static const struct col_json_field status[] = {
    PLAIN("message", 2, TEXT),
    ENUM("code", 3, status_codes),
    {.name = NULL}};
static const struct col_json_field span[] = {
    PLAIN("traceId", 1, HEX),
    PLAIN("spanId", 2, HEX),
    PLAIN("traceState", 3, TEXT),
    PLAIN("parentSpanId", 4, HEX),
    PLAIN("flags", 16, FIXED32),
    PLAIN("name", 5, TEXT),
    ENUM("kind", 6, span_kinds),
    PLAIN("startTimeUnixNano", 7, FIXED64),
    PLAIN("endTimeUnixNano", 8, FIXED64),
    LIST("attributes", 9, key_value),
    PLAIN("droppedAttributesCount", 10, UINT32),
    LIST("events", 11, event),
    PLAIN("droppedEventsCount", 12, UINT32),
    LIST("links", 13, span_link),
    PLAIN("droppedLinksCount", 14, UINT32),
    MESSAGE("status", 15, status, DEFAULT),
    {.name = NULL}};
static const struct col_json_field scope_spans[] = {
    MESSAGE("scope", 1, scope, DEFAULT),
    LIST("spans", 2, span),
    PLAIN("schemaUrl", 3, TEXT),
    {.name = NULL}};
static const struct col_json_field resource_spans[] = {
    MESSAGE("resource", 1, resource, DEFAULT),
    LIST("scopeSpans", 2, scope_spans),
    PLAIN("schemaUrl", 3, TEXT),
    {.name = NULL}};
static const struct col_json_field traces_request[] = {
    LIST("resourceSpans", 1, resource_spans),
    {.name = NULL}};

/* ---- metrics ---- */

static const struct col_json_field exemplar[] = {
    LIST("filteredAttributes", 7, key_value),
    PLAIN("timeUnixNano", 2, FIXED64),
    RULED("asDouble", 3, DOUBLE, ONE),
    RULED("asInt", 6, SFIXED64, ONE),
    PLAIN("spanId", 4, HEX),
    PLAIN("traceId", 5, HEX),
    {.name = NULL}};
static const struct col_json_field number_point[] = {
    LIST("attributes", 7, key_value),
    PLAIN("startTimeUnixNano", 2, FIXED64),
    PLAIN("timeUnixNano", 3, FIXED64),
    RULED("asDouble", 4, DOUBLE, ONE),
    RULED("asInt", 6, SFIXED64, ONE),
    LIST("exemplars", 5, exemplar),
    PLAIN("flags", 8, UINT32),
    {.name = NULL}};
static const struct col_json_field histogram_point[] = {
    LIST("attributes", 9, key_value),
    PLAIN("startTimeUnixNano", 2, FIXED64),
    PLAIN("timeUnixNano", 3, FIXED64),
    PLAIN("count", 4, FIXED64),
    RULED("sum", 5, DOUBLE, PRESENT),
    MANY("bucketCounts", 6, FIXED64),
    MANY("explicitBounds", 7, DOUBLE),
    LIST("exemplars", 8, exemplar),
    PLAIN("flags", 10, UINT32),
    RULED("min", 11, DOUBLE, PRESENT),
    RULED("max", 12, DOUBLE, PRESENT),
    {.name = NULL}};
static const struct col_json_field buckets[] = {
    PLAIN("offset", 1, SINT32),
    MANY("bucketCounts", 2, UINT64),
    {.name = NULL}};
static const struct col_json_field exponential_point[] = {
    LIST("attributes", 1, key_value),
    PLAIN("startTimeUnixNano", 2, FIXED64),
    PLAIN("timeUnixNano", 3, FIXED64),
    PLAIN("count", 4, FIXED64),
    RULED("sum", 5, DOUBLE, PRESENT),
    PLAIN("scale", 6, SINT32),
    PLAIN("zeroCount", 7, FIXED64),
    MESSAGE("positive", 8, buckets, DEFAULT),
    MESSAGE("negative", 9, buckets, DEFAULT),
    PLAIN("flags", 10, UINT32),
    LIST("exemplars", 11, exemplar),
    RULED("min", 12, DOUBLE, PRESENT),
    RULED("max", 13, DOUBLE, PRESENT),
    PLAIN("zeroThreshold", 14, DOUBLE),
    {.name = NULL}};
static const struct col_json_field quantile[] = {
    PLAIN("quantile", 1, DOUBLE),
    PLAIN("value", 2, DOUBLE),
    {.name = NULL}};
static const struct col_json_field summary_point[] = {
    LIST("attributes", 7, key_value),
    PLAIN("startTimeUnixNano", 2, FIXED64),
    PLAIN("timeUnixNano", 3, FIXED64),
    PLAIN("count", 4, FIXED64),
    PLAIN("sum", 5, DOUBLE),
    LIST("quantileValues", 6, quantile),
    PLAIN("flags", 8, UINT32),
    {.name = NULL}};
static const struct col_json_field gauge[] = {
    LIST("dataPoints", 1, number_point),
    {.name = NULL}};
static const struct col_json_field sum[] = {
    LIST("dataPoints", 1, number_point),
    ENUM("aggregationTemporality", 2, temporalities),
    PLAIN("isMonotonic", 3, BOOL),
    {.name = NULL}};
static const struct col_json_field histogram[] = {
    LIST("dataPoints", 1, histogram_point),
    ENUM("aggregationTemporality", 2, temporalities),
    {.name = NULL}};
static const struct col_json_field exponential[] = {
    LIST("dataPoints", 1, exponential_point),
    ENUM("aggregationTemporality", 2, temporalities),
    {.name = NULL}};
static const struct col_json_field summary[] = {
    LIST("dataPoints", 1, summary_point),
    {.name = NULL}};
static const struct col_json_field metric[] = {
    PLAIN("name", 1, TEXT),
    PLAIN("description", 2, TEXT),
    PLAIN("unit", 3, TEXT),
    MESSAGE("gauge", 5, gauge, ONE),
    MESSAGE("sum", 7, sum, ONE),
    MESSAGE("histogram", 9, histogram, ONE),
    MESSAGE("exponentialHistogram", 10, exponential, ONE),
    MESSAGE("summary", 11, summary, ONE),
    LIST("metadata", 12, key_value),
    {.name = NULL}};
static const struct col_json_field scope_metrics[] = {
    MESSAGE("scope", 1, scope, DEFAULT),
    LIST("metrics", 2, metric),
    PLAIN("schemaUrl", 3, TEXT),
    {.name = NULL}};
static const struct col_json_field resource_metrics[] = {
    MESSAGE("resource", 1, resource, DEFAULT),
    LIST("scopeMetrics", 2, scope_metrics),
    PLAIN("schemaUrl", 3, TEXT),
    {.name = NULL}};
static const struct col_json_field metrics_request[] = {
    LIST("resourceMetrics", 1, resource_metrics),
    {.name = NULL}};

/* ---- logs ---- */

static const struct col_json_field log_record[] = {
    PLAIN("timeUnixNano", 1, FIXED64),
    PLAIN("observedTimeUnixNano", 11, FIXED64),
    ENUM("severityNumber", 2, severities),
    PLAIN("severityText", 3, TEXT),
    MESSAGE("body", 5, any_value, DEFAULT),
    LIST("attributes", 6, key_value),
    PLAIN("droppedAttributesCount", 7, UINT32),
    PLAIN("flags", 8, FIXED32),
    PLAIN("traceId", 9, HEX),
    PLAIN("spanId", 10, HEX),
    PLAIN("eventName", 12, TEXT),
    {.name = NULL}};
static const struct col_json_field scope_logs[] = {
    MESSAGE("scope", 1, scope, DEFAULT),
    LIST("logRecords", 2, log_record),
    PLAIN("schemaUrl", 3, TEXT),
    {.name = NULL}};
static const struct col_json_field resource_logs[] = {
    MESSAGE("resource", 1, resource, DEFAULT),
    LIST("scopeLogs", 2, scope_logs),
    PLAIN("schemaUrl", 3, TEXT),
    {.name = NULL}};
static const struct col_json_field logs_request[] = {
    LIST("resourceLogs", 1, resource_logs),
    {.name = NULL}};

const struct col_json_field *const col_json_requests[COL_SIGNALS] = {
    traces_request, metrics_request, logs_request};
