/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/wire/json_lex.h"
#include "collector-mock/wire/json_schema.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/text.h"

/* "traceId" and "trace_id" alike. */
static bool is_name(struct otl_view key, const char *name)
{
    size_t at = 0;

    for (; *name != '\0'; name++, at++) {
        char c = at < key.len ? key.data[at] : '\0';
        if (c == '_' && *name >= 'A' && *name <= 'Z' && at + 1 < key.len) {
            c = key.data[++at];
            if (c < 'a' || c > 'z')
                return false;
            c = (char)(c - 'a' + 'A');
        }
        if (c != *name)
            return false;
    }
    return at == key.len;
}

static const struct col_json_field *find(const struct col_json_field *fields, struct otl_view key)
{
    while (fields->name != NULL && !is_name(key, fields->name))
        fields++;
    return fields->name != NULL ? fields : NULL;
}

/* ---- values ---- */

struct json {
    struct col_json_lex lex;
    struct otl_buf *out;
};

static bool wrote(struct json *j, enum otel_err err)
{
    return err == OTEL_OK || col_json_fail(&j->lex, err,
                                           err == OTEL_ERR_LIMIT ? "it is larger than the limit"
                                                                 : "out of memory");
}

static bool wrong(struct json *j, const char *why)
{
    return col_json_fail(&j->lex, OTEL_ERR_CORRUPT, why);
}

static bool put_tag(struct json *j, uint32_t number, enum col_wire_type wire)
{
    return wrote(j, col_put_varint(j->out, number << 3 | (uint32_t)wire));
}

static bool put_varint(struct json *j, uint32_t number, uint64_t value)
{
    return put_tag(j, number, COL_WIRE_VARINT) && wrote(j, col_put_varint(j->out, value));
}

static bool put_fixed(struct json *j, uint32_t number, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return put_tag(j, number, size == 8 ? COL_WIRE_FIXED64 : COL_WIRE_FIXED32) &&
           wrote(j, otl_buf_append(j->out, bytes, size));
}

static bool put_bytes(struct json *j, uint32_t number, struct otl_view bytes)
{
    return put_tag(j, number, COL_WIRE_BYTES) && wrote(j, col_put_varint(j->out, bytes.len)) &&
           (bytes.len == 0 || wrote(j, otl_buf_append(j->out, bytes.data, bytes.len)));
}

/* A number, or a text with one in it, with a NUL behind it. */
static bool number_text(struct json *j, char *out, size_t size)
{
    struct otl_view text;

    if (col_json_peek(&j->lex) == '"' ? !col_json_text(&j->lex, &text)
                                      : !col_json_number(&j->lex, &text))
        return false;
    if (text.len >= size || memchr(text.data, '\0', text.len) != NULL)
        return wrong(j, "a number is too long");
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool read_signed(struct json *j, int64_t min, int64_t max, int64_t *ret)
{
    char text[32];

    if (!number_text(j, text, sizeof(text)))
        return false;
    return otl_parse_int(text, min, max, ret) == OTEL_OK ||
           wrong(j, "a whole number was expected, within its range");
}

static bool read_unsigned(struct json *j, uint64_t max, uint64_t *ret)
{
    char text[32];

    if (!number_text(j, text, sizeof(text)))
        return false;
    return otl_parse_uint(text, 0, max, ret) == OTEL_OK ||
           wrong(j, "a whole number from 0 was expected, within its range");
}

static bool read_double(struct json *j, double *ret)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    char text[400], *end;

    if (!number_text(j, text, sizeof(text)))
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i].word) == 0) {
            *ret = words[i].value;
            return true;
        }
    if (strspn(text, "+-.0123456789Ee") != strlen(text) || text[0] == '+')
        return wrong(j, "a number was expected");
    *ret = strtod(text, &end);
    return (end > text && *end == '\0' && isfinite(*ret)) ||
           wrong(j, "a number was expected, within its range");
}

static bool put_enum(struct json *j, const struct col_json_field *field)
{
    struct otl_view word;
    int64_t value;

    if (field->words != NULL && col_json_peek(&j->lex) == '"') {
        if (!col_json_text(&j->lex, &word))
            return false;
        for (uint64_t i = 0; field->words[i] != NULL; i++)
            if (otl_view_is(word, field->words[i]))
                return put_varint(j, field->number, i);
        return wrong(j, "unknown name of an enum");
    }
    return read_signed(j, INT32_MIN, INT32_MAX, &value) &&
           put_varint(j, field->number, (uint64_t)value);
}

static bool put_hex(struct json *j, const struct col_json_field *field)
{
    struct otl_view text;
    uint8_t id[16];

    if (!col_json_text(&j->lex, &text))
        return false;
    if (text.len > 2 * sizeof(id) || text.len % 2 != 0 || !otl_unhex(text.data, text.len / 2, id))
        return wrong(j, "an id was expected in hex digits");
    return text.len == 0 ||
           put_bytes(j, field->number, otl_view((const char *)id, text.len / 2));
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static bool put_base64(struct json *j, const struct col_json_field *field)
{
    struct otl_view text;
    unsigned bits = 0;
    uint32_t word = 0;
    size_t len;

    if (!col_json_text(&j->lex, &text))
        return false;
    for (int pads = 0; pads < 2 && text.len > 0 && text.data[text.len - 1] == '='; pads++)
        text.len--;
    len = text.len * 6 / 8;
    if (text.len % 4 == 1)
        return wrong(j, "base64 was expected");
    if (!put_tag(j, field->number, COL_WIRE_BYTES) || !wrote(j, col_put_varint(j->out, len)))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0)
            return wrong(j, "base64 was expected");
        word = word << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            if (!wrote(j, otl_buf_append_byte(j->out, (uint8_t)(word >> bits))))
                return false;
        }
    }
    return true;
}

