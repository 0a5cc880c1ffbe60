/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TLS_WIRE_H
#define OTL_TLS_WIRE_H

#include <stdbool.h>

#include <openssl/bio.h>

/*
 * Wire: a socket as OpenSSL's BIO, by send() with MSG_NOSIGNAL (its own socket BIO uses write(),
 * which raises SIGPIPE on whatever thread of the guest's program runs the loop).
 *
 * Life      a value in its session; the BIO is freed before it.
 * Threads   the session's.
 */

struct otl_wire {
    int fd;
    bool wants_read; /* the last call would have had to wait; reset by otl_wire_begin() */
    bool wants_write;
    bool ended; /* the peer closed */
    int error;  /* errno of the connection's end; 0: none */
};

/* NULL: no memory. */
BIO_METHOD *otl_wire_method(void);
/* A BIO on wire; NULL: no memory. */
BIO *otl_wire_bio(const BIO_METHOD *method, struct otl_wire *wire);

static inline void otl_wire_begin(struct otl_wire *wire)
{
    wire->wants_read = false;
    wire->wants_write = false;
}

#endif
