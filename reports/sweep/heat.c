/* SPDX-License-Identifier: Apache-2.0 */
/* Heat maps of a sweep. No text of sweep.json goes into a script but titles and values, reduced to
 * letters, digits and a few signs. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reports/model.h"
#include "reports/plot/gnuplot.h"
#include "reports/sweep/sweep.h"
#include "sdk/base/file.h"

enum { LABEL_BYTES = 40, PATH_BYTES = 4096, SECONDS = 20, AXES_MAX = 64, NAME_BYTES = 48 };

static const char *const mapped[] = {"dropped_share", "app_cpu_ns_per_span",
                                     "exporter_cpu_ns_per_span", "export_requests",
                                     "request_p99_ns", "added_p99_ns"};

static void put_label(struct rep_out *out, const char *text)
{
    rep_put(out, "'");
    for (size_t i = 0; text[i] != '\0' && i < LABEL_BYTES; i++) {
        unsigned char c = (unsigned char)text[i];
        char safe[2] = {isalnum(c) || strchr(" ._-:/,()+", c) != NULL ? (char)c : '_', '\0'};
        rep_put(out, safe);
    }
    rep_put(out, "'");
}

static size_t values_in(const json_t *sweep, size_t axis)
{
    return json_array_size(rep_get(json_array_get(rep_get(sweep, "axes"), axis), "values"));
}

size_t rep_heat_cells(const json_t *sweep)
{
    size_t second = values_in(sweep, 1);

    return values_in(sweep, 0) * (second ? second : 1);
}

/* Points from one value of an axis to the next. */
static size_t stride(const json_t *sweep, size_t axis)
{
    size_t step = 1, count = json_array_size(rep_get(sweep, "axes"));

    for (size_t a = axis + 1; a < count; a++)
        step *= values_in(sweep, a);
    return step;
}

static void put_tics(struct rep_out *out, char axis, const json_t *values)
{
    size_t count = json_array_size(values), every = count / 24 + 1, index;
    json_t *value;

    rep_putf(out, "set %ctics (", axis);
    json_array_foreach(values, index, value) {
        if (index % every != 0)
            continue;
        rep_put(out, index ? ", " : "");
        put_label(out, json_string_value(value));
        rep_putf(out, " %zu", index);
    }
    rep_put(out, ")\n");
}

/* What a cell shows; false: it is not known there. */
static bool value_at(const json_t *point, const json_t *figure, double *ret, bool *ret_undetected)
{
    const char *key = rep_str(figure, "key");
    const json_t *value = rep_get(rep_get(point, "figures"), key);

    *ret_undetected = rep_sweep_undetected(point, key);
    *ret = *ret_undetected ? 0 : json_number_value(value);
    return value != NULL;
}

bool rep_heat_range(const json_t *sweep, const json_t *figure, double *ret_low, double *ret_high)
{
    bool any = false, undetected;
    double value;
    size_t index;
    json_t *point;

    json_array_foreach(rep_get(sweep, "points"), index, point) {
        if (!value_at(point, figure, &value, &undetected))
            continue;
        *ret_low = !any || value < *ret_low ? value : *ret_low;
        *ret_high = !any || value > *ret_high ? value : *ret_high;
        any = true;
    }
    return any;
}

const char *rep_heat_unit(const json_t *sweep, const json_t *figure, double *ret_unit)
{
    bool ns = rep_is(figure, "unit", "ns"), share = rep_is(figure, "unit", "share");
    double low = 0, high = 0;

    (void)!rep_heat_range(sweep, figure, &low, &high);
    high = -low > high ? -low : high;
    *ret_unit = share ? 0.01 : !ns || high < 1e4 ? 1 : high < 1e7 ? 1e3 : 1e6;
    return share ? "%" : !ns ? "" : high < 1e4 ? "ns" : high < 1e7 ? "\xc2\xb5s" : "ms";
}

