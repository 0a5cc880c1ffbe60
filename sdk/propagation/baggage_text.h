/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BAGGAGE_TEXT_H
#define OTL_BAGGAGE_TEXT_H

#include <stdbool.h>

#include <otel/err.h>

#include "sdk/base/buf.h"

/*
 * The baggage header as pure functions on bytes.
 *
 *     user=al%20ice;ttl=5;private,region=eu
 *
 * Threads   no state.
 * Limits    none here; the propagator counts members and bytes.
 * Spec      W3C Baggage, 3.2: key is a token; value of baggage-octets, percent-encoded, may be
 *           empty and may hold '='; properties behind ';'. Blanks and tabs around all of them.
 */

struct otl_baggage_member {
    struct otl_view key;
    struct otl_view value;    /* still percent-encoded */
    struct otl_view metadata; /* what stands behind the first ';', trimmed; may be empty */
};

/* Take the next well-formed member off *rest; malformed and empty ones are passed over, each
 * counted in *malformed. False: nothing is left. */
bool otl_baggage_next(struct otl_view *rest, struct otl_baggage_member *ret,
                      unsigned *malformed);

/* A token of HTTP: what a name of baggage and of a header must be. */
bool otl_is_token(struct otl_view text);

/* Append "key=value;metadata" with the value encoded. OTEL_ERR_SYNTAX: key is no token (nothing
 * is written); metadata that would break the header is left out. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY:
 * out is as long as before. */
OTEL_MUST_USE enum otel_err otl_baggage_write(const struct otl_baggage_member *decoded,
                                              struct otl_buf *out);

#endif
