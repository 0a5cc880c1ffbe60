/* SPDX-License-Identifier: Apache-2.0 */
/* rule_based: conditions on attributes, kind and parent, each with its part. */
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/config/file/impl.h"

enum { ARENA_MAX = 8 << 20, NUMBER_SIZE = 40 };

struct words {
    const char **items;
    size_t count;
};

struct condition {
    const char *value_key; /* NULL: no condition on a value */
    struct words values;
    const char *pattern_key;
    struct words included, excluded; /* none included: all */
    unsigned kinds;   /* 1 << enum otel_span_kind; 0: any */
    unsigned parents; /* 1 << enum origin; 0: any */
};

enum origin { ORIGIN_NONE, ORIGIN_REMOTE, ORIGIN_LOCAL };

/* A rule-based part, with what its rules point at. */
struct rules {
    struct otel_sdk_composable head;
    struct otel_sdk_composable *inner;
    struct otl_arena arena;
};

/* ---- matching ---- */

static bool is_one_of(const struct words *words, const char *text, size_t len)
{
    for (size_t i = 0; i < words->count; i++)
        if (strlen(words->items[i]) == len && memcmp(words->items[i], text, len) == 0)
            return true;
    return false;
}

static bool fits_one_of(const struct words *words, const char *text, size_t len)
{
    for (size_t i = 0; i < words->count; i++)
        if (otl_config_matches(words->items[i], text, len))
            return true;
    return false;
}

static bool text_passes(const struct condition *c, bool pattern, const char *text, size_t len)
{
    if (!pattern)
        return is_one_of(&c->values, text, len);
    return (c->included.count == 0 || fits_one_of(&c->included, text, len)) &&
           !fits_one_of(&c->excluded, text, len);
}

/* The shortest text that reads back as the number. */
static void write_double(double value, char out[NUMBER_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        snprintf(out, NUMBER_SIZE, "%.*g", digits, value);
        if (sscanf(out, "%lf", &back) == 1 && memcmp(&back, &value, sizeof(back)) == 0)
            return;
    }
}

static bool number_passes(const struct condition *c, bool pattern, const struct otel_value *value,
                          size_t i)
{
    char text[NUMBER_SIZE] = "";

    switch (value->type) {
    case OTEL_VALUE_BOOL:
        snprintf(text, sizeof(text), "%s", value->as.boolean ? "true" : "false");
        break;
    case OTEL_VALUE_BOOL_ARRAY:
        snprintf(text, sizeof(text), "%s", value->as.booleans[i] ? "true" : "false");
        break;
    case OTEL_VALUE_INT:
        snprintf(text, sizeof(text), "%lld", (long long)value->as.integer);
        break;
    case OTEL_VALUE_INT_ARRAY:
        snprintf(text, sizeof(text), "%lld", (long long)value->as.integers[i]);
        break;
    case OTEL_VALUE_DOUBLE:
        write_double(value->as.real, text);
        break;
    case OTEL_VALUE_DOUBLE_ARRAY:
        write_double(value->as.reals[i], text);
        break;
    default:
        return false; /* bytes, maps and mixed arrays have no text to match */
    }
    return text_passes(c, pattern, text, strlen(text));
}

/* An array passes when one of its items does. */
static bool value_passes(const struct condition *c, bool pattern, const struct otel_value *value)
{
    bool is_array = value->type == OTEL_VALUE_STRING_ARRAY || value->type == OTEL_VALUE_INT_ARRAY ||
                    value->type == OTEL_VALUE_BOOL_ARRAY || value->type == OTEL_VALUE_DOUBLE_ARRAY;

    if (value->type == OTEL_VALUE_STRING)
        return text_passes(c, pattern, value->as.string, value->count);
    if (!is_array)
        return number_passes(c, pattern, value, 0);
    for (size_t i = 0; i < value->count; i++)
        if (value->type == OTEL_VALUE_STRING_ARRAY
                ? text_passes(c, pattern, value->as.strings[i].data, value->as.strings[i].len)
                : number_passes(c, pattern, value, i))
            return true;
    return false;
}

static bool attribute_passes(const struct condition *c, bool pattern,
                             const struct otel_sdk_sampling_input *input)
{
    const char *key = pattern ? c->pattern_key : c->value_key;

    if (key == NULL)
        return true;
    for (size_t i = input->attribute_count; i > 0; i--) /* the last of a name counts */
        if (otel_str_equal(input->attributes[i - 1].key, otel_str(key)))
            return value_passes(c, pattern, &input->attributes[i - 1].value);
    return false;
}

