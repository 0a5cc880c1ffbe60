/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of sdk/transport/tls.h over OpenSSL 3: sessions. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/tls/context.h"
#include "sdk/tls/errors.h"
#include "sdk/tls/gate.h"
#include "sdk/tls/wire.h"

enum { HOST_SIZE = 256, WHY_SIZE = 512 };

struct session {
    SSL *ssl;
    struct otl_wire wire;
    bool h2;
    bool up;   /* the handshake is done, and nothing went wrong since */
    char host[HOST_SIZE];
    char why[WHY_SIZE];
};

static bool enter(struct otl_errors *guests)
{
    if (!otl_gate_enter())
        return false;
    otl_errors_take(guests);
    return true;
}

static void leave(const struct otl_errors *guests)
{
    otl_errors_give_back(guests);
    otl_gate_leave();
}

static enum otel_err context_new(const struct otl_tls_material *material, void **ret,
                                 struct otl_detail *reterr)
{
    struct otl_tls_context *context = NULL;
    struct otl_errors guests;
    enum otel_err err;

    if (!enter(&guests))
        return OTEL_ERR_CLOSED;
    err = otl_tls_context_make(material, &context, reterr);
    leave(&guests);
    otl_gate_set_up();
    if (err == OTEL_OK)
        *ret = context;
    return err;
}

static void context_free(void *context)
{
    struct otl_errors guests;

    if (!enter(&guests))
        return;
    otl_tls_context_free(context);
    leave(&guests);
}

static bool name_peer(SSL *ssl, const struct otl_tls_peer *peer)
{
    static const unsigned char h2[] = "\x02h2", http[] = "\x08http/1.1";
    unsigned len = (unsigned)(peer->h2 ? sizeof(h2) : sizeof(http)) - 1;
    int done;

    if (peer->is_address)
        done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), peer->host);
    else
        done = SSL_set1_host(ssl, peer->host) == 1 &&
               SSL_set_tlsext_host_name(ssl, peer->host) == 1;
    return done == 1 && SSL_set_alpn_protos(ssl, peer->h2 ? h2 : http, len) == 0;
}

static SSL *make_ssl(struct otl_tls_context *context, const struct otl_tls_peer *peer,
                     struct otl_wire *wire)
{
    SSL *ssl = SSL_new(context->ssl);
    BIO *bio = ssl != NULL ? otl_wire_bio(context->method, wire) : NULL;

    if (bio == NULL || !name_peer(ssl, peer)) {
        BIO_free(bio);
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    return ssl;
}

static enum otel_err session_new(void *context, const struct otl_tls_peer *peer, void **ret)
{
    struct session *s = otl_mem_zalloc(sizeof(*s));
    struct otl_errors guests;

