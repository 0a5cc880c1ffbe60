/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_ADDED_H
#define HX_TUNING_ADDED_H

#include <stddef.h>

#include <jansson.h>

/*
 * What tracing adds to the p99 of a sweep's combination, and below what that is noise.
 *
 * Each load is run without tracing in several groups, each as long as a combination: with the same
 * seeds, so many runs. The p99s of the groups differ by nothing but the machine's noise (A/A). The
 * band is their range; what a combination adds is its p99 less the base's, and below the band no
 * difference is detected. Of combinations that add nothing, eight groups still tell 3 to 8 % apart,
 * the more the longer the tail of the noise.
 *
 * Not for the effects of a setting on a mean: use an overhead run (overhead.h), which pairs blocks.
 *
 * Life      base once for each of its runs that is over, then point for each of its combinations;
 *           both may be called again when more is known.
 * Threads   no state.
 * Limits    HX_ADDED_GROUPS_MAX groups.
 */

enum { HX_ADDED_GROUPS = 8, HX_ADDED_GROUPS_MAX = 100 };

/* Figures of a place of sweep.json: the median of those of its runs; its drops are their sum. */
void hx_added_settle(json_t *place);

/* A place without tracing, settled: adds "noise" {groups, p99_ns, band_ns}, once all groups (by
 * "group" of its runs) have a p99 and they are at least HX_ADDED_GROUPS. */
void hx_added_noise(json_t *base, size_t groups);

/* A combination, settled: adds the figures added_p99_ns and, if the base has a band,
 * added_p99_noise_ns; "undetected" names the first if it is not beyond the second. */
void hx_added_to(json_t *point, const json_t *base);

#endif
