/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_PUT_H
#define COL_WIRE_PUT_H

#include <stddef.h>
#include <stdint.h>

#include "collector-mock/wire/field.h"
#include "sdk/base/buf.h"

/*
 * The little protobuf that the collector writes: answers, and groups around spans that are copied
 * as they are. Whole telemetry is never encoded here.
 *
 * Errors    those of otl_buf_append().
 */

enum { COL_VARINT_MAX = 10 };

static inline size_t col_varint_write(uint64_t value, uint8_t out[COL_VARINT_MAX])
{
    size_t len = 0;

    while (value >= 0x80) {
        out[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[len++] = (uint8_t)value;
    return len;
}

/* Bytes of a field of wire type 2 with a number below 16: tag, length, content. */
static inline size_t col_field_size(size_t len)
{
    uint8_t scratch[COL_VARINT_MAX];

    return 1 + col_varint_write(len, scratch) + len;
}

OTEL_MUST_USE static inline enum otel_err col_put_varint(struct otl_buf *out, uint64_t value)
{
    uint8_t bytes[COL_VARINT_MAX];

    return otl_buf_append(out, bytes, col_varint_write(value, bytes));
}

/* Tag (number below 16) and length; len bytes of content are to follow. */
OTEL_MUST_USE static inline enum otel_err col_put_head(struct otl_buf *out, uint32_t number,
                                                       size_t len)
{
    enum otel_err err = otl_buf_append_byte(out, (uint8_t)(number << 3 | COL_WIRE_BYTES));

    return err == OTEL_OK ? col_put_varint(out, len) : err;
}

OTEL_MUST_USE static inline enum otel_err col_put_field(struct otl_buf *out, uint32_t number,
                                                        struct otl_view content)
{
    enum otel_err err = col_put_head(out, number, content.len);

    return err == OTEL_OK && content.len > 0 ? otl_buf_append(out, content.data, content.len)
                                             : err;
}

#endif