static bool put_scalar(struct json *j, const struct col_json_field *field)
{
    struct otl_view text;
    int64_t number;
    uint64_t natural;
    double real;
    bool yes;

    switch (field->kind) {
    case COL_JSON_TEXT:
        return col_json_text(&j->lex, &text) && put_bytes(j, field->number, text);
    case COL_JSON_BASE64:
        return put_base64(j, field);
    case COL_JSON_HEX:
        return put_hex(j, field);
    case COL_JSON_BOOL:
        yes = col_json_word(&j->lex, "true");
        if (!yes && !col_json_word(&j->lex, "false"))
            return wrong(j, "true or false was expected");
        return put_varint(j, field->number, yes);
    case COL_JSON_INT64:
        return read_signed(j, INT64_MIN, INT64_MAX, &number) &&
               put_varint(j, field->number, (uint64_t)number);
    case COL_JSON_INT32:
        return put_enum(j, field);
    case COL_JSON_SINT32:
        return read_signed(j, INT32_MIN, INT32_MAX, &number) &&
               put_varint(j, field->number,
                          (uint32_t)number << 1 ^ (number < 0 ? UINT32_MAX : 0));
    case COL_JSON_UINT64:
        return read_unsigned(j, UINT64_MAX, &natural) && put_varint(j, field->number, natural);
    case COL_JSON_SFIXED64:
        return read_signed(j, INT64_MIN, INT64_MAX, &number) &&
               put_fixed(j, field->number, (uint64_t)number, 8);
    case COL_JSON_UINT32:
        return read_unsigned(j, UINT32_MAX, &natural) && put_varint(j, field->number, natural);
    case COL_JSON_FIXED32:
        return read_unsigned(j, UINT32_MAX, &natural) && put_fixed(j, field->number, natural, 4);
    case COL_JSON_FIXED64:
        return read_unsigned(j, UINT64_MAX, &natural) && put_fixed(j, field->number, natural, 8);
    case COL_JSON_DOUBLE:
        if (!read_double(j, &real))
            return false;
        memcpy(&natural, &real, sizeof(natural));
        return put_fixed(j, field->number, natural, 8);
    case COL_JSON_MESSAGE:
        break;
    }
    return false;
}

/* ---- messages ---- */

static bool put_members(struct json *j, const struct col_json_field *fields, unsigned depth);

/* Its length is known behind it: room is left, and what is too much of it closed. */
static bool put_message(struct json *j, const struct col_json_field *field, unsigned depth)
{
    static const uint8_t room[5] = {0};
    uint8_t length[COL_VARINT_MAX];
    size_t at, len, head;

    if (depth == 0)
        return col_json_fail(&j->lex, OTEL_ERR_LIMIT, "nested too deep");
    if (!put_tag(j, field->number, COL_WIRE_BYTES) ||
        !wrote(j, otl_buf_append(j->out, room, sizeof(room))))
        return false;
    at = j->out->len;
    if (!put_members(j, field->message, depth - 1))
        return false;
    len = j->out->len - at;
    if (len > UINT32_MAX)
        return col_json_fail(&j->lex, OTEL_ERR_LIMIT, "it is larger than the limit");
    head = col_varint_write(len, length);
    memcpy(j->out->data + at - sizeof(room), length, head);
    memmove(j->out->data + at - sizeof(room) + head, j->out->data + at, len);
    j->out->len -= sizeof(room) - head;
    return true;
}

static bool put_value(struct json *j, const struct col_json_field *field, unsigned depth)
{
    return field->kind == COL_JSON_MESSAGE ? put_message(j, field, depth) : put_scalar(j, field);
}

static bool put_member(struct json *j, const struct col_json_field *field, unsigned depth)
{
    bool first = true;

    if (col_json_word(&j->lex, "null"))
        return true;
    if (!field->repeated)
        return put_value(j, field, depth);
    if (!col_json_expect(&j->lex, '['))
        return false;
    while (col_json_more(&j->lex, &first, ']'))
        if (!put_value(j, field, depth))
            return false;
    return j->lex.err == OTEL_OK;
}

static bool put_members(struct json *j, const struct col_json_field *fields, unsigned depth)
{
    struct otl_view name;
    bool first = true;

    if (!col_json_expect(&j->lex, '{'))
        return false;
    while (col_json_more(&j->lex, &first, '}')) {
        const struct col_json_field *field;
        if (!col_json_text(&j->lex, &name))
            return false;
        field = find(fields, name);
        if (!col_json_expect(&j->lex, ':'))
            return false;
        if (field != NULL ? !put_member(j, field, depth) : !col_json_skip(&j->lex, depth))
            return false;
    }
    return j->lex.err == OTEL_OK;
}

enum otel_err col_json_decode(enum col_signal signal, struct otl_view json, struct otl_buf *out,
                              struct otl_detail *reterr)
{
    struct json j = {.out = out};
    enum otel_err err;

    col_json_lex_init(&j.lex, json, reterr);
    if (put_members(&j, col_json_requests[signal], COL_JSON_DEPTH_MAX))
        col_json_peek(&j.lex);
    if (j.lex.err == OTEL_OK && j.lex.at < j.lex.end)
        wrong(&j, "something stands behind the request");
    err = j.lex.err;
    col_json_lex_fini(&j.lex);
    return err;
}
