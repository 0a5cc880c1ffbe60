/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/parse.h"

/* AnyValue, KeyValue and the lists of them. */

static bool check_value(struct otl_view raw, unsigned depth, struct col_fault *fault);

/* ArrayValue (field 1: AnyValue) or KeyValueList (field 1: KeyValue). */
static bool check_values(struct otl_view raw, bool pairs, unsigned depth,
                         struct col_fault *fault)
{
    struct col_reader r;

    if (depth > COL_VALUE_DEPTH_MAX)
        return col_fail(fault, (const uint8_t *)raw.data, "value", "nested too deeply");
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r)) {
        struct otl_view item = col_bytes_of(&r.field);
        if (r.field.number != 1)
            continue;
        if (!col_take_wire(&r, COL_WIRE_BYTES, "value.values"))
            return false;
        if (pairs ? !col_check_attribute(item, depth, fault) : !check_value(item, depth, fault))
            return false;
    }
    return col_reader_finish(&r, "value.values");
}

static bool check_nested(const struct col_reader *r, enum col_value_kind *kind, unsigned depth)
{
    bool pairs = r->field.number == 6;
    enum col_value_kind mine = pairs ? COL_VALUE_KVLIST : COL_VALUE_ARRAY;

    if (*kind == mine)
        return col_fail(r->fault, r->tag, "value", "the same list twice");
    *kind = mine;
    return check_values(col_bytes_of(&r->field), pairs, depth + 1, r->fault);
}

static const uint8_t value_wire[8] = {
    0,
    COL_WIRE_BYTES,
    COL_WIRE_VARINT,
    COL_WIRE_VARINT,
    COL_WIRE_FIXED64,
    COL_WIRE_BYTES,
    COL_WIRE_BYTES,
    COL_WIRE_BYTES,
};

static bool check_value(struct otl_view raw, unsigned depth, struct col_fault *fault)
{
    enum col_value_kind kind = COL_VALUE_EMPTY;
    struct otl_view text;
    struct col_reader r;

    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r)) {
        uint32_t number = r.field.number;
        if (number > 7)
            continue;
        if (!col_take_wire(&r, value_wire[number], "value"))
            return false;
        if (number == 5 || number == 6) {
            if (!check_nested(&r, &kind, depth))
                return false;
            continue;
        }
        kind = COL_VALUE_EMPTY;
        if (number == 1 && !col_take_text(&r, &text, "value"))
            return false;
    }
    return col_reader_finish(&r, "value");
}

bool col_check_value(struct otl_view raw, unsigned depth, struct col_fault *fault)
{
    return check_value(raw, depth, fault);
}

/* ---- attributes ---- */

bool col_check_attribute(struct otl_view raw, unsigned depth, struct col_fault *fault)
{
    struct otl_view text;
    struct col_reader r;
    bool seen = false;

    if (col_is_plain_attribute((const uint8_t *)raw.data, raw.len))
        return true;
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r)) {
        if (r.field.number == 1) {
            if (!col_take_text(&r, &text, "attribute.key"))
                return false;
        } else if (r.field.number == 2) {
            if (!col_take_wire(&r, COL_WIRE_BYTES, "attribute.value"))
                return false;
            if (seen)
                return col_fail(fault, r.tag, "attribute.value", "twice");
            seen = true;
            if (!check_value(col_bytes_of(&r.field), depth, fault))
                return false;
        }
    }
    return col_reader_finish(&r, "attribute");
}

bool col_take_attribute(const struct col_reader *r, struct col_list *list)
{
    return col_take_item(r, list, "attributes") &&
           (r->fault == NULL || col_check_attribute(col_bytes_of(&r->field), 1, r->fault));
}

enum { SHORTEST = 8 }; /* plain attribute, with tag and length */

/* A function of its own: its loop wants all registers. */
const uint8_t *col_skip_plain(const uint8_t *at, const uint8_t *end, uint8_t tag,
                              uint32_t *ret_count)
{
    uint32_t count = 0;

    while (end - at >= SHORTEST && at[0] == tag && (size_t)(end - at) - 2 >= at[1] &&
           col_is_plain_attribute(at + 2, at[1])) {
        at += 2 + at[1];
        count++;
    }
    *ret_count = count;
    return at;
}

/* The same of attributes that were checked: any whose length is of one byte. */
static const uint8_t *skip_checked(const uint8_t *at, const uint8_t *end, uint8_t tag,
                                   uint32_t *ret_count)
{
    uint32_t count = 0;

    while (end - at >= SHORTEST && at[0] == tag && at[1] < 0x80 &&
           (size_t)(end - at) - 2 >= at[1]) {
        at += 2 + at[1];
        count++;
    }
    *ret_count = count;
    return at;
}

void col_take_plain(struct col_reader *r, uint32_t number, struct col_list *list)
{
    const uint8_t tag = (uint8_t)(number << 3 | COL_WIRE_BYTES);
    const uint8_t *at = r->cursor.at, *end = r->cursor.end;
    uint32_t count;

    at = r->fault != NULL ? col_skip_plain(at, end, tag, &count)
                          : skip_checked(at, end, tag, &count);
    if (count > 0 && list->count == 0) {
        list->cursor = r->cursor;
        list->field = number;
    }
    list->count += count;
    r->cursor.at = at;
}

/* ---- reading what was checked ---- */

