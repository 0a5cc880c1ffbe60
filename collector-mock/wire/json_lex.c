/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/json_lex.h"

#include <stdint.h>
#include <string.h>

#include "sdk/base/text.h"

void col_json_lex_init(struct col_json_lex *lex, struct otl_view json, struct otl_detail *reterr)
{
    lex->start = lex->at = json.data;
    lex->end = json.data + json.len;
    otl_buf_init(&lex->text, json.len + 4);
    lex->err = OTEL_OK;
    lex->reterr = reterr;
}

void col_json_lex_fini(struct col_json_lex *lex)
{
    otl_buf_fini(&lex->text);
}

bool col_json_fail(struct col_json_lex *lex, enum otel_err err, const char *why)
{
    if (lex->err != OTEL_OK)
        return false;
    lex->err = err;
    otl_detail_set(lex->reterr, err, NULL, 0, 0, "byte %zu: JSON: %s",
                   (size_t)(lex->at - lex->start), why);
    return false;
}

char col_json_peek(struct col_json_lex *lex)
{
    while (lex->at < lex->end &&
           (*lex->at == ' ' || *lex->at == '\t' || *lex->at == '\n' || *lex->at == '\r'))
        lex->at++;
    return lex->err == OTEL_OK && lex->at < lex->end ? *lex->at : '\0';
}

bool col_json_expect(struct col_json_lex *lex, char c)
{
    char why[] = "expected ' '";

    if (col_json_accept(lex, c))
        return true;
    why[10] = c;
    return col_json_fail(lex, OTEL_ERR_CORRUPT, why);
}

bool col_json_accept(struct col_json_lex *lex, char c)
{
    if (col_json_peek(lex) != c)
        return false;
    lex->at++;
    return true;
}

bool col_json_word(struct col_json_lex *lex, const char *word)
{
    size_t len = strlen(word);

    if (col_json_peek(lex) != word[0] || (size_t)(lex->end - lex->at) < len ||
        memcmp(lex->at, word, len) != 0)
        return false;
    lex->at += len;
    return true;
}

/* ---- texts ---- */

static bool put(struct col_json_lex *lex, const char *data, size_t len)
{
    enum otel_err err = otl_buf_append(&lex->text, data, len);

    return err == OTEL_OK || col_json_fail(lex, err, "out of memory");
}

static bool hex4(struct col_json_lex *lex, uint32_t *ret)
{
    uint8_t bytes[2];

    if (lex->end - lex->at < 4 || !otl_unhex(lex->at, 2, bytes))
        return col_json_fail(lex, OTEL_ERR_CORRUPT, "\\u needs four hex digits");
    *ret = (uint32_t)bytes[0] << 8 | bytes[1];
    lex->at += 4;
    return true;
}

/* Behind \u; half of a pair alone is U+FFFD. */
static bool put_code(struct col_json_lex *lex)
{
    uint32_t code, low;
    char out[4];
    size_t len;

    if (!hex4(lex, &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00 && lex->end - lex->at >= 6 && lex->at[0] == '\\' &&
        lex->at[1] == 'u') {
        const char *back = lex->at;
        lex->at += 2;
        if (!hex4(lex, &low))
            return false;
        if (low >= 0xdc00 && low < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
            lex->at = back;
    }
    if (code >= 0xd800 && code < 0xe000)
        code = 0xfffd;
    if (code < 0x80) {
        out[0] = (char)code;
        len = 1;
    } else if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        len = 2;
    } else if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        len = 3;
    } else {
        out[0] = (char)(0xf0 | code >> 18);
        out[1] = (char)(0x80 | (code >> 12 & 63));
        out[2] = (char)(0x80 | (code >> 6 & 63));
        out[3] = (char)(0x80 | (code & 63));
        len = 4;
    }
    return put(lex, out, len);
}

static bool put_escape(struct col_json_lex *lex)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known;
    char c;

    if (lex->at == lex->end)
        return col_json_fail(lex, OTEL_ERR_CORRUPT, "a text does not end");
    c = *lex->at++;
    if (c == 'u')
        return put_code(lex);
    known = c != '\0' ? strchr(from, c) : NULL;
    if (known == NULL)
        return col_json_fail(lex, OTEL_ERR_CORRUPT, "unknown escape in a text");
    return put(lex, &to[known - from], 1);
}

