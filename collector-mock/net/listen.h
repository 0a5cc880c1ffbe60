/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_NET_LISTEN_H
#define COL_NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/detail.h"

/*
 * A listening TCP socket on the event loop; the servers of the collector stand on it.
 *
 * Life      new (bound and accepting at once) -> free (the port is closed).
 * Threads   that of the event base.
 * Limits    the backlog is 1024. When no descriptor is left, accepting rests until
 *           col_listener_wake(), instead of spinning.
 */

struct event_base;
struct col_listener;

enum { COL_ADDRESS_SIZE = 96 };

struct col_listen_options {
    struct event_base *base; /* borrowed */
    const char *host;        /* name or address, read during the call; "": all addresses */
    uint16_t port;           /* 0: any free one */
    void *context;
    /* A new connection, not blocking, without delay; takes the descriptor. */
    void (*on_accept)(void *context, int fd);
    /* A connection could not be accepted: no descriptor is left. */
    void (*on_shortage)(void *context);
};

/* address ("127.0.0.1:40123", "[::1]:40123") is what was really bound. OTEL_ERR_IO: the address
 * cannot be resolved or bound, *reterr says which and why. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_listener_new(const struct col_listen_options *options,
                                             char address[COL_ADDRESS_SIZE],
                                             struct col_listener **ret,
                                             struct otl_detail *reterr);
/* refuse true: stop listening, so that the kernel refuses connections; the port stays ours without
 * a gap. false: listen again. Both may be asked for twice. OTEL_ERR_IO with *reterr: the system
 * does not want to; nothing has changed. */
OTEL_MUST_USE enum otel_err col_listener_refuse(struct col_listener *listener, bool refuse,
                                                struct otl_detail *reterr);
void col_listener_wake(struct col_listener *listener); /* may be NULL */
void col_listener_free(struct col_listener *listener); /* may be NULL */

#endif
