/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CONNECT_H
#define OTL_CONNECT_H

#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/clock.h"
#include "sdk/transport/resolve.h"
#include "sdk/transport/url.h"

/*
 * Connector: from a host name to one connected, non-blocking TCP socket with TCP_NODELAY.
 *
 * The addresses of a name are tried one after the other; each gets its share of the time that is
 * left, so that a black hole among them does not use all of it.
 *
 * Life      new -> (start -> done | cancel)... -> free. done is never called inside start.
 * Threads   the thread of the event base.
 * Limits    one attempt at a time; 30 s an address when there is no deadline.
 */

struct otl_connector;

/* fd is the caller's; -1 with err OTEL_ERR_UNAVAILABLE (nobody accepted), OTEL_ERR_NOT_FOUND (no
 * such name), OTEL_ERR_TIMEOUT, OTEL_ERR_LIMIT (look-ups), OTEL_ERR_MEMORY, OTEL_ERR_THREAD. */
typedef void (*otl_connect_done_fn)(void *context, enum otel_err err, int fd);

struct otl_connector_options {
    struct event_base *base;       /* borrowed; outlives the connector */
    const struct otl_clock *clock; /* borrowed */
    const struct otl_url *url;     /* borrowed; outlives the connector */
    otl_lookup_fn look_up;         /* NULL: the system's */
    struct otl_thread_maker threads; /* of look-ups */
    otl_connect_done_fn done;
    void *context;
};

OTEL_MUST_USE enum otel_err otl_connector_new(const struct otl_connector_options *options,
                                              struct otl_connector **ret);
/* deadline_ns on the connector's clock; UINT64_MAX: none. */
void otl_connector_start(struct otl_connector *connector, uint64_t deadline_ns);
/* What the system said about the last address that failed and can be reached from here, "Connection
 * refused"; "" = nothing. Static. */
const char *otl_connector_why(const struct otl_connector *connector);
void otl_connector_cancel(struct otl_connector *connector);
void otl_connector_free(struct otl_connector *connector);
/* In a forked child: close the descriptors, touch nothing of libevent, leave the memory. */
void otl_connector_abandon(struct otl_connector *connector);

/* A timeval for event_add(): at least 1 ms, at most a day. */
struct timeval otl_timeval(uint64_t ns);

#endif
