/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OTLP_BATCH_H
#define OTL_OTLP_BATCH_H

#include <otel/sdk/exporter.h>

#include "sdk/base/buf.h"

/*
 * A batch of spans as one ExportTraceServiceRequest: pure, no I/O.
 *
 * The spans are encoded already; they are copied behind the heads of their resource and scopes.
 *
 * Threads   no state.
 * Memory    one reservation in the caller's buffer, appended to what it holds; of exactly the
 *           right size. Reuse the buffer: in steady state nothing is allocated.
 */

/* OTEL_ERR_LIMIT: the request exceeds the buffer's maximum; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_otlp_encode_batch(const struct otel_sdk_batch *batch,
                                                  struct otl_buf *out);

#endif
