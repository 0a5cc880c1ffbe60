/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_FIGURE_H
#define HX_FIGURE_H

#include "harness/gate/threshold.h"

/*
 * Figures of report.json: where a path leads, in the schema and in a report.
 *
 * Threads   no state.
 * Memory    reports and schemas are borrowed; names of rows point into them.
 * Limits    HX_FIGURE_FOUND rows of a path; hx_figure_find() says how many there were.
 */

enum { HX_FIGURE_FOUND = 512 };

/* Does the schema have it? Fills kind, timing and counter. OTEL_ERR_SYNTAX: *ret_bad is the step
 * that is wrong, *reterr says why and names the nearest word. */
OTEL_MUST_USE enum otel_err hx_figure_check(struct hx_figure *figure, const json_t *schema,
                                            size_t *ret_bad, struct otl_detail *reterr);

/* "a time", "a count", ... with its units. */
const char *hx_figure_kind_text(enum hx_figure_kind kind);

struct hx_found {
    double value;
    const json_t *row;    /* the row that was chosen in brackets, or NULL */
    const json_t *parent; /* the object that holds the figure */
};

/* Every value that the path leads to in the report, at most max; returns how many there are. A
 * figure that the report does not have is none, save a counter, which is 0. */
size_t hx_figure_find(const struct hx_figure *figure, const json_t *report,
                      struct hx_found *found, size_t max);

/* "order-0", "gateway POST /checkout -> order POST /orders": what the row is called; out. */
const char *hx_row_name(const json_t *row, char *out, size_t size);

#endif
