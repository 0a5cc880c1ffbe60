/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OTLP_RESPONSE_H
#define OTL_OTLP_RESPONSE_H

#include <otel/err.h>

#include "sdk/base/buf.h"

/*
 * Reader of ExportTraceServiceResponse: what a peer says about a request that it accepted.
 *
 *     message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
 *     message ExportTracePartialSuccess  { int64 rejected_spans = 1; string error_message = 2; }
 *
 * Threads   no state.
 * Memory    the message is a view into the body.
 *
 * Unknown fields are skipped; of repeated ones the last counts, as protobuf has it.
 */

struct otl_otlp_response {
    uint64_t rejected;
    struct otl_view message; /* may be empty */
};

/* An empty body is a full success. OTEL_ERR_SYNTAX: not such a message; OTEL_ERR_ARGUMENT: a
 * negative count. */
OTEL_MUST_USE enum otel_err otl_otlp_response_read(struct otl_view body,
                                                   struct otl_otlp_response *ret);

#endif
