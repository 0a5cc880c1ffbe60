/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_URL_H
#define OTL_URL_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * URL of an exporter's endpoint: scheme://host[:port][/path][?query], read strictly.
 *
 * Not a general URL library: http and https only, no user information (credentials belong in a
 * header, where they do not reach error messages), no relative forms. A fragment is refused.
 *
 * Life      a value; no memory of its own.
 * Threads   no state.
 * Limits    host 255 bytes, path with query 2047; longer is OTEL_ERR_LIMIT.
 */

enum { OTL_URL_HOST_MAX = 255, OTL_URL_PATH_MAX = 2047 };

struct otl_url {
    bool tls;       /* https */
    bool ipv6;      /* host is an IPv6 address, stored without its brackets */
    bool has_port;  /* the text named one */
    uint16_t port;  /* 80 or 443 when the text named none */
    char host[OTL_URL_HOST_MAX + 1]; /* lower case */
    char path[OTL_URL_PATH_MAX + 1]; /* with the query; "/" when the text had none */
};

/* reterr (may be NULL) says what is wrong, in one sentence without the URL's text.
 * OTEL_ERR_SYNTAX, OTEL_ERR_LIMIT, or OTEL_ERR_UNSUPPORTED for a scheme we do not speak. */
OTEL_MUST_USE enum otel_err otl_url_parse(struct otl_view text, struct otl_url *ret,
                                          struct otl_detail *reterr);

/* Append a relative path ("v1/traces") to the path, with exactly one slash between them and
 * before the query. OTEL_ERR_LIMIT: too long; the URL is unchanged. */
OTEL_MUST_USE enum otel_err otl_url_append(struct otl_url *url, const char *relative);

enum { OTL_URL_AUTHORITY_SIZE = OTL_URL_HOST_MAX + 10 };

/* The value of a Host header into out (OTL_URL_AUTHORITY_SIZE bytes): brackets around IPv6, the
 * port unless it is the scheme's own. Returns out. */
const char *otl_url_authority(const struct otl_url *url, char *out);

#endif
