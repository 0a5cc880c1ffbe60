/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_SCHEDULE_H
#define HX_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/random.h"

/*
 * Schedule of a load: when each request is due, all from one seed and known before anything is
 * sent.
 *
 * It is global: it does not depend on connections, on answers or on the clock. The n-th
 * instant of the same seed, rate and arrival is the same in every run.
 *
 * Life      init -> next... until false. A value; copy it freely.
 * Threads   one owner.
 * Limits    HX_SCHEDULE_RATE_MIN to HX_SCHEDULE_RATE_MAX requests a second.
 */

#define HX_SCHEDULE_RATE_MIN 0.001
#define HX_SCHEDULE_RATE_MAX 10e6

struct hx_schedule_options {
    double rate; /* requests a second */
    enum hx_arrival arrival;
    uint64_t warmup_ns;
    uint64_t duration_ns; /* measured, after the warm-up */
    uint64_t seed;
    unsigned burst; /* HX_ARRIVAL_BURST: requests due at one instant; 0 is 1 */
};

struct hx_planned {
    uint64_t request;   /* 1.. */
    uint64_t offset_ns; /* from the start of the load; never falls */
    uint64_t draw;      /* seed of everything that is drawn for this request */
    bool warmup;
};

struct hx_schedule {
    struct hx_schedule_options options;
    struct otl_random arrivals;
    uint64_t content_seed;
    uint64_t count;   /* requests given out */
    double poisson_s; /* instant of the last one, in seconds */
};

/* OTEL_ERR_ARGUMENT: the rate is out of range, or nothing would ever be due. */
OTEL_MUST_USE enum otel_err hx_schedule_init(struct hx_schedule *schedule,
                                             const struct hx_schedule_options *options);
/* False: it is over. */
bool hx_schedule_next(struct hx_schedule *schedule, struct hx_planned *ret);
/* "constant", "poisson" or "burst". */
const char *hx_arrival_word(enum hx_arrival arrival);
/* Warm-up and duration. */
uint64_t hx_schedule_length_ns(const struct hx_schedule *schedule);

#endif
