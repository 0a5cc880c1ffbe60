/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/grpc_text.h"

#include <string.h>

#include "sdk/base/text.h"

static int hex_digit(char c)
{
    uint8_t byte;
    char pair[2] = {'0', c};

    return otl_unhex(pair, 1, &byte) ? byte : -1;
}

void otl_grpc_decode_message(const char *value, size_t len, struct otl_buf *out)
{
    otl_buf_reset(out);
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)value[i];
        int high = -1, low = -1;
        if (value[i] == '%' && i + 2 < len) {
            high = hex_digit(value[i + 1]);
            low = hex_digit(value[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (otl_buf_append_byte(out, byte) != OTEL_OK)
            return;
    }
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    if (c == '-' || c == '_')
        return c == '-' ? 62 : 63;
    return at != NULL ? (int)(at - digits) : -1;
}

void otl_grpc_decode_details(const char *value, size_t len, struct otl_buf *out)
{
    uint32_t bits = 0;
    unsigned count = 0;

    otl_buf_reset(out);
    for (size_t i = 0; i < len && value[i] != '='; i++) {
        int digit = base64_digit(value[i]);
        if (digit < 0) {
            otl_buf_reset(out);
            return;
        }
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            if (otl_buf_append_byte(out, (uint8_t)(bits >> count)) != OTEL_OK)
                return;
        }
    }
}

enum otel_err otl_grpc_split_headers(struct otl_view lines, struct otl_buf *out)
{
    const char *at = lines.data, *end = lines.data + lines.len;
    enum otel_err err = OTEL_OK;

    while (at < end && err == OTEL_OK) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        const char *stop = colon ? memchr(colon, '\r', (size_t)(end - colon)) : NULL;
        if (stop == NULL)
            return OTEL_ERR_ARGUMENT;
        for (; at < colon && err == OTEL_OK; at++)
            err = otl_buf_append_byte(
                out, (uint8_t)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at));
        colon += 1 + (colon + 1 < stop && colon[1] == ' ');
        if (err == OTEL_OK)
            err = otl_buf_append(out, "", 1);
        if (err == OTEL_OK)
            err = otl_buf_append(out, colon, (size_t)(stop - colon));
        if (err == OTEL_OK)
            err = otl_buf_append(out, "", 1);
        at = stop + 2;
    }
    return err;
}
