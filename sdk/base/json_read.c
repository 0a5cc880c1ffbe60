/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/json_read.h"

#include <string.h>

#include "sdk/base/text.h"

enum { DEPTH_MAX = 64 };

bool otl_json_fail(struct otl_json_reader *r, enum otel_err err)
{
    if (r->err == OTEL_OK)
        r->err = err;
    return false;
}

void otl_json_skip_blanks(struct otl_json_reader *r)
{
    while (r->rest.len > 0 && strchr(" \t\r\n", r->rest.data[0]) != NULL && r->rest.data[0] != 0) {
        r->rest.data++;
        r->rest.len--;
    }
}

char otl_json_peek(struct otl_json_reader *r)
{
    otl_json_skip_blanks(r);
    return r->rest.len > 0 ? r->rest.data[0] : '\0';
}

bool otl_json_take(struct otl_json_reader *r, char c)
{
    if (otl_json_peek(r) != c)
        return false;
    r->rest.data++;
    r->rest.len--;
    return true;
}

bool otl_json_need(struct otl_json_reader *r, char c)
{
    return otl_json_take(r, c) || otl_json_fail(r, OTEL_ERR_SYNTAX);
}

bool otl_json_take_string(struct otl_json_reader *r, struct otl_view *ret)
{
    size_t len = 0;

    if (!otl_json_need(r, '"'))
        return false;
    while (len < r->rest.len && r->rest.data[len] != '"') {
        if ((unsigned char)r->rest.data[len] < ' ')
            return otl_json_fail(r, OTEL_ERR_SYNTAX);
        len += r->rest.data[len] == '\\' ? 2 : 1;
    }
    if (len >= r->rest.len)
        return otl_json_fail(r, OTEL_ERR_SYNTAX);
    *ret = otl_view(r->rest.data, len);
    r->rest.data += len + 1;
    r->rest.len -= len + 1;
    return true;
}

bool otl_json_take_word(struct otl_json_reader *r, struct otl_view *ret)
{
    size_t len = 0;

    otl_json_skip_blanks(r);
    while (len < r->rest.len && r->rest.data[len] != '\0' &&
           strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", r->rest.data[len]) != NULL)
        len++;
    if (len == 0)
        return otl_json_fail(r, OTEL_ERR_SYNTAX);
    *ret = otl_view(r->rest.data, len);
    r->rest.data += len;
    r->rest.len -= len;
    return true;
}

static bool skip_list(struct otl_json_reader *r, char close, unsigned depth)
{
    struct otl_view key;

    if (depth == DEPTH_MAX)
        return otl_json_fail(r, OTEL_ERR_LIMIT);
    if (otl_json_take(r, close))
        return true;
    do {
        if (close == '}' && (!otl_json_take_string(r, &key) || !otl_json_need(r, ':')))
            return false;
        if (!otl_json_skip(r, depth + 1))
            return false;
    } while (otl_json_take(r, ','));
    return otl_json_need(r, close);
}

bool otl_json_skip(struct otl_json_reader *r, unsigned depth)
{
    struct otl_view text;

    if (otl_json_take(r, '{'))
        return skip_list(r, '}', depth);
    if (otl_json_take(r, '['))
        return skip_list(r, ']', depth);
    return otl_json_peek(r) == '"' ? otl_json_take_string(r, &text) : otl_json_take_word(r, &text);
}

/* One UTF-16 unit behind "\u"; false if there are not four digits. */
static bool read_unit(struct otl_view text, size_t at, uint32_t *ret)
{
    uint8_t bytes[2];

    if (text.len - at < 6 || text.data[at] != '\\' || text.data[at + 1] != 'u' ||
        !otl_unhex(text.data + at + 2, 2, bytes))
        return false;
    *ret = (uint32_t)bytes[0] << 8 | bytes[1];
    return true;
}

static enum otel_err append_utf8(uint32_t c, struct otl_buf *out)
{
    char bytes[4];
    size_t len = 0;

    if (c < 0x80) {
        bytes[len++] = (char)c;
    } else if (c < 0x800) {
        bytes[len++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        bytes[len++] = (char)(0xe0 | c >> 12);
        bytes[len++] = (char)(0x80 | (c >> 6 & 63));
    } else {
        bytes[len++] = (char)(0xf0 | c >> 18);
        bytes[len++] = (char)(0x80 | (c >> 12 & 63));
        bytes[len++] = (char)(0x80 | (c >> 6 & 63));
    }
    if (c >= 0x80)
        bytes[len++] = (char)(0x80 | (c & 63));
    return otl_buf_append(out, bytes, len);
}

/* What stands at text[*at], an escape; *at goes behind it. */
static enum otel_err unescape_one(struct otl_view text, size_t *at, struct otl_buf *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t unit, low;
    const char *name;

    if (read_unit(text, *at, &unit)) {
        *at += 6;
        if (unit >= 0xd800 && unit < 0xdc00 && read_unit(text, *at, &low) && low >= 0xdc00 &&
            low < 0xe000) {
            *at += 6;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
        return append_utf8(unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit, out);
    }
    name = text.data[*at + 1] != '\0' ? strchr(names, text.data[*at + 1]) : NULL;
    if (name == NULL)
        return OTEL_ERR_SYNTAX;
    *at += 2;
    return otl_buf_append_byte(out, (uint8_t)values[name - names]);
}

enum otel_err otl_json_unescape(struct otl_view text, struct otl_buf *out)
{
    enum otel_err err = otl_buf_append(out, "", 0);

    for (size_t at = 0; err == OTEL_OK && at < text.len;) {
        const char *slash = memchr(text.data + at, '\\', text.len - at);
        size_t plain = slash != NULL ? (size_t)(slash - text.data) - at : text.len - at;
        err = otl_buf_append(out, text.data + at, plain);
        at += plain;
        if (err == OTEL_OK && slash != NULL)
            err = unescape_one(text, &at, out);
    }
    return err;
}
