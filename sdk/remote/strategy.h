/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_STRATEGY_H
#define OTL_STRATEGY_H

#include <stdbool.h>

#include <otel/sdk/sampler.h>

#include "sdk/base/buf.h"

/*
 * What a server of sampling strategies answered, ready to decide by.
 *
 * Life      read -> decide... -> free.
 * Threads   decide on any; budgets are atomic.
 * Memory    one block a strategy, one for the names.
 * Limits    OTEL_SDK_REMOTE_MAX_OPERATIONS.
 *
 * Traces a second are a budget of draw.h.
 */

struct otl_strategy;

/* JSON of Jaeger's SamplingStrategyResponse. Unknown members are skipped, of duplicates the last
 * counts. OTEL_ERR_SYNTAX: no JSON, or not such a message; OTEL_ERR_ARGUMENT: a share that is not
 * in [0, 1], a rate below 0; OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_strategy_read(struct otl_view body, struct otl_strategy **ret);
/* A message jaeger.api_v2.SamplingStrategyResponse; the same, with fields for members. */
OTEL_MUST_USE enum otel_err otl_strategy_read_message(struct otl_view body,
                                                      struct otl_strategy **ret);
void otl_strategy_free(struct otl_strategy *strategy);

bool otl_strategy_keeps(struct otl_strategy *strategy, const struct otel_sdk_sampling_input *input,
                        uint64_t now_ns);

#endif
