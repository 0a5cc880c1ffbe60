/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/processors/condition_tree.h"

/* Functions and paths of the transformation language that this one does not have (those of
 * 0.159.0), so that they are told apart from mistakes. */

static const char *const functions[] = {
    "All", "Any", "Base64Decode", "Base64Encode", "Bool", "Coalesce", "CommunityID",
    "ContainsValue", "ConvertAttributesToElementsXML", "ConvertCase",
    "ConvertTextToElementsXML", "Day", "Decode", "Duration", "ExtractGrokPatterns",
    "ExtractPatterns", "FNV", "Filter", "Find", "Format", "FormatTime", "GetXML", "Hex", "Hour",
    "Hours", "Index", "InsertXML", "IsEmpty", "IsInCIDR",
    "IsValidLuhn", "Keys", "Len", "Log", "MD5", "MapEach", "MapKeys", "Microseconds",
    "Milliseconds", "Minute", "Minutes", "Month", "Murmur3Hash", "Murmur3Hash128", "Nanosecond",
    "Nanoseconds", "Now", "ParseCEF", "ParseCLF", "ParseCSV", "ParseELF", "ParseInt", "ParseJSON",
    "ParseKeyValue", "ParseLEEF", "ParseSeverity", "ParseSimplifiedXML", "ParseXML", "ProfileID",
    "Reduce", "RemoveXML", "SHA1", "SHA512", "Second", "Seconds", "SliceToMap", "Sort", "Split",
    "String", "Substring", "Time", "ToCamelCase", "ToKeyValueString", "ToLowerCase", "ToSnakeCase",
    "ToUpperCase", "Trim", "TrimPrefix", "TrimSuffix", "TruncateTime", "URL", "UUID", "UUIDv7",
    "Unix", "UnixMicro", "UnixMilli", "UnixNano", "UnixSeconds", "UserAgent", "Values", "Weekday",
    "When", "XXH128", "XXH3", "Year",
    "aggregate_on_attribute_value", "aggregate_on_attributes", "append",
    "convert_exponential_histogram_to_histogram", "convert_gauge_to_sum", "convert_sum_to_gauge",
    "convert_summary_count_val_to_sum", "convert_summary_quantile_val_to_gauge",
    "convert_summary_sum_val_to_sum", "copy_metric", "delete_index", "extract_count_metric",
    "extract_percentile_metric", "extract_sum_metric", "flatten", "merge_histogram_buckets",
    "scale_metric", "set_semconv_span_name", "stringify_all"};

#define ANY (~0u)
#define IN(on) (1u << (on))
static const struct {
    const char *name; /* behind that of its context, if it has one */
    unsigned of;
} paths[] = {
    {"cache", ANY},
    {"schema_url", IN(COL_ON_RESOURCE)},
    {"dropped_attributes_count", IN(COL_ON_RESOURCE)},
    {"status", IN(COL_ON_SPAN)},
    {"events", IN(COL_ON_SPAN)},
    {"links", IN(COL_ON_SPAN)},
    {"flags", IN(COL_ON_SPAN)},
    {"kind.deprecated_string", IN(COL_ON_SPAN)},
    {"event_index", IN(COL_ON_EVENT)},
    {"data_points", IN(COL_ON_METRIC)},
    {"exemplars", IN(COL_ON_POINT)},
    {"bucket_counts", IN(COL_ON_POINT)},
    {"explicit_bounds", IN(COL_ON_POINT)},
    {"scale", IN(COL_ON_POINT)},
    {"zero_count", IN(COL_ON_POINT)},
    {"positive", IN(COL_ON_POINT)},
    {"positive.offset", IN(COL_ON_POINT)},
    {"positive.bucket_counts", IN(COL_ON_POINT)},
    {"negative", IN(COL_ON_POINT)},
    {"negative.offset", IN(COL_ON_POINT)},
    {"negative.bucket_counts", IN(COL_ON_POINT)},
    {"quantile_values", IN(COL_ON_POINT)},
};

static bool is(const char *word, size_t len, const char *other)
{
    return strlen(other) == len && memcmp(word, other, len) == 0;
}

bool col_function_is_not_here(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (is(word, len, functions[i]))
            return true;
    return false;
}

bool col_path_is_not_here(enum col_condition_on on, const char *word, size_t len)
{
    const char *dot = memchr(word, '.', len);
    size_t head = dot != NULL ? (size_t)(dot - word) : len;
    enum col_condition_on of = on;

    if (is(word, head, "exemplar") || is(word, head, "otelcol"))
        return true;
    if (dot != NULL && col_context_find(word, head, &of)) {
        if ((col_context_sees(on) & IN(of)) == 0)
            return false;
        len -= head + 1;
        word = dot + 1;
    }
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if ((paths[i].of & IN(of)) != 0 && is(word, len, paths[i].name))
            return true;
    return false;
}
