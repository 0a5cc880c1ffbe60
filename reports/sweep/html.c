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
             "<span>%zu combinations</span><span>%lld runs each</span>%s",
             rep_str(sweep, "started_at"), rep_str(sweep, "started_at") + 11,
             rep_int(sweep, "seed"), json_array_size(rep_get(sweep, "points")),
             rep_int(sweep, "repeat"),
             rep_true(sweep, "complete") ? "" : "<span>interrupted</span>");
    rep_put(out, "</p>\n</div></header>\n<main>\n");
}

/* The values that tell this map from the others of its figure. */
static void put_others(const json_t *sweep, const struct rep_heat *heat, struct rep_out *out)
{
    const json_t *point = json_array_get(rep_get(sweep, "points"), heat->first);
    const json_t *axes = rep_get(sweep, "axes");

    for (size_t a = 2; a < json_array_size(axes); a++) {
        rep_put(out, a == 2 ? " at " : ", ");
        rep_put_html(out, rep_str(json_array_get(axes, a), "path"));
        rep_put(out, "=");
        rep_put_html(out, json_string_value(json_array_get(rep_get(point, "values"), a)));
    }
}

static void put_heat(const json_t *sweep, const struct rep_heat *heat, const char *dir,
                     struct rep_out *out)
{
    bool png = strstr(heat->file, ".png") != NULL;
    char path[PATH_BYTES];
    struct otl_buf picture;

    rep_put(out, "<figure class=\"card pad\"><figcaption><b>");
    rep_put_html(out, heat->figure);
    rep_put(out, "</b>");
    put_others(sweep, heat, out);
    rep_put(out, "</figcaption>");
    otl_buf_init(&picture, PICTURE_BYTES);
    if (heat->file[0] == '\0') {
        rep_put(out, "<p class=\"lead\">not drawn: ");
        rep_put_html(out, heat->problem);
        rep_put(out, "</p>");
    } else if (snprintf(path, sizeof(path), "%s/plots/%s", dir, heat->file) < PATH_BYTES &&
               otl_file_read(path, &picture, NULL) == OTEL_OK) {
        rep_putf(out, "<img style=\"max-width:100%%\" alt=\"heat map; the table below has its "
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
    if (strcmp(unit, "bytes") == 0)
        return rep_format_bytes(value);
    if (strcmp(unit, "ns") == 0)
        return rep_format_ns(value);
    return rep_format_number(value);
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
        rep_put(out, "<th>");
        rep_put_html(out, rep_str(row, "path"));
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

void rep_sweep_html(const json_t *sweep, const struct rep_heats *heats, const char *dir,
                    struct rep_out *out)
{
    put_head(sweep, out);
    rep_html_section(out, "maps", "Heat maps", "Over the first two paths that were varied. Each "
                     "cell is the median of the combination's runs.");
    rep_put(out, "<div style=\"display:grid;gap:1rem;"
                 "grid-template-columns:repeat(auto-fill,minmax(26rem,1fr))\">\n");
    for (size_t i = 0; i < heats->count; i++)
        put_heat(sweep, &heats->items[i], dir, out);
    rep_put(out, "</div>\n");
    put_note(sweep, out);
    if (heats->left_out > 0)
        rep_putf(out, "<p class=\"lead\">%zu more maps are not drawn.</p>\n", heats->left_out);
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
