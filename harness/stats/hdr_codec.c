/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/hdr_codec.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "harness/stats/base64.h"
#include "sdk/base/mem.h"

#define COOKIE_PLAIN 0x1c849313U
#define COOKIE_COMPRESSED 0x1c849314U
enum { PLAIN_HEADER = 40, COMPRESSED_HEADER = 8, VARINT_MAX = 9 };
#define PLAIN_MAX (PLAIN_HEADER + (size_t)HX_HDR_COUNTS_MAX * VARINT_MAX)

static void put_be(char *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (char)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const char *in, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | (uint8_t)in[i];
    return value;
}

/* ZigZag, then seven bits a byte; a ninth byte carries all its eight. */
static size_t put_varint(char *out, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    size_t len = 0;

    while (rest > 0x7f && len < VARINT_MAX - 1) {
        out[len++] = (char)(rest | 0x80);
        rest >>= 7;
    }
    out[len++] = (char)rest;
    return len;
}

/* Bytes read; 0 = truncated. */
static size_t get_varint(struct otl_view in, int64_t *ret)
{
    uint64_t value = 0;
    size_t len = 0;

    while (len < in.len && len < VARINT_MAX) {
        uint64_t byte = (uint8_t)in.data[len];
        bool last = len == VARINT_MAX - 1;

        value |= (last ? byte : byte & 0x7f) << (7 * len);
        len++;
        if (last || byte < 0x80) {
            *ret = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return len;
        }
    }
    return 0;
}

static enum otel_err append_varint(struct otl_buf *out, int64_t value)
{
    char bytes[VARINT_MAX];

    return otl_buf_append(out, bytes, put_varint(bytes, value));
}

static enum otel_err encode_counts(const struct hx_hdr *hdr, struct otl_buf *out)
{
    size_t used = hx_hdr_index(hdr, hdr->max) + 1;

    for (size_t i = 0; i < used;) {
        enum otel_err err;
        size_t run = 0;

        while (i + run < used && hdr->counts[i + run] == 0)
            run++;
        if (run == 0 && hdr->counts[i] > INT64_MAX)
            return OTEL_ERR_LIMIT;
        if (run != 0)
            err = append_varint(out, run == 1 ? 0 : -(int64_t)run);
        else
            err = append_varint(out, (int64_t)hdr->counts[i]);
        if (err != OTEL_OK)
            return err;
        i += run ? run : 1;
    }
    return OTEL_OK;
}

static enum otel_err encode_plain(const struct hx_hdr *hdr, struct otl_buf *out)
{
    char header[PLAIN_HEADER] = {0};
    double ratio = 1.0;
    uint64_t ratio_bits;
    enum otel_err err;

    memcpy(&ratio_bits, &ratio, sizeof(ratio_bits));
    put_be(header, COOKIE_PLAIN, 4);
    put_be(header + 12, hdr->params.digits, 4);
    put_be(header + 16, hdr->params.lowest, 8);
    put_be(header + 24, hdr->params.highest, 8);
    put_be(header + 32, ratio_bits, 8);
    err = otl_buf_append(out, header, sizeof(header));
    if (err == OTEL_OK)
        err = encode_counts(hdr, out);
    if (err == OTEL_OK)
        put_be(out->data + 4, out->len - PLAIN_HEADER, 4);
    return err;
}

enum otel_err hx_hdr_encode(const struct hx_hdr *hdr, struct otl_buf *out)
{
    struct otl_buf plain;
    uLongf packed_len;
    enum otel_err err;

    otl_buf_init(&plain, PLAIN_MAX);
    err = encode_plain(hdr, &plain);
    if (err != OTEL_OK)
        goto out;
    packed_len = compressBound((uLong)plain.len);
    err = otl_buf_reserve(out, COMPRESSED_HEADER + packed_len);
    if (err != OTEL_OK)
        goto out;
    if (compress2((Bytef *)out->data + out->len + COMPRESSED_HEADER, &packed_len,
                  (const Bytef *)plain.data, (uLong)plain.len, Z_DEFAULT_COMPRESSION) != Z_OK) {
        err = OTEL_ERR_MEMORY;
        goto out;
    }
    put_be(out->data + out->len, COOKIE_COMPRESSED, 4);
    put_be(out->data + out->len + 4, packed_len, 4);
    out->len += COMPRESSED_HEADER + packed_len;
    out->data[out->len] = '\0';
out:
    otl_buf_fini(&plain);
    return err;
}

/* Set counter index, refusing what total or index cannot hold. */
static bool take_count(struct hx_hdr *hdr, size_t index, int64_t count)
{
    if (index >= hdr->counts_len || hdr->total > (uint64_t)INT64_MAX - (uint64_t)count)
        return false;
    if (count == 0)
        return true;
    hdr->counts[index] = (uint64_t)count;
    if (hdr->total == 0)
        hdr->min = hx_hdr_index_low(hdr, index);
    hdr->total += (uint64_t)count;
    hdr->max = hx_hdr_bucket_high(hdr, hx_hdr_index_low(hdr, index));
    return true;
}

static enum otel_err decode_counts(struct otl_view in, struct hx_hdr *hdr)
{
    size_t index = 0;

