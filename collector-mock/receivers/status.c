/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/status.h"

#include "collector-mock/wire/put.h"

unsigned col_status_http(enum col_grpc_code code)
{
    switch (code) {
    case COL_GRPC_OK:
        return 200;
    case COL_GRPC_INVALID_ARGUMENT:
        return 400;
    case COL_GRPC_UNAUTHENTICATED:
        return 401;
    case COL_GRPC_PERMISSION_DENIED:
        return 403;
    case COL_GRPC_UNIMPLEMENTED:
        return 404;
    case COL_GRPC_RESOURCE_EXHAUSTED:
        return 429;
    case COL_GRPC_CANCELLED:
    case COL_GRPC_DEADLINE_EXCEEDED:
    case COL_GRPC_ABORTED:
    case COL_GRPC_OUT_OF_RANGE:
    case COL_GRPC_UNAVAILABLE:
    case COL_GRPC_DATA_LOSS:
        return 503;
    case COL_GRPC_UNKNOWN:
    case COL_GRPC_NOT_FOUND:
    case COL_GRPC_ALREADY_EXISTS:
    case COL_GRPC_FAILED_PRECONDITION:
    case COL_GRPC_INTERNAL:
        return 500;
    }
    return 500;
}

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
