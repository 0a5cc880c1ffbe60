/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/out.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { OUT_BYTES = 64 * 1024 * 1024, PUTF_BYTES = 4096 };

#define REPLACEMENT "\xef\xbf\xbd"

void rep_out_init(struct rep_out *out)
{
    otl_buf_init(&out->buf, OUT_BYTES);
    out->err = OTEL_OK;
}

void rep_out_fini(struct rep_out *out)
{
    otl_buf_fini(&out->buf);
}

void rep_putn(struct rep_out *out, const char *text, size_t len)
{
    if (out->err == OTEL_OK)
        out->err = otl_buf_append(&out->buf, text, len);
}

void rep_put(struct rep_out *out, const char *text)
{
    rep_putn(out, text, strlen(text));
}

void rep_putf(struct rep_out *out, const char *format, ...)
{
    char text[PUTF_BYTES];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        out->err = out->err ? out->err : OTEL_ERR_LIMIT;
    else
        rep_putn(out, text, (size_t)len);
}

unsigned rep_next_char(const char **text)
{
    const uint8_t *p = (const uint8_t *)*text;
    unsigned c = *p;
    unsigned more;

    if (c == 0)
        return 0;
    more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    if (more > 0)
        c &= 0x3fu >> more;
    for (p++; more > 0 && (*p & 0xc0) == 0x80; more--)
        c = c << 6 | (*p++ & 0x3fu);
    *text = (const char *)p;
    return c;
}

static bool is_control(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Turns the direction of what follows, joins or hides it. */
static bool is_deceiving(unsigned c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0x061c || c == 0x2028 || c == 0x2029 || c == 0xfeff;
}

static bool is_noncharacter(unsigned c)
{
    return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static const char *entity(unsigned c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void rep_put_html(struct rep_out *out, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        const char *start = p;
        unsigned c = rep_next_char(&p);

        if (entity(c) != NULL)
            rep_put(out, entity(c));
        else if (c == '\n' || c == '\t')
            rep_put(out, c == '\n' ? "\n" : " ");
        else if (is_control(c) || is_deceiving(c) || is_noncharacter(c))
            rep_put(out, REPLACEMENT);
        else
            rep_putn(out, start, (size_t)(p - start));
    }
}

void rep_put_xml(struct rep_out *out, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        const char *start = p;
        unsigned c = rep_next_char(&p);

        if (entity(c) != NULL)
            rep_put(out, entity(c));
        else if (c == '\n' || c == '\t' || c == '\r')
            rep_putf(out, "&#%u;", c);
        else if (!is_control(c) && !is_noncharacter(c))
            rep_putn(out, start, (size_t)(p - start));
    }
}

void rep_put_md(struct rep_out *out, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        const char *start = p;
        unsigned c = rep_next_char(&p);

        if (c == '<' || c == '>' || c == '&')
            rep_put(out, entity(c));
        else if (c == '@')
            rep_put(out, "&#64;");
        else if (c == '\n' || c == '\t' || c == '\r')
            rep_put(out, " ");
        else if (is_control(c) || is_deceiving(c) || is_noncharacter(c))
            rep_put(out, REPLACEMENT);
        else if (c < 0x80 && strchr("\\`*_[]|~#$!", (int)c) != NULL)
            rep_putf(out, "\\%c", (int)c);
        else
            rep_putn(out, start, (size_t)(p - start));
    }
}

/* Write at most columns characters of one line; returns how many. */
static size_t put_line(struct rep_out *out, const char *text, size_t columns)
{
    size_t used = 0;

    for (const char *p = text; *p != '\0' && used < columns; used++) {
        const char *start = p;
        unsigned c = rep_next_char(&p);

        if (used + 1 == columns && *p != '\0')
            rep_put(out, "\xe2\x80\xa6");
        else if (c == '\n' || c == '\t')
            rep_put(out, " ");
        else if (is_control(c) || is_deceiving(c) || is_noncharacter(c))
            rep_put(out, "?");
        else
            rep_putn(out, start, (size_t)(p - start));
    }
    return used;
}

void rep_put_plain(struct rep_out *out, const char *text)
{
    put_line(out, text, SIZE_MAX);
}

void rep_put_column(struct rep_out *out, const char *text, size_t columns)
{
    for (size_t used = put_line(out, text, columns); used < columns; used++)
        rep_put(out, " ");
}

void rep_put_right(struct rep_out *out, const char *text, size_t columns)
{
    size_t used = 0;

    for (const char *p = text; rep_next_char(&p) != 0;)
        used++;
    for (; used < columns; used++)
        rep_put(out, " ");
    rep_put(out, text);
}

void rep_put_base64(struct rep_out *out, const char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)data;

    for (size_t i = 0; i < len; i += 3) {
        unsigned b1 = i + 1 < len ? p[i + 1] : 0;
        unsigned b2 = i + 2 < len ? p[i + 2] : 0;
        unsigned bits = (unsigned)p[i] << 16 | b1 << 8 | b2;
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        if (i + 1 >= len)
            four[2] = '=';
        if (i + 2 >= len)
            four[3] = '=';
        rep_putn(out, four, 4);
    }
}
