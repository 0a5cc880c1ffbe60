/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"

enum { EVIDENCE_ROWS = 20, EVIDENCE_OPEN = 3, FOLD_OVER = 8 };

static void put_item(struct rep_out *out, const json_t *item)
{
    static const char *const keys[] = {"trace_id", "span_id"};

    rep_put(out, "<li>");
    rep_put_html(out, rep_str(item, "text"));
    if (rep_has(item, "edge")) {
        rep_put(out, " <span class=\"id\">");
        rep_put_html(out, rep_str(item, "edge"));
        rep_put(out, "</span>");
    } else if (rep_has(item, "service") &&
               strstr(rep_str(item, "text"), rep_str(item, "service")) == NULL) {
        rep_put(out, " <span class=\"id\">");
        rep_put_html(out, rep_str(item, "service"));
        rep_put(out, "</span>");
    }
    for (size_t k = 0; k < 2; k++)
        if (rep_has(item, keys[k]))
            rep_putf(out, " <span class=\"id\">%s %s</span>", k ? "span" : "trace",
                     rep_str(item, keys[k]));
    if (rep_has(item, "request"))
        rep_putf(out, " <span class=\"id\">request %s</span>",
                 rep_format_count(rep_int(item, "request")).text);
    rep_put(out, "</li>\n");
}

static void put_evidence(struct rep_out *out, const json_t *row)
{
    const json_t *evidence = rep_get(row, "evidence");
    size_t count = json_array_size(evidence);
    size_t shown = count < EVIDENCE_ROWS ? count : EVIDENCE_ROWS;

    if (count == 0)
        return;
    rep_put(out, "<ul class=\"ev\">\n");
    for (size_t i = 0; i < shown && i < EVIDENCE_OPEN; i++)
        put_item(out, json_array_get(evidence, i));
    rep_put(out, "</ul>\n");
    if (shown > EVIDENCE_OPEN) {
        rep_putf(out, "<details><summary>%zu more", shown - EVIDENCE_OPEN);
        if (rep_int(row, "evidence_total") > (long long)shown)
            rep_putf(out, ", of %s in all", rep_format_count(rep_int(row, "evidence_total")).text);
        rep_put(out, "</summary><ul class=\"ev\">\n");
        for (size_t i = EVIDENCE_OPEN; i < shown; i++)
            put_item(out, json_array_get(evidence, i));
        rep_put(out, "</ul></details>\n");
    }
}

static void put_pair(struct rep_out *out, const char *term, const char *text)
{
    rep_putf(out, "<dt>%s</dt><dd>", term);
    rep_put_html(out, text);
    rep_put(out, "</dd>");
}

static void put_finding(struct rep_out *out, const json_t *row, const char *title_key)
{
    const char *verdict = rep_str(row, "verdict");

    rep_putf(out, "<div class=\"finding %s\"><h3>", verdict);
    rep_html_badge(out, verdict);
    rep_put_html(out, rep_str(row, title_key));
    rep_put(out, "</h3><dl class=\"eo\">");
    put_pair(out, "expected", rep_str(row, "expected"));
    put_pair(out, "observed", rep_str(row, "observed"));
    if (rep_has(row, "reason"))
        put_pair(out, "because", rep_str(row, "reason"));
    rep_put(out, "</dl>\n");
    put_evidence(out, row);
    rep_put(out, "</div>\n");
}

static void put_all(struct rep_out *out, const json_t *root, const char *verdict)
{
    static const char *const sets[] = {"checks", "expectations"}; /* causes, then effects */
    static const char *const titles[] = {"title", "text"};

    for (size_t s = 0; s < 2; s++) {
        const json_t *rows = rep_get(root, sets[s]);
        for (size_t i = 0; i < json_array_size(rows); i++)
            if (rep_is(json_array_get(rows, i), "verdict", verdict))
                put_finding(out, json_array_get(rows, i), titles[s]);
    }
}

static size_t count_all(const json_t *root, const char *verdict)
{
    return rep_count_of(rep_get(root, "expectations"), "verdict", verdict) +
           rep_count_of(rep_get(root, "checks"), "verdict", verdict);
}

void rep_html_findings(struct rep_out *out, const json_t *root)
{
    if (count_all(root, "fail") > 0) {
        rep_html_section(out, "failed", "What failed", NULL);
        rep_put(out, "<div class=\"card\">\n");
        put_all(out, root, "fail");
        rep_put(out, "</div>\n");
        rep_html_section_end(out);
    }
    if (count_all(root, "inconclusive") > 0) {
        rep_html_section(out, "unjudged", "What could not be judged",
                         "Inconclusive is neither a pass nor a fail.");
        rep_put(out, "<div class=\"card\">\n");
        put_all(out, root, "inconclusive");
        rep_put(out, "</div>\n");
        rep_html_section_end(out);
    }
}

/* last: "margin" or "judged", its own title; left out where no row has it. */
static void put_table(struct rep_out *out, const json_t *rows, const char *heading,
                      const char *title_key, const char *last)
{
    bool with_last = rep_any(rows, last);

    if (json_array_size(rows) == 0)
        return;
    rep_putf(out,
             "<div class=\"card\"><div class=\"scroll\"><table>\n<thead><tr><th>verdict</th>"
             "<th>%s</th><th>expected</th><th>observed</th>",
             heading);
    if (with_last)
        rep_putf(out, "<th class=\"n\">%s</th>", last);
    rep_put(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        rep_put(out, "<tr><td>");
        rep_html_badge(out, rep_str(row, "verdict"));
        rep_put(out, "</td>");
        rep_html_cell(out, "w", rep_str(row, title_key));
        rep_html_cell(out, "w f", rep_str(row, "expected"));
        rep_html_cell(out, "w", rep_str(row, "observed"));
        if (json_is_integer(rep_get(row, last)))
            rep_html_count_cell(out, rep_int(row, last), NULL);
        else if (with_last)
            rep_html_cell(out, "n", rep_str(row, last));
        rep_put(out, "</tr>\n");
    }
    rep_put(out, "</tbody></table></div></div>\n");
}

void rep_html_claims(struct rep_out *out, const json_t *root)
{
    const json_t *claims = rep_get(root, "expectations");
    const json_t *checks = rep_get(root, "checks");

    if (json_array_size(claims) + json_array_size(checks) == 0)
        return;
    rep_html_section(out, "claims", "Claims and checks",
                     "Claims are what the scenario says under <code>expect:</code>; checks are the "
                     "verifier's own, held against an independent record of what happened.");
    put_table(out, claims, "claim", "text", "margin");
    if (rep_count_of(checks, "verdict", "pass") == json_array_size(checks) &&
        json_array_size(checks) > FOLD_OVER) {
        rep_putf(out, "<details><summary>All %zu checks passed: show them</summary>\n",
                 json_array_size(checks));
        put_table(out, checks, "check", "title", "judged");
        rep_put(out, "</details>\n");
    } else {
        put_table(out, checks, "check", "title", "judged");
    }
    rep_html_section_end(out);
}
