/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LINK_H
#define OTL_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <otel/err.h>

#include "sdk/base/clock.h"
#include "sdk/transport/connect.h"
#include "sdk/transport/resolve.h"
#include "sdk/transport/tls.h"
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
 * Reading and writing are the owner's, by otl_link_read() and otl_link_write(), which are recv()
 * and sendmsg() or TLS over them: libevent's buffers write with writev(), which would raise SIGPIPE
 * on whatever thread runs the loop.
 */

struct event;
struct event_base;

struct otl_link_handlers {
    /* OTEL_OK: connected, and TLS agreed on. OTEL_ERR_REFUSED: one side does not accept the other's
     * certificate or protocol, and would not the next time either. */
    void (*connected)(void *context, enum otel_err err);
    void (*readable)(void *context);
    void (*writable)(void *context); /* once for each otl_link_await_writable() */
    void (*timed_out)(void *context);
};

struct otl_link_options {
    struct event_base *base;       /* borrowed; outlives the link */
    const struct otl_clock *clock; /* borrowed */
    const struct otl_url *url;     /* copied; https without tls is OTEL_ERR_UNSUPPORTED */
    struct otl_tls *tls;           /* borrowed; NULL: none; not used for http */
    bool h2;                       /* HTTP/2 follows: it must be agreed on in TLS */
    otl_lookup_fn look_up;         /* NULL: the system's */
    struct otl_thread_maker threads; /* of look-ups */
    uint64_t max_age_ns;           /* 0: a connection may live for ever */
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
    struct otl_tls *tls; /* NULL: plain */
    bool h2;
    void *session;          /* of TLS; exists while there is a connection */
    bool shaking;           /* the handshake is under way */
    bool read_waits_write;  /* TLS has to write before it can read */
    bool write_waits_write; /* the owner awaits */
    bool write_waits_read;
    bool refused;
    char why[512];
    uint64_t deadline_ns; /* UINT64_MAX: none */
    uint64_t max_age_ns;  /* 0: none */
    uint64_t opened_ns;
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
/* There is a connection that has lived for longer than it may; the owner closes it between two
 * requests. */
bool otl_link_is_old(const struct otl_link *link);
/* timed_out is called once when it has passed, or before where there is no memory to wait on;
 * UINT64_MAX: never. False: no memory for it, and there is none. */
OTEL_MUST_USE bool otl_link_deadline(struct otl_link *link, uint64_t deadline_ns);
/* Takes it back. */
void otl_link_no_deadline(struct otl_link *link);
/* False: no memory. */
bool otl_link_await_writable(struct otl_link *link);

/* As recv() and sendmsg(): bytes, 0 at the end, or -1 with errno: EAGAIN (for a write: await
 * writable), EINTR, else the connection is broken. A write that had EAGAIN is repeated with the
 * same bytes at its beginning. */
ssize_t otl_link_read(struct otl_link *link, void *data, size_t size);
ssize_t otl_link_write(struct otl_link *link, const struct iovec *parts, size_t count);
/* True: a broken connection would break the next time, too (TLS: not accepted). */
bool otl_link_refused(const struct otl_link *link);
/* What is known about the last failure to connect or the last broken connection; "" = nothing. */
const char *otl_link_why(const struct otl_link *link);

#endif
