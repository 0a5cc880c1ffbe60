/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_PERCENT_H
#define OTL_PERCENT_H

#include <stdbool.h>

#include <otel/err.h>

#include "sdk/base/buf.h"

/*
 * Percent-encoding of octets (RFC 3986, 2.1). '+' is a plus sign, never a blank.
 *
 * Threads   no state.
 * Memory    results are appended to the caller's buffer; its maximum is the limit. On any error
 *           the buffer is as long as it was before.
 */

/* OTEL_ERR_SYNTAX: a '%' without two hexadecimal digits behind it. */
OTEL_MUST_USE enum otel_err otl_percent_decode(struct otl_view text, struct otl_buf *out);
/* The same, but such a '%' stands for itself; never OTEL_ERR_SYNTAX. */
OTEL_MUST_USE enum otel_err otl_percent_decode_lenient(struct otl_view text, struct otl_buf *out);
/* Everything but letters, digits and -._~ becomes %XX, upper-case. */
OTEL_MUST_USE enum otel_err otl_percent_encode(struct otl_view text, struct otl_buf *out);

#endif
