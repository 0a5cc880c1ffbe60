/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/gzip.h"

#include <limits.h>

#define ZLIB_CONST 1
#include <zlib.h>

#include "sdk/base/mem.h"

enum { GZIP_WINDOW = 15 + 16 }; /* 16: gzip framing (zlib.h, deflateInit2) */

struct otl_gzip {
    z_stream stream;
};

static void *z_alloc(void *context, unsigned items, unsigned size)
{
    (void)context;
    return otl_mem_alloc((size_t)items * size);
}

static void z_free(void *context, void *memory)
{
    (void)context;
    otl_mem_free(memory);
}

enum otel_err otl_gzip_new(int level, struct otl_gzip **ret)
{
    struct otl_gzip *gzip = otl_mem_zalloc(sizeof(*gzip));
    int code;

    if (gzip == NULL)
        return OTEL_ERR_MEMORY;
    gzip->stream.zalloc = z_alloc;
    gzip->stream.zfree = z_free;
    code = deflateInit2(&gzip->stream, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    if (code != Z_OK) {
        otl_mem_free(gzip);
        return code == Z_STREAM_ERROR ? OTEL_ERR_ARGUMENT : OTEL_ERR_MEMORY;
    }
    *ret = gzip;
    return OTEL_OK;
}

void otl_gzip_free(struct otl_gzip *gzip)
{
    if (gzip == NULL)
        return;
    deflateEnd(&gzip->stream);
    otl_mem_free(gzip);
}

enum otel_err otl_gzip_compress(struct otl_gzip *gzip, struct otl_view data, struct otl_buf *out)
{
    z_stream *stream = &gzip->stream;
    enum otel_err err;
    uLong bound;

    if (data.len > UINT_MAX / 2)
        return OTEL_ERR_LIMIT;
    if (deflateReset(stream) != Z_OK)
        return OTEL_ERR_ARGUMENT;
    bound = deflateBound(stream, (uLong)data.len);
    err = otl_buf_reserve(out, bound);
    if (err != OTEL_OK)
        return err;
    stream->next_in = (const Bytef *)data.data;
    stream->avail_in = (uInt)data.len;
    stream->next_out = (Bytef *)out->data + out->len;
    stream->avail_out = (uInt)bound;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END)
        return OTEL_ERR_LIMIT;
    out->len += bound - stream->avail_out;
    out->data[out->len] = '\0';
    return OTEL_OK;
}
