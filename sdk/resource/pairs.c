/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/resource/pairs.h"

#include <string.h>

#include "sdk/base/percent.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct otl_view otl_pairs_trim(struct otl_view text)
{
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

static struct otl_view next_member(struct otl_view *rest)
{
    const char *comma = memchr(rest->data, ',', rest->len);
    size_t len = comma ? (size_t)(comma - rest->data) : rest->len;
    struct otl_view member = otl_pairs_trim(otl_view(rest->data, len));

    if (comma)
        len++;
    rest->data += len;
    rest->len -= len;
    return member;
}

void otl_pairs_init_view(struct otl_pairs *pairs, struct otl_view text, struct otl_buf *decoded)
{
    pairs->rest = text;
    pairs->decoded = decoded;
}

void otl_pairs_init(struct otl_pairs *pairs, const char *text, struct otl_buf *decoded)
{
    otl_pairs_init_view(pairs, otl_view_str(text), decoded);
}

static enum otel_err decode(struct otl_view member, struct otl_buf *decoded,
                            struct otl_view *ret_key, struct otl_view *ret_value)
{
    const char *equals = memchr(member.data, '=', member.len);
    struct otl_view key, value;
    enum otel_err err;
    size_t key_len;

    if (equals == NULL)
        return OTEL_ERR_SYNTAX;
    key = otl_pairs_trim(otl_view(member.data, (size_t)(equals - member.data)));
    value = otl_pairs_trim(
        otl_view(equals + 1, (size_t)(member.data + member.len - equals - 1)));
    otl_buf_reset(decoded);
    err = otl_buf_reserve(decoded, member.len); /* decoding never lengthens */
    if (err == OTEL_OK)
        err = otl_percent_decode(key, decoded);
    key_len = decoded->len;
    if (err == OTEL_OK)
        err = otl_percent_decode(value, decoded);
    if (err == OTEL_OK && key_len == 0)
        err = OTEL_ERR_SYNTAX;
    if (err != OTEL_OK)
        return err;
    *ret_key = otl_view(decoded->data, key_len);
    *ret_value = otl_view(decoded->data + key_len, decoded->len - key_len);
    return OTEL_OK;
}

bool otl_pairs_next(struct otl_pairs *pairs, enum otel_err *ret_err, struct otl_view *ret_key,
                    struct otl_view *ret_value)
{
    while (pairs->rest.len > 0) {
        struct otl_view member = next_member(&pairs->rest);
        if (member.len == 0)
            continue;
        *ret_err = decode(member, pairs->decoded, ret_key, ret_value);
        return true;
    }
    return false;
}
