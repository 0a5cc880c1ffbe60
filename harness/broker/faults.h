/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_BROKER_FAULTS_H
#define HX_BROKER_FAULTS_H

#include <jansson.h>

#include "harness/broker/broker.h"

/*
 * What the runner has the broker do wrong ("fault" in harness/topology/control.h), and for how
 * long. Of each fault the end is told ("acted").
 *
 * Life      new -> begin... -> end (all that is left) -> free.
 * Threads   the loop's.
 * Limits    HX_MAX_FAULTS of the scenario.
 */

struct event_base;
struct hx_child;
struct hx_broker_faults;

/* NULL: no memory. */
struct hx_broker_faults *hx_broker_faults_new(struct event_base *base, struct hx_broker *broker,
                                              struct hx_child *child);
void hx_broker_fault_begin(struct hx_broker_faults *faults, const json_t *message);
/* NULL is allowed, here and below. */
void hx_broker_faults_end(struct hx_broker_faults *faults);
void hx_broker_faults_free(struct hx_broker_faults *faults);

#endif
