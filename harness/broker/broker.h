/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_BROKER_BROKER_H
#define HX_BROKER_BROKER_H

#include <stdbool.h>
#include <stddef.h>

#include <otel/err.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/detail.h"

/*
 * Embedded broker: librdkafka's mock cluster with a scenario's topics, for demonstrations and
 * tests without a Kafka of one's own.
 *
 * Not Kafka: group coordination is simplified (rebalances take a fixed time, a member needs a
 * session timeout above 3 s to be let in), nothing is kept on disk, the broker cannot be restarted
 * (but be away for a while),
 * and each partition keeps 5 MiB: the oldest batches go silently, and many small batches make it
 * slow (pad messages to about 2 KiB). A scenario with "broker: HOST:PORT" uses a real one.
 *
 * Life      new -> (clients connect) -> free.
 * Threads   the cluster runs on threads of librdkafka's; new and free on one of the caller's.
 */

struct hx_broker;

/* One broker node that listens on a free port of 127.0.0.1; the scenario's topics exist when this
 * returns. OTEL_ERR_IO, OTEL_ERR_MEMORY with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_broker_new(const struct hx_scenario *scenario,
                                          struct hx_broker **ret, struct otl_detail *reterr);
/* "127.0.0.1:40124"; lives as long as the broker. */
const char *hx_broker_bootstrap(const struct hx_broker *broker);
/* Readable (an event descriptor): some member of a group waits for an answer that never comes, as
 * watch.h says, until it is connected anew. */
int hx_broker_stuck_fd(const struct hx_broker *broker);
void hx_broker_free(struct hx_broker *broker);

/* Faults. Down: connections are cut and nobody listens; what it holds stays. Delay: of every
 * answer, 0 = none. Errors: for the next count requests with this number, in their order; -195 cuts
 * the connection. */
void hx_broker_set_down(struct hx_broker *broker, bool down);
void hx_broker_set_delay(struct hx_broker *broker, int millis);
void hx_broker_push_errors(struct hx_broker *broker, int api, int error, unsigned count);
/* Errors that have not been given out yet. */
size_t hx_broker_errors_left(struct hx_broker *broker, int api);

#endif
