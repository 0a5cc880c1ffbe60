/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_CONSUMER_H
#define HX_SERVICE_CONSUMER_H

#include "harness/service/request.h"

/*
 * Consumer: a member of a Kafka consumer group as an entry point of a service.
 *
 * While max_in_hand messages are in hand it makes no consumer poll at all, so that
 * max.poll.interval.ms means what it means in production: a handler that takes too long loses its
 * partitions, and the message is delivered again elsewhere. The loop stays free meanwhile.
 * With a batch size above 1 messages wait for company, up to batch_wait, and are handled as one.
 * A handle that librdkafka gives up for good, as that of a static member which it takes for fenced,
 * is replaced by a new one once nothing of it is in hand.
 * An offset is stored when the handlers of it and of all before it in its partition have ended.
 *
 * Life      new (joins the group) -> messages come -> free (leaves the group; blocks shortly).
 * Threads   the loop's; librdkafka's callbacks are served there too.
 * Limits    max_in_hand messages; the n-th delivery is counted for 16 Mi offsets a partition.
 */

struct event_base;
struct hx_member;

/* What became of its membership, for the time axis of a report. */
enum hx_member_event {
    HX_MEMBER_ASSIGNED, /* count partitions */
    HX_MEMBER_REVOKED,
    HX_MEMBER_LOST,     /* revoked, and others have them already */
    HX_MEMBER_EXPELLED  /* max.poll.interval.ms was exceeded; noticed at the next poll */
};

typedef void hx_member_event_fn(void *arg, const struct hx_consumer *consumer,
                                enum hx_member_event event, int count);

struct hx_member_options {
    struct event_base *base;
    const char *bootstrap;
    const struct hx_consumer *consumer;
    struct hx_runtime *runtime;
    hx_member_event_fn *changed; /* may be NULL; from the loop */
    void *changed_arg;
};

/* OTEL_ERR_ARGUMENT (settings that librdkafka refuses), OTEL_ERR_MEMORY, OTEL_ERR_IO. */
OTEL_MUST_USE enum otel_err hx_member_new(const struct hx_member_options *options,
                                          struct hx_member **ret, struct otl_detail *reterr);
void hx_member_free(struct hx_member *member);

/* Take no more messages; those in hand go on, and their offsets are stored. */
void hx_member_pause(struct hx_member *member);

/* Partitions were assigned, and nothing has changed for 3 s. */
bool hx_member_is_stable(const struct hx_member *member);
/* Messages in the assigned partitions that are not handled yet, asked of the broker; negative: it
 * cannot say now (ask again). Blocks for some milliseconds. */
int64_t hx_member_lag(struct hx_member *member);
/* Commit what is stored and wait for the answer. False: ask again. */
bool hx_member_commit(struct hx_member *member);
/* Has the whole group committed all that there is, in partitions that nobody is given just now too?
 * Blocks for some milliseconds. */
bool hx_member_group_is_done(struct hx_member *member);
/* Messages behind, as librdkafka's statistics said last (about once a second). */
int64_t hx_member_seen_lag(const struct hx_member *member);
uint64_t hx_member_committed(const struct hx_member *member);

#endif
