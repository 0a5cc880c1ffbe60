/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/tests/secure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "collector-mock/tests/rig.h"

static void tell(struct secure *secure)
{
    long verified = SSL_get_verify_result(secure->tls);
    unsigned long error = ERR_peek_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;

    snprintf(secure->why, sizeof(secure->why), "%s%s%s", reason != NULL ? reason : "closed",
             verified != X509_V_OK ? ": " : "",
             verified != X509_V_OK ? X509_verify_cert_error_string(verified) : "");
    ERR_clear_error();
}

static SSL_CTX *context_of(const struct secure_ask *ask)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    char path[256];

    assert_non_null(context);
    if (ask->ca != NULL) {
        assert_int_equal(SSL_CTX_load_verify_locations(context, ask->ca, NULL), 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    if (ask->cert != NULL) {
        snprintf(path, sizeof(path), "%s.pem", ask->cert);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(context, path), 1);
        snprintf(path, sizeof(path), "%s-key.pem", ask->cert);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM), 1);
    }
    if (ask->max_version != 0) {
        SSL_CTX_set_security_level(context, 0);
        assert_int_equal(SSL_CTX_set_max_proto_version(context, ask->max_version), 1);
        assert_int_equal(SSL_CTX_set_min_proto_version(context, TLS1_VERSION), 1);
    }
    return context;
}

bool secure_open(struct secure *secure, int fd, const struct secure_ask *ask)
{
    const char *host = ask->host != NULL ? ask->host : "localhost";
    const struct timeval wait = {RIG_WAIT_MS / 1000, 0};
    SSL_CTX *context = context_of(ask);
    const unsigned char *chosen;
    unsigned char offer[32];
    unsigned len;
    bool done;

    memset(secure, 0, sizeof(*secure));
    secure->fd = fd;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    secure->tls = SSL_new(context);
    SSL_CTX_free(context);
    assert_non_null(secure->tls);
    SSL_set_tlsext_host_name(secure->tls, host);
    if (ask->ca != NULL)
        assert_int_equal(SSL_set1_host(secure->tls, host), 1);
    if (ask->protocol != NULL) {
        offer[0] = (unsigned char)strlen(ask->protocol);
        memcpy(offer + 1, ask->protocol, offer[0]);
        assert_int_equal(SSL_set_alpn_protos(secure->tls, offer, offer[0] + 1u), 0);
    }
    assert_int_equal(SSL_set_fd(secure->tls, fd), 1);
    ERR_clear_error();
    done = SSL_connect(secure->tls) == 1;
    if (!done)
        tell(secure);
    SSL_get0_alpn_selected(secure->tls, &chosen, &len);
    snprintf(secure->protocol, sizeof(secure->protocol), "%.*s", (int)len,
             len > 0 ? (const char *)chosen : "");
    return done;
}

void secure_send(struct secure *secure, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        int sent = SSL_write(secure->tls, at, (int)len);
        if (sent <= 0)
            return; /* the answer tells why */
        at += sent;
        len -= (size_t)sent;
    }
}

unsigned secure_answer(struct secure *secure, struct otl_buf *out)
{
    const char *end, *length;

    otl_buf_reset(out);
    for (;;) {
        int got;
        end = out->len > 0 ? strstr(out->data, "\r\n\r\n") : NULL;
        length = out->len > 0 ? strstr(out->data, "Content-Length: ") : NULL;
        if (end != NULL && length != NULL &&
            out->len >= (size_t)(end - out->data) + 4 + strtoul(length + 16, NULL, 10))
            break;
        assert_int_equal(otl_buf_reserve(out, 4096), OTEL_OK);
        ERR_clear_error();
        got = SSL_read(secure->tls, out->data + out->len, 4096);
        if (got <= 0) {
            tell(secure);
            break;
        }
        out->len += (size_t)got;
        out->data[out->len] = '\0';
    }
    if (out->len < 12 || strncmp(out->data, "HTTP/1.1 ", 9) != 0)
        return 0;
    return (unsigned)strtoul(out->data + 9, NULL, 10);
}

void secure_close(struct secure *secure)
{
    SSL_free(secure->tls);
    close(secure->fd);
}
