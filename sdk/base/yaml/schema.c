/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/yaml/schema.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/text.h"
#include "sdk/base/yaml/document.h"

enum { WORDS_MAX = 128, TEXT_SIZE = 160 };

static enum otel_err check(const struct otl_yaml *doc, const struct otl_schema *row,
                           const json_t *value, struct otl_yaml_pos pos,
                           struct otl_detail *reterr);

/* The row "*": does it stand for key? */
static bool stands_for(const struct otl_schema *row, const char *key)
{
    if (row->names == NULL)
        return true;
    for (const char *const *name = row->names(); *name != NULL; name++)
        if (strcmp(*name, key) == 0)
            return true;
    return false;
}

static const struct otl_schema *row_of(const struct otl_schema *table, const char *key)
{
    const struct otl_schema *other = NULL;

    for (; table->type != OTL_SCHEMA_NONE; table++) {
        if (strcmp(table->key, "*") != 0 && strcmp(table->key, key) == 0)
            return table;
        if (strcmp(table->key, "*") == 0 && stands_for(table, key))
            other = table;
    }
    return other;
}

/* "a duration such as 250ms" */
static const char *expected(const struct otl_schema *row, char *out, size_t size)
{
    static const char *const names[] = {
        [OTL_SCHEMA_NONE] = "nothing",
        [OTL_SCHEMA_STRING] = "a text",
        [OTL_SCHEMA_INT] = "a whole number",
        [OTL_SCHEMA_UINT] = "a whole number",
        [OTL_SCHEMA_DOUBLE] = "a number",
        [OTL_SCHEMA_BOOL] = "true or false",
        [OTL_SCHEMA_DURATION] = "a duration such as 250ms",
        [OTL_SCHEMA_ENUM] = "a word",
        [OTL_SCHEMA_MAP] = "a map",
        [OTL_SCHEMA_LIST] = "a list",
        [OTL_SCHEMA_SCALAR] = "a text, a number or true or false",
        [OTL_SCHEMA_ONE_OF] = "something else",
        [OTL_SCHEMA_BY_KEY] = "a map",
        [OTL_SCHEMA_ANY] = "anything",
    };
    size_t len = 0;

    out[0] = '\0';
    if (row->what != NULL)
        return row->what;
    if (row->type == OTL_SCHEMA_ENUM) {
        for (size_t i = 0; row->words[i] != NULL && len < size; i++)
            len += (size_t)snprintf(out + len, size - len, "%s%s",
                                    i == 0                       ? ""
                                    : row->words[i + 1] == NULL ? " or "
                                                                : ", ",
                                    row->words[i]);
        return out;
    }
    if (row->type == OTL_SCHEMA_ONE_OF) {
        for (const struct otl_schema *r = row->child; r->type != OTL_SCHEMA_NONE && len < size; r++)
            len += (size_t)snprintf(out + len, size - len, "%s%s", r == row->child ? "" : " or ",
                                    r->what ? r->what : names[r->type]);
        return out;
    }
    return names[row->type];
}

static enum otel_err wrong(const struct otl_schema *row, const json_t *value,
                           struct otl_yaml_pos pos, struct otl_detail *reterr)
{
    char want[256], found[TEXT_SIZE];

    return otl_yaml_error(reterr, pos, "%s%sexpected %s, found %s",
                          row->key && strcmp(row->key, "*") != 0 ? row->key : "",
                          row->key && strcmp(row->key, "*") != 0 ? ": " : "",
                          expected(row, want, sizeof(want)),
                          otl_tree_describe(value, found, sizeof(found)));
}

static bool limited(const struct otl_schema *row)
{
    return row->min != 0 || row->max != 0;
}

static enum otel_err check_int(const struct otl_schema *row, const json_t *value,
                               struct otl_yaml_pos pos, struct otl_detail *reterr)
{
    json_int_t number = json_integer_value(value);
    const char *name = row->key && strcmp(row->key, "*") != 0 ? row->key : "the value";

    if (row->type == OTL_SCHEMA_UINT && number < 0)
        return otl_yaml_error(reterr, pos, "%s must not be negative, found %lld", name,
                              (long long)number);
    if (limited(row) && number < row->min)
        return otl_yaml_error(reterr, pos, "%s must be at least %lld, found %lld", name,
                              (long long)row->min, (long long)number);
    if (row->max != 0 && number > row->max)
        return otl_yaml_error(reterr, pos, "%s must be at most %lld, found %lld", name,
                              (long long)row->max, (long long)number);
    return OTEL_OK;
}

