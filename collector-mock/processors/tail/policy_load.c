/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/config/version.h"
#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/tail/patterns.h"
#include "collector-mock/processors/tail/policy.h"
#include "collector-mock/processors/trace_state.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { ARENA_MAX = 64 << 20, DEFAULT_CACHE = 128, DIGITS_MAX = 14 };

struct loader {
    struct col_tail_policies *policies;
    const struct otl_yaml *doc;
    const char *id;
    struct otl_detail *reterr;
};

struct row { /* a policy in the file */
    const json_t *map;
    struct otl_yaml_pos pos;
    const char *below; /* "and", "drop" ...; NULL: a policy of its own */
};

static enum otel_err no_memory(struct loader *l)
{
    return otl_detail_set(l->reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

static const char *copy(struct loader *l, const char *text)
{
    return otl_arena_strdup(&l->policies->arena, text);
}

/* ---- settings of one type each ---- */

/* section[key] as texts; empty ones are left out, where they mean nothing. */
static enum otel_err read_words(struct loader *l, const json_t *list, bool with_empty,
                                struct col_tail_words *ret)
{
    size_t count = json_array_size(list);

    ret->items = otl_arena_alloc(&l->policies->arena, (count + 1) * sizeof(*ret->items));
    if (ret->items == NULL)
        return no_memory(l);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (*text == '\0' && !with_empty)
            continue;
        text = copy(l, text);
        if (text == NULL)
            return no_memory(l);
        ret->items[ret->count++] = otl_view_str(text);
    }
    return OTEL_OK;
}

static enum otel_err read_numeric(struct loader *l, const struct row *row, const json_t *section,
                                  struct col_tail_policy *policy)
{
    int64_t min = otl_tree_int(section, "min_value", 0);
    int64_t max = otl_tree_int(section, "max_value", 0);

    if (min == 0 && max == 0)
        return otl_yaml_error(l->reterr, row->pos,
                              "processor '%s': policy '%s': min_value or max_value must be set "
                              "(0 counts as not set)",
                              l->id, policy->name);
    policy->as.numeric.min = min != 0 ? min : INT64_MIN;
    policy->as.numeric.max = max != 0 ? max : INT64_MAX;
    return OTEL_OK;
}

static enum otel_err read_string(struct loader *l, const json_t *section,
                                 struct col_tail_policy *policy)
{
    const json_t *values = json_object_get(section, "values");
    bool regex = otl_tree_bool(section, "enabled_regex_matching", false);
    int64_t cache = otl_tree_int(section, "cache_max_size", 0);
    enum otel_err err = read_words(l, values, regex, &policy->as.text.values);

    if (err != OTEL_OK || !regex)
        return err;
    if (col_patterns_new(cache > 0 ? (uint32_t)cache : DEFAULT_CACHE,
                         &policy->as.text.patterns) != OTEL_OK)
        return no_memory(l);
    for (size_t i = 0; i < policy->as.text.values.count; i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        err = col_patterns_add(policy->as.text.patterns, policy->as.text.values.items[i], &detail);
        if (err == OTEL_ERR_MEMORY)
            return no_memory(l);
        if (err != OTEL_OK)
            return otl_yaml_error(l->reterr, otl_yaml_item_pos(l->doc, values, i),
                                  "processor '%s': policy '%s': the regular expression '%s': %s",
                                  l->id, policy->name, policy->as.text.values.items[i].data,
                                  detail.text);
    }
    return OTEL_OK;
}

static enum otel_err read_status(struct loader *l, const struct row *row, const json_t *section,
                                 struct col_tail_policy *policy)
{
    static const char *const codes[] = {"UNSET", "OK", "ERROR", NULL};
    const json_t *list = json_object_get(section, "status_codes");
    char near[128];

