/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the file that instrumentation libraries read, as a ConfigProvider. */
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/config/file/read.h"

enum { ARENA_MAX = 64 << 20 };

/* Outlives the file. */
struct provider {
    struct otel_config_provider head;
    struct otl_arena arena; /* all that the properties show */
};

static bool copy_value(struct otl_arena *arena, const json_t *from, struct otel_value *to);

static bool copy_text(struct otl_arena *arena, const char *text, size_t len, struct otel_str *ret)
{
    *ret = otel_strn(otl_arena_strndup(arena, text, len), len);
    return ret->data != NULL;
}

static bool copy_map(struct otl_arena *arena, const json_t *from, struct otel_properties *ret)
{
    struct otel_attribute *items =
        otl_arena_alloc(arena, (json_object_size(from) + 1) * sizeof(*items));
    const char *key;
    json_t *value;
    size_t count = 0;

    if (items == NULL)
        return false;
    json_object_foreach((json_t *)(uintptr_t)from, key, value) {
        if (!copy_text(arena, key, strlen(key), &items[count].key) ||
            !copy_value(arena, value, &items[count].value))
            return false;
        count++;
    }
    ret->items = items;
    ret->count = count;
    return true;
}

static bool copy_list(struct otl_arena *arena, const json_t *from, struct otel_value *to)
{
    size_t count = json_array_size(from);
    struct otel_value *items = otl_arena_alloc(arena, (count + 1) * sizeof(*items));

    if (items == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!copy_value(arena, json_array_get(from, i), &items[i]))
            return false;
    *to = otel_value_many(OTEL_VALUE_ARRAY, items, count);
    return true;
}

static bool copy_value(struct otl_arena *arena, const json_t *from, struct otel_value *to)
{
    struct otel_properties map;
    struct otel_str text;

    switch (json_typeof(from)) {
    case JSON_OBJECT:
        if (!copy_map(arena, from, &map))
            return false;
        *to = otel_value_many(OTEL_VALUE_MAP, map.items, map.count);
        return true;
    case JSON_ARRAY:
        return copy_list(arena, from, to);
    case JSON_STRING:
        if (!copy_text(arena, json_string_value(from), json_string_length(from), &text))
            return false;
        *to = otel_value_strn(text.data, text.len);
        return true;
    case JSON_INTEGER:
        *to = otel_value_int(json_integer_value(from));
        return true;
    case JSON_REAL:
        *to = otel_value_double(json_real_value(from));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        *to = otel_value_bool(json_is_true(from));
        return true;
    case JSON_NULL:
        break;
    }
    *to = otel_value_empty();
    return true;
}

static void release(struct otel_config_provider *head)
{
    struct provider *provider = (struct provider *)head;

    otl_arena_fini(&provider->arena);
    otl_mem_free(provider);
}

enum otel_err otel_config_instrumentation(const struct otel_config *config,
                                          struct otel_config_provider **ret)
{
    const json_t *map = json_object_get(otl_yaml_root(config->doc), "instrumentation/development");
    struct provider *provider;

    if (map == NULL) {
        *ret = otel_config_provider_noop();
        return OTEL_OK;
    }
    provider = otl_mem_zalloc(sizeof(*provider));
    if (provider == NULL)
        return OTEL_ERR_MEMORY;
    provider->head.free = release;
    provider->head.refs = 1;
    otl_arena_init(&provider->arena, ARENA_MAX);
    if (!copy_map(&provider->arena, map, &provider->head.instrumentation)) {
        release(&provider->head);
        return OTEL_ERR_MEMORY;
    }
    *ret = &provider->head;
    return OTEL_OK;
}
