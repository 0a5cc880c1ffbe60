/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONNECTORS_EXPONENTIAL_H
#define COL_CONNECTORS_EXPONENTIAL_H

#include <stddef.h>
#include <stdint.h>

/*
 * An exponential histogram of OpenTelemetry, of values from 0 on: buckets whose bounds are powers
 * of 2^(2^-scale), as fine as max_size buckets allow.
 *
 * Bucket i holds what is above base^i and at most base^(i+1). The scale begins at 20 and falls when
 * the values lie too far apart.
 *
 * Life      zeroed and begun -> add...
 * Memory    the counts are the caller's: max_size of them.
 * Spec      metrics/data-model, exponential histograms
 */

enum { COL_EXPONENTIAL_SCALE = 20 };

struct col_exponential {
    int32_t scale;
    int32_t offset; /* the bucket of counts[0] */
    size_t len, max_size; /* 2 or more */
    uint64_t *counts;
    uint64_t zeros;
    double min, max;
};

void col_exponential_begin(struct col_exponential *histogram, uint64_t *counts, size_t max_size);
/* So many times; negative values count as 0. */
void col_exponential_add(struct col_exponential *histogram, double value, uint64_t times);

#endif