    if (json_array_size(list) == 0)
        return otl_yaml_error(l->reterr, row->pos,
                              "processor '%s': policy '%s': status_codes must not be empty", l->id,
                              policy->name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        size_t code = 0;
        while (codes[code] != NULL && strcmp(codes[code], word) != 0)
            code++;
        if (codes[code] == NULL)
            return otl_yaml_error(l->reterr, otl_yaml_item_pos(l->doc, list, i),
                                  "processor '%s': policy '%s': unknown status code '%s'%s, "
                                  "supported: OK, ERROR, UNSET",
                                  l->id, policy->name, word,
                                  otl_words_suggest(codes, word, near, sizeof(near)));
        policy->as.status_codes |= 1u << code;
    }
    return OTEL_OK;
}

static enum otel_err read_limit(struct loader *l, const struct row *row, const json_t *section,
                                const char *rate_key, struct col_tail_policy *policy)
{
    struct col_tail_limit *limit = &policy->as.limit;
    int64_t burst = otl_tree_int(section, "burst_capacity", 0);

    limit->rate = otl_tree_int(section, rate_key, 0);
    if (limit->rate < 0 || burst < 0 || limit->rate > INT64_MAX / 4)
        return otl_yaml_error(l->reterr, row->pos,
                              "processor '%s': policy '%s': %s and burst_capacity must not be "
                              "negative",
                              l->id, policy->name, rate_key);
    limit->burst = burst > 0 ? burst : limit->rate * 2;
    l->policies->stateful = true;
    l->policies->need_size |= policy->kind == COL_TAIL_BYTES_LIMITING;
    return OTEL_OK;
}

static enum otel_err read_conditions(struct loader *l, const json_t *list, bool events,
                                     struct col_tail_policy *policy, struct col_condition **ret)
{
    if (json_array_size(list) == 0)
        return OTEL_OK;
    if (col_condition_new(events ? COL_ON_EVENT : COL_ON_SPAN, ret) != OTEL_OK)
        return no_memory(l);
    col_condition_without_scope(*ret);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        enum otel_err err =
            col_condition_add(*ret, json_string_value(json_array_get(list, i)), &detail);
        if (err == OTEL_ERR_MEMORY)
            return no_memory(l);
        if (err != OTEL_OK)
            return otl_yaml_error(l->reterr, otl_yaml_item_pos(l->doc, list, i),
                                  "processor '%s': policy '%s': condition %s", l->id, policy->name,
                                  detail.text);
    }
    return OTEL_OK;
}

static enum otel_err read_ottl(struct loader *l, const struct row *row, const json_t *section,
                               struct col_tail_policy *policy)
{
    enum otel_err err = read_conditions(l, json_object_get(section, "span"), false, policy,
                                        &policy->as.ottl.span);

    policy->as.ottl.propagate =
        strcmp(otl_tree_text(section, "error_mode", ""), "propagate") == 0;
    if (err == OTEL_OK)
        err = read_conditions(l, json_object_get(section, "spanevent"), true, policy,
                              &policy->as.ottl.event);
    if (err == OTEL_OK && policy->as.ottl.span == NULL && policy->as.ottl.event == NULL)
        err = otl_yaml_error(l->reterr, row->pos,
                             "processor '%s': policy '%s': expected at least one condition under "
                             "span or spanevent",
                             l->id, policy->name);
    return err;
}

/* ---- policies that hold others ---- */

static enum otel_err load_policy(struct loader *l, const struct row *row,
                                 struct col_tail_policy **ret);

static enum otel_err read_children(struct loader *l, const struct row *row, const json_t *list,
                                   struct col_tail_policy *policy)
{
    size_t count = json_array_size(list);
    enum otel_err err = OTEL_OK;

    if (count == 0)
        return otl_yaml_error(l->reterr, row->pos, "processor '%s': policy '%s' has no %s", l->id,
                              policy->name, "sub-policy");
    policy->children = otl_arena_zalloc(&l->policies->arena, count * sizeof(*policy->children));
    if (policy->children == NULL)
        return no_memory(l);
    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        const struct row child = {json_array_get(list, i), otl_yaml_item_pos(l->doc, list, i),
                                  col_tail_kind_names[policy->kind]};
        err = load_policy(l, &child, &policy->children[policy->child_count]);
        policy->child_count += err == OTEL_OK;
    }
    return err;
}

static enum otel_err read_not(struct loader *l, const struct row *row, const json_t *section,
                              struct col_tail_policy *policy)
{
    const struct row child = {json_object_get(section, "not_sub_policy"),
                              otl_yaml_value_pos(l->doc, section, "not_sub_policy"), "not"};

    if (child.map == NULL)
        return otl_yaml_error(l->reterr, row->pos,
                              "processor '%s': policy '%s' has no not_sub_policy", l->id,
                              policy->name);
    policy->children = otl_arena_zalloc(&l->policies->arena, sizeof(*policy->children));
    if (policy->children == NULL)
        return no_memory(l);
    policy->child_count = 1;
    return load_policy(l, &child, &policy->children[0]);
}

