/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_DNS_H
#define COL_EXPORTERS_DNS_H

#include "sdk/transport/resolve.h"

/*
 * The dns resolver of load_balancing: asks for the addresses of a name again and again, and says
 * them each time as "10.0.0.1", "[::1]:4317", sorted and each once.
 *
 * Life      new -> names or failure... -> free.
 * Threads   that of the event base.
 * Limits    OTL_ADDRESSES_MAX addresses; an answer that takes longer than the timeout is none.
 */

struct col_dns;

/* Names hold during the call; count 0: it failed. */
typedef void col_dns_names_fn(void *context, const char *const *names, size_t count);

struct col_dns_options {
    struct event_base *base;
    const char *host, *port; /* they outlive it; port "": names have none */
    uint64_t interval_ns, timeout_ns;
    otl_lookup_fn look_up; /* NULL: that of the system */
    col_dns_names_fn *on_names;
    void *context;
};

/* The first question is asked at once, and perhaps answered before this returns. */
OTEL_MUST_USE enum otel_err col_dns_new(const struct col_dns_options *options,
                                        struct col_dns **ret);
void col_dns_free(struct col_dns *dns); /* may be NULL */

#endif
