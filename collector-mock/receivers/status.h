/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_STATUS_H
#define COL_RECEIVERS_STATUS_H

#include "collector-mock/grpc/code.h"
#include "sdk/base/buf.h"

/*
 * Bodies of OTLP answers: google.rpc.Status for errors, ExportTracePartialSuccess.
 *
 * Memory    appended to *out.
 */

/* The HTTP status by which the Collector's OTLP/HTTP says the same. */
unsigned col_status_http(enum col_grpc_code code);
/* And back, for what is said by an HTTP status of 400 or more. */
enum col_grpc_code col_status_grpc(unsigned status);

/* google.rpc.Status {code, message} in protobuf. */
OTEL_MUST_USE enum otel_err col_status_write(enum col_grpc_code code, const char *message,
                                             struct otl_buf *out);
/* The same in JSON. */
OTEL_MUST_USE enum otel_err col_status_write_json(enum col_grpc_code code, const char *message,
                                                  struct otl_buf *out);
/* The same with a google.rpc.RetryInfo among the details. */
OTEL_MUST_USE enum otel_err col_status_write_retry(enum col_grpc_code code, const char *message,
                                                   uint64_t delay_s, struct otl_buf *out);

#endif