static struct col_tail_policy *child_named(const struct col_tail_policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->child_count; i++)
        if (strcmp(policy->children[i]->name, name) == 0)
            return policy->children[i];
    return NULL;
}

static enum otel_err no_child(struct loader *l, const struct col_tail_policy *policy,
                              const char *name, struct otl_yaml_pos pos)
{
    const char *known[COL_TAIL_POLICIES_MAX + 1];
    char near[128];
    size_t i;

    for (i = 0; i < policy->child_count && i < COL_TAIL_POLICIES_MAX; i++)
        known[i] = policy->children[i]->name;
    known[i] = NULL;
    return otl_yaml_error(l->reterr, pos,
                          "processor '%s': policy '%s' has no sub-policy '%s'%s", l->id,
                          policy->name, name, otl_words_suggest(known, name, near, sizeof(near)));
}

/* The order of the children is theirs in the file: no release of the Collector has ever looked at
 * policy_order. Shares are cut off after a product of doubles, as there. */
static enum otel_err allocate(struct loader *l, const json_t *section,
                              struct col_tail_policy *policy)
{
    const json_t *list = json_object_get(section, "rate_allocation");
    int64_t max = policy->as.composite.max;
    int64_t share = max / (int64_t)policy->child_count;

    for (size_t i = 0; i < policy->child_count; i++)
        policy->children[i]->allocated = l->policies->compat.composite_zero ? 0 : share;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = otl_tree_text(item, "policy", "");
        struct col_tail_policy *child = child_named(policy, name);
        int64_t percent = otl_tree_int(item, "percent", 0);
        if (child == NULL)
            return no_child(l, policy, name, otl_yaml_value_pos(l->doc, item, "policy"));
        child->allocated =
            percent > 0 ? (int64_t)((double)percent / 100 * (double)max) : share;
    }
    return OTEL_OK;
}

static enum otel_err read_composite(struct loader *l, const struct row *row,
                                    const json_t *section, struct col_tail_policy *policy)
{
    enum otel_err err;

    policy->as.composite.max = otl_tree_int(section, "max_total_spans_per_second", 0);
    policy->as.composite.second = -1;
    l->policies->stateful = true;
    err = read_children(l, row, json_object_get(section, "composite_sub_policy"), policy);
    return err == OTEL_OK ? allocate(l, section, policy) : err;
}

/* ---- one policy ---- */

static enum otel_err read_section(struct loader *l, const struct row *row, const json_t *section,
                                  struct col_tail_policy *policy)
{
    const char *salt;

    switch (policy->kind) {
    case COL_TAIL_LATENCY:
        policy->as.latency.threshold_ms = otl_tree_int(section, "threshold_ms", 0);
        policy->as.latency.upper_ms = otl_tree_int(section, "upper_threshold_ms", 0);
        return OTEL_OK;
    case COL_TAIL_NUMERIC_ATTRIBUTE:
        return read_numeric(l, row, section, policy);
    case COL_TAIL_STRING_ATTRIBUTE:
        return read_string(l, section, policy);
    case COL_TAIL_BOOLEAN_ATTRIBUTE:
        policy->as.boolean = otl_tree_bool(section, "value", false);
        return OTEL_OK;
    case COL_TAIL_STATUS_CODE:
        return read_status(l, row, section, policy);
    case COL_TAIL_PROBABILISTIC:
        salt = otl_tree_text(section, "hash_salt", "");
        salt = copy(l, *salt != '\0' ? salt : "default-hash-seed");
        if (salt == NULL)
            return no_memory(l);
        policy->as.probabilistic.salt = otl_view_str(salt);
        policy->as.probabilistic.threshold =
            col_tail_threshold(otl_tree_double(section, "sampling_percentage", 0));
        return OTEL_OK;
    case COL_TAIL_RATE_LIMITING:
        return read_limit(l, row, section, "spans_per_second", policy);
    case COL_TAIL_BYTES_LIMITING:
        return read_limit(l, row, section, "bytes_per_second", policy);
    case COL_TAIL_SPAN_COUNT:
        policy->as.spans.min = otl_tree_int(section, "min_spans", 0);
        policy->as.spans.max = otl_tree_int(section, "max_spans", 0);
        return OTEL_OK;
    case COL_TAIL_TRACE_STATE:
        return read_words(l, json_object_get(section, "values"), false, &policy->as.text.values);
    case COL_TAIL_OTTL_CONDITION:
        return read_ottl(l, row, section, policy);
    case COL_TAIL_AND:
        return read_children(l, row, json_object_get(section, "and_sub_policy"), policy);
    case COL_TAIL_DROP:
        return read_children(l, row, json_object_get(section, "drop_sub_policy"), policy);
    case COL_TAIL_NOT:
        return read_not(l, row, section, policy);
    case COL_TAIL_COMPOSITE:
        return read_composite(l, row, section, policy);
    default:
        return OTEL_OK;
    }
}

