/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_JSON_RESPONSE_H
#define OTL_JSON_RESPONSE_H

#include "sdk/exporter/otlp_response.h"

/*
 * Reader of ExportTraceServiceResponse as OTLP/JSON:
 *     {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "..."}}
 *
 * Threads   no state.
 * Memory    escapes of the message are undone in text, the caller's; the message is a view into it.
 * Limits    64 levels of nesting.
 *
 * Unknown members are skipped, null is absent, of duplicates the last counts. The count may be a
 * number or a string.
 */

/* OTEL_ERR_SYNTAX: no JSON, or not such a message; OTEL_ERR_ARGUMENT: a negative count;
 * OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. Blank is a full success. */
OTEL_MUST_USE enum otel_err otl_json_response_read(struct otl_view body, struct otl_buf *text,
                                                   struct otl_otlp_response *ret);

#endif
