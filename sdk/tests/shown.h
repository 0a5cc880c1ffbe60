/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_SHOWN_H
#define OTL_TEST_SHOWN_H

#include <otel/sdk/metrics.h>

/*
 * What a provider shows of itself (otel/sdk/metrics.h), as lines of text:
 *
 *     NAME{KEY=VALUE,...} TYPE UNIT NUMBER
 *
 * NUMBER of a histogram is its count.
 *
 * Life      show -> shown_... as often as needed; a value, nothing to free.
 * Limits    what is beyond SHOWN_SIZE bytes fails the test.
 */

enum { SHOWN_SIZE = 1 << 16 };

struct shown {
    char text[SHOWN_SIZE];
    size_t len;
    size_t metrics;
    double seconds; /* sum of all histograms */
};

struct shown show(struct otel_sdk_provider *provider);
/* For otel_sdk_provider_metrics(), arg a shown. */
void shown_put(void *arg, const struct otel_sdk_metric *metric);
/* The number of the only line NAME{...}; -1: there is none. Fails if there are several. */
int64_t shown_number(const struct shown *shown, const char *line);
/* Lines that begin so. */
size_t shown_lines(const struct shown *shown, const char *begin);
/* Sum over these. */
int64_t shown_sum(const struct shown *shown, const char *begin);

#endif
