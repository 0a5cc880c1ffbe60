/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/grid.h"

#include <stdbool.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/random.h"

void hx_grid_init(struct hx_grid *grid)
{
    memset(grid, 0, sizeof(*grid));
}

void hx_grid_fini(struct hx_grid *grid)
{
    for (size_t a = 0; a < HX_GRID_AXES; a++) {
        otl_mem_free(grid->axes[a].path);
        for (size_t v = 0; v < grid->axes[a].count; v++)
            otl_mem_free(grid->axes[a].values[v]);
    }
    hx_grid_init(grid);
}

static enum otel_err wrong(struct otl_detail *reterr, const char *vary, const char *why)
{
    return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "--vary %.200s: %s", vary, why);
}

/* Length of the value that text begins with. */
static size_t value_len(const char *text)
{
    int depth = 0;
    char quote = '\0';
    size_t at = 0;

    for (; text[at] != '\0'; at++) {
        char c = text[at];
        if (quote != '\0')
            quote = c == quote ? '\0' : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        else if (c == ',' && depth == 0)
            break;
    }
    return at;
}

static enum otel_err add_value(struct hx_axis *axis, const char *vary, const char *text, size_t len,
                               struct otl_detail *reterr)
{
    if (len == 0)
        return wrong(reterr, vary, "a value is empty; expected path=v1,v2,...");
    if (axis->count == HX_GRID_VALUES)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "--vary %.200s: more than %d values", axis->path, HX_GRID_VALUES);
    for (size_t v = 0; v < axis->count; v++)
        if (strncmp(axis->values[v], text, len) == 0 && axis->values[v][len] == '\0')
            return wrong(reterr, vary, "the same value stands there twice");
    axis->values[axis->count] = otl_mem_strndup(text, len);
    if (axis->values[axis->count] == NULL)
        return OTEL_ERR_MEMORY;
    axis->count++;
    return OTEL_OK;
}

enum otel_err hx_grid_add(struct hx_grid *grid, const char *vary, struct otl_detail *reterr)
{
    const char *equals = strchr(vary, '='), *text;
    struct hx_axis *axis = &grid->axes[grid->axis_count];
    bool more = true;

    if (equals == NULL || equals == vary)
        return wrong(reterr, vary, "expected path=v1,v2,... such as load.rate=100,200,400");
    if (grid->axis_count == HX_GRID_AXES)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "--vary more than %d times",
                              HX_GRID_AXES);
    axis->path = otl_mem_strndup(vary, (size_t)(equals - vary));
    if (axis->path == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t a = 0; a < grid->axis_count; a++)
        if (strcmp(grid->axes[a].path, axis->path) == 0)
            return wrong(reterr, vary, "this path is varied already");
    for (text = equals + 1; more;) {
        size_t len = value_len(text);
        enum otel_err err = add_value(axis, vary, text, len, reterr);
        if (err != OTEL_OK)
            return err;
        more = text[len] == ',';
        text += len + 1;
    }
    grid->axis_count++;
    if (hx_grid_points(grid) > HX_GRID_POINTS)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "the varied values make more than %d combinations", HX_GRID_POINTS);
    return OTEL_OK;
}

size_t hx_grid_points(const struct hx_grid *grid)
{
    size_t points = 1;

    for (size_t a = 0; a < grid->axis_count && points <= HX_GRID_POINTS; a++)
        points *= grid->axes[a].count;
    return points;
}

void hx_grid_at(const struct hx_grid *grid, size_t point, size_t ret_indexes[HX_GRID_AXES])
{
    for (size_t a = grid->axis_count; a-- > 0;) {
        ret_indexes[a] = point % grid->axes[a].count;
        point /= grid->axes[a].count;
    }
}

void hx_shuffled(uint64_t seed, size_t *ret, size_t count)
{
    struct otl_random random;

    otl_random_seed(&random, otl_random_mix_text(seed, "order of runs", 13));
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)otl_random_below(&random, i + 1);
        ret[i] = ret[j];
        ret[j] = i;
    }
}
