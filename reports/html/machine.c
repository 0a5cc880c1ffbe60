/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"
#include "reports/words.h"

/* ---- trust -------------------------------------------------------------------------------- */

static void put_generator(struct rep_out *out, const json_t *load)
{
    static const struct rep_column columns[] = {
        {"entry", "entry", "text", NULL},
        {"arrival", "arrivals", "text", NULL},
        {"connections", "connections", "count", NULL},
        {"in_flight_max", "most in flight", "count", NULL},
        {"backlog_max", "longest backlog", "count", NULL},
        {"dropped", "not sent", "count", "bad"},
        {"client_cpu_s", "generator CPU", "s", NULL},
        {"client_cpu_share", "of a core", "share", NULL},
        {"warmup_s", "warm-up", "s", NULL},
        {"measured_s", "measured", "s", NULL},
        {NULL, NULL, NULL, NULL},
    };
    json_t *rows = json_array();

    if (rows == NULL || json_array_append(rows, (json_t *)load) != 0)
        out->err = out->err ? out->err : OTEL_ERR_MEMORY;
    else
        rep_html_table(out, rows, columns);
    json_decref(rows);
}

static void put_trust_rows(struct rep_out *out, const json_t *rows)
{
    if (json_array_size(rows) == 0)
        return;
    rep_put(out,
            "<div class=\"card\"><div class=\"scroll\"><table>\n<thead><tr><th></th><th>what</th>"
            "<th>observed</th><th>limit</th><th></th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        rep_put(out, "<tr><td>");
        rep_html_badge(out, rep_str(row, "verdict"));
        rep_put(out, "</td>");
        rep_html_cell(out, "w", rep_str(row, "title"));
        rep_html_cell(out, "w", rep_str(row, "observed"));
        rep_html_cell(out, "w f", rep_str(row, "limit"));
        rep_html_cell(out, "w f", rep_str(row, "note"));
        rep_put(out, "</tr>\n");
    }
    rep_put(out, "</tbody></table></div></div>\n");
}

void rep_html_trust(struct rep_out *out, const json_t *root)
{
    const json_t *load = rep_get(root, "load");

    rep_html_section(
        out, "trust", "Is the generator honest?",
        "Figures are only as good as what made the load. Warnings here make claims about "
        "time inconclusive; verdicts about correctness stand.");
    if (rep_true(load, "generator_limited")) {
        rep_putf(out, "<p class=\"lead\"><span class=\"badge warning\">%s</span> %s", rep_untimely,
                 rep_untimely_note);
        rep_put(out, rep_has(load, "generator_limited_by") ? ": " : "");
        rep_put_html(out, rep_str(load, "generator_limited_by"));
        rep_put(out, ".</p>\n");
    }
    put_trust_rows(out, rep_get(root, "trust"));
    put_generator(out, load);
    rep_html_section_end(out);
}

/* ---- environment -------------------------------------------------------------------------- */

static void put_head(struct rep_out *out, const char *title)
{
    rep_putf(out, "<tr><td class=\"f\">%s</td><td class=\"w\">", title);
}

static void put_text(struct rep_out *out, const json_t *object, const char *key, const char *title)
{
    if (*rep_str(object, key) == '\0')
        return;
    put_head(out, title);
    rep_put_html(out, rep_str(object, key));
    rep_put(out, "</td></tr>\n");
}

static void put_map(struct rep_out *out, const json_t *map, const char *title)
{
    const char *key;
    json_t *value;
    bool first = true;

    if (json_object_size(map) == 0)
        return;
    put_head(out, title);
    json_object_foreach((json_t *)map, key, value)
    {
        rep_put(out, first ? "" : ", ");
        rep_put_html(out, key);
        rep_put(out, " ");
        rep_put_html(out, json_string_value(value));
        first = false;
    }
    rep_put(out, "</td></tr>\n");
}

