/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RELAY_BRIDGE_H
#define HX_RELAY_BRIDGE_H

#include <librdkafka/rdkafka.h>

#include "harness/relay/committed.h"
#include "harness/relay/parts.h"
#include "harness/service/kafka.h"

/*
 * The topics of one service with a command. For each topic of the scenario that it reads or writes
 * there is one of its own, "tracerig.SERVICE.TOPIC", of which alone the program knows; the relay
 * carries the messages over, one pipe a topic:
 *
 *   topic -> relay (a member of its group) -> ENTRY row -> tracerig.SERVICE.topic -> program
 *   program -> tracerig.SERVICE.topic -> relay -> SEND row -> topic
 *
 * Partition, key, value, time and headers go on as they came; only tracerig-request of a message
 * that the program wrote is set, as in its calls.
 *
 * An entry is over when the program's group has committed its message: that, and nothing else, is
 * known of its handling. A message that its group is given again is not seen again here.
 *
 * Life      new -> (clients connect) -> idle? ... -> stop -> free. Private to harness/relay.
 * Threads   the loop's; librdkafka's callbacks are served there too.
 * Limits    HX_RELAY_UNSENT messages of a pipe wait for the broker, HX_RELAY_PIPES pipes.
 */

enum { HX_RELAY_UNSENT = 10000, HX_RELAY_PIPES = 2 * HX_MAX_TOPICS };

struct hx_relay_pipe;

struct hx_relay_message { /* read, and not yet done with */
    struct hx_relay_message *next;
    struct hx_relay_pipe *pipe;
    uint64_t seq;            /* of its ENTRY or SEND row */
    int32_t partition;
    int64_t offset;          /* where it was read */
    int64_t handed;          /* into the program: its offset there; -1: not yet */
};

struct hx_relay_pipe {
    struct hx_relay_bridge *bridge;
    const struct hx_topic *topic;
    const struct hx_consumer *consumer;   /* into the program; NULL: out of it */
    char name[HX_FOREIGN_NAME_SIZE];      /* the program's topic */
    char group[HX_FOREIGN_NAME_SIZE];     /* the program's group; into it only */
    rd_kafka_t *rk;                       /* reads */
    struct hx_kafka_events events;
    struct event *second;                 /* polls, too, and looks whether all is ready */
    int64_t *next;                        /* offset behind the last one read, by partition */
    bool assigned;
    uint64_t changed_ns;                  /* last rebalance */
    size_t unsent;                        /* no delivery report yet */
    struct hx_relay_message *open;        /* into the program: not committed yet */
    struct hx_relay_committed *committed; /* by the program's group */
    struct event *ask;
    bool asking;
};

struct hx_relay_bridge {
    struct hx_relay *relay;
    const struct hx_service *service;
    char instance[80];
    const char *bootstrap;
    struct hx_led_writer *ledger;
    struct hx_relay_memory memory;        /* of the messages that went in */
    rd_kafka_t *producer;
    struct hx_kafka_events reports;
    struct hx_relay_pipe *pipes[HX_RELAY_PIPES];
    size_t pipe_count;
    size_t in_hand;                       /* went in, not committed */
    uint64_t handled;                     /* committed */
};

/* bridge.c. OTEL_ERR_IO, OTEL_ERR_ARGUMENT, OTEL_ERR_UNAVAILABLE, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_relay_bridge_new(struct hx_relay *relay,
                                                const struct hx_relay_topics *topics,
                                                struct hx_relay_bridge **ret,
                                                struct otl_detail *reterr);
/* What waits for the broker is given up; the ledger is closed. */
void hx_relay_bridge_stop(struct hx_relay_bridge *bridge);
void hx_relay_bridge_free(struct hx_relay_bridge *bridge);
/* NULL: the service has no topics. */
struct hx_relay_bridge *hx_relay_bridge_of(const struct hx_relay *relay,
                                           const struct hx_service *service);
/* Its groups are complete. */
bool hx_relay_bridge_is_stable(const struct hx_relay_bridge *bridge);
/* Nothing is on its way, as far as is known here. */
bool hx_relay_bridge_is_empty(const struct hx_relay_bridge *bridge);
/* All messages that are there have been carried over, and those that went in are committed. Asks
 * the broker: some milliseconds. */
bool hx_relay_bridge_is_idle(struct hx_relay_bridge *bridge);
/* Something has left the program: with max_in_flight another one may come in. */
void hx_relay_bridge_resume(struct hx_relay_bridge *bridge);
/* Requests and messages that a service with one replica has in hand. */
size_t hx_relay_bridge_busy(const struct hx_relay_bridge *bridge);

/* bridge_in.c, bridge_out.c: one pipe. */
OTEL_MUST_USE enum otel_err hx_relay_pipe_in(struct hx_relay_pipe *pipe,
                                             struct otl_detail *reterr);
OTEL_MUST_USE enum otel_err hx_relay_pipe_out(struct hx_relay_pipe *pipe,
                                              struct otl_detail *reterr);
void hx_relay_pipe_in_reported(struct hx_relay_message *message, const rd_kafka_message_t *report);
void hx_relay_pipe_out_reported(struct hx_relay_message *message,
                                const rd_kafka_message_t *report);

/* message.c: the bytes of one. */
struct hx_relay_caller;
/* Who wrote it, by its headers and its business key. */
void hx_relay_message_caller(const struct hx_foreign *foreign, const rd_kafka_message_t *raw,
                             struct hx_relay_caller *ret);
struct hx_led_headers hx_relay_message_texts(struct hx_relay_texts *texts,
                                             const rd_kafka_message_t *raw);
/* To the same partition of another topic; request (NULL: as it came) is set as tracerig-request.
 * False: the broker's client takes no more. */
bool hx_relay_message_carry(struct hx_relay_pipe *pipe, const char *to, rd_kafka_message_t *raw,
                            const char *request, struct hx_relay_message *message);
/* All that the program has written so far has been read. Asks the broker. */
bool hx_relay_bridge_is_read(const struct hx_relay_bridge *bridge);
/* The producer learns where its partitions are before it has to. */
OTEL_MUST_USE enum otel_err hx_relay_topic_known(const struct hx_relay_bridge *bridge,
                                                 const char *topic, struct otl_detail *reterr);

#endif
