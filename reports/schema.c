/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/schema.h"

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/buf.h"
#include "sdk/base/file.h"

enum { PATH_BYTES = 250, PATTERN_BYTES = 256, FILE_BYTES = 64 * 1024 * 1024 };

struct walk {
    const json_t *root; /* the schema, for $ref */
    struct otl_detail *reterr;
    char path[PATH_BYTES];
    size_t path_len;
    unsigned depth;
};

/* ---- where we are ------------------------------------------------------------------------- */

static size_t path_push(struct walk *walk, const char *joint, const char *name, size_t index)
{
    size_t before = walk->path_len;
    size_t room = sizeof(walk->path) - before;
    char *end = walk->path + before;
    int put = name ? snprintf(end, room, "%s%s", before ? joint : "", name)
                   : snprintf(end, room, "[%zu]", index);

    if (put > 0)
        walk->path_len = before + ((size_t)put < room ? (size_t)put : room - 1);
    return before;
}

static void path_pop(struct walk *walk, size_t before)
{
    walk->path_len = before;
    walk->path[before] = '\0';
}

static enum otel_err complain(struct walk *walk, enum otel_err code, const char *what,
                              const char *word)
{
    return otl_detail_set(walk->reterr, code, walk->path_len ? walk->path : "(document)", 0, 0,
                          "%s%s%s%s", what, word ? " \"" : "", word ? word : "", word ? "\"" : "");
}

static enum otel_err wrong(struct walk *walk, const char *what, const char *word)
{
    return complain(walk, OTEL_ERR_SYNTAX, what, word);
}

static enum otel_err bad_schema(struct walk *walk, const char *what, const char *word)
{
    return complain(walk, OTEL_ERR_ARGUMENT, what, word);
}

/* ---- the schema itself -------------------------------------------------------------------- */

static const char *const known_keywords[] = {
    "type",  "const",    "enum",     "required", "properties", "additionalProperties",
    "items", "minItems", "maxItems", "minimum",  "maximum",    "pattern",
    "$ref",  "$defs",    "$schema",  "$id",      "title",      "description",
    NULL};

static const char *const known_types[] = {"object",  "array",   "string", "number",
                                          "integer", "boolean", "null",   NULL};

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static enum otel_err lint(struct walk *walk, const json_t *schema);

static enum otel_err lint_members(struct walk *walk, const json_t *map)
{
    const char *key;
    json_t *member;
    enum otel_err err = OTEL_OK;

    if (!json_is_object(map))
        return bad_schema(walk, "the schema needs an object here", NULL);
    json_object_foreach((json_t *)map, key, member)
    {
        size_t before = path_push(walk, "/", key, 0);
        err = lint(walk, member);
        path_pop(walk, before);
        if (err != OTEL_OK)
            break;
    }
    return err;
}

static const json_t *ref_target(const json_t *root, const char *ref)
{
    static const char prefix[] = "#/$defs/";

    if (ref == NULL || strncmp(ref, prefix, sizeof(prefix) - 1) != 0)
        return NULL;
    return json_object_get(json_object_get(root, "$defs"), ref + sizeof(prefix) - 1);
}

static enum otel_err lint_type(struct walk *walk, const json_t *type)
{
    if (json_is_string(type) && is_one_of(json_string_value(type), known_types))
        return OTEL_OK;
    if (!json_is_array(type) || json_array_size(type) == 0)
        return bad_schema(walk, "the schema names no known type", json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *name = json_string_value(json_array_get(type, i));
        if (name == NULL || !is_one_of(name, known_types))
            return bad_schema(walk, "the schema names no known type", name);
    }
    return OTEL_OK;
}

static enum otel_err lint_pattern(struct walk *walk, const char *pattern)
{
    regex_t regex;

    if (pattern == NULL || strlen(pattern) >= PATTERN_BYTES ||
        regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return bad_schema(walk, "the schema has an unusable pattern", pattern);
    regfree(&regex);
    return OTEL_OK;
}

static bool is_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

/* One keyword and its value. */
static enum otel_err lint_keyword(struct walk *walk, const char *key, const json_t *value)
{
    if (!is_one_of(key, known_keywords))
        return bad_schema(walk, "the schema uses an unknown keyword", key);
    if (strcmp(key, "type") == 0)
        return lint_type(walk, value);
    if (strcmp(key, "pattern") == 0)
        return lint_pattern(walk, json_string_value(value));
    if (strcmp(key, "properties") == 0 || strcmp(key, "$defs") == 0)
        return lint_members(walk, value);
    if (strcmp(key, "items") == 0)
        return lint(walk, value);
    if (strcmp(key, "additionalProperties") == 0 && !json_is_boolean(value))
        return lint(walk, value);
    if (strcmp(key, "$ref") == 0 && ref_target(walk->root, json_string_value(value)) == NULL)
        return bad_schema(walk, "the schema refers to nothing", json_string_value(value));
    if ((strcmp(key, "enum") == 0 || strcmp(key, "required") == 0) && !json_is_array(value))
        return bad_schema(walk, "the schema needs a list after", key);
    if ((strcmp(key, "minItems") == 0 || strcmp(key, "maxItems") == 0) && !is_count(value))
        return bad_schema(walk, "the schema needs a whole number after", key);
    if ((strcmp(key, "minimum") == 0 || strcmp(key, "maximum") == 0) && !json_is_number(value))
        return bad_schema(walk, "the schema needs a number after", key);
    return OTEL_OK;
}

/* Refuse what check() would not look at. */
static enum otel_err lint(struct walk *walk, const json_t *schema)
{
    const char *key;
    json_t *value;
    enum otel_err err = OTEL_OK;