static void put_numbers(struct rep_out *out, const json_t *root)
{
    const json_t *environment = rep_get(root, "environment");
    char pauses[REP_PAUSES];
    const json_t *load = rep_get(environment, "load_average");

    if (rep_has(environment, "cores")) {
        put_head(out, "cores");
        rep_putf(out, "%lld</td></tr>\n", rep_int(environment, "cores"));
    }
    if (rep_has(environment, "memory_bytes")) {
        put_head(out, "memory");
        rep_putf(out, "%s</td></tr>\n",
                 rep_format_bytes(rep_num(environment, "memory_bytes")).text);
    }
    if (json_array_size(load) == 3) {
        put_head(out, "load average");
        for (size_t i = 0; i < 3; i++)
            rep_putf(out, "%s%.2f", i ? ", " : "", json_number_value(json_array_get(load, i)));
        rep_put(out, "</td></tr>\n");
    }
    if (rep_has(environment, "steal_percent")) {
        put_head(out, "CPU taken by neighbours");
        rep_putf(out, "%.2f %%</td></tr>\n", rep_num(environment, "steal_percent"));
    }
    if (*rep_pauses(rep_get(root, "load"), pauses, sizeof(pauses)) != '\0') {
        put_head(out, "stood still");
        rep_putf(out, "%s</td></tr>\n", pauses);
    }
    if (rep_has(environment, "hardware_counters")) {
        put_head(out, "hardware counters");
        rep_putf(out, "%s</td></tr>\n",
                 rep_true(environment, "hardware_counters") ? "yes" : "not available");
    }
}

void rep_html_environment(struct rep_out *out, const json_t *root)
{
    const json_t *environment = rep_get(root, "environment");

    if (json_object_size(environment) == 0)
        return;
    rep_html_section(out, "environment", "Environment", NULL);
    rep_put(out, "<div class=\"card\"><table class=\"kv\"><tbody>\n");
    put_text(out, environment, "cpu_model", "CPU");
    put_numbers(out, root);
    put_text(out, environment, "kernel", "kernel");
    put_text(out, environment, "os", "system");
    put_text(out, environment, "virtualisation", "virtualisation");
    put_text(out, environment, "clock_source", "clock source");
    put_text(out, environment, "governor", "governor");
    put_text(out, environment, "cgroup_cpu_limit", "CPU limit");
    put_text(out, environment, "compiler", "compiler");
    put_text(out, environment, "git_revision", "revision");
    put_map(out, rep_get(environment, "libraries"), "libraries");
    put_map(out, rep_get(environment, "limits"), "limits");
    rep_put(out, "</tbody></table></div>\n");
    rep_html_section_end(out);
}

/* ---- again, files ------------------------------------------------------------------------- */

void rep_html_files(struct rep_out *out, const json_t *root)
{
    const json_t *words = rep_get(root, "command_line");
    const char *name;
    json_t *path;

    rep_html_section(out, "again", "How to run it again", NULL);
    rep_put(out, "<div class=\"card pad\">\n");
    if (rep_has(root, "reproduce")) {
        rep_put(out, "<pre>");
        rep_put_html(out, rep_str(root, "reproduce"));
        rep_put(out, "</pre>\n");
    }
    rep_putf(out, "<p class=\"facts\"><span>seed %lld</span>", rep_int(root, "seed"));
    if (json_array_size(words) > 0) {
        rep_put(out, "<span>was started as <code>");
        for (size_t i = 0; i < json_array_size(words); i++) {
            rep_put(out, i ? " " : "");
            rep_put_html(out, json_string_value(json_array_get(words, i)));
        }
        rep_put(out, "</code></span>");
    }
    rep_put(out, "</p>\n");
    rep_put(out, "<p class=\"facts\">");
    json_object_foreach((json_t *)rep_get(root, "files"), name, path)
    {
        rep_put(out, "<span>");
        rep_put_html(out, name);
        rep_put(out, " <code>");
        rep_put_html(out, json_string_value(path));
        rep_put(out, "</code></span>");
    }
    rep_put(out, "</p>\n");
    rep_put(out, "</div>\n");
    rep_html_section_end(out);
}
