/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/propagation/baggage_text.h"

#include <string.h>

#include "sdk/base/percent.h"
#include "sdk/propagation/traceparent.h"

bool otl_is_token(struct otl_view text)
{
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return true;
}

/* baggage-octet: printable ASCII without blank, '"', ',', ';' and '\'. */
static bool is_value(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\",;\\", c) != NULL)
            return false;
    }
    return true;
}

/* Metadata is opaque, but it stays inside its member and inside its line. */
static bool is_metadata(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c < ' ' && c != '\t') || c >= 0x7f || c == ',')
            return false;
    }
    return true;
}

/* Split text at the first c; what is behind it goes to *ret_rest (empty if there is no c). */
static struct otl_view split(struct otl_view text, char c, struct otl_view *ret_rest)
{
    const char *at = text.len ? memchr(text.data, c, text.len) : NULL;
    size_t len = at ? (size_t)(at - text.data) : text.len;

    *ret_rest = at ? otl_view(at + 1, text.len - len - 1) : otl_view(NULL, 0);
    return otl_view(text.data, len);
}

static bool member_parse(struct otl_view text, struct otl_baggage_member *ret)
{
    struct otl_view metadata, value, pair = split(text, ';', &metadata);

    if (memchr(pair.data, '=', pair.len) == NULL)
        return false;
    ret->key = otl_trim_ows(split(pair, '=', &value));
    ret->value = otl_trim_ows(value);
    ret->metadata = otl_trim_ows(metadata);
    return otl_is_token(ret->key) && is_value(ret->value) && is_metadata(ret->metadata);
}

bool otl_baggage_next(struct otl_view *rest, struct otl_baggage_member *ret, unsigned *malformed)
{
    while (rest->len > 0) {
        struct otl_view text = otl_trim_ows(split(*rest, ',', rest));
        if (text.len == 0)
            continue;
        if (member_parse(text, ret))
            return true;
        ++*malformed;
    }
    return false;
}

enum otel_err otl_baggage_write(const struct otl_baggage_member *decoded, struct otl_buf *out)
{
    size_t before = out->len;
    enum otel_err err;

    if (!otl_is_token(decoded->key))
        return OTEL_ERR_SYNTAX;
    err = otl_buf_append(out, decoded->key.data, decoded->key.len);
    if (err == OTEL_OK)
        err = otl_buf_append_byte(out, '=');
    if (err == OTEL_OK)
        err = otl_percent_encode(decoded->value, out);
    if (err == OTEL_OK && decoded->metadata.len > 0 && is_metadata(decoded->metadata)) {
        err = otl_buf_append_byte(out, ';');
        if (err == OTEL_OK)
            err = otl_buf_append(out, decoded->metadata.data, decoded->metadata.len);
    }
    if (err != OTEL_OK && out->data != NULL) {
        out->len = before;
        out->data[before] = '\0';
    }
    return err;
}