/* What several ask for, the strictest of them asks for. */
static uint64_t threshold_of(const struct col_tail_policy *policy, const json_t *section)
{
    uint64_t most = 0;

    if (policy->kind == COL_TAIL_PROBABILISTIC)
        return col_threshold_of(otl_tree_double(section, "sampling_percentage", 0) / 100,
                                DIGITS_MAX);
    for (size_t i = 0; i < policy->child_count && policy->kind == COL_TAIL_AND; i++)
        if (policy->children[i]->threshold > most)
            most = policy->children[i]->threshold;
    return most;
}

static bool may_stand(enum col_tail_kind kind, const char *below)
{
    if (below == NULL || kind < COL_TAIL_AND)
        return true;
    if (kind == COL_TAIL_NOT)
        return strcmp(below, "not") != 0;
    return kind == COL_TAIL_AND && strcmp(below, "composite") == 0;
}

static enum otel_err read_type(struct loader *l, const struct row *row, const char *name,
                               enum col_tail_kind *ret)
{
    const char *word = otl_tree_text(row->map, "type", "");
    struct otl_yaml_pos pos = json_object_get(row->map, "type") != NULL
                                  ? otl_yaml_value_pos(l->doc, row->map, "type")
                                  : row->pos;
    char near[128];
    int kind = 0;

    while (kind < COL_TAIL_KINDS && strcmp(col_tail_kind_names[kind], word) != 0)
        kind++;
    if (kind == COL_TAIL_KINDS)
        return otl_yaml_error(l->reterr, pos,
                              "processor '%s': policy '%s': unknown sampling policy type '%s'%s",
                              l->id, name, word,
                              otl_words_suggest(col_tail_kind_names, word, near, sizeof(near)));
    if (!may_stand((enum col_tail_kind)kind, row->below))
        return otl_yaml_error(l->reterr, pos,
                              "processor '%s': policy '%s': '%s' cannot stand below '%s'", l->id,
                              name, word, row->below);
    *ret = (enum col_tail_kind)kind;
    return OTEL_OK;
}

static enum otel_err load_policy(struct loader *l, const struct row *row,
                                 struct col_tail_policy **ret)
{
    const char *name = otl_tree_text(row->map, "name", "");
    struct col_tail_policy *policy;
    enum col_tail_kind kind = COL_TAIL_ALWAYS_SAMPLE;
    const json_t *section;
    enum otel_err err = OTEL_OK;

    if (*name == '\0' && row->below == NULL)
        return otl_yaml_error(l->reterr, row->pos, "processor '%s': policy name cannot be empty",
                              l->id);
    err = read_type(l, row, name, &kind);
    if (err != OTEL_OK)
        return err;
    if (l->policies->all_count == COL_TAIL_POLICIES_MAX)
        return otl_yaml_error(l->reterr, row->pos, "processor '%s': more than %d policies", l->id,
                              COL_TAIL_POLICIES_MAX);
    policy = otl_arena_zalloc(&l->policies->arena, sizeof(*policy));
    if (policy == NULL)
        return no_memory(l);
    l->policies->all[l->policies->all_count++] = policy;
    section = json_object_get(row->map, col_tail_kind_names[kind]);
    policy->kind = kind;
    policy->compat = &l->policies->compat;
    policy->flat = row->below != NULL;
    policy->invert = otl_tree_bool(section, "invert_match", false);
    policy->name = copy(l, name);
    policy->key = copy(l, otl_tree_text(section, "key", ""));
    if (policy->name == NULL || policy->key == NULL)
        return no_memory(l);
    err = read_section(l, row, section, policy);
    policy->threshold = threshold_of(policy, section);
    if (err == OTEL_OK)
        *ret = policy;
    return err;
}