static enum otel_err check_double(const struct otl_schema *row, const json_t *value,
                                  struct otl_yaml_pos pos, struct otl_detail *reterr)
{
    double number = json_number_value(value);
    bool any = !(row->real_min < 0) && !(row->real_min > 0) && !(row->real_max < 0) &&
               !(row->real_max > 0);

    if (!any && (number < row->real_min || number > row->real_max))
        return otl_yaml_error(reterr, pos, "%s must be from %g to %g, found %g",
                              row->key ? row->key : "the value", row->real_min, row->real_max,
                              number);
    return OTEL_OK;
}

static enum otel_err check_duration(const struct otl_yaml *doc, const struct otl_schema *row,
                                    const json_t *value, struct otl_yaml_pos pos,
                                    struct otl_detail *reterr)
{
    char low[32], high[32], found[32];
    uint64_t ns = 0;

    if (json_is_string(value) && otl_parse_duration(json_string_value(value), &ns) != OTEL_OK)
        return wrong(row, value, pos, reterr);
    if (json_is_integer(value) &&
        (json_integer_value(value) < 0 ||
         (json_integer_value(value) > 0 && (doc == NULL || !doc->integer_durations))))
        return wrong(row, value, pos, reterr);
    if (json_is_integer(value))
        ns = (uint64_t)json_integer_value(value);
    if (limited(row) && (ns < (uint64_t)row->min || (row->max != 0 && ns > (uint64_t)row->max)))
        return otl_yaml_error(reterr, pos, "%s must be from %s to %s, found %s",
                              row->key ? row->key : "the duration",
                              otl_format_duration((uint64_t)row->min, low, sizeof(low)),
                              row->max ? otl_format_duration((uint64_t)row->max, high, sizeof(high))
                                       : "any length",
                              json_is_string(value)
                                  ? json_string_value(value)
                                  : otl_format_duration(ns, found, sizeof(found)));
    return OTEL_OK;
}

static enum otel_err check_enum(const struct otl_schema *row, const json_t *value,
                                struct otl_yaml_pos pos, struct otl_detail *reterr)
{
    const char *text = json_string_value(value), *name = row->key ? row->key : "";
    const char *colon = row->key ? ": " : "";
    char near[TEXT_SIZE], want[256];

    for (const char *const *word = row->words; *word != NULL; word++)
        if (strcmp(*word, text) == 0)
            return OTEL_OK;
    otl_words_suggest(row->words, text, near, sizeof(near));
    if (near[0] != '\0')
        return otl_yaml_error(reterr, pos, "%s%sunknown word '%s'%s", name, colon, text, near);
    return otl_yaml_error(reterr, pos, "%s%sunknown word '%s'; expected %s", name, colon, text,
                          expected(row, want, sizeof(want)));
}

static enum otel_err check_size(const struct otl_schema *row, size_t size, const char *unit,
                                struct otl_yaml_pos pos, struct otl_detail *reterr)
{
    const char *name = row->key && strcmp(row->key, "*") != 0 ? row->key
                       : row->what                            ? row->what
                                                              : "this";

    if (row->min > 0 && size < (uint64_t)row->min)
        return otl_yaml_error(reterr, pos, "%s needs at least %lld %s, found %zu", name,
                              (long long)row->min, unit, size);
    if (row->max > 0 && size > (uint64_t)row->max)
        return otl_yaml_error(reterr, pos, "%s allows at most %lld %s, found %zu", name,
                              (long long)row->max, unit, size);
    return OTEL_OK;
}

static size_t add_words(const struct otl_schema *row, const char **words, size_t count)
{
    const char *const own[] = {row->key, NULL};
    const char *const *word = row->names != NULL ? row->names() : own;

    for (; *word != NULL && count < WORDS_MAX; word++)
        words[count++] = *word;
    return count;
}

static enum otel_err unknown_key(const struct otl_yaml *doc, const struct otl_schema *row,
                                 const json_t *map, const char *key, struct otl_detail *reterr)
{
    const char *words[WORDS_MAX + 1];
    char near[TEXT_SIZE];
    size_t count = 0;

    for (const struct otl_schema *r = row->child; r->type != OTL_SCHEMA_NONE; r++)
        count = add_words(r, words, count);
    words[count] = NULL;
    otl_words_suggest(words, key, near, sizeof(near));
    if (near[0] == '\0' && count > 0 && count <= 16) {
        size_t len = (size_t)snprintf(near, sizeof(near), "; known here: ");
        for (size_t i = 0; i < count && len < sizeof(near); i++)
            len += (size_t)snprintf(near + len, sizeof(near) - len, "%s%s", i ? ", " : "",
                                    words[i]);
    }
    return otl_yaml_error(reterr, otl_yaml_key_pos(doc, map, key), "unknown key '%s'%s", key, near);
}

