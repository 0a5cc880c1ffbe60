/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_CERTS_H
#define OTL_TESTS_CERTS_H

/*
 * Certificates made at test time, as PEM files in a private directory.
 *
 * Life      new -> paths -> free, which removes the directory.
 */

struct certs {
    char dir[64];
    char ca[96], other_ca[96];            /* two CAs that do not know each other */
    char server[96], server_key[96];      /* for localhost and 127.0.0.1, by ca */
    char stranger[96], stranger_key[96];  /* for elsewhere.test, by ca */
    char expired[96], expired_key[96];    /* for localhost, until yesterday, by ca */
    char client[96], client_key[96];      /* by ca */
    char foreign[96], foreign_key[96];    /* a client's, by other_ca */
    char locked_key[96];                  /* a key with a passphrase */
    char damaged[96], empty[96];          /* a broken PEM, and no PEM at all */
};

void certs_make(struct certs *certs);
void certs_remove(const struct certs *certs);

#endif
