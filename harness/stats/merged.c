/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/merged.h"

#include <math.h>
#include <string.h>

#include "harness/stats/summary.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { RESAMPLES = 2000, SIDES = 2 };

/* ---- bins --------------------------------------------------------------------------------- */

enum otel_err hx_bins_take(const struct hx_hdr *hdr, struct hx_bins *ret)
{
    struct hx_hdr_iter iter;
    size_t count = 0;

    *ret = (struct hx_bins){NULL, 0};
    hx_hdr_iter_init(&iter, hdr);
    while (hx_hdr_iter_next(&iter))
        count++;
    if (count == 0)
        return OTEL_OK;
    ret->items = otl_mem_alloc(count * sizeof(*ret->items));
    if (ret->items == NULL)
        return OTEL_ERR_MEMORY;
    hx_hdr_iter_init(&iter, hdr);
    while (hx_hdr_iter_next(&iter))
        ret->items[ret->count++] = (struct hx_bin){iter.high, iter.count};
    return OTEL_OK;
}

void hx_bins_fini(struct hx_bins *bins)
{
    otl_mem_free(bins->items);
    *bins = (struct hx_bins){NULL, 0};
}

/* ---- all blocks on one axis --------------------------------------------------------------- */

struct table {
    size_t blocks, width;
    uint64_t *values;  /* all that occur, rising */
    uint32_t *counts;  /* [block][side][value] */
    uint64_t *sums;    /* [side][value] */
    double *found;     /* RESAMPLES */
    double percentile;
};

static void free_table(struct table *t)
{
    otl_mem_free(t->values);
    otl_mem_free(t->counts);
    otl_mem_free(t->sums);
    otl_mem_free(t->found);
}

static void keep_distinct(struct table *t)
{
    size_t all = t->width;

    hx_sort_u64(t->values, all);
    t->width = 0;
    for (size_t i = 0; i < all; i++)
        if (t->width == 0 || t->values[i] != t->values[t->width - 1])
            t->values[t->width++] = t->values[i];
}

static void place(struct table *t, size_t block, size_t side, const struct hx_bins *bins)
{
    uint32_t *row = t->counts + (block * SIDES + side) * t->width;
    size_t at = 0;

    for (size_t i = 0; i < bins->count; i++) {
        while (t->values[at] < bins->items[i].value)
            at++;
        row[at] += (uint32_t)bins->items[i].count;
    }
}

static bool make_table(const struct hx_bins *const *sides[SIDES], size_t blocks, struct table *t)
{
    size_t all = 0;

    for (size_t b = 0; b < blocks; b++)
        all += sides[0][b]->count + sides[1][b]->count;
    t->blocks = blocks;
    t->values = otl_mem_alloc((all ? all : 1) * sizeof(*t->values));
    if (all == 0 || t->values == NULL)
        return false;
    for (size_t b = 0; b < blocks; b++)
        for (size_t side = 0; side < SIDES; side++)
            for (size_t i = 0; i < sides[side][b]->count; i++)
                t->values[t->width++] = sides[side][b]->items[i].value;
    keep_distinct(t);
    t->counts = otl_mem_zalloc(blocks * SIDES * t->width * sizeof(*t->counts));
    t->sums = otl_mem_zalloc(SIDES * t->width * sizeof(*t->sums));
    t->found = otl_mem_alloc(RESAMPLES * sizeof(*t->found));
    if (t->counts == NULL || t->sums == NULL || t->found == NULL)
        return false;
    for (size_t b = 0; b < blocks; b++)
        for (size_t side = 0; side < SIDES; side++)
            place(t, b, side, sides[side][b]);
    return true;
}

static void clear(struct table *t)
{
    memset(t->sums, 0, SIDES * t->width * sizeof(*t->sums));
}

/* Block b, its sides exchanged or not. */
static void add(struct table *t, size_t b, bool exchanged)
{
    for (size_t side = 0; side < SIDES; side++) {
        const uint32_t *row = t->counts + (b * SIDES + side) * t->width;
        uint64_t *sum = t->sums + (exchanged ? 1 - side : side) * t->width;

        for (size_t i = 0; i < t->width; i++)
            sum[i] += row[i];
    }
}

static uint64_t total(const struct table *t, size_t side)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < t->width; i++)
        sum += t->sums[side * t->width + i];
    return sum;
}

/* Nearest rank. */
static double of_side(const struct table *t, size_t side)
{
    const uint64_t *sums = t->sums + side * t->width;
    double wanted = ceil((double)total(t, side) * t->percentile / 100 - 1e-9), below = 0;

    for (size_t i = 0; i < t->width; i++) {
        below += (double)sums[i];
        if (below >= wanted && below > 0)
            return (double)t->values[i];
    }
    return (double)t->values[t->width - 1];
}

static double difference(const struct table *t)
{
    return of_side(t, 1) - of_side(t, 0);
}

/* ---- what may be said --------------------------------------------------------------------- */

static void interval(struct table *t, struct otl_random *random, struct hx_paired *ret)
{
    double n = (double)t->blocks;
    double z = t->blocks >= HX_PAIRED_BLOCKS_MIN
                   ? sqrt(n / (n - 1)) * hx_t_quantile(0.975, n - 1)
                   : HUGE_VAL;
    size_t out;

    for (size_t r = 0; r < RESAMPLES; r++) {
        clear(t);
        for (size_t i = 0; i < t->blocks; i++)
            add(t, otl_random_below(random, t->blocks), false);
        t->found[r] = difference(t);
    }
    hx_sort_doubles(t->found, RESAMPLES);
    out = (size_t)floor(hx_normal_below(-z) * RESAMPLES);
    ret->low = fmin(t->found[out], ret->estimate);
    ret->high = fmax(t->found[RESAMPLES - 1 - out], ret->estimate);
}

static double by_exchange(struct table *t, struct otl_random *random, double found)
{
    size_t as_far = 1;

    for (size_t r = 1; r < RESAMPLES; r++) {
        clear(t);
        for (size_t b = 0; b < t->blocks; b++)
            add(t, b, otl_random_below(random, 2) == 1);
        as_far += fabs(difference(t)) >= fabs(found);
    }
    return (double)as_far / RESAMPLES;
}

bool hx_merged(const struct hx_bins *const *base, const struct hx_bins *const *arm, size_t blocks,
               double percentile, uint64_t seed, struct hx_merged *ret)
{
    const struct hx_bins *const *sides[SIDES] = {base, arm};
    struct table t = {.percentile = percentile};
    struct otl_random random;
    bool known = blocks > 0 && blocks <= HX_PAIRED_MAX && make_table(sides, blocks, &t);

    if (known) {
        for (size_t b = 0; b < blocks; b++)
            add(&t, b, false);
        known = hx_percentile_known(total(&t, 0), percentile) &&
                hx_percentile_known(total(&t, 1), percentile);
    }
    if (known) {
        otl_random_seed(&random, otl_random_mix_text(seed, "merged", 6));
        ret->base = of_side(&t, 0);
        ret->arm = of_side(&t, 1);
        ret->difference = (struct hx_paired){.count = blocks, .estimate = ret->arm - ret->base};
        interval(&t, &random, &ret->difference);
        ret->difference.p = by_exchange(&t, &random, ret->difference.estimate);
    }
    free_table(&t);
    return known;
}
