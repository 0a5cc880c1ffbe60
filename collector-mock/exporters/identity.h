/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_IDENTITY_H
#define COL_EXPORTERS_IDENTITY_H

#include "collector-mock/wire/metrics.h"

/*
 * The texts by which the Collector tells resources and streams of data points apart
 * ("resource/79a2...", "stream/1f0c..."): what load balancing hashes.
 *
 * A list of attributes is put into bytes in the order of its keys (of a key that stands there
 * twice the first value, twice) and hashed by XXH64, once as it is and once with a byte behind it;
 * resource, scope, metric and point are then taken into one FNV-1a of 64 bits.
 *
 * Threads   no state.
 * Memory    scratch is the caller's and overwritten; the attributes of one list are sorted in
 *           memory of their own.
 */

enum { COL_IDENTITY_TEXT = 32 };

/* OTEL_ERR_MEMORY, OTEL_ERR_LIMIT (of scratch). */
OTEL_MUST_USE enum otel_err col_identity_of_resource(struct otl_buf *scratch,
                                                     const struct col_resource *resource,
                                                     char ret[COL_IDENTITY_TEXT]);
/* Of one of the metric's points; the metric says its resource and scope. */
OTEL_MUST_USE enum otel_err col_identity_of_stream(struct otl_buf *scratch,
                                                   const struct col_metric *metric,
                                                   const struct col_point *point,
                                                   char ret[COL_IDENTITY_TEXT]);

#endif
