/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_BASE64_H
#define HX_STATS_BASE64_H

#include <stddef.h>

#include <otel/err.h>

#include "sdk/base/buf.h"

/*
 * Base64 (RFC 4648, section 4), for histograms in text files. Padded, no line breaks.
 *
 * Threads   no state.
 * Errors    what otl_buf_append() says; decoding also OTEL_ERR_SYNTAX: a foreign character,
 *           missing padding, or bits behind the last byte that are not zero.
 */

/* Both append to out. */
OTEL_MUST_USE enum otel_err hx_base64_encode(const void *data, size_t len, struct otl_buf *out);
OTEL_MUST_USE enum otel_err hx_base64_decode(struct otl_view text, struct otl_buf *out);

#endif
