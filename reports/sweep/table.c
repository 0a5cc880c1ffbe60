/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep as CSV and as a table on a terminal. */
#include <stdio.h>
#include <string.h>

#include "reports/format.h"
#include "reports/model.h"
#include "reports/sweep/sweep.h"

/* The note below the table tells it once. */
static const char NOISE[] = "added_p99_noise_ns";

enum { COLUMN = 12, NAME_MAX = 28, NAME_MIN = 6 };

/* ---- noise -------------------------------------------------------------------------------- */

bool rep_sweep_undetected(const json_t *point, const char *key)
{
    size_t index;
    json_t *word;

    json_array_foreach(rep_get(point, "undetected"), index, word)
        if (strcmp(json_string_value(word), key) == 0)
            return true;
    return false;
}

struct rep_sweep_note rep_sweep_note(const json_t *sweep)
{
    struct rep_sweep_note note = {""};
    double least = 0, most = 0;
    size_t index, bands = 0;
    long long groups = 0;
    json_t *base;

    json_array_foreach(rep_get(sweep, "bases"), index, base) {
        double band = rep_num(rep_get(base, "noise"), "band_ns");
        if (!rep_has(base, "noise"))
            continue;
        least = bands == 0 || band < least ? band : least;
        most = bands == 0 || band > most ? band : most;
        groups = rep_int(rep_get(base, "noise"), "groups");
        bands++;
    }
    if (bands > 0)
        snprintf(note.text, sizeof(note.text),
                 "~: no difference detected. %lld measurements of the same load without tracing "
                 "differ by %s%s%s in their p99; what is added must be more than that. Of "
                 "combinations that add nothing, 3 to 8 in 100 are still shown.", groups,
                 rep_format_ns(least).text, bands > 1 ? " to " : "",
                 bands > 1 ? rep_format_ns(most).text : "");
    else if (index > 0)
        snprintf(note.text, sizeof(note.text),
                 "There is no noise band: too few runs without tracing have a p99. What is added "
                 "to it is a difference of single runs and may be noise.");
    return note;
}

/* ---- CSV: RFC 4180, figures in their base units ------------------------------------------- */

static void put_field(struct rep_out *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        rep_putn(out, text, strlen(text));
        return;
    }
    rep_put(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"')
            rep_put(out, "\"");
        rep_putn(out, text, 1);
    }
    rep_put(out, "\"");
}

void rep_sweep_csv(const json_t *sweep, struct rep_out *out)
{
    const json_t *axes = rep_get(sweep, "axes"), *figures = rep_get(sweep, "figures");
    size_t index, at;
    json_t *row, *item;

    json_array_foreach(axes, index, row) {
        put_field(out, rep_str(row, "path"));
        rep_put(out, ",");
    }
    rep_put(out, "runs");
    json_array_foreach(figures, index, row) {
        rep_put(out, ",");
        put_field(out, rep_str(row, "key"));
    }
    rep_put(out, "\n");
    json_array_foreach(rep_get(sweep, "points"), index, row) {
        json_array_foreach(rep_get(row, "values"), at, item) {
            put_field(out, json_string_value(item));
            rep_put(out, ",");
        }
        rep_putf(out, "%zu", json_array_size(rep_get(row, "runs")));
        json_array_foreach(figures, at, item) {
            const json_t *value = rep_get(rep_get(row, "figures"), rep_str(item, "key"));
            rep_put(out, ",");
            if (value != NULL)
                rep_putf(out, "%.10g", json_number_value(value));
        }
        rep_put(out, "\n");
    }
}

/* ---- text --------------------------------------------------------------------------------- */

static struct rep_text formatted(const json_t *value, const char *unit)
{
    struct rep_text none = {"-"};

    if (value == NULL)
        return none;
    if (strcmp(unit, "share") == 0)
        return rep_format_share(json_number_value(value));
    if (strcmp(unit, "count") == 0)
        return rep_format_count((long long)(json_number_value(value) + 0.5));
    return rep_format_unit(json_number_value(value), unit);
}

const char *rep_sweep_word(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? dot + 1 : path;
}

const char *rep_sweep_head(const json_t *sweep, const json_t *axis)
{
    const char *path = rep_str(axis, "path"), *word = rep_sweep_word(path);
    size_t index;
    json_t *row;

    json_array_foreach(rep_get(sweep, "figures"), index, row)
        if (rep_is(row, "column", word))
            return path;
    json_array_foreach(rep_get(sweep, "axes"), index, row)
        if (row != axis && strcmp(rep_sweep_word(rep_str(row, "path")), word) == 0)
            return path;
    return word;
}

static size_t width_of(const json_t *sweep, const json_t *axis)
{
    size_t width = strlen(rep_sweep_head(sweep, axis)), index;
    json_t *value;

    json_array_foreach(rep_get(axis, "values"), index, value)
        if (json_string_length(value) > width)
            width = json_string_length(value);
    return width < NAME_MIN ? NAME_MIN : width > NAME_MAX ? NAME_MAX : width;
}

static void put_point(const json_t *sweep, const json_t *point, struct rep_out *out)
{
    const json_t *axes = rep_get(sweep, "axes");
    size_t at;
    json_t *item;

    json_array_foreach(rep_get(point, "values"), at, item) {
        rep_put_column(out, json_string_value(item), width_of(sweep, json_array_get(axes, at)));
        rep_put(out, "  ");
    }
    json_array_foreach(rep_get(sweep, "figures"), at, item) {
        struct rep_text value = formatted(rep_get(rep_get(point, "figures"), rep_str(item, "key")),
                                          rep_str(item, "unit"));
        if (rep_is(item, "key", NOISE))
            continue;
        if (rep_sweep_undetected(point, rep_str(item, "key")))
            snprintf(value.text, sizeof(value.text), "~");
        rep_put_right(out, value.text, COLUMN);
    }
    rep_put(out, "\n");
}

void rep_sweep_text(const json_t *sweep, struct rep_out *out)
{
    size_t index;
    json_t *row;

    json_array_foreach(rep_get(sweep, "axes"), index, row) {
        rep_put_column(out, rep_sweep_head(sweep, row), width_of(sweep, row));
        rep_put(out, "  ");
    }
    json_array_foreach(rep_get(sweep, "figures"), index, row)
        if (!rep_is(row, "key", NOISE))
            rep_put_right(out, rep_str(row, "column"), COLUMN);
    rep_put(out, "\n");
    json_array_foreach(rep_get(sweep, "points"), index, row)
        put_point(sweep, row, out);
    if (rep_sweep_note(sweep).text[0] != '\0')
        rep_putf(out, "\n%s\n", rep_sweep_note(sweep).text);
}
