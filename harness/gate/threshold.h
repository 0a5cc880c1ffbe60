/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_THRESHOLD_H
#define HX_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Threshold: one line that claims something of a figure of report.json, such as
 *
 *     load.latency.p99 < 50ms
 *     spans.lost_unexplained == 0
 *     sdk[order-0].queue_high_water <= 2048
 *     edges[gateway POST /checkout -> order POST /orders].p99_ns < 20ms
 *
 * The path is walked through the schema of report.json when the line is read, so that a figure
 * that can never be there is told before anything runs. A row of a list is chosen in brackets: an
 * edge by "FROM -> TO", others by their instance, service, name or id, "*" for every row; with
 * several rows each must hold. Operators: < <= > >= == !=. A time needs a unit (ns us ms s m), a
 * size may have one (B kB MB GB KiB MiB GiB), a rate may end in /s, a share in %, a count has none.
 * A limit below what the figure can be, so that the line holds always or never, is refused.
 *
 * Not an expression language: one figure, one operator, one limit. Two limits are two lines.
 *
 * Threads   no state.
 * Memory    the result holds copies.
 * Limits    a line of HX_THRESHOLD_BYTES, a path of HX_FIGURE_STEPS names.
 */

enum { HX_THRESHOLD_BYTES = 400, HX_FIGURE_STEPS = 6, HX_FIGURE_NAME = 64, HX_FIGURE_ROW = 256 };

enum hx_figure_kind {
    HX_FIGURE_COUNT,
    HX_FIGURE_NS,      /* a time in nanoseconds */
    HX_FIGURE_SECONDS,
    HX_FIGURE_BYTES,
    HX_FIGURE_RATE,    /* a second */
    HX_FIGURE_SHARE,   /* 0 to 1 */
    HX_FIGURE_PERCENT, /* 0 to 100 */
    HX_FIGURE_TRUTH
};

struct hx_figure_step {
    char name[HX_FIGURE_NAME];
    char row[HX_FIGURE_ROW]; /* what stood in brackets, or "" */
};

struct hx_figure {
    struct hx_figure_step steps[HX_FIGURE_STEPS];
    size_t step_count;
    enum hx_figure_kind kind;
    bool timing; /* says how fast it was, not whether it was right */
    bool counter; /* a reason of a map of reasons: absent = 0 */
    bool from_zero; /* never below 0 */
};

enum hx_threshold_op { HX_BELOW, HX_AT_MOST, HX_ABOVE, HX_AT_LEAST, HX_EQUAL, HX_UNEQUAL };

struct hx_threshold {
    char text[HX_THRESHOLD_BYTES]; /* as written */
    struct hx_figure figure;
    enum hx_threshold_op op;
    double limit; /* in the figure's own unit; a truth is 0 or 1 */
};

/* The schema of report.json, read from what the program carries; NULL: no memory. The caller's. */
json_t *hx_report_schema(void);

/* Read text. OTEL_ERR_SYNTAX: *reterr has the character in column (from 1) and, for a word, the
 * nearest known one; OTEL_ERR_LIMIT. */
OTEL_MUST_USE enum otel_err hx_threshold_parse(const char *text, const json_t *schema,
                                               struct hx_threshold *ret,
                                               struct otl_detail *reterr);

/* So many requests are needed to tell it, if it is a percentile: ten beyond it; of a median that
 * was told, so many that its 95 % interval lies among them. 0: no percentile. */
double hx_figure_samples(const struct hx_figure *figure, bool told);

/* "<", ">=", ... */
const char *hx_threshold_op_text(enum hx_threshold_op op);

#endif
