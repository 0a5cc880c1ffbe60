/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TLS_CONTEXT_H
#define OTL_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "sdk/transport/tls.h"

/*
 * Context: trust and identity of one exporter as OpenSSL's objects.
 *
 * Called inside of the gate, with an empty error queue, which the caller clears.
 */

struct otl_tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *method;
};

OTEL_MUST_USE enum otel_err otl_tls_context_make(const struct otl_tls_material *material,
                                                 struct otl_tls_context **ret,
                                                 struct otl_detail *reterr);
void otl_tls_context_free(struct otl_tls_context *context);

#endif