    if (!json_is_object(schema))
        return bad_schema(walk, "the schema needs an object here", NULL);
    if (json_object_get(schema, "$ref") != NULL && json_object_size(schema) != 1)
        return bad_schema(walk, "the schema has words beside $ref, which must stand alone", NULL);
    if (walk->depth >= REP_SCHEMA_MAX_DEPTH)
        return bad_schema(walk, "the schema nests too deep", NULL);
    walk->depth++;
    json_object_foreach((json_t *)schema, key, value)
    {
        err = lint_keyword(walk, key, value);
        if (err != OTEL_OK)
            break;
    }
    walk->depth--;
    return err;
}

/* ---- the document ------------------------------------------------------------------------- */

static bool has_type(const json_t *value, const char *type)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return strcmp(type, "object") == 0;
    case JSON_ARRAY:
        return strcmp(type, "array") == 0;
    case JSON_STRING:
        return strcmp(type, "string") == 0;
    case JSON_INTEGER:
        return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
    case JSON_REAL:
        return strcmp(type, "number") == 0;
    case JSON_TRUE:
    case JSON_FALSE:
        return strcmp(type, "boolean") == 0;
    case JSON_NULL:
        return strcmp(type, "null") == 0;
    }
    return false;
}

static enum otel_err check_type(struct walk *walk, const json_t *type, const json_t *value)
{
    char list[128] = "";
    size_t used = 0;

    if (json_is_string(type)) {
        if (has_type(value, json_string_value(type)))
            return OTEL_OK;
        return wrong(walk, "must be of type", json_string_value(type));
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *name = json_string_value(json_array_get(type, i));
        if (has_type(value, name))
            return OTEL_OK;
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", name);
        if (used >= sizeof(list))
            break;
    }
    return wrong(walk, "must be of one of the types", list);
}

static enum otel_err check_enum(struct walk *walk, const json_t *choices, const json_t *value)
{
    char *text;
    enum otel_err err;

    for (size_t i = 0; i < json_array_size(choices); i++)
        if (json_equal(json_array_get(choices, i), value))
            return OTEL_OK;
    text = json_dumps(choices, JSON_COMPACT | JSON_ENCODE_ANY);
    err = otl_detail_set(walk->reterr, OTEL_ERR_SYNTAX, walk->path_len ? walk->path : "(document)",
                         0, 0, "must be one of %s", text ? text : "");
    free(text);
    return err;
}

static enum otel_err check_numbers(struct walk *walk, const json_t *schema, const json_t *value)
{
    const json_t *minimum = json_object_get(schema, "minimum");
    const json_t *maximum = json_object_get(schema, "maximum");
    char limit[32];

    if (minimum != NULL && json_number_value(value) < json_number_value(minimum)) {
        snprintf(limit, sizeof(limit), "%.17g", json_number_value(minimum));
        return wrong(walk, "must be at least", limit);
    }
    if (maximum != NULL && json_number_value(value) > json_number_value(maximum)) {
        snprintf(limit, sizeof(limit), "%.17g", json_number_value(maximum));
        return wrong(walk, "must be at most", limit);
    }
    return OTEL_OK;
}

static enum otel_err check_pattern(struct walk *walk, const char *pattern, const json_t *value)
{
    regex_t regex;
    int miss;

    if (strlen(json_string_value(value)) != json_string_length(value))
        return wrong(walk, "holds a NUL where a pattern is asked for:", pattern);
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return OTEL_ERR_MEMORY;
    miss = regexec(&regex, json_string_value(value), 0, NULL, 0);
    regfree(&regex);
    return miss ? wrong(walk, "must match", pattern) : OTEL_OK;
}

static enum otel_err check(struct walk *walk, const json_t *schema, const json_t *value);

static enum otel_err check_member(struct walk *walk, const json_t *schema, const char *key,
                                  const json_t *member)
{
    const json_t *rest = json_object_get(schema, "additionalProperties");
    const json_t *named = json_object_get(json_object_get(schema, "properties"), key);
    size_t before = path_push(walk, ".", key, 0);
    enum otel_err err = OTEL_OK;

    if (named != NULL)
        err = check(walk, named, member);
    else if (json_is_false(rest))
        err = wrong(walk, "is not a known field", NULL);
    else if (json_is_object(rest))
        err = check(walk, rest, member);
    path_pop(walk, before);
    return err;
}

