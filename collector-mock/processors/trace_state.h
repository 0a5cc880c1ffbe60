/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TRACE_STATE_H
#define COL_PROCESSORS_TRACE_STATE_H

#include <stdbool.h>

#include "sdk/base/buf.h"

/*
 * The two numbers of sampling in a W3C tracestate: ot=rv:RANDOMNESS;th:THRESHOLD, of 56 bits.
 *
 * A span is in the sample when threshold <= randomness. The other members, and the other keys of
 * ot, are kept in their order behind the two, as the Collector writes them.
 *
 * Life      read -> change the numbers -> write. Values only.
 * Threads   values only.
 * Memory    views point into the text that was read.
 * Limits    1024 bytes, 31 members, 256 bytes of ot: the Collector's; more is an error there too.
 */

#define COL_THRESHOLD_NEVER ((uint64_t)1 << 56) /* has no text */
#define COL_RANDOMNESS_MAX (COL_THRESHOLD_NEVER - 1)

struct col_trace_state {
    struct otl_view text;
    struct otl_view ot;       /* what stands behind ot= */
    bool has_rv, has_th;
    uint64_t rv, th;
    struct otl_view rv_text, th_text; /* as they came; empty: written from the numbers */
};

/* False: not a tracestate that the Collector reads. */
bool col_trace_state_read(struct otl_view text, struct col_trace_state *ret);
OTEL_MUST_USE enum otel_err col_trace_state_write(const struct col_trace_state *state,
                                                  struct otl_buf *out);
/* One of the two by itself: 1 to 14 hexadecimal digits, of a randomness 14. */
enum { COL_THRESHOLD_TEXT = 15 };
bool col_threshold_read(struct otl_view text, uint64_t *ret);
bool col_randomness_read(struct otl_view text, uint64_t *ret);
char *col_threshold_text(uint64_t threshold, char out[COL_THRESHOLD_TEXT]);
char *col_randomness_text(uint64_t randomness, char out[COL_THRESHOLD_TEXT]);

/* The threshold of a probability in (0, 1], rounded to so many hexadecimal digits that mean
 * something; COL_THRESHOLD_NEVER below 2^-56. */
uint64_t col_threshold_of(double probability, unsigned precision);
double col_threshold_probability(uint64_t threshold);

#endif
