/* SPDX-License-Identifier: Apache-2.0 */
/* Typed values of a checked tree, and words about values, of schema.h. */
#include <stdio.h>
#include <string.h>

#include "sdk/base/text.h"
#include "sdk/base/yaml/schema.h"

const char *otl_tree_text(const json_t *map, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(map, key));
    return text ? text : otherwise;
}

int64_t otl_tree_int(const json_t *map, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(map, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

double otl_tree_double(const json_t *map, const char *key, double otherwise)
{
    const json_t *value = json_object_get(map, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

bool otl_tree_bool(const json_t *map, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(map, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

uint64_t otl_tree_duration_ns(const json_t *map, const char *key, uint64_t otherwise)
{
    const json_t *value = json_object_get(map, key);
    uint64_t ns;

    if (json_is_integer(value) && json_integer_value(value) >= 0) /* the schema has let it pass */
        return (uint64_t)json_integer_value(value);
    if (json_is_string(value) && otl_parse_duration(json_string_value(value), &ns) == OTEL_OK)
        return ns;
    return otherwise;
}

const char *otl_tree_describe(const json_t *value, char *out, size_t size)
{
    const char *text = json_string_value(value);

    if (value == NULL || json_is_null(value))
        snprintf(out, size, "nothing");
    else if (json_is_object(value))
        snprintf(out, size, "a map");
    else if (json_is_array(value))
        snprintf(out, size, "a list");
    else if (json_is_boolean(value))
        snprintf(out, size, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        snprintf(out, size, "the number %" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(out, size, "the number %g", json_real_value(value));
    else if (text != NULL && strlen(text) > 60)
        snprintf(out, size, "the text '%.*s...'", (int)otl_utf8_cut(text, strlen(text), 50), text);
    else
        snprintf(out, size, "the text '%s'", text ? text : "");
    return out;
}

const char *otl_words_suggest(const char *const *words, const char *word, char *out, size_t size)
{
    const char *near = otl_nearest(word, words);

    if (near != NULL && strcmp(near, "*") != 0)
        snprintf(out, size, " (did you mean '%s'?)", near);
    else
        out[0] = '\0';
    return out;
}

const char *otl_tree_suggest(const json_t *map, const char *word, char *out, size_t size)
{
    enum { WORDS_MAX = 512 };
    const char *words[WORDS_MAX + 1], *key;
    json_t *value;
    size_t count = 0;

    json_object_foreach((json_t *)map, key, value) {
        if (count < WORDS_MAX)
            words[count++] = key;
    }
    words[count] = NULL;
    return otl_words_suggest(words, word, out, size);
}
