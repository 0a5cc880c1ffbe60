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
    COL_GRPC_UNKNOWN = 2,
    COL_GRPC_INVALID_ARGUMENT = 3,
    COL_GRPC_RESOURCE_EXHAUSTED = 8,
    COL_GRPC_INTERNAL = 13,
    COL_GRPC_UNAVAILABLE = 14
};

/* google.rpc.Status {code, message} in protobuf. */
OTEL_MUST_USE enum otel_err col_status_write(enum col_grpc_code code, const char *message,
                                             struct otl_buf *out);

#endif
