/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_RETRY_H
#define OTL_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/buf.h"
#include "sdk/base/random.h"

/*
 * Retry policy of an OTLP client, as pure functions: time and chance are arguments.
 *
 * Retried are 429, 502, 503, 504, a connection that could not be made and one that ended without
 * an answer; nothing else is. The wait is what the server asked for in Retry-After (seconds or an
 * HTTP date), else exponential back-off with full jitter over the upper half. A wait that would
 * end after the deadline of the whole export is not begun.
 *
 * Threads   no state but the caller's struct; one owner.
 * Limits    waits are capped at max_ns; a server that asks for less than initial_ns is taken as one
 *           that asks for none; attempts end at the export's deadline, and where there is none
 *           (timeout 0) at max_attempts.
 * Spec      OTLP 1.x "OTLP/HTTP Throttling", "Failures"; protocol/exporter.md "Retry".
 */

struct otl_retry_options {
    uint64_t initial_ns;   /* init: 200 ms: the whole export has 10 s by default */
    uint64_t max_ns;       /* init: 5 s; a longer Retry-After is cut to the deadline, not to this */
    double factor;         /* init: 2 */
    unsigned max_attempts; /* init: 100; counts the first one */
};

struct otl_retry {
    struct otl_retry_options options;
    unsigned attempts; /* made so far */
    uint64_t backoff_ns;
};

void otl_retry_options_init(struct otl_retry_options *options);
/* Begin an export; options are copied. */
void otl_retry_start(struct otl_retry *retry, const struct otl_retry_options *options);

bool otl_retry_status(unsigned status);

/*
 * After a failed attempt: may there be another, and after how long?
 *
 * @retry_after  the header's value, len 0 when there is none or no answer came
 * @wall_ns      now, for a date in it
 * @left_ns      until the deadline of the whole export; UINT64_MAX when it has none
 *
 * False: give up. True: wait *ret_wait_ns, which is below left_ns.
 */
bool otl_retry_next(struct otl_retry *retry, struct otl_view retry_after, uint64_t wall_ns,
                    uint64_t left_ns, struct otl_random *random, uint64_t *ret_wait_ns);

/* The same where the server's wish is known as a time (gRPC's RetryInfo); NULL: it has none. */
bool otl_retry_next_after(struct otl_retry *retry, const uint64_t *asked_ns, uint64_t left_ns,
                          struct otl_random *random, uint64_t *ret_wait_ns);

/* Retry-After: seconds or HTTP date (all three forms of RFC 9110, 5.6.7); a date in the past is
 * 0. False when it is neither. */
bool otl_retry_after_parse(struct otl_view value, uint64_t wall_ns, uint64_t *ret_wait_ns);

#endif
