/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_VERIFY_H
#define HX_VERIFY_H

#include <stddef.h>

#include <jansson.h>
#include <otel/err.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/detail.h"

/*
 * The referee: judges a recorded run from its ledger, drop records and tap. It shares no code with
 * the SDK that it judges.
 *
 * Life      one call; the run directory is only read.
 * Threads   none of its own.
 * Memory    at most 300 bytes a span beside the mapped files; the result is the caller's.
 *
 * *ret is an object with those parts of report.json (reports/schema) that are the verifier's:
 * verdict, checks, expectations, spans, traces, edges, exemplar_traces; logs where services wrote
 * some in a request's name; where the scenario claims what the namer finds, also namer, and series
 * to be added to the runner's. verdict is "pass" only if every claim of the scenario was judged
 * and true; a run without requests never passes.
 */

struct hx_verify_options {
    const char *dir;                    /* run directory */
    const struct hx_scenario *scenario; /* borrowed during the call */
    const char *const *killed;          /* what the supervisor ended on purpose and without a
                                         * closing row: "order-0.2" (instance and incarnation), or
                                         * "order-0" (every one) */
    size_t killed_count;
};

/* OTEL_ERR_NOT_FOUND: there is no ledger. OTEL_ERR_IO, _LIMIT, _MEMORY. What is damaged is no
 * error: it makes checks inconclusive. */
OTEL_MUST_USE enum otel_err hx_verify_run(const struct hx_verify_options *options, json_t **ret,
                                          struct otl_detail *reterr);

#endif
