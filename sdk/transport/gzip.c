/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/gzip.h"

#include <limits.h>

#define ZLIB_CONST 1
#include <zlib.h>

#include "sdk/base/mem.h"

enum { WINDOW = 15, GZIP_WINDOW = WINDOW + 16 /* zlib.h, deflateInit2 */, ROOM = 1024 };

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

static enum otel_err make(int level, int window, struct otl_gzip **ret)
{
    struct otl_gzip *gzip = otl_mem_zalloc(sizeof(*gzip));
    int code;

    if (gzip == NULL)
        return OTEL_ERR_MEMORY;
    gzip->stream.zalloc = z_alloc;
    gzip->stream.zfree = z_free;
    code = deflateInit2(&gzip->stream, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    if (code != Z_OK) {
        otl_mem_free(gzip);
        return code == Z_STREAM_ERROR ? OTEL_ERR_ARGUMENT : OTEL_ERR_MEMORY;
    }
    *ret = gzip;
    return OTEL_OK;
}

enum otel_err otl_gzip_new(int level, struct otl_gzip **ret)
{
    return make(level, GZIP_WINDOW, ret);
}

enum otel_err otl_gzip_new_zlib(int level, struct otl_gzip **ret)
{
    return make(level, WINDOW, ret);
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

static enum otel_err expand(z_stream *stream, struct otl_buf *out)
{
    int code = Z_OK;

    while (code == Z_OK) {
        size_t left = out->max - out->len, room = left < ROOM ? left + 1 : ROOM;
        unsigned char scratch[ROOM];
        enum otel_err err;
        stream->next_out = scratch;
        stream->avail_out = (uInt)room; /* one byte more than may be, to see that there is one */
        code = inflate(stream, Z_NO_FLUSH);
        err = otl_buf_append(out, scratch, room - stream->avail_out);
        if (err != OTEL_OK)
            return err;
    }
    if (code == Z_MEM_ERROR)
        return OTEL_ERR_MEMORY;
    return code == Z_STREAM_END && stream->avail_in == 0 ? OTEL_OK : OTEL_ERR_CORRUPT;
}

enum otel_err otl_gzip_expand(struct otl_view data, struct otl_buf *out)
{
    z_stream stream = {.zalloc = z_alloc, .zfree = z_free};
    enum otel_err err;

    if (data.len > UINT_MAX / 2)
        return OTEL_ERR_LIMIT;
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return OTEL_ERR_MEMORY;
    stream.next_in = (const Bytef *)data.data;
    stream.avail_in = (uInt)data.len;
    err = expand(&stream, out);
    inflateEnd(&stream);
    return err;
}
