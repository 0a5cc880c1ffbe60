/* SPDX-License-Identifier: Apache-2.0 */
/* index.html of a sweep: one file, pictures inside, links to the runs beside it. */
#include <stdio.h>
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"
#include "reports/model.h"
#include "reports/resources.h"
#include "reports/sweep/sweep.h"
#include "sdk/base/file.h"

enum { PATH_BYTES = 4096, PICTURE_BYTES = 8 * 1024 * 1024 };

static void put_head(const json_t *sweep, struct rep_out *out)
{
    const json_t *scenario = rep_get(sweep, "scenario");

    rep_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "img-src data:; style-src 'unsafe-inline'\">\n<title>Sweep: ");
    rep_put_html(out, rep_str(scenario, "title"));
    rep_put(out, " (tracerig)</title>\n<style>\n");
    rep_put(out, rep_resource_style);
    rep_put(out, "</style>\n</head>\n<body>\n<header><div class=\"in\">\n<div class=\"kind\">"
                 "tracerig sweep, scenario ");
    rep_put_html(out, rep_str(scenario, "name"));
    rep_put(out, "</div>\n<h1>");
    rep_put_html(out, rep_str(scenario, "title"));
    rep_put(out, "</h1>\n<p class=\"claim\">");
    rep_put_html(out, rep_str(scenario, "claim"));
    rep_putf(out,
             "</p>\n<p class=\"facts\"><span>%.10s %.8s UTC</span><span>seed %lld</span>"
             "<span>%s</span><span>%s each</span>%s",
             rep_str(sweep, "started_at"), rep_str(sweep, "started_at") + 11,
             rep_int(sweep, "seed"),
             rep_format_things((long long)json_array_size(rep_get(sweep, "points")), "combination")
                 .text,
             rep_format_things(rep_int(sweep, "repeat"), "run").text,
             rep_true(sweep, "complete") ? "" : "<span>interrupted</span>");
    rep_put(out, "</p>\n</div></header>\n<main>\n");
}

/* The values that tell this map from the others of its figure. */
static void put_others(const json_t *sweep, const struct rep_heat *heat, struct rep_out *out)
{
    const json_t *values = rep_get(json_array_get(rep_get(sweep, "points"), heat->first), "values");

    for (size_t a = 2; a < json_array_size(values); a++) {
        rep_put(out, a == 2 ? "<figcaption><b>" : ", ");
        rep_put_html(out, json_string_value(json_array_get(values, a)));
    }
    rep_put(out, json_array_size(values) > 2 ? "</b></figcaption>" : "");
}

static void put_heat(const json_t *sweep, const struct rep_heat *heat, const char *dir,
                     struct rep_out *out)
{
    bool png = strstr(heat->file, ".png") != NULL;
    char path[PATH_BYTES];
    struct otl_buf picture;

    rep_put(out, "<figure class=\"card\" style=\"padding:.6rem .7rem .2rem\">");
    put_others(sweep, heat, out);
    otl_buf_init(&picture, PICTURE_BYTES);
    if (heat->file[0] == '\0') {
        rep_put(out, "<p class=\"lead\">not drawn: ");
        rep_put_html(out, heat->problem);
        rep_put(out, "</p>");
    } else if (snprintf(path, sizeof(path), "%s/plots/%s", dir, heat->file) < PATH_BYTES &&
               otl_file_read(path, &picture, NULL) == OTEL_OK) {
        rep_putf(out, "<img style=\"width:100%%\" alt=\"heat map; the table below has its "
                      "numbers\" src=\"data:image/%s;base64,",
                 png ? "png" : "svg+xml");
        rep_put_base64(out, picture.data, picture.len);
        rep_put(out, "\">");
    }
    otl_buf_fini(&picture);
    rep_put(out, "</figure>\n");
}

static struct rep_text formatted(double value, const char *unit)
{
    if (strcmp(unit, "share") == 0)
        return rep_format_share(value);
    return rep_format_unit(value, unit);
}

static void put_runs(const json_t *point, struct rep_out *out)
{
    size_t index;
    json_t *run;

    rep_put(out, "<td class=\"w\">");
    json_array_foreach(rep_get(point, "runs"), index, run) {
        rep_put(out, index ? " " : "");
        if (!rep_has(run, "verdict")) {
            rep_putf(out, "exit %lld", rep_int(run, "exit_status"));
            continue;
        }
        rep_put(out, "<a href=\"");
        rep_put_html(out, rep_str(run, "dir"));
        rep_put(out, "/report.html\">");
        rep_put_html(out, rep_str(run, "verdict"));
        rep_put(out, "</a>");
    }
    rep_put(out, "</td>");
}

