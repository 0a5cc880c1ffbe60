/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/policy.h"

/* The keys of policies, as tables. Which section belongs to which type is in policy_load.c. */

const char *const col_tail_kind_names[COL_TAIL_KINDS + 1] = {
    "always_sample",  "latency",         "numeric_attribute", "string_attribute",
    "boolean_attribute", "status_code",  "probabilistic",     "rate_limiting",
    "bytes_limiting", "span_count",      "trace_state",       "trace_flags",
    "ottl_condition", "and",             "not",               "drop",
    "composite",      NULL};

static const struct otl_schema text_row[] = {{.type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
static const struct otl_schema latency[] = {
    {.key = "threshold_ms", .type = OTL_SCHEMA_INT},
    {.key = "upper_threshold_ms", .type = OTL_SCHEMA_INT},
    OTL_SCHEMA_END};
static const struct otl_schema numeric[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING},
    {.key = "min_value", .type = OTL_SCHEMA_INT},
    {.key = "max_value", .type = OTL_SCHEMA_INT},
    {.key = "invert_match", .type = OTL_SCHEMA_BOOL},
    OTL_SCHEMA_END};
static const struct otl_schema string[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING},
    {.key = "values", .type = OTL_SCHEMA_LIST, .child = text_row, .nullable = true},
    {.key = "enabled_regex_matching", .type = OTL_SCHEMA_BOOL},
    {.key = "cache_max_size", .type = OTL_SCHEMA_INT, .min = INT32_MIN, .max = 1 << 24},
    {.key = "invert_match", .type = OTL_SCHEMA_BOOL},
    OTL_SCHEMA_END};
static const struct otl_schema boolean[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING},
    {.key = "value", .type = OTL_SCHEMA_BOOL},
    {.key = "invert_match", .type = OTL_SCHEMA_BOOL},
    OTL_SCHEMA_END};
