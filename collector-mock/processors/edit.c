/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/edit.h"

#include <string.h>

#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/put.h"

enum otel_err col_edit_copy(struct otl_buf *out, struct otl_view raw, uint32_t without)
{
    struct col_cursor cursor = col_cursor_of(raw);
    const uint8_t *from = cursor.at, *at = cursor.at;
    enum otel_err err = OTEL_OK;
    struct col_field field;

    /* runs of fields that stay go over in one piece */
    while (err == OTEL_OK && col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        if (field.number < 32 && (without >> field.number & 1) != 0) {
            if (at > from)
                err = otl_buf_append(out, from, (size_t)(at - from));
            from = cursor.at;
        }
        at = cursor.at;
    }
    if (err == OTEL_OK && at > from)
        err = otl_buf_append(out, from, (size_t)(at - from));
    return err;
}

/* ---- attributes ---- */

static enum otel_err grow(struct col_attributes *attributes)
{
    size_t cap = attributes->cap > 0 ? attributes->cap * 2 : 16;
    struct col_entry *more = otl_arena_alloc(attributes->arena, cap * sizeof(*more));

    if (more == NULL)
        return OTEL_ERR_MEMORY;
    if (attributes->count > 0)
        memcpy(more, attributes->entries, attributes->count * sizeof(*more));
    attributes->entries = more;
    attributes->cap = cap;
    return OTEL_OK;
}

static enum otel_err add(struct col_attributes *attributes, struct otl_view key,
                         struct otl_view value)
{
    enum otel_err err = attributes->count == attributes->cap ? grow(attributes) : OTEL_OK;

    if (err == OTEL_OK) {
        attributes->entries[attributes->count].key = key;
        attributes->entries[attributes->count++].value = value;
    }
    return err;
}

static struct col_entry split_entry(struct otl_view raw)
{
    struct col_cursor cursor = col_cursor_of(raw);
    struct col_entry entry = {{"", 0}, {"", 0}};
    struct col_field field;

    while (col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        if (field.number == 1 && field.wire == COL_WIRE_BYTES)
            entry.key = col_bytes_of(&field);
        else if (field.number == 2 && field.wire == COL_WIRE_BYTES)
            entry.value = col_bytes_of(&field);
    }
    return entry;
}

enum otel_err col_attributes_read(struct otl_arena *arena, struct otl_view raw, uint32_t number,
                                  struct col_attributes *ret)
{
    struct col_cursor cursor = col_cursor_of(raw);
    enum otel_err err = OTEL_OK;
    struct col_field field;

    memset(ret, 0, sizeof(*ret));
    ret->arena = arena;
    while (err == OTEL_OK && col_field_next(&cursor, &field) == COL_NEXT_FIELD)
        if (field.number == number && field.wire == COL_WIRE_BYTES) {
            struct col_entry entry = split_entry(col_bytes_of(&field));
            err = add(ret, entry.key, entry.value);
        }
    return err;
}

struct col_entry *col_attributes_find(const struct col_attributes *attributes,
                                      struct otl_view key)
{
    for (size_t i = 0; i < attributes->count; i++)
        if (otl_view_equal(attributes->entries[i].key, key))
            return &attributes->entries[i];
    return NULL;
}

enum otel_err col_attributes_set(struct col_attributes *attributes, struct otl_view key,
                                 struct otl_view value)
{
    struct col_entry *entry = col_attributes_find(attributes, key);

    attributes->changed = true;
    if (entry == NULL)
        return add(attributes, key, value);
    entry->value = value;
    return OTEL_OK;
}

void col_attributes_remove(struct col_attributes *attributes, size_t index)
{
    memmove(&attributes->entries[index], &attributes->entries[index + 1],
            (attributes->count - index - 1) * sizeof(*attributes->entries));
    attributes->count--;
    attributes->changed = true;
}

enum { EDIT_MAX = 1 << 30 };

/* What stands in buf, in the arena; buf is done with. */
static enum otel_err keep(struct otl_arena *arena, struct otl_buf *buf, enum otel_err err,
                          struct otl_view *ret)
{
    char *copy = err == OTEL_OK ? otl_arena_alloc(arena, buf->len + 1) : NULL;

    if (err == OTEL_OK && copy == NULL)
        err = OTEL_ERR_MEMORY;
    if (copy != NULL) {
        if (buf->len > 0)
            memcpy(copy, buf->data, buf->len);
        *ret = otl_view(copy, buf->len);
    }
    otl_buf_fini(buf);
    return err;
}

static enum otel_err put_entry(struct otl_buf *out, uint32_t field, const struct col_entry *entry)
{
    enum otel_err err = col_put_head(
        out, field, col_field_size(entry->key.len) + col_field_size(entry->value.len));

    if (err == OTEL_OK)
        err = col_put_field(out, 1, entry->key);
    return err == OTEL_OK ? col_put_field(out, 2, entry->value) : err;
}

enum otel_err col_attributes_put(const struct col_attributes *attributes, struct otl_view raw,
                                 uint32_t field, struct otl_view *ret)
{
    struct otl_buf out;
    enum otel_err err;

    otl_buf_init(&out, EDIT_MAX);
    err = col_edit_copy(&out, raw, 1u << field);
    for (size_t i = 0; i < attributes->count && err == OTEL_OK; i++)
        err = put_entry(&out, field, &attributes->entries[i]);
    return keep(attributes->arena, &out, err, ret);
}

/* ---- values ---- */

