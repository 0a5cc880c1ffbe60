/* SPDX-License-Identifier: Apache-2.0 */
/* html: one file that opens anywhere: no script, no request to anywhere, pictures inside. */
#include <string.h>

#include "reports/format.h"
#include "reports/formats.h"
#include "reports/html/parts.h"
#include "reports/resources.h"
#include "reports/words.h"

static void put_head(struct rep_out *out, const json_t *root)
{
    const json_t *scenario = rep_get(root, "scenario");

    rep_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "img-src data:; style-src 'unsafe-inline'\">\n<title>");
    rep_putf(out, "%s: ", rep_verdict_word(rep_str(root, "verdict")));
    rep_put_html(out, rep_str(scenario, "title"));
    rep_put(out, " (tracerig)</title>\n<style>\n");
    rep_put(out, rep_resource_style);
    rep_put(out, "</style>\n</head>\n<body>\n");
}

static void put_title(struct rep_out *out, const json_t *root)
{
    const json_t *scenario = rep_get(root, "scenario");
    const json_t *tool = rep_get(root, "tool");

    rep_put(out, "<header><div class=\"in\">\n<div class=\"kind\">tracerig report, scenario ");
    rep_put_html(out, rep_str(scenario, "name"));
    rep_put(out, "</div>\n<h1>");
    rep_put_html(out, rep_str(scenario, "title"));
    rep_put(out, "</h1>\n<p class=\"claim\">");
    rep_put_html(out, rep_str(scenario, "claim"));
    rep_putf(out, "</p>\n<p class=\"facts\"><span>%.10s %.8s UTC</span>",
             rep_str(root, "started_at"), rep_str(root, "started_at") + 11);
    if (rep_has(root, "duration_s"))
        rep_putf(out, "<span>took %s</span>", rep_format_seconds(rep_num(root, "duration_s")).text);
    rep_putf(out, "<span>seed %lld</span>", rep_int(root, "seed"));
    if (*rep_str(scenario, "file") != '\0') {
        rep_put(out, "<span>");
        rep_put_html(out, rep_str(scenario, "file"));
        rep_put(out, "</span>");
    }
    if (tool != NULL) {
        rep_put(out, "<span>");
        rep_put_html(out, rep_str(tool, "name"));
        rep_put(out, " ");
        rep_put_html(out, rep_str(tool, "version"));
        rep_put(out, "</span>");
    }
    rep_put(out, "</p>\n</div></header>\n");
}

static void put_nav(struct rep_out *out, const struct rep_out *body)
{
    static const struct rep_word links[] = {
        {"failed", "What failed", NULL},
        {"unjudged", "Not judged", NULL},
        {"claims", "Claims", NULL},
        {"namer", "Who stands out", NULL},
        {"path", "Why slow", NULL},
        {"topology", "Topology", NULL},
        {"latency", "Latency", NULL},
        {"time", "Over time", NULL},
        {"books", "Span books", NULL},
        {"traces", "Traces", NULL},
        {"overhead", "Overhead", NULL},
        {"cost", "Cost", NULL},
        {"trust", "Trust", NULL},
        {"environment", "Environment", NULL},
        {"again", "Again", NULL},
        {"glossary", "Glossary", NULL},
        {NULL, NULL, NULL},
    };

    rep_put(out, "<nav aria-label=\"sections\"><div class=\"in\">\n");
    for (const struct rep_word *link = links; link->key != NULL; link++) {
        char mark[64] = "<section id=\"";
        size_t len = strlen(mark);
        memcpy(mark + len, link->key, strlen(link->key) + 1);
        if (memmem(body->buf.data, body->buf.len, mark, strlen(mark)) != NULL)
            rep_putf(out, "<a href=\"#%s\">%s</a>\n", link->key, link->title);
    }
    rep_put(out, "</div></nav>\n");
}

static void put_banner(struct rep_out *out, const json_t *root)
{
    const char *verdict = rep_str(root, "verdict");

    rep_putf(
        out,
        "<div class=\"banner %s\" role=\"status\"><div class=\"word\">%s</div><div class=\"why\">",
        verdict, rep_verdict_word(verdict));
    rep_put_html(out, rep_str(root, "reason"));
    rep_putf(out, "</div><div class=\"exit\">exit status %lld</div></div>\n",
             rep_int(root, "exit_status"));
}

static void put_tile(struct rep_out *out, const char *title, const char *value, const char *note,
                     const char *class_name)
{
    rep_putf(out,
             "<div class=\"tile\"><div class=\"t\">%s</div><div class=\"v%s%s\">%s</div>"
             "<div class=\"n\">%s</div></div>\n",
             title, *class_name ? " " : "", class_name, value, note);
}

