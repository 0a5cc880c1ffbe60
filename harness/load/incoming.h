/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_INCOMING_H
#define HX_LOAD_INCOMING_H

#include <stdbool.h>
#include <stddef.h>

#include "sdk/base/buf.h"
#include "sdk/base/random.h"

/*
 * Incoming context: the trace headers that a request brings from outside, as they come from the
 * internet: none, sampled, not sampled, malformed, oversized.
 *
 *   malformed   one of HX_INCOMING_MALFORMED forms: too short, too long, version ff, ids of zeros,
 *               upper case, no digits, no traceparent at all, each with a tracestate and a baggage
 *               that are as bad; the last is a good traceparent with a bad tracestate
 *   oversized   a good, sampled traceparent, a tracestate of 40 members and 100 members of
 *               baggage, more than 8192 bytes
 *
 * Threads   no state.
 * Memory    written to the caller's buffer, without a NUL.
 */

enum { HX_INCOMING_MALFORMED = 9, HX_INCOMING_STATES = 40, HX_INCOMING_MEMBERS = 100 };

struct hx_incoming_shares { /* of all requests; the rest comes without */
    double sampled;
    double not_sampled;
    double malformed;
    double oversized;
};

struct hx_incoming {
    struct otl_view traceparent; /* its value inside out; len 0: none */
    bool valid;                  /* a traceparent that counts */
    bool sampled;
};

/* Are they within 0 and 1, also together? */
bool hx_incoming_shares_valid(const struct hx_incoming_shares *shares);
bool hx_incoming_any(const struct hx_incoming_shares *shares);
/* Bytes that the longest needs. */
size_t hx_incoming_max(const struct hx_incoming_shares *shares);

/* Draw one and write its header lines; returns the end of what was written. */
char *hx_incoming_write(const struct hx_incoming_shares *shares, struct otl_random *random,
                        char *out, struct hx_incoming *ret);

#endif
