/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CLI_SET_H
#define HX_CLI_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "harness/scenario/scenario.h"

/*
 * Set: the directory of several runs of one command, and the page that it ends with.
 *
 * DIR/SCENARIO/ for each run, DIR/SCENARIO-N/ with repeats; DIR/index.html, set.json, junit.xml and
 * summary.md when the last run is over, or when it was interrupted.
 *
 * Life      open -> run_dir, record for each run -> finish (also after a failed open).
 * Threads   one owner.
 */

enum { HX_SET_DIR_SIZE = 3072 };

struct hx_set {
    char dir[HX_SET_DIR_SIZE];
    json_t *tree; /* NULL: not open */
};

/* out NULL: runs/set-UTCTIME, or with a higher number behind it if that is taken. */
OTEL_MUST_USE enum otel_err hx_set_open(struct hx_set *set, const char *out,
                                        struct otl_detail *reterr);
/* The directory for a run, not made yet; nth 0 = no repeats. */
void hx_set_run_dir(const struct hx_set *set, const char *scenario, unsigned nth, char *dir,
                    size_t size);
/* A run is over; error: why it has no report, or "". */
OTEL_MUST_USE enum otel_err hx_set_record(struct hx_set *set, const struct hx_scenario *scenario,
                                          const char *dir, unsigned nth, int status,
                                          const char *error);
/* A run that an interrupt has left undone; listed as such. */
OTEL_MUST_USE enum otel_err hx_set_not_begun(struct hx_set *set,
                                             const struct hx_scenario *scenario, unsigned nth);
/* Write the pages; unless silent, the table goes to stdout. */
OTEL_MUST_USE enum otel_err hx_set_finish(struct hx_set *set, bool silent,
                                          struct otl_detail *reterr);

#endif
