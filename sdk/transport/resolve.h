/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_RESOLVE_H
#define OTL_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <otel/err.h>

#include "sdk/base/thread.h"

/*
 * Host name to socket addresses, without ever making the caller wait for a name server.
 *
 * Numeric addresses and "localhost" (127.0.0.1, then ::1) are answered at once. Every other name
 * goes to getaddrinfo() in a detached thread, because that function cannot be cancelled and may
 * block for half a minute: nobody joins it, and an answer that nobody waits for is dropped.
 *
 * Life      otl_lookup_start -> done is called once, or otl_lookup_cancel before it.
 * Threads   start, done and cancel belong to the thread of the event base. The helper blocks all
 *           signals and touches nothing but its own record.
 * Fork      a child reads /etc/hosts itself. What is not there it asks gethostbyname2_r(), which a
 *           fork amid another thread's look-up may have locked for ever: such a look-up has no
 *           end, and after OTL_LOOKUPS_MAX of them none is begun.
 * Limits    8 addresses a name; 4 look-ups outstanding in the process, cancelled ones included
 *           until the system answers them.
 */

struct event_base;

enum { OTL_ADDRESSES_MAX = 8, OTL_LOOKUPS_MAX = 4 };

struct otl_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

struct otl_addresses {
    size_t count;
    struct otl_address items[OTL_ADDRESSES_MAX];
};

/* How the helper thread looks a name up; blocking. Tests give another. Returns OTEL_OK with at
 * least one address, OTEL_ERR_NOT_FOUND or OTEL_ERR_UNAVAILABLE. Must be callable on any thread. */
typedef enum otel_err (*otl_lookup_fn)(const char *host, uint16_t port,
                                       struct otl_addresses *ret);

/* getaddrinfo(); in a forked child /etc/hosts, then gethostbyname2_r(). */
enum otel_err otl_lookup_system(const char *host, uint16_t port, struct otl_addresses *ret);

/* True and *ret filled if the host needs no look-up. */
bool otl_resolve_now(const char *host, uint16_t port, struct otl_addresses *ret);

struct otl_lookup;

/* addresses is NULL unless err is OTEL_OK, and borrowed until the function returns. */
typedef void (*otl_lookup_done_fn)(void *context, enum otel_err err,
                                   const struct otl_addresses *addresses);

struct otl_lookup_options {
    struct event_base *base;
    otl_lookup_fn look_up; /* NULL: otl_lookup_system */
    const char *host;      /* copied */
    uint16_t port;
    struct otl_thread_maker threads; /* of the helper */
    otl_lookup_done_fn done;
    void *context;
};

/* OTEL_ERR_LIMIT: too many outstanding. OTEL_ERR_THREAD, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_lookup_start(const struct otl_lookup_options *options,
                                             struct otl_lookup **ret);
/* Forget it; done will not be called. NULL is allowed. */
void otl_lookup_cancel(struct otl_lookup *lookup);
/* In a forked child: leave the record and its event where they are; only close what is ours. */
void otl_lookup_abandon(struct otl_lookup *lookup);

#endif
