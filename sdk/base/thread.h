/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_THREAD_H
#define OTL_THREAD_H

#include <pthread.h>

#include <otel/err.h>

/*
 * The one place where the SDK makes threads: as the program wants them, and with all signals
 * blocked.
 *
 * Threads   any.
 */

/* What a program gave as create_thread; {NULL, NULL}: pthread_create(). */
struct otl_thread_maker {
    int (*create)(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg);
    void *arg;
};

/* Begin run(arg); join or detach it. OTEL_ERR_THREAD: there is no thread, run is not called. */
OTEL_MUST_USE enum otel_err otl_thread_start(const struct otl_thread_maker *maker,
                                             pthread_t *ret_thread, void *(*run)(void *),
                                             void *arg);

#endif