static struct col_list list_in(struct otl_view raw)
{
    struct col_list list = {{NULL, NULL}, 1, 0};
    struct col_reader r;

    col_reader_init(&r, col_cursor_of(raw), NULL);
    while (col_reader_next(&r))
        if (r.field.number == 1)
            (void)col_take_item(&r, &list, "");
    return list;
}

static void take_value(const struct col_field *field, struct col_value *ret)
{
    static const enum col_value_kind kinds[8] = {
        COL_VALUE_EMPTY,  COL_VALUE_STRING, COL_VALUE_BOOL,   COL_VALUE_INT,
        COL_VALUE_DOUBLE, COL_VALUE_ARRAY,  COL_VALUE_KVLIST, COL_VALUE_BYTES,
    };

    ret->kind = kinds[field->number];
    switch (ret->kind) {
    case COL_VALUE_EMPTY:
        break;
    case COL_VALUE_STRING:
    case COL_VALUE_BYTES:
        ret->text = col_bytes_of(field);
        break;
    case COL_VALUE_BOOL:
        ret->boolean = field->scalar != 0;
        break;
    case COL_VALUE_INT:
        ret->integer = (int64_t)field->scalar;
        break;
    case COL_VALUE_DOUBLE:
        memcpy(&ret->real, &field->scalar, sizeof(ret->real));
        break;
    case COL_VALUE_ARRAY:
    case COL_VALUE_KVLIST:
        ret->list = list_in(col_bytes_of(field));
        break;
    }
}

void col_value_split(struct otl_view raw, struct col_value *ret)
{
    struct col_cursor cursor = col_cursor_of(raw);
    struct col_field field;

    memset(ret, 0, sizeof(*ret));
    while (col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        if (field.number <= 7 && field.wire == value_wire[field.number])
            take_value(&field, ret);
        else if (field.number == 8)
            ret->kind = COL_VALUE_EMPTY; /* a member of the oneof that traces do not use */
    }
}

bool col_list_next(struct col_list *list, struct otl_view *ret)
{
    struct col_field field;

    while (list->count > 0 && col_field_next(&list->cursor, &field) == COL_NEXT_FIELD) {
        if (field.number != list->field || field.wire != COL_WIRE_BYTES)
            continue;
        list->count--;
        *ret = col_bytes_of(&field);
        return true;
    }
    list->count = 0;
    return false;
}

bool col_text_next(struct col_list *list, struct otl_view *ret)
{
    return col_list_next(list, ret);
}

bool col_value_next(struct col_list *list, struct col_value *ret)
{
    struct otl_view raw;

    if (!col_list_next(list, &raw))
        return false;
    col_value_split(raw, ret);
    return true;
}

/* Key and value of an attribute, in any order; the last of each counts. */
static struct otl_view split_pair(struct otl_view raw, struct otl_view *ret_key)
{
    struct col_cursor cursor = col_cursor_of(raw);
    struct otl_view value = {NULL, 0};
    struct col_field field;

    *ret_key = otl_view("", 0);
    while (col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        if (field.number == 1 && field.wire == COL_WIRE_BYTES)
            *ret_key = col_bytes_of(&field);
        else if (field.number == 2 && field.wire == COL_WIRE_BYTES)
            value = col_bytes_of(&field);
    }
    return value;
}

bool col_attribute_next(struct col_list *list, struct col_attribute *ret)
{
    struct otl_view raw;

    if (!col_list_next(list, &raw))
        return false;
    col_value_split(split_pair(raw, &ret->key), &ret->value);
    return true;
}

/* Past the attributes that come next whose key is of another length, in front, and has nothing but
 * a value behind it: nearly all that one looks past. */
static void skip_others(struct col_list *list, size_t key_len)
{
    const uint8_t *at = list->cursor.at, *end = list->cursor.end;
    size_t size, len;

    for (; list->count > 0 && end - at >= 6; list->count--, at += 2 + size) {
        size = at[1];
        if (at[0] != (list->field << 3 | COL_WIRE_BYTES) || size < 4 || size > 0x7f ||
            (size_t)(end - at) - 2 < size || at[2] != 0x0a || at[3] > size - 4)
            break;
        len = at[3];
        if (len == key_len || at[4 + len] != 0x12 || at[5 + len] != size - len - 4)
            break;
    }
    list->cursor.at = at;
}

bool col_attribute_find(const struct col_list *list, const char *key, struct col_value *ret)
{
    struct col_list copy = *list;
    struct otl_view raw, found, value;
    size_t len = strlen(key);

    for (;;) {
        skip_others(&copy, len);
        if (!col_list_next(&copy, &raw))
            return false;
        value = split_pair(raw, &found);
        if (found.len != len || memcmp(found.data, key, len) != 0)
            continue;
        col_value_split(value, ret);
        return true;
    }
}

bool col_event_next(struct col_list *list, struct col_event *ret)
{
    struct otl_view raw;

    return col_list_next(list, &raw) && col_read_event(raw, ret, NULL);
}

bool col_link_next(struct col_list *list, struct col_link *ret)
{
    struct otl_view raw;

    return col_list_next(list, &raw) && col_read_link(raw, ret, NULL);
}

bool col_entity_ref_next(struct col_list *list, struct col_entity_ref *ret)
{
    struct otl_view raw;

    return col_list_next(list, &raw) && col_read_entity_ref(raw, ret, NULL);
}