static const struct otl_schema status_code[] = {
    {.key = "status_codes", .type = OTL_SCHEMA_LIST, .child = text_row, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema probabilistic[] = {
    {.key = "hash_salt", .type = OTL_SCHEMA_STRING},
    {.key = "sampling_percentage", .type = OTL_SCHEMA_DOUBLE},
    OTL_SCHEMA_END};
static const struct otl_schema rate_limiting[] = {
    {.key = "spans_per_second", .type = OTL_SCHEMA_INT},
    {.key = "burst_capacity", .type = OTL_SCHEMA_INT},
    OTL_SCHEMA_END};
static const struct otl_schema bytes_limiting[] = {
    {.key = "bytes_per_second", .type = OTL_SCHEMA_INT},
    {.key = "burst_capacity", .type = OTL_SCHEMA_INT},
    OTL_SCHEMA_END};
static const struct otl_schema span_count[] = {
    {.key = "min_spans", .type = OTL_SCHEMA_INT},
    {.key = "max_spans", .type = OTL_SCHEMA_INT},
    OTL_SCHEMA_END};
static const struct otl_schema trace_state[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING},
    {.key = "values", .type = OTL_SCHEMA_LIST, .child = text_row, .nullable = true},
    OTL_SCHEMA_END};
static const char *const error_modes[] = {"ignore", "silent", "propagate", NULL};
static const struct otl_schema ottl_condition[] = {
    {.key = "error_mode", .type = OTL_SCHEMA_ENUM, .words = error_modes},
    {.key = "span", .type = OTL_SCHEMA_LIST, .child = text_row, .nullable = true},
    {.key = "spanevent", .type = OTL_SCHEMA_LIST, .child = text_row, .nullable = true},
    OTL_SCHEMA_END};

#define SECTION(name, table)                                                                      \
    {.key = (name), .type = OTL_SCHEMA_MAP, .child = (table), .nullable = true}
#define SIMPLE_KEYS                                                                               \
    {.key = "name", .type = OTL_SCHEMA_STRING}, {.key = "type", .type = OTL_SCHEMA_STRING},       \
        SECTION("latency", latency), SECTION("numeric_attribute", numeric),                       \
        SECTION("string_attribute", string), SECTION("boolean_attribute", boolean),               \
        SECTION("status_code", status_code), SECTION("probabilistic", probabilistic),             \
        SECTION("rate_limiting", rate_limiting), SECTION("bytes_limiting", bytes_limiting),       \
        SECTION("span_count", span_count), SECTION("trace_state", trace_state),                   \
        SECTION("ottl_condition", ottl_condition)

static const struct otl_schema simple_keys[] = {SIMPLE_KEYS, OTL_SCHEMA_END};
static const struct otl_schema simple_row[] = {
    {.type = OTL_SCHEMA_MAP, .child = simple_keys, .what = "a policy"}, OTL_SCHEMA_END};
static const struct otl_schema not_keys[] = {
    {.key = "not_sub_policy", .type = OTL_SCHEMA_MAP, .child = simple_keys}, OTL_SCHEMA_END};
static const struct otl_schema and_keys[] = {
    {.key = "and_sub_policy", .type = OTL_SCHEMA_LIST, .child = simple_row, .nullable = true},
    OTL_SCHEMA_END};
/* and and drop may hold not, composite may hold and and not */
static const struct otl_schema inner_keys[] = {SIMPLE_KEYS, SECTION("not", not_keys),
                                               OTL_SCHEMA_END};
static const struct otl_schema inner_row[] = {
    {.type = OTL_SCHEMA_MAP, .child = inner_keys, .what = "a policy"}, OTL_SCHEMA_END};
static const struct otl_schema outer_and_keys[] = {
    {.key = "and_sub_policy", .type = OTL_SCHEMA_LIST, .child = inner_row, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema drop_keys[] = {
    {.key = "drop_sub_policy", .type = OTL_SCHEMA_LIST, .child = inner_row, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema composite_sub_keys[] = {
    SIMPLE_KEYS, SECTION("and", and_keys), SECTION("not", not_keys), OTL_SCHEMA_END};
static const struct otl_schema composite_sub_row[] = {
    {.type = OTL_SCHEMA_MAP, .child = composite_sub_keys, .what = "a policy"}, OTL_SCHEMA_END};
static const struct otl_schema allocation_keys[] = {
    {.key = "policy", .type = OTL_SCHEMA_STRING, .required = true},
    {.key = "percent", .type = OTL_SCHEMA_INT, .min = INT32_MIN, .max = INT32_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema allocation_row[] = {
    {.type = OTL_SCHEMA_MAP, .child = allocation_keys}, OTL_SCHEMA_END};
static const struct otl_schema composite_keys[] = {
    {.key = "max_total_spans_per_second", .type = OTL_SCHEMA_INT, .min = INT32_MIN,
     .max = INT32_MAX},
    {.key = "policy_order", .type = OTL_SCHEMA_LIST, .child = text_row, .nullable = true},
    {.key = "composite_sub_policy", .type = OTL_SCHEMA_LIST, .child = composite_sub_row,
     .nullable = true},
    {.key = "rate_allocation", .type = OTL_SCHEMA_LIST, .child = allocation_row,
     .nullable = true},
    OTL_SCHEMA_END};

const struct otl_schema col_tail_policy_keys[] = {
    SIMPLE_KEYS, SECTION("and", outer_and_keys), SECTION("not", not_keys),
    SECTION("drop", drop_keys), SECTION("composite", composite_keys), OTL_SCHEMA_END};

static const char *const invert_words[] = {"plain", "legacy", NULL};
static const char *const latency_words[] = {"exclusive", "inclusive", NULL};
static const char *const limiting_words[] = {"token_bucket", "fixed_window", NULL};
static const char *const allocation_words[] = {"share", "zero", NULL};
const struct otl_schema col_tail_compat_keys[] = {
    {.key = "invert_decisions", .type = OTL_SCHEMA_ENUM, .words = invert_words},
    {.key = "latency_lower_bound", .type = OTL_SCHEMA_ENUM, .words = latency_words},
    {.key = "rate_limiting", .type = OTL_SCHEMA_ENUM, .words = limiting_words},
    {.key = "composite_unlisted", .type = OTL_SCHEMA_ENUM, .words = allocation_words},
    {.key = "count_spans_sampled", .type = OTL_SCHEMA_BOOL},
    {.key = "record_policy", .type = OTL_SCHEMA_BOOL},
    {.key = "use_tracestate", .type = OTL_SCHEMA_BOOL},
    {.key = "max_bytes", .type = OTL_SCHEMA_UINT, .min = 1, .max = INT64_MAX},
    OTL_SCHEMA_END};
