/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/status.h"

#include "collector-mock/wire/put.h"

enum otel_err col_status_write(enum col_grpc_code code, const char *message, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    if (code != COL_GRPC_OK) {
        err = otl_buf_append_byte(out, 1 << 3 | COL_WIRE_VARINT);
        if (err == OTEL_OK)
            err = col_put_varint(out, (uint64_t)code);
    }
    if (err == OTEL_OK && message[0] != '\0')
        err = col_put_field(out, 2, otl_view_str(message));
    return err;
}
