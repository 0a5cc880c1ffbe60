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

static inline bool col_fixed(struct col_cursor *cursor, size_t size, uint64_t *ret)
{
    uint64_t value = 0;

    if ((size_t)(cursor->end - cursor->at) < size)
        return false;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)cursor->at[i] << (8 * i);
    cursor->at += size;
    *ret = value;
    return true;
}

/* COL_NEXT_DAMAGED leaves the cursor where the damage was seen. */
static inline enum col_next col_field_next(struct col_cursor *cursor, struct col_field *ret)
{
    uint64_t tag;
    bool good;

    if (cursor->at == cursor->end)
        return COL_NEXT_END;
    if (!col_varint(cursor, &tag) || tag > UINT32_MAX || tag < 8)
        return COL_NEXT_DAMAGED;
    ret->number = (uint32_t)(tag >> 3);
    ret->wire = (uint32_t)(tag & 7);
    switch (ret->wire) {
    case COL_WIRE_BYTES:
        good = col_varint(cursor, &ret->scalar) &&
               ret->scalar <= (uint64_t)(cursor->end - cursor->at);
        if (good) {
            ret->data = cursor->at;
            cursor->at += ret->scalar;
        }
        break;
    case COL_WIRE_VARINT:
        good = col_varint(cursor, &ret->scalar);
        break;
    case COL_WIRE_FIXED64:
        good = col_fixed(cursor, 8, &ret->scalar);
        break;
    case COL_WIRE_FIXED32:
        good = col_fixed(cursor, 4, &ret->scalar);
        break;
    case COL_WIRE_GROUP:
        good = col_group_skip(cursor, ret->number);
        break;
    default:
        good = false;
        break;
    }
    return good ? COL_NEXT_FIELD : COL_NEXT_DAMAGED;
}

#endif
