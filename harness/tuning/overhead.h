/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_OVERHEAD_H
#define HX_TUNING_OVERHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/scenario/scenario.h"
#include "harness/stats/merged.h"
#include "sdk/base/detail.h"

/*
 * What tracing costs: the scenario's fleet under the same load with tracing in several states.
 *
 * Each block runs every arm once, each time with new processes, in an order of its own, first at
 * saturation and then at the scenario's rate; all arms of a block get the same requests. The base
 * arm, which does not call the tracing API, is there twice: what differs between the two is the
 * noise, and a difference that is not larger than it is none. Only differences inside a block
 * count. The ledger is on in all arms; what it costs is measured apart and told.
 *
 * Saturation is a rate that the service cannot reach, with room for as many waiting requests as
 * there are connections (more are never sent): each connection finds the next request waiting, so
 * that all arms handle requests in bunches alike. The load client never sleeps there
 * (load.pacer spin): whoever sleeps must be woken, and who wakes it pays some microseconds, more
 * often in the arm whose requests take longer. Where application threads themselves sleep between
 * requests, as they do at the held rate, what that costs is in their CPU time, and the row says so.
 *
 * Life      no state between calls; hx_overhead_measure() runs processes and leaves none.
 * Threads   the process must have no other thread.
 * Memory    *ret is the caller's.
 * Limits    those of struct hx_overhead.
 */

struct hx_overhead_options {
    const struct hx_scenario *scenario; /* overhead.wanted */
    const char *dir;                    /* of the run: slices run in DIR/overhead */
    const char *tracerig;
    const char *collector;
    bool quiet;
    bool saturation_only;
    uint64_t part; /* > 0: seeds other than those of the scenario's other parts */
};

/* report.json "overhead". OTEL_ERR_CLOSED: interrupted; else the environment failed. */
OTEL_MUST_USE enum otel_err hx_overhead_measure(const struct hx_overhead_options *options,
                                                json_t **ret, struct otl_detail *reterr);

/* report.json "overhead.instructions": those of a request under each arm whose collector is well,
 * counted in runs of their own under callgrind, which must be there. The kernel's are not seen. */
OTEL_MUST_USE enum otel_err hx_overhead_instructions(const struct hx_overhead_options *options,
                                                     json_t **ret, struct otl_detail *reterr);

struct hx_slices;
/* The same without the sum; hx_slices_fini() in every case. *ret->plan is the scenario's. */
OTEL_MUST_USE enum otel_err hx_overhead_slices(const struct hx_overhead_options *options,
                                               struct hx_slices *ret, struct otl_detail *reterr);
void hx_slices_fini(struct hx_slices *slices);

/* ---- from slices to figures; pure ----------------------------------------------------------- */

enum hx_overhead_load { HX_OVERHEAD_SATURATION, HX_OVERHEAD_HELD, HX_OVERHEAD_LOADS };

enum hx_overhead_figure {
    HX_OVERHEAD_APP_CPU,      /* ns a request */
    HX_OVERHEAD_EXPORTER_CPU, /* ns a request */
    HX_OVERHEAD_P50,
    HX_OVERHEAD_P99,
    HX_OVERHEAD_RATE,
    HX_OVERHEAD_RSS_ANON,   /* of all services, as last struct hx_memory has it */
    HX_OVERHEAD_RSS_MAPPED,
    HX_OVERHEAD_RSS_LEDGER, /* of what is mapped */
    HX_OVERHEAD_RSS_PEAK,   /* the kernel's: all parts together */
    HX_OVERHEAD_FIGURES
};

enum { HX_OVERHEAD_REASONS = 5, HX_OVERHEAD_WHY = 240 };

extern const char *const hx_overhead_reasons[HX_OVERHEAD_REASONS]; /* why spans are dropped */

struct hx_slice {
    bool ran;
    char unfinished[160]; /* a process of it got stuck, or died: how; "" = none did */
    bool known[HX_OVERHEAD_FIGURES];
    double figures[HX_OVERHEAD_FIGURES];
    struct hx_bins latency; /* of its requests; none: p50 and p99 are all that is known */
    double asked;     /* requests due in the measured part */
    double failed;    /* of them; at saturation without those that were never sent */
    double handled;   /* requests since the mark */
    double handled_in_all;
    double waits;     /* how often an application's thread slept since the mark */
    double spans;     /* ended since the mark */
    double dropped;   /* spans, from the first on */
    double drops[HX_OVERHEAD_REASONS];           /* the same by reason */
    double injected_app_ns, injected_exporter_ns; /* what the injected loops took, since the mark */
    double exported, exports, bytes, exporter_ns; /* since the mark */
    double queue_high_water;  /* spans, from the first on; the largest of the services */
};

struct hx_slices {
    const struct hx_overhead *plan;
    struct hx_slice *items; /* blocks x loads x arms */
    double held_rate;
    uint64_t seed;
    double ledger_ns_per_span; /* 0 = not measured */
};

struct hx_slice *hx_slice_at(const struct hx_slices *slices, unsigned block, unsigned load,
                             unsigned arm);
json_t *hx_overhead_sum(const struct hx_slices *slices);

/* A slice of the arm got stuck, dropped or failed: whatever follows, it will not be compared. */
bool hx_overhead_spoilt(const struct hx_slices *slices, unsigned load, unsigned arm);
/* Its work was not equal to the others': out, of HX_OVERHEAD_WHY bytes, says why. */
bool hx_overhead_disqualified(const struct hx_slices *slices, unsigned load, unsigned arm,
                              char *out);

/* CPU time of one span's two rows, with their clocks and hashes, in a loop; 0 if dir cannot be
 * written. */
double hx_ledger_ns_per_span(const char *dir);

#endif
