/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/json_response.h"

#include <string.h>

#include "sdk/base/json_read.h"
#include "sdk/base/text.h"

static bool read_count(struct otl_json_reader *r, uint64_t *ret)
{
    char digits[24];
    struct otl_view text;

    if (otl_json_peek(r) == '"' ? !otl_json_take_string(r, &text) : !otl_json_take_word(r, &text))
        return false;
    if (otl_view_is(text, "null"))
        return true;
    if (text.len == 0 || text.len >= sizeof(digits))
        return otl_json_fail(r, OTEL_ERR_SYNTAX);
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    if (digits[0] == '-')
        return otl_json_fail(r, OTEL_ERR_ARGUMENT);
    return otl_parse_uint(digits, 0, INT64_MAX, ret) == OTEL_OK ||
           otl_json_fail(r, OTEL_ERR_SYNTAX);
}

static bool read_message(struct otl_json_reader *r, struct otl_buf *text, struct otl_view *ret)
{
    struct otl_view raw;
    enum otel_err err;

    if (otl_json_peek(r) != '"')
        return otl_json_take_word(r, &raw) &&
               (otl_view_is(raw, "null") || otl_json_fail(r, OTEL_ERR_SYNTAX));
    if (!otl_json_take_string(r, &raw))
        return false;
    otl_buf_reset(text);
    err = otl_json_unescape(raw, text);
    if (err != OTEL_OK)
        return otl_json_fail(r, err);
    *ret = otl_view(text->data, text->len);
    return true;
}

static bool read_partial(struct otl_json_reader *r, struct otl_buf *text,
                         struct otl_otlp_response *ret)
{
    struct otl_view key;

    if (otl_json_peek(r) != '{')
        return otl_json_take_word(r, &key) &&
               (otl_view_is(key, "null") || otl_json_fail(r, OTEL_ERR_SYNTAX));
    otl_json_take(r, '{');
    if (otl_json_take(r, '}'))
        return true;
    do {
        bool good;
        if (!otl_json_take_string(r, &key) || !otl_json_need(r, ':'))
            return false;
        if (otl_view_is(key, "rejectedSpans"))
            good = read_count(r, &ret->rejected);
        else if (otl_view_is(key, "errorMessage"))
            good = read_message(r, text, &ret->message);
        else
            good = otl_json_skip(r, 2);
        if (!good)
            return false;
    } while (otl_json_take(r, ','));
    return otl_json_need(r, '}');
}

enum otel_err otl_json_response_read(struct otl_view body, struct otl_buf *text,
                                     struct otl_otlp_response *ret)
{
    struct otl_otlp_response response = {0, {NULL, 0}};
    struct otl_json_reader r = {body, OTEL_OK};
    struct otl_view key;

    if (otl_json_peek(&r) == '\0' && r.rest.len == 0) {
        *ret = response;
        return OTEL_OK;
    }
    if (otl_json_need(&r, '{') && !otl_json_take(&r, '}')) {
        do {
            if (!otl_json_take_string(&r, &key) || !otl_json_need(&r, ':'))
                break;
            if (!(otl_view_is(key, "partialSuccess") ? read_partial(&r, text, &response)
                                                     : otl_json_skip(&r, 1)))
                break;
        } while (otl_json_take(&r, ','));
        if (r.err == OTEL_OK)
            otl_json_need(&r, '}');
    }
    otl_json_skip_blanks(&r);
    if (r.err == OTEL_OK && r.rest.len != 0)
        r.err = OTEL_ERR_SYNTAX;
    if (r.err == OTEL_OK)
        *ret = response;
    return r.err;
}