static void put_data(const json_t *sweep, const json_t *figure, size_t first, struct rep_out *data)
{
    size_t columns = values_in(sweep, 0), rows = values_in(sweep, 1);
    size_t x_step = stride(sweep, 0), y_step = stride(sweep, 1);
    double unit;

    rep_heat_unit(sweep, figure, &unit);
    for (size_t y = 0; y < (rows ? rows : 1); y++) {
        for (size_t x = 0; x < columns; x++) {
            const json_t *point = json_array_get(rep_get(sweep, "points"),
                                                 first + x * x_step + (rows ? y * y_step : 0));
            double value;
            bool undetected;
            if (value_at(point, figure, &value, &undetected))
                rep_putf(data, "%zu %zu %.6g %d\n", x, y, value / unit, (int)undetected);
            else
                rep_putf(data, "%zu %zu NaN 0\n", x, y);
        }
        rep_put(data, "\n");
    }
}

void rep_heat_script(const json_t *sweep, const json_t *figure, size_t first,
                     struct rep_out *script, struct rep_out *data)
{
    const json_t *axes = rep_get(sweep, "axes");
    size_t columns = values_in(sweep, 0), rows = values_in(sweep, 1);
    bool png = rep_heat_cells(sweep) > REP_HEAT_SVG_CELLS;
    double low = 0, high = 0, unit;

    rep_heat_unit(sweep, figure, &unit);
    (void)!rep_heat_range(sweep, figure, &low, &high);
    rep_putf(script,
             "# tracerig heat map; again: gnuplot -c THIS.gp FILE.%s; reads THIS.dat\n"
             "set terminal %s size 320,220 noenhanced font 'DejaVu Sans,13' background '#ffffff'\n"
             "set encoding utf8\nset output ARG1\n"
             "set palette defined (0 '#f5f8ff', 0.3 '#cfe0fc', 0.65 '#9cbefa', "
             "1 '#5b8def')\nset border 0\nset tics out nomirror scale 0 textcolor rgb '#475467'\n"
             "unset key\nunset colorbox\nset xrange [-0.5:%zu.5]\nset yrange [-0.5:%zu.5]\n",
             png ? "png" : "svg", png ? "pngcairo" : "svg dynamic", columns - 1,
             rows ? rows - 1 : 0);
    put_tics(script, 'x', rep_get(json_array_get(axes, 0), "values"));
    rep_put(script, "set xlabel ");
    put_label(script, rep_sweep_word(rep_str(json_array_get(axes, 0), "path")));
    rep_put(script, "\n");
    if (rows > 0) {
        put_tics(script, 'y', rep_get(json_array_get(axes, 1), "values"));
        rep_put(script, "set ylabel ");
        put_label(script, rep_sweep_word(rep_str(json_array_get(axes, 1), "path")));
        rep_put(script, "\n");
    } else {
        rep_put(script, "unset ytics\n");
    }
    put_data(sweep, figure, first, data);
    /* One value everywhere would be an empty range. */
    rep_putf(script,
             "set cbrange [%.6g:%.6g]\n"
             "plot ARG0[1:strlen(ARG0)-3].'.dat' using 1:2:3 with image pixels",
             low / unit, (high > low ? high : low + unit) / unit);
    if (columns * (rows ? rows : 1) <= 150)
        rep_put(script, ", '' using 1:2:($4 > 0 ? '~' : "
                        "gprintf(abs($3) < 1000 ? '%.3g' : '%.0f', $3)) "
                        "with labels textcolor rgb '#101828'");
    rep_put(script, "\n");
}

static bool path_of(char *path, const char *dir, const char *name, const char *ending)
{
    return (size_t)snprintf(path, PATH_BYTES, "%s/plots/%s%s", dir, name, ending) < PATH_BYTES;
}

