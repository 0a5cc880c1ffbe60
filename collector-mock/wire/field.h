/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_FIELD_H
#define COL_WIRE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * One protobuf field at a time, read in place: the ground that the OTLP reader stands on.
 *
 * Life      a cursor over bytes that stay the caller's; copy it to come back to a place.
 * Memory    nothing is allocated or copied; data points into the buffer.
 * Limits    never reads outside [at, end). A varint has at most 10 bytes, a field number is 1 to
 *           2^29-1. Groups (wire types 3 and 4) are stepped over, nested at most COL_GROUPS_MAX
 *           deep; they come out as COL_WIRE_GROUP and mean nothing to any reader of ours.
 */

enum { COL_GROUPS_MAX = 32 };

enum col_wire_type {
    COL_WIRE_VARINT = 0,
    COL_WIRE_FIXED64 = 1,
    COL_WIRE_BYTES = 2,
    COL_WIRE_GROUP = 3,
    COL_WIRE_GROUP_END = 4,
    COL_WIRE_FIXED32 = 5
};

struct col_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

struct col_field {
    uint32_t number;
    uint32_t wire;       /* enum col_wire_type, never GROUP_END */
    uint64_t scalar;     /* varint, fixed64, fixed32; the length for BYTES */
    const uint8_t *data; /* BYTES: scalar bytes */
};

enum col_next { COL_NEXT_FIELD, COL_NEXT_END, COL_NEXT_DAMAGED };

/* A varint of any length. */
bool col_varint_long(struct col_cursor *cursor, uint64_t *ret);
/* Step over a group that was opened with number. */
bool col_group_skip(struct col_cursor *cursor, uint32_t number);

static inline bool col_varint(struct col_cursor *cursor, uint64_t *ret)
{
    const uint8_t *at = cursor->at;

    if (at < cursor->end && at[0] < 0x80) {
        *ret = at[0];
        cursor->at = at + 1;
        return true;
    }
    if (cursor->end - at >= 2 && at[1] < 0x80) {
        *ret = (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
        cursor->at = at + 2;
        return true;
    }
    return col_varint_long(cursor, ret);
}

static inline uint64_t col_little(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(&value, at, size);
#else
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
#endif
    return value;
}

static inline bool col_fixed(struct col_cursor *cursor, size_t size, uint64_t *ret)
{
    if ((size_t)(cursor->end - cursor->at) < size)
        return false;
    *ret = col_little(cursor->at, size);
    cursor->at += size;
    return true;
}

/* What has a tag of one byte and a length or varint of one byte, and 64 bits: nearly every field.
 * False says nothing, and leaves the cursor. */
static inline bool col_field_short(struct col_cursor *cursor, struct col_field *ret)
{
    const uint8_t *at = cursor->at;
    size_t left = (size_t)(cursor->end - at);

    if (left < 2 || at[0] >= 0x80 || at[0] < 8)
        return false;
    ret->number = at[0] >> 3;
    ret->wire = at[0] & 7;
    ret->scalar = at[1];
    ret->data = at + 2;
    if (ret->wire == COL_WIRE_BYTES && at[1] < 0x80 && left - 2 >= at[1]) {
        cursor->at = at + 2 + at[1];
    } else if (ret->wire == COL_WIRE_FIXED64 && left >= 9) {
        ret->scalar = col_little(at + 1, 8);
        cursor->at = at + 9;
    } else if (ret->wire == COL_WIRE_VARINT && at[1] < 0x80) {
        cursor->at = at + 2;
    } else {
        return false;
    }
    return true;
}

/* The next field, if it has this number, one byte of tag and a length of two: most of what is as
 * large as a span. False says nothing, and leaves the cursor. */
static inline bool col_field_large(struct col_cursor *cursor, uint32_t number,
                                   struct col_field *ret)
{
    const uint8_t *at = cursor->at;
    size_t left = (size_t)(cursor->end - at), len;

    if (left < 3 || at[0] != (number << 3 | COL_WIRE_BYTES) || at[1] < 0x80 || at[2] >= 0x80)
        return false;
    len = (size_t)(at[1] & 0x7f) | (size_t)at[2] << 7;
    if (left - 3 < len)
        return false;
    *ret = (struct col_field){number, COL_WIRE_BYTES, len, at + 3};
    cursor->at = at + 3 + len;
    return true;
}

/* Any field of a cursor that is not at its end. */
enum col_next col_field_long(struct col_cursor *cursor, struct col_field *ret);

/* COL_NEXT_DAMAGED leaves the cursor where the damage was seen. */
static inline enum col_next col_field_next(struct col_cursor *cursor, struct col_field *ret)
{
    if (col_field_short(cursor, ret))
        return COL_NEXT_FIELD;
    return cursor->at == cursor->end ? COL_NEXT_END : col_field_long(cursor, ret);
}

#endif
