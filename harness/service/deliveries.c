/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/deliveries.h"

#include <string.h>

#include "sdk/base/mem.h"

enum { OFFSETS_MAX = 16 * 1024 * 1024, COUNT_MAX = 255 };

void hx_deliveries_init(struct hx_deliveries *deliveries)
{
    memset(deliveries, 0, sizeof(*deliveries));
}

/* The list only; deliveries in hand are freed by their done. */
static void drop_finished(struct hx_partition_log *log)
{
    struct hx_delivery *delivery = log->head;

    while (delivery != NULL) {
        struct hx_delivery *next = delivery->next;
        if (delivery->done)
            otl_mem_free(delivery);
        delivery = next;
    }
    log->head = NULL;
    log->tail = &log->head;
}

void hx_deliveries_fini(struct hx_deliveries *deliveries)
{
    for (size_t i = 0; i < HX_DELIVERIES_PARTITIONS; i++) {
        struct hx_partition_log *log = deliveries->partitions[i];
        if (log == NULL)
            continue;
        drop_finished(log);
        otl_mem_free(log->counts);
        otl_mem_free(log);
    }
    hx_deliveries_init(deliveries);
}

static struct hx_partition_log *log_of(struct hx_deliveries *deliveries, int32_t partition)
{
    struct hx_partition_log *log;

    if (partition < 0 || partition >= HX_DELIVERIES_PARTITIONS)
        return NULL;
    if (deliveries->partitions[partition] != NULL)
        return deliveries->partitions[partition];
    log = otl_mem_zalloc(sizeof(*log));
    if (log != NULL)
        log->tail = &log->head;
    deliveries->partitions[partition] = log;
    return log;
}

/* Room for offset in the table of counts; NULL when there is none. */
static uint8_t *count_of(struct hx_partition_log *log, int64_t offset)
{
    int64_t first = log->count != 0 && log->first < offset ? log->first : offset;
    int64_t end = log->count != 0 && log->first + (int64_t)log->count > offset
                      ? log->first + (int64_t)log->count
                      : offset + 1;
    size_t want = (size_t)(end - first), grown;
    uint8_t *counts;

    if (log->count == 0 || first != log->first || want > log->count) {
        if (want > OFFSETS_MAX)
            return NULL;
        grown = want < OFFSETS_MAX / 2 ? want * 2 + 1024 : OFFSETS_MAX;
        counts = otl_mem_zalloc(grown);
        if (counts == NULL)
            return NULL;
        if (log->count != 0)
            memcpy(counts + (log->first - first), log->counts, log->count);
        otl_mem_free(log->counts);
        log->counts = counts;
        log->first = first;
        log->count = grown;
    }
    return &log->counts[offset - log->first];
}

uint32_t hx_deliveries_add(struct hx_deliveries *deliveries, int32_t partition, int64_t offset,
                           struct hx_delivery **ret)
{
    struct hx_partition_log *log = log_of(deliveries, partition);
    struct hx_delivery *delivery = log != NULL ? otl_mem_zalloc(sizeof(*delivery)) : NULL;
    uint8_t *count;

    *ret = delivery;
    if (delivery == NULL)
        return 1;
    delivery->partition = partition;
    delivery->offset = offset;
    delivery->epoch = log->epoch;
    *log->tail = delivery;
    log->tail = &delivery->next;
    count = count_of(log, offset);
    if (count == NULL)
        return 1;
    if (*count < COUNT_MAX)
        (*count)++;
    return *count;
}

int64_t hx_deliveries_done(struct hx_deliveries *deliveries, struct hx_delivery *delivery)
{
    struct hx_partition_log *log;
    int64_t upto = -1;

    if (delivery == NULL)
        return -1;
    log = deliveries->partitions[delivery->partition];
    if (delivery->epoch != log->epoch) {
        otl_mem_free(delivery);
        return -1;
    }
    delivery->done = 1;
    while (log->head != NULL && log->head->done) {
        struct hx_delivery *first = log->head;
        upto = first->offset + 1;
        log->head = first->next;
        if (log->head == NULL)
            log->tail = &log->head;
        otl_mem_free(first);
    }
    return upto;
}

void hx_deliveries_forget(struct hx_deliveries *deliveries)
{
    for (int32_t i = 0; i < HX_DELIVERIES_PARTITIONS; i++)
        hx_deliveries_forget_one(deliveries, i);
}

void hx_deliveries_forget_one(struct hx_deliveries *deliveries, int32_t partition)
{
    struct hx_partition_log *log = partition >= 0 && partition < HX_DELIVERIES_PARTITIONS
                                       ? deliveries->partitions[partition]
                                       : NULL;

    if (log == NULL)
        return;
    log->epoch++;
    drop_finished(log);
}
