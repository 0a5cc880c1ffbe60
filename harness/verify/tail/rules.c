/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/rules.h"

#include <stdio.h>
#include <string.h>

#include "harness/verify/tail/as_version.h"
#include "harness/verify/tail/way.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/schema.h"

/* From a Collector's configuration to rules. What is wrong with the file is the collector's to
 * say; here it is enough not to take it for something else. */

enum { ARENA_MAX = 16 << 20 };

struct reader {
    struct hx_rules *rules;
    const struct otl_yaml *doc;
    struct otl_detail *reterr;
    const json_t *config; /* of the processor */
    unsigned version;
    bool legacy;
};

static bool old_way(const struct reader *r, enum hx_change change)
{
    return hx_as_version_old_way(json_object_get(r->config, "compat"), r->version, change);
}

static enum otel_err refuse(const struct reader *r, const json_t *map, const char *key,
                            const char *name, const char *what)
{
    struct otl_yaml_pos pos = {NULL, 0, 0};

    if (r->doc != NULL && map != NULL)
        pos = key != NULL ? otl_yaml_value_pos(r->doc, map, key)
                          : otl_yaml_container_pos(r->doc, map);
    otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                   "tail_sampling policy '%s': %s", name, what);
    return OTEL_ERR_UNSUPPORTED;
}

static const char *word(const json_t *map, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text != NULL ? text : otherwise;
}

