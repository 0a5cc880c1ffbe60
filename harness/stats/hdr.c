/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/hdr.h"

#include <math.h>
#include <string.h>

#include "sdk/base/mem.h"

#define HIGHEST_MAX (1ULL << 62)

static unsigned floor_log2(uint64_t x)
{
    return 63U - (unsigned)__builtin_clzll(x);
}

static bool params_valid(const struct hx_hdr_params *params)
{
    return params->digits >= 1 && params->digits <= 5 && params->lowest >= 1 &&
           params->highest <= HIGHEST_MAX && params->lowest <= params->highest / 2;
}

/* Everything but the counters; the parameters are valid. */
static void lay_out(struct hx_hdr *hdr, const struct hx_hdr_params *params)
{
    uint64_t needed = 2;
    uint64_t too_big;

    memset(hdr, 0, sizeof(*hdr));
    hdr->params = *params;
    for (unsigned i = 0; i < params->digits; i++)
        needed *= 10;
    hdr->half_shift = floor_log2(needed - 1); /* needed is no power of two: ceil(log2) - 1 */
    hdr->sub_buckets = 2ULL << hdr->half_shift;
    hdr->unit_shift = floor_log2(params->lowest);
    hdr->sub_mask = (hdr->sub_buckets - 1) << hdr->unit_shift;
    hdr->buckets = 1;
    too_big = hdr->sub_buckets << hdr->unit_shift;
    while (too_big <= params->highest) {
        hdr->buckets++;
        too_big <<= 1; /* highest <= 2^62, so this stops at 2^63 at the latest */
    }
    hdr->counts_len = (size_t)((hdr->buckets + 1ULL) << hdr->half_shift);
    hdr->min = UINT64_MAX;
}

static bool shift_fits(const struct hx_hdr_params *params)
{
    /* sub_buckets (at most 2^18) << unit_shift must stay below 2^63 */
    return floor_log2(params->lowest) <= 44;
}

size_t hx_hdr_counts_needed(const struct hx_hdr_params *params)
{
    struct hx_hdr layout;

    if (!params_valid(params) || !shift_fits(params))
        return 0;
    lay_out(&layout, params);
    return layout.counts_len;
}

enum otel_err hx_hdr_new(const struct hx_hdr_params *params, struct hx_hdr **ret)
{
    size_t needed = hx_hdr_counts_needed(params);
    struct hx_hdr *hdr;

    if (needed == 0)
        return OTEL_ERR_ARGUMENT;
    if (needed > HX_HDR_COUNTS_MAX)
        return OTEL_ERR_LIMIT;
    hdr = otl_mem_alloc(sizeof(*hdr));
    if (hdr == NULL)
        return OTEL_ERR_MEMORY;
    lay_out(hdr, params);
    hdr->counts = otl_mem_zalloc(needed * sizeof(*hdr->counts));
    if (hdr->counts == NULL) {
        otl_mem_free(hdr);
        return OTEL_ERR_MEMORY;
    }
    *ret = hdr;
    return OTEL_OK;
}

void hx_hdr_free(struct hx_hdr *hdr)
{
    if (hdr == NULL)
        return;
    otl_mem_free(hdr->counts);
    otl_mem_free(hdr);
}

void hx_hdr_reset(struct hx_hdr *hdr)
{
    size_t used = hdr->total == 0 ? 0 : hx_hdr_index(hdr, hdr->max) + 1;

    memset(hdr->counts, 0, used * sizeof(*hdr->counts));
    hdr->total = 0;
    hdr->refused = 0;
    hdr->min = UINT64_MAX;
    hdr->max = 0;
}

/* The bucket of a value: 0 while it fits the first bucket's sub-buckets. */
static unsigned bucket_of(const struct hx_hdr *hdr, uint64_t value)
{
    return floor_log2(value | hdr->sub_mask) - hdr->unit_shift - hdr->half_shift;
}

size_t hx_hdr_index(const struct hx_hdr *hdr, uint64_t value)
{
    unsigned bucket = bucket_of(hdr, value);
    uint64_t sub = value >> (bucket + hdr->unit_shift);

    return (size_t)(((uint64_t)bucket << hdr->half_shift) + sub);
}

uint64_t hx_hdr_index_low(const struct hx_hdr *hdr, size_t index)
{
    uint64_t half = 1ULL << hdr->half_shift;
    uint64_t bucket = index >> hdr->half_shift;
    uint64_t sub = index & (half - 1);

    if (bucket != 0) { /* only the upper halves of later buckets are stored */
        sub += half;
        bucket--;
    }
    return sub << (bucket + hdr->unit_shift);
}

uint64_t hx_hdr_bucket_low(const struct hx_hdr *hdr, uint64_t value)
{
    unsigned shift = bucket_of(hdr, value) + hdr->unit_shift;

    return value >> shift << shift;
}