static enum otel_err check_object(struct walk *walk, const json_t *schema, const json_t *value)
{
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *member;
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < json_array_size(required); i++) {
        key = json_string_value(json_array_get(required, i));
        if (json_object_get(value, key) == NULL)
            return wrong(walk, "must have the field", key);
    }
    json_object_foreach((json_t *)value, key, member)
    {
        err = check_member(walk, schema, key, member);
        if (err != OTEL_OK)
            break;
    }
    return err;
}

static enum otel_err check_array(struct walk *walk, const json_t *schema, const json_t *value)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *least = json_object_get(schema, "minItems");
    const json_t *most = json_object_get(schema, "maxItems");
    size_t count = json_array_size(value);
    enum otel_err err = OTEL_OK;
    char limit[32];

    if (least != NULL && (json_int_t)count < json_integer_value(least)) {
        snprintf(limit, sizeof(limit), "%lld", (long long)json_integer_value(least));
        return wrong(walk, "must have at least so many items:", limit);
    }
    if (most != NULL && (json_int_t)count > json_integer_value(most)) {
        snprintf(limit, sizeof(limit), "%lld", (long long)json_integer_value(most));
        return wrong(walk, "must have at most so many items:", limit);
    }
    for (size_t i = 0; i < count && items != NULL && err == OTEL_OK; i++) {
        size_t before = path_push(walk, "", NULL, i);
        err = check(walk, items, json_array_get(value, i));
        path_pop(walk, before);
    }
    return err;
}

static enum otel_err check_value(struct walk *walk, const json_t *schema, const json_t *value)
{
    const json_t *type = json_object_get(schema, "type");
    const json_t *choices = json_object_get(schema, "enum");
    const json_t *fixed = json_object_get(schema, "const");
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    enum otel_err err = OTEL_OK;

    if (type != NULL)
        err = check_type(walk, type, value);
    if (err == OTEL_OK && fixed != NULL && !json_equal(fixed, value))
        err = wrong(walk, "must be", json_string_value(fixed));
    if (err == OTEL_OK && choices != NULL)
        err = check_enum(walk, choices, value);
    if (err == OTEL_OK && json_is_number(value))
        err = check_numbers(walk, schema, value);
    if (err == OTEL_OK && pattern != NULL && json_is_string(value))
        err = check_pattern(walk, pattern, value);
    if (err == OTEL_OK && json_is_object(value))
        err = check_object(walk, schema, value);
    if (err == OTEL_OK && json_is_array(value))
        err = check_array(walk, schema, value);
    return err;
}

static enum otel_err check(struct walk *walk, const json_t *schema, const json_t *value)
{
    unsigned hops = 0;
    enum otel_err err;

    if (walk->depth >= REP_SCHEMA_MAX_DEPTH)
        return wrong(walk, "nests too deep", NULL);
    for (; json_object_get(schema, "$ref") != NULL; hops++) {
        if (hops == REP_SCHEMA_MAX_DEPTH)
            return bad_schema(walk, "the schema refers to itself", NULL);
        schema = ref_target(walk->root, json_string_value(json_object_get(schema, "$ref")));
    }
    walk->depth++;
    err = check_value(walk, schema, value);
    walk->depth--;
    return err;
}

enum otel_err rep_schema_check(const json_t *schema, const json_t *document,
                               struct otl_detail *reterr)
{
    struct walk walk = {.root = schema, .reterr = reterr};
    enum otel_err err = lint(&walk, schema);

    return err == OTEL_OK ? check(&walk, schema, document) : err;
}

static enum otel_err load(const char *path, json_t **ret, struct otl_detail *reterr)
{
    struct otl_buf text;
    json_error_t where;
    enum otel_err err;
    json_t *tree;

    otl_buf_init(&text, FILE_BYTES);
    err = otl_file_read(path, &text, reterr);
    if (err == OTEL_OK) {
        tree = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &where);
        if (tree != NULL)
            *ret = tree;
        else
            err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, (unsigned)where.line,
                                 where.column > 0 ? (unsigned)where.column : 0, "%s", where.text);
    }
    otl_buf_fini(&text);
    return err;
}

enum otel_err rep_schema_check_files(const char *schema_path, const char *document_path,
                                     struct otl_detail *reterr)
{
    json_t *schema = NULL;
    json_t *document = NULL;
    enum otel_err err = load(schema_path, &schema, reterr);

    if (err == OTEL_OK)
        err = load(document_path, &document, reterr);
    if (err == OTEL_OK)
        err = rep_schema_check(schema, document, reterr);
    json_decref(schema);
    json_decref(document);
    return err;
}
