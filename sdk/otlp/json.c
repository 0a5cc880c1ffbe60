/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/otlp/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/base/text.h"
#include "sdk/otlp/read.h"

enum { DEPTH_MAX = 200 };

enum kind {
    KIND_TEXT,
    KIND_HEX,
    KIND_BASE64,
    KIND_BOOL,
    KIND_SMALL,    /* uint32, fixed32: a number */
    KIND_ENUM,     /* int32: a number */
    KIND_SIGNED,   /* int64: a string */
    KIND_UNSIGNED, /* fixed64: a string */
    KIND_REAL,
    KIND_MESSAGE
};

struct member {
    uint32_t number; /* below 32 */
    enum kind kind;
    bool repeated;
    uint8_t len;
    const char *head;            /* "name": behind a comma; a repeated one's '[' */
    const struct member *fields; /* of a message; ends with number 0 */
};

/* clang-format off */
#define HEAD(name, after) sizeof(",\"" name "\":" after) - 1, ",\"" name "\":" after
#define FIELD(number, name, kind) {number, KIND_##kind, false, HEAD(name, ""), NULL}
#define TEXTS(number, name) {number, KIND_TEXT, true, HEAD(name, "["), NULL}
#define ONE(number, name, fields) {number, KIND_MESSAGE, false, HEAD(name, ""), fields}
#define MANY(number, name, fields) {number, KIND_MESSAGE, true, HEAD(name, "["), fields}
#define END {0, KIND_TEXT, false, 0, NULL, NULL}
/* clang-format on */

static const struct member key_value[];
static const struct member any_value[];

static const struct member array_value[] = {MANY(1, "values", any_value), END};
static const struct member key_value_list[] = {MANY(1, "values", key_value), END};
static const struct member any_value[] = {
    FIELD(1, "stringValue", TEXT),     FIELD(2, "boolValue", BOOL),
    FIELD(3, "intValue", SIGNED),      FIELD(4, "doubleValue", REAL),
    ONE(5, "arrayValue", array_value), ONE(6, "kvlistValue", key_value_list),
    FIELD(7, "bytesValue", BASE64),    END};
static const struct member key_value[] = {FIELD(1, "key", TEXT), ONE(2, "value", any_value), END};
static const struct member event[] = {FIELD(1, "timeUnixNano", UNSIGNED), FIELD(2, "name", TEXT),
                                      MANY(3, "attributes", key_value),
                                      FIELD(4, "droppedAttributesCount", SMALL), END};
static const struct member link[] = {FIELD(1, "traceId", HEX),
                                     FIELD(2, "spanId", HEX),
                                     FIELD(3, "traceState", TEXT),
                                     MANY(4, "attributes", key_value),
                                     FIELD(5, "droppedAttributesCount", SMALL),
                                     FIELD(6, "flags", SMALL),
                                     END};
static const struct member status[] = {FIELD(2, "message", TEXT), FIELD(3, "code", ENUM), END};
static const struct member span[] = {FIELD(1, "traceId", HEX),
                                     FIELD(2, "spanId", HEX),
                                     FIELD(3, "traceState", TEXT),
                                     FIELD(4, "parentSpanId", HEX),
                                     FIELD(16, "flags", SMALL),
                                     FIELD(5, "name", TEXT),
                                     FIELD(6, "kind", ENUM),
                                     FIELD(7, "startTimeUnixNano", UNSIGNED),
                                     FIELD(8, "endTimeUnixNano", UNSIGNED),
                                     MANY(9, "attributes", key_value),
                                     FIELD(10, "droppedAttributesCount", SMALL),
                                     MANY(11, "events", event),
                                     FIELD(12, "droppedEventsCount", SMALL),
                                     MANY(13, "links", link),
                                     FIELD(14, "droppedLinksCount", SMALL),
                                     ONE(15, "status", status),
                                     END};
static const struct member scope[] = {FIELD(1, "name", TEXT), FIELD(2, "version", TEXT),
                                      MANY(3, "attributes", key_value),
                                      FIELD(4, "droppedAttributesCount", SMALL), END};
static const struct member scope_spans[] = {ONE(1, "scope", scope), MANY(2, "spans", span),
                                            FIELD(3, "schemaUrl", TEXT), END};
static const struct member entity_ref[] = {FIELD(1, "schemaUrl", TEXT), FIELD(2, "type", TEXT),
                                           TEXTS(3, "idKeys"), TEXTS(4, "descriptionKeys"), END};
