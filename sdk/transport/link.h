/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LINK_H
#define OTL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/clock.h"
#include "sdk/transport/connect.h"
#include "sdk/transport/resolve.h"
#include "sdk/transport/url.h"

/*
 * Link: one connection to one URL's host, opened again when it is gone, with the deadline of
 * whatever is under way on it. What http.c and grpc.c have in common; speaks no protocol.
 *
 * Life      init -> (connect -> connected | close)... -> fini. abandon in a forked child.
 * Threads   the thread of the event base.
 * Memory    the struct is the caller's and must not move after init.
 * Limits    one descriptor, three events.
 *
 * Reading and writing are the owner's, on fd: libevent's buffers write with writev(), which would
 * raise SIGPIPE on whatever thread runs the loop.
 */

struct event;
struct event_base;

struct otl_link_handlers {
    void (*connected)(void *context, enum otel_err err); /* OTEL_OK: fd is open */
    void (*readable)(void *context);
    void (*writable)(void *context); /* once for each otl_link_await_writable() */
    void (*timed_out)(void *context);
};

struct otl_link_options {
    struct event_base *base;       /* borrowed; outlives the link */
    const struct otl_clock *clock; /* borrowed */
    const struct otl_url *url;     /* copied; https is OTEL_ERR_UNSUPPORTED */
    otl_lookup_fn look_up;         /* NULL: the system's */
    const struct otl_link_handlers *handlers; /* static */
    void *context;
};

struct otl_link {
    int fd; /* -1: no connection */
    struct otl_url url;
    const struct otl_clock *clock;
    /* private */
    struct event_base *base;
    struct otl_connector *connector;
    struct event *readable; /* these two exist while there is a connection */
    struct event *writable;
    struct event *timer;
    uint64_t deadline_ns; /* UINT64_MAX: none */
    const struct otl_link_handlers *handlers;
    void *context;
};

/* OTEL_ERR_UNSUPPORTED, OTEL_ERR_MEMORY; then fini is still allowed. */
OTEL_MUST_USE enum otel_err otl_link_init(struct otl_link *link,
                                          const struct otl_link_options *options);
void otl_link_fini(struct otl_link *link);
/* In a forked child: close the descriptors, touch nothing of libevent, leave the memory. */
void otl_link_abandon(struct otl_link *link);

/* connected will be called, never inside this. Bounded by the deadline that was set. */
void otl_link_connect(struct otl_link *link);
/* Also gives up an attempt to connect. */
void otl_link_close(struct otl_link *link);
/* timed_out is called once when it has passed; UINT64_MAX: never (and takes back an earlier). */
void otl_link_deadline(struct otl_link *link, uint64_t deadline_ns);
/* False: no memory. */
bool otl_link_await_writable(struct otl_link *link);

#endif
