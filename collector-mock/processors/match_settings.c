/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/match_parts.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/* include and exclude as a configuration has them: what may stand there, and what it means. */

static const char *const match_types[] = {"strict", "regexp", NULL};
static const char *const metric_match_types[] = {"strict", "regexp", "expr", NULL};
/* From 1 on, in the order of their numbers. */
static const char *const severity_names[] = {
    "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4",
    "INFO",  "INFO2",  "INFO3",  "INFO4",  "WARN",  "WARN2",  "WARN3",  "WARN4",
    "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4", NULL};
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
static const struct otl_schema number_keys[] = {
    {.key = "min", .type = OTL_SCHEMA_UINT, .max = 24},
    {.key = "match_undefined", .type = OTL_SCHEMA_BOOL},
    OTL_SCHEMA_END};
static const struct otl_schema severity_keys[] = {
    {.key = "min", .type = OTL_SCHEMA_STRING, .nullable = true},
    {.key = "match_undefined", .type = OTL_SCHEMA_BOOL},
    OTL_SCHEMA_END};
const struct otl_schema col_match_metrics_schema[] = {
    {.key = "match_type", .type = OTL_SCHEMA_ENUM, .words = metric_match_types},
    {.key = "regexp", .type = OTL_SCHEMA_MAP, .child = regexp_keys, .nullable = true},
    {.key = "metric_names", .type = OTL_SCHEMA_LIST, .child = text_item, .nullable = true},
    {.key = "expressions", .type = OTL_SCHEMA_LIST, .child = text_item, .nullable = true},
    {.key = "resource_attributes", .type = OTL_SCHEMA_LIST, .child = pair_item, .nullable = true},
    OTL_SCHEMA_END};
const struct otl_schema col_match_logs_schema[] = {
    {.key = "match_type", .type = OTL_SCHEMA_ENUM, .words = match_types},
    {.key = "resource_attributes", .type = OTL_SCHEMA_LIST, .child = pair_item, .nullable = true},
    {.key = "record_attributes", .type = OTL_SCHEMA_LIST, .child = pair_item, .nullable = true},
    {.key = "severity_texts", .type = OTL_SCHEMA_LIST, .child = text_item, .nullable = true},
    {.key = "severity_number", .type = OTL_SCHEMA_MAP, .child = severity_keys, .nullable = true},
    {.key = "bodies", .type = OTL_SCHEMA_LIST, .child = text_item, .nullable = true},
    OTL_SCHEMA_END};
const struct otl_schema col_match_schema[] = {
    {.key = "match_type", .type = OTL_SCHEMA_ENUM, .words = match_types},
    {.key = "regexp", .type = OTL_SCHEMA_MAP, .child = regexp_keys, .nullable = true},
    {.key = "services", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "span_names", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "span_kinds", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "metric_names", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "log_bodies", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "log_severity_texts", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "log_severity_number", .type = OTL_SCHEMA_MAP, .child = number_keys, .nullable = true},
    {.key = "attributes", .type = OTL_SCHEMA_LIST, .child = pair_item},
    {.key = "resources", .type = OTL_SCHEMA_LIST, .child = pair_item},
    {.key = "libraries", .type = OTL_SCHEMA_LIST, .child = library_item},
    OTL_SCHEMA_END};

/* ---- reading ---- */

/* What the properties are called. */
struct words {
    const char *bodies, *severities, *severity_number, *attributes, *resources;
};
static const struct words common_words = {"log_bodies", "log_severity_texts",
                                          "log_severity_number", "attributes", "resources"};
static const struct words filter_words = {"bodies", "severity_texts", "severity_number",
                                          "record_attributes", "resource_attributes"};

struct reading {
    const struct col_create *args;
    const struct words *words;
    struct col_match *match;
    const char *key; /* "include", "exclude" */
    uint32_t cache;
    bool regexp, typed;
    struct otl_detail *reterr;
};

