/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RELAY_COMMITTED_H
#define HX_RELAY_COMMITTED_H

#include <librdkafka/rdkafka.h>

#include "harness/service/kafka.h"

/*
 * What a group has committed in a topic, asked without keeping the loop waiting. The question is
 * put by a consumer of that group which never joins it, from a thread of its own: librdkafka's
 * admin request for it (2.0.2) must not time out, since the broker's next sign of life ends the
 * process then: the request's callback for the coordinator finds it gone and returns an error, and
 * the handler of that error gives up a reference which is not its own.
 *
 * Not for many groups: each is a handle of librdkafka and a thread.
 *
 * Life      new -> ask, answer, ask ... -> free, also with a question under way.
 * Threads   the loop's owner; told is called on its loop.
 * Limits    one question at a time; a further one is put when the answer has come. A broker that
 *           does not answer within 2 s: told hears NULL, and free waits that long at most.
 */

struct hx_relay_committed;

/* offsets: of all partitions, negative where nothing was committed; NULL: the broker did not say.
 * Valid during the call. */
typedef void hx_relay_committed_fn(void *arg, const rd_kafka_topic_partition_list_t *offsets);

/* OTEL_ERR_ARGUMENT: librdkafka refuses the address. OTEL_ERR_IO: no descriptor, no thread.
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_relay_committed_new(struct event_base *base,
                                                   const struct hx_kafka_group *group,
                                                   hx_relay_committed_fn *told, void *arg,
                                                   struct hx_relay_committed **ret,
                                                   struct otl_detail *reterr);
/* told hears of it once; nothing happens while an earlier question is under way. */
void hx_relay_committed_ask(struct hx_relay_committed *committed);
/* NULL is accepted. */
void hx_relay_committed_free(struct hx_relay_committed *committed);

#endif
