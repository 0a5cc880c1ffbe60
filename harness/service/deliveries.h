/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_DELIVERIES_H
#define HX_SERVICE_DELIVERIES_H

#include <stddef.h>
#include <stdint.h>

/*
 * What one consumer knows of each partition: how often an offset was delivered to it, which
 * messages are in hand, and up to where everything is done.
 *
 * Life      init -> deliver, done... -> fini; forget when the partitions are taken away.
 * Threads   one owner.
 * Limits    HX_DELIVERIES_PARTITIONS partitions; deliveries are counted for 16 Mi offsets a
 *           partition and up to 255, beyond that an offset counts as delivered once.
 */

enum { HX_DELIVERIES_PARTITIONS = 1024 };

struct hx_delivery {
    struct hx_delivery *next; /* in the order of their coming */
    int32_t partition;
    int64_t offset;
    unsigned epoch;           /* of the assignment under which it came */
    int done;
};

struct hx_partition_log {
    uint8_t *counts; /* of offset first + i */
    int64_t first;
    size_t count;
    struct hx_delivery *head, **tail;
    unsigned epoch;  /* counted up when it is taken away */
};

struct hx_deliveries {
    struct hx_partition_log *partitions[HX_DELIVERIES_PARTITIONS];
};

void hx_deliveries_init(struct hx_deliveries *deliveries);
void hx_deliveries_fini(struct hx_deliveries *deliveries);

/* A message came: how often its offset has by now (from 1), and what to give to done. NULL in
 * *ret: no memory, or a partition over the limit. */
uint32_t hx_deliveries_add(struct hx_deliveries *deliveries, int32_t partition, int64_t offset,
                           struct hx_delivery **ret);
/* Its handler has ended; delivery is freed sooner or later. The offset up to which, exclusively,
 * everything is done in the partition, or -1 if that has not changed (or the partition was taken
 * away meanwhile). */
int64_t hx_deliveries_done(struct hx_deliveries *deliveries, struct hx_delivery *delivery);
/* The partitions were taken away: what is in hand will not be stored any more. */
void hx_deliveries_forget(struct hx_deliveries *deliveries);
/* One partition was taken away. */
void hx_deliveries_forget_one(struct hx_deliveries *deliveries, int32_t partition);

#endif