    while (in.len != 0) {
        int64_t value = 0;
        size_t len = get_varint(in, &value);

        if (len == 0)
            return OTEL_ERR_CORRUPT;
        in = otl_view(in.data + len, in.len - len);
        if (value >= 0) {
            if (!take_count(hdr, index, value))
                return OTEL_ERR_CORRUPT;
            index++;
        } else {
            if (value < -(int64_t)hdr->counts_len ||
                (size_t)-value > hdr->counts_len - index)
                return OTEL_ERR_CORRUPT;
            index += (size_t)-value;
        }
    }
    return OTEL_OK;
}

/* Shifted histograms are not read. hdr-histogram-js writes 1 as the shift of all histograms and
 * as an integer where a double belongs, and means neither. */
static bool is_shifted(const char *header)
{
    uint64_t shift = get_be(header + 8, 4);

    return shift != 0 && !(shift == 1 && get_be(header + 32, 8) == 1);
}

/* The histogram that the plain header describes, still empty. */
static enum otel_err decode_header(struct otl_view in, struct hx_hdr **ret)
{
    struct hx_hdr_params params;
    uint64_t digits;
    enum otel_err err;

    if (in.len < PLAIN_HEADER)
        return OTEL_ERR_CORRUPT;
    if (get_be(in.data, 4) != COOKIE_PLAIN || is_shifted(in.data))
        return OTEL_ERR_UNSUPPORTED;
    if (get_be(in.data + 4, 4) != in.len - PLAIN_HEADER)
        return OTEL_ERR_CORRUPT;
    digits = get_be(in.data + 12, 4);
    params.digits = digits > 5 ? 0 : (unsigned)digits;
    params.lowest = get_be(in.data + 16, 8);
    params.highest = get_be(in.data + 24, 8);
    if (params.highest > 1ULL << 62 && params.highest <= INT64_MAX)
        params.highest = 1ULL << 62; /* other libraries write 2^63 - 1 for "no limit" */
    err = hx_hdr_new(&params, ret);
    return err == OTEL_ERR_ARGUMENT ? OTEL_ERR_CORRUPT : err;
}

static enum otel_err decode_plain(struct otl_view in, struct hx_hdr **ret)
{
    struct hx_hdr *hdr = NULL;
    enum otel_err err = decode_header(in, &hdr);

    if (err != OTEL_OK)
        return err;
    err = decode_counts(otl_view(in.data + PLAIN_HEADER, in.len - PLAIN_HEADER), hdr);
    if (err != OTEL_OK) {
        hx_hdr_free(hdr);
        return err;
    }
    *ret = hdr;
    return OTEL_OK;
}

/* Inflate the whole of in, step by step, so that a small input cannot claim much memory. */
static enum otel_err inflate_all(struct otl_view in, struct otl_buf *out)
{
    z_stream stream;
    enum otel_err err = OTEL_OK;
    int state = Z_OK;

    memset(&stream, 0, sizeof(stream));
    if (inflateInit(&stream) != Z_OK)
        return OTEL_ERR_MEMORY;
    stream.next_in = (Bytef *)(uintptr_t)in.data;
    stream.avail_in = (uInt)in.len;
    while (err == OTEL_OK && state == Z_OK) {
        Bytef block[4096];

        stream.next_out = block;
        stream.avail_out = sizeof(block);
        state = inflate(&stream, Z_NO_FLUSH);
        if (state == Z_OK || state == Z_STREAM_END)
            err = otl_buf_append(out, block, sizeof(block) - stream.avail_out);
    }
    if (err == OTEL_OK && state != Z_STREAM_END)
        err = state == Z_MEM_ERROR ? OTEL_ERR_MEMORY : OTEL_ERR_CORRUPT;
    if (err == OTEL_OK && stream.avail_in != 0)
        err = OTEL_ERR_CORRUPT;
    inflateEnd(&stream);
    return err;
}

enum otel_err hx_hdr_decode(struct otl_view data, struct hx_hdr **ret)
{
    struct otl_buf plain;
    enum otel_err err;

    if (data.len < COMPRESSED_HEADER)
        return OTEL_ERR_CORRUPT;
    if (get_be(data.data, 4) != COOKIE_COMPRESSED)
        return OTEL_ERR_UNSUPPORTED;
    if (data.len > UINT_MAX || get_be(data.data + 4, 4) != data.len - COMPRESSED_HEADER)
        return OTEL_ERR_CORRUPT;
    otl_buf_init(&plain, PLAIN_MAX);
    err = inflate_all(
        otl_view(data.data + COMPRESSED_HEADER, data.len - COMPRESSED_HEADER), &plain);
    if (err == OTEL_OK)
        err = decode_plain(otl_view(plain.data, plain.len), ret);
    otl_buf_fini(&plain);
    return err;
}

enum otel_err hx_hdr_encode_text(const struct hx_hdr *hdr, struct otl_buf *out)
{
    struct otl_buf packed;
    enum otel_err err;

    otl_buf_init(&packed, PLAIN_MAX * 2);
    err = hx_hdr_encode(hdr, &packed);
    if (err == OTEL_OK)
        err = hx_base64_encode(packed.data, packed.len, out);
    otl_buf_fini(&packed);
    return err;
}

enum otel_err hx_hdr_decode_text(struct otl_view text, struct hx_hdr **ret)
{
    struct otl_buf packed;
    enum otel_err err;

    otl_buf_init(&packed, PLAIN_MAX * 2);
    err = hx_base64_decode(text, &packed);
    if (err == OTEL_OK)
        err = hx_hdr_decode(otl_view(packed.data, packed.len), ret);
    otl_buf_fini(&packed);
    return err;
}
