/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/http/inflate.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

enum { WINDOW_GZIP = 15 + 16, WINDOW_ZLIB = 15, WINDOW_ZSTD = 23, ROOM_MIN = 16 * 1024 };

static enum otel_err out_of_room(enum otel_err err, size_t max, struct otl_detail *reterr)
{
    if (err == OTEL_ERR_LIMIT)
        return otl_detail_set(reterr, err, NULL, 0, 0,
                              "the decompressed body is larger than %zu bytes", max);
    return otl_detail_set(reterr, err, NULL, 0, 0, "out of memory");
}

/* Grow the output by its own size again, within its maximum; at the maximum one byte too many is
 * looked for with a scratch byte, so that a body of exactly max bytes is taken. */
static enum otel_err give_room(z_stream *stream, struct otl_buf *out, unsigned char *scratch,
                               bool *ret_scratch)
{
    size_t room = out->len > ROOM_MIN ? out->len : ROOM_MIN;
    enum otel_err err;

    *ret_scratch = false;
    if (room > out->max - out->len)
        room = out->max - out->len;
    if (room == 0) {
        *ret_scratch = true;
        stream->next_out = scratch;
        stream->avail_out = 1;
        return OTEL_OK;
    }
    err = otl_buf_reserve(out, room);
    if (err != OTEL_OK)
        return err;
    room = out->cap - 1 - out->len;
    stream->next_out = (unsigned char *)out->data + out->len;
    stream->avail_out = (unsigned)room;
    return OTEL_OK;
}

static enum otel_err run(z_stream *stream, struct otl_buf *out, bool members,
                         struct otl_detail *reterr)
{
    unsigned char scratch;

    for (;;) {
        bool scratched;
        enum otel_err err = give_room(stream, out, &scratch, &scratched);
        unsigned before = stream->avail_out;
        int code;
        if (err != OTEL_OK)
            return out_of_room(err, out->max, reterr);
        code = inflate(stream, Z_NO_FLUSH);
        if (scratched && stream->avail_out == 0)
            return out_of_room(OTEL_ERR_LIMIT, out->max, reterr);
        if (!scratched)
            out->len += before - stream->avail_out;
        if (code == Z_STREAM_END) {
            if (stream->avail_in == 0)
                return OTEL_OK;
            if (!members || inflateReset(stream) != Z_OK)
                return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                                      "bytes behind the compressed body");
        } else if (code == Z_MEM_ERROR) {
            return out_of_room(OTEL_ERR_MEMORY, out->max, reterr);
        } else if (code != Z_OK && !(code == Z_BUF_ERROR && stream->avail_in > 0)) {
            return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                                  "the compressed body is %s",
                                  code == Z_BUF_ERROR ? "truncated" : "damaged");
        }
    }
}

/* ---- zstd ---- */

static enum otel_err damaged(size_t code, struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                          "the compressed body is damaged: %s", ZSTD_getErrorName(code));
}

static enum otel_err run_zstd(ZSTD_DStream *stream, struct otl_view body, struct otl_buf *out,
                              struct otl_detail *reterr)
{
    ZSTD_inBuffer in = {body.data, body.len, 0};

    for (;;) {
        size_t left; /* 0: a frame has ended */
        size_t room = out->len > ROOM_MIN ? out->len : ROOM_MIN, before = in.pos;
        char scratch;
        ZSTD_outBuffer to = {&scratch, 1, 0};
        bool full = out->len == out->max;
        if (room > out->max - out->len)
            room = out->max - out->len;
        if (!full) {
            enum otel_err err = otl_buf_reserve(out, room);
            if (err != OTEL_OK)
                return out_of_room(err, out->max, reterr);
            to = (ZSTD_outBuffer){out->data + out->len, out->cap - 1 - out->len, 0};
        }
        left = ZSTD_decompressStream(stream, &to, &in);
        if (ZSTD_isError(left))
            return damaged(left, reterr);
        if (full && to.pos > 0)
            return out_of_room(OTEL_ERR_LIMIT, out->max, reterr);
        if (!full)
            out->len += to.pos;
        if (left == 0 && in.pos == in.size)
            return OTEL_OK;
        if ((in.pos == in.size && to.pos < to.size) || (in.pos == before && to.pos == 0))
            return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                                  "the compressed body is truncated");
    }
}

static enum otel_err inflate_zstd(struct otl_view body, struct otl_buf *out,
                                  struct otl_detail *reterr)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    enum otel_err err = OTEL_ERR_MEMORY;

    if (stream == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, WINDOW_ZSTD)))
        err = out_of_room(err, out->max, reterr);
    else
        err = run_zstd(stream, body, out, reterr);
    ZSTD_freeDStream(stream);
    if (err == OTEL_OK && out->data != NULL)
        out->data[out->len] = '\0';
    return err;
}

static bool is(struct otl_view text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

enum otel_err col_inflate(struct otl_view encoding, struct otl_view body, struct otl_buf *out,
                          struct otl_detail *reterr)
{
    bool gzip = is(encoding, "gzip");
    enum otel_err err;
    z_stream stream;

    if (is(encoding, "zstd"))
        return inflate_zstd(body, out, reterr);
    if (!gzip && !is(encoding, "deflate") && !is(encoding, "zlib"))
        return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "unsupported Content-Encoding: %.*s",
                              (int)(encoding.len > 64 ? 64 : encoding.len), encoding.data);
    if (body.len > UINT32_MAX)
        return out_of_room(OTEL_ERR_LIMIT, out->max, reterr);
    memset(&stream, 0, sizeof(stream));
    if (inflateInit2(&stream, gzip ? WINDOW_GZIP : WINDOW_ZLIB) != Z_OK)
        return out_of_room(OTEL_ERR_MEMORY, out->max, reterr);
    stream.next_in = (unsigned char *)(uintptr_t)body.data;
    stream.avail_in = (unsigned)body.len;
    err = run(&stream, out, gzip, reterr);
    inflateEnd(&stream);
    if (err == OTEL_OK && out->data != NULL)
        out->data[out->len] = '\0';
    return err;
}
