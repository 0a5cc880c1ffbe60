/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/batch.h"

void hx_batch_init(struct hx_batch *batch)
{
    batch->count = 0;
}

void hx_batch_fini(struct hx_batch *batch)
{
    while (batch->count > 0)
        rd_kafka_message_destroy(batch->items[--batch->count]);
}

void hx_batch_add(struct hx_batch *batch, rd_kafka_message_t *raw)
{
    batch->items[batch->count++] = raw;
}

void hx_batch_drop(struct hx_batch *batch, int32_t partition)
{
    size_t kept = 0;

    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i]->partition == partition)
            rd_kafka_message_destroy(batch->items[i]);
        else
            batch->items[kept++] = batch->items[i];
    }
    batch->count = kept;
}
