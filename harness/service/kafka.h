/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_KAFKA_H
#define HX_SERVICE_KAFKA_H

#include <stdbool.h>

#include <librdkafka/rdkafka.h>
#include <otel/err.h>

#include "sdk/base/detail.h"
#include "sdk/base/log.h"

/*
 * What producers and consumers share, those of the services and those of the relay: configuration,
 * a librdkafka queue on a libevent loop, and how far behind a consumer is.
 *
 * A queue writes to its descriptor when it turns from empty to not empty, once: who is woken must
 * empty it, or come back by itself.
 */

struct event_base;

struct hx_kafka_setting {
    const char *name; /* NULL ends the list */
    const char *value;
};

/* log may be NULL; opaque is rd_kafka_opaque(). OTEL_ERR_ARGUMENT: a setting is refused.
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_kafka_conf_new(const struct hx_kafka_setting *settings,
                                              void *opaque, rd_kafka_conf_t **ret,
                                              struct otl_detail *reterr);

struct hx_kafka_events {
    rd_kafka_queue_t *queue;
    struct event *wake;
    int fd;
};

/* ready(arg) runs on the loop when the queue has something. Consumes queue, also on failure. */
OTEL_MUST_USE enum otel_err hx_kafka_events_init(struct hx_kafka_events *events,
                                                 struct event_base *base, rd_kafka_queue_t *queue,
                                                 void (*ready)(void *arg), void *arg,
                                                 struct otl_detail *reterr);
/* Come back in the next turn of the loop. */
void hx_kafka_events_again(struct hx_kafka_events *events);
void hx_kafka_events_fini(struct hx_kafka_events *events);

/* Messages of the assigned partitions that this consumer has not been given yet, asked of the
 * broker; -1: it cannot say now (ask again). Blocks for some milliseconds. */
int64_t hx_kafka_lag(rd_kafka_t *rk);

/* The same of all partitions of the topic, by what the whole group has committed: a partition that
 * was given to a member which is gone has nobody until the broker misses that member. */
int64_t hx_kafka_group_lag(rd_kafka_t *rk, const char *topic, unsigned partitions);

/* High watermark of a partition; -1: the broker does not say. Blocks for 10 s at most. */
int64_t hx_kafka_topic_end(rd_kafka_t *rk, const char *topic, int32_t partition);

struct hx_kafka_group {
    const char *bootstrap;
    const char *name;
    const char *topic;
    unsigned partitions;
};

/* Before the group has members: it will begin at what comes from now on, whatever earlier runs on
 * the same broker left in the topic and whatever its members' auto.offset.reset. OTEL_ERR_IO: the
 * broker does not answer, or somebody is in the group. */
OTEL_MUST_USE enum otel_err hx_kafka_group_begin(const struct hx_kafka_group *group,
                                                 struct otl_detail *reterr);

/* Commits what is stored of the assigned partitions. false: not within a second, or refused (ask
 * again). rd_kafka_commit() would wait without end where the answer never comes. */
bool hx_kafka_commit(rd_kafka_t *rk);

/* Leaves the group, serving the callbacks of it in a thread of its own meanwhile, and frees the
 * handle. false: librdkafka did not get out within twice limit_millis and a second (its own close
 * waits for a group that is rebalancing without end; one of 2.0.2 that ends throws away what is
 * asked of it just then, and whoever asked, in a callback, waits without end); the handle is
 * abandoned, with all that its callbacks may reach, by a program that is about to end: the group
 * sees a member that is silent. */
enum { HX_KAFKA_CLOSE_MILLIS = 3500 };
OTEL_MUST_USE bool hx_kafka_close(rd_kafka_t *rk, unsigned limit_millis);

#endif