uint64_t hx_hdr_bucket_high(const struct hx_hdr *hdr, uint64_t value)
{
    unsigned shift = bucket_of(hdr, value) + hdr->unit_shift;

    return (value >> shift << shift) + ((1ULL << shift) - 1);
}

bool hx_hdr_record_n(struct hx_hdr *hdr, uint64_t value, uint64_t count)
{
    if (value > hdr->params.highest) {
        hdr->refused += count;
        return false;
    }
    if (count == 0)
        return true;
    hdr->counts[hx_hdr_index(hdr, value)] += count;
    hdr->total += count;
    if (value < hdr->min)
        hdr->min = value;
    if (value > hdr->max)
        hdr->max = value;
    return true;
}

bool hx_hdr_record(struct hx_hdr *hdr, uint64_t value)
{
    return hx_hdr_record_n(hdr, value, 1);
}

enum otel_err hx_hdr_merge(struct hx_hdr *hdr, const struct hx_hdr *from)
{
    size_t used = from->total == 0 ? 0 : hx_hdr_index(from, from->max) + 1;

    if (hdr->params.lowest != from->params.lowest || hdr->params.digits != from->params.digits ||
        hdr->params.highest != from->params.highest)
        return OTEL_ERR_ARGUMENT;
    for (size_t i = 0; i < used; i++)
        hdr->counts[i] += from->counts[i];
    hdr->total += from->total;
    hdr->refused += from->refused;
    if (from->min < hdr->min)
        hdr->min = from->min;
    if (from->max > hdr->max)
        hdr->max = from->max;
    return OTEL_OK;
}

uint64_t hx_hdr_value_at(const struct hx_hdr *hdr, double percentile)
{
    double share = percentile < 0 ? 0 : percentile > 100 ? 1 : percentile / 100;
    struct hx_hdr_iter iter;
    uint64_t rank;

    if (hdr->total == 0)
        return 0;
    /* One step down, so that 99.9 % of 1000 is rank 999 and not, by rounding, 1000. */
    rank = (uint64_t)ceil(nextafter(share, 0) * (double)hdr->total);
    if (rank == 0)
        return hdr->min;
    hx_hdr_iter_init(&iter, hdr);
    while (hx_hdr_iter_next(&iter))
        if (iter.cumulative >= rank)
            return iter.high < hdr->max ? iter.high : hdr->max;
    return hdr->max;
}

uint64_t hx_hdr_count_below(const struct hx_hdr *hdr, uint64_t value)
{
    struct hx_hdr_iter iter;
    uint64_t count = 0;

    hx_hdr_iter_init(&iter, hdr);
    while (hx_hdr_iter_next(&iter) && iter.low <= value)
        count = iter.cumulative;
    return count;
}

uint64_t hx_hdr_min(const struct hx_hdr *hdr)
{
    return hdr->total == 0 ? 0 : hdr->min;
}

uint64_t hx_hdr_max(const struct hx_hdr *hdr)
{
    return hdr->max;
}

static double middle(const struct hx_hdr_iter *iter)
{
    return (double)iter->low + (double)(iter->high - iter->low) / 2;
}

double hx_hdr_mean(const struct hx_hdr *hdr)
{
    struct hx_hdr_iter iter;
    double sum = 0;

    if (hdr->total == 0)
        return 0;
    hx_hdr_iter_init(&iter, hdr);
    while (hx_hdr_iter_next(&iter))
        sum += middle(&iter) * (double)iter.count;
    return sum / (double)hdr->total;
}

double hx_hdr_stddev(const struct hx_hdr *hdr)
{
    double mean = hx_hdr_mean(hdr);
    struct hx_hdr_iter iter;
    double sum = 0;

    if (hdr->total == 0)
        return 0;
    hx_hdr_iter_init(&iter, hdr);
    while (hx_hdr_iter_next(&iter))
        sum += (middle(&iter) - mean) * (middle(&iter) - mean) * (double)iter.count;
    return sqrt(sum / (double)hdr->total);
}

void hx_hdr_iter_init(struct hx_hdr_iter *iter, const struct hx_hdr *hdr)
{
    memset(iter, 0, sizeof(*iter));
    iter->hdr = hdr;
}

bool hx_hdr_iter_next(struct hx_hdr_iter *iter)
{
    const struct hx_hdr *hdr = iter->hdr;

    if (iter->cumulative >= hdr->total)
        return false;
    while (iter->index < hdr->counts_len && hdr->counts[iter->index] == 0)
        iter->index++;
    if (iter->index == hdr->counts_len)
        return false;
    iter->low = hx_hdr_index_low(hdr, iter->index);
    iter->high = hx_hdr_bucket_high(hdr, iter->low);
    iter->count = hdr->counts[iter->index];
    iter->cumulative += iter->count;
    iter->index++;
    return true;
}
