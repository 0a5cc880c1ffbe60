/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_REPORT_H
#define HX_LOAD_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "harness/load/totals.h"

/*
 * Totals as report.json has them, and as people read them.
 *
 * Threads   no state.
 * Memory    objects are the caller's; NULL: no memory.
 */

/* report.json "load"; entry may be NULL. */
json_t *hx_load_report(const struct hx_load_totals *totals, const char *entry);
/* The load's rows of report.json "trust". */
json_t *hx_load_report_trust(const struct hx_load_totals *totals);

/* The summary of tracerig load. */
void hx_load_print(FILE *out, const struct hx_load_totals *totals);

#endif
