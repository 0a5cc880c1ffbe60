/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_HEADERS_H
#define OTL_HEADERS_H

#include <otel/sdk/otlp.h>

#include "sdk/base/buf.h"

/*
 * Request headers as lines, judged before they can break a request.
 *
 * Threads   no state.
 */

/* Append "Name: value\r\n". OTEL_ERR_SYNTAX: name is no token or value holds a control character.
 * OTEL_ERR_UNSUPPORTED: a header that the exporter itself decides on. OTEL_ERR_LIMIT,
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_header_append(const struct otel_sdk_header *header,
                                              struct otl_buf *lines);

#endif
