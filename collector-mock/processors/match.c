/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/match.h"

#include <string.h>

#include "collector-mock/processors/condition_tree.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/tail/patterns.h"
#include "sdk/base/mem.h"

/* A text that has to be one of a list, or to match one of it. */
struct texts {
    const json_t *list; /* strict */
    struct col_patterns *patterns;
    bool any;
};

struct pair {
    const char *key;
    const json_t *value; /* NULL: any */
    struct otl_view bytes;
    struct texts texts;  /* regexp */
};

struct pairs {
    struct pair *list;
    size_t count;
};

struct library {
    struct texts name, version;
};

struct properties {
    bool regexp;
    struct texts services, names, kinds, bodies, severities;
    struct pairs attributes, resources;
    struct library *libraries;
    size_t library_count;
};

struct col_match {
    struct properties *include, *exclude; /* NULL: none */
    struct otl_arena arena;
};

static const char *const match_types[] = {"strict", "regexp", NULL};
static const char *const kind_names[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                         "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                         "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER", NULL};

static const struct otl_schema text_item[] = {{.type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
static const struct otl_schema pair_keys[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING, .required = true, .min = 1, .max = 65536},
    {.key = "value", .type = OTL_SCHEMA_SCALAR, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema pair_item[] = {{.type = OTL_SCHEMA_MAP, .child = pair_keys},
                                              OTL_SCHEMA_END};
static const struct otl_schema library_keys[] = {
    {.key = "name", .type = OTL_SCHEMA_STRING, .required = true},
    {.key = "version", .type = OTL_SCHEMA_STRING, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema library_item[] = {{.type = OTL_SCHEMA_MAP, .child = library_keys},
                                                 OTL_SCHEMA_END};
static const struct otl_schema regexp_keys[] = {
    {.key = "cacheenabled", .type = OTL_SCHEMA_BOOL},
    {.key = "cachemaxnumentries", .type = OTL_SCHEMA_UINT, .max = UINT32_MAX},
    OTL_SCHEMA_END};
const struct otl_schema col_match_schema[] = {
    {.key = "match_type", .type = OTL_SCHEMA_ENUM, .required = true, .words = match_types},
    {.key = "regexp", .type = OTL_SCHEMA_MAP, .child = regexp_keys, .nullable = true},
    {.key = "services", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "span_names", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "span_kinds", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "metric_names", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "log_bodies", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "log_severity_texts", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "attributes", .type = OTL_SCHEMA_LIST, .child = pair_item},
    {.key = "resources", .type = OTL_SCHEMA_LIST, .child = pair_item},
    {.key = "libraries", .type = OTL_SCHEMA_LIST, .child = library_item},
    OTL_SCHEMA_END};

/* ---- reading ---- */

struct reading {
    const struct col_create *args;
    struct col_match *match;
    uint32_t cache;
    bool regexp;
    struct otl_detail *reterr;
};

static enum otel_err no_memory(const struct reading *r)
{
    return otl_detail_set(r->reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

static enum otel_err add_text(const struct reading *r, const json_t *map, const char *key,
                              const json_t *text, struct texts *ret)
{
    struct otl_detail why = OTL_DETAIL_NONE;

    ret->any = true;
    if (!r->regexp)
        return OTEL_OK;
    if (ret->patterns == NULL && col_patterns_new(r->cache, &ret->patterns) != OTEL_OK)
        return no_memory(r);
    if (col_patterns_add(ret->patterns,
                         otl_view(json_string_value(text), json_string_length(text)),
                         &why) == OTEL_OK)
        return OTEL_OK;
    return otl_yaml_error(r->reterr, otl_yaml_value_pos(r->args->doc, map, key),
                          "processor '%s': %s: %s", r->args->id, key, why.text);
}

static enum otel_err read_texts(const struct reading *r, const json_t *map, const char *key,
                                struct texts *ret)
{
    const json_t *list = json_object_get(map, key);
    enum otel_err err = OTEL_OK;

    ret->list = list;
    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK; i++)
        err = add_text(r, map, key, json_array_get(list, i), ret);
    return err;
}

static enum otel_err read_pairs(const struct reading *r, const json_t *map, const char *key,
                                struct pairs *ret)
{
    const json_t *list = json_object_get(map, key);
    enum otel_err err = OTEL_OK;

    if (json_array_size(list) == 0)
        return OTEL_OK;
    ret->list = otl_arena_zalloc(&r->match->arena, json_array_size(list) * sizeof(*ret->list));
    if (ret->list == NULL)
        return no_memory(r);
    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK; i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *value = json_object_get(item, "value");
        struct pair *pair = &ret->list[ret->count++];
        pair->key = otl_tree_text(item, "key", "");
        pair->value = json_is_null(value) ? NULL : value;
        if (pair->value == NULL)
            continue;
        if (!r->regexp)
            err = col_edit_value_of_tree(&r->match->arena, value, &pair->bytes);
        else if (json_is_string(value))
            err = add_text(r, item, "value", value, &pair->texts);
        else
            err = otl_yaml_error(r->reterr, otl_yaml_value_pos(r->args->doc, item, "value"),
                                 "processor '%s': match_type regexp takes only a text as value",
                                 r->args->id);
    }
    return err;
}

static enum otel_err read_libraries(const struct reading *r, const json_t *map,
                                    struct properties *to)
{
    const json_t *list = json_object_get(map, "libraries");
    enum otel_err err = OTEL_OK;

    if (json_array_size(list) == 0)
        return OTEL_OK;
    to->libraries =
        otl_arena_zalloc(&r->match->arena, json_array_size(list) * sizeof(*to->libraries));
    if (to->libraries == NULL)
        return no_memory(r);
    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK; i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *version = json_object_get(item, "version");
        struct library *library = &to->libraries[to->library_count++];
        library->name.list = json_object_get(item, "name");
        library->version.list = version;
        err = add_text(r, item, "name", library->name.list, &library->name);
        if (err == OTEL_OK && json_is_string(version))
            err = add_text(r, item, "version", version, &library->version);
    }
    return err;
}

static enum otel_err check_kinds(const struct reading *r, const json_t *map)
{
    const json_t *list = json_object_get(map, "span_kinds");
    char suggestion[96];

    for (size_t i = 0; i < json_array_size(list) && !r->regexp; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        size_t k = 1;
        while (kind_names[k] != NULL && strcmp(kind_names[k], word) != 0)
            k++;
        if (kind_names[k] == NULL)
            return otl_yaml_error(r->reterr, otl_yaml_item_pos(r->args->doc, list, i),
                                  "processor '%s': '%.100s' is no kind of span%s", r->args->id,
                                  word,
                                  otl_words_suggest(kind_names, word, suggestion,
                                                    sizeof(suggestion)));
    }
    return OTEL_OK;
}

/* What the items of the signal do not have cannot be asked for. */
static enum otel_err check_signal(const struct reading *r, const json_t *map)
{
    static const struct {
        const char *key;
        enum col_signal signal;
    } own[] = {{"span_names", COL_TRACES},
               {"span_kinds", COL_TRACES},
               {"metric_names", COL_METRICS},
               {"log_bodies", COL_LOGS},
               {"log_severity_texts", COL_LOGS}};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (json_array_size(json_object_get(map, own[i].key)) > 0 &&
            own[i].signal != r->args->signal)
            return otl_yaml_error(r->reterr, otl_yaml_key_pos(r->args->doc, map, own[i].key),
                                  "processor '%s': %s should not be specified for %s", r->args->id,
                                  own[i].key, col_signal_name(r->args->signal));
    return OTEL_OK;
}

static enum otel_err read_names(const struct reading *r, const json_t *map, struct properties *to)
{
    enum otel_err err = read_texts(r, map, "services", &to->services);

    if (err == OTEL_OK)
        err = read_texts(r, map, r->args->signal == COL_METRICS ? "metric_names" : "span_names",
                         &to->names);
    if (err == OTEL_OK)
        err = read_texts(r, map, "span_kinds", &to->kinds);
    if (err == OTEL_OK)
        err = read_texts(r, map, "log_bodies", &to->bodies);
    return err == OTEL_OK ? read_texts(r, map, "log_severity_texts", &to->severities) : err;
}

static enum otel_err read_properties(struct reading *r, const char *key, struct properties **ret)
{
    const json_t *map = json_object_get(r->args->config, key);
    const json_t *regexp = json_object_get(map, "regexp");
    struct properties *to;
    enum otel_err err;

    if (!json_is_object(map))
        return OTEL_OK;
    to = *ret = otl_arena_zalloc(&r->match->arena, sizeof(*to));
    if (to == NULL)
        return no_memory(r);
    r->regexp = to->regexp = strcmp(otl_tree_text(map, "match_type", ""), "regexp") == 0;
    r->cache = otl_tree_bool(regexp, "cacheenabled", false)
                   ? (uint32_t)otl_tree_int(regexp, "cachemaxnumentries", 128)
                   : 0;
    err = check_kinds(r, map);
    if (err == OTEL_OK)
        err = check_signal(r, map);
    if (err == OTEL_OK)
        err = read_names(r, map, to);
    if (err == OTEL_OK)
        err = read_pairs(r, map, "attributes", &to->attributes);
    if (err == OTEL_OK)
        err = read_pairs(r, map, "resources", &to->resources);
    if (err == OTEL_OK)
        err = read_libraries(r, map, to);
    if (err == OTEL_OK && !to->services.any && !to->names.any && !to->kinds.any &&
        !to->bodies.any && !to->severities.any && to->attributes.count == 0 &&
        to->resources.count == 0 && to->library_count == 0)
        err = otl_yaml_error(r->reterr, otl_yaml_key_pos(r->args->doc, r->args->config, key),
                             "processor '%s': %s: at least one of 'services', 'span_names', "
                             "'span_kinds', 'attributes', 'libraries' or 'resources' is needed",
                             r->args->id, key);
    return err;
}

enum otel_err col_match_new(const struct col_create *args, struct col_match **ret,
                            struct otl_detail *reterr)
{
    struct reading r = {.args = args, .reterr = reterr};
    enum otel_err err;

    r.match = otl_mem_zalloc(sizeof(*r.match));
    if (r.match == NULL)
        return no_memory(&r);
    otl_arena_init(&r.match->arena, 64u << 20);
    err = read_properties(&r, "include", &r.match->include);
    if (err == OTEL_OK)
        err = read_properties(&r, "exclude", &r.match->exclude);
    if (err == OTEL_OK)
        *ret = r.match;
    else
        col_match_free(r.match);
    return err;
}

static void free_pairs(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        col_patterns_free(pairs->list[i].texts.patterns);
}

static void free_properties(struct properties *p)
{
    if (p == NULL)
        return;
    col_patterns_free(p->services.patterns);
    col_patterns_free(p->names.patterns);
    col_patterns_free(p->kinds.patterns);
    col_patterns_free(p->bodies.patterns);
    col_patterns_free(p->severities.patterns);
    free_pairs(&p->attributes);
    free_pairs(&p->resources);
    for (size_t i = 0; i < p->library_count; i++) {
        col_patterns_free(p->libraries[i].name.patterns);
        col_patterns_free(p->libraries[i].version.patterns);
    }
}

void col_match_free(struct col_match *match)
{
    if (match == NULL)
        return;
    free_properties(match->include);
    free_properties(match->exclude);
    otl_arena_fini(&match->arena);
    otl_mem_free(match);
}

/* ---- truth ---- */

static bool is_text(const json_t *text, struct otl_view view)
{
    return otl_view_equal(otl_view(json_string_value(text), json_string_length(text)), view);
}

static bool holds(const struct texts *texts, struct otl_view text)
{
    if (!texts->any)
        return true;
    if (texts->patterns != NULL)
        return col_patterns_match(texts->patterns, text);
    if (json_is_string(texts->list))
        return is_text(texts->list, text);
    for (size_t i = 0; i < json_array_size(texts->list); i++)
        if (is_text(json_array_get(texts->list, i), text))
            return true;
    return false;
}

static bool pair_holds(struct otl_arena *arena, const struct pair *pair,
                       const struct col_list *list)
{
    struct col_value value, wanted;
    struct otl_view text;

    if (!col_attribute_find(list, pair->key, &value))
        return false;
    if (pair->value == NULL)
        return true;
    if (pair->texts.patterns != NULL)
        return value.kind != COL_VALUE_EMPTY && col_edit_text(arena, &value, &text) &&
               holds(&pair->texts, text);
    col_value_split(pair->bytes, &wanted);
    return value.kind == wanted.kind && col_term_compare(COL_EQ, &value, &wanted);
}

static bool pairs_hold(const struct pairs *pairs, const struct col_list *list)
{
    struct otl_arena arena;
    bool good = true;

    if (pairs->count == 0)
        return true;
    otl_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < pairs->count && good; i++)
        good = pair_holds(&arena, &pairs->list[i], list);
    otl_arena_fini(&arena);
    return good;
}

/* All of them, as upstream: of two different names none is ever found. */
static bool library_holds(const struct properties *p, const struct col_scope *scope)
{
    for (size_t i = 0; i < p->library_count; i++)
        if (!holds(&p->libraries[i].name, scope->name) ||
            !holds(&p->libraries[i].version, scope->version))
            return false;
    return true;
}

static bool properties_hold(const struct properties *p, const struct col_match_subject *subject)
{
    unsigned kind = subject->kind >= 0 && subject->kind <= 5 ? (unsigned)subject->kind : 0;
    struct col_value service;

    if (p->services.any && (!col_attribute_find(&subject->resource->attributes, "service.name",
                                                &service) ||
                            service.kind != COL_VALUE_STRING || !holds(&p->services, service.text)))
        return false;
    return holds(&p->names, subject->name) && holds(&p->kinds, otl_view_str(kind_names[kind])) &&
           holds(&p->bodies, subject->body) && holds(&p->severities, subject->severity) &&
           library_holds(p, subject->scope) && pairs_hold(&p->attributes, subject->attributes) &&
           pairs_hold(&p->resources, &subject->resource->attributes);
}

bool col_match_true(struct col_match *match, const struct col_match_subject *subject)
{
    return (match->include == NULL || properties_hold(match->include, subject)) &&
           (match->exclude == NULL || !properties_hold(match->exclude, subject));
}

bool col_match_span(struct col_match *match, const struct col_span *span)
{
    const struct col_match_subject subject = {.resource = span->resource,
                                              .scope = span->scope,
                                              .attributes = &span->attributes,
                                              .name = span->name,
                                              .kind = span->kind};

    return col_match_true(match, &subject);
}
