/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TELEMETRY_DECISIONS_H
#define COL_TELEMETRY_DECISIONS_H

#include <stdint.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * The collector's own record of what its tail sampling decided, beside the tap: one line of JSON a
 * decision, for the referee.
 *
 *     {"event":"decision","processor":"tail_sampling","trace_id":"4bf9...","decision":"sampled",
 *      "policy":"errors","spans":10,"mono_ns":123,"wall_ns":456}
 *
 * event     start (once a processor), decision, late (spans after the decision), cached (spans that
 *           a decision cache answered), evicted (forgotten undecided), too_large, pending_dropped
 *           (undecided at the end, under drop_pending_traces_on_shutdown), end (once a processor)
 * decision  sampled, not_sampled, dropped; absent in start, evicted, pending_dropped and end
 * policy    the first one with the winning opinion; absent where none sampled
 * spans     how many the event is about
 *
 * Life      open -> write..., flush... -> close.
 * Threads   one.
 * Limits    lines are kept back until flush or COL_DECISIONS_BYTES; what cannot be written is
 *           counted and not tried again.
 */

enum { COL_DECISIONS_BYTES = 64 * 1024 };

struct col_decisions {
    int fd; /* -1: none */
    struct otl_buf lines;
    uint64_t failures; /* lines lost */
    uint64_t pending;  /* lines kept back */
};

struct col_decision_row {
    const char *event, *processor;
    const uint8_t *trace_id;  /* NULL: none */
    const char *decision;     /* NULL: none */
    const char *policy;       /* NULL: none */
    uint64_t spans, mono_ns, wall_ns;
};

/* Appends to the file. OTEL_ERR_IO with the reason. */
OTEL_MUST_USE enum otel_err col_decisions_open(const char *path, struct col_decisions *ret,
                                               struct otl_detail *reterr);
void col_decisions_write(struct col_decisions *decisions, const struct col_decision_row *row);
void col_decisions_flush(struct col_decisions *decisions);
void col_decisions_close(struct col_decisions *decisions);

#endif