static void put_table(const json_t *sweep, struct rep_out *out)
{
    const json_t *figures = rep_get(sweep, "figures");
    size_t index, at;
    json_t *row, *item;

    rep_put(out, "<div class=\"card\"><div class=\"scroll\"><table>\n<thead><tr>");
    json_array_foreach(rep_get(sweep, "axes"), index, row) {
        rep_put(out, "<th title=\"");
        rep_put_html(out, rep_str(row, "path"));
        rep_put(out, "\">");
        rep_put_html(out, rep_sweep_head(sweep, row));
        rep_put(out, "</th>");
    }
    json_array_foreach(figures, index, row) {
        rep_put(out, "<th class=\"n\" title=\"");
        rep_put_html(out, rep_str(row, "title"));
        rep_put(out, "\">");
        rep_put_html(out, rep_str(row, "column"));
        rep_put(out, "</th>");
    }
    rep_put(out, "<th>runs</th></tr></thead>\n<tbody>\n");
    json_array_foreach(rep_get(sweep, "points"), index, row) {
        rep_put(out, "<tr>");
        json_array_foreach(rep_get(row, "values"), at, item)
            rep_html_cell(out, "mono", json_string_value(item));
        json_array_foreach(figures, at, item) {
            const json_t *value = rep_get(rep_get(row, "figures"), rep_str(item, "key"));
            bool alarm = rep_is(item, "key", "dropped") && value && json_number_value(value) > 0;
            bool undetected = rep_sweep_undetected(row, rep_str(item, "key"));
            rep_putf(out, "<td class=\"n%s\">%s%s</td>", alarm ? " warn-text" : "",
                     undetected ? "~ " : "",
                     value ? formatted(json_number_value(value), rep_str(item, "unit")).text : "");
        }
        put_runs(row, out);
        rep_put(out, "</tr>\n");
    }
    rep_put(out, "</tbody></table></div></div>\n");
}

static void put_note(const json_t *sweep, struct rep_out *out)
{
    if (rep_sweep_note(sweep).text[0] == '\0')
        return;
    rep_put(out, "<p class=\"lead\">");
    rep_put_html(out, rep_sweep_note(sweep).text);
    rep_put(out, "</p>\n");
}

/* What all maps of a figure have in common: title, unit, the ends of the colours. */
static void put_figure(const json_t *sweep, const json_t *figure, struct rep_out *out)
{
    double low = 0, high = 0, divisor;
    const char *word = rep_heat_unit(sweep, figure, &divisor);

    rep_put(out, "<h3>");
    rep_put_html(out, rep_str(figure, "title"));
    rep_putf(out, "%s%s</h3>\n", *word ? ", in " : "", word);
    if (!rep_heat_range(sweep, figure, &low, &high))
        return;
    rep_putf(out, "<p class=\"lead\">%s ", rep_format_number(low / divisor).text);
    rep_put(out, "<span style=\"display:inline-block;width:9rem;height:.7em;border:1px solid "
                 "#d0d5dd;background:linear-gradient(90deg," REP_HEAT_COLOURS ")\"></span>");
    rep_putf(out, " %s</p>\n", rep_format_number(high / divisor).text);
    if (rep_is(figure, "key", "added_p99_ns"))
        put_note(sweep, out);
}

/* "Over max_queue_size (across) and max_export_batch_size (up); one map for each ..." */
static void put_reading(const json_t *sweep, struct rep_out *out)
{
    size_t index;
    json_t *axis;

    rep_put(out, "<p class=\"lead\">Over ");
    json_array_foreach(rep_get(sweep, "axes"), index, axis) {
        rep_put(out, index == 0   ? ""
                     : index == 1 ? " (across) and "
                     : index == 2 ? " (up), one map for each "
                                  : ", ");
        rep_put_html(out, rep_str(axis, "path"));
    }
    rep_put(out, index == 2 ? " (up)" : "");
    rep_put(out, ". Each cell is the median of the combination's runs; the maps of a figure have "
                 "the same colours.</p>\n");
}

static void put_maps(const json_t *sweep, const struct rep_heats *heats, const char *dir,
                     struct rep_out *out)
{
    const json_t *figure = NULL;

    put_reading(sweep, out);
    for (size_t i = 0; i < heats->count; i++) {
        if (heats->items[i].figure != figure) {
            rep_put(out, figure ? "</div>\n" : "");
            figure = heats->items[i].figure;
            put_figure(sweep, figure, out);
            rep_put(out, "<div style=\"display:grid;gap:.8rem;margin-bottom:1.6rem;"
                         "grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))\">\n");
        }
        put_heat(sweep, &heats->items[i], dir, out);
    }
    rep_put(out, figure ? "</div>\n" : "");
    if (heats->left_out > 0)
        rep_putf(out, "<p class=\"lead\">%zu more maps are not drawn.</p>\n", heats->left_out);
}

void rep_sweep_html(const json_t *sweep, const struct rep_heats *heats, const char *dir,
                    struct rep_out *out)
{
    put_head(sweep, out);
    rep_html_section(out, "maps", "Heat maps", NULL);
    put_maps(sweep, heats, dir, out);
    rep_html_section_end(out);
    rep_html_section(out, "table", "All combinations",
                     "Medians over the runs of a combination; sweep.csv and sweep.json have the "
                     "same figures. CPU from the threads' own clocks, at this load only. No p99 "
                     "tells less than the lateness of the load itself.");
    put_note(sweep, out);
    put_table(sweep, out);
    rep_html_section_end(out);
    rep_put(out, "</main>\n<footer>Made from sweep.json alone.</footer>\n</body>\n</html>\n");
}
