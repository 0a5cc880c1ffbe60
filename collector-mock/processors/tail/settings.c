/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/processors/tail/tail.h"

#define DEFAULT_WAIT_NS (30 * OTL_NS_PER_S)
#define WAIT_MAX_NS (24 * 3600 * OTL_NS_PER_S)
#define DEFAULT_BYTES ((int64_t)1 << 30)
enum { DEFAULT_TRACES = 50000, TRACES_MAX = 100000000, CACHE_MAX = 100000000, SHARDS_MAX = 256 };

static const struct otl_schema policy_row[] = {
    {.type = OTL_SCHEMA_MAP, .child = col_tail_policy_keys, .what = "a policy"}, OTL_SCHEMA_END};
static const struct otl_schema cache_keys[] = {
    {.key = "sampled_cache_size", .type = OTL_SCHEMA_UINT, .max = CACHE_MAX},
    {.key = "non_sampled_cache_size", .type = OTL_SCHEMA_UINT, .max = CACHE_MAX},
    OTL_SCHEMA_END};
static const char *const strategies[] = {"trace-complete", "span-ingest", NULL};
static const struct otl_schema keys[] = {
    {.key = "policies", .type = OTL_SCHEMA_LIST, .child = policy_row, .nullable = true},
    {.key = "decision_wait", .type = OTL_SCHEMA_DURATION, .max = (int64_t)WAIT_MAX_NS},
    {.key = "decision_wait_after_root_received", .type = OTL_SCHEMA_DURATION},
    {.key = "num_traces", .type = OTL_SCHEMA_UINT, .max = TRACES_MAX},
    {.key = "expected_new_traces_per_sec", .type = OTL_SCHEMA_UINT, .max = TRACES_MAX},
    {.key = "decision_cache", .type = OTL_SCHEMA_MAP, .child = cache_keys, .nullable = true},
    {.key = "sample_on_first_match", .type = OTL_SCHEMA_BOOL},
    {.key = "block_on_overflow", .type = OTL_SCHEMA_BOOL},
    {.key = "drop_pending_traces_on_shutdown", .type = OTL_SCHEMA_BOOL},
    {.key = "maximum_trace_size_bytes", .type = OTL_SCHEMA_UINT},
    {.key = "sampling_strategy", .type = OTL_SCHEMA_ENUM, .words = strategies},
    {.key = "num_shards", .type = OTL_SCHEMA_UINT, .max = SHARDS_MAX},
    {.key = "tail_storage", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "compat", .type = OTL_SCHEMA_MAP, .child = col_tail_compat_keys, .nullable = true},
    OTL_SCHEMA_END};
const struct otl_schema col_tail_schema[] = {{.type = OTL_SCHEMA_MAP, .child = keys},
                                             OTL_SCHEMA_END};

static enum otel_err check(const struct col_create *create, struct otl_detail *reterr)
{
    static const char *const marks[] = {"use_tracestate", "record_policy"};
    const json_t *config = create->config, *compat = json_object_get(config, "compat");

    if (json_object_get(config, "tail_storage") != NULL)
        return col_not_yet(create, "processor", config, "tail_storage", reterr);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (otl_tree_bool(compat, marks[i], false) &&
            strcmp(otl_tree_text(config, "sampling_strategy", ""), "span-ingest") == 0)
            return otl_yaml_error(reterr, otl_yaml_key_pos(create->doc, compat, marks[i]),
                                  "processor '%s': %s is not there for sampling_strategy "
                                  "span-ingest",
                                  create->id, marks[i]);
    if (json_array_size(json_object_get(config, "policies")) == 0)
        return otl_yaml_error(reterr, create->pos, "processor '%s': policies must not be empty",
                              create->id);
    if (json_object_get(config, "num_traces") != NULL &&
        otl_tree_int(config, "num_traces", 0) == 0)
        return otl_yaml_error(reterr, otl_yaml_value_pos(create->doc, config, "num_traces"),
                              "processor '%s': num_traces must be above 0", create->id);
    return OTEL_OK;
}

/* A worker's share of what is for all traces. */
static uint32_t share_of(const struct col_create *create, const json_t *map, const char *key,
                         uint32_t otherwise)
{
    return (uint32_t)col_share(create, (uint64_t)otl_tree_int(map, key, otherwise));
}

enum otel_err col_tail_settings_load(const struct col_create *create,
                                     struct col_tail_settings *ret, struct otl_detail *reterr)
{
    const json_t *config = create->config;
    const json_t *cache = json_object_get(config, "decision_cache");
    enum otel_err err = check(create, reterr);

    if (err != OTEL_OK)
        return err;
    memset(ret, 0, sizeof(*ret));
    ret->wait_ns = otl_tree_duration_ns(config, "decision_wait", DEFAULT_WAIT_NS);
    ret->root_wait_ns = otl_tree_duration_ns(config, "decision_wait_after_root_received", 0);
    ret->traces = share_of(create, config, "num_traces", DEFAULT_TRACES);
    ret->expected = share_of(create, config, "expected_new_traces_per_sec", 0);
    ret->sampled_cache = share_of(create, cache, "sampled_cache_size", 0);
    ret->other_cache = share_of(create, cache, "non_sampled_cache_size", 0);
    ret->max_trace_bytes = (uint64_t)otl_tree_int(config, "maximum_trace_size_bytes", 0);
    ret->max_bytes = col_share(create, (uint64_t)otl_tree_int(json_object_get(config, "compat"),
                                                              "max_bytes", DEFAULT_BYTES));
    ret->first_match = otl_tree_bool(config, "sample_on_first_match", false);
    ret->block = otl_tree_bool(config, "block_on_overflow", false);
    ret->drop_pending = otl_tree_bool(config, "drop_pending_traces_on_shutdown", false);
    ret->at_ingest = strcmp(otl_tree_text(config, "sampling_strategy", ""), "span-ingest") == 0;
    return OTEL_OK;
}
