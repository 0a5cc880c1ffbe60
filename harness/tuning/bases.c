/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/bases.h"

#include <string.h>

static bool is_of_tracing(const char *path)
{
    return strncmp(path, "tracing.", 8) == 0 || strcmp(path, "tracing") == 0 ||
           strstr(path, ".tracing.") != NULL;
}

void hx_bases_of(const struct hx_grid *grid, struct hx_bases *ret)
{
    size_t count = 1;
    bool any = false;

    memset(ret, 0, sizeof(*ret));
    ret->grid = grid;
    for (size_t a = 0; a < grid->axis_count; a++) {
        ret->loads[a] = !is_of_tracing(grid->axes[a].path);
        any = any || !ret->loads[a];
        if (ret->loads[a])
            count *= grid->axes[a].count;
    }
    ret->count = any ? count : 0;
}

size_t hx_bases_for(const struct hx_bases *bases, size_t point)
{
    size_t indexes[HX_GRID_AXES], base = 0;

    hx_grid_at(bases->grid, point, indexes);
    for (size_t a = 0; a < bases->grid->axis_count; a++)
        if (bases->loads[a])
            base = base * bases->grid->axes[a].count + indexes[a];
    return base;
}

void hx_bases_at(const struct hx_bases *bases, size_t base, size_t ret_indexes[HX_GRID_AXES])
{
    for (size_t a = bases->grid->axis_count; a-- > 0;) {
        size_t count = bases->loads[a] ? bases->grid->axes[a].count : 1;
        ret_indexes[a] = base % count;
        base /= count;
    }
}
