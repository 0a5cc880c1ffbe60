/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_NET_TLS_H
#define COL_NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/clock.h"
#include "sdk/base/detail.h"

/*
 * The server's side of TLS: certificate, client certificates, versions, and the protocol by ALPN.
 *
 * Knows no socket: the servers put its sessions on theirs. Files are read when it is made, and
 * again as reload_interval and client_ca_file_reload say; a new file that is wrong is counted and
 * the old one stays.
 *
 * Life      new -> session... (each ends with SSL_free) -> free. Sessions are freed before it.
 * Threads   that of the event loop.
 * Limits    a file or PEM text is at most 1 MiB.
 *
 * Spec: the Collector's configtls, server part. Deviation: min_version below 1.2 is accepted only
 * as far as the OpenSSL of the machine allows it.
 */

struct ssl_st;
struct col_tls;

struct col_tls_options {
    const char *cert_file, *cert_pem; /* one of each two; all texts are copied */
    const char *key_file, *key_pem;
    const char *ca_file, *ca_pem;     /* as in the Collector: checked, of no use to a server */
    const char *client_ca_file;       /* clients must show a certificate of one of these */
    const char *min_version;          /* "1.0".."1.3"; NULL: "1.2" */
    const char *max_version;          /* NULL: the highest */
    const char *cipher_suites;        /* OpenSSL's names with ':' between; NULL: its defaults */
    const char *groups;               /* likewise, of key exchange; NULL: its defaults */
    const char *protocol;             /* by ALPN: "h2", "http/1.1" */
    bool protocol_required;           /* a client that offers none is sent away */
    bool client_ca_reload;
    uint64_t reload_interval_ns;      /* 0: never */
    const struct otl_clock *clock;    /* borrowed */
};

/* What a session is made to suffer. */
enum col_tls_fault {
    COL_TLS_WELL,
    COL_TLS_REFUSE, /* the handshake ends with an alert */
    COL_TLS_OTHER   /* another certificate, see col_tls_other() */
};

struct col_tls_counters {
    uint64_t handshakes;      /* done */
    uint64_t failures;        /* handshakes that were not */
    uint64_t reloads;         /* files read again */
    uint64_t reload_failures; /* and were wrong */
};

/* The Collector's name of a cipher suite ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") in OpenSSL's
 * words; of a group ("X25519", "P256") too. NULL: it is not known. */
const char *col_tls_cipher(const char *name);
const char *col_tls_group(const char *name);

/* OTEL_ERR_IO, OTEL_ERR_CORRUPT: a file; *reterr says which and why, *reterr_key names the setting
 * ("cert_file"). OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_tls_new(const struct col_tls_options *options,
                                        struct col_tls **ret, const char **reterr_key,
                                        struct otl_detail *reterr);
void col_tls_free(struct col_tls *tls); /* may be NULL */

/* A session for a new connection, waiting for the client's first word. NULL: no memory. */
struct ssl_st *col_tls_session(struct col_tls *tls, enum col_tls_fault fault);
/* Its handshake is done: true if the client may stay (ALPN). */
bool col_tls_established(struct col_tls *tls, struct ssl_st *session);
/* It is not, and never will be. */
void col_tls_failed(struct col_tls *tls);
/* Say goodbye, as far as that goes without waiting. */
void col_tls_goodbye(struct ssl_st *session);

/* The other certificate, for COL_TLS_OTHER from now on. Errors as col_tls_new(). */
OTEL_MUST_USE enum otel_err col_tls_other(struct col_tls *tls, const char *cert_file,
                                          const char *key_file, struct otl_detail *reterr);

const struct col_tls_counters *col_tls_counters(const struct col_tls *tls);

#endif
