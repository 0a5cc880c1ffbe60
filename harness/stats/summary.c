/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/summary.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void hx_sort_doubles(double *values, size_t count)
{
    if (count > 1)
        qsort(values, count, sizeof(*values), compare_doubles);
}

void hx_sort_u64(uint64_t *values, size_t count)
{
    if (count > 1)
        qsort(values, count, sizeof(*values), compare_u64);
}

/* Index of the nearest rank; count > 0. */
static size_t rank_index(size_t count, double percentile)
{
    double share = percentile < 0 ? 0 : percentile > 100 ? 1 : percentile / 100;
    size_t rank = (size_t)ceil(nextafter(share, 0) * (double)count);

    return rank == 0 ? 0 : rank - 1;
}

uint64_t hx_nearest_rank_u64(const uint64_t *sorted, size_t count, double percentile)
{
    return count == 0 ? 0 : sorted[rank_index(count, percentile)];
}

double hx_median(const double *sorted, size_t count)
{
    if (count == 0)
        return 0;
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double hx_mean(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count == 0 ? 0 : sum / (double)count;
}

bool hx_percentile_known(uint64_t count, double percentile)
{
    return (100 - percentile) / 100 * (double)count >= 10 - 1e-6;
}
