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
 * And one row "checks": a check that passed in every run of A and fails in one of B.
 *
 * What differs between the two environments is always named.
 *
 * Threads   no state.
 * Memory    the result is the caller's.
 */

enum { HX_CLOCK_RUNS = 5, HX_SIZE_PERCENT = 5, HX_INSTRUCTION_PERCENT = 2 };

/*
 * {"schema": "tracerig.compare/1", "a": {path, runs}, "b": ..., "scenarios": [{"scenario",
 *  "a": {runs}, "b": ..., "differences": [{key, a, b, machine}], "rows": [{id, title, group,
 *  verdict: "same" | "better" | "worse" | "not judged", reason?, a: {text, runs}, b,
 *  change_percent?, p?}], "only"?: "a" | "b"}], "worse": n, "not_judged": n}
 * With counts_only clock rows are shown, but neither "worse" nor "not_judged" counts them.
 * NULL: no memory.
 */
json_t *hx_compare(const struct hx_runs *a, const struct hx_runs *b, bool counts_only);

/* The same as a table on stdout. */
void hx_compare_print(const json_t *comparison);

/* Rows that are worse, and such as could not be judged. */
long long hx_compare_worse(const json_t *comparison);
long long hx_compare_not_judged(const json_t *comparison);

/* Rows on counts and sizes as expectations "baseline.ID" of the one run B, appended to its
 * report. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_compare_expect(const struct hx_runs *baseline, json_t *report);

#endif
