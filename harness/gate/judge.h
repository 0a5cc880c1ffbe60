/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GATE_JUDGE_H
#define HX_GATE_JUDGE_H

#include "harness/gate/threshold.h"

/*
 * Thresholds held against a report: one row of expectations[] each, with the limit, what was
 * observed and how far it was from the limit.
 *
 * A claim on time (a latency, a CPU time, a rate, a share of a CPU) is inconclusive when the
 * generator was the limit, when the machine was too noisy, or when a percentile has less than ten
 * requests beyond it; every other figure is always judged. A figure that the report does not have
 * is inconclusive, never held.
 *
 * Threads   no state.
 * Memory    rows are the caller's; the report is borrowed.
 */

/* Steal above this share of the run is noise. */
enum { HX_STEAL_PERCENT_MAX = 5 };

/* Was more of the machine's time stolen than that? */
bool hx_report_stolen(const json_t *report);
/* "" or why no time of this report can be judged; out. */
const char *hx_report_noise(const json_t *report, char *out, size_t size);

/* One expectation, id "threshold.N"; NULL: no memory. */
json_t *hx_threshold_judge(const struct hx_threshold *threshold, size_t nth,
                           const json_t *report);

/* All of them, appended to the report's expectations. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_thresholds_judge(const struct hx_threshold *thresholds,
                                                size_t count, json_t *report);

/* A value with the unit of its kind, as people read it; out. */
const char *hx_figure_format(enum hx_figure_kind kind, double value, char *out, size_t size);

#endif
