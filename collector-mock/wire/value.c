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

bool col_check_attribute(struct otl_view raw, unsigned depth, struct col_fault *fault)
{
    struct otl_view text;
    struct col_reader r;
    bool seen = false;

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

bool col_attribute_next(struct col_list *list, struct col_attribute *ret)
{
    struct otl_view raw, value = {NULL, 0};
    struct col_cursor cursor;
    struct col_field field;

    if (!col_list_next(list, &raw))
        return false;
    ret->key = otl_view("", 0);
    cursor = col_cursor_of(raw);
    while (col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        if (field.number == 1 && field.wire == COL_WIRE_BYTES)
            ret->key = col_bytes_of(&field);
        else if (field.number == 2 && field.wire == COL_WIRE_BYTES)
            value = col_bytes_of(&field);
    }
    col_value_split(value, &ret->value);
    return true;
}

bool col_attribute_find(const struct col_list *list, const char *key, struct col_value *ret)
{
    struct col_list copy = *list;
    struct col_attribute attribute;
    size_t len = strlen(key);

    while (col_attribute_next(&copy, &attribute)) {
        if (attribute.key.len == len && memcmp(attribute.key.data, key, len) == 0) {
            *ret = attribute.value;
            return true;
        }
    }
    return false;
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
