/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_COMPRESS_H
#define COL_EXPORTERS_COMPRESS_H

#include "sdk/base/buf.h"

/*
 * Bodies as they go on the wire: gzip, zlib, deflate (which is zlib under another name, as in the
 * Collector) and zstd at the level that it has when nobody says which.
 *
 * Life      new -> run... -> free. The state of the library is kept between uses.
 * Threads   one owner.
 * Memory    of zstd from the C library. Output goes to the caller's buffer.
 */

enum col_compression { COL_PLAIN, COL_GZIP, COL_ZLIB, COL_DEFLATE, COL_ZSTD, COL_COMPRESSIONS };

struct col_compressor;

/* "gzip", as in Content-Encoding and grpc-encoding; NULL: none. */
const char *col_compression_word(enum col_compression compression);
/* *ret is NULL for COL_PLAIN. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_compressor_new(enum col_compression compression,
                                               struct col_compressor **ret);
void col_compressor_free(struct col_compressor *compressor); /* may be NULL */
/* Append the compressed form of data to out. OTEL_ERR_LIMIT or OTEL_ERR_MEMORY: out is as it was
 * before. */
OTEL_MUST_USE enum otel_err col_compressor_run(struct col_compressor *compressor,
                                               struct otl_view data, struct otl_buf *out);

#endif
