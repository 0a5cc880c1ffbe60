/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/percent.h"

#include <string.h>

#include "sdk/base/text.h"

static enum otel_err undo(struct otl_buf *out, size_t len, enum otel_err err)
{
    out->len = len;
    if (out->data != NULL)
        out->data[len] = '\0';
    return err;
}

static enum otel_err decode(struct otl_view text, bool lenient, struct otl_buf *out)
{
    size_t before = out->len;
    enum otel_err err = otl_buf_append(out, "", 0);
    size_t at = 0;

    while (err == OTEL_OK && at < text.len) {
        const char *percent = memchr(text.data + at, '%', text.len - at);
        size_t plain = percent ? (size_t)(percent - text.data) - at : text.len - at;
        uint8_t byte = '%';
        err = otl_buf_append(out, text.data + at, plain);
        at += plain;
        if (err != OTEL_OK || percent == NULL)
            break;
        if (text.len - at >= 3 && otl_unhex(text.data + at + 1, 1, &byte))
            at += 3;
        else if (lenient)
            at++;
        else
            err = OTEL_ERR_SYNTAX;
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, byte);
    }
    return err == OTEL_OK ? OTEL_OK : undo(out, before, err);
}

enum otel_err otl_percent_decode(struct otl_view text, struct otl_buf *out)
{
    return decode(text, false, out);
}

enum otel_err otl_percent_decode_lenient(struct otl_view text, struct otl_buf *out)
{
    return decode(text, true, out);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

enum otel_err otl_percent_encode(struct otl_view text, struct otl_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t before = out->len;
    enum otel_err err = otl_buf_append(out, "", 0);

    for (size_t i = 0; err == OTEL_OK && i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (is_unreserved(text.data[i]))
            err = otl_buf_append(out, &text.data[i], 1);
        else
            err = otl_buf_append(out, escaped, 3);
    }
    return err == OTEL_OK ? OTEL_OK : undo(out, before, err);
}
