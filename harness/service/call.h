/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_CALL_H
#define HX_SERVICE_CALL_H

#include "harness/service/peers.h"
#include "harness/service/request.h"

/*
 * Step call: an HTTP request to another service, a CLIENT span around it.
 *
 * A status of 400 or more fails the operation: with the same status below 500, with 502 above. No
 * answer fails it with 503 (unreachable) or 504 (timeout).
 */
enum hx_progress hx_call_step(struct hx_frame *frame, const struct hx_step *step,
                              struct hx_peers *peers, uint64_t timeout_ns);

#endif