static int64_t whole(const json_t *map, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(map, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static bool flag(const json_t *map, const char *key)
{
    return json_is_true(json_object_get(map, key));
}

static uint64_t span_of_time(const json_t *map, const char *key, uint64_t otherwise)
{
    const char *text = word(map, key, NULL);
    uint64_t ns;

    if (whole(map, key, -1) >= 0) /* without a unit: nanoseconds, as there */
        return (uint64_t)whole(map, key, 0);
    return text != NULL && otl_parse_duration(text, &ns) == OTEL_OK ? ns : otherwise;
}

/* ---- leaves ---- */

static struct hx_leaf *new_leaf(struct reader *r, struct hx_rule *rule, enum hx_leaf_kind kind)
{
    struct hx_leaf *leaf;

    if (r->rules->leaf_count == HX_TAIL_LEAVES)
        return NULL;
    leaf = &r->rules->leaves[r->rules->leaf_count];
    leaf->kind = kind;
    rule->kind = HX_RULE_LEAF;
    rule->leaf = (unsigned)r->rules->leaf_count++;
    return leaf;
}

static bool compile(struct reader *r, struct hx_leaf *leaf)
{
    size_t count = json_array_size(leaf->values);

    leaf->patterns = otl_arena_zalloc(&r->rules->arena, (count + 1) * sizeof(*leaf->patterns));
    for (size_t i = 0; i < count && leaf->patterns != NULL; i++) {
        leaf->patterns[i] = hx_pattern_new(json_string_value(json_array_get(leaf->values, i)));
        if (leaf->patterns[i] == NULL)
            return false;
    }
    return leaf->patterns != NULL;
}

static void read_codes(struct hx_leaf *leaf, const json_t *section)
{
    static const char *const codes[] = {"UNSET", "OK", "ERROR"};
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(section, "status_codes"), i, item)
        for (int code = 0; code < 3; code++)
            if (json_is_string(item) && strcmp(json_string_value(item), codes[code]) == 0)
                leaf->low |= 1 << code;
}

static void read_bounds(struct hx_leaf *leaf, const json_t *section)
{
    leaf->low = whole(section, "min_value", 0);
    leaf->high = whole(section, "max_value", 0);
    leaf->low = leaf->low == 0 ? INT64_MIN : leaf->low;
    leaf->high = leaf->high == 0 ? INT64_MAX : leaf->high;
}

static const char *const leaf_words[] = {
    "latency",          "status_code",       "trace_flags",       "trace_state",
    "string_attribute", "numeric_attribute", "boolean_attribute", "ottl_condition"};

static enum otel_err read_leaf(struct reader *r, const json_t *map, const json_t *section,
                               enum hx_leaf_kind kind, struct hx_rule *rule)
{
    struct hx_leaf *leaf = new_leaf(r, rule, kind);

    if (leaf == NULL)
        return refuse(r, map, NULL, rule->name, "more than 64 conditions on spans");
    leaf->key = word(section, "key", "");
    leaf->values = json_object_get(section, "values");
    leaf->truth = flag(section, "value");
    rule->invert = flag(section, "invert_match");
    if (kind == HX_LEAF_STATUS)
        read_codes(leaf, section);
    if (kind == HX_LEAF_NUMBER)
        read_bounds(leaf, section);
    if (kind == HX_LEAF_LATENCY) {
        leaf->low = whole(section, "threshold_ms", 0);
        leaf->high = whole(section, "upper_threshold_ms", 0);
        leaf->inclusive = old_way(r, HX_CHANGE_LATENCY);
    }
    if (kind == HX_LEAF_TEXT && flag(section, "enabled_regex_matching") && !compile(r, leaf))
        return refuse(r, map, NULL, rule->name, "a regular expression is not understood");
    if (kind == HX_LEAF_OTTL && hx_before_propagates(section, false) &&
        hx_before_may_refuse(section))
        return refuse(r, map, NULL, rule->name, "error_mode propagate where a function can fail");
    if (kind == HX_LEAF_OTTL)
        return hx_ottl_load(&r->rules->arena, json_object_get(section, "span"),
                            json_object_get(section, "spanevent"), &leaf->ottl, r->reterr);
    return OTEL_OK;
}

/* ---- rules that hold others ---- */

static enum otel_err read_rule(struct reader *r, const json_t *map, bool top,
                               struct hx_rule **ret);

static enum otel_err read_children(struct reader *r, const json_t *map, const json_t *list,
                                   struct hx_rule *rule)
{
    const json_t *item;
    size_t i;

    rule->kind = HX_RULE_ALL;
    if (json_array_size(list) == 0 || json_array_size(list) > 64)
        return refuse(r, map, NULL, rule->name, "has no sub-policies, or more than 64");
    json_array_foreach(list, i, item) {
        enum otel_err err = read_rule(r, item, false, &rule->children[i]);
        if (err != OTEL_OK)
            return err;
        rule->child_count++;
    }
    return OTEL_OK;
}

static int64_t share_of(const struct reader *r, const json_t *section, const char *name,
                        size_t count)
{
    const json_t *item;
    int64_t total = whole(section, "max_total_spans_per_second", 0);
    size_t i;

    json_array_foreach(json_object_get(section, "rate_allocation"), i, item)
        if (strcmp(word(item, "policy", ""), name) == 0)
            return whole(item, "percent", 0) > 0
                       ? (int64_t)((double)total * ((double)whole(item, "percent", 0) / 100.0))
                       : total / (int64_t)count;
    return old_way(r, HX_CHANGE_UNLISTED) ? 0 : total / (int64_t)count;
}

/* Asked in the order in which they stand: nobody has ever looked at policy_order. */
static enum otel_err read_budget(struct reader *r, const json_t *map, const json_t *section,
                                 struct hx_rule *rule)
{
    enum otel_err err = read_children(r, map, json_object_get(section, "composite_sub_policy"),
                                      rule);

    rule->kind = HX_RULE_BUDGET;
    rule->total = whole(section, "max_total_spans_per_second", 0);
    for (size_t i = 0; i < rule->child_count && err == OTEL_OK; i++)
        rule->shares[i] = share_of(r, section, rule->children[i]->name, rule->child_count);
    r->rules->stateful = true;
    return err;
}

static void read_limit(struct reader *r, const json_t *section, const char *key,
                       struct hx_rule *rule)
{
    rule->kind = HX_RULE_LIMIT;
    rule->bytes = strcmp(key, "bytes_per_second") == 0;
    rule->rate = whole(section, key, 0);
    rule->burst = whole(section, "burst_capacity", 0) > 0 ? whole(section, "burst_capacity", 0)
                                                          : rule->rate * 2;
    rule->window = !rule->bytes && old_way(r, HX_CHANGE_LIMITING);
    r->rules->stateful = true;
    r->rules->bytes |= rule->bytes;
}

static enum otel_err read_other(struct reader *r, const json_t *map, const json_t *section,
                                const char *type, struct hx_rule *rule)
{
    const json_t *percentage = json_object_get(section, "sampling_percentage");

    if (strcmp(type, "always_sample") == 0) {
        rule->kind = HX_RULE_ALWAYS;
    } else if (strcmp(type, "probabilistic") == 0) {
        rule->kind = HX_RULE_HASH;
        rule->salt = word(section, "hash_salt", "");
        rule->salt = *rule->salt != '\0' ? rule->salt : "default-hash-seed";
        rule->threshold = hx_rules_threshold(json_number_value(percentage));
        rule->at_least = hx_before_threshold(json_number_value(percentage) / 100, 14);
    } else if (strcmp(type, "span_count") == 0) {
        rule->kind = HX_RULE_COUNT;
        rule->low = whole(section, "min_spans", 0);
        rule->high = whole(section, "max_spans", 0);
    } else if (strcmp(type, "rate_limiting") == 0) {
        read_limit(r, section, "spans_per_second", rule);
    } else if (strcmp(type, "bytes_limiting") == 0) {
        read_limit(r, section, "bytes_per_second", rule);
    } else if (strcmp(type, "and") == 0) {
        return read_children(r, map, json_object_get(section, "and_sub_policy"), rule);
    } else if (strcmp(type, "drop") == 0) {
        rule->drop = true;
        return read_children(r, map, json_object_get(section, "drop_sub_policy"), rule);
    } else if (strcmp(type, "not") == 0) {
        enum otel_err err =
            read_rule(r, json_object_get(section, "not_sub_policy"), false, &rule->children[0]);
        rule->kind = HX_RULE_NOT;
        return err;
    } else if (strcmp(type, "composite") == 0) {
        return read_budget(r, map, section, rule);
    } else {
        return refuse(r, map, "type", rule->name, "a type that is not known");
    }
    return OTEL_OK;
}

static enum otel_err read_rule(struct reader *r, const json_t *map, bool top,
                               struct hx_rule **ret)
{
    struct hx_rule *rule = otl_arena_zalloc(&r->rules->arena, sizeof(*rule));
    const char *type = word(map, "type", "");
    const json_t *section = json_object_get(map, type);
    enum otel_err err = OTEL_OK;
    size_t leaf = 0;

    if (rule == NULL)
        return otl_detail_set(r->reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    rule->name = word(map, "name", "");
    if (r->rules->rule_count++ == HX_TAIL_RULES)
        return refuse(r, map, NULL, rule->name, "more than 256 policies");
    while (leaf < sizeof(leaf_words) / sizeof(leaf_words[0]) &&
           strcmp(leaf_words[leaf], type) != 0)
        leaf++;
    if (leaf < sizeof(leaf_words) / sizeof(leaf_words[0]))
        err = read_leaf(r, map, section, (enum hx_leaf_kind)leaf, rule);
    else
        err = read_other(r, map, section, type, rule);
    rule->veto = top && r->legacy;
    *ret = rule;
    return err;
}

/* ---- the processor ---- */

static bool changes_spans(const json_t *before)
{
    const json_t *item;
    size_t i;

    json_array_foreach(before, i, item) {
        const char *id = json_string_value(item);
        if (!hx_way_is(id, "batch") && !hx_way_is(id, "memory_limiter"))
            return true;
    }
    return false;
}

/* A policy of this type, alone or inside of others. */
static bool has_type(const json_t *tree, const char *type)
{
    const json_t *part;
    const char *key;
    size_t i;

    if (strcmp(word(tree, "type", ""), type) == 0)
        return true;
    json_array_foreach(tree, i, part)
        if (has_type(part, type))
            return true;
    json_object_foreach((json_t *)(uintptr_t)tree, key, part)
        if (has_type(part, type))
            return true;
    return false;
}

static void note_readers(struct reader *r, const json_t *processors, const json_t *list)
{
    struct hx_before *before = &r->rules->before;
    const json_t *item;
    size_t i;

    before->readers[0] = r->config;
    before->reader_count = 1;
    json_array_foreach(list, i, item) {
        const char *id = json_string_value(item);
        if (before->reader_count <= HX_BEFORE_STAGES)
            before->readers[before->reader_count++] = json_object_get(processors, id);
        else
            before->all_matters = true;
    }
}

static enum otel_err read_group(struct reader *r, const char *id, const json_t *config)
{
    struct hx_rules *rules = r->rules;

    if (rules->group.wait_ns > 0)
        return otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "'%s' before tail_sampling is the second groupbytrace: when spans "
                              "come is not predicted",
                              id);
    rules->group.wait_ns = span_of_time(config, "wait_duration", 1000000000);
    rules->group.traces = (uint64_t)whole(config, "num_traces", 1000000);
    rules->group.max_bytes =
        (uint64_t)whole(json_object_get(config, "compat"), "max_bytes", 1 << 30);
    rules->group.at = rules->before.count;
    return OTEL_OK;
}

/* What stands before it in one pipeline: batches and groups delay, all else changes spans. */
static enum otel_err read_way(struct reader *r, const json_t *processors, const json_t *before)
{
    uint64_t spread = 0;
    const json_t *item;
    size_t i;

    note_readers(r, processors, before);
    json_array_foreach(before, i, item) {
        const char *id = json_string_value(item);
        const json_t *settings = json_object_get(processors, id);
        enum otel_err err = OTEL_OK;
        if (hx_way_is(id, "batch"))
            spread += span_of_time(settings, "timeout", 200000000);
        else if (hx_way_is(id, "groupbytrace"))
            err = read_group(r, id, settings);
        else if (!hx_way_is(id, "memory_limiter"))
            err = hx_before_add(&r->rules->before, id, settings, r->reterr);
        if (err != OTEL_OK)
            return err;
    }
    if (spread > r->rules->spread_ns)
        r->rules->spread_ns = spread;
    return OTEL_OK;
}

static enum otel_err read_before(struct reader *r, const json_t *config)
{
    const json_t *pipelines = json_object_get(json_object_get(config, "service"), "pipelines");
    const json_t *pipeline;
    const char *name;
    bool found = false;

    r->rules->before.old_errors = r->version > 0 && r->version < 153;
    r->rules->before.all_matters =
        json_object_get(r->config, "maximum_trace_size_bytes") != NULL ||
        has_type(json_object_get(r->config, "policies"), "bytes_limiting");
    json_object_foreach((json_t *)(uintptr_t)pipelines, name, pipeline) {
        enum otel_err err;
        struct hx_way way;
        if (!hx_way_names(json_object_get(pipeline, "processors"), r->rules->processor))
            continue;
        err = hx_way_to(config, pipeline, r->rules->processor, &way, r->reterr);
        if (err == OTEL_OK && found &&
            (r->rules->before.count > 0 || r->rules->group.wait_ns > 0 ||
             changes_spans(way.before)))
            err = otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                 "'%s' stands in several pipelines, behind processors that "
                                 "change spans: it is not known which spans come by which",
                                 r->rules->processor);
        if (err == OTEL_OK)
            err = read_way(r, json_object_get(config, "processors"), way.before);
        r->rules->forks |= way.forks;
        json_decref(way.before);
        if (err != OTEL_OK)
            return err;
        found = true;
    }
    return found ? OTEL_OK
                 : otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                  "no pipeline has the processor '%s'", r->rules->processor);
}

