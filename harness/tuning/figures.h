/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_FIGURES_H
#define HX_TUNING_FIGURES_H

#include <stddef.h>

#include <jansson.h>

/*
 * The figures of a run that matter to whoever tunes a batch processor, summed over all services.
 *
 * Threads   the table is constant.
 * Memory    results are the caller's.
 */

struct hx_tuning_figure {
    const char *key;
    const char *title;
    const char *unit; /* a form of reports/format.h: count, ns, bytes, share, 1/s */
    const char *column; /* a short title for tables */
};

/* Of a sweep: it takes two runs to know the first, and several to know the second (added.h). */
#define HX_TUNING_ADDED_P99 "added_p99_ns"
#define HX_TUNING_P99_NOISE "added_p99_noise_ns"

/* Ends with a NULL key. */
extern const struct hx_tuning_figure hx_tuning_figures[];

/* {key: number}; a figure that the run does not have (no span, no request) is absent. NULL: no
 * memory. */
json_t *hx_tuning_figures_of(const json_t *report);
/* {reason: spans}, over all services. */
json_t *hx_tuning_drops_of(const json_t *report);

/* Figure by figure the median of an array of the above; {} for none. */
json_t *hx_tuning_median(const json_t *figures);

#endif