    if (s == NULL)
        return OTEL_ERR_MEMORY;
    s->wire.fd = peer->fd;
    s->h2 = peer->h2;
    snprintf(s->host, sizeof(s->host), "%s", peer->host);
    if (enter(&guests)) {
        s->ssl = make_ssl(context, peer, &s->wire);
        leave(&guests);
    }
    if (s->ssl == NULL) {
        otl_mem_free(s);
        return OTEL_ERR_MEMORY;
    }
    *ret = s;
    return OTEL_OK;
}

static void session_free(void *session)
{
    struct session *s = session;
    struct otl_errors guests;

    if (s == NULL || !enter(&guests))
        return; /* exiting: OpenSSL may be gone */
    if (s->up)
        (void)SSL_shutdown(s->ssl);
    SSL_free(s->ssl);
    leave(&guests);
    otl_mem_free(s);
}

/* Why the certificate was not accepted, if that is it. */
static bool distrusted(struct session *s)
{
    long verdict = SSL_get_verify_result(s->ssl);

    if (verdict == X509_V_OK || SSL_get_verify_mode(s->ssl) == SSL_VERIFY_NONE)
        return false;
    snprintf(s->why, sizeof(s->why), "the certificate of %s is not accepted: %s", s->host,
             X509_verify_cert_error_string(verdict));
    return true;
}

/* An alert of the peer that says it will not have us, or a peer that does not speak TLS. Not:
 * trouble of its own, and a connection that just ended. */
static bool is_final(unsigned long error, bool shaking)
{
    int reason = ERR_GET_REASON(error);

    if (ERR_GET_LIB(error) != ERR_LIB_SSL || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return false;
    if (reason >= SSL_AD_REASON_OFFSET)
        return reason != SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR;
    return shaking;
}

static enum otl_tls_io failed(struct session *s)
{
    unsigned long error = ERR_peek_last_error();
    bool shaking = !s->up;
    const char *reason;

    s->up = false;
    if (s->wire.error != 0) {
        snprintf(s->why, sizeof(s->why), "the connection broke%s: %s",
                 shaking ? " in the TLS handshake" : "", strerrordesc_np(s->wire.error));
        return OTL_TLS_CUT;
    }
    if (shaking && distrusted(s))
        return OTL_TLS_REFUSED;
    if (s->wire.ended && !is_final(error, shaking)) {
        snprintf(s->why, sizeof(s->why), "%s",
                 shaking ? "the connection ended in the TLS handshake" : "");
        return OTL_TLS_CUT;
    }
    reason = ERR_reason_error_string(error);
    snprintf(s->why, sizeof(s->why), "TLS with %s: %s", s->host,
             reason != NULL ? reason : "unknown failure");
    return is_final(error, shaking) ? OTL_TLS_REFUSED : OTL_TLS_CUT;
}

/* After a call that did not succeed. */
static enum otl_tls_io judge(struct session *s)
{
    if (s->wire.wants_read)
        return OTL_TLS_WANT_READ;
    if (s->wire.wants_write)
        return OTL_TLS_WANT_WRITE;
    if (s->up && (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN) && ERR_peek_error() == 0)
        return OTL_TLS_END; /* with an entry: a fatal alert */
    return failed(s);
}

static enum otl_tls_io exiting(struct session *s)
{
    snprintf(s->why, sizeof(s->why), "the process is exiting");
    return OTL_TLS_REFUSED;
}

static enum otl_tls_io shake(struct session *s)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;

    otl_wire_begin(&s->wire);
    if (SSL_connect(s->ssl) != 1)
        return judge(s);
    SSL_get0_alpn_selected(s->ssl, &chosen, &len);
    if (s->h2 && (len != 2 || memcmp(chosen, "h2", 2) != 0)) {
        snprintf(s->why, sizeof(s->why), "%s does not agree to HTTP/2 (ALPN h2)", s->host);
        return OTL_TLS_REFUSED;
    }
    s->up = true;
    return OTL_TLS_DONE;
}

static enum otl_tls_io handshake(void *session)
{
    struct session *s = session;
    struct otl_errors guests;
    enum otl_tls_io io;

    if (!enter(&guests))
        return exiting(s);
    io = shake(s);
    leave(&guests);
    return io;
}

/* Bytes one way: of read, or of write. */
struct bytes {
    void *in;        /* NULL: write */
    const void *out;
    size_t len;
    size_t *ret_len;
};

static enum otl_tls_io move(struct session *s, const struct bytes *bytes)
{
    struct otl_errors guests;
    enum otl_tls_io io = OTL_TLS_DONE;
    int moved;

    if (!enter(&guests))
        return exiting(s);
    otl_wire_begin(&s->wire);
    moved = bytes->in != NULL ? SSL_read_ex(s->ssl, bytes->in, bytes->len, bytes->ret_len)
                              : SSL_write_ex(s->ssl, bytes->out, bytes->len, bytes->ret_len);
    if (moved != 1)
        io = judge(s);
    leave(&guests);
    return io;
}

static enum otl_tls_io session_read(void *session, void *data, size_t size, size_t *ret_len)
{
    return move(session, &(struct bytes){.in = data, .len = size, .ret_len = ret_len});
}

static enum otl_tls_io session_write(void *session, const void *data, size_t len, size_t *ret_len)
{
    return move(session, &(struct bytes){.out = data, .len = len, .ret_len = ret_len});
}

static const char *why(const void *session)
{
    return ((const struct session *)session)->why;
}

const struct otl_tls_ops otel_sdk_tls_ops_0 = {
    .struct_size = sizeof(otel_sdk_tls_ops_0),
    .context_new = context_new,
    .context_free = context_free,
    .session_new = session_new,
    .session_free = session_free,
    .handshake = handshake,
    .read = session_read,
    .write = session_write,
    .why = why,
};
