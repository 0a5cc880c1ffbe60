/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/otlp/copy.h"

#include <string.h>

enum { MAX_DEPTH = 64 };

static bool copy_value(struct otl_arena *arena, struct otel_value *value, unsigned depth);

bool otl_copy_str(struct otl_arena *arena, struct otel_str *str)
{
    char *copy = otl_arena_strndup(arena, str->data, str->len);

    if (copy == NULL)
        return false;
    *str = otel_strn(copy, str->len);
    return true;
}

static const void *copy_items(struct otl_arena *arena, const void *items, size_t size)
{
    void *copy = otl_arena_alloc(arena, size + 1);

    if (copy != NULL && size != 0)
        memcpy(copy, items, size);
    return copy;
}

static bool copy_strings(struct otl_arena *arena, struct otel_value *value)
{
    struct otel_str *copy = otl_arena_alloc(arena, (value->count + 1) * sizeof(*copy));

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < value->count; i++) {
        copy[i] = value->as.strings[i];
        if (!otl_copy_str(arena, &copy[i]))
            return false;
    }
    value->as.strings = copy;
    return true;
}

static bool copy_array(struct otl_arena *arena, struct otel_value *value, unsigned depth)
{
    struct otel_value *copy = otl_arena_alloc(arena, (value->count + 1) * sizeof(*copy));

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < value->count; i++) {
        copy[i] = value->as.values[i];
        if (!copy_value(arena, &copy[i], depth + 1))
            return false;
    }
    value->as.values = copy;
    return true;
}

static bool copy_map(struct otl_arena *arena, struct otel_value *value, unsigned depth)
{
    struct otel_attribute *copy = otl_arena_alloc(arena, (value->count + 1) * sizeof(*copy));

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < value->count; i++) {
        copy[i] = value->as.attributes[i];
        if (!otl_copy_str(arena, &copy[i].key) || !copy_value(arena, &copy[i].value, depth + 1))
            return false;
    }
    value->as.attributes = copy;
    return true;
}

static size_t item_size(enum otel_value_type type)
{
    switch (type) {
    case OTEL_VALUE_STRING:
    case OTEL_VALUE_BYTES:
        return 1;
    case OTEL_VALUE_BOOL_ARRAY:
        return sizeof(bool);
    case OTEL_VALUE_INT_ARRAY:
        return sizeof(int64_t);
    case OTEL_VALUE_DOUBLE_ARRAY:
        return sizeof(double);
    case OTEL_VALUE_EMPTY:
    case OTEL_VALUE_BOOL:
    case OTEL_VALUE_INT:
    case OTEL_VALUE_DOUBLE:
    case OTEL_VALUE_STRING_ARRAY:
    case OTEL_VALUE_ARRAY:
    case OTEL_VALUE_MAP:
        break;
    }
    return 0;
}

static bool holds_others(enum otel_value_type type)
{
    switch (type) {
    case OTEL_VALUE_STRING_ARRAY:
    case OTEL_VALUE_BOOL_ARRAY:
    case OTEL_VALUE_INT_ARRAY:
    case OTEL_VALUE_DOUBLE_ARRAY:
    case OTEL_VALUE_ARRAY:
    case OTEL_VALUE_MAP:
        return true;
    case OTEL_VALUE_EMPTY:
    case OTEL_VALUE_STRING:
    case OTEL_VALUE_BOOL:
    case OTEL_VALUE_INT:
    case OTEL_VALUE_DOUBLE:
    case OTEL_VALUE_BYTES:
        break;
    }
    return false;
}

static bool copy_value(struct otl_arena *arena, struct otel_value *value, unsigned depth)
{
    size_t size = item_size(value->type);

    if (depth > MAX_DEPTH && holds_others(value->type)) {
        *value = otel_value_empty();
        return true;
    }
    if (size != 0) {
        value->as.bytes = copy_items(arena, value->as.bytes, value->count * size);
        return value->as.bytes != NULL;
    }
    switch (value->type) {
    case OTEL_VALUE_STRING_ARRAY:
        return copy_strings(arena, value);
    case OTEL_VALUE_ARRAY:
        return copy_array(arena, value, depth);
    case OTEL_VALUE_MAP:
        return copy_map(arena, value, depth);
    default:
        return true;
    }
}

bool otl_copy_value(struct otl_arena *arena, struct otel_value *value)
{
    return copy_value(arena, value, 1);
}

static bool same_items(const struct otel_value *a, const struct otel_value *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (a->type == OTEL_VALUE_STRING_ARRAY &&
            !otel_str_equal(a->as.strings[i], b->as.strings[i]))
            return false;
        if (a->type == OTEL_VALUE_ARRAY &&
            !otl_value_same(&a->as.values[i], &b->as.values[i]))
            return false;
        if (a->type == OTEL_VALUE_MAP &&
            (!otel_str_equal(a->as.attributes[i].key, b->as.attributes[i].key) ||
             !otl_value_same(&a->as.attributes[i].value, &b->as.attributes[i].value)))
            return false;
    }
    return true;
}

bool otl_value_same(const struct otel_value *a, const struct otel_value *b)
{
    size_t size = item_size(a->type) * a->count;

    if (a->type != b->type || a->count != b->count)
        return false;
    if (size != 0)
        return memcmp(a->as.bytes, b->as.bytes, size) == 0;
    switch (a->type) {
    case OTEL_VALUE_BOOL:
        return a->as.boolean == b->as.boolean;
    case OTEL_VALUE_INT:
        return a->as.integer == b->as.integer;
    case OTEL_VALUE_DOUBLE:
        return memcmp(&a->as.real, &b->as.real, sizeof(a->as.real)) == 0;
    default:
        return same_items(a, b);
    }
}
