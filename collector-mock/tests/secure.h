/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_SECURE_H
#define COL_TESTS_SECURE_H

#include <stdbool.h>
#include <stddef.h>

#include "sdk/base/buf.h"

/*
 * A TLS client for tests, on a blocking socket of rig_connect().
 *
 * It verifies the server as a good client does; why a handshake ended is told in words.
 */

struct ssl_st;

struct secure_ask {
    const char *ca;       /* file; NULL: not verified */
    const char *host;     /* to be verified; NULL: "localhost" */
    const char *cert;     /* the client's own, NAME.pem and NAME-key.pem without the ending */
    const char *protocol; /* ALPN; NULL: none is offered */
    int max_version;      /* TLS1_2_VERSION ...; 0: any */
};

struct secure {
    int fd;
    struct ssl_st *tls;
    char why[256];      /* the handshake or a read failed: OpenSSL's words, X509's behind them */
    char protocol[16];  /* chosen by the server */
};

/* True: the handshake is done. Takes fd. */
bool secure_open(struct secure *secure, int fd, const struct secure_ask *ask);
void secure_send(struct secure *secure, const void *data, size_t len);
/* Until the answer is whole (Content-Length) or the peer ends; the status, 0: none. */
unsigned secure_answer(struct secure *secure, struct otl_buf *out);
void secure_close(struct secure *secure);

#endif
