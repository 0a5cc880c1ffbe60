/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/status.h"

#include <string.h>

static enum otel_err put_varint(struct otl_buf *out, uint64_t value)
{
    enum otel_err err = OTEL_OK;

    while (value >= 0x80 && err == OTEL_OK) {
        err = otl_buf_append_byte(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    return err == OTEL_OK ? otl_buf_append_byte(out, (uint8_t)value) : err;
}

enum otel_err col_status_write(enum col_grpc_code code, const char *message, struct otl_buf *out)
{
    size_t len = strlen(message);
    enum otel_err err = OTEL_OK;

    if (code != COL_GRPC_OK) {
        err = otl_buf_append_byte(out, 1 << 3);
        if (err == OTEL_OK)
            err = put_varint(out, (uint64_t)code);
    }
    if (err == OTEL_OK && len > 0) {
        err = otl_buf_append_byte(out, (2 << 3) | 2);
        if (err == OTEL_OK)
            err = put_varint(out, len);
        if (err == OTEL_OK)
            err = otl_buf_append(out, message, len);
    }
    return err;
}
