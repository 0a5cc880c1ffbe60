/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_CERTS_H
#define COL_TESTS_CERTS_H

#include <stdbool.h>

/*
 * Certificates for tests, made when they run: an authority and what it signs, as PEM files.
 *
 * In the directory: ca.pem, ca-key.pem, and NAME.pem, NAME-key.pem of each that is made. Keys are
 * P-256. Failures fail the test at once.
 */

struct certs;

struct certs_ask {
    const char *name;  /* of the files */
    const char *host;  /* subject alternative name "DNS:localhost,IP:127.0.0.1"; NULL: this */
    bool expired;      /* until yesterday */
    bool of_itself;    /* not signed by the authority */
    bool for_client;
};

struct certs *certs_new(const char *dir);
void certs_make(struct certs *certs, const struct certs_ask *ask);
void certs_free(struct certs *certs);

#endif
