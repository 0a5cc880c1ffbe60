/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_GRID_H
#define HX_TUNING_GRID_H

#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Grid of a sweep: the values of each varied path, every combination of them once, and the order
 * in which they are run.
 *
 * Combinations are numbered with the last path turning fastest. The order is drawn from a seed, so
 * that what changes in the machine while a sweep lasts does not look like an effect of a path.
 *
 * Life      init -> add... -> read -> fini.
 * Threads   one owner.
 * Limits    HX_GRID_AXES paths, HX_GRID_VALUES values each, HX_GRID_POINTS combinations.
 */

enum { HX_GRID_AXES = 8, HX_GRID_VALUES = 256, HX_GRID_POINTS = 10000 };

struct hx_axis {
    char *path;
    char *values[HX_GRID_VALUES];
    size_t count;
};

struct hx_grid {
    struct hx_axis axes[HX_GRID_AXES];
    size_t axis_count;
};

void hx_grid_init(struct hx_grid *grid);
void hx_grid_fini(struct hx_grid *grid);

/* "path=v1,v2,...": commas inside brackets, braces and quotes do not part values. OTEL_ERR_ARGUMENT
 * (no path, no value, one value twice, one path twice), OTEL_ERR_LIMIT, OTEL_ERR_MEMORY, with
 * *reterr filled. */
OTEL_MUST_USE enum otel_err hx_grid_add(struct hx_grid *grid, const char *vary,
                                        struct otl_detail *reterr);

/* Combinations; 1 for no path at all. */
size_t hx_grid_points(const struct hx_grid *grid);
/* Index of the value of each axis in combination point. */
void hx_grid_at(const struct hx_grid *grid, size_t point, size_t ret_indexes[HX_GRID_AXES]);

/* The numbers 0 to count - 1 in an order drawn from seed. */
void hx_shuffled(uint64_t seed, size_t *ret, size_t count);

#endif
