/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_PASSING_SPAN_H
#define OTL_PASSING_SPAN_H

#include <otel/impl.h>

/*
 * Passing span: a non-recording span that only carries a span context.
 *
 * Life      new with one reference; the API's ref/unref.
 * Threads   immutable, counted atomically.
 * Memory    one allocation; holds a reference to the trace state.
 */

/* NULL: no memory. */
struct otel_span *otl_passing_span_new(const struct otel_span_context *context);

#endif
