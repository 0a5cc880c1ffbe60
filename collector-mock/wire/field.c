/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/field.h"

bool col_varint_long(struct col_cursor *cursor, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 10; i++) {
        uint8_t byte;
        if (cursor->at == cursor->end)
            return false;
        byte = *cursor->at++;
        if (i == 9 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool skip_plain(struct col_cursor *cursor, uint64_t wire)
{
    uint64_t value;

    switch (wire) {
    case COL_WIRE_VARINT:
        return col_varint(cursor, &value);
    case COL_WIRE_FIXED64:
        return col_fixed(cursor, 8, &value);
    case COL_WIRE_FIXED32:
        return col_fixed(cursor, 4, &value);
    case COL_WIRE_BYTES:
        if (!col_varint(cursor, &value) || value > (uint64_t)(cursor->end - cursor->at))
            return false;
        cursor->at += value;
        return true;
    default:
        return false;
    }
}

bool col_group_skip(struct col_cursor *cursor, uint32_t number)
{
    uint32_t open[COL_GROUPS_MAX];
    unsigned depth = 1;

    open[0] = number;
    while (depth > 0) {
        uint64_t tag;
        if (!col_varint(cursor, &tag) || tag > UINT32_MAX || tag < 8)
            return false;
        if ((tag & 7) == COL_WIRE_GROUP) {
            if (depth == COL_GROUPS_MAX)
                return false;
            open[depth++] = (uint32_t)(tag >> 3);
        } else if ((tag & 7) == COL_WIRE_GROUP_END) {
            if (open[--depth] != tag >> 3)
                return false;
        } else if (!skip_plain(cursor, tag & 7)) {
            return false;
        }
    }
    return true;
}

enum col_next col_field_long(struct col_cursor *cursor, struct col_field *ret)
{
    uint64_t tag;
    bool good;

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
