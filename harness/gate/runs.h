/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GATE_RUNS_H
#define HX_GATE_RUNS_H

#include <stddef.h>

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Recorded runs, as they are given to a comparison: a run directory, a report.json, or a directory
 * of run directories (what --repeat and sets of scenarios write).
 *
 * Life      load -> read -> fini (also after a failed load, and of zeroed memory).
 * Memory    the reports belong to it; each was held against the schema of report.json.
 * Limits    HX_RUNS_MAX reports.
 */

enum { HX_RUNS_MAX = 1000 };

struct hx_runs {
    const char *path; /* as given; borrowed */
    json_t *reports[HX_RUNS_MAX];
    char *paths[HX_RUNS_MAX]; /* of the reports; NULL: not from a file */
    size_t count;
    json_t *without;  /* {scenario: how many of its runs have no verdict}; NULL = none */
};

/* OTEL_ERR_NOT_FOUND: no report with a verdict there; OTEL_ERR_SYNTAX: a report that is none, with
 * its path; OTEL_ERR_IO, _LIMIT, _MEMORY. Runs without a verdict are counted alone: reports that
 * say so (faults, interrupts), run directories without a report (who wrote them was killed), and
 * what an interrupted set has not begun. */
OTEL_MUST_USE enum otel_err hx_runs_load(const char *path, struct hx_runs *ret,
                                         struct otl_detail *reterr);
void hx_runs_fini(struct hx_runs *runs);

/* The name of the scenario that a report is of. */
const char *hx_run_scenario(const json_t *report);
/* How many runs of a scenario have no verdict. */
size_t hx_runs_without(const struct hx_runs *runs, const char *scenario);

#endif
