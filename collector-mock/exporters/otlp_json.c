/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/otlp_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/wire/json_schema.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/text.h"

/* The first error sticks; everything behind it does nothing. */
struct json {
    struct otl_buf *out;
    enum otel_err err;
    bool comma; /* the next member or item needs one before it */
};

static void put(struct json *j, const char *data, size_t len)
{
    if (j->err == OTEL_OK)
        j->err = otl_buf_append(j->out, data, len);
}

static void put_str(struct json *j, const char *text)
{
    put(j, text, strlen(text));
}

static void put_text(struct json *j, struct otl_view text)
{
    size_t start = 0;

    put(j, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escape[8];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(j, text.data + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof(escape), "\\%c", c);
        else
            snprintf(escape, sizeof(escape), "\\u%04x", c);
        put_str(j, escape);
    }
    if (text.len > start)
        put(j, text.data + start, text.len - start);
    put(j, "\"", 1);
}

static void put_base64(struct json *j, struct otl_view bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = (const uint8_t *)bytes.data;

    put(j, "\"", 1);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t word = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (left > 2 ? in[i + 2] : 0);
        char quad[4] = {digits[word >> 18], digits[(word >> 12) & 63],
                        left > 1 ? digits[(word >> 6) & 63] : '=',
                        left > 2 ? digits[word & 63] : '='};
        put(j, quad, 4);
    }
    put(j, "\"", 1);
}

static void key(struct json *j, const char *name)
{
    if (j->comma)
        put(j, ",", 1);
    j->comma = true;
    put(j, "\"", 1);
    put_str(j, name);
    put(j, "\":", 2);
}

static void open_with(struct json *j, const char *bracket)
{
    put(j, bracket, 1);
    j->comma = false;
}

static void close_with(struct json *j, const char *bracket)
{
    put(j, bracket, 1);
    j->comma = true;
}

static void item(struct json *j)
{
    if (j->comma)
        put(j, ",", 1);
    j->comma = true;
}

