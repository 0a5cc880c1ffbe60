/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_READ_JSON_H
#define HX_TAIL_READ_JSON_H

#include "harness/verify/tail/read.h"

/* One ExportTraceServiceRequest in OTLP/JSON; for read.c. OTEL_ERR_SYNTAX: it is none. */
OTEL_MUST_USE enum otel_err hx_tail_read_json(struct otl_view text,
                                              const struct hx_tail_sink *sink,
                                              uint64_t *fragment, uint64_t *spans);

#endif
