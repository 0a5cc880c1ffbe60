/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_GRPC_THREAD_H
#define OTL_TESTS_GRPC_THREAD_H

#include <pthread.h>

#include "sdk/transport/tests/grpc_server.h"

/*
 * The scripted gRPC server on a thread of its own, for clients that have theirs.
 *
 * Life      start -> ... -> stop, which joins the thread -> (look at srv) -> fini.
 * Threads   srv belongs to the thread between start and stop.
 */

struct gsrv_thread {
    struct event_base *base;
    struct event *stop;
    struct gsrv *srv;
    int ends[2]; /* of the pipe that stops it */
    uint16_t port;
    pthread_t thread;
};

void gsrv_thread_start(struct gsrv_thread *t);
/* The same with a script. */
void gsrv_thread_start_with(struct gsrv_thread *t, const struct gsrv_step *steps, size_t count);
void gsrv_thread_stop(struct gsrv_thread *t);
void gsrv_thread_fini(struct gsrv_thread *t);

#endif
