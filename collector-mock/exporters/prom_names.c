/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/prom_names.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *col_prom_number(double value, char out[48])
{
    int digits = 0, exponent;

    if (!isfinite(value)) {
        snprintf(out, 48, "%s", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return out;
    }
    do
        snprintf(out, 48, "%.*e", digits, value);
    while (strtod(out, NULL) != value && ++digits <= 17);
    exponent = (int)strtol(strchr(out, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent < 6)
        snprintf(out, 48, "%.*f", digits > exponent ? digits - exponent : 0, value);
    return out;
}

static bool letter(char c, bool digit)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (digit && c >= '0' && c <= '9');
}

enum otel_err col_prom_label(struct otl_buf *out, struct otl_view name)
{
    enum otel_err err = OTEL_OK;

    if (name.len > 0 && name.data[0] >= '0' && name.data[0] <= '9')
        err = otl_buf_append_str(out, "key_");
    for (size_t i = 0; i < name.len && err == OTEL_OK; i++)
        err = otl_buf_append_byte(out, letter(name.data[i], true) ? (uint8_t)name.data[i] : '_');
    return err;
}

enum otel_err col_prom_escape(struct otl_buf *out, struct otl_view value)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < value.len && err == OTEL_OK; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"')
            err = otl_buf_append_byte(out, '\\');
        if (err == OTEL_OK && c == '\n')
            err = otl_buf_append_str(out, "\\n");
        else if (err == OTEL_OK)
            err = otl_buf_append_byte(out, (uint8_t)c);
    }
    return err;
}

/* ---- families ---- */

struct unit {
    const char *unit, *word;
};

static const struct unit units[] = {
    {"d", "days"},           {"h", "hours"},      {"min", "minutes"},   {"s", "seconds"},
    {"ms", "milliseconds"},  {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},
    {"KiBy", "kibibytes"},   {"MiBy", "mebibytes"}, {"GiBy", "gibibytes"}, {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},    {"MBy", "megabytes"}, {"GBy", "gigabytes"}, {"TBy", "terabytes"},
    {"m", "meters"},         {"V", "volts"},      {"A", "amperes"},     {"J", "joules"},
    {"W", "watts"},          {"g", "grams"},      {"Cel", "celsius"},   {"Hz", "hertz"},
    {"1", ""},               {"%", "percent"},    {NULL, NULL}};
static const struct unit pers[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"},
                                   {"d", "day"},    {"w", "week"},   {"mo", "month"},
                                   {"y", "year"},   {NULL, NULL}};

/* What stands for a unit; one in braces stands for nothing. */
static struct otl_view word_of(const struct unit *table, struct otl_view unit)
{
    if (unit.len > 0 && memchr(unit.data, '{', unit.len) != NULL)
        return otl_view("", 0);
    for (; table->unit != NULL; table++)
        if (otl_view_is(unit, table->unit))
            return otl_view_str(table->word);
    return unit;
}

/* The words of a text, joined by one '_' each. */
static enum otel_err put_words(struct otl_buf *out, struct otl_view text)
{
    enum otel_err err = OTEL_OK;
    bool gap = out->len > 0 && out->data[out->len - 1] != '_';

    if (out->len == 0)
        gap = false;
    for (size_t i = 0; i < text.len && err == OTEL_OK; i++) {
        char c = text.data[i];
        if (!letter(c, true) && c != ':') {
            gap = out->len > 0 && out->data[out->len - 1] != '_';
            continue;
        }
        if (gap)
            err = otl_buf_append_byte(out, '_');
        gap = false;
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, (uint8_t)c);
    }
    return err;
}

/* Whether the name has the word already. */
static bool has_word(const struct otl_buf *out, struct otl_view word)
{
    return word.len == 0 || memmem(out->data, out->len, word.data, word.len) != NULL;
}

static enum otel_err put_unit(struct otl_buf *out, const struct col_prom_name *name)
{
    const char *slash = name->unit.len > 0 ? memchr(name->unit.data, '/', name->unit.len) : NULL;
    size_t first = slash != NULL ? (size_t)(slash - name->unit.data) : name->unit.len;
    struct otl_view unit = word_of(units, otl_view(name->unit.data, first)), per = {NULL, 0};
    enum otel_err err = OTEL_OK;

    if (slash != NULL)
        per = word_of(pers, otl_view(slash + 1, name->unit.len - first - 1));
    if (!has_word(out, unit))
        err = put_words(out, unit);
    if (err == OTEL_OK && per.len > 0 && !has_word(out, per)) {
        err = put_words(out, otl_view_str("per"));
        if (err == OTEL_OK)
            err = put_words(out, per);
    }
    return err;
}

enum otel_err col_prom_family(struct otl_buf *out, const struct col_prom_name *name)
{
    enum otel_err err = OTEL_OK;

    otl_buf_reset(out);
    if (name->space[0] != '\0')
        err = otl_buf_printf(out, "%s_", name->space);
    if (err == OTEL_OK && name->space[0] == '\0' && name->name.len > 0 &&
        name->name.data[0] >= '0' && name->name.data[0] <= '9')
        err = otl_buf_append_byte(out, '_');
    if (err == OTEL_OK)
        err = put_words(out, name->name);
    if (err == OTEL_OK && name->suffixes)
        err = put_unit(out, name);
    if (err == OTEL_OK && name->suffixes && name->type == COL_PROM_COUNTER &&
        !(out->len >= 6 && memcmp(out->data + out->len - 6, "_total", 6) == 0))
        err = otl_buf_append_str(out, "_total");
    if (err == OTEL_OK && name->suffixes && name->type == COL_PROM_GAUGE &&
        otl_view_is(name->unit, "1") && !has_word(out, otl_view_str("ratio")))
        err = otl_buf_append_str(out, "_ratio");
    return err == OTEL_OK ? otl_buf_append_byte(out, '\0') : err;
}