static enum otel_err check_map(const struct otl_yaml *doc, const struct otl_schema *row,
                               const json_t *map, struct otl_yaml_pos pos,
                               struct otl_detail *reterr)
{
    enum otel_err err = check_size(row, json_object_size(map), "keys", pos, reterr);
    const char *key;
    json_t *value;

    if (err != OTEL_OK || row->child == NULL)
        return err;
    json_object_foreach((json_t *)map, key, value) {
        const struct otl_schema *known = row_of(row->child, key);
        if (known == NULL)
            return unknown_key(doc, row, map, key, reterr);
        err = check(doc, known, value, otl_yaml_value_pos(doc, map, key), reterr);
        if (err != OTEL_OK)
            return err;
    }
    for (const struct otl_schema *r = row->child; r->type != OTL_SCHEMA_NONE; r++)
        if (r->required && json_object_get(map, r->key) == NULL)
            return otl_yaml_error(reterr, pos, "missing key '%s'%s%s", r->key,
                                  row->what ? " of " : "", row->what ? row->what : "");
    return OTEL_OK;
}

static enum otel_err check_list(const struct otl_yaml *doc, const struct otl_schema *row,
                                const json_t *list, struct otl_yaml_pos pos,
                                struct otl_detail *reterr)
{
    enum otel_err err = check_size(row, json_array_size(list), "items", pos, reterr);

    for (size_t i = 0; err == OTEL_OK && row->child != NULL && i < json_array_size(list); i++)
        err = check(doc, row->child, json_array_get(list, i), otl_yaml_item_pos(doc, list, i),
                    reterr);
    return err;
}

const struct otl_schema *otl_schema_kind(const struct otl_schema *row, const json_t *map)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)map, key, value) {
        for (const struct otl_schema *r = row->child; r->type != OTL_SCHEMA_NONE; r++)
            if (strcmp(r->key, key) == 0)
                return r;
    }
    return NULL;
}

static enum otel_err check_by_key(const struct otl_yaml *doc, const struct otl_schema *row,
                                  const json_t *map, struct otl_yaml_pos pos,
                                  struct otl_detail *reterr)
{
    const struct otl_schema *kind = otl_schema_kind(row, map);
    const char *what = row->what ? row->what : "this", *key;
    struct otl_schema as_map = *row;
    json_t *value;

    if (kind == NULL && json_object_size(map) == 0)
        return otl_yaml_error(reterr, pos, "%s is empty", what);
    if (kind == NULL) /* the first key is to blame */
        return unknown_key(doc, row, map, json_object_iter_key(json_object_iter((json_t *)map)),
                           reterr);
    json_object_foreach((json_t *)map, key, value) {
        for (const struct otl_schema *r = row->child; r->type != OTL_SCHEMA_NONE; r++)
            if (r != kind && strcmp(r->key, key) == 0)
                return otl_yaml_error(reterr, otl_yaml_key_pos(doc, map, key),
                                      "%s is one thing: '%s' and '%s' are two", what, kind->key,
                                      key);
    }
    as_map.type = OTL_SCHEMA_MAP;
    as_map.child = kind->child;
    return check_map(doc, &as_map, map, pos, reterr);
}

/* Does the kind of value suit the row, whatever its content? */
static bool fits(const struct otl_schema *row, const json_t *value)
{
    bool is_scalar = json_is_string(value) || json_is_number(value) || json_is_boolean(value);

    if (row->nullable && json_is_null(value))
        return true;
    switch (row->type) {
    case OTL_SCHEMA_STRING:
    case OTL_SCHEMA_ENUM:
        return json_is_string(value);
    case OTL_SCHEMA_INT:
    case OTL_SCHEMA_UINT:
        return json_is_integer(value);
    case OTL_SCHEMA_DOUBLE:
        return json_is_number(value);
    case OTL_SCHEMA_BOOL:
        return json_is_boolean(value);
    case OTL_SCHEMA_DURATION:
        return json_is_string(value) || json_is_integer(value);
    case OTL_SCHEMA_MAP:
    case OTL_SCHEMA_BY_KEY:
        return json_is_object(value);
    case OTL_SCHEMA_LIST:
        return json_is_array(value);
    case OTL_SCHEMA_SCALAR:
        return is_scalar;
    case OTL_SCHEMA_ONE_OF:
        for (const struct otl_schema *r = row->child; r->type != OTL_SCHEMA_NONE; r++)
            if (fits(r, value))
                return true;
        return false;
    case OTL_SCHEMA_ANY:
        return true;
    case OTL_SCHEMA_NONE:
        break;
    }
    return false;
}

