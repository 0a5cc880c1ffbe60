/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_HDR_CODEC_H
#define HX_STATS_HDR_CODEC_H

#include <otel/err.h>

#include "harness/stats/hdr.h"
#include "sdk/base/buf.h"

/*
 * Histograms as bytes and as text: HdrHistogram's V2 encoding, compressed, and its base64 form
 * ("HISTFAAA..."), which every HdrHistogram library and plotter reads.
 *
 * Not carried: refused values and the exact min and max; a decoded histogram knows both ends to
 * the resolution of their bucket.
 *
 * Threads   no state.
 * Memory    decoded histograms are the caller's: hx_hdr_free().
 * Limits    a histogram of more than HX_HDR_COUNTS_MAX counters, or whose counters overflow
 *           2^63 - 1, is refused; inflating stops at the size that its counters can need.
 * Errors    OTEL_ERR_UNSUPPORTED another encoding version or a shifted histogram;
 *           OTEL_ERR_CORRUPT anything inconsistent, bytes too many included; OTEL_ERR_SYNTAX not
 *           base64; OTEL_ERR_LIMIT; OTEL_ERR_MEMORY.
 */

OTEL_MUST_USE enum otel_err hx_hdr_encode(const struct hx_hdr *hdr, struct otl_buf *out);
OTEL_MUST_USE enum otel_err hx_hdr_decode(struct otl_view data, struct hx_hdr **ret);
OTEL_MUST_USE enum otel_err hx_hdr_encode_text(const struct hx_hdr *hdr, struct otl_buf *out);
OTEL_MUST_USE enum otel_err hx_hdr_decode_text(struct otl_view text, struct hx_hdr **ret);

#endif
