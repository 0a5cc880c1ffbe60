/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_BROKER_EXTERNAL_H
#define HX_BROKER_EXTERNAL_H

#include <otel/err.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/detail.h"

/*
 * The topics of a scenario on a Kafka of one's own ("broker: HOST:PORT"): those that are missing
 * are made, with the scenario's partitions and one replica; those that are there must have as many
 * partitions as the scenario says, for its claims are about these. The consumers' groups are put at
 * the end of their topics: what is in them already is not this run's. Nothing is deleted or
 * emptied, here or later: give a scenario topics and groups of its own.
 *
 * Threads   librdkafka's, gone on return. Blocks, for 10 s a request at most.
 *
 * OTEL_ERR_IO: nobody answers at the address, a topic cannot be made, one is there with other
 * partitions, or a group has members; *reterr says which.
 */
OTEL_MUST_USE enum otel_err hx_broker_external(const struct hx_scenario *scenario,
                                               struct otl_detail *reterr);

#endif
