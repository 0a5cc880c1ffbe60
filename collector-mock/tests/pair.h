/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_PAIR_H
#define COL_TESTS_PAIR_H

#include "collector-mock/tests/rig.h"

/*
 * Two collectors for tests: near, which takes OTLP/HTTP, sends to far, which takes faults.
 *
 * Life      setup and teardown are a case's; start begins near, far runs from setup on.
 */

enum { GROUPS = 24, BODIES = 5 }; /* spans of the official request "groups" */

extern struct rig pair_near, pair_far;
extern struct otl_buf pair_body, pair_answer; /* the request "groups"; the last answer of near */

int pair_setup(void **state);
int pair_teardown(void **state);
/* Start near with this exporter ("TYPE: {endpoint: ENDPOINT, MORE}"); its --last-metrics are
 * last.prom in its directory. */
void pair_start(const char *type, const char *more);
/* To near; the status. */
unsigned pair_post(struct otl_view request);
unsigned pair_post_groups(void);
/* Of near: NAME{exporter="TYPE"MORE}. */
double pair_metric(const char *name, const char *type, const char *more);
void pair_until(const char *name, const char *type, double value);
double pair_dropped(const char *type, const char *reason);
/* A fault of far, by the members of its command; under way when this returns. */
void pair_fault(const char *words);
void pair_end_fault(void);
/* Requests in the tap of far; bodies: the first BODIES of them; when (mono) the last two came. */
size_t pair_arrived(struct otl_buf *bodies, uint64_t times[2]);

#endif