static void put_tiles(struct rep_out *out, const json_t *root)
{
    const json_t *load = rep_get(root, "load");
    const json_t *latency = rep_get(load, "latency");
    const json_t *spans = rep_get(root, "spans");
    const json_t *traces = rep_get(root, "traces");
    struct rep_text note;
    char line[120];
    long long unexplained = rep_int(spans, "lost_unexplained");

    rep_put(out, "<div class=\"tiles\">\n");
    note = rep_format_number(rep_num(load, "rate_asked"));
    snprintf(line, sizeof(line), "a second, of %s asked%s%s%s", note.text,
             rep_true(load, "generator_limited") ? "; <a href=\"#trust\">" : "",
             rep_true(load, "generator_limited") ? rep_untimely : "",
             rep_true(load, "generator_limited") ? "</a>" : "");
    put_tile(out, "requests achieved", rep_format_number(rep_num(load, "rate_achieved")).text, line,
             "");
    note = rep_latency_text(latency, "p50");
    snprintf(line, sizeof(line), "%smedian %s", rep_has(latency, "p99") ? "" : "too few samples; ",
             note.text);
    if (rep_int(latency, "count") > 0)
        put_tile(out, "response time p99", rep_latency_text(latency, "p99").text, line, "");
    else
        put_tile(out, "response time p99", "none", "no request was measured", "");
    note = rep_format_count(rep_int(traces, "expected"));
    snprintf(line, sizeof(line), "of %s expected", note.text);
    put_tile(out, "traces complete", rep_format_count(rep_int(traces, "complete")).text, line,
             rep_int(traces, "complete") == rep_int(traces, "expected") ? ""
             : rep_is(root, "verdict", "pass")                          ? "warn-text"
                                                                        : "bad-text");
    note = rep_format_count(rep_int(spans, "started"));
    snprintf(line, sizeof(line), "of %s started", note.text);
    put_tile(out, "spans delivered", rep_format_count(rep_int(spans, "delivered")).text, line, "");
    put_tile(out, "spans lost", rep_format_count(rep_int(spans, "lost_total")).text,
             rep_lost_note(spans).text, rep_int(spans, "lost_total") > 0 ? "warn-text" : "");
    put_tile(out, "lost, unexplained", rep_format_count(unexplained).text, "must be zero",
             unexplained > 0 ? "bad-text" : "");
    rep_put(out, "</div>\n");
}

/* Beside the figures that contain it. */
static void put_pauses(struct rep_out *out, const json_t *root)
{
    char text[REP_PAUSES];

    if (*rep_pauses(rep_get(root, "load"), text, sizeof(text)) != '\0')
        rep_putf(out,
                 "<p class=\"lead\"><span class=\"badge warning\">stood still</span> %s.</p>\n",
                 text);
}

static void put_glossary(struct rep_out *out)
{
    static const struct rep_word words[] = {
        {"ledger",
         "What the services, the consumers and the load client wrote down themselves, "
         "outside any tracing, into files that survive a kill. The truth here.",
         NULL},
        {"tap", "What arrived at the collector's socket, before it answered or processed anything.",
         NULL},
        {"critical path",
         "What the root of a trace was waiting for at each instant. Work that runs beside it, or "
         "that nobody waits for, is not on it.",
         NULL},
        {"gap",
         "A stretch of the critical path of which no span says what happened: between a caller's "
         "span and its callee's, or between two children.",
         NULL},
        {"edge", "One operation that calls another: over HTTP, or over Kafka through a topic.",
         NULL},
        {"joined",
         "The callee's span has the caller's span as its parent or its link, as the edge's "
         "mode says.",
         NULL},
        {"broken edge", "A call whose two sides are in the traces, but not joined.", NULL},
        {"partial trace", "Some of its spans were sampled, others were not.", NULL},
        {"incomplete trace", "A span of it was sampled and did not arrive.", NULL},
        {"open load", "Requests leave on a schedule that does not wait for answers, as users do.",
         NULL},
        {"coordinated omission",
         "The error of a generator that waits for slow answers and so sends "
         "least when things are worst. Counting from the intended instant "
         "avoids it.",
         NULL},
        {"inconclusive",
         "It could not be judged: not knowable, the load client was late, or the "
         "machine was too noisy. Never a pass.",
         NULL},
        {NULL, NULL, NULL},
    };

    rep_html_section(out, "glossary", "Glossary", NULL);
    rep_put(out, "<div class=\"card pad\"><dl class=\"gl\">\n");
    for (const struct rep_word *word = words; word->key != NULL; word++)
        rep_putf(out, "<dt>%s</dt><dd>%s</dd>\n", word->key, word->title);
    rep_put(out, "</dl></div>\n");
    rep_html_section_end(out);
}

void rep_render_html(const struct rep_model *model, const struct rep_plots *plots,
                     const struct rep_render_options *options, struct rep_out *out)
{
    const json_t *root = model->root;
    struct rep_out body;

    (void)options;
    rep_out_init(&body);
    put_banner(&body, root);
    put_tiles(&body, root);
    put_pauses(&body, root);
    rep_html_findings(&body, root);
    rep_html_claims(&body, root);
    rep_html_namer(&body, root);
    rep_html_path(&body, root);
    rep_html_topology(&body, root);
    rep_html_latency(&body, root, plots);
    rep_html_over_time(&body, root, plots);
    rep_html_books(&body, root);
    rep_html_waterfalls(&body, root);
    rep_html_overhead(&body, root);
    rep_html_cost(&body, root);
    rep_html_trust(&body, root);
    rep_html_environment(&body, root);
    rep_html_files(&body, root);
    put_glossary(&body);
    put_head(out, root);
    put_title(out, root);
    if (body.err == OTEL_OK) {
        put_nav(out, &body);
        rep_put(out, "<main>\n");
        rep_putn(out, body.buf.data, body.buf.len);
    } else if (out->err == OTEL_OK) {
        out->err = body.err;
    }
    rep_put(out, "</main>\n<footer>Made from report.json alone; the same figures are there for "
                 "programs.</footer>\n</body>\n</html>\n");
    rep_out_fini(&body);
}
