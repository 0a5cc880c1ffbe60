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
    enum col_next next;

    r->tag = r->cursor.at;
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

/* 16 bytes at once, wherever they stand. */
typedef uint64_t col_pair __attribute__((vector_size(16)));

static inline col_pair col_load_pair(const uint8_t *at)
{
    col_pair pair;

    memcpy(&pair, at, sizeof(pair));
    return pair;
}

#define COL_HIGH_BITS 0x8080808080808080ULL /* of bytes that are no ASCII */

/* Most text is short ASCII: look at many bytes at once, the last ones overlapping. */
static inline bool col_ascii(const uint8_t *data, size_t len)
{
    const uint8_t *last = data + len;
    uint64_t bits = 0;
    col_pair all;

    if (len > 16) {
        all = col_load_pair(data) | col_load_pair(last - 16);
        if (len > 32) {
            all |= col_load_pair(data + 16) | col_load_pair(last - 32);
            for (data += 32; last - data > 32; data += 16)
                all |= col_load_pair(data);
        }
        bits = all[0] | all[1];
    } else if (len >= 8) {
        bits = col_little(data, 8) | col_little(last - 8, 8);
    } else if (len >= 4) {
        bits = col_little(data, 4) | col_little(last - 4, 4);
    } else {
        for (; data < last; data++)
            bits |= *data;
    }
    return (bits & COL_HIGH_BITS) == 0;
}

/* One varint to the end, of no more than 10 bytes; may: so many bytes before it can be read. */
static inline bool col_is_varint(const uint8_t *at, size_t len, size_t may)
{
    size_t i = 0;

    if (len <= 8 && len + may >= 8) { /* all but the last go on */
        unsigned others = 8 * (8 - (unsigned)len);
        return (col_little(at + len - 8, 8) & COL_HIGH_BITS) >> others ==
               (COL_HIGH_BITS >> 8) >> others;
    }
    while (i < len && i < 9 && at[i] >= 0x80)
        i++;
    return i + 1 == len && (i < 9 ? at[i] < 0x80 : at[i] <= 1);
}

/*
 * The attribute as nearly every program writes it: key, then value, each once, of less than 128
 * bytes, a scalar in ASCII: tags and lengths are below 0x80 too, so one look at all bytes of a text
 * attribute is enough. False says nothing: read it.
 */
__attribute__((always_inline)) static inline bool col_is_plain_attribute(const uint8_t *at,
                                                                         size_t len)
{
    uint32_t value_len, head, text;
    const uint8_t *value;
    size_t key_end;

    if (len < 6 || len > 0x7f || at[0] != 0x0a)
        return false;
    key_end = 2 + (size_t)at[1];
    value_len = (uint32_t)(len - key_end) - 2;
    if (value_len - 2 > 0x7d) /* or less than 2 */
        return false;
    value = at + key_end;
    /* 0x12, its length, the tag inside, what follows: of a text 0x0a and two less */
    head = (uint32_t)col_little(value, 4);
    text = value_len * 0x01000100U + 0x000a0012U - 0x02000000U;
    if (head == text)
        return col_ascii(at, len);
    if (((head ^ text) & 0xffff) != 0)
        return false;
    switch (head >> 16 & 0xff) {
    case 2 << 3 | COL_WIRE_VARINT:
    case 3 << 3 | COL_WIRE_VARINT:
        return col_is_varint(value + 3, value_len - 1, key_end + 3) && col_ascii(at, key_end + 3);
    case 4 << 3 | COL_WIRE_FIXED64:
        return value_len == 9 && col_ascii(at, key_end + 3);
    default:
        return false;
    }
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

/* The plain attributes that come next, all at once, if their tag is of one byte; any other field is
 * left for col_reader_next(). */
void col_take_plain(struct col_reader *r, uint32_t number, struct col_list *list);
/* Where they end, in [at, end), which has this tag before each of them. */
const uint8_t *col_skip_plain(const uint8_t *at, const uint8_t *end, uint8_t tag,
                              uint32_t *ret_count);
/* Whether the span is right and has nothing but ids, a name, kind, times, plain attributes and
 * flags, in their order. False says nothing: read it. */
bool col_is_usual_span(struct otl_view raw);
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
