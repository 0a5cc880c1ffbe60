/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/compress.h"

#include <zstd.h>

#include "sdk/base/mem.h"
#include "sdk/transport/gzip.h"

enum { FASTEST = 1 };

struct col_compressor {
    struct otl_gzip *gzip; /* or zlib; NULL: zstd */
    ZSTD_CCtx *zstd;
};

const char *col_compression_word(enum col_compression compression)
{
    static const char *const words[COL_COMPRESSIONS] = {
        [COL_GZIP] = "gzip", [COL_ZLIB] = "zlib", [COL_DEFLATE] = "deflate", [COL_ZSTD] = "zstd"};

    return words[compression];
}

static enum otel_err begin(struct col_compressor *compressor, enum col_compression compression)
{
    if (compression == COL_GZIP)
        return otl_gzip_new(FASTEST, &compressor->gzip);
    if (compression != COL_ZSTD)
        return otl_gzip_new_zlib(FASTEST, &compressor->gzip);
    compressor->zstd = ZSTD_createCCtx();
    return compressor->zstd != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

enum otel_err col_compressor_new(enum col_compression compression, struct col_compressor **ret)
{
    struct col_compressor *compressor;
    enum otel_err err;

    *ret = NULL;
    if (compression == COL_PLAIN)
        return OTEL_OK;
    compressor = otl_mem_zalloc(sizeof(*compressor));
    if (compressor == NULL)
        return OTEL_ERR_MEMORY;
    err = begin(compressor, compression);
    if (err == OTEL_OK)
        *ret = compressor;
    else
        otl_mem_free(compressor);
    return err;
}

void col_compressor_free(struct col_compressor *compressor)
{
    if (compressor == NULL)
        return;
    otl_gzip_free(compressor->gzip);
    ZSTD_freeCCtx(compressor->zstd);
    otl_mem_free(compressor);
}

enum otel_err col_compressor_run(struct col_compressor *compressor, struct otl_view data,
                                 struct otl_buf *out)
{
    size_t bound = ZSTD_compressBound(data.len), len;
    enum otel_err err;

    if (compressor->gzip != NULL)
        return otl_gzip_compress(compressor->gzip, data, out);
    err = otl_buf_reserve(out, bound);
    if (err != OTEL_OK)
        return err;
    len = ZSTD_compress2(compressor->zstd, out->data + out->len, bound, data.data, data.len);
    if (ZSTD_isError(len))
        return OTEL_ERR_MEMORY;
    out->len += len;
    out->data[out->len] = '\0';
    return OTEL_OK;
}
