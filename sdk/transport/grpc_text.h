/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_GRPC_TEXT_H
#define OTL_GRPC_TEXT_H

#include "sdk/base/buf.h"

/*
 * Headers of gRPC as text: what a client reads from a status, what it writes of its own.
 *
 * Threads   no state.
 * Memory    out is the caller's; its maximum is the limit, beyond which text is cut.
 */

/* grpc-message: percent-encoded; what is not decodable is kept as it is. */
void otl_grpc_decode_message(const char *value, size_t len, struct otl_buf *out);
/* A "-bin" header: base64, padded or not; a damaged one is as none. */
void otl_grpc_decode_details(const char *value, size_t len, struct otl_buf *out);
/* "Name: value\r\n" lines become name, NUL, value, NUL; HTTP/2 wants names in lower case.
 * OTEL_ERR_ARGUMENT: no such lines; OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_grpc_split_headers(struct otl_view lines, struct otl_buf *out);

#endif
