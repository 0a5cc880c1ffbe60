/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_STATUS_H
#define COL_RECEIVERS_STATUS_H

#include "sdk/base/buf.h"

/*
 * Bodies of OTLP answers: google.rpc.Status for errors, ExportTracePartialSuccess.
 *
 * Memory    appended to *out.
 */

enum col_grpc_code {
    COL_GRPC_OK = 0,
    COL_GRPC_CANCELLED = 1,
    COL_GRPC_UNKNOWN = 2,
    COL_GRPC_INVALID_ARGUMENT = 3,
    COL_GRPC_DEADLINE_EXCEEDED = 4,
    COL_GRPC_NOT_FOUND = 5,
    COL_GRPC_ALREADY_EXISTS = 6,
    COL_GRPC_PERMISSION_DENIED = 7,
    COL_GRPC_RESOURCE_EXHAUSTED = 8,
    COL_GRPC_FAILED_PRECONDITION = 9,
    COL_GRPC_ABORTED = 10,
    COL_GRPC_OUT_OF_RANGE = 11,
    COL_GRPC_UNIMPLEMENTED = 12,
    COL_GRPC_INTERNAL = 13,
    COL_GRPC_UNAVAILABLE = 14,
    COL_GRPC_DATA_LOSS = 15,
    COL_GRPC_UNAUTHENTICATED = 16
};

/* The HTTP status by which the Collector's OTLP/HTTP says the same. */
unsigned col_status_http(enum col_grpc_code code);

/* google.rpc.Status {code, message} in protobuf. */
OTEL_MUST_USE enum otel_err col_status_write(enum col_grpc_code code, const char *message,
                                             struct otl_buf *out);

#endif