static enum otel_err find_processor(struct reader *r, const json_t *config, const char *wanted)
{
    const json_t *processors = json_object_get(config, "processors"), *value;
    const char *id;

    json_object_foreach((json_t *)(uintptr_t)processors, id, value) {
        if (wanted != NULL ? strcmp(id, wanted) != 0 : !hx_way_is(id, "tail_sampling"))
            continue;
        if (r->rules->processor != NULL)
            return otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                  "there are several tail_sampling processors ('%s' and '%s'): "
                                  "name one with --processor",
                                  r->rules->processor, id);
        r->rules->processor = id;
        r->config = value;
    }
    if (r->rules->processor == NULL)
        return otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "the configuration has no processor '%s'",
                              wanted != NULL ? wanted : "tail_sampling");
    return OTEL_OK;
}

static void read_settings(struct reader *r)
{
    const json_t *cache = json_object_get(r->config, "decision_cache");
    struct hx_rules *rules = r->rules;
    uint64_t wait = span_of_time(r->config, "decision_wait", 30000000000ULL);

    rules->wait_ns = wait < 1000000000 ? 1000000000 : wait / 1000000000 * 1000000000;
    rules->root_wait_ns = span_of_time(r->config, "decision_wait_after_root_received", 0);
    rules->traces = (uint64_t)whole(r->config, "num_traces", 50000);
    rules->sampled_cache = (uint64_t)whole(cache, "sampled_cache_size", 0);
    rules->other_cache = (uint64_t)whole(cache, "non_sampled_cache_size", 0);
    rules->max_bytes = (uint64_t)whole(r->config, "maximum_trace_size_bytes", 0);
    rules->max_held = (uint64_t)whole(json_object_get(r->config, "compat"), "max_bytes", 1 << 30);
    rules->tracestate = flag(json_object_get(r->config, "compat"), "use_tracestate");
    rules->first_match = flag(r->config, "sample_on_first_match");
    rules->block = flag(r->config, "block_on_overflow");
    rules->drop_pending = flag(r->config, "drop_pending_traces_on_shutdown");
    rules->at_ingest = strcmp(word(r->config, "sampling_strategy", ""), "span-ingest") == 0;
    r->legacy = old_way(r, HX_CHANGE_INVERT);
    rules->legacy = r->legacy;
}

