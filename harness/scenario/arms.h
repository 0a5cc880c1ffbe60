/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_ARMS_H
#define HX_SCENARIO_ARMS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The states of tracing that an overhead measurement sets beside each other (arms), and known
 * costs that can be added to a service, so that the measurement itself can be tested
 * (make validate-overhead).
 *
 * Threads   constant.
 */

enum hx_overhead_arm {
    HX_ARM_NONE,           /* the tracing API is not called */
    HX_ARM_NONE_AGAIN,     /* the same: what differs from NONE is noise */
    HX_ARM_INJECTED,       /* the same, with what inject: adds */
    HX_ARM_API,            /* the API without an SDK */
    HX_ARM_NOT_SAMPLED,    /* the SDK samples nothing */
    HX_ARM_SIMPLE,         /* all sampled and exported, each span at its end */
    HX_ARM_SIMPLE_SLOW,    /* to a collector that answers late */
    HX_ARM_SIMPLE_DOWN,    /* to one that refuses connections */
    HX_ARM_BATCH,          /* all sampled and exported, in batches */
    HX_ARM_BATCH_SLOW,
    HX_ARM_BATCH_DOWN,
    HX_ARM_BATCH_INJECTED, /* BATCH with what inject: adds */
    HX_ARMS
};

enum hx_arm_collector { HX_COLLECTOR_HEALTHY, HX_COLLECTOR_SLOW, HX_COLLECTOR_DOWN };

struct hx_arm {
    const char *word, *title;
    bool api;      /* the tracing API is called */
    bool sdk;
    bool sampled;
    bool simple;
    bool injected;
    enum hx_arm_collector collector;
};

extern const struct hx_arm hx_arms[HX_ARMS];
/* Those that a scenario may name, NULL-terminated; the first two are always there. */
extern const char *const hx_arm_words[HX_ARMS - 1];

/* A known cost. Zero = none. What the loops took by their own thread's CPU clock is told with the
 * service's counters ("injected"), the clock's own cost included. */
struct hx_inject {
    uint64_t instructions;  /* a request, in a loop on the application's thread */
    double slow_share;      /* share of the requests that are slow: */
    uint64_t slow_ns;       /* so much CPU time longer */
    uint64_t exporter_ns;   /* CPU time a span, on the exporter's thread */
    unsigned bytes;         /* a span, on the wire: one attribute more; at least 24 */
};

#endif