static enum otel_err put_scalar(struct otl_buf *out, uint32_t number, uint64_t scalar)
{
    enum otel_err err = otl_buf_append_byte(out, (uint8_t)(number << 3 | COL_WIRE_VARINT));

    return err == OTEL_OK ? col_put_varint(out, scalar) : err;
}

static enum otel_err put_real(struct otl_buf *out, double real)
{
    enum otel_err err = otl_buf_append_byte(out, 4 << 3 | COL_WIRE_FIXED64);
    uint64_t bits;

    memcpy(&bits, &real, sizeof(bits));
    for (int i = 0; i < 8 && err == OTEL_OK; i++)
        err = otl_buf_append_byte(out, (uint8_t)(bits >> (8 * i)));
    return err;
}

static enum otel_err put_value(struct otl_buf *out, const struct col_value *value);

/* As field number of out: what put makes of one item. */
static enum otel_err put_nested(struct otl_buf *out, unsigned number, const struct col_value *value)
{
    struct otl_buf item;
    enum otel_err err;

    otl_buf_init(&item, EDIT_MAX);
    err = put_value(&item, value);
    if (err == OTEL_OK)
        err = col_put_field(out, number, otl_view(item.data, item.len));
    otl_buf_fini(&item);
    return err;
}

static enum otel_err put_list(struct otl_buf *out, const struct col_value *value)
{
    bool pairs = value->kind == COL_VALUE_KVLIST;
    struct col_list list = value->list;
    struct col_attribute pair;
    enum otel_err err = OTEL_OK;
    struct otl_buf items, item;

    otl_buf_init(&items, EDIT_MAX);
    while (err == OTEL_OK && pairs && col_attribute_next(&list, &pair)) {
        otl_buf_init(&item, EDIT_MAX);
        err = col_put_field(&item, 1, pair.key);
        if (err == OTEL_OK)
            err = put_nested(&item, 2, &pair.value);
        if (err == OTEL_OK)
            err = col_put_field(&items, 1, otl_view(item.data, item.len));
        otl_buf_fini(&item);
    }
    while (err == OTEL_OK && !pairs && col_value_next(&list, &pair.value))
        err = put_nested(&items, 1, &pair.value);
    if (err == OTEL_OK)
        err = col_put_field(out, pairs ? 6 : 5, otl_view(items.data, items.len));
    otl_buf_fini(&items);
    return err;
}

static enum otel_err put_value(struct otl_buf *out, const struct col_value *value)
{
    switch (value->kind) {
    case COL_VALUE_STRING:
        return col_put_field(out, 1, value->text);
    case COL_VALUE_BYTES:
        return col_put_field(out, 7, value->text);
    case COL_VALUE_BOOL:
        return put_scalar(out, 2, value->boolean);
    case COL_VALUE_INT:
        return put_scalar(out, 3, (uint64_t)value->integer);
    case COL_VALUE_DOUBLE:
        return put_real(out, value->real);
    case COL_VALUE_ARRAY:
    case COL_VALUE_KVLIST:
        return put_list(out, value);
    default:
        return OTEL_OK;
    }
}

enum otel_err col_edit_value(struct otl_arena *arena, const struct col_value *value,
                             struct otl_view *ret)
{
    struct otl_buf out;

    otl_buf_init(&out, EDIT_MAX);
    return keep(arena, &out, put_value(&out, value), ret);
}

static enum otel_err put_tree(struct otl_buf *out, const json_t *tree);

/* ArrayValue and KeyValueList are the same but for what an item is. */
static enum otel_err put_members(struct otl_buf *out, const json_t *tree)
{
    enum otel_err err = OTEL_OK;
    struct otl_buf item;
    const char *key;
    json_t *value;
    size_t i;

    otl_buf_init(&item, EDIT_MAX);
    json_array_foreach(tree, i, value) {
        otl_buf_reset(&item);
        if (err == OTEL_OK)
            err = put_tree(&item, value);
        if (err == OTEL_OK)
            err = col_put_field(out, 1, otl_view(item.data, item.len));
    }
    json_object_foreach((json_t *)tree, key, value) {
        struct col_entry entry = {otl_view_str(key), {NULL, 0}};
        otl_buf_reset(&item);
        if (err == OTEL_OK)
            err = put_tree(&item, value);
        entry.value = otl_view(item.data, item.len);
        if (err == OTEL_OK)
            err = put_entry(out, 1, &entry);
    }
    otl_buf_fini(&item);
    return err;
}

static enum otel_err put_tree(struct otl_buf *out, const json_t *tree)
{
    struct otl_buf members;
    enum otel_err err;

    if (json_is_string(tree))
        return col_put_field(out, 1, otl_view(json_string_value(tree), json_string_length(tree)));
    if (json_is_boolean(tree))
        return put_scalar(out, 2, json_is_true(tree));
    if (json_is_integer(tree))
        return put_scalar(out, 3, (uint64_t)json_integer_value(tree));
    if (json_is_real(tree))
        return put_real(out, json_real_value(tree));
    if (json_is_null(tree))
        return OTEL_OK;
    otl_buf_init(&members, EDIT_MAX);
    err = put_members(&members, tree);
    if (err == OTEL_OK)
        err = col_put_field(out, json_is_array(tree) ? 5 : 6,
                            otl_view(members.data, members.len));
    otl_buf_fini(&members);
    return err;
}

enum otel_err col_edit_value_of_tree(struct otl_arena *arena, const json_t *tree,
                                     struct otl_view *ret)
{
    struct otl_buf out;

    otl_buf_init(&out, EDIT_MAX);
    return keep(arena, &out, put_tree(&out, tree), ret);
}
