/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_GZIP_H
#define OTL_GZIP_H

#include <otel/err.h>

#include "sdk/base/buf.h"

/*
 * Gzip compressor for request bodies; keeps its 256 KiB of state between uses. And the way back
 * for answers, which are small and rare: its state lives for the call.
 *
 * Life      new -> compress... -> free.
 * Threads   one owner.
 * Memory    through otl_mem_*. Output goes to the caller's buffer, whose maximum is the limit.
 */

struct otl_gzip;

/* level 1 to 9; the exporter uses 1: half the time of 6, as small. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_gzip_new(int level, struct otl_gzip **ret);
/* The same in the framing of zlib, which HTTP calls deflate. */
OTEL_MUST_USE enum otel_err otl_gzip_new_zlib(int level, struct otl_gzip **ret);
void otl_gzip_free(struct otl_gzip *gzip);

/* Append the compressed form of data to out. OTEL_ERR_LIMIT or OTEL_ERR_MEMORY: out is as it
 * was before. */
OTEL_MUST_USE enum otel_err otl_gzip_compress(struct otl_gzip *gzip, struct otl_view data,
                                              struct otl_buf *out);

/* Append what data holds to out: one member, and nothing behind it. OTEL_ERR_CORRUPT,
 * OTEL_ERR_LIMIT (more than out may have), OTEL_ERR_MEMORY: what is in out is not to be used. */
OTEL_MUST_USE enum otel_err otl_gzip_expand(struct otl_view data, struct otl_buf *out);

#endif
