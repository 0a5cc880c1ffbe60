/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_PRODUCER_H
#define HX_SERVICE_PRODUCER_H

#include "harness/service/request.h"

/*
 * Producer of a service and the step publish: a PRODUCER span from the hand-over to the delivery
 * report, for which the steps do not wait (the span may outlive its parent).
 *
 * A message without key goes to a partition drawn from the request's stream. One that cannot even
 * be queued fails the operation with 503.
 *
 * Life      new (asks the broker for the topics, waiting at most 10 s) -> steps -> free (waits at
 *           most timeout_millis for reports).
 * Threads   the loop's; reports are served there too.
 * Limits    100,000 messages in flight; a message is given up after 15 s.
 */

struct event_base;
struct hx_producer;

/* OTEL_ERR_ARGUMENT, OTEL_ERR_UNAVAILABLE (no broker answers), OTEL_ERR_MEMORY, OTEL_ERR_IO. */
OTEL_MUST_USE enum otel_err hx_producer_new(struct event_base *base, const char *bootstrap,
                                            struct hx_runtime *runtime, struct hx_producer **ret,
                                            struct otl_detail *reterr);
void hx_producer_free(struct hx_producer *producer, int timeout_millis);

enum hx_progress hx_producer_step(struct hx_frame *frame, const struct hx_step *step,
                                  struct hx_producer *producer);

#endif
