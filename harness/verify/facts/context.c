/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/facts/context.h"

#include <string.h>

#include "harness/verify/facts/ids.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower-case hex only, followed by a dash or by the end of the fixed part. */
static bool hex_part(const char *text, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool hx_context_parse(struct otl_view header, struct hx_context *ret)
{
    enum { LEN = 55 };
    const char *s = header.data;
    struct hx_context context;
    uint8_t version;

    if (header.len < LEN || s[2] != '-' || s[35] != '-' || s[52] != '-')
        return false;
    if (!hex_part(s, 1, &version) || !hex_part(s + 3, 16, context.trace_id) ||
        !hex_part(s + 36, 8, context.span_id) || !hex_part(s + 53, 1, &context.flags))
        return false;
    if (version == 0xff || (version == 0 && header.len != LEN) ||
        (header.len > LEN && s[LEN] != '-') || memchr(s, '\n', header.len) != NULL)
        return false;
    if (hx_id_zero(context.trace_id, 16) || hx_id_zero(context.span_id, 8))
        return false;
    *ret = context;
    return true;
}

/* ---- baggage -------------------------------------------------------------------------------- */

static struct otl_view trim(struct otl_view text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static struct otl_view up_to(struct otl_view text, char stop)
{
    const char *at = text.len > 0 ? memchr(text.data, stop, text.len) : NULL;

    return otl_view(text.data, at != NULL ? (size_t)(at - text.data) : text.len);
}

static int any_digit(char c)
{
    return digit(c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c);
}

static bool decode(struct otl_view text, char *out, size_t *ret_len)
{
    size_t len = 0;

    if (text.len > HX_BAGGAGE_VALUE_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '%' && i + 2 < text.len && any_digit(text.data[i + 1]) >= 0 &&
            any_digit(text.data[i + 2]) >= 0) {
            c = (char)(any_digit(text.data[i + 1]) << 4 | any_digit(text.data[i + 2]));
            i += 2;
        }
        out[len++] = c;
    }
    *ret_len = len;
    return true;
}

bool hx_baggage_find(struct otl_view header, struct otl_view name, char *out, size_t *ret_len)
{
    while (header.len > 0) {
        struct otl_view member = up_to(up_to(header, ','), '\n');
        struct otl_view key = trim(up_to(member, '='));
        size_t used = member.len < header.len ? member.len + 1 : member.len;

        header = otl_view(header.data + used, header.len - used);
        if (!otl_view_equal(key, name))
            continue;
        used = up_to(member, '=').len;
        if (used == member.len)
            continue; /* no value */
        member = otl_view(member.data + used + 1, member.len - used - 1);
        return decode(trim(up_to(member, ';')), out, ret_len);
    }
    return false;
}
