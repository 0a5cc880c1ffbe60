/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_HDR_H
#define HX_STATS_HDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * HdrHistogram: counts of values over a wide range with a fixed relative error.
 *
 * For values that are recorded one by one and read as percentiles. Where every sample must be
 * kept, or where there are few (< 1000) of them, sort them instead: summary.h.
 *
 * Life      new -> record... -> value_at, mean, iterate -> free; reset empties it for reuse.
 * Threads   one owner. Two threads keep one each and merge afterwards.
 * Memory    one block of counters, allocated by new and never again; sizes in hx_hdr_new().
 * Limits    a value above highest is refused, counted in refused, and changes nothing else.
 *
 * Sum of the counters = total, always. A percentile is never averaged: merge, then ask.
 *
 * Layout as in the public HdrHistogram description: bucket k holds values at resolution
 * lowest * 2^k, only the upper half of its sub-buckets is new. Logs: hdr_codec.h, hdr_log.h.
 */

struct hx_hdr_params {
    uint64_t lowest;  /* smallest difference that matters, >= 1 */
    uint64_t highest; /* largest value that can be recorded, >= 2 * lowest, <= 2^62 */
    unsigned digits;  /* significant decimal digits, 1 to 5 */
};

struct hx_hdr {
    struct hx_hdr_params params;
    unsigned unit_shift;     /* floor(log2(lowest)) */
    unsigned half_shift;     /* log2(sub_buckets / 2) */
    uint64_t sub_buckets;    /* per bucket, a power of two >= 2 * 10^digits */
    uint64_t sub_mask;       /* (sub_buckets - 1) << unit_shift */
    unsigned buckets;
    size_t counts_len;
    uint64_t total;          /* recorded values */
    uint64_t refused;        /* values above highest */
    uint64_t min;            /* exact; UINT64_MAX while empty */
    uint64_t max;            /* exact; 0 while empty */
    uint64_t *counts;        /* counts_len of them */
};

enum { HX_HDR_COUNTS_MAX = 1 << 20 }; /* 8 MiB: what new() and the decoder agree to allocate */

/* Nanoseconds from 1 us to 10 min with 3 digits (0.1 %): what the load generator records.
 * 22,528 counters, 176 KiB. */
#define HX_HDR_LATENCY_PARAMS ((struct hx_hdr_params){1000, 600000000000ULL, 3})

/* Counters that such a histogram needs; 0 if the parameters are out of range. */
size_t hx_hdr_counts_needed(const struct hx_hdr_params *params);
/* OTEL_ERR_ARGUMENT: parameters out of range. OTEL_ERR_LIMIT: more than HX_HDR_COUNTS_MAX
 * counters. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_hdr_new(const struct hx_hdr_params *params, struct hx_hdr **ret);
void hx_hdr_free(struct hx_hdr *hdr);
void hx_hdr_reset(struct hx_hdr *hdr);

/* False: above highest, refused and counted. */
bool hx_hdr_record(struct hx_hdr *hdr, uint64_t value);
bool hx_hdr_record_n(struct hx_hdr *hdr, uint64_t value, uint64_t count);
/* Add from's counters and refusals to hdr. OTEL_ERR_ARGUMENT: other parameters. */
OTEL_MUST_USE enum otel_err hx_hdr_merge(struct hx_hdr *hdr, const struct hx_hdr *from);

/* The value that percentile (0 to 100) of the recorded values do not exceed, rounded up to the
 * end of its bucket but never above max; 0 while empty. */
uint64_t hx_hdr_value_at(const struct hx_hdr *hdr, double percentile);
/* Recorded values <= value (its whole bucket counts). */
uint64_t hx_hdr_count_below(const struct hx_hdr *hdr, uint64_t value);
/* 0 while empty. */
uint64_t hx_hdr_min(const struct hx_hdr *hdr);
uint64_t hx_hdr_max(const struct hx_hdr *hdr);
double hx_hdr_mean(const struct hx_hdr *hdr);
double hx_hdr_stddev(const struct hx_hdr *hdr);

/* Values from low to high are not told apart. */
uint64_t hx_hdr_bucket_low(const struct hx_hdr *hdr, uint64_t value);
uint64_t hx_hdr_bucket_high(const struct hx_hdr *hdr, uint64_t value);

/* Walk over the counters that are not 0, in rising order. */
struct hx_hdr_iter {
    const struct hx_hdr *hdr;
    size_t index; /* the next counter to look at */
    uint64_t low; /* values of this counter: low to high */
    uint64_t high;
    uint64_t count;
    uint64_t cumulative; /* count of this and all lower ones */
};
void hx_hdr_iter_init(struct hx_hdr_iter *iter, const struct hx_hdr *hdr);
bool hx_hdr_iter_next(struct hx_hdr_iter *iter);

/* For the codec: the counter of a value, and the lowest value of a counter. */
size_t hx_hdr_index(const struct hx_hdr *hdr, uint64_t value);
uint64_t hx_hdr_index_low(const struct hx_hdr *hdr, size_t index);

#endif
