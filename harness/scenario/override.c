/* SPDX-License-Identifier: Apache-2.0 */
/* --set path=value: the path is looked for in the tree and, where the tree says nothing, in the
 * grammar. Keys may hold dots themselves, so the longest key that fits is taken. */
#include <stdio.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "harness/scenario/schema.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { KEY_MAX = 512, WORDS_MAX = 256 };

struct walk {
    struct otl_yaml *doc;
    struct otl_yaml_options options; /* source: "--set path=value" */
    const char *rest;                /* of the path */
    const char *value;
    struct otl_detail *reterr;
};

static enum otel_err refuse(struct walk *w, const char *what)
{
    return otl_detail_set(w->reterr, OTEL_ERR_ARGUMENT, w->options.source, 0, 0, "%s", what);
}

/* The keys that a map may have, or NULL when any will do. */
static const struct otl_schema *table_of(const struct otl_schema *row, const json_t *value)
{
    const struct otl_schema *kind;

    if (row == NULL)
        return NULL;
    if (row->type == OTL_SCHEMA_MAP)
        return row->child;
    if (row->type == OTL_SCHEMA_BY_KEY) {
        kind = otl_schema_kind(row, value);
        return kind ? kind->child : NULL;
    }
    if (row->type == OTL_SCHEMA_ONE_OF)
        for (const struct otl_schema *r = row->child; r->type != OTL_SCHEMA_NONE; r++)
            if (r->type == OTL_SCHEMA_MAP)
                return r->child;
    return NULL;
}

static const struct otl_schema *row_named(const struct otl_schema *table, const char *key)
{
    for (; table != NULL && table->type != OTL_SCHEMA_NONE; table++)
        if (strcmp(table->key, key) == 0)
            return table;
    return NULL;
}

/* Does the path go on with key? */
static bool leads(const char *rest, const char *key)
{
    size_t len = strlen(key);

    return strncmp(rest, key, len) == 0 && (rest[len] == '\0' || rest[len] == '.');
}

/* The longest key of the map, or else of the grammar, that the path goes on with. */
static const char *next_key(const struct walk *w, const json_t *map,
                            const struct otl_schema *table)
{
    const char *key, *best = NULL;
    json_t *value;

    json_object_foreach((json_t *)map, key, value) {
        if (leads(w->rest, key) && (best == NULL || strlen(key) > strlen(best)))
            best = key;
    }
    for (; best == NULL && table != NULL && table->type != OTL_SCHEMA_NONE; table++)
        if (leads(w->rest, table->key) && strcmp(table->key, "*") != 0)
            best = table->key;
    return best;
}

static enum otel_err no_such_key(struct walk *w, const json_t *map,
                                 const struct otl_schema *table)
{
    const char *words[WORDS_MAX + 1], *key;
    char word[KEY_MAX], near[KEY_MAX + 32], text[2 * KEY_MAX + 64];
    json_t *value;
    size_t count = 0;

    json_object_foreach((json_t *)map, key, value) {
        if (count < WORDS_MAX)
            words[count++] = key;
    }
    for (; table != NULL && table->type != OTL_SCHEMA_NONE; table++)
        if (count < WORDS_MAX && strcmp(table->key, "*") != 0)
            words[count++] = table->key;
    words[count] = NULL;
    snprintf(word, sizeof(word), "%s", w->rest);
    otl_words_suggest(words, word, near, sizeof(near)); /* the whole rest, dots and all, first */
    while (near[0] == '\0' && strchr(word, '.') != NULL) {
        *strrchr(word, '.') = '\0';
        otl_words_suggest(words, word, near, sizeof(near));
    }
    snprintf(text, sizeof(text), "no key '%s' here%s", word, near);
    return refuse(w, text);
}

static enum otel_err walk_map(struct walk *w, json_t *map, const struct otl_schema *row);

static enum otel_err walk_list(struct walk *w, json_t *list, const struct otl_schema *row)
{
    size_t len = strcspn(w->rest, ".");
    char number[24], text[64];
    uint64_t index = 0;
    json_t *item;

    snprintf(number, sizeof(number), "%.*s", (int)(len < 20 ? len : 20), w->rest);
    if (otl_parse_uint(number, 0, 1000000, &index) != OTEL_OK || index >= json_array_size(list)) {
        snprintf(text, sizeof(text), "no item '%s'; the list has items 0 to %zu", number,
                 json_array_size(list) ? json_array_size(list) - 1 : 0);
        return refuse(w, text);
    }
    w->rest += len;
    if (*w->rest == '\0')
        return otl_yaml_put_item(w->doc, list, (size_t)index, w->value, &w->options, w->reterr);
    w->rest++;
    item = json_array_get(list, (size_t)index);
    if (json_is_object(item))
        return walk_map(w, item, row ? row->child : NULL);
    return refuse(w, "the path goes on into a value that is no map");
}

/* The map's own key with a dot in it, or any key where the grammar knows none. */
static enum otel_err new_key(struct walk *w, json_t *map, const struct otl_schema *table)
{
    const struct otl_schema *any = row_named(table, "*");

    if (table != NULL && (any == NULL || any->type == OTL_SCHEMA_MAP || *w->rest == '\0'))
        return no_such_key(w, map, table);
    return otl_yaml_put(w->doc, map, w->rest, w->value, &w->options, w->reterr);
}

static enum otel_err walk_map(struct walk *w, json_t *map, const struct otl_schema *row)
{
    const struct otl_schema *table = table_of(row, map), *next;
    const char *key = next_key(w, map, table);
    json_t *child;
    enum otel_err err;

    if (key == NULL)
        return new_key(w, map, table);
    w->rest += strlen(key);
    if (*w->rest == '\0')
        return otl_yaml_put(w->doc, map, key, w->value, &w->options, w->reterr);
    w->rest++;
    next = row_named(table, key);
    if (next == NULL)
        next = row_named(table, "*");
    if (json_object_get(map, key) == NULL && next != NULL &&
        (next->fallback != NULL || table_of(next, NULL) != NULL)) {
        err = otl_yaml_put(w->doc, map, key, next->fallback ? next->fallback : "{}", &w->options,
                           w->reterr);
        if (err != OTEL_OK)
            return err;
    }
    child = json_object_get(map, key);
    if (json_is_object(child))
        return walk_map(w, child, next);
    if (json_is_array(child))
        return walk_list(w, child, next);
    return refuse(w, "the path goes on into a value that is no map");
}

enum otel_err hx_apply_override(struct otl_yaml *doc, const char *override,
                                struct otl_detail *reterr)
{
    const char *equals = strchr(override, '=');
    char source[KEY_MAX + 16], *path;
    struct walk w = {.doc = doc, .reterr = reterr};
    enum otel_err err;

    snprintf(source, sizeof(source), "--set %s", override);
    source[otl_utf8_prefix(source, strlen(source))] = '\0';
    otl_yaml_options_init(&w.options);
    w.options.source = source;
    w.options.without_lines = true;
    w.options.max_depth = 32;
    if (equals == NULL || equals == override)
        return refuse(&w, "expected path=value, such as load.rate=200");
    if (!json_is_object(otl_yaml_root(doc)))
        return OTEL_OK; /* the schema walk will say what is wrong with the file */
    path = otl_mem_strndup(override, (size_t)(equals - override));
    if (path == NULL)
        return OTEL_ERR_MEMORY;
    w.rest = path;
    w.value = equals + 1;
    err = walk_map(&w, otl_yaml_root(doc), hx_scenario_schema);
    otl_mem_free(path);
    return err;
}
