/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_BATCH_H
#define HX_SERVICE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "harness/scenario/scenario.h"

/*
 * Batch: messages that were polled and wait for company, to be handled together as one.
 *
 * Life      hx_batch_init() -> add, drop -> take; hx_batch_fini() frees what is left.
 * Threads   one owner.
 * Memory    messages are owned until they are taken.
 * Limits    HX_MAX_BATCH messages.
 */

struct hx_batch {
    rd_kafka_message_t *items[HX_MAX_BATCH];
    size_t count;
};

void hx_batch_init(struct hx_batch *batch);
void hx_batch_fini(struct hx_batch *batch);

/* Consumes raw; there must be room. */
void hx_batch_add(struct hx_batch *batch, rd_kafka_message_t *raw);
/* Its partition was taken away: others will handle them. */
void hx_batch_drop(struct hx_batch *batch, int32_t partition);

#endif
