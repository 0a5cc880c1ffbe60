/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_PARSE_H
#define COL_WIRE_PARSE_H

#include "collector-mock/wire/metrics.h"
#include "sdk/base/text.h"

/*
 * What the message readers of this folder share; nobody else includes it.
 *
 * Every reader takes a fault pointer. With one it checks all that is below, and sets it when it
 * returns false. Without one (NULL) the bytes were checked before: it only splits them.
 */

static inline bool col_fail(struct col_fault *fault, const uint8_t *at, const char *field,
                            const char *why)
{
    if (fault != NULL && fault->why == NULL) {
        fault->why = why;
        fault->field = field;
        fault->at = at;
    }
    return false;
}

/* A message being read: its rest, the field at hand and where that one began. */
struct col_reader {
    struct col_cursor cursor;
    struct col_field field;
    const uint8_t *tag;
    struct col_fault *fault;
    bool damaged;
};

static inline struct col_cursor col_cursor_of(struct otl_view raw)
{
    struct col_cursor cursor;

    cursor.at = (const uint8_t *)raw.data;
    cursor.end = raw.len > 0 ? cursor.at + raw.len : cursor.at;
    return cursor;
}

static inline void col_reader_init(struct col_reader *r, struct col_cursor cursor,
                                   struct col_fault *fault)
{
    r->cursor = cursor;
    r->fault = fault;
    r->damaged = false;
}

static inline bool col_reader_next(struct col_reader *r)
{
    const uint8_t *at = r->cursor.at;
    enum col_next next;

    r->tag = at;
    /* most fields: tag and length of one byte each, content of wire type 2 */
    if (r->cursor.end - at >= 2 && at[0] < 0x80 && (at[0] & 7) == COL_WIRE_BYTES && at[0] >= 8 &&
        at[1] < 0x80 && r->cursor.end - at - 2 >= at[1]) {
        r->field.number = at[0] >> 3;
        r->field.wire = COL_WIRE_BYTES;
        r->field.scalar = at[1];
        r->field.data = at + 2;
        r->cursor.at = at + 2 + at[1];
        return true;
    }
    next = col_field_next(&r->cursor, &r->field);
    r->damaged = next == COL_NEXT_DAMAGED;
    return next == COL_NEXT_FIELD;
}

/* After the last field: true if that was the end of the message. */
static inline bool col_reader_finish(const struct col_reader *r, const char *message)
{
    return !r->damaged ||
           col_fail(r->fault, r->cursor.at, message, "truncated or malformed field");
}

/* What a message becomes: each field is taken into a struct that begins as zeros. */
typedef bool col_take_fn(const struct col_reader *r, void *to);
struct col_shape {
    size_t size; /* of the struct */
    col_take_fn *take;
    const char *name; /* of the message, for faults */
};

static inline bool col_read_message(struct otl_view raw, void *ret, const struct col_shape *shape,
                                    struct col_fault *fault)
{
    struct col_reader r;

    memset(ret, 0, shape->size);
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r))
        if (!shape->take(&r, ret))
            return false;
    return col_reader_finish(&r, shape->name);
}

static inline bool col_take_wire(const struct col_reader *r, uint32_t wire, const char *name)
{
    return r->field.wire == wire || col_fail(r->fault, r->tag, name, "wrong wire type");
}

/* Most text is short ASCII: look at it by words, the last one overlapping. */
static inline bool col_ascii(const uint8_t *data, size_t len)
{
    uint64_t bits = 0, word;

    if (len < 8) {
        for (size_t i = 0; i < len; i++)
            bits |= data[i];
        return (bits & 0x80) == 0;
    }
    for (size_t i = 0; i + 8 < len; i += 8) {
        memcpy(&word, data + i, 8);
        bits |= word;
    }
    memcpy(&word, data + len - 8, 8);
    return ((bits | word) & 0x8080808080808080ULL) == 0;
}

static inline struct otl_view col_bytes_of(const struct col_field *field)
{
    return otl_view((const char *)field->data, (size_t)field->scalar);
}

static inline bool col_take_text(const struct col_reader *r, struct otl_view *ret,
                                 const char *name)
{
    struct otl_view text = col_bytes_of(&r->field);

    if (!col_take_wire(r, COL_WIRE_BYTES, name))
        return false;
    if (r->fault != NULL && !col_ascii(r->field.data, text.len) &&
        !otl_utf8_valid(text.data, text.len))
        return col_fail(r->fault, r->field.data, name, "not UTF-8");
    *ret = text;
    return true;
}

static inline bool col_take_id(const struct col_reader *r, uint8_t *ret, size_t size,
                               const char *name)
{
    if (!col_take_wire(r, COL_WIRE_BYTES, name))
        return false;
    if (r->field.scalar == size)
        memcpy(ret, r->field.data, size);
    else if (r->field.scalar == 0)
        memset(ret, 0, size);
    else
        return col_fail(r->fault, r->field.data, name, "wrong length of an id");
    return true;
}

static inline bool col_take_u32(const struct col_reader *r, uint32_t *ret, const char *name)
{
    if (!col_take_wire(r, COL_WIRE_VARINT, name))
        return false;
    *ret = (uint32_t)r->field.scalar;
    return true;
}

static inline bool col_take_i32(const struct col_reader *r, int32_t *ret, const char *name)
{
    if (!col_take_wire(r, COL_WIRE_VARINT, name))
        return false;
    *ret = (int32_t)(uint32_t)r->field.scalar;
    return true;
}

static inline bool col_take_fixed32(const struct col_reader *r, uint32_t *ret, const char *name)
{
    if (!col_take_wire(r, COL_WIRE_FIXED32, name))
        return false;
    *ret = (uint32_t)r->field.scalar;
    return true;
}

static inline bool col_take_fixed64(const struct col_reader *r, uint64_t *ret, const char *name)
{
    if (!col_take_wire(r, COL_WIRE_FIXED64, name))
        return false;
    *ret = r->field.scalar;
    return true;
}

/* One more item of a repeated message or text. */
static inline bool col_take_item(const struct col_reader *r, struct col_list *list,
                                 const char *name)
{
    if (!col_take_wire(r, COL_WIRE_BYTES, name))
        return false;
    if (list->count++ == 0) {
        list->cursor.at = r->tag;
        list->cursor.end = r->cursor.end;
        list->field = r->field.number;
    }
    return true;
}

/* One more attribute, checked to its leaves. */
bool col_take_attribute(const struct col_reader *r, struct col_list *list);
bool col_check_attribute(struct otl_view raw, unsigned depth, struct col_fault *fault);
bool col_check_value(struct otl_view raw, unsigned depth, struct col_fault *fault);
bool col_read_event(struct otl_view raw, struct col_event *ret, struct col_fault *fault);
bool col_read_link(struct otl_view raw, struct col_link *ret, struct col_fault *fault);
bool col_read_entity_ref(struct otl_view raw, struct col_entity_ref *ret,
                         struct col_fault *fault);
bool col_read_point(enum col_metric_kind kind, struct otl_view raw, struct col_point *ret,
                    struct col_fault *fault);
bool col_read_span(struct otl_view raw, struct col_span *ret, struct col_fault *fault);

/* The next message of any scope of the request, not looked at; false: none or a fault. */
bool col_member_next(struct col_traces *traces, struct otl_view *ret);

/* The next item's bytes; false: no more. */
bool col_list_next(struct col_list *list, struct otl_view *ret);

#endif
