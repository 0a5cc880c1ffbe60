/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_FRONT_H
#define OTL_TESTS_FRONT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A TLS server in the test's own process that takes the TLS off and passes the bytes on to a plain
 * scripted server behind it, each connection in a thread of its own.
 *
 * Life      new -> ... -> free, which joins the threads.
 * Threads   the functions below from the test's thread at any time.
 * Limits    128 connections in its life.
 */

struct front;

struct front_options {
    const char *cert, *key;
    const char *client_ca; /* NULL: clients need no certificate */
    const char *alpn;      /* the one protocol it agrees to; NULL: it does not know ALPN */
    bool tls12;            /* speak nothing newer than TLS 1.2 */
    uint16_t behind;       /* the plain server's port */
};

struct front *front_new(const struct front_options *options);
void front_free(struct front *front);
uint16_t front_port(const struct front *front);
/* Handshakes that were completed, and that failed, on this side. */
unsigned front_accepted(struct front *front);
unsigned front_refused(struct front *front);
/* The name that the last client asked for (SNI); "" = none. Lives until the next connection. */
const char *front_name(struct front *front);
/* Cut all connections now, as a server that crashes: neither goodbye nor alert. */
void front_cut(struct front *front);

#endif