/* ---- all ---- */

/* The version that has the new way, and the word of the old one. */
static bool is_old(const json_t *map, const char *key, unsigned version, unsigned since,
                   const char *old)
{
    return strcmp(otl_tree_text(map, key, col_version_before(version, since) ? old : ""), old) ==
           0;
}

static void read_compat(struct col_tail_compat *compat, const json_t *map, unsigned version)
{
    compat->invert_legacy = is_old(map, "invert_decisions", version, 144, "legacy");
    compat->latency_inclusive = is_old(map, "latency_lower_bound", version, 157, "inclusive");
    compat->fixed_window = is_old(map, "rate_limiting", version, 153, "fixed_window");
    compat->count_spans = otl_tree_bool(map, "count_spans_sampled", false);
    compat->record_policy = otl_tree_bool(map, "record_policy", false);
    compat->use_tracestate = otl_tree_bool(map, "use_tracestate", false);
    compat->composite_zero = is_old(map, "composite_unlisted", version, 158, "zero");
}

static enum otel_err load_list(struct loader *l, const json_t *list)
{
    struct col_tail_policies *policies = l->policies;
    size_t count = json_array_size(list);
    enum otel_err err = OTEL_OK;

    policies->list = otl_arena_zalloc(&policies->arena, (count + 1) * sizeof(*policies->list));
    if (policies->list == NULL)
        return no_memory(l);
    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        const struct row row = {json_array_get(list, i), otl_yaml_item_pos(l->doc, list, i), NULL};
        err = load_policy(l, &row, &policies->list[i]);
        for (size_t k = 0; k < i && err == OTEL_OK; k++)
            if (strcmp(policies->list[k]->name, policies->list[i]->name) == 0)
                err = otl_yaml_error(l->reterr, row.pos,
                                     "processor '%s': duplicate policy name '%s'", l->id,
                                     policies->list[i]->name);
    }
    policies->count = count;
    return err;
}

/* Drop policies first, otherwise in the order of the file. */
static enum otel_err drops_first(struct loader *l)
{
    struct col_tail_policies *policies = l->policies;
    struct col_tail_policy **sorted =
        otl_arena_zalloc(&policies->arena, (policies->count + 1) * sizeof(*sorted));
    size_t at = 0;

    if (sorted == NULL)
        return no_memory(l);
    for (int drops = 1; drops >= 0; drops--)
        for (size_t i = 0; i < policies->count; i++)
            if ((policies->list[i]->kind == COL_TAIL_DROP) == (drops == 1))
                sorted[at++] = policies->list[i];
    policies->list = sorted;
    return OTEL_OK;
}

enum otel_err col_tail_policies_load(const struct otl_yaml *doc, const json_t *config,
                                     const char *id, unsigned as_version,
                                     struct col_tail_policies **ret, struct otl_detail *reterr)
{
    struct col_tail_policies *policies = otl_mem_zalloc(sizeof(*policies));
    struct loader l = {policies, doc, id, reterr};
    enum otel_err err;

    if (policies == NULL)
        return no_memory(&l);
    otl_arena_init(&policies->arena, ARENA_MAX);
    read_compat(&policies->compat, json_object_get(config, "compat"), as_version);
    err = load_list(&l, json_object_get(config, "policies"));
    if (err == OTEL_OK)
        err = drops_first(&l);
    if (err == OTEL_OK)
        *ret = policies;
    else
        col_tail_policies_free(policies);
    return err;
}

void col_tail_policies_free(struct col_tail_policies *policies)
{
    if (policies == NULL)
        return;
    for (size_t i = 0; i < policies->all_count; i++) {
        struct col_tail_policy *policy = policies->all[i];
        if (policy->kind == COL_TAIL_STRING_ATTRIBUTE)
            col_patterns_free(policy->as.text.patterns);
        if (policy->kind == COL_TAIL_OTTL_CONDITION) {
            col_condition_free(policy->as.ottl.span);
            col_condition_free(policy->as.ottl.event);
        }
    }
    otl_arena_fini(&policies->arena);
    otl_mem_free(policies);
}