static uint64_t part_of(uint64_t whole_of_it, unsigned parts)
{
    return (whole_of_it + parts - 1) / parts;
}

/* Which trace is whose is not asked here: each may share its part with all others. A sampler whose
 * limits look at all traces is not divided, groupbytrace before it is. */
static void divide(struct hx_rules *rules, unsigned workers, int64_t shards)
{
    rules->parts = workers > 1 ? workers : 1;
    rules->group.traces = part_of(rules->group.traces, rules->parts);
    rules->group.max_bytes = part_of(rules->group.max_bytes, rules->parts);
    if (rules->stateful)
        rules->parts = 1;
    if (shards > rules->parts && shards <= 256)
        rules->parts = (unsigned)shards;
    rules->traces = part_of(rules->traces, rules->parts);
    rules->sampled_cache = part_of(rules->sampled_cache, rules->parts);
    rules->other_cache = part_of(rules->other_cache, rules->parts);
    rules->max_held = part_of(rules->max_held, rules->parts);
}

static enum otel_err read_policies(struct reader *r)
{
    const json_t *list = json_object_get(r->config, "policies"), *item;
    struct hx_rule *rule;
    size_t i;

    if (r->rules->at_ingest)
        return otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "'%s': sampling_strategy span-ingest is not predicted",
                              r->rules->processor);
    for (int drops = 1; drops >= 0; drops--)
        json_array_foreach(list, i, item) {
            enum otel_err err;
            if ((strcmp(word(item, "type", ""), "drop") == 0) != (drops == 1))
                continue;
            err = read_rule(r, item, true, &rule);
            if (err != OTEL_OK)
                return err;
            r->rules->list[r->rules->count++] = rule;
        }
    return OTEL_OK;
}

