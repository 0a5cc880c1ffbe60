/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_PROPAGATORS_H
#define OTEL_PROPAGATORS_H

#include <otel/propagation.h>

/*
 * The W3C propagators: trace context (level 2) and baggage. They work without SDK, so that a
 * program with the API alone passes on what it received.
 *
 * Usually both are wanted: otel_propagator_w3c(). Set the result with
 * otel_propagator_set_global(); until then the global propagator does nothing.
 *
 * Life      static objects: ref and unref do nothing to them.
 * Threads   no state.
 * Memory    inject and extract allocate buffers for the time of the call. When that fails, inject
 *           leaves out what it could not write and extract what it could not read.
 *
 * Trace context
 *   extract   one valid traceparent is needed: lower-case digits, ids not all zero, version not
 *             ff; version 00 is exactly 55 bytes, of a later one the first 55 are read. None, two
 *             of them or an invalid one: the context is returned unchanged, whatever tracestate
 *             says. A tracestate that is invalid, over 32 members or over 8192 bytes is left out;
 *             the traceparent stands. Several tracestate headers are joined in their order.
 *   inject    version 00 with the flags sampled and random only; nothing if the span context is
 *             invalid. tracestate is left out when empty.
 *   needs     get_all of the getter to notice duplicate headers; with get alone the first counts.
 *
 * Baggage
 *   extract   malformed members are left out, the others kept; of two with one name the later
 *             counts. Values are percent-decoded ('+' is a plus sign, a '%' without two digits
 *             stands for itself), ill-formed UTF-8 becomes U+FFFD. Properties behind ';' are kept
 *             as opaque metadata. The extracted baggage replaces that of the context; a header
 *             without any valid member changes nothing.
 *   inject    everything but letters, digits and -._~ is percent-encoded. Names that are no token
 *             cannot be written and are left out; metadata that would break the header is.
 *   limits    64 members and 8192 bytes, in both directions: whole members beyond them are left
 *             out, never part of one.
 *
 * Spec: W3C Trace Context Level 2; W3C Baggage; OpenTelemetry context, "Propagators".
 */

#ifdef __cplusplus
extern "C" {
#endif

enum { OTEL_W3C_BAGGAGE_MAX_MEMBERS = 64, OTEL_W3C_BAGGAGE_MAX_BYTES = 8192 };

/* Borrowed, static. Fields: traceparent, tracestate. */
OTEL_API struct otel_propagator *otel_propagator_tracecontext(void);
/* Borrowed, static. Field: baggage. */
OTEL_API struct otel_propagator *otel_propagator_baggage(void);
/* Borrowed, static: tracecontext, then baggage; what OTEL_PROPAGATORS means when it is unset. */
OTEL_API struct otel_propagator *otel_propagator_w3c(void);

#ifdef __cplusplus
}
#endif
#endif
