/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_OTLP_JSON_H
#define COL_EXPORTERS_OTLP_JSON_H

#include "collector-mock/wire/signal.h"
#include "sdk/base/buf.h"

/*
 * OTLP/JSON of a request that was checked: one object, no newline.
 *
 * The JSON mapping of protobuf with the exceptions of OTLP: ids in lower-case hexadecimal, enums
 * as numbers. 64-bit integers are strings, bytes are base64, what has its default value is left
 * out.
 *
 * Memory    appended to *out; on failure *out holds a part of it.
 * Errors    OTEL_ERR_LIMIT or OTEL_ERR_MEMORY of the buffer.
 */
OTEL_MUST_USE enum otel_err col_json_request(enum col_signal signal, struct otl_view request,
                                             struct otl_buf *out);

/* A value as JSON, for people: text in quotes, numbers bare, lists in brackets. */
OTEL_MUST_USE enum otel_err col_json_plain(const struct col_value *value, struct otl_buf *out);

#endif
