/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"
#include "reports/words.h"

/* ---- edges -------------------------------------------------------------------------------- */

static void put_ns_cell(struct rep_out *out, const json_t *row, const char *key)
{
    rep_putf(out, "<td class=\"n\">%s</td>", rep_has(row, "max_ns") || rep_has(row, key)
                                                  ? rep_latency_text(row, key).text
                                                  : "");
}

/* Columns that say nothing in most runs: shown where one row has something to say. */
struct extra {
    bool sampled;     /* differs from the calls */
    bool redelivered; /* is not zero */
    bool max;
};

static struct extra extras_of(const json_t *edges)
{
    struct extra extra = {false, false, rep_any(edges, "max_ns")};

    for (size_t i = 0; i < json_array_size(edges); i++) {
        const json_t *edge = json_array_get(edges, i);
        if (rep_has(edge, "sampled") && rep_int(edge, "sampled") != rep_int(edge, "calls"))
            extra.sampled = true;
        if (rep_int(edge, "redelivered") != 0)
            extra.redelivered = true;
    }
    return extra;
}

static void put_edge(struct rep_out *out, const json_t *edge, struct extra extra)
{
    bool joined = !rep_is(edge, "mode", "none");

    rep_put(out, rep_int(edge, "broken") > 0 ? "<tr class=\"bad\">" : "<tr>");
    rep_html_cell(out, "w", rep_str(edge, "from"));
    rep_put(out, "<td class=\"w\">");
    rep_put_html(out, rep_str(edge, "to"));
    if (rep_is(edge, "expectation", "broken"))
        rep_put(out, "<br><span class=\"zero\">claimed to be broken</span>");
    if (rep_has(edge, "why")) {
        rep_put(out, "<br><span class=\"bad-text\">");
        rep_put_html(out, rep_str(edge, "why"));
        rep_put(out, "</span>");
    }
    rep_putf(out, "</td><td>%s", rep_str(edge, "kind"));
    if (*rep_str(edge, "topic") != '\0') {
        rep_put(out, " <code>");
        rep_put_html(out, rep_str(edge, "topic"));
        rep_put(out, "</code>");
    }
    rep_putf(out, "</td><td>%s</td>", joined ? rep_str(edge, "mode") : "");
    rep_html_count_cell(out, rep_int(edge, "calls"), NULL);
    if (extra.sampled)
        rep_html_count_cell(out, rep_int(edge, "sampled"), NULL);
    if (joined) {
        rep_html_count_cell(out, rep_int(edge, "complete"), NULL);
        rep_html_count_cell(out, rep_int(edge, "broken"), "bad");
    } else {
        rep_put(out, "<td class=\"n zero\">not joined</td><td class=\"n\"></td>");
    }
    rep_html_count_cell(out, rep_int(edge, "errors"), "warn");
    if (extra.redelivered)
        rep_html_count_cell(out, rep_int(edge, "redelivered"), NULL);
    put_ns_cell(out, edge, "p50_ns");
    put_ns_cell(out, edge, "p99_ns");
    if (extra.max)
        put_ns_cell(out, edge, "max_ns");
    rep_put(out, "</tr>\n");
}

void rep_html_edges(struct rep_out *out, const json_t *root)
{
    const json_t *edges = rep_get(root, "edges");
    struct extra extra = extras_of(edges);

    if (json_array_size(edges) == 0)
        return;
    rep_put(out,
            "<div class=\"card\"><div class=\"scroll\"><table>\n<thead><tr><th>from</th><th>to</th>"
            "<th>kind</th><th>joined by</th><th class=\"n\">calls</th>");
    rep_put(out, extra.sampled ? "<th class=\"n\">sampled</th>" : "");
    rep_put(out,
            "<th class=\"n\">complete</th><th class=\"n\">broken</th><th class=\"n\">errors</th>");
    rep_put(out, extra.redelivered ? "<th class=\"n\">redelivered</th>" : "");
    rep_put(out, "<th class=\"n\">p50</th><th class=\"n\">p99</th>");
    rep_put(out, extra.max ? "<th class=\"n\">max</th>" : "");
    rep_put(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < json_array_size(edges); i++)
        put_edge(out, json_array_get(edges, i), extra);
    rep_put(out, "</tbody></table></div></div>\n");
}

/* ---- pictures ----------------------------------------------------------------------------- */

static void put_data_uri(struct rep_out *out, const char *svg, size_t len)
{
    rep_put(out, "data:image/svg+xml;base64,");
    rep_put_base64(out, svg, len);
}