enum otel_err hx_rules_load(const struct hx_tail_asked *asked, struct hx_rules *ret,
                            struct otl_detail *reterr)
{
    struct reader r = {
        .rules = ret, .doc = asked->doc, .reterr = reterr, .version = asked->as_version};
    const json_t *config = asked->config;
    enum otel_err err;

    memset(ret, 0, sizeof(*ret));
    otl_arena_init(&ret->arena, ARENA_MAX);
    hx_before_init(&ret->before, &ret->arena);
    ret->tree = json_incref((json_t *)(uintptr_t)config);
    err = find_processor(&r, config, asked->processor);
    if (err == OTEL_OK)
        err = hx_as_version_check(asked->doc, r.config, r.version, reterr);
    if (err == OTEL_OK)
        err = read_before(&r, config);
    if (err == OTEL_OK) {
        read_settings(&r);
        err = read_policies(&r);
    }
    if (err == OTEL_OK)
        divide(ret, asked->workers, whole(r.config, "num_shards", 1));
    if (err != OTEL_OK)
        hx_rules_fini(ret);
    return err;
}

void hx_rules_fini(struct hx_rules *rules)
{
    for (size_t i = 0; i < rules->leaf_count; i++) {
        for (size_t k = 0; rules->leaves[i].patterns != NULL &&
                           k < json_array_size(rules->leaves[i].values); k++)
            hx_pattern_free(rules->leaves[i].patterns[k]);
        hx_ottl_fini(rules->leaves[i].ottl);
    }
    hx_before_fini(&rules->before);
    otl_arena_fini(&rules->arena);
    json_decref(rules->tree);
    memset(rules, 0, sizeof(*rules));
}
