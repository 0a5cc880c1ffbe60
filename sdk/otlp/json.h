/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_JSON_H
#define OTL_JSON_H

#include <otel/err.h>
#include <otel/types.h>

#include "sdk/base/buf.h"

/*
 * OTLP/JSON of a request that was encoded: read field by field, written as it goes; no tree.
 *
 * Ids in lower-case hex, 64-bit integers as strings, enums as numbers, NaN and the infinities as
 * strings, bytes as base64, names in lowerCamelCase; all in one line.
 *
 * Threads   no state.
 * Memory    appended to out, whose maximum is the limit; as long as before on any error.
 * Limits    values nested more than 200 deep are written as empty; fields that our writer never
 *           writes are left out.
 * Spec      OTLP 1.x, "JSON Protobuf Encoding".
 */

/* request: bytes of message ExportTraceServiceRequest. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_json_request(struct otel_str request, struct otl_buf *out);

/* Text between quotes, escaped; ill-formed UTF-8 becomes U+FFFD. */
OTEL_MUST_USE enum otel_err otl_json_text(struct otel_str text, struct otl_buf *out);

#endif
