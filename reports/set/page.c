/* SPDX-License-Identifier: Apache-2.0 */
/* index.html: one row a run, no script, no request to anywhere. */
#include "reports/format.h"
#include "reports/html/parts.h"
#include "reports/resources.h"
#include "reports/set/set.h"
#include "reports/words.h"

/* The verdict of the whole: the worst of them. */
static const char *verdict_of(const json_t *counts)
{
    static const char *const order[] = {"fail", "none", "not_begun", "inconclusive", "pass"};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (rep_int(counts, order[i]) > 0)
            return order[i];
    return "none";
}

static void put_banner(struct rep_out *out, const json_t *set)
{
    const json_t *counts = rep_get(set, "counts");
    const char *verdict = verdict_of(counts);

    rep_putf(out,
             "<div class=\"banner %s\" role=\"status\"><div class=\"word\">%s</div>"
             "<div class=\"why\">%lld held, %lld did not, %lld could not be judged, %lld without a "
             "verdict",
             verdict, rep_verdict_word(verdict), rep_int(counts, "pass"), rep_int(counts, "fail"),
             rep_int(counts, "inconclusive"), rep_int(counts, "none"));
    if (rep_int(counts, "not_begun") > 0)
        rep_putf(out, ", %lld not begun", rep_int(counts, "not_begun"));
    rep_put(out, "</div></div>\n");
}

static void put_link(struct rep_out *out, const json_t *run)
{
    bool report = *rep_str(run, "measured") != '\0';

    if (report) {
        rep_put(out, "<a href=\"./");
        rep_put_html(out, rep_str(run, "dir"));
        rep_put(out, "/report.html\">report</a>");
    } else {
        rep_put_html(out, rep_str(run, "dir"));
    }
}

static void put_run(struct rep_out *out, const json_t *run)
{
    const char *verdict = rep_str(run, "verdict");

    rep_putf(out, "<tr%s>", rep_is(run, "verdict", "fail") ? " class=\"bad\"" : "");
    rep_put(out, "<td class=\"w\"><b>");
    rep_put_html(out, rep_str(run, "title"));
    rep_put(out, "</b>");
    if (rep_has(run, "nth"))
        rep_putf(out, " <span class=\"zero\">run %lld</span>", rep_int(run, "nth"));
    rep_put(out, "<br>");
    rep_put_html(out, rep_str(run, "claim"));
    rep_put(out, "</td><td>");
    rep_html_badge(out, verdict);
    rep_put(out, "</td><td class=\"w\">");
    if (!rep_is(run, "verdict", "pass")) {
        rep_put(out, "<b>");
        rep_put_html(out, rep_str(run, "reason"));
        rep_put(out, "</b><br>");
    }
    rep_put_html(out, rep_str(run, "measured"));
    rep_putf(out, "</td><td class=\"n\">%s</td><td>",
             rep_has(run, "duration_s") ? rep_format_seconds(rep_num(run, "duration_s")).text : "");
    put_link(out, run);
    rep_put(out, "</td></tr>\n");
}

void rep_set_html(const json_t *set, struct rep_out *out)
{
    const json_t *runs = rep_get(set, "runs"), *run;
    struct rep_text all = rep_format_things((long long)json_array_size(runs), "run");
    size_t i;

    rep_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "style-src 'unsafe-inline'\">\n<title>");
    rep_putf(out, "%s: %s (tracerig)</title>\n<style>\n",
             rep_verdict_word(verdict_of(rep_get(set, "counts"))), all.text);
    rep_put(out, rep_resource_style);
    rep_put(out, "</style>\n</head>\n<body>\n<header><div class=\"in\">"
                 "<div class=\"kind\">tracerig, a set of runs</div>\n");
    rep_putf(out, "<h1>%s</h1><p class=\"facts\"><span>%.10s %.8s UTC</span></p></div>"
                  "</header>\n<main>\n",
             all.text, rep_str(set, "started_at"), rep_str(set, "started_at") + 11);
    put_banner(out, set);
    rep_html_section(out, "runs", "Claims", NULL);
    rep_put(out, "<div class=\"card scroll\"><table><thead><tr><th>claim</th><th>held?</th>"
                 "<th>measured</th><th class=\"n\">time</th><th></th></tr></thead><tbody>\n");
    json_array_foreach(runs, i, run) {
        put_run(out, run);
    }
    rep_put(out, "</tbody></table></div>\n");
    rep_html_section_end(out);
    rep_put(out, "</main>\n<footer>Made from set.json alone; the same rows are there for "
                 "programs.</footer>\n</body>\n</html>\n");
}
