/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/connectors/exponential.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double log2_of_e = 1.44269504088896340736;

/* An exact power of the base belongs to the bucket below it. */
static int32_t index_of(double value, int32_t scale)
{
    int exponent;
    double part = frexp(value, &exponent); /* from 0.5 to 1 */
    int power = part == 0.5;

    exponent--;
    if (scale <= 0)
        return (exponent - power) >> -scale;
    if (power)
        return exponent * (1 << scale) - 1;
    return (int32_t)floor(log(value) * ldexp(log2_of_e, scale));
}

/* Two, four, ... buckets become one. */
static void coarsen(struct col_exponential *histogram, int change)
{
    int32_t first = histogram->offset >> change;

    for (size_t i = 0; i < histogram->len; i++) {
        uint64_t count = histogram->counts[i];
        histogram->counts[i] = 0;
        histogram->counts[((histogram->offset + (int32_t)i) >> change) - first] += count;
    }
    histogram->len =
        (size_t)(((histogram->offset + (int32_t)histogram->len - 1) >> change) - first + 1);
    histogram->offset = first;
    histogram->scale -= change;
}

/* The value's bucket, once the scale is such that there is room for it. */
static int32_t fit(struct col_exponential *histogram, double value)
{
    for (;;) {
        int32_t index = index_of(value, histogram->scale);
        int64_t low = histogram->offset, high = low + (int64_t)histogram->len - 1;
        int change = 0;
        low = index < low ? index : low;
        high = index > high ? index : high;
        for (; high - low >= (int64_t)histogram->max_size; change++) {
            low >>= 1;
            high >>= 1;
        }
        if (change == 0)
            return index;
        coarsen(histogram, change);
    }
}

void col_exponential_begin(struct col_exponential *histogram, uint64_t *counts, size_t max_size)
{
    memset(histogram, 0, sizeof(*histogram));
    memset(counts, 0, max_size * sizeof(*counts));
    histogram->scale = COL_EXPONENTIAL_SCALE;
    histogram->counts = counts;
    histogram->max_size = max_size;
}

void col_exponential_add(struct col_exponential *histogram, double value, uint64_t times)
{
    bool first = histogram->len == 0 && histogram->zeros == 0;
    int32_t index;
    size_t room;

    value = value > 0 ? value : 0;
    histogram->min = first || value < histogram->min ? value : histogram->min;
    histogram->max = first || value > histogram->max ? value : histogram->max;
    if (value == 0) {
        histogram->zeros += times;
        return;
    }
    if (histogram->len == 0) {
        histogram->offset = index_of(value, histogram->scale);
        histogram->len = 1;
    }
    index = fit(histogram, value);
    if (index < histogram->offset) {
        room = (size_t)(histogram->offset - index);
        memmove(histogram->counts + room, histogram->counts,
                histogram->len * sizeof(histogram->counts[0]));
        memset(histogram->counts, 0, room * sizeof(histogram->counts[0]));
        histogram->len += room;
        histogram->offset = index;
    }
    room = (size_t)(index - histogram->offset) + 1;
    histogram->len = room > histogram->len ? room : histogram->len;
    histogram->counts[room - 1] += times;
}
