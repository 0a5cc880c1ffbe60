/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TLS_H
#define OTL_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <otel/err.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * TLS of one exporter: whom it trusts, who it is, and the interface to the library that does the
 * work. link.c holds the connections.
 *
 * The library (sdk/tls, OpenSSL) is apart, so that a program which never says https neither links
 * nor loads it. It is found when the first https endpoint is met: linked into the program, or
 * loaded as libotel_tls.so.0 from beside libotel_sdk.so or from the system's path.
 *
 * Life      new (reads and checks all files) -> given to clients -> (forked in a child) -> free,
 *           after the clients.
 * Threads   new on any thread; the rest on the exporter's.
 * Memory    the files' bytes are kept, because a forked child must not touch what it inherited of
 *           the library and makes its own out of them; wiped in the end.
 * Limits    1 MiB a file.
 */

struct otl_tls;

/* Paths; "" or NULL: none. */
struct otl_tls_files {
    const char *ca;   /* trusted alone; none: what the system trusts */
    const char *cert; /* with its chain; with key or not at all */
    const char *key;
};

/* *reterr says which file and what is wrong with it. OTEL_ERR_NOT_FOUND, OTEL_ERR_IO,
 * OTEL_ERR_LIMIT, OTEL_ERR_SYNTAX: a file; OTEL_ERR_ARGUMENT: cert without key or the reverse, or
 * they do not belong together; OTEL_ERR_UNSUPPORTED: the library is not there; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_tls_new(const struct otl_tls_files *files, struct otl_tls **ret,
                                        struct otl_detail *reterr);

/* How the other side is looked at, where that is not as it should be. */
struct otl_tls_checks {
    bool none;        /* whoever answers is believed: encrypted, and to anybody */
    const char *name; /* that the certificate must have, instead of the URL's host; NULL: that */
};

/* The same, and no check that an exporter of the SDK ever wants. */
OTEL_MUST_USE enum otel_err otl_tls_new_checking(const struct otl_tls_files *files,
                                                 const struct otl_tls_checks *checks,
                                                 struct otl_tls **ret, struct otl_detail *reterr);
void otl_tls_free(struct otl_tls *tls);
/* In a forked child: leave everything of the library where it is. */
void otl_tls_forked(struct otl_tls *tls);

/* ---- between link.c and the library ------------------------------------------------------- */

enum otl_tls_io {
    OTL_TLS_DONE,
    OTL_TLS_WANT_READ,  /* again when the socket is readable */
    OTL_TLS_WANT_WRITE, /* again when it is writable */
    OTL_TLS_END,        /* the peer has said goodbye */
    OTL_TLS_CUT,        /* the connection ended without it, or broke */
    OTL_TLS_REFUSED     /* the two sides do not agree, and would not the next time either */
};

/* One file. */
struct otl_tls_pem {
    const char *name; /* for messages; NULL: there is none */
    struct otl_view text;
};

struct otl_tls_material {
    struct otl_tls_pem ca, cert, key;
    bool trust_anybody;
};

struct otl_tls_peer {
    int fd;           /* connected, non-blocking; stays the caller's */
    const char *host; /* to be named by the certificate; borrowed for the call */
    bool is_address;  /* host is an IP address */
    bool h2;          /* HTTP/2 must be agreed on, else HTTP/1.1 is offered */
};

/* All on one thread for one session. Nothing here blocks or raises SIGPIPE. */
struct otl_tls_ops {
    size_t struct_size;
    enum otel_err (*context_new)(const struct otl_tls_material *material, void **ret,
                                 struct otl_detail *reterr);
    void (*context_free)(void *context);
    enum otel_err (*session_new)(void *context, const struct otl_tls_peer *peer, void **ret);
    void (*session_free)(void *session); /* says goodbye, if that is possible at once */
    enum otl_tls_io (*handshake)(void *session);
    /* A write that wanted must be repeated with the same bytes at its beginning. */
    enum otl_tls_io (*read)(void *session, void *data, size_t size, size_t *ret_len);
    enum otl_tls_io (*write)(void *session, const void *data, size_t len, size_t *ret_len);
    const char *(*why)(const void *session); /* after CUT and REFUSED, a sentence; "" = unknown */
};

/* What the library exports under this name. */
#define OTL_TLS_SYMBOL "otel_sdk_tls_ops_0"
OTEL_API extern const struct otl_tls_ops otel_sdk_tls_ops_0;

const struct otl_tls_ops *otl_tls_ops(const struct otl_tls *tls);
/* A session on peer; makes the context again after a fork. OTEL_ERR_MEMORY and the like. */
OTEL_MUST_USE enum otel_err otl_tls_session(struct otl_tls *tls, const struct otl_tls_peer *peer,
                                            void **ret);

#endif