static const struct member resource[] = {MANY(1, "attributes", key_value),
                                         FIELD(2, "droppedAttributesCount", SMALL),
                                         MANY(3, "entityRefs", entity_ref), END};
static const struct member resource_spans[] = {ONE(1, "resource", resource),
                                               MANY(2, "scopeSpans", scope_spans),
                                               FIELD(3, "schemaUrl", TEXT), END};
static const struct member request_fields[] = {MANY(1, "resourceSpans", resource_spans), END};

static enum otel_err write_message(struct otel_str bytes, const struct member *fields,
                                   unsigned depth, struct otl_buf *out);

/* How many bytes at data need no escape and are ASCII. */
static size_t plain_prefix(const char *data, size_t len)
{
    size_t i = 0;

    while (i < len && data[i] >= ' ' && data[i] != '"' && data[i] != '\\' && data[i] != 0x7f)
        i++;
    return i;
}

static enum otel_err write_odd(const char *data, size_t len, size_t *ret_used, struct otl_buf *out)
{
    unsigned char c = (unsigned char)data[0];
    size_t good;

    *ret_used = 1;
    if (c < 0x80) {
        switch (c) {
        case '"':
            return otl_buf_append_str(out, "\\\"");
        case '\\':
            return otl_buf_append_str(out, "\\\\");
        case '\n':
            return otl_buf_append_str(out, "\\n");
        default:
            return otl_buf_printf(out, "\\u%04x", c);
        }
    }
    good = otl_utf8_prefix(data, len < 4 ? len : 4);
    if (good == 0)
        return otl_buf_append_str(out, "\xef\xbf\xbd");
    *ret_used = otl_utf8_cut(data, good, 1);
    return otl_buf_append(out, data, *ret_used);
}

enum otel_err otl_json_text(struct otel_str text, struct otl_buf *out)
{
    enum otel_err err = otl_buf_append_byte(out, '"');

    while (err == OTEL_OK && text.len != 0) {
        size_t used = plain_prefix(text.data, text.len);
        if (used != 0)
            err = otl_buf_append(out, text.data, used);
        else
            err = write_odd(text.data, text.len, &used, out);
        text.data += used;
        text.len -= used;
    }
    return err == OTEL_OK ? otl_buf_append_byte(out, '"') : err;
}

static enum otel_err write_hex(struct otel_str bytes, struct otl_buf *out)
{
    char digits[2 * 32 + 1];
    enum otel_err err = otl_buf_append_byte(out, '"');

    while (err == OTEL_OK && bytes.len != 0) {
        size_t len = bytes.len < 32 ? bytes.len : 32;
        otl_hex(bytes.data, len, digits);
        err = otl_buf_append(out, digits, 2 * len);
        bytes.data += len;
        bytes.len -= len;
    }
    return err == OTEL_OK ? otl_buf_append_byte(out, '"') : err;
}

static enum otel_err write_base64(struct otel_str bytes, struct otl_buf *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum otel_err err = otl_buf_append_byte(out, '"');

    for (size_t i = 0; err == OTEL_OK && i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t word = (uint32_t)(uint8_t)bytes.data[i] << 16;
        char four[4] = {'=', '=', '=', '='};
        if (left > 1)
            word |= (uint32_t)(uint8_t)bytes.data[i + 1] << 8;
        if (left > 2)
            word |= (uint8_t)bytes.data[i + 2];
        four[0] = letters[word >> 18];
        four[1] = letters[word >> 12 & 63];
        if (left > 1)
            four[2] = letters[word >> 6 & 63];
        if (left > 2)
            four[3] = letters[word & 63];
        err = otl_buf_append(out, four, 4);
    }
    return err == OTEL_OK ? otl_buf_append_byte(out, '"') : err;
}

/* The shortest text that reads back as the same number, always with a mark of a real. */
static enum otel_err write_real(uint64_t bits, struct otl_buf *out)
{
    char text[40];
    double real;

    memcpy(&real, &bits, sizeof(real));
    if (isnan(real))
        return otl_buf_append_str(out, "\"NaN\"");
    if (isinf(real))
        return otl_buf_append_str(out, real > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        snprintf(text, sizeof(text), "%.*g", digits, real);
        back = strtod(text, NULL);
        if (!(back < real) && !(back > real))
            break;
    }
    for (char *at = text; *at != '\0'; at++)
        if (*at == ',') /* a locale's idea of a point */
            *at = '.';
    if (strpbrk(text, ".e") == NULL)
        return otl_buf_printf(out, "%s.0", text);
    return otl_buf_append_str(out, text);
}

