/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_JUDGE_H
#define HX_JUDGE_H

#include <stdbool.h>

#include <jansson.h>

/*
 * Judge: from the checks and expectations of a report to its verdict, exit status and the one
 * sentence that says why.
 *
 * Order: interrupted (no verdict), then a failed check or expectation, then one that could not be
 * judged, then pass. A report without a single check that passed is never a pass.
 *
 * Memory    report is changed in place: verdict, exit_status and reason are set.
 */

/* Returns the exit status. */
int hx_judge(json_t *report, bool interrupted);

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