static void put_double(struct json *j, double value)
{
    char text[40];

    if (isnan(value) || isinf(value)) {
        put_str(j, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back the same */
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put_str(j, text);
    if (strpbrk(text, ".e") == NULL)
        put(j, ".0", 2);
}

/* ---- one field ---- */

static bool is_default(const struct col_json_field *field, const struct col_field *bytes)
{
    if (bytes->wire != COL_WIRE_BYTES)
        return bytes->scalar == 0;
    if (field->kind != COL_JSON_HEX)
        return bytes->scalar == 0 && field->kind != COL_JSON_MESSAGE;
    for (uint64_t i = 0; i < bytes->scalar; i++)
        if (bytes->data[i] != 0)
            return false;
    return true;
}

static void put_number(struct json *j, int64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    put_str(j, text);
}

static void put_large(struct json *j, uint64_t value, bool negative)
{
    char text[32];

    snprintf(text, sizeof(text), "\"%s%llu\"", negative ? "-" : "",
             (unsigned long long)(negative ? 0 - value : value));
    put_str(j, text);
}

static void put_id(struct json *j, struct otl_view id)
{
    char hex[33];
    size_t len = id.len < 16 ? id.len : 16;

    otl_hex((const uint8_t *)id.data, len, hex);
    put_text(j, otl_view(hex, len * 2));
}

static double real_of(uint64_t bits)
{
    double real;

    memcpy(&real, &bits, sizeof(real));
    return real;
}

/* Of a number: what stands behind the tag, or in a packed run. */
static void put_scalar(struct json *j, enum col_json_kind kind, uint64_t bits)
{
    uint32_t half = (uint32_t)bits;

    switch (kind) {
    case COL_JSON_BOOL:
        put_str(j, bits != 0 ? "true" : "false");
        break;
    case COL_JSON_DOUBLE:
        put_double(j, real_of(bits));
        break;
    case COL_JSON_INT32:
        put_number(j, (int32_t)half);
        break;
    case COL_JSON_SINT32:
        put_number(j, (int32_t)(half >> 1 ^ (0 - (half & 1))));
        break;
    case COL_JSON_UINT32:
    case COL_JSON_FIXED32:
        put_number(j, half);
        break;
    case COL_JSON_INT64:
    case COL_JSON_SFIXED64:
        put_large(j, bits, (int64_t)bits < 0);
        break;
    default:
        put_large(j, bits, false);
        break;
    }
}

static void put_message(struct json *j, const struct col_json_field *fields, struct otl_view raw);

static void put_field(struct json *j, const struct col_json_field *field,
                      const struct col_field *bytes)
{
    struct otl_view raw = otl_view((const char *)bytes->data, (size_t)bytes->scalar);

    switch (field->kind) {
    case COL_JSON_MESSAGE:
        put_message(j, field->message, raw);
        break;
    case COL_JSON_TEXT:
        put_text(j, raw);
        break;
    case COL_JSON_BASE64:
        put_base64(j, raw);
        break;
    case COL_JSON_HEX:
        put_id(j, raw);
        break;
    default:
        put_scalar(j, field->kind, bytes->scalar);
        break;
    }
}

/* ---- a message: found in one pass, written in the order of the table ---- */

static bool is_text(enum col_json_kind kind)
{
    return kind == COL_JSON_MESSAGE || kind == COL_JSON_TEXT || kind == COL_JSON_BASE64 ||
           kind == COL_JSON_HEX;
}

static uint32_t wire_of(enum col_json_kind kind)
{
    if (is_text(kind))
        return COL_WIRE_BYTES;
    if (kind == COL_JSON_FIXED32)
        return COL_WIRE_FIXED32;
    return kind == COL_JSON_FIXED64 || kind == COL_JSON_SFIXED64 || kind == COL_JSON_DOUBLE
               ? COL_WIRE_FIXED64
               : COL_WIRE_VARINT;
}

static bool fits(const struct col_json_field *field, const struct col_field *bytes)
{
    return bytes->number == field->number &&
           (bytes->wire == wire_of(field->kind) ||
            (field->repeated && bytes->wire == COL_WIRE_BYTES));
}

/* Numbers one after another, each an item. */
static void put_packed(struct json *j, const struct col_json_field *field,
                       const struct col_field *run)
{
    struct col_cursor cursor = {run->data, run->data + run->scalar};
    bool fixed = wire_of(field->kind) == COL_WIRE_FIXED64;
    uint64_t bits;

    while (cursor.at < cursor.end &&
           (fixed ? col_fixed(&cursor, 8, &bits) : col_varint(&cursor, &bits))) {
        item(j);
        put_scalar(j, field->kind, bits);
    }
}

/* All occurrences, from the first one on. */
static void put_list(struct json *j, const struct col_json_field *field, struct col_cursor cursor)
{
    struct col_field bytes;

    open_with(j, "[");
    while (col_field_next(&cursor, &bytes) == COL_NEXT_FIELD) {
        if (!fits(field, &bytes))
            continue;
        if (bytes.wire == COL_WIRE_BYTES && !is_text(field->kind)) {
            put_packed(j, field, &bytes);
            continue;
        }
        item(j);
        put_field(j, field, &bytes);
    }
    close_with(j, "]");
}

struct found {
    struct col_cursor first; /* at NULL: none */
    struct col_field last;
};

/* Where each field of the table stands. Returns the one of those that exclude each other. */
static size_t find_fields(const struct col_json_field *fields, struct otl_view raw,
                          struct found found[COL_JSON_FIELDS_MAX])
{
    struct col_cursor cursor = {(const uint8_t *)raw.data, (const uint8_t *)raw.data + raw.len};
    struct col_cursor start = cursor;
    size_t one = COL_JSON_FIELDS_MAX;
    struct col_field bytes;

    while (raw.len > 0 && col_field_next(&cursor, &bytes) == COL_NEXT_FIELD) {
        for (size_t i = 0; fields[i].name != NULL; i++) {
            if (!fits(&fields[i], &bytes))
                continue;
            if (found[i].first.at == NULL)
                found[i].first = start;
            found[i].last = bytes;
            if (fields[i].rule == COL_JSON_ONE || fields[i].rule == COL_JSON_SILENT)
                one = i;
            break;
        }
        start = cursor;
    }
    return one;
}

static void put_message(struct json *j, const struct col_json_field *fields, struct otl_view raw)
{
    struct found found[COL_JSON_FIELDS_MAX] = {{.first = {NULL, NULL}}};
    size_t one = find_fields(fields, raw, found);

    open_with(j, "{");
    for (size_t i = 0; fields[i].name != NULL; i++) {
        const struct col_json_field *field = &fields[i];
        bool there = found[i].first.at != NULL;
        if (field->rule == COL_JSON_ALWAYS && !there) {
            key(j, field->name);
            put(j, "{}", 2);
        }
        if (!there || field->rule == COL_JSON_SILENT || (field->rule == COL_JSON_ONE && i != one))
            continue;
        if (field->rule == COL_JSON_DEFAULT && !field->repeated &&
            is_default(field, &found[i].last))
            continue;
        key(j, field->name);
        if (field->repeated)
            put_list(j, field, found[i].first);
        else
            put_field(j, field, &found[i].last);
    }
    close_with(j, "}");
}

enum otel_err col_json_request(enum col_signal signal, struct otl_view request,
                               struct otl_buf *out)
{
    struct json j = {out, OTEL_OK, false};

    put_message(&j, col_json_requests[signal], request);
    return j.err;
}

/* ---- for people ---- */

static void put_plain(struct json *j, const struct col_value *value)
{
    struct col_list list = value->list;
    struct col_attribute attribute;
    struct col_value inner;
    char text[32];

    switch (value->kind) {
    case COL_VALUE_EMPTY:
        put_str(j, "null");
        return;
    case COL_VALUE_STRING:
        put_text(j, value->text);
        return;
    case COL_VALUE_BOOL:
        put_str(j, value->boolean ? "true" : "false");
        return;
    case COL_VALUE_INT:
        snprintf(text, sizeof(text), "%lld", (long long)value->integer);
        put_str(j, text);
        return;
    case COL_VALUE_DOUBLE:
        put_double(j, value->real);
        return;
    case COL_VALUE_BYTES:
        put_base64(j, value->text);
        return;
    case COL_VALUE_ARRAY:
        open_with(j, "[");
        while (col_value_next(&list, &inner)) {
            item(j);
            put_plain(j, &inner);
        }
        close_with(j, "]");
        return;
    case COL_VALUE_KVLIST:
        open_with(j, "{");
        while (col_attribute_next(&list, &attribute)) {
            item(j);
            put_text(j, attribute.key);
            put(j, ":", 1);
            put_plain(j, &attribute.value);
        }
        close_with(j, "}");
        return;
    }
}

enum otel_err col_json_plain(const struct col_value *value, struct otl_buf *out)
{
    struct json j = {out, OTEL_OK, false};

    put_plain(&j, value);
    return j.err;
}
