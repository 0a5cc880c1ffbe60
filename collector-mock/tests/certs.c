/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/tests/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct certs {
    char dir[96];
    EVP_PKEY *key;
    X509 *authority;
    long serial;
};

enum { DAY_S = 24 * 3600 };

static void write_pem(const struct certs *certs, const char *name, X509 *certificate,
                      EVP_PKEY *key)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s.pem", certs->dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    snprintf(path, sizeof(path), "%s/%s-key.pem", certs->dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* Without its extensions and signature. */
static X509 *begin(struct certs *certs, EVP_PKEY *key, const char *name, bool expired)
{
    X509 *certificate = X509_new();
    X509_NAME *subject;

    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++certs->serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), expired ? -3 * DAY_S : -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -DAY_S : 30 * DAY_S);
    subject = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    return certificate;
}

struct certs *certs_new(const char *dir)
{
    struct certs *certs = calloc(1, sizeof(*certs));

    assert_non_null(certs);
    snprintf(certs->dir, sizeof(certs->dir), "%s", dir);
    certs->key = EVP_EC_gen("P-256");
    assert_non_null(certs->key);
    certs->authority = begin(certs, certs->key, "test authority", false);
    X509_set_issuer_name(certs->authority, X509_get_subject_name(certs->authority));
    extend(certs->authority, certs->authority, NID_basic_constraints, "critical,CA:TRUE");
    extend(certs->authority, certs->authority, NID_key_usage, "critical,keyCertSign,cRLSign");
    assert_true(X509_sign(certs->authority, certs->key, EVP_sha256()) > 0);
    write_pem(certs, "ca", certs->authority, certs->key);
    return certs;
}

void certs_make(struct certs *certs, const struct certs_ask *ask)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate, *issuer;

    assert_non_null(key);
    certificate = begin(certs, key, ask->name, ask->expired);
    issuer = ask->of_itself ? certificate : certs->authority;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
    extend(certificate, issuer, NID_ext_key_usage, ask->for_client ? "clientAuth" : "serverAuth");
    extend(certificate, issuer, NID_subject_alt_name,
           ask->host != NULL ? ask->host : "DNS:localhost,IP:127.0.0.1");
    assert_true(X509_sign(certificate, ask->of_itself ? key : certs->key, EVP_sha256()) > 0);
    write_pem(certs, ask->name, certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void certs_free(struct certs *certs)
{
    EVP_PKEY_free(certs->key);
    X509_free(certs->authority);
    free(certs);
}
