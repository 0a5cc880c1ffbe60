/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/edit.h"
#include "sdk/base/text.h"

/* Values as the texts that the Collector makes of them. */

enum { TEXT_MAX = 64 << 20 };

/* The shortest digits that are this number, as JSON has them: no exponent from 1e-6 to 1e21. */
static void write_real(double real, char out[64])
{
    double size = fabs(real);
    char digits[40];
    int places = 0, exponent;

    if (!isfinite(real)) {
        snprintf(out, 64, "%s", isnan(real) ? "NaN" : real > 0 ? "Infinity" : "-Infinity");
        return;
    }
    do
        snprintf(digits, sizeof(digits), "%.*e", places, real);
    while (strtod(digits, NULL) != real && ++places < 17);
    exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
    if (size != 0 && (size < 1e-6 || size >= 1e21)) {
        *strchr(digits, 'e') = '\0';
        snprintf(out, 64, "%se%c%d", digits, exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent > places) {
        char *at = out;
        for (const char *digit = digits; *digit != 'e'; digit++)
            if (*digit != '.')
                *at++ = *digit;
        for (int i = places; i < exponent; i++)
            *at++ = '0';
        *at = '\0';
    } else {
        snprintf(out, 64, "%.*f", places - exponent, real);
    }
}

static bool write_base64(struct otl_arena *arena, struct otl_view in, struct otl_view *ret)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = otl_arena_alloc(arena, (in.len + 2) / 3 * 4 + 1), *at = out;

    if (out == NULL)
        return false;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t there = in.len - i < 3 ? in.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < there ? (uint8_t)in.data[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *at++ = k <= there ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    *ret = otl_view(out, (size_t)(at - out));
    return true;
}

bool col_edit_scalar_text(const struct col_value *value, char scratch[COL_SCALAR_TEXT],
                          struct otl_view *ret)
{
    scratch[0] = '\0';
    switch (value->kind) {
    case COL_VALUE_STRING:
        *ret = value->text;
        return true;
    case COL_VALUE_EMPTY:
        break;
    case COL_VALUE_BOOL:
        snprintf(scratch, COL_SCALAR_TEXT, "%s", value->boolean ? "true" : "false");
        break;
    case COL_VALUE_INT:
        snprintf(scratch, COL_SCALAR_TEXT, "%lld", (long long)value->integer);
        break;
    case COL_VALUE_DOUBLE:
        write_real(value->real, scratch);
        break;
    default:
        return false;
    }
    *ret = otl_view_str(scratch);
    return true;
}

/* ---- lists and maps, as JSON ---- */

struct json {
    struct otl_arena *arena;
    struct otl_buf out;
    enum otel_err err;
    bool none; /* there is a number in it that JSON does not have */
};

static void put(struct json *j, const char *text, size_t len)
{
    if (j->err == OTEL_OK && len > 0)
        j->err = otl_buf_append(&j->out, text, len);
}

static void put_escaped(struct json *j, unsigned char byte)
{
    static const char letters[] = "\b\f\n\r\t", names[] = "bfnrt";
    const char *at = byte != 0 ? strchr(letters, byte) : NULL;
    char text[8];
    int len;

    if (byte == '"' || byte == '\\')
        len = snprintf(text, sizeof(text), "\\%c", byte);
    else if (at != NULL)
        len = snprintf(text, sizeof(text), "\\%c", names[at - letters]);
    else
        len = snprintf(text, sizeof(text), "\\u%04x", byte);
    put(j, text, (size_t)len);
}

/* U+2028 and U+2029 end lines for JavaScript. */
static bool ends_line(const char *at, size_t len)
{
    return len >= 3 && memcmp(at, "\xe2\x80", 2) == 0 && (at[2] & '\xfe') == '\xa8';
}

/* How many bytes of it are one character; 0: they are none. */
static size_t character(const char *at, size_t len)
{
    unsigned char lead = (unsigned char)*at;
    size_t wanted = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    return wanted <= len && otl_utf8_valid(at, wanted) ? wanted : 0;
}

static void put_text(struct json *j, struct otl_view text)
{
    size_t len;

    put(j, "\"", 1);
    for (size_t i = 0; i < text.len; i += len > 0 ? len : 1) {
        const char *at = text.data + i;
        len = character(at, text.len - i);
        if (len == 0)
            put(j, "\\ufffd", 6);
        else if ((unsigned char)*at < 0x20 || *at == '"' || *at == '\\')
            put_escaped(j, (unsigned char)*at);
        else if (ends_line(at, len))
            put(j, at[2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
        else
            put(j, at, len);
    }
    put(j, "\"", 1);
}

static int by_key(const void *a, const void *b)
{
    const struct otl_view *x = &((const struct col_attribute *)a)->key;
    const struct otl_view *y = &((const struct col_attribute *)b)->key;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    if (order == 0)
        order = (x->len > y->len) - (x->len < y->len);
    return order != 0 ? order : (x->data > y->data) - (x->data < y->data);
}

static void put_value(struct json *j, const struct col_value *value);

/* Sorted by their keys; of several alike the last one. */
static void put_map(struct json *j, struct col_list list)
{
    struct col_attribute *pairs = otl_arena_alloc(j->arena, (list.count + 1) * sizeof(*pairs));
    size_t count = 0, max = list.count;

    if (pairs == NULL) {
        j->err = OTEL_ERR_MEMORY;
        return;
    }
    while (count < max && col_attribute_next(&list, &pairs[count]))
        count++;
    qsort(pairs, count, sizeof(*pairs), by_key);
    put(j, "{", 1);
    for (size_t i = 0, written = 0; i < count; i++) {
        if (i + 1 < count && otl_view_equal(pairs[i].key, pairs[i + 1].key))
            continue;
        put(j, ",", written++ > 0);
        put_text(j, pairs[i].key);
        put(j, ":", 1);
        put_value(j, &pairs[i].value);
    }
    put(j, "}", 1);
}

static void put_list(struct json *j, struct col_list list)
{
    struct col_value value;
    size_t written = 0;

    put(j, "[", 1);
    while (col_value_next(&list, &value)) {
        put(j, ",", written++ > 0);
        put_value(j, &value);
    }
    put(j, "]", 1);
}

static void put_value(struct json *j, const struct col_value *value)
{
    char scratch[COL_SCALAR_TEXT];
    struct otl_view text = {"", 0};

    if (value->kind == COL_VALUE_KVLIST) {
        put_map(j, value->list);
    } else if (value->kind == COL_VALUE_ARRAY) {
        put_list(j, value->list);
    } else if (value->kind == COL_VALUE_BYTES) {
        if (!write_base64(j->arena, value->text, &text))
            j->err = OTEL_ERR_MEMORY;
        put_text(j, text);
    } else if (value->kind == COL_VALUE_STRING) {
        put_text(j, value->text);
    } else if (value->kind == COL_VALUE_EMPTY) {
        put(j, "null", 4);
    } else {
        j->none = j->none || (value->kind == COL_VALUE_DOUBLE && !isfinite(value->real));
        if (col_edit_scalar_text(value, scratch, &text))
            put(j, text.data, text.len);
    }
}

static bool write_json(struct otl_arena *arena, const struct col_value *value,
                       struct otl_view *ret)
{
    struct json j = {.arena = arena};
    char *copy = NULL;

    otl_buf_init(&j.out, TEXT_MAX);
    put_value(&j, value);
    if (j.err == OTEL_OK && !j.none)
        copy = otl_arena_strndup(arena, j.out.data, j.out.len);
    *ret = copy != NULL ? otl_view(copy, j.out.len) : otl_view("", 0);
    otl_buf_fini(&j.out);
    return j.none || copy != NULL;
}

bool col_edit_text(struct otl_arena *arena, const struct col_value *value, struct otl_view *ret)
{
    char scratch[COL_SCALAR_TEXT];
    char *copy;

    if (value->kind == COL_VALUE_BYTES)
        return write_base64(arena, value->text, ret);
    if (value->kind == COL_VALUE_ARRAY || value->kind == COL_VALUE_KVLIST)
        return write_json(arena, value, ret);
    if (!col_edit_scalar_text(value, scratch, ret))
        return false;
    if (value->kind == COL_VALUE_STRING)
        return true;
    copy = otl_arena_strdup(arena, scratch);
    if (copy == NULL)
        return false;
    *ret = otl_view_str(copy);
    return true;
}
