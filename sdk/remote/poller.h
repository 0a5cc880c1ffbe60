/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_POLLER_H
#define OTL_POLLER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/tell.h"
#include "sdk/base/thread.h"

/*
 * What asks a server again and again for a sampler: a thread, its event loop, a timer, the lock
 * of what decisions rest on, the tale of failures.
 *
 * Life      init -> start -> (turn -> wait)... -> fini. In a forked child: forked, then revive at
 *           the first decision, whereupon it turns anew.
 * Threads   one of its own; marked at the fields: [t] that thread's, [a] atomic, else constant.
 * Memory    the struct is the owner's and must not move.
 */

struct event_base;
struct otel_sdk_loop;

struct otl_poller_ops {
    enum otel_err (*open)(void *owner, struct event_base *base); /* make what asks */
    void (*close)(void *owner); /* free what open made, or a part of it */
    void (*turn)(void *owner);  /* time to ask; ends in otl_poller_wait(), now or later */
    void (*forked)(void *owner); /* in a child: what it has to leave behind */
};

struct otl_poller_options {
    const struct otl_poller_ops *ops;
    void *owner;
    struct otl_thread_maker threads;
    struct otl_teller teller;
    const char *about; /* what is asked for, where a failure is told; lives as long */
};

struct otl_poller {
    struct otl_poller_options options;
    struct otl_poller *next; /* in the list of all */
    pthread_rwlock_t lock;   /* of what the owner decides by; no fork while it is written */
    pthread_mutex_t starting;
    bool started; /* [a] there is a thread; false in a forked child until its first decision */
    bool stop;    /* [a] */
    pthread_t thread;
    struct otel_sdk_loop *loop; /* [t] except its wake */
    struct event *timer;        /* [t] */
    uint64_t wait_ns;           /* [t] */
    bool untimed;               /* [t] there was no memory for the timer's wait */
    bool told;                  /* [t] a failure, since the last success */
    uint64_t failures;          /* [a] */
};

void otl_poller_init(struct otl_poller *poller, const struct otl_poller_options *options);
/* The first turn is at once. OTEL_ERR_MEMORY, OTEL_ERR_IO, OTEL_ERR_THREAD, those of open; then
 * fini is still to be called. */
OTEL_MUST_USE enum otel_err otl_poller_start(struct otl_poller *poller);
/* Ends the thread, at once. */
void otl_poller_fini(struct otl_poller *poller);
/* On its thread: the next turn, in so long. */
void otl_poller_wait(struct otl_poller *poller, uint64_t wait_ns);
/* On its thread: count a failure, and tell it unless one was told since the last success. */
void otl_poller_failed(struct otl_poller *poller, enum otel_err err, const char *what);
void otl_poller_succeeded(struct otl_poller *poller);

void otl_poller_start_again(struct otl_poller *poller);
/* From any thread, holding no lock of the owner's. */
static inline void otl_poller_revive(struct otl_poller *poller)
{
    if (__builtin_expect(!__atomic_load_n(&poller->started, __ATOMIC_ACQUIRE), 0))
        otl_poller_start_again(poller);
}

#endif