static enum otel_err no_memory(const struct reading *r)
{
    return otl_detail_set(r->reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

/* What is compared with texts and values must say how. */
static enum otel_err need_type(const struct reading *r)
{
    if (r->typed)
        return OTEL_OK;
    return otl_yaml_error(r->reterr, otl_yaml_key_pos(r->args->doc, r->args->config, r->key),
                          "processor '%s': %s: match_type is missing: strict or regexp",
                          r->args->id, r->key);
}

static enum otel_err add_text(const struct reading *r, const json_t *map, const char *key,
                              const json_t *text, struct col_match_texts *ret)
{
    struct otl_detail why = OTL_DETAIL_NONE;

    ret->any = true;
    if (!r->typed)
        return need_type(r);
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
                                struct col_match_texts *ret)
{
    const json_t *list = json_object_get(map, key);
    enum otel_err err = OTEL_OK;

    ret->list = list;
    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK; i++)
        err = add_text(r, map, key, json_array_get(list, i), ret);
    return err;
}

static enum otel_err read_pairs(const struct reading *r, const json_t *map, const char *key,
                                struct col_match_pairs *ret)
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
        struct col_match_pair *pair = &ret->list[ret->count++];
        pair->key = otl_tree_text(item, "key", "");
        pair->value = json_is_null(value) ? NULL : value;
        if (pair->value == NULL)
            continue;
        if (!r->typed)
            err = need_type(r);
        else if (!r->regexp)
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
                                    struct col_match_properties *to)
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
        struct col_match_library *library = &to->libraries[to->library_count++];
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
        while (col_match_kind_names[k] != NULL && strcmp(col_match_kind_names[k], word) != 0)
            k++;
        if (col_match_kind_names[k] == NULL)
            return otl_yaml_error(r->reterr, otl_yaml_item_pos(r->args->doc, list, i),
                                  "processor '%s': '%.100s' is no kind of span%s", r->args->id,
                                  word,
                                  otl_words_suggest(col_match_kind_names, word, suggestion,
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
               {"log_severity_texts", COL_LOGS},
               {"log_severity_number", COL_LOGS}};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if ((json_array_size(json_object_get(map, own[i].key)) > 0 ||
             json_is_object(json_object_get(map, own[i].key))) &&
            own[i].signal != r->args->signal)
            return otl_yaml_error(r->reterr, otl_yaml_key_pos(r->args->doc, map, own[i].key),
                                  "processor '%s': %s should not be specified for %s", r->args->id,
                                  own[i].key, col_signal_name(r->args->signal));
    return OTEL_OK;
}

static enum otel_err read_names(const struct reading *r, const json_t *map,
                                struct col_match_properties *to)
{
    enum otel_err err = read_texts(r, map, "services", &to->services);

    if (err == OTEL_OK)
        err = read_texts(r, map, r->args->signal == COL_METRICS ? "metric_names" : "span_names",
                         &to->names);
    if (err == OTEL_OK)
        err = read_texts(r, map, "span_kinds", &to->kinds);
    if (err == OTEL_OK)
        err = read_texts(r, map, r->words->bodies, &to->bodies);
    return err == OTEL_OK ? read_texts(r, map, r->words->severities, &to->severities) : err;
}

/* min is a number, in filter a text: a number or a name. */
static enum otel_err read_severity(const struct reading *r, const json_t *map,
                                   struct col_match_severity *to)
{
    const json_t *severity = json_object_get(map, r->words->severity_number);
    const char *word = otl_tree_text(severity, "min", "");
    uint64_t number = 0;

    if (!json_is_object(severity))
        return OTEL_OK;
    to->asked = true;
    to->undefined = otl_tree_bool(severity, "match_undefined", false);
    to->least = (int32_t)otl_tree_int(severity, "min", 0);
    if (word[0] == '\0')
        return OTEL_OK;
    if (otl_parse_uint(word, 1, 24, &number) != OTEL_OK)
        for (size_t i = 0; severity_names[i] != NULL; i++)
            if (strcasecmp(word, severity_names[i]) == 0)
                number = i + 1;
    to->least = (int32_t)number;
    if (number > 0)
        return OTEL_OK;
    return otl_yaml_error(r->reterr, otl_yaml_value_pos(r->args->doc, severity, "min"),
                          "processor '%s': '%.100s' is not a valid severity", r->args->id, word);
}

