/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/rules.h"

#include <stdio.h>
#include <string.h>

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
    bool legacy;
};

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
    const json_t *compat = json_object_get(r->config, "compat");

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
        leaf->inclusive = strcmp(word(compat, "latency_lower_bound", ""), "inclusive") == 0;
    }
    if (kind == HX_LEAF_TEXT && flag(section, "enabled_regex_matching") && !compile(r, leaf))
        return refuse(r, map, NULL, rule->name, "a regular expression is not understood");
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
    const json_t *compat = json_object_get(r->config, "compat"), *item;
    bool zero = strcmp(word(compat, "composite_unlisted", ""), "zero") == 0;
    int64_t total = whole(section, "max_total_spans_per_second", 0);
    size_t i;

    json_array_foreach(json_object_get(section, "rate_allocation"), i, item)
        if (strcmp(word(item, "policy", ""), name) == 0)
            return whole(item, "percent", 0) > 0 ? whole(item, "percent", 0) * total / 100
                                                 : total / (int64_t)count;
    return zero ? 0 : total / (int64_t)count;
}

static enum otel_err read_budget(struct reader *r, const json_t *map, const json_t *section,
                                 struct hx_rule *rule)
{
    const json_t *order = json_object_get(section, "policy_order"), *name;
    struct hx_rule *all[64];
    enum otel_err err = read_children(r, map, json_object_get(section, "composite_sub_policy"),
                                      rule);
    size_t count = rule->child_count, i;

    if (err != OTEL_OK)
        return err;
    memcpy(all, rule->children, sizeof(all));
    rule->kind = HX_RULE_BUDGET;
    rule->total = whole(section, "max_total_spans_per_second", 0);
    rule->child_count = 0;
    json_array_foreach(order, i, name) {
        size_t k = 0;
        while (k < count && strcmp(all[k]->name, json_string_value(name)) != 0)
            k++;
        if (k == count || rule->child_count == 64)
            return refuse(r, map, NULL, rule->name, "policy_order names what is not there");
        rule->shares[rule->child_count] = share_of(r, section, all[k]->name, count);
        rule->children[rule->child_count++] = all[k];
    }
    r->rules->stateful = true;
    return OTEL_OK;
}

static void read_limit(struct reader *r, const json_t *section, const char *key,
                       struct hx_rule *rule)
{
    const json_t *compat = json_object_get(r->config, "compat");

    rule->kind = HX_RULE_LIMIT;
    rule->bytes = strcmp(key, "bytes_per_second") == 0;
    rule->rate = whole(section, key, 0);
    rule->burst = whole(section, "burst_capacity", 0) > 0 ? whole(section, "burst_capacity", 0)
                                                          : rule->rate * 2;
    rule->window =
        !rule->bytes && strcmp(word(compat, "rate_limiting", ""), "fixed_window") == 0;
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

static bool is_tail(const char *id)
{
    return strncmp(id, "tail_sampling", 13) == 0 && (id[13] == '\0' || id[13] == '/');
}

static bool stands_in(const json_t *list, const char *wanted)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
            return true;
    return false;
}

static bool changes_spans(const json_t *list, const char *until)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        const char *id = json_is_string(item) ? json_string_value(item) : until;
        if (strcmp(id, until) == 0)
            return false;
        if (strncmp(id, "batch", 5) != 0 && strncmp(id, "memory_limiter", 14) != 0)
            return true;
    }
    return false;
}

/* What stands before it in its pipelines: batches delay, everything else changes spans. */
static enum otel_err read_before(struct reader *r, const json_t *config)
{
    const json_t *pipelines = json_object_get(json_object_get(config, "service"), "pipelines");
    const json_t *pipeline, *item;
    const char *name;
    bool found = false;

    json_object_foreach((json_t *)(uintptr_t)pipelines, name, pipeline) {
        const json_t *list = json_object_get(pipeline, "processors");
        uint64_t spread = 0;
        size_t i;
        enum otel_err err = OTEL_OK;
        if (!stands_in(list, r->rules->processor))
            continue;
        if (found && (r->rules->before.count > 0 || changes_spans(list, r->rules->processor)))
            return otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                  "'%s' stands in several pipelines, behind processors that "
                                  "change spans: it is not known which spans come by which",
                                  r->rules->processor);
        found = true;
        json_array_foreach(list, i, item) {
            const char *id = json_string_value(item);
            if (id == NULL || strcmp(id, r->rules->processor) == 0)
                break;
            if (strncmp(id, "batch", 5) == 0)
                spread += span_of_time(
                    json_object_get(json_object_get(config, "processors"), id), "timeout",
                    200000000);
            else if (strncmp(id, "memory_limiter", 14) != 0)
                err = hx_before_add(
                    &r->rules->before, id,
                    json_object_get(json_object_get(config, "processors"), id), r->reterr);
            if (err != OTEL_OK)
                return err;
        }
        if (spread > r->rules->spread_ns)
            r->rules->spread_ns = spread;
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
        if (wanted != NULL ? strcmp(id, wanted) != 0 : !is_tail(id))
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
    rules->first_match = flag(r->config, "sample_on_first_match");
    rules->block = flag(r->config, "block_on_overflow");
    rules->drop_pending = flag(r->config, "drop_pending_traces_on_shutdown");
    rules->at_ingest = strcmp(word(r->config, "sampling_strategy", ""), "span-ingest") == 0;
    r->legacy = strcmp(word(json_object_get(r->config, "compat"), "invert_decisions", ""),
                       "legacy") == 0;
    rules->legacy = r->legacy;
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

enum otel_err hx_rules_load(const struct otl_yaml *doc, const json_t *config,
                            const char *processor, struct hx_rules *ret,
                            struct otl_detail *reterr)
{
    struct reader r = {.rules = ret, .doc = doc, .reterr = reterr};
    enum otel_err err;

    memset(ret, 0, sizeof(*ret));
    otl_arena_init(&ret->arena, ARENA_MAX);
    hx_before_init(&ret->before, &ret->arena);
    ret->tree = json_incref((json_t *)(uintptr_t)config);
    err = find_processor(&r, config, processor);
    if (err == OTEL_OK)
        err = read_before(&r, config);
    if (err == OTEL_OK) {
        read_settings(&r);
        err = read_policies(&r);
    }
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