static bool matches(void *arg, const struct otel_sdk_sampling_input *input)
{
    const struct condition *c = arg;
    enum otel_span_kind kind = input->kind == OTEL_SPAN_KIND_UNSPECIFIED ? OTEL_SPAN_KIND_INTERNAL
                                                                         : input->kind;
    enum origin origin = !otel_span_context_is_valid(input->parent) ? ORIGIN_NONE
                         : input->parent->is_remote                 ? ORIGIN_REMOTE
                                                                    : ORIGIN_LOCAL;

    return (c->kinds == 0 || (c->kinds & 1u << kind)) &&
           (c->parents == 0 || (c->parents & 1u << origin)) && attribute_passes(c, false, input) &&
           attribute_passes(c, true, input);
}

/* ---- making ---- */

static bool copy_words(struct otl_arena *arena, const json_t *list, struct words *ret)
{
    size_t count = json_array_size(list);

    if (count == 0)
        return true;
    ret->items = otl_arena_alloc(arena, count * sizeof(*ret->items));
    for (size_t i = 0; ret->items != NULL && i < count; i++) {
        ret->items[i] = otl_arena_strdup(arena, json_string_value(json_array_get(list, i)));
        if (ret->items[i] == NULL)
            return false;
    }
    ret->count = count;
    return ret->items != NULL;
}

static unsigned bits_of(const json_t *list, const char *const *words, unsigned first)
{
    unsigned bits = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        for (unsigned w = 0; words[w] != NULL; w++)
            if (strcmp(words[w], json_string_value(json_array_get(list, i))) == 0)
                bits |= 1u << (w + first);
    return bits;
}

static bool copy_key(struct otl_arena *arena, const json_t *map, const char **ret)
{
    if (map == NULL)
        return true;
    *ret = otl_arena_strdup(arena, otl_tree_text(map, "key", ""));
    return *ret != NULL;
}

static struct condition *make_condition(struct otl_arena *arena, const json_t *rule)
{
    static const char *const kinds[] = {"internal", "server",   "client",
                                        "producer", "consumer", NULL};
    static const char *const origins[] = {"none", "remote", "local", NULL};
    const json_t *values = json_object_get(rule, "attribute_values");
    const json_t *patterns = json_object_get(rule, "attribute_patterns");
    struct condition *c = otl_arena_zalloc(arena, sizeof(*c));

    if (c == NULL || !copy_key(arena, values, &c->value_key) ||
        !copy_words(arena, json_object_get(values, "values"), &c->values) ||
        !copy_key(arena, patterns, &c->pattern_key) ||
        !copy_words(arena, json_object_get(patterns, "included"), &c->included) ||
        !copy_words(arena, json_object_get(patterns, "excluded"), &c->excluded))
        return NULL;
    c->kinds = bits_of(json_object_get(rule, "span_kinds"), kinds, OTEL_SPAN_KIND_INTERNAL);
    c->parents = bits_of(json_object_get(rule, "parent"), origins, ORIGIN_NONE);
    return c;
}

static void get_intent(struct otel_sdk_composable *part,
                       const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_intent *intent)
{
    struct rules *rules = (struct rules *)part;

    rules->inner->ops->get_intent(rules->inner, input, intent);
}

static struct otel_str description(const struct otel_sdk_composable *part)
{
    return otel_sdk_composable_description(((const struct rules *)part)->inner);
}

static void rules_free(struct otel_sdk_composable *part)
{
    struct rules *rules = (struct rules *)part;

    otel_sdk_composable_unref(rules->inner);
    otl_arena_fini(&rules->arena);
    otl_mem_free(rules);
}

static enum otel_err fill(struct otl_config_work *work, const json_t *list, struct rules *rules,
                          struct otel_sdk_rule *items)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++) {
        const json_t *rule = json_array_get(list, i);
        items[i].matches = matches;
        items[i].arg = make_condition(&rules->arena, rule);
        err = items[i].arg == NULL ? OTEL_ERR_MEMORY
                                   : otl_config_composable(work, json_object_get(rule, "sampler"),
                                                           &items[i].part);
    }
    if (err == OTEL_OK)
        err = otel_sdk_composable_rule_based_new(items, json_array_size(list), &rules->inner);
    for (size_t i = 0; i < json_array_size(list); i++)
        otel_sdk_composable_unref(items[i].part);
    return err;
}

enum otel_err otl_config_rules(struct otl_config_work *work, const json_t *node,
                               struct otel_sdk_composable **ret)
{
    static const struct otel_sdk_composable_ops ops = {get_intent, description, rules_free};
    const json_t *list = json_object_get(node, "rules");
    struct rules *rules = otl_mem_zalloc(sizeof(*rules));
    struct otel_sdk_rule *items = otl_mem_zalloc((json_array_size(list) + 1) * sizeof(*items));
    enum otel_err err = OTEL_ERR_MEMORY;

    if (rules != NULL) {
        rules->head.ops = &ops;
        rules->head.refs = 1;
        otl_arena_init(&rules->arena, ARENA_MAX);
        if (items != NULL)
            err = fill(work, list, rules, items);
        if (err == OTEL_OK)
            *ret = &rules->head;
        else
            rules_free(&rules->head);
    }
    otl_mem_free(items);
    return err;
}
