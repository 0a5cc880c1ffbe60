/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/before.h"

/* What a statement sets that is not understood: if nobody can read it, nothing hangs on it. Told by
 * the words alone, on the side of caution: whoever names the key anywhere reads it. */

enum { KEY_MAX = 128 };

/* Does any text below contain the word? The statement itself does not count. */
static bool says(const json_t *tree, const char *word, const char *statement)
{
    const char *text = json_string_value(tree), *key;
    const json_t *part;
    bool found = text != NULL && text != statement && strstr(text, word) != NULL;
    size_t i;

    json_array_foreach(tree, i, part)
        found = found || says(part, word, statement);
    json_object_foreach((json_t *)(uintptr_t)tree, key, part)
        found = found || says(part, word, statement);
    return found;
}

static bool anybody_says(const struct hx_before *before, const char *word, const char *statement)
{
    for (size_t i = 0; i < before->reader_count; i++)
        if (says(before->readers[i], word, statement))
            return true;
    return false;
}

/* attributes["key"], cache["key"] as the first argument of a function that changes that alone. */
static bool key_of(const char *text, char ret[KEY_MAX])
{
    static const char *const functions[] = {"set(", "append(", "delete_index(",
                                            "replace_pattern(", "replace_match("};
    static const char *const maps[] = {
        "attributes[\"",       "resource.attributes[\"",
        "span.attributes[\"",  "spanevent.attributes[\"",
        "scope.attributes[\"", "instrumentation_scope.attributes[\"",
        "cache[\"",            "span.cache[\"",
        "spanevent.cache[\"",  "resource.cache[\""};
    size_t i = 0, len;

    while (i < 5 && strncmp(text, functions[i], strlen(functions[i])) != 0)
        i++;
    if (i == 5)
        return false;
    text += strlen(functions[i]);
    for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
        if (strncmp(text, maps[i], strlen(maps[i])) == 0) {
            text += strlen(maps[i]);
            len = strcspn(text, "\"\\");
            if (text[len] != '"' || len == 0 || len >= KEY_MAX)
                return false;
            memcpy(ret, text, len);
            ret[len] = '\0';
            return true;
        }
    return false;
}

bool hx_before_untouched(const struct hx_before *before, const char *statement)
{
    /* of whole maps: what becomes of the others depends on what there is */
    static const char *const whole[] = {"limit(",    "replace_all_", "flatten(",
                                        "cache,",    "cache)",       "attributes)",
                                        "attributes]"};
    char key[KEY_MAX];

    if (before->all_matters || !key_of(statement, key))
        return false;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        if (anybody_says(before, whole[i], statement))
            return false;
    return !anybody_says(before, key, statement);
}
