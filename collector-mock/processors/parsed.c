/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/parsed.h"

enum { TEXT_MAX = 1 << 20, DEPTH_MAX = 100 };

static bool is_shallow(const json_t *tree, unsigned left)
{
    const json_t *part;
    const char *key;
    size_t i;

    if (!json_is_array(tree) && !json_is_object(tree))
        return true;
    if (left == 0)
        return false;
    json_array_foreach(tree, i, part)
        if (!is_shallow(part, left - 1))
            return false;
    json_object_foreach((json_t *)(uintptr_t)tree, key, part)
        if (!is_shallow(part, left - 1))
            return false;
    return true;
}

enum otel_err col_parsed_json(struct otl_arena *arena, struct otl_view text, struct col_value *ret)
{
    enum otel_err err = OTEL_ERR_ARGUMENT;
    struct otl_view bytes;
    json_t *tree = NULL;

    if (text.len > 0 && text.len <= TEXT_MAX)
        tree = json_loadb(text.data, text.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    if (tree != NULL && is_shallow(tree, DEPTH_MAX))
        err = col_edit_value_of_tree(arena, tree, &bytes);
    json_decref(tree);
    if (err == OTEL_OK)
        col_value_split(bytes, ret);
    return err;
}
