/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_LONE_H
#define COL_TESTS_LONE_H

#include "collector-mock/tests/rig.h"

/*
 * One collector for tests that post the official request "groups" to it, over HTTP.
 *
 * Life      setup and teardown are a case's; configuration and start are the test's.
 */

enum { LONE_SPANS = 24 }; /* of the request */

extern struct rig lone;
extern struct otl_buf lone_body, lone_answer; /* the request; the last answer */

int lone_setup(void **state);
int lone_teardown(void **state);
/* On this connection, or one of its own; the status. headers: further lines, or "". */
unsigned lone_post_on(int fd, const char *headers);
unsigned lone_post(const char *headers);

#endif
