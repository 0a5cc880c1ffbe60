/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/base64.h"

#include <stdint.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum otel_err hx_base64_encode(const void *data, size_t len, struct otl_buf *out)
{
    const uint8_t *in = data;
    enum otel_err err = otl_buf_reserve(out, (len + 2) / 3 * 4);

    for (size_t i = 0; i < len && err == OTEL_OK; i += 3) {
        size_t left = len - i;
        uint32_t word = (uint32_t)in[i] << 16;
        char quad[4];

        word |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        word |= left > 2 ? (uint32_t)in[i + 2] : 0;
        quad[0] = ALPHABET[word >> 18];
        quad[1] = ALPHABET[(word >> 12) & 63];
        quad[2] = left > 1 ? ALPHABET[(word >> 6) & 63] : '=';
        quad[3] = left > 2 ? ALPHABET[word & 63] : '=';
        err = otl_buf_append(out, quad, 4);
    }
    return err;
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters into one to three bytes; 0 = malformed. */
static size_t decode_quad(const char *quad, bool last, uint8_t *bytes)
{
    size_t count = 3;
    uint32_t word = 0;

    if (last && quad[3] == '=')
        count = quad[2] == '=' ? 1 : 2;
    for (size_t i = 0; i < 4; i++) {
        int value = i <= count ? digit(quad[i]) : 0;

        if (value < 0)
            return 0;
        word = word << 6 | (uint32_t)value;
    }
    bytes[0] = (uint8_t)(word >> 16);
    bytes[1] = (uint8_t)(word >> 8);
    bytes[2] = (uint8_t)word;
    if ((count < 3 && bytes[2] != 0) || (count < 2 && bytes[1] != 0))
        return 0;
    return count;
}

enum otel_err hx_base64_decode(struct otl_view text, struct otl_buf *out)
{
    if (text.len % 4 != 0)
        return OTEL_ERR_SYNTAX;
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t bytes[3];
        size_t count = decode_quad(text.data + i, i + 4 == text.len, bytes);
        enum otel_err err = count == 0 ? OTEL_ERR_SYNTAX : otl_buf_append(out, bytes, count);

        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}
