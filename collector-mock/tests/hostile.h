/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_HOSTILE_H
#define COL_TESTS_HOSTILE_H

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/rig.h"

/*
 * One collector that takes all that means harm: an answer that says what is wrong, a count of it,
 * bounded memory, and the next request is served.
 *
 * Life      start and stop are the group's.
 */

extern struct rig hostile_rig;
/* The official request "groups", alone and as a gRPC message; the last answer over HTTP. */
extern struct otl_buf hostile_good, hostile_framed, hostile_answer;

int hostile_start(void **state);
int hostile_stop(void **state);

/* A connection over which HTTP is spoken. */
int hostile_join(void);
/* Good requests are taken over both protocols, and memory has not grown by more than a bound. */
void hostile_still_well(void);
/* NAME_total of the receiver, and waited for. */
double hostile_metric(const char *name);
void hostile_metric_becomes(const char *name, double value);

/* Answers of one status so far, and requests that have failed. */
struct hostile_tally {
    double answers, failures;
};
struct hostile_tally hostile_tally(const char *transport, unsigned status);
/* One more of both. */
void hostile_counted(const char *transport, unsigned status, struct hostile_tally before);

/* Each sends what is wrong: it must be answered so, the answer say this, and both be counted. */
void hostile_post(const char *headers, struct otl_view body, unsigned status, const char *says);
void hostile_post_json(struct otl_view body, unsigned status, const char *says);
/* Bytes of a connection that speaks HTTP: 400. */
void hostile_say(struct otl_view text, const char *says);
void hostile_call(uint8_t flag, const char *encoding, struct otl_view message, int code,
                  const char *says);
/* With the five bytes before the message. */
void hostile_call_raw(const char *encoding, struct otl_view body, int code, const char *says);

#endif
