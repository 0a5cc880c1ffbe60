/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_BASES_H
#define HX_TUNING_BASES_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/tuning/grid.h"

/*
 * Bases of a sweep: each load that its combinations have, once without tracing, so that what a
 * setting adds to the latency can be told. Paths "tracing.x" and "services.s.tracing.x" are of
 * tracing, all others make the load.
 *
 * Not for sweeps that vary no path of tracing: there is nothing to compare, and no base.
 *
 * Life      a value, filled once, good as long as the grid.
 * Threads   no state.
 */

struct hx_bases {
    const struct hx_grid *grid;
    size_t count; /* loads; 0: no path of tracing is varied */
    bool loads[HX_GRID_AXES];
};

/* What a base sets beside its load. */
#define HX_BASE_SETTING "tracing.enabled=false"

void hx_bases_of(const struct hx_grid *grid, struct hx_bases *ret);
/* The base that has this combination's load. */
size_t hx_bases_for(const struct hx_bases *bases, size_t point);
/* Indexes of its values; those of paths of tracing are 0 and mean nothing. */
void hx_bases_at(const struct hx_bases *bases, size_t base, size_t ret_indexes[HX_GRID_AXES]);

#endif