static void put_figure(struct rep_out *out, const struct rep_plot *plot)
{
    rep_put(out, "<div class=\"card\"><figure><figcaption>");
    rep_put_html(out, plot->title);
    rep_put(out, "</figcaption>\n");
    if (plot->too_short) {
        rep_put(out, "<p class=\"missing\">Too short to plot: fewer than two samples.</p>"
                     "</figure></div>\n");
        return;
    }
    if (plot->light == NULL) {
        rep_putf(out,
                 "<p class=\"missing\">Plot <code>plots/%s.svg</code> is missing: ", plot->name);
        rep_put_html(out, plot->problem);
        rep_put(out, ".</p></figure></div>\n");
        return;
    }
    rep_put(out, "<picture>");
    if (plot->dark != NULL) {
        rep_put(out, "<source media=\"(prefers-color-scheme: dark)\" srcset=\"");
        put_data_uri(out, plot->dark, plot->dark_len);
        rep_put(out, "\">");
    }
    rep_put(out, "<img alt=\"");
    rep_put_html(out, plot->title);
    rep_put(out, "\" src=\"");
    put_data_uri(out, plot->light, plot->light_len);
    rep_put(out, "\"></picture></figure></div>\n");
}

/* ---- latency ------------------------------------------------------------------------------ */

static void put_latency_table(struct rep_out *out, const json_t *load)
{
    if (rep_int(rep_get(load, "latency"), "count") == 0) {
        rep_put(out, "<p class=\"missing\">No request was measured.</p>\n");
        return;
    }
    rep_put(out, "<div class=\"card\"><div class=\"scroll\"><table>\n<thead><tr><th></th>"
                 "<th class=\"n\">count</th>");
    for (const struct rep_word *c = rep_latency_columns; c->key != NULL; c++)
        rep_putf(out, "<th class=\"n\">%s</th>", c->title);
    rep_put(out, "</tr></thead>\n<tbody>\n");
    for (const struct rep_word *kind = rep_latency_kinds; kind->key != NULL; kind++) {
        const json_t *latency = rep_get(load, kind->key);
        if (latency == NULL)
            continue;
        rep_putf(out,
                 "<tr><td class=\"w\"><strong>%s</strong><br><span class=\"zero\">%s</span></td>",
                 kind->title, kind->note);
        rep_html_count_cell(out, rep_int(latency, "count"), NULL);
        for (const struct rep_word *c = rep_latency_columns; c->key != NULL; c++)
            rep_putf(out, "<td class=\"n%s\">%s</td>", rep_has(latency, c->key) ? "" : " zero",
                     rep_latency_text(latency, c->key).text);
        rep_put(out, "</tr>\n");
    }
    rep_put(out, "</tbody></table></div></div>\n");
    if (!rep_has(rep_get(load, "latency"), "p999"))
        rep_put(out, "<p class=\"lead\">n/a: too few samples, fewer than 10 lie beyond it.</p>\n");
}

static void put_percentile_table(struct rep_out *out, const json_t *histogram)
{
    const json_t *points = rep_get(histogram, "percentiles");

    rep_put(out, "<div><table><thead><tr><th>");
    rep_put_html(out, rep_str(histogram, "title"));
    rep_putf(out, "</th><th class=\"n\">%s samples</th></tr></thead><tbody>\n",
             rep_format_count(rep_int(histogram, "count")).text);
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *pair = json_array_get(points, i);
        rep_putf(
            out, "<tr><td>%.7g %%</td><td class=\"n\">%s</td></tr>\n",
            json_number_value(json_array_get(pair, 0)),
            rep_format_unit(json_number_value(json_array_get(pair, 1)), rep_str(histogram, "unit"))
                .text);
    }
    rep_put(out, "</tbody></table></div>\n");
}

static void put_errors(struct rep_out *out, const json_t *load)
{
    const json_t *errors = rep_get(load, "errors");
    const char *reason;
    json_t *count;

    if (json_object_size(errors) == 0)
        return;
    rep_put(out, "<div class=\"card\"><table><thead><tr><th>requests that failed</th>"
                 "<th class=\"n\">count</th></tr></thead><tbody>\n");
    json_object_foreach((json_t *)errors, reason, count)
    {
        rep_put(out, "<tr>");
        rep_html_cell(out, "w", reason);
        rep_html_count_cell(out, json_integer_value(count), "warn");
        rep_put(out, "</tr>\n");
    }
    rep_put(out, "</tbody></table></div>\n");
}

void rep_html_latency(struct rep_out *out, const json_t *root, const struct rep_plots *plots)
{
    const json_t *histograms = rep_get(root, "histograms");

    rep_html_section(
        out, "latency", "Latency",
        "The load is open: requests leave on schedule, whatever the fleet does. Response "
        "time counts from the instant a request was due, service time from the instant it "
        "left; where they part, requests waited in the generator, and the send lag says "
        "how long.");
    put_latency_table(out, rep_get(root, "load"));
    put_errors(out, rep_get(root, "load"));
    rep_put(out, "<div class=\"two\">\n");
    for (size_t i = 0; i < plots->count; i++)
        if (plots->items[i].panel == NULL && strcmp(plots->items[i].name, "group") != 0)
            put_figure(out, &plots->items[i]);
    rep_put(out, "</div>\n");
    if (json_array_size(histograms) > 0) {
        rep_put(out, "<div class=\"card\"><details><summary>The curve as numbers</summary>"
                     "<div class=\"two\">\n");
        for (size_t i = 0; i < json_array_size(histograms); i++)
            put_percentile_table(out, json_array_get(histograms, i));
        rep_put(out, "</div></details></div>\n");
    }
    rep_html_section_end(out);
}

