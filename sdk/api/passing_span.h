/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_PASSING_SPAN_H
#define OTL_PASSING_SPAN_H

#include <otel/impl.h>

/*
 * Passing span: a non-recording span that only carries a span context; and what the files of the
 * API share with it.
 *
 * Life      new with one reference; the API's ref/unref.
 * Threads   immutable, counted atomically.
 * Memory    one allocation; holds a reference to the trace state.
 */

/* The invalid span itself, for comparisons without a call. */
extern struct otel_span otl_invalid_span;

/* The attached context of this thread; NULL: root. One pair for each thread; the model keeps a
 * shared library from calling __tls_get_addr. */
struct otl_current {
    struct otel_context *context;
    size_t depth;
};
extern _Thread_local __attribute__((tls_model("initial-exec"))) struct otl_current otl_current;

/* NULL: no memory. */
struct otel_span *otl_passing_span_new(const struct otel_span_context *context);

#endif