/* Between quotes (or none). A negative one is in two's complement. */
static enum otel_err write_number(uint64_t number, bool negative, const char *quote,
                                  struct otl_buf *out)
{
    char text[24];
    size_t at = sizeof(text);

    if (quote[0] != '\0')
        text[--at] = quote[0];
    if (negative)
        number = 0 - number;
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    if (negative)
        text[--at] = '-';
    if (quote[0] != '\0')
        text[--at] = quote[0];
    return otl_buf_append(out, text + at, sizeof(text) - at);
}

static enum otel_err write_value(const struct otl_field *field, const struct member *member,
                                 unsigned depth, struct otl_buf *out)
{
    int64_t small;

    switch (member->kind) {
    case KIND_TEXT:
        return otl_json_text(field->bytes, out);
    case KIND_HEX:
        return write_hex(field->bytes, out);
    case KIND_BASE64:
        return write_base64(field->bytes, out);
    case KIND_BOOL:
        return otl_buf_append_str(out, field->value != 0 ? "true" : "false");
    case KIND_SMALL:
        return write_number((uint32_t)field->value, false, "", out);
    case KIND_ENUM:
        small = (int32_t)(uint32_t)field->value;
        return write_number((uint64_t)small, small < 0, "", out);
    case KIND_SIGNED:
        return write_number(field->value, field->value >> 63 != 0, "\"", out);
    case KIND_UNSIGNED:
        return write_number(field->value, false, "\"", out);
    case KIND_REAL:
        return write_real(field->value, out);
    case KIND_MESSAGE:
        break;
    }
    return write_message(field->bytes, member->fields, depth + 1, out);
}

/* Does the field come as the kind is written on the wire? */
static bool wire_fits(const struct otl_field *field, enum kind kind)
{
    switch (kind) {
    case KIND_TEXT:
    case KIND_HEX:
    case KIND_BASE64:
    case KIND_MESSAGE:
        return field->wire_type == 2;
    case KIND_BOOL:
    case KIND_ENUM:
    case KIND_SIGNED:
        return field->wire_type == 0;
    case KIND_SMALL:
        return field->wire_type == 0 || field->wire_type == 5;
    case KIND_UNSIGNED:
    case KIND_REAL:
        return field->wire_type == 1;
    }
    return false;
}

/* The member if it is there: its elements, or its last value. *any is set if it was written. */
static enum otel_err write_member(struct otel_str bytes, const struct member *member,
                                  unsigned depth, bool *any, struct otl_buf *out)
{
    struct otl_field field, last;
    enum otel_err err = OTEL_OK;
    size_t count = 0;

    while (err == OTEL_OK && otl_read_field(&bytes, &field)) {
        if (field.number != member->number || !wire_fits(&field, member->kind))
            continue;
        last = field;
        if (count++ == 0) /* without the comma where it is the first member */
            err = otl_buf_append(out, member->head + !*any, (size_t)(member->len - !*any));
        else if (member->repeated)
            err = otl_buf_append_byte(out, ',');
        if (err == OTEL_OK && member->repeated)
            err = write_value(&field, member, depth, out);
    }
    if (err != OTEL_OK || count == 0)
        return err;
    *any = true;
    return member->repeated ? otl_buf_append_byte(out, ']')
                            : write_value(&last, member, depth, out);
}

/* A bit for each field number below 32 that appears. */
static uint32_t present_in(struct otel_str bytes)
{
    struct otl_field field;
    uint32_t bits = 0;

    while (otl_read_field(&bytes, &field))
        if (field.number < 32)
            bits |= UINT32_C(1) << field.number;
    return bits;
}

static enum otel_err write_message(struct otel_str bytes, const struct member *fields,
                                   unsigned depth, struct otl_buf *out)
{
    enum otel_err err = otl_buf_append_byte(out, '{');
    uint32_t present = depth < DEPTH_MAX ? present_in(bytes) : 0;
    bool any = false;

    for (; err == OTEL_OK && fields->number != 0; fields++)
        if ((present >> fields->number & 1) != 0)
            err = write_member(bytes, fields, depth, &any, out);
    return err == OTEL_OK ? otl_buf_append_byte(out, '}') : err;
}

enum otel_err otl_json_request(struct otel_str request, struct otl_buf *out)
{
    size_t before = out->len;
    enum otel_err err = write_message(request, request_fields, 0, out);

    if (err != OTEL_OK && out->data != NULL) {
        out->len = before;
        out->data[before] = '\0';
    }
    return err;
}
