/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_HTTP_INFLATE_H
#define COL_HTTP_INFLATE_H

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Decompress a request body.
 *
 * Threads   no state.
 * Memory    appended to *out, whose max bounds what a bomb can reach; nothing is allocated ahead
 *           of what the input really yields.
 *
 * gzip (several members one after another, as RFC 1952 allows), deflate and zlib (the zlib format),
 * zstd (several frames; windows of at most 8 MiB, what RFC 8878 asks every reader to take).
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_UNSUPPORTED  another encoding; *reterr names it
 *   OTEL_ERR_CORRUPT      damaged, truncated, or followed by something else
 *   OTEL_ERR_LIMIT        more than out->max
 *   OTEL_ERR_MEMORY
 */
OTEL_MUST_USE enum otel_err col_inflate(struct otl_view encoding, struct otl_view body,
                                        struct otl_buf *out, struct otl_detail *reterr);

#endif
