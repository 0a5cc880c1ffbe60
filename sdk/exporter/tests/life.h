/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_LIFE_H
#define OTL_TEST_LIFE_H

#include <stdbool.h>

#include <otel/sdk/provider.h>

/*
 * The whole life of an exporter, from its making to its freeing: a provider with it, spans, a
 * flush, spans, the shutdown. For tests in which every n-th allocation fails.
 *
 * Threads   one test.
 */

struct life_kind {
    enum otel_err (*make)(struct otel_sdk_exporter **ret);
    bool simple; /* under the simple processor, else the batch one */
    bool wire;   /* it opens connections */
};

/* Twice so many spans; *ret_stats are zeros when it could not be set up: why, is returned. */
enum otel_err life_of(const struct life_kind *kind, int spans, struct otel_sdk_stats *ret_stats);
/* Fails the test unless each span was exported, or lost and counted. */
void life_books_balance(const struct otel_sdk_stats *stats);

#endif
