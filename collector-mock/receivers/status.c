/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/status.h"

#include <stdio.h>

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

enum col_grpc_code col_status_grpc(unsigned status)
{
    switch (status) {
    case 400:
        return COL_GRPC_INVALID_ARGUMENT;
    case 401:
        return COL_GRPC_UNAUTHENTICATED;
    case 403:
        return COL_GRPC_PERMISSION_DENIED;
    case 404:
        return COL_GRPC_UNIMPLEMENTED;
    case 429:
        return COL_GRPC_RESOURCE_EXHAUSTED;
    case 500:
        return COL_GRPC_INTERNAL;
    case 502:
    case 503:
    case 504:
        return COL_GRPC_UNAVAILABLE;
    default:
        return COL_GRPC_UNKNOWN;
    }
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

enum otel_err col_status_write_json(enum col_grpc_code code, const char *message,
                                    struct otl_buf *out)
{
    enum otel_err err;
    char piece[48];

    snprintf(piece, sizeof(piece), "{\"code\":%d,\"message\":\"", (int)code);
    err = otl_buf_append_str(out, piece);
    for (; *message != '\0' && err == OTEL_OK; message++) {
        unsigned char c = (unsigned char)*message;
        if (c == '"' || c == '\\')
            snprintf(piece, sizeof(piece), "\\%c", c);
        else if (c < 0x20)
            snprintf(piece, sizeof(piece), "\\u%04x", c);
        else
            snprintf(piece, sizeof(piece), "%c", c);
        err = otl_buf_append_str(out, piece);
    }
    return err == OTEL_OK ? otl_buf_append_str(out, "\"}") : err;
}

enum otel_err col_status_write_retry(enum col_grpc_code code, const char *message,
                                     uint64_t delay_s, struct otl_buf *out)
{
    static const char type[] = "type.googleapis.com/google.rpc.RetryInfo";
    uint8_t number[COL_VARINT_MAX];
    size_t duration = 1 + col_varint_write(delay_s, number); /* {seconds: 1} */
    size_t info = col_field_size(duration);                  /* {retry_delay: 1} */
    enum otel_err err = col_status_write(code, message, out);

    if (err == OTEL_OK)
        err = col_put_head(out, 3, col_field_size(sizeof(type) - 1) + col_field_size(info));
    if (err == OTEL_OK)
        err = col_put_field(out, 1, otl_view(type, sizeof(type) - 1));
    if (err == OTEL_OK)
        err = col_put_head(out, 2, info);
    if (err == OTEL_OK)
        err = col_put_head(out, 1, duration);
    if (err == OTEL_OK)
        err = otl_buf_append_byte(out, 1 << 3 | COL_WIRE_VARINT);
    return err == OTEL_OK ? col_put_varint(out, delay_s) : err;
}
