/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tls/tests/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { DAY = 24 * 3600 };

struct issuer {
    X509 *certificate; /* NULL: signs itself */
    EVP_PKEY *key;
};

struct order {
    const char *name;
    const char *alt;  /* subjectAltName; NULL: a CA */
    long first, last; /* seconds from now */
    const struct issuer *by;
};

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    MUST(extension != NULL && X509_add_ext(x, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static struct issuer make(const struct order *order)
{
    static long serial = 1;
    struct issuer made = {X509_new(), EVP_EC_gen("P-256")};
    X509 *x = made.certificate;
    X509_NAME *name;

    MUST(x != NULL && made.key != NULL);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), order->first);
    X509_gmtime_adj(X509_getm_notAfter(x), order->last);
    X509_set_pubkey(x, made.key);
    name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)order->name, -1, -1,
                               0);
    X509_set_issuer_name(x, order->by != NULL ? X509_get_subject_name(order->by->certificate)
                                              : name);
    if (order->alt != NULL)
        extend(x, NID_subject_alt_name, order->alt);
    extend(x, NID_basic_constraints, order->alt != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
    MUST(X509_sign(x, order->by != NULL ? order->by->key : made.key, EVP_sha256()) > 0);
    return made;
}

static void put_in(const struct certs *c, const char *name, char path[96])
{
    MUST(snprintf(path, 96, "%s/%s.pem", c->dir, name) < 96);
}

static void write_certificate(const char *path, X509 *x)
{
    FILE *file = fopen(path, "w");

    MUST(file != NULL && PEM_write_X509(file, x) == 1 && fclose(file) == 0);
}

static void write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = fopen(path, "w");

    MUST(file != NULL);
    MUST(PEM_write_PKCS8PrivateKey(file, key, passphrase ? EVP_aes_128_cbc() : NULL, passphrase,
                                   passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1);
    MUST(fclose(file) == 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    MUST(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void drop(struct issuer *made)
{
    X509_free(made->certificate);
    EVP_PKEY_free(made->key);
}

/* A pair of files by order. */
static void pair(const struct certs *c, const struct order *order, char cert[96], char key[96])
{
    struct issuer made = make(order);
    char name[64];

    put_in(c, order->name, cert);
    snprintf(name, sizeof(name), "%s-key", order->name);
    put_in(c, name, key);
    write_certificate(cert, made.certificate);
    write_key(key, made.key, NULL);
    drop(&made);
}

void certs_make(struct certs *c)
{
    struct order authority = {.name = "ca", .first = -DAY, .last = 7 * DAY};
    struct issuer ca = make(&authority), other;
    struct order order = {.alt = "DNS:localhost,IP:127.0.0.1", .first = -DAY, .last = DAY};

    authority.name = "other-ca";
    other = make(&authority);
    snprintf(c->dir, sizeof(c->dir), "/tmp/otel-tls-XXXXXX");
    MUST(mkdtemp(c->dir) != NULL);
    put_in(c, "ca", c->ca);
    write_certificate(c->ca, ca.certificate);
    put_in(c, "other-ca", c->other_ca);
    write_certificate(c->other_ca, other.certificate);
    order.by = &ca;
    order.name = "server";
    pair(c, &order, c->server, c->server_key);
    order.name = "client";
    pair(c, &order, c->client, c->client_key);
    order.name = "expired";
    order.first = -3 * DAY;
    order.last = -DAY;
    pair(c, &order, c->expired, c->expired_key);
    order = (struct order){"stranger", "DNS:elsewhere.test,IP:127.0.0.9", -DAY, DAY, &ca};
    pair(c, &order, c->stranger, c->stranger_key);
    order.name = "foreign";
    order.by = &other;
    pair(c, &order, c->foreign, c->foreign_key);
    put_in(c, "locked", c->locked_key);
    write_key(c->locked_key, ca.key, "secret");
    put_in(c, "empty", c->empty);
    write_text(c->empty, "this is no PEM\n");
    put_in(c, "damaged", c->damaged);
    write_text(c->damaged, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    drop(&ca);
    drop(&other);
}

void certs_remove(const struct certs *c)
{
    const char *const paths[] = {
        c->ca,          c->other_ca, c->server,     c->server_key, c->stranger,
        c->stranger_key, c->expired,  c->expired_key, c->client,     c->client_key,
        c->foreign,     c->foreign_key, c->locked_key, c->damaged,   c->empty};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        unlink(paths[i]);
    rmdir(c->dir);
}
