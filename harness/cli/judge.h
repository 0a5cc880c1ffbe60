/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_JUDGE_H
#define HX_JUDGE_H

#include <stdbool.h>

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Judge: from the checks and expectations of a report to its verdict, exit status and the one
 * sentence that says why.
 *
 * Order: interrupted or failed environment (no verdict), an end that nobody recorded
 * (inconclusive), then a failed check or expectation, then one that could not be judged, then
 * pass. The sentence names failures by their titles, checks before claims: what is told first is
 * nearest to the cause. A report without a single check that passed is never a pass.
 *
 * Memory    report is changed in place: verdict, exit_status and reason are set.
 */

/* How the run itself went: what the verifier cannot see in the recording. run.json holds it. */
struct hx_run_end {
    bool interrupted;
    bool unknown;    /* there is no run.json: the runner itself was killed */
    char fault[900]; /* what failed in the environment; "" = nothing */
    json_t *incidents; /* array of {"id","text","service"} */
};

/* Returns the exit status. */
int hx_judge(json_t *report, const struct hx_run_end *end);

/* DIR/run.json, written when the run is over, before it is judged, so that it can be judged again,
 * and once more where judging it ended otherwise. incidents is borrowed by write (NULL = none) and
 * owned by the caller after read, which finds an unknown end where there is no such file. */
OTEL_MUST_USE enum otel_err hx_run_end_write(const char *dir, const struct hx_run_end *end,
                                             struct otl_detail *reterr);
/* OTEL_ERR_SYNTAX: it is no JSON object; OTEL_ERR_IO, _LIMIT, _MEMORY. */
OTEL_MUST_USE enum otel_err hx_run_end_read(const char *dir, struct hx_run_end *ret,
                                            struct otl_detail *reterr);

/* A check "processes" from the runner's incidents (array of {"id","text","service"}). NULL on
 * failing allocation. */
json_t *hx_judge_processes(const json_t *incidents);

/* The processes that a fault ended, as hx_verify_run() wants them, from the report's services. */
enum { HX_KILLED_MAX = 512, HX_KILLED_NAME = 160 };
struct hx_killed {
    char texts[HX_KILLED_MAX][HX_KILLED_NAME];
    const char *names[HX_KILLED_MAX];
    size_t count;
};
void hx_judge_killed(const json_t *services, struct hx_killed *ret);

#endif
