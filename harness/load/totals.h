/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_TOTALS_H
#define HX_LOAD_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/load/pauses.h"
#include "harness/load/series.h"
#include "harness/scenario/scenario.h"

/*
 * What a load came to: counts of each phase, and whether the generator kept its promise.
 *
 * planned = answered + every error, in each phase, once the load is over.
 */

/* How a request ended without an answer, or with a bad one; each planned request counts once. */
#define HX_LOAD_ERRORS(X)                                                                          \
    X(CONNECT, "connect")          /* no connection could be made */                               \
    X(RESET, "reset")              /* the connection was lost before the answer was complete */    \
    X(MALFORMED, "malformed")      /* the answer is not HTTP */                                    \
    X(TIMEOUT, "timeout")          /* sent, but not answered in time */                            \
    X(NOT_SENT, "timeout_queued")  /* still waiting for a connection when its time was over */     \
    X(DROPPED, "queue_full")       /* the queue was full when it was due */                        \
    X(STOPPED, "stopped")          /* the load was stopped before */                               \
    X(STATUS_4XX, "status_4xx")                                                                    \
    X(STATUS_5XX, "status_5xx")

enum hx_load_error {
#define HX_LOAD_ERROR_ENUM(name, text) HX_LOAD_ERROR_##name,
    HX_LOAD_ERRORS(HX_LOAD_ERROR_ENUM)
#undef HX_LOAD_ERROR_ENUM
    HX_LOAD_ERROR_KINDS
};

/* "queue_full"; static. */
const char *hx_load_error_text(enum hx_load_error error);

struct hx_load_counts {
    uint64_t planned; /* requests that were due */
    uint64_t sent;
    uint64_t sent_inside; /* sent before the phase was over: what the achieved rate is made of */
    uint64_t ok;          /* answered with a status below 400 */
    uint64_t errors[HX_LOAD_ERROR_KINDS];
    uint64_t delayed; /* waited for a connection */
    uint64_t bytes_out;
    uint64_t bytes_in; /* of bodies */
};

struct hx_load_totals {
    double rate_asked;
    enum hx_arrival arrival;
    uint64_t warmup_ns;
    uint64_t measured_ns; /* shorter than asked if the load was stopped */
    uint64_t drain_ns;    /* from the end of the plan to the last answer */
    struct hx_load_counts counts[HX_LOAD_PHASES];
    uint64_t backlog_max; /* requests that waited for a connection at one time */
    uint64_t in_flight_max;
    uint64_t connections;     /* the limit */
    uint64_t connections_made; /* more than the limit: the server closes them */
    uint64_t cpu_ns;           /* of the generator's thread */
    uint64_t elapsed_ns;       /* of the same time */
    bool stopped;              /* before the plan was over */
    const struct hx_hdr *series[HX_SERIES_KINDS]; /* measured; borrowed from the generator */
    const struct hx_hdr *own_lag;  /* send lag without waiting for connections; borrowed */
    const struct hx_hdr *lateness; /* of the pacing timer; borrowed */
    struct hx_pauses pauses;       /* since the warm-up; longest_at since the start */
};

uint64_t hx_load_errors(const struct hx_load_counts *counts);
/* Requests a second sent within the measured time. */
double hx_load_rate_achieved(const struct hx_load_totals *totals);
/* Planned requests a second of the measured time: a Poisson plan differs a little from asked. */
double hx_load_rate_planned(const struct hx_load_totals *totals);

/* One line of the trust panel. */
struct hx_load_trust {
    const char *id;
    const char *title;
    char observed[96];
    char limit[96];
    bool warning;
    bool limits; /* the generator, not the system under test, was the limit */
};

enum { HX_LOAD_TRUST_ROWS = 7 };

/* Is the generator honest? Fills all rows. Returns true if it was the limit: it sent less than
 * 99 % of the plan though no request waited for a connection or though its thread had no CPU left,
 * or the 99th percentile of its own lag is above 1 ms and above 10 % of the median response. */
bool hx_load_judge(const struct hx_load_totals *totals,
                   struct hx_load_trust rows[HX_LOAD_TRUST_ROWS]);

#endif
