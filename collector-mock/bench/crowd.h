/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_BENCH_CROWD_H
#define COL_BENCH_CROWD_H

#include "collector-mock/bench/stream.h"

/*
 * Connections that are all active at once: on each a request is under way at any time, and the
 * next one follows the answer. One thread, one epoll.
 *
 * Memory    a copy of the request for each connection, until free.
 * Errors    end the program with status 3.
 */

struct crowd;

/* fds: connected and greeted; they are made non-blocking, and stay the caller's. */
struct crowd *crowd_new(const int *fds, int count, const struct stream *stream);
void crowd_free(struct crowd *crowd);
/* So many requests more on each connection. Returns at the last answer, with how many requests
 * were under way at once, at most. 0: one was not answered with success. */
int crowd_send(struct crowd *crowd, int requests);

#endif