static bool is_empty(const struct col_match_properties *p)
{
    return !p->services.any && !p->names.any && !p->kinds.any && !p->bodies.any &&
           !p->severities.any && !p->severity.asked && p->attributes.count == 0 &&
           p->resources.count == 0 && p->library_count == 0;
}

/* The language of `expr` is none of OTTL's. */
static enum otel_err refuse_expressions(const struct reading *r, const json_t *map)
{
    struct otl_yaml_pos pos = otl_yaml_key_pos(r->args->doc, r->args->config, r->key);

    if (strcmp(otl_tree_text(map, "match_type", ""), "expr") != 0)
        return OTEL_OK;
    return otl_detail_set(r->reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                          "processor '%s': '%s' with match_type expr is a setting of the Collector "
                          "that this one does not have yet: write conditions",
                          r->args->id, r->key);
}

static enum otel_err nothing_given(const struct reading *r)
{
    return otl_yaml_error(r->reterr, otl_yaml_key_pos(r->args->doc, r->args->config, r->key),
                          "processor '%s': %s: at least one of 'services', 'span_names', "
                          "'span_kinds', 'attributes', 'libraries' or 'resources' is needed",
                          r->args->id, r->key);
}

static enum otel_err read_properties(struct reading *r, const char *key,
                                     struct col_match_properties **ret)
{
    const json_t *map = json_object_get(r->args->config, key);
    const json_t *regexp = json_object_get(map, "regexp");
    struct col_match_properties *to;
    enum otel_err err;

    if (!json_is_object(map))
        return OTEL_OK;
    to = *ret = otl_arena_zalloc(&r->match->arena, sizeof(*to));
    if (to == NULL)
        return no_memory(r);
    r->key = key;
    r->typed = json_object_get(map, "match_type") != NULL;
    r->regexp = to->regexp = strcmp(otl_tree_text(map, "match_type", ""), "regexp") == 0;
    r->cache = otl_tree_bool(regexp, "cacheenabled", false)
                   ? (uint32_t)otl_tree_int(regexp, "cachemaxnumentries", 128)
                   : 0;
    err = refuse_expressions(r, map);
    if (err == OTEL_OK)
        err = check_kinds(r, map);
    if (err == OTEL_OK)
        err = check_signal(r, map);
    if (err == OTEL_OK)
        err = read_names(r, map, to);
    if (err == OTEL_OK)
        err = read_severity(r, map, &to->severity);
    if (err == OTEL_OK)
        err = read_pairs(r, map, r->words->attributes, &to->attributes);
    if (err == OTEL_OK)
        err = read_pairs(r, map, r->words->resources, &to->resources);
    if (err == OTEL_OK)
        err = read_libraries(r, map, to);
    if (err != OTEL_OK || !is_empty(to))
        return err;
    if (r->words == &common_words)
        return nothing_given(r);
    *ret = NULL; /* it chooses nothing */
    return OTEL_OK;
}

static enum otel_err new_match(const struct col_create *args, const struct words *words,
                               struct col_match **ret, struct otl_detail *reterr)
{
    struct reading r = {.args = args, .words = words, .reterr = reterr};
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

enum otel_err col_match_new(const struct col_create *args, struct col_match **ret,
                            struct otl_detail *reterr)
{
    return new_match(args, &common_words, ret, reterr);
}

enum otel_err col_match_new_of_filter(const struct col_create *args, struct col_match **ret,
                                      struct otl_detail *reterr)
{
    enum otel_err err = new_match(args, &filter_words, ret, reterr);

    if (err != OTEL_OK)
        return err;
    if ((*ret)->exclude != NULL)
        (*ret)->exclude->either = args->signal == COL_METRICS;
    if ((*ret)->include == NULL && (*ret)->exclude == NULL) {
        col_match_free(*ret);
        *ret = NULL;
    }
    return OTEL_OK;
}

