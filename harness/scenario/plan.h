/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_PLAN_H
#define HX_PLAN_H

#include "harness/scenario/scenario.h"

/*
 * What follows from a scenario: who calls whom, and how much one request makes of it.
 *
 * Life      new -> read -> free; borrows the scenario.
 * Threads   immutable after new.
 *
 * Figures are those of a request that meets no failure. Of the services that share a consumer
 * group on a topic one handles a message; the one with the most spans is counted.
 */

/* One hop: an entry's call or publish reaches another entry. */
struct hx_plan_edge {
    unsigned from_op; /* entry */
    unsigned to_op;   /* entry */
    unsigned via_op;  /* the CLIENT or PRODUCER operation */
    bool kafka;
};

struct hx_plan {
    const struct hx_scenario *scenario;
    struct hx_plan_edge *edges; /* in the order of via_op, then of to_op */
    size_t edge_count;
    uint64_t *spans;  /* by operation index, for entries: from there on; UINT64_MAX: no count */
    double *work_ns;  /* the same: CPU that work steps ask for, expected value */
};

/* The entries of a cycle, in order; the last one calls the first. */
struct hx_plan_cycle {
    unsigned ops[64]; /* as far as they go */
    size_t count;     /* 0 = none */
    unsigned via_op;  /* the step that closes the circle */
};

/* OTEL_ERR_MEMORY; OTEL_ERR_ARGUMENT: a cycle, told in *ret_cycle. (A loaded scenario has none.) */
OTEL_MUST_USE enum otel_err hx_plan_new(const struct hx_scenario *scenario, struct hx_plan **ret,
                                        struct hx_plan_cycle *ret_cycle);
void hx_plan_free(struct hx_plan *plan);

/* "gateway POST /checkout": service and entry, as claims write it; returns out. */
const char *hx_plan_entry_text(const struct hx_scenario *scenario, unsigned entry_op, char *out,
                               size_t size);
/* The entry of the load's route from which a request starts. */
unsigned hx_plan_start(const struct hx_scenario *scenario);

/* What loads but is likely a mistake; each is told once. */
typedef void (*hx_plan_warning_fn)(void *context, const char *text);
void hx_plan_warnings(const struct hx_plan *plan, hx_plan_warning_fn tell, void *context);

#endif
