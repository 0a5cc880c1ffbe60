/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/otlp_response.h"

#include <stdbool.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct field {
    uint64_t number;
    unsigned type;
    uint64_t value;        /* VARINT */
    struct otl_view bytes; /* BYTES */
};

static bool take_varint(struct otl_view *rest, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70 && rest->len > 0; shift += 7) {
        unsigned char byte = (unsigned char)rest->data[0];
        rest->data++;
        rest->len--;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct otl_view *rest, uint64_t len, struct otl_view *ret)
{
    if (len > rest->len)
        return false;
    *ret = otl_view(rest->data, (size_t)len);
    rest->data += len;
    rest->len -= (size_t)len;
    return true;
}

static bool take_field(struct otl_view *rest, struct field *ret)
{
    uint64_t tag, len;

    if (!take_varint(rest, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    ret->number = tag >> 3;
    ret->type = (unsigned)(tag & 7);
    switch (ret->type) {
    case VARINT:
        return take_varint(rest, &ret->value);
    case FIXED64:
        return take_bytes(rest, 8, &ret->bytes);
    case FIXED32:
        return take_bytes(rest, 4, &ret->bytes);
    case BYTES:
        return take_varint(rest, &len) && take_bytes(rest, len, &ret->bytes);
    default: /* groups are not used in OTLP */
        return false;
    }
}

static enum otel_err read_partial(struct otl_view body, struct otl_otlp_response *ret)
{
    struct field field;

    while (body.len > 0) {
        if (!take_field(&body, &field))
            return OTEL_ERR_SYNTAX;
        if (field.number == 1 && field.type == VARINT) {
            if (field.value > INT64_MAX)
                return OTEL_ERR_ARGUMENT;
            ret->rejected = field.value;
        } else if (field.number == 2 && field.type == BYTES) {
            ret->message = field.bytes;
        }
    }
    return OTEL_OK;
}

enum otel_err otl_otlp_response_read(struct otl_view body, struct otl_otlp_response *ret)
{
    struct otl_otlp_response response = {0, {NULL, 0}};
    enum otel_err err = OTEL_OK;
    struct field field;

    while (err == OTEL_OK && body.len > 0) {
        if (!take_field(&body, &field))
            return OTEL_ERR_SYNTAX;
        if (field.number == 1 && field.type == BYTES)
            err = read_partial(field.bytes, &response);
    }
    if (err == OTEL_OK)
        *ret = response;
    return err;
}
