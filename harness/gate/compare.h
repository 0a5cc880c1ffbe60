/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GATE_COMPARE_H
#define HX_GATE_COMPARE_H

#include <stdbool.h>

#include "harness/gate/runs.h"

/*
 * Comparison of two sets of runs of the same scenarios: A is what was, B is what is now.
 *
 * Four kinds of rows, judged by what they are:
 *   counts  hits of trials, pooled. Where A had none, one is a regression; where A had some, or
 *           they come by chance, B must be more often at 1e-6 (binomial test).
 *   sizes   medians; a change of more than HX_SIZE_PERCENT is a regression.
 *   instructions  the same with HX_INSTRUCTION_PERCENT, between any two machines.
 *   clocks  medians with order-statistic intervals, Mann-Whitney U, Holm over the rows; needs
 *           HX_CLOCK_RUNS quiet runs on each side, made on the same machine. Else the row says why
 *           it was not judged.
 * And one row "checks" (checks.h): checks and expectations that fail in a run of B and in none of
 * A; else such as could be judged in A and cannot be in B.
 *
 * What was not compared at all is not judged either: a scenario that only A has, and runs of B
 * without a verdict.
 *
 * What differs between the two environments is always named.
 *
 * Threads   no state.
 * Memory    the result is the caller's.
 */

enum { HX_CLOCK_RUNS = 5, HX_SIZE_PERCENT = 5, HX_INSTRUCTION_PERCENT = 2 };

/*
 * {"schema": "tracerig.compare/1", "a": {path, runs}, "b": ..., "scenarios": [{"scenario",
 *  "a": {runs, without_verdict}, "b": ..., "only"?: "a" | "b", "differences"?: [{key, a, b,
 *  machine}], "stood_still"?: [{side, run, text, pauses}], "rows"?: [{id, title, group,
 *  verdict: "same" | "better" | "worse" | "not judged", reason?, a: {text, runs}, b,
 *  change_percent?, p?}]}], "worse": n, "not_judged": n}
 * "only": the other side has no run with a verdict; of what only B has there is the row "checks".
 * With counts_only clock rows are shown, but neither "worse" nor "not_judged" counts them.
 * NULL: no memory.
 */
json_t *hx_compare(const struct hx_runs *a, const struct hx_runs *b, bool counts_only);

/* The scenarios alone of which B has runs, or should have: what else A holds was not asked for,
 * and is neither shown nor counted. */
json_t *hx_compare_asked(const struct hx_runs *a, const struct hx_runs *b);
/* Of a scenario of B, A has runs enough for clock rows. */
bool hx_compare_has_clocks(const struct hx_runs *a, const struct hx_runs *b);

/* A comparison as a table on stdout. */
void hx_compare_print(const json_t *comparison);

/* Rows that are worse; such as could not be judged, and one for each scenario that only A has or
 * of which B has runs without a verdict. */
long long hx_compare_worse(const json_t *comparison);
long long hx_compare_not_judged(const json_t *comparison);

/* Rows on counts and sizes as expectations "baseline.ID" of the one run B, appended to its
 * report. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_compare_expect(const struct hx_runs *baseline, json_t *report);

#endif
