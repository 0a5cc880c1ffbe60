/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_FAULTS_PLAN_H
#define COL_FAULTS_PLAN_H

#include "collector-mock/faults/faults.h"

/*
 * Plan of faults (fault.h) from a file, for a collector that nobody commands (--faults plan.yaml):
 *
 *     seed: 7                        # of the draws; default 1
 *     faults:                        # at: from the moment when the collector is ready
 *       - {at: 2s, fault: delay, delay: 200ms, for: 5s}
 *       - {at: 9s, fault: status, status: 503, retry_after: 1s, for: 2s, probability: 0.5}
 *       - {at: 15s, fault: refuse, for: 3s}
 *       - {at: 20s, fault: status, code: 14, count: 2}    # two answers, then this one:
 *       - {at: 20s, fault: rst_stream, count: 1}
 *
 * Faults begin by their time, those of one moment in the order of the file.
 *
 * Life      load -> start (once) -> free.
 * Threads   the loop's.
 * Limits    COL_FAULTS_MAX faults; 1 MiB.
 */

struct col_plan;

/* OTEL_ERR_SYNTAX, _NOT_FOUND, _IO, _LIMIT, _MEMORY; *reterr says file:line:column and why. */
OTEL_MUST_USE enum otel_err col_plan_load(const char *path, struct col_plan **ret,
                                          struct otl_detail *reterr);
/* The same of a text; source: what messages call it. */
OTEL_MUST_USE enum otel_err col_plan_read(const char *text, size_t len, const char *source,
                                          struct col_plan **ret, struct otl_detail *reterr);
/* The clock of the plan begins to run. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_plan_start(struct col_plan *plan, struct event_base *base,
                                           struct col_faults *faults, const struct otl_clock *clock,
                                           const struct otl_log *log);
void col_plan_free(struct col_plan *plan); /* may be NULL */

#endif
