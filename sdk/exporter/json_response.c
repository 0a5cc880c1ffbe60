/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/json_response.h"

#include <stdbool.h>
#include <string.h>

#include "sdk/base/text.h"

enum { DEPTH_MAX = 64 };

/* What is left of the body; err keeps the first mistake. */
struct reader {
    struct otl_view rest;
    enum otel_err err;
};

static bool fail(struct reader *r, enum otel_err err)
{
    if (r->err == OTEL_OK)
        r->err = err;
    return false;
}

static void skip_blanks(struct reader *r)
{
    while (r->rest.len > 0 && strchr(" \t\r\n", r->rest.data[0]) != NULL && r->rest.data[0] != 0) {
        r->rest.data++;
        r->rest.len--;
    }
}

static char peek(struct reader *r)
{
    skip_blanks(r);
    return r->rest.len > 0 ? r->rest.data[0] : '\0';
}

static bool take(struct reader *r, char c)
{
    if (peek(r) != c)
        return false;
    r->rest.data++;
    r->rest.len--;
    return true;
}

static bool need(struct reader *r, char c)
{
    return take(r, c) || fail(r, OTEL_ERR_SYNTAX);
}

/* A string still escaped. */
static bool take_string(struct reader *r, struct otl_view *ret)
{
    size_t len = 0;

    if (!need(r, '"'))
        return false;
    while (len < r->rest.len && r->rest.data[len] != '"') {
        if ((unsigned char)r->rest.data[len] < ' ')
            return fail(r, OTEL_ERR_SYNTAX);
        len += r->rest.data[len] == '\\' ? 2 : 1;
    }
    if (len >= r->rest.len)
        return fail(r, OTEL_ERR_SYNTAX);
    *ret = otl_view(r->rest.data, len);
    r->rest.data += len + 1;
    r->rest.len -= len + 1;
    return true;
}

/* A number, true, false or null. */
static bool take_word(struct reader *r, struct otl_view *ret)
{
    size_t len = 0;

    skip_blanks(r);
    while (len < r->rest.len && r->rest.data[len] != '\0' &&
           strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", r->rest.data[len]) != NULL)
        len++;
    if (len == 0)
        return fail(r, OTEL_ERR_SYNTAX);
    *ret = otl_view(r->rest.data, len);
    r->rest.data += len;
    r->rest.len -= len;
    return true;
}

static bool skip_value(struct reader *r, unsigned depth);

static bool skip_list(struct reader *r, char close, unsigned depth)
{
    struct otl_view key;

    if (depth == DEPTH_MAX)
        return fail(r, OTEL_ERR_LIMIT);
    if (take(r, close))
        return true;
    do {
        if (close == '}' && (!take_string(r, &key) || !need(r, ':')))
            return false;
        if (!skip_value(r, depth + 1))
            return false;
    } while (take(r, ','));
    return need(r, close);
}

static bool skip_value(struct reader *r, unsigned depth)
{
    struct otl_view text;

    if (take(r, '{'))
        return skip_list(r, '}', depth);
    if (take(r, '['))
        return skip_list(r, ']', depth);
    return peek(r) == '"' ? take_string(r, &text) : take_word(r, &text);
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

static enum otel_err unescape(struct otl_view text, struct otl_buf *out)
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

static bool read_count(struct reader *r, uint64_t *ret)
{
    char digits[24];
    struct otl_view text;

    if (peek(r) == '"' ? !take_string(r, &text) : !take_word(r, &text))
        return false;
    if (otl_view_is(text, "null"))
        return true;
    if (text.len == 0 || text.len >= sizeof(digits))
        return fail(r, OTEL_ERR_SYNTAX);
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    if (digits[0] == '-')
        return fail(r, OTEL_ERR_ARGUMENT);
    return otl_parse_uint(digits, 0, INT64_MAX, ret) == OTEL_OK || fail(r, OTEL_ERR_SYNTAX);
}

static bool read_message(struct reader *r, struct otl_buf *text, struct otl_view *ret)
{
    struct otl_view raw;
    enum otel_err err;

    if (peek(r) != '"')
        return take_word(r, &raw) && (otl_view_is(raw, "null") || fail(r, OTEL_ERR_SYNTAX));
    if (!take_string(r, &raw))
        return false;
    otl_buf_reset(text);
    err = unescape(raw, text);
    if (err != OTEL_OK)
        return fail(r, err);
    *ret = otl_view(text->data, text->len);
    return true;
}

static bool read_partial(struct reader *r, struct otl_buf *text, struct otl_otlp_response *ret)
{
    struct otl_view key;

    if (peek(r) != '{')
        return take_word(r, &key) && (otl_view_is(key, "null") || fail(r, OTEL_ERR_SYNTAX));
    take(r, '{');
    if (take(r, '}'))
        return true;
    do {
        bool good;
        if (!take_string(r, &key) || !need(r, ':'))
            return false;
        if (otl_view_is(key, "rejectedSpans"))
            good = read_count(r, &ret->rejected);
        else if (otl_view_is(key, "errorMessage"))
            good = read_message(r, text, &ret->message);
        else
            good = skip_value(r, 2);
        if (!good)
            return false;
    } while (take(r, ','));
    return need(r, '}');
}

enum otel_err otl_json_response_read(struct otl_view body, struct otl_buf *text,
                                     struct otl_otlp_response *ret)
{
    struct otl_otlp_response response = {0, {NULL, 0}};
    struct reader r = {body, OTEL_OK};
    struct otl_view key;

    if (peek(&r) == '\0' && r.rest.len == 0) {
        *ret = response;
        return OTEL_OK;
    }
    if (need(&r, '{') && !take(&r, '}')) {
        do {
            if (!take_string(&r, &key) || !need(&r, ':'))
                break;
            if (!(otl_view_is(key, "partialSuccess") ? read_partial(&r, text, &response)
                                                     : skip_value(&r, 1)))
                break;
        } while (take(&r, ','));
        if (r.err == OTEL_OK)
            need(&r, '}');
    }
    skip_blanks(&r);
    if (r.err == OTEL_OK && r.rest.len != 0)
        r.err = OTEL_ERR_SYNTAX;
    if (r.err == OTEL_OK)
        *ret = response;
    return r.err;
}
