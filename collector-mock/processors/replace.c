/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/replace.h"

#define TEXT_MAX ((size_t)16 << 20)

static enum otel_err replace_matches(const struct col_replacing *replacing,
                                     struct otl_arena *arena, struct otl_view text,
                                     struct otl_view *ret, bool *ret_any)
{
    struct otl_buf out;
    char *copy = NULL;
    enum otel_err err;

    otl_buf_init(&out, TEXT_MAX);
    err = col_regex_replace(replacing->regex, text, otl_view_str(replacing->with), &out, ret_any);
    if (err == OTEL_OK && *ret_any) {
        copy = otl_arena_strndup(arena, out.len > 0 ? out.data : "", out.len);
        *ret = otl_view(copy, out.len);
        err = copy != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    otl_buf_fini(&out);
    return err;
}

enum otel_err col_replace_text(const struct col_replacing *replacing, struct otl_arena *arena,
                               struct otl_view text, struct otl_view *ret, bool *ret_any)
{
    if (replacing->glob == NULL)
        return replace_matches(replacing, arena, text, ret, ret_any);
    *ret_any = col_glob_match(replacing->glob, text);
    if (*ret_any)
        *ret = otl_view_str(replacing->with);
    return OTEL_OK;
}

enum otel_err col_replace_values(const struct col_replacing *replacing, struct col_attributes *map)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < map->count && err == OTEL_OK; i++) {
        struct col_value value;
        bool any = false;
        col_value_split(map->entries[i].value, &value);
        if (value.kind == COL_VALUE_STRING)
            err = col_replace_text(replacing, map->arena, value.text, &value.text, &any);
        if (err != OTEL_OK || !any)
            continue;
        err = col_edit_value(map->arena, &value, &map->entries[i].value);
        map->changed = true;
    }
    return err;
}

enum otel_err col_replace_keys(const struct col_replacing *replacing, struct col_attributes *map)
{
    struct col_attributes made = {.arena = map->arena};
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < map->count && err == OTEL_OK; i++) {
        struct otl_view key = map->entries[i].key;
        bool any = false;
        err = col_replace_text(replacing, map->arena, key, &key, &any);
        map->changed |= any;
        if (err == OTEL_OK)
            err = col_attributes_set(&made, key, map->entries[i].value);
    }
    if (err == OTEL_OK && (map->changed || made.count < map->count)) {
        *map = made;
        map->changed = true;
    }
    return err;
}
