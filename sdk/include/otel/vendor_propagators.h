/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_VENDOR_PROPAGATORS_H
#define OTEL_VENDOR_PROPAGATORS_H

#include <otel/propagation.h>

/*
 * Propagators for fleets that do not all speak W3C: B3, Jaeger, X-Ray, Datadog, OT-Trace.
 *
 * Not for new fleets: use otel/propagators.h. In a mixed one, put several into
 * otel_propagator_composite_new(): inject writes them all; extract asks them in order and the
 * last one that finds something readable wins, so put the most trusted format last.
 *
 * Life      static objects: ref and unref do nothing to them.
 * Threads   no state.
 * Memory    as for the W3C ones.
 * Limits    baggage headers (uberctx-, ot-baggage-): 64 entries and 8192 bytes in each direction.
 *
 * Extract takes hexadecimal digits of either case, inject writes lower case. What cannot be read
 * whole (a digit that is none, an id of zeros, one header of two) leaves the context unchanged.
 * None of these formats carries the Random flag; it is left unset. Of a header that came twice
 * the first counts.
 *
 * B3   keys b3 (single), X-B3-TraceId, -SpanId, -ParentSpanId, -Sampled, -Flags (multi).
 *   extract   both ways, whichever propagator it is: the single header if it is there and valid,
 *             else the multi ones. Trace ids of 16 digits get 16 zeros in front. Sampled is 0, 1 or
 *             d (debug); in the multi headers also true and false, and Flags 1 means debug. Debug
 *             implies sampled. Absent means deferred: the span context is not sampled, and a relay
 *             that starts no span leaves the word out again. A decision without ids (b3: 0) is kept
 *             for a relay but decides nothing here, there being no parent to inherit from.
 *   inject    single or multi, never the parent's id; debug for all spans below a debug parent.
 *
 * Jaeger (deprecated)   uber-trace-id TRACE:SPAN:PARENT:FLAGS, also percent-encoded; short ids
 *   are padded; flag 1 is sampled, 2 debug (which is handed on as with B3); the parent is read past
 *   and written as 0. uberctx-NAME carries baggage; reading it needs the getter's keys.
 *
 * X-Ray   X-Amzn-Trace-Id Root=1-8HEX-24HEX;Parent=16HEX;Sampled=0|1 in any order; parts of other
 *   names are read past; Sampled absent or ? is not sampled.
 *
 * Datadog   x-datadog-trace-id and -parent-id, decimal; the upper 64 bits of the trace id in the
 *   tag _dd.p.tid of x-datadog-tags (without it, or with a malformed one, they are zero);
 *   x-datadog-sampling-priority -1, 0: not sampled, 1, 2: sampled, absent: not sampled. Priority,
 *   origin and the _dd.p. tags are kept as the member dd of the trace state, the way Datadog's own
 *   W3C mode does, and written again by inject: a priority that contradicts the sampled flag
 *   becomes 1 or 0. Tags that have no room (256 bytes in dd, 512 in the header) are left out whole.
 *
 * OT-Trace (deprecated)   ot-tracer-traceid (16 or 32 digits; the lower 16 are written),
 *   ot-tracer-spanid, ot-tracer-sampled true or false (1 and 0 are read, too), ot-baggage-NAME.
 *
 * Spec: OpenTelemetry context, "B3 Requirements" and "Propagators Distribution"; openzipkin
 * b3-propagation; AWS X-Ray "Tracing header"; Datadog "Trace Context Propagation".
 */

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed, static. Field: b3. OTEL_PROPAGATORS: b3. */
OTEL_API struct otel_propagator *otel_propagator_b3(void);
/* Borrowed, static. OTEL_PROPAGATORS: b3multi. */
OTEL_API struct otel_propagator *otel_propagator_b3_multi(void);
/* Borrowed, static. OTEL_PROPAGATORS: jaeger. */
OTEL_API struct otel_propagator *otel_propagator_jaeger(void);
/* Borrowed, static. OTEL_PROPAGATORS: xray. */
OTEL_API struct otel_propagator *otel_propagator_xray(void);
/* Borrowed, static. OTEL_PROPAGATORS: datadog (a word of ours; the specification has none). */
OTEL_API struct otel_propagator *otel_propagator_datadog(void);
/* Borrowed, static. OTEL_PROPAGATORS: ottrace. */
OTEL_API struct otel_propagator *otel_propagator_ottrace(void);

#ifdef __cplusplus
}
#endif
#endif
