/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OT_H
#define OTL_OT_H

#include <otel/span_context.h>
#include <otel/trace_state.h>

/*
 * The member ot of a trace state: "th:e666;rv:6e6d1a75832a2f;other:x".
 *
 * Threads   no state.
 * Limits    256 bytes, as every member's value.
 * Spec      OpenTelemetry trace, "TraceState handling": th 1 to 14 lower-case digits, trailing
 *           zeros left out; rv exactly 14; sub-keys a-z and a-z 0-9 behind; values of letters,
 *           digits and ._-
 */

struct otl_ot {
    bool has_th, has_rv;
    uint64_t th, rv; /* 56 bits */
};

/* What is malformed counts as absent: one sub-key, or the whole member if it is no list. */
void otl_ot_read(const struct otel_trace_state *state, struct otl_ot *ret);
/* A trace state that says what ot says, all else as in state; ot is in front if it changed.
 * Without room in ot th is left out; without room in the trace state the last member of more than
 * 128 characters is. NULL when empty, or without memory. Returns a new reference. */
struct otel_trace_state *otl_ot_write(struct otel_trace_state *state, const struct otl_ot *ot);

/* state with the member ot of from, or without one as from; from where there is no memory for it.
 * Returns a new reference. */
struct otel_trace_state *otl_ot_restore(struct otel_trace_state *state,
                                        struct otel_trace_state *from);

/* rv, else the low 56 bits of the trace id. */
uint64_t otl_ot_randomness(const struct otl_ot *ot, const uint8_t *trace_id);

/* (1 - ratio) * 2^56, rounded to precision digits behind the leading f's (or zeros); ratio in
 * [2^-56, 1]. */
uint64_t otl_ot_threshold(double ratio, unsigned precision);
enum { OTL_OT_DIGITS = 14 };
/* The th of a threshold with a NUL; out has OTL_OT_DIGITS + 1 bytes. */
void otl_ot_encode(uint64_t threshold, char *out);

#endif
