/* SPDX-License-Identifier: Apache-2.0 */
/* What makes slow traces slow: their critical path held against the others'. */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"

static const struct rep_column columns[] = {
    {"service", "service", "name", NULL},
    {"name", "span", "name", NULL},
    {"statement", "statement", "text", NULL},
    {"gap", "a gap", "text", NULL},
    {"typical_ns", "in a typical trace", "ns", NULL},
    {"slow_ns", "in a slow one", "ns", NULL},
    {"added_ns", "added", "ns", NULL},
    {NULL, NULL, NULL, NULL},
};

/* "billing SELECT ...": the statement where there is one. */
static void put_operation(struct rep_out *out, const json_t *row)
{
    rep_put_html(out, rep_str(row, "service"));
    rep_put(out, " ");
    rep_put_html(out, rep_has(row, "statement") ? rep_str(row, "statement") : rep_str(row, "name"));
}

static void put_sum(struct rep_out *out, const json_t *sum, const char *word)
{
    rep_putf(out, "%s %s traces, median %s, of which %s unexplained",
             rep_format_count(rep_int(sum, "count")).text, word,
             rep_format_ns(rep_num(sum, "p50_ns")).text,
             rep_format_ns(rep_num(sum, "unexplained_ns")).text);
}

static void put_answer(struct rep_out *out, const json_t *path)
{
    rep_put(out, "<div class=\"card pad\"><h3>");
    if (rep_true(path, "named")) {
        put_operation(out, path);
        rep_putf(out, "%s, named %s after the first span and %s after the first slow trace",
                 rep_has(path, "gap") ? " (a gap)" : "",
                 rep_format_seconds(rep_num(path, "after_s")).text,
                 rep_format_seconds(rep_num(path, "named_after_symptom_s")).text);
    } else {
        rep_put(out, "No operation is named");
    }
    rep_put(out, "</h3>\n<p>");
    rep_put_html(out, rep_str(path, "reason"));
    rep_put(out, ".</p>\n<p>");
    rep_put_html(out, rep_str(path, "entry"));
    rep_put(out, ": ");
    put_sum(out, rep_get(path, "typical"), "typical");
    rep_put(out, "; ");
    put_sum(out, rep_get(path, "slow"), "slow");
    rep_put(out, ".</p></div>\n");
}

static double percent(double part, double whole)
{
    double share = whole > 0 ? part / whole * 100 : 0;

    return share < 0 ? 0 : share > 100 ? 100 : share;
}

/* One bar of its own scale, then its pieces in words. */
static void put_path(struct rep_out *out, const json_t *path, double widest)
{
    const json_t *pieces = rep_get(path, "pieces");
    double whole = rep_num(path, "duration_ns");

    rep_putf(out, "<div class=\"cp\"><div class=\"cpt\">%s, %s <code>%s</code></div>\n",
             rep_is(path, "kind", "slow") ? "the median slow trace" : "the median typical trace",
             rep_format_ns(whole).text, rep_str(path, "trace_id"));
    rep_putf(out, "<div class=\"cpb\" style=\"width:%.2f%%\">", percent(whole, widest));
    for (size_t i = 0; i < json_array_size(pieces); i++) {
        const json_t *piece = json_array_get(pieces, i);
        double length = rep_num(piece, "end_ns") - rep_num(piece, "start_ns");
        rep_putf(out, "<span class=\"%s\" style=\"left:%.3f%%;width:%.3f%%\" title=\"",
                 rep_has(piece, "gap") ? "gap" : rep_has(piece, "statement") ? "sql" : "own",
                 percent(rep_num(piece, "start_ns"), whole), percent(length, whole));
        put_operation(out, piece);
        rep_putf(out, ": %s", rep_format_ns(length).text);
        if (rep_has(piece, "gap")) {
            rep_put(out, ", ");
            rep_put_html(out, rep_str(piece, "gap"));
        }
        rep_put(out, "\"></span>");
    }
    rep_put(out, "</div></div>\n");
}

void rep_html_path(struct rep_out *out, const json_t *root)
{
    const json_t *path = rep_get(root, "critical_path"), *paths = rep_get(path, "paths");
    double widest = 0;

    if (path == NULL)
        return;
    rep_html_section(
        out, "path", "What makes slow traces slow",
        "Found in the received spans alone. The critical path of a trace is what its root waited "
        "for at each instant; every instant belongs to one span. A gap is time of which no span "
        "says what happened.");
    put_answer(out, path);
    for (size_t i = 0; i < json_array_size(paths); i++)
        if (rep_num(json_array_get(paths, i), "duration_ns") > widest)
            widest = rep_num(json_array_get(paths, i), "duration_ns");
    if (json_array_size(paths) > 0)
        rep_put(out, "<div class=\"card pad\">\n");
    for (size_t i = 0; i < json_array_size(paths); i++)
        put_path(out, json_array_get(paths, i), widest);
    if (json_array_size(paths) > 0)
        rep_put(out, "<p class=\"cpk\"><span class=\"sql\"></span> a statement "
                     "<span class=\"own\"></span> another span's own time "
                     "<span class=\"gap\"></span> a gap</p></div>\n");
    rep_html_table(out, rep_get(path, "rows"), columns);
    rep_html_section_end(out);
}