static enum otel_err save(const char *dir, const char *name, const char *ending,
                          const struct rep_out *out)
{
    char path[PATH_BYTES];

    if (out->err != OTEL_OK || !path_of(path, dir, name, ending))
        return out->err ? out->err : OTEL_ERR_LIMIT;
    return otl_file_write(path, out->buf.data, out->buf.len, NULL);
}

static void draw(struct rep_heat *heat, const char *dir, const char *name, const char *ending)
{
    char script[NAME_BYTES + 8], part[NAME_BYTES + 16], plots[PATH_BYTES], from[PATH_BYTES];
    char to[PATH_BYTES];
    struct rep_gnuplot_run run = {.dir = plots, .script = script, .output = part, .theme = "light",
                                  .limit_seconds = SECONDS};
    enum otel_err err;

    snprintf(script, sizeof(script), "%s.gp", name);
    snprintf(part, sizeof(part), "%s%s.part", name, ending);
    if (snprintf(plots, sizeof(plots), "%s/plots", dir) >= PATH_BYTES ||
        !path_of(from, dir, part, "") || !path_of(to, dir, name, ending)) {
        snprintf(heat->problem, sizeof(heat->problem), "the path is too long");
        return;
    }
    err = rep_gnuplot(&run, heat->problem, sizeof(heat->problem));
    if (err == OTEL_OK && rename(from, to) == 0)
        snprintf(heat->file, sizeof(heat->file), "%s%s", name, ending);
    else
        unlink(from);
}

static void make(struct rep_heat *heat, const json_t *sweep, const json_t *figure, const char *dir,
                 size_t number)
{
    const char *ending = rep_heat_cells(sweep) > REP_HEAT_SVG_CELLS ? ".png" : ".svg";
    struct rep_out script, data;
    char name[NAME_BYTES];

    snprintf(name, sizeof(name), "heat-%.30s-%zu", rep_str(figure, "key"), number);
    rep_out_init(&script);
    rep_out_init(&data);
    rep_heat_script(sweep, figure, heat->first, &script, &data);
    if (save(dir, name, ".gp", &script) != OTEL_OK || save(dir, name, ".dat", &data) != OTEL_OK)
        snprintf(heat->problem, sizeof(heat->problem), "the directory plots cannot be written");
    else
        draw(heat, dir, name, ending);
    rep_out_fini(&script);
    rep_out_fini(&data);
}

static const json_t *figure_named(const json_t *sweep, const char *key)
{
    size_t index;
    json_t *row;

    json_array_foreach(rep_get(sweep, "figures"), index, row)
        if (rep_is(row, "key", key))
            return row;
    return NULL;
}

static bool known_anywhere(const json_t *sweep, const char *key)
{
    size_t index;
    json_t *row;

    json_array_foreach(rep_get(sweep, "points"), index, row)
        if (rep_has(rep_get(row, "figures"), key))
            return true;
    return false;
}

void rep_heats_make(struct rep_heats *heats, const json_t *sweep, const char *dir)
{
    size_t axes = json_array_size(rep_get(sweep, "axes"));
    size_t others = axes > 2 ? stride(sweep, 1) : 1;
    char plots[PATH_BYTES];

    memset(heats, 0, sizeof(*heats));
    if (snprintf(plots, sizeof(plots), "%s/plots", dir) >= PATH_BYTES)
        return;
    (void)!otl_make_dirs(plots, NULL); /* each map then says that it cannot be written */
    for (size_t m = 0; m < sizeof(mapped) / sizeof(mapped[0]); m++) {
        const json_t *figure = figure_named(sweep, mapped[m]);
        for (size_t first = 0; figure && known_anywhere(sweep, mapped[m]) && first < others;
             first++) {
            struct rep_heat *heat = &heats->items[heats->count];
            if (heats->count == REP_HEAT_MAX) {
                heats->left_out++;
                continue;
            }
            heats->count++;
            heat->figure = figure;
            heat->first = first;
            make(heat, sweep, figure, dir, first + 1);
        }
    }
}