static const struct otl_schema *choose(const struct otl_schema *row, const json_t *value)
{
    const struct otl_schema *r = row->child;

    while (!fits(r, value))
        r++; /* the caller has seen that one fits */
    return r;
}

static enum otel_err check(const struct otl_yaml *doc, const struct otl_schema *row,
                           const json_t *value, struct otl_yaml_pos pos,
                           struct otl_detail *reterr)
{
    if (!fits(row, value))
        return wrong(row, value, pos, reterr);
    if (json_is_null(value))
        return OTEL_OK;
    switch (row->type) {
    case OTL_SCHEMA_STRING:
        return check_size(row, json_string_length(value), "bytes", pos, reterr);
    case OTL_SCHEMA_INT:
    case OTL_SCHEMA_UINT:
        return check_int(row, value, pos, reterr);
    case OTL_SCHEMA_DOUBLE:
        return check_double(row, value, pos, reterr);
    case OTL_SCHEMA_DURATION:
        return check_duration(doc, row, value, pos, reterr);
    case OTL_SCHEMA_ENUM:
        return check_enum(row, value, pos, reterr);
    case OTL_SCHEMA_MAP:
        return check_map(doc, row, value, pos, reterr);
    case OTL_SCHEMA_LIST:
        return check_list(doc, row, value, pos, reterr);
    case OTL_SCHEMA_ONE_OF:
        return check(doc, choose(row, value), value, pos, reterr);
    case OTL_SCHEMA_BY_KEY:
        return check_by_key(doc, row, value, pos, reterr);
    case OTL_SCHEMA_BOOL:
    case OTL_SCHEMA_SCALAR:
    case OTL_SCHEMA_ANY:
    case OTL_SCHEMA_NONE:
        break;
    }
    return OTEL_OK;
}

enum otel_err otl_schema_check(const struct otl_yaml *doc, const struct otl_schema *row,
                               struct otl_detail *reterr)
{
    const json_t *root = otl_yaml_root(doc);
    struct otl_yaml_pos pos = otl_yaml_container_pos(doc, root);

    return check(doc, row, root, pos, reterr);
}

enum otel_err otl_schema_check_part(const struct otl_yaml *doc, const struct otl_schema *row,
                                    const json_t *value, struct otl_yaml_pos pos,
                                    struct otl_detail *reterr)
{
    return check(doc, row, value, pos, reterr);
}

static enum otel_err fill(struct otl_yaml *doc, const struct otl_schema *row, json_t *value,
                          struct otl_detail *reterr);

static enum otel_err fill_map(struct otl_yaml *doc, const struct otl_schema *row, json_t *map,
                              struct otl_detail *reterr)
{
    struct otl_yaml_options options;
    enum otel_err err = OTEL_OK;
    const char *key;
    json_t *value;

    otl_yaml_options_init(&options);
    options.source = "default";
    options.without_lines = true;
    for (const struct otl_schema *r = row->child; err == OTEL_OK && r->type != OTL_SCHEMA_NONE; r++)
        if (r->fallback != NULL && json_object_get(map, r->key) == NULL)
            err = otl_yaml_put(doc, map, r->key, r->fallback, &options, reterr);
    if (err != OTEL_OK)
        return err;
    json_object_foreach(map, key, value) {
        const struct otl_schema *known = row_of(row->child, key);
        err = known ? fill(doc, known, value, reterr) : OTEL_OK;
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err fill(struct otl_yaml *doc, const struct otl_schema *row, json_t *value,
                          struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;

    if (row->child == NULL || json_is_null(value))
        return OTEL_OK;
    if (row->type == OTL_SCHEMA_MAP)
        return fill_map(doc, row, value, reterr);
    if (row->type == OTL_SCHEMA_ONE_OF)
        return fill(doc, choose(row, value), value, reterr);
    if (row->type == OTL_SCHEMA_BY_KEY)
        return fill_map(doc, otl_schema_kind(row, value), value, reterr);
    for (size_t i = 0; err == OTEL_OK && i < json_array_size(value); i++)
        err = fill(doc, row->child, json_array_get(value, i), reterr);
    return err;
}

enum otel_err otl_schema_fill(struct otl_yaml *doc, const struct otl_schema *row,
                              struct otl_detail *reterr)
{
    return fill(doc, row, otl_yaml_root(doc), reterr);
}
