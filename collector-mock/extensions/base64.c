/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/extensions/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum otel_err col_base64_append(struct otl_buf *out, struct otl_view bytes)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < bytes.len && err == OTEL_OK; i += 3) {
        uint32_t word = (uint32_t)(uint8_t)bytes.data[i] << 16;
        char four[4];
        if (i + 1 < bytes.len)
            word |= (uint32_t)(uint8_t)bytes.data[i + 1] << 8;
        if (i + 2 < bytes.len)
            word |= (uint8_t)bytes.data[i + 2];
        for (unsigned k = 0; k < 4; k++)
            four[k] = digits[word >> (18 - 6 * k) & 63];
        if (i + 1 >= bytes.len)
            four[2] = '=';
        if (i + 2 >= bytes.len)
            four[3] = '=';
        err = otl_buf_append(out, four, 4);
    }
    return err;
}

size_t col_base64_decode(struct otl_view text, uint8_t *out, size_t size)
{
    size_t len = 0, padding = 0;
    uint32_t word = 0;
    unsigned bits = 0;

    if (text.len % 4 != 0)
        return SIZE_MAX;
    while (padding < 2 && text.len > 0 && text.data[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(digits, text.data[i], sizeof(digits) - 1);
        if (digit == NULL)
            return SIZE_MAX;
        word = word << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits < 8)
            continue;
        if (len == size)
            return SIZE_MAX;
        bits -= 8;
        out[len++] = (uint8_t)(word >> bits);
    }
    return len;
}