bool col_json_text(struct col_json_lex *lex, struct otl_view *ret)
{
    const char *from;
    bool escaped = false;

    if (!col_json_expect(lex, '"'))
        return false;
    otl_buf_reset(&lex->text);
    for (from = lex->at;; from = lex->at) {
        while (lex->at < lex->end && *lex->at != '"' && *lex->at != '\\' &&
               (unsigned char)*lex->at >= 0x20)
            lex->at++;
        if (lex->at == lex->end)
            return col_json_fail(lex, OTEL_ERR_CORRUPT, "a text does not end");
        if ((unsigned char)*lex->at < 0x20)
            return col_json_fail(lex, OTEL_ERR_CORRUPT, "a control character in a text");
        if (*lex->at == '"' && !escaped)
            break;
        if (lex->at > from && !put(lex, from, (size_t)(lex->at - from)))
            return false;
        if (*lex->at == '"')
            break;
        escaped = true;
        lex->at++;
        if (!put_escape(lex))
            return false;
    }
    *ret = escaped ? otl_view(lex->text.data, lex->text.len)
                   : otl_view(from, (size_t)(lex->at - from));
    lex->at++;
    return otl_utf8_valid(ret->data, ret->len) ||
           col_json_fail(lex, OTEL_ERR_CORRUPT, "a text is not UTF-8");
}

/* ---- numbers ---- */

static bool digits(struct col_json_lex *lex)
{
    const char *from = lex->at;

    while (lex->at < lex->end && *lex->at >= '0' && *lex->at <= '9')
        lex->at++;
    return lex->at > from || col_json_fail(lex, OTEL_ERR_CORRUPT, "a digit was expected");
}

static bool next_is(const struct col_json_lex *lex, const char *set)
{
    return lex->at < lex->end && *lex->at != '\0' && strchr(set, *lex->at) != NULL;
}

bool col_json_number(struct col_json_lex *lex, struct otl_view *ret)
{
    const char *from;

    col_json_peek(lex);
    from = lex->at;
    if (next_is(lex, "-"))
        lex->at++;
    if (next_is(lex, "0"))
        lex->at++;
    else if (!digits(lex))
        return false;
    if (next_is(lex, ".")) {
        lex->at++;
        if (!digits(lex))
            return false;
    }
    if (next_is(lex, "eE")) {
        lex->at++;
        if (next_is(lex, "+-"))
            lex->at++;
        if (!digits(lex))
            return false;
    }
    *ret = otl_view(from, (size_t)(lex->at - from));
    return lex->err == OTEL_OK;
}

/* ---- structure ---- */

bool col_json_more(struct col_json_lex *lex, bool *first, char close)
{
    if (col_json_accept(lex, close))
        return false;
    if (!*first && !col_json_expect(lex, ','))
        return false;
    *first = false;
    return lex->err == OTEL_OK;
}

static bool skip_members(struct col_json_lex *lex, unsigned depth, char close)
{
    struct otl_view name;
    bool first = true;

    if (depth == 0)
        return col_json_fail(lex, OTEL_ERR_LIMIT, "nested too deep");
    lex->at++;
    while (col_json_more(lex, &first, close)) {
        if (close == '}' && (!col_json_text(lex, &name) || !col_json_expect(lex, ':')))
            return false;
        if (!col_json_skip(lex, depth - 1))
            return false;
    }
    return lex->err == OTEL_OK;
}

bool col_json_skip(struct col_json_lex *lex, unsigned depth)
{
    struct otl_view ignored;

    switch (col_json_peek(lex)) {
    case '{':
        return skip_members(lex, depth, '}');
    case '[':
        return skip_members(lex, depth, ']');
    case '"':
        return col_json_text(lex, &ignored);
    case 't':
        return col_json_word(lex, "true") || col_json_fail(lex, OTEL_ERR_CORRUPT, "no value");
    case 'f':
        return col_json_word(lex, "false") || col_json_fail(lex, OTEL_ERR_CORRUPT, "no value");
    case 'n':
        return col_json_word(lex, "null") || col_json_fail(lex, OTEL_ERR_CORRUPT, "no value");
    case '\0':
        return col_json_fail(lex, OTEL_ERR_CORRUPT, "it ends too soon");
    default:
        return col_json_number(lex, &ignored);
    }
}
