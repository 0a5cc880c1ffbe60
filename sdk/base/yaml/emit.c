/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/yaml/emit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/yaml/scalar.h"

enum { INDENT = 2, DEPTH_MAX = 64, KEY_MAX = 512 /* libyaml reads keys up to 1024 */ };

#define TRY(call)                                                                                 \
    do {                                                                                          \
        enum otel_err try_err = (call);                                                           \
        if (try_err != OTEL_OK)                                                                   \
            return try_err;                                                                       \
    } while (0)

/* May the text stand without quotes? Narrow on purpose: words, paths, durations, versions. */
static bool is_plain(const char *text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.";
    static const char rest[] = "-+@() ";

    if (*text == '\0' || strchr(first, *text) == NULL)
        return false;
    if (otl_yaml_plain_kind(text) != OTL_YAML_STRING || strncmp(text, "...", 3) == 0)
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (strchr(first, *p) == NULL && strchr(rest, *p) == NULL)
            return false;
    return text[strlen(text) - 1] != ' ';
}

static enum otel_err emit_string(const char *text, struct otl_buf *buf)
{
    if (is_plain(text))
        return otl_buf_append_str(buf, text);
    TRY(otl_buf_append_byte(buf, '"'));
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            TRY(otl_buf_printf(buf, "\\%c", *p));
        else if (*p == '\n')
            TRY(otl_buf_append_str(buf, "\\n"));
        else if (*p == '\t')
            TRY(otl_buf_append_str(buf, "\\t"));
        else if (*p < 0x20 || *p == 0x7f)
            TRY(otl_buf_printf(buf, "\\u%04x", *p));
        else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* C1 controls, NEL */
            TRY(otl_buf_printf(buf, "\\u%04x", *++p));
        else if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
            TRY(otl_buf_printf(buf, "\\u20%02x", p[2] - 0x80)); /* line, paragraph separator */
            p += 2;
        } else if (p[0] == 0xef && (p[1] == 0xbb || p[1] == 0xbf)) {
            /* U+FEFF, U+FFFE and neighbours: not printable for YAML */
            TRY(otl_buf_printf(buf, "\\u%04x", 0xf000 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f)));
            p += 2;
        } else
            TRY(otl_buf_append_byte(buf, *p));
    }
    return otl_buf_append_byte(buf, '"');
}

static enum otel_err emit_real(double value, struct otl_buf *buf)
{
    char text[40];

    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (!(strtod(text, NULL) < value) && !(strtod(text, NULL) > value))
            break;
    }
    if (strpbrk(text, ".eE") == NULL)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ".0");
    return otl_buf_append_str(buf, text);
}

static enum otel_err emit_scalar(const json_t *value, struct otl_buf *buf)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return emit_string(json_string_value(value), buf);
    case JSON_INTEGER:
        return otl_buf_printf(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return emit_real(json_real_value(value), buf);
    case JSON_TRUE:
        return otl_buf_append_str(buf, "true");
    case JSON_FALSE:
        return otl_buf_append_str(buf, "false");
    case JSON_NULL:
        return otl_buf_append_str(buf, "null");
    case JSON_OBJECT:
        return otl_buf_append_str(buf, "{}");
    case JSON_ARRAY:
        return otl_buf_append_str(buf, "[]");
    }
    return OTEL_ERR_ARGUMENT;
}

static bool is_block(const json_t *value)
{
    return json_object_size(value) + json_array_size(value) > 0;
}

static enum otel_err emit_block(const json_t *value, int indent, bool begun, struct otl_buf *buf);

/* What follows "key:" or "-". */
static enum otel_err emit_value(const json_t *value, int indent, bool item, struct otl_buf *buf)
{
    if (!is_block(value)) {
        TRY(otl_buf_append_byte(buf, ' '));
        TRY(emit_scalar(value, buf));
        return otl_buf_append_byte(buf, '\n');
    }
    TRY(otl_buf_append_byte(buf, item ? ' ' : '\n'));
    return emit_block(value, indent + INDENT, item, buf);
}

/* begun: the first entry goes on in the line of a "- ". */
static enum otel_err emit_block(const json_t *value, int indent, bool begun, struct otl_buf *buf)
{
    const char *key;
    json_t *entry;
    size_t index;

    if (indent > DEPTH_MAX * INDENT)
        return OTEL_ERR_LIMIT;
    if (json_is_array(value)) {
        json_array_foreach((json_t *)value, index, entry) {
            TRY(otl_buf_printf(buf, "%*s-", begun ? 0 : indent, ""));
            TRY(emit_value(entry, indent, true, buf));
            begun = false;
        }
        return OTEL_OK;
    }
    json_object_foreach((json_t *)value, key, entry) {
        if (strlen(key) > KEY_MAX)
            return OTEL_ERR_LIMIT;
        TRY(otl_buf_printf(buf, "%*s", begun ? 0 : indent, ""));
        TRY(emit_string(key, buf));
        TRY(otl_buf_append_byte(buf, ':'));
        TRY(emit_value(entry, indent, false, buf));
        begun = false;
    }
    return OTEL_OK;
}

enum otel_err otl_yaml_emit(const json_t *tree, struct otl_buf *buf)
{
    if (is_block(tree))
        return emit_block(tree, 0, false, buf);
    TRY(emit_scalar(tree, buf));
    return otl_buf_append_byte(buf, '\n');
}
