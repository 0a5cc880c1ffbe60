/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tls/context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "sdk/base/mem.h"
#include "sdk/tls/wire.h"

enum {
    HOST_FLAGS = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
};

/* A key file with a passphrase is refused; OpenSSL's own way would be to ask the terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

static BIO *open_pem(const struct otl_tls_pem *pem)
{
    return BIO_new_mem_buf(pem->text.len > 0 ? pem->text.data : "", (int)pem->text.len);
}

static enum otel_err bad(struct otl_detail *reterr, const struct otl_tls_pem *pem, const char *why)
{
    return otl_detail_set(reterr, OTEL_ERR_SYNTAX, pem->name, 0, 0, "%s", why);
}

/* Call take, which consumes it, with each certificate of the file. */
static enum otel_err each_certificate(const struct otl_tls_pem *pem, SSL_CTX *ssl,
                                      bool (*take)(SSL_CTX *ssl, X509 *certificate, size_t nth),
                                      struct otl_detail *reterr)
{
    BIO *bio = open_pem(pem);
    bool secret = false;
    size_t count = 0;
    X509 *one;

    if (bio == NULL)
        return OTEL_ERR_MEMORY;
    while ((one = PEM_read_bio_X509(bio, NULL, no_passphrase, &secret)) != NULL) {
        if (!take(ssl, one, count++)) {
            BIO_free(bio);
            return bad(reterr, pem, "a certificate in it cannot be used");
        }
    }
    BIO_free(bio);
    if (count == 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
        return bad(reterr, pem, "there is no certificate in PEM form in it");
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return bad(reterr, pem, "a certificate in it is damaged");
    return OTEL_OK;
}

static bool trust(SSL_CTX *ssl, X509 *certificate, size_t nth)
{
    int done = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), certificate);

    (void)nth;
    X509_free(certificate);
    return done == 1;
}

static bool present(SSL_CTX *ssl, X509 *certificate, size_t nth)
{
    if (nth > 0 && SSL_CTX_add0_chain_cert(ssl, certificate) == 1)
        return true;
    if (nth == 0 && SSL_CTX_use_certificate(ssl, certificate) == 1) {
        X509_free(certificate);
        return true;
    }
    X509_free(certificate);
    return false;
}

static enum otel_err use_key(SSL_CTX *ssl, const struct otl_tls_pem *pem,
                             struct otl_detail *reterr)
{
    BIO *bio = open_pem(pem);
    bool secret = false, used;
    EVP_PKEY *key;

    if (bio == NULL)
        return OTEL_ERR_MEMORY;
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &secret);
    BIO_free(bio);
    if (key == NULL)
        return bad(reterr, pem,
                   secret ? "the key is protected by a passphrase, which nobody is there to type"
                          : "there is no private key in PEM form in it");
    used = SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    if (!used || SSL_CTX_check_private_key(ssl) != 1)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, pem->name, 0, 0,
                              "the key does not belong to the client certificate");
    return OTEL_OK;
}

static enum otel_err fill(SSL_CTX *ssl, const struct otl_tls_material *m,
                          struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;

    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1)
        return OTEL_ERR_UNSUPPORTED;
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl, m->trust_anybody ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(ssl), HOST_FLAGS);
    if (m->ca.name != NULL)
        err = each_certificate(&m->ca, ssl, trust, reterr);
    else if (SSL_CTX_set_default_verify_paths(ssl) != 1)
        err = otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                             "the system's certificates cannot be read");
    if (err == OTEL_OK && m->cert.name != NULL)
        err = each_certificate(&m->cert, ssl, present, reterr);
    if (err == OTEL_OK && m->key.name != NULL)
        err = use_key(ssl, &m->key, reterr);
    return err;
}

enum otel_err otl_tls_context_make(const struct otl_tls_material *material,
                                   struct otl_tls_context **ret, struct otl_detail *reterr)
{
    struct otl_tls_context *context = otl_mem_zalloc(sizeof(*context));
    enum otel_err err = OTEL_ERR_MEMORY;

    if (context == NULL)
        return OTEL_ERR_MEMORY;
    context->method = otl_wire_method();
    context->ssl = SSL_CTX_new(TLS_client_method());
    if (context->method != NULL && context->ssl != NULL)
        err = fill(context->ssl, material, reterr);
    if (err != OTEL_OK) {
        otl_tls_context_free(context);
        return err;
    }
    *ret = context;
    return OTEL_OK;
}

void otl_tls_context_free(struct otl_tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->method);
    otl_mem_free(context);
}
