/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_PLAN_H
#define HX_LOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/random.h"

/*
 * Plan of a load: when each request is due, all from one seed and known before anything is sent.
 *
 * The schedule is global: it does not depend on connections, on answers or on the clock. The n-th
 * instant of the same seed, rate and arrival is the same in every run.
 *
 * Life      init -> next... until false. A value; copy it freely.
 * Threads   one owner.
 * Limits    HX_PLAN_RATE_MIN to HX_PLAN_RATE_MAX requests a second.
 */

#define HX_PLAN_RATE_MIN 0.001
#define HX_PLAN_RATE_MAX 10e6

struct hx_plan_options {
    double rate; /* requests a second */
    enum hx_arrival arrival;
    uint64_t warmup_ns;
    uint64_t duration_ns; /* measured, after the warm-up */
    uint64_t seed;
};

struct hx_planned {
    uint64_t request;   /* 1.. */
    uint64_t offset_ns; /* from the start of the load; never falls */
    uint64_t draw;      /* seed of everything that is drawn for this request */
    bool warmup;
};

struct hx_plan {
    struct hx_plan_options options;
    struct otl_random arrivals;
    uint64_t content_seed;
    uint64_t count;   /* requests given out */
    double poisson_s; /* instant of the last one, in seconds */
};

/* OTEL_ERR_ARGUMENT: the rate is out of range, or nothing would ever be due. */
OTEL_MUST_USE enum otel_err hx_plan_init(struct hx_plan *plan,
                                         const struct hx_plan_options *options);
/* False: the plan is over. */
bool hx_plan_next(struct hx_plan *plan, struct hx_planned *ret);
/* Length of the whole plan. */
uint64_t hx_plan_length_ns(const struct hx_plan *plan);

#endif