/* ---- over time ---------------------------------------------------------------------------- */

/* What each fault, or remedy, changed. */
static void put_windows(struct rep_out *out, const json_t *group)
{
    static const struct rep_column columns[] = {
        {"name", "when", "name", NULL},
        {"from_s", "from", "s", NULL},
        {"to_s", "to", "s", NULL},
        {"after", "what began it", "name", NULL},
        {"rounds", "rounds", "count", NULL},
        {"expelled", "put out", "count", "warn"},
        {"redelivered", "again", "count", "warn"},
        {"lag_max", "lag", "count", NULL},
        {"staleness_max_ns", "oldest", "ns", NULL},
        {"long_handlings", "over 1 s", "count", NULL},
        {"longest_ns", "longest", "ns", NULL},
        {NULL, NULL, NULL, NULL}};

    if (json_array_size(rep_get(group, "windows")) == 0)
        return;
    rep_put(out, "<h3>What changed in ");
    rep_put_html(out, rep_str(group, "name"));
    rep_put(out, "</h3>\n");
    rep_html_table(out, rep_get(group, "windows"), columns);
}

static void put_groups(struct rep_out *out, const json_t *groups)
{
    static const struct rep_column columns[] = {
        {"name", "consumer group", "code", NULL},
        {"rounds", "rebalance rounds", "count", NULL},
        {"expelled", "members put out", "count", "warn"},
        {"redelivered", "messages handled again", "count", "warn"},
        {"lag_max", "greatest lag", "count", NULL},
        {"staleness_max_ns", "oldest when handled", "ns", NULL},
        {"long_handlings", "handlings over 1 s", "count", NULL},
        {"longest_ns", "longest", "ns", NULL},
        {NULL, NULL, NULL, NULL}};
    size_t i;
    json_t *group;

    rep_html_table(out, groups, columns);
    json_array_foreach(groups, i, group)
        put_windows(out, group);
}

static void put_phases(struct rep_out *out, const json_t *phases)
{
    static const struct rep_column columns[] = {{"name", "phase", "text", NULL},
                                                {"start_s", "from", "s", NULL},
                                                {"end_s", "to", "s", NULL},
                                                {NULL, NULL, NULL, NULL}};

    if (json_array_size(phases) == 0)
        return;
    rep_put(out, "<details><summary>Phases of the run</summary>\n");
    rep_html_table(out, phases, columns);
    rep_put(out, "</details>\n");
}

/* The numbers are those in the plots. */
static void put_events(struct rep_out *out, const json_t *events)
{
    static const struct rep_column columns[] = {{"number", "no.", "count", NULL},
                                                {"at_s", "from", "s", NULL},
                                                {"until_s", "to", "s", NULL},
                                                {"target", "to what", "code", NULL},
                                                {"text", "what happened", "text", NULL},
                                                {"requests", "requests hit", "count", NULL},
                                                {"spans", "spans in them", "count", NULL},
                                                {"connections", "connections reset", "count", NULL},
                                                {NULL, NULL, NULL, NULL}};
    json_t *rows = json_array(), *event;
    size_t i;

    json_array_foreach(events, i, event) {
        json_t *row = json_copy(event);
        json_object_set_new(row, "number", json_integer((json_int_t)i + 1));
        json_array_append_new(rows, row);
    }
    if (json_array_size(rows) > 0) {
        rep_put(out, "<h3>Events on the timeline</h3>\n");
        rep_html_table(out, rows, columns);
    }
    json_decref(rows);
}

void rep_html_over_time(struct rep_out *out, const json_t *root, const struct rep_plots *plots)
{
    bool any = false;

    for (size_t i = 0; i < plots->count; i++)
        any = any || plots->items[i].panel != NULL;
    if (!any)
        return;
    rep_html_section(
        out, "time", "Over time",
        "Seconds since the load began. The shaded warm-up is left out of all latencies and "
        "of the load client's requests, rates and errors; the edges' calls and errors, the span "
        "books, the traces and the verdicts include it.");
    rep_put(out, "<div class=\"two\">\n");
    for (size_t i = 0; i < plots->count; i++)
        if (plots->items[i].panel != NULL)
            put_figure(out, &plots->items[i]);
    rep_put(out, "</div>\n");
    if (rep_plots_find(plots, "group") != NULL)
        put_figure(out, rep_plots_find(plots, "group"));
    put_groups(out, rep_get(root, "groups"));
    put_events(out, rep_get(root, "events"));
    put_phases(out, rep_get(root, "phases"));
    rep_html_section_end(out);
}
