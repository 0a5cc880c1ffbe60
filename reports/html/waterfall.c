/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"

enum { ROWS_MAX = 200, COLOURS = 8, SERVICES_MAX = 64, DEPTH_MAX = 24 };

struct sheet {
    struct rep_out *out;
    const char *services[SERVICES_MAX]; /* in order of appearance: the colour */
    size_t service_count;
    double first_ns;
    double width_ns;
    const json_t *path; /* the trace's */
};

static size_t colour_of(struct sheet *sheet, const char *service)
{
    size_t i = 0;

    while (i < sheet->service_count && strcmp(sheet->services[i], service) != 0)
        i++;
    if (i == sheet->service_count && i < SERVICES_MAX)
        sheet->services[sheet->service_count++] = service;
    return i % COLOURS;
}

static double percent(const struct sheet *sheet, double ns)
{
    double at = sheet->width_ns > 0 ? (ns - sheet->first_ns) / sheet->width_ns * 100 : 0;

    return at < 0 ? 0 : at > 100 ? 100 : at;
}

static void put_label(struct sheet *sheet, const json_t *span, size_t colour)
{
    struct rep_out *out = sheet->out;
    long long depth = rep_int(span, "depth");

    rep_put(out, "<div class=\"l\" title=\"");
    rep_put_html(out, rep_str(span, "name"));
    rep_put(out, " | ");
    rep_put_html(out,
                 rep_has(span, "instance") ? rep_str(span, "instance") : rep_str(span, "service"));
    rep_putf(out, " | %s | span ", rep_str(span, "kind"));
    rep_put_html(out, rep_str(span, "id"));
    rep_putf(out, "\" style=\"padding-left:%lldpx\"><i class=\"c%zu\"></i>",
             14 + 14 * (depth < DEPTH_MAX ? depth : DEPTH_MAX), colour);
    rep_put_html(out, rep_str(span, "name"));
    rep_put(out, "<span class=\"s\">");
    rep_put_html(out,
                 rep_has(span, "instance") ? rep_str(span, "instance") : rep_str(span, "service"));
    rep_put(out, "</span></div>");
}

/* Where the span is on the critical path; hatched where it is there without saying why. */
static void put_path(struct sheet *sheet, const json_t *span)
{
    for (size_t i = 0; i < json_array_size(sheet->path); i++) {
        const json_t *piece = json_array_get(sheet->path, i);
        double left = percent(sheet, rep_num(piece, "start_ns"));
        if (!rep_is(piece, "span", rep_str(span, "id")))
            continue;
        rep_putf(sheet->out, "<span class=\"k%s\" style=\"left:%.3f%%;width:%.3f%%\" title=\"",
                 rep_has(piece, "gap") ? " gap" : "", left,
                 percent(sheet, rep_num(piece, "end_ns")) - left);
        rep_putf(sheet->out, "critical path: %s",
                 rep_format_ns(rep_num(piece, "end_ns") - rep_num(piece, "start_ns")).text);
        if (rep_has(piece, "gap")) {
            rep_put(sheet->out, ", unexplained: ");
            rep_put_html(sheet->out, rep_str(piece, "gap"));
        }
        rep_put(sheet->out, "\"></span>");
    }
}

static void put_bar(struct sheet *sheet, const json_t *span, size_t colour)
{
    struct rep_out *out = sheet->out;
    const json_t *events = rep_get(span, "events");
    bool ghost = rep_has(span, "received") && !rep_true(span, "received");
    double left = percent(sheet, rep_num(span, "start_ns"));
    double right = percent(sheet, rep_num(span, "end_ns"));
    double length = rep_num(span, "end_ns") - rep_num(span, "start_ns");

    rep_putf(
        out,
        "<div class=\"t\"><span class=\"b c%zu%s%s\" style=\"left:%.3f%%;width:%.3f%%\"></span>",
        colour, ghost ? " ghost" : "", rep_is(span, "status", "error") ? " err" : "", left,
        right > left ? right - left : 0);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        rep_putf(out, "<span class=\"e\" style=\"left:%.3f%%\" title=\"",
                 percent(sheet, rep_num(event, "at_ns")));
        rep_put_html(out, rep_str(event, "name"));
        rep_put(out, "\"></span>");
    }
    put_path(sheet, span);
    rep_putf(out, "<span class=\"d\" style=\"left:%.3f%%\">%s</span></div>", right,
             length >= 0 ? rep_format_ns(length).text : "ends before it starts");
}

static void put_span(struct sheet *sheet, const json_t *span)
{
    size_t colour = colour_of(sheet, rep_str(span, "service"));

    rep_put(sheet->out, "<div class=\"r\">");
    put_label(sheet, span, colour);
    put_bar(sheet, span, colour);
    if (rep_has(span, "problem")) {
        rep_put(sheet->out, "<div class=\"p\">");
        rep_put_html(sheet->out, rep_str(span, "problem"));
        rep_put(sheet->out, "</div>");
    }
    rep_put(sheet->out, "</div>\n");
}

static void measure(struct sheet *sheet, const json_t *spans)
{
    double last = 0;

    for (size_t i = 0; i < json_array_size(spans); i++) {
        const json_t *span = json_array_get(spans, i);
        if (i == 0 || rep_num(span, "start_ns") < sheet->first_ns)
            sheet->first_ns = rep_num(span, "start_ns");
        if (i == 0 || rep_num(span, "end_ns") > last)
            last = rep_num(span, "end_ns");
    }
    sheet->width_ns = last - sheet->first_ns;
}

static void put_axis(struct sheet *sheet)
{
    rep_put(sheet->out, "<div class=\"axis\"><div>span</div><div class=\"x\">");
    for (int i = 0; i <= 4; i++)
        rep_putf(sheet->out, "<span>%s</span>",
                 i ? rep_format_ns(sheet->width_ns * i / 4).text : "0");
    rep_put(sheet->out, "</div></div>\n");
}

static void put_trace(struct rep_out *out, const json_t *trace)
{
    const json_t *spans = rep_get(trace, "spans");
    size_t count = json_array_size(spans);
    struct sheet sheet = {.out = out, .path = rep_get(trace, "path")};

    measure(&sheet, spans);
    rep_putf(out, "<h3>%s",
             rep_is(trace, "kind", "slowest")   ? "The slowest: "
             : rep_is(trace, "kind", "failing") ? "One with a problem: "
             : rep_is(trace, "kind", "typical") ? "A typical one: "
                                                : "");
    rep_put_html(out, rep_str(trace, "title"));
    rep_put(out, "</h3>\n<p class=\"lead\">");
    rep_put_html(out, rep_str(trace, "why"));
    rep_putf(out,
             " <code>%s</code>%s%s%s</p>\n"
             "<div class=\"card\"><div class=\"scroll\"><div class=\"wf\">\n",
             rep_str(trace, "trace_id"), rep_has(trace, "unexplained_ns") ? "; " : "",
             rep_has(trace, "unexplained_ns")
                 ? rep_format_ns(rep_num(trace, "unexplained_ns")).text
                 : "",
             rep_has(trace, "unexplained_ns") ? " of its critical path unexplained" : "");
    put_axis(&sheet);
    for (size_t i = 0; i < count && i < ROWS_MAX; i++)
        put_span(&sheet, json_array_get(spans, i));
    rep_put(out, "</div></div>");
    if (rep_int(trace, "spans_total") > (long long)(count < ROWS_MAX ? count : ROWS_MAX))
        rep_putf(out, "<p class=\"missing\">The first %zu of %s spans.</p>",
                 count < ROWS_MAX ? count : (size_t)ROWS_MAX,
                 rep_format_count(rep_int(trace, "spans_total")).text);
    rep_put(out, "</div>\n");
}

void rep_html_waterfalls(struct rep_out *out, const json_t *root)
{
    const json_t *traces = rep_get(root, "exemplar_traces");

    if (json_array_size(traces) == 0)
        return;
    rep_html_section(
        out, "traces", "Traces to look at",
        "Colours are services. A hatched bar is a span that was started and never "
        "received, drawn from the ledger; a bar with a red frame ended in error; a mark on "
        "a bar is an event. The line below a bar is the critical path; hatched where no span says "
        "what happened.");
    for (size_t i = 0; i < json_array_size(traces); i++)
        put_trace(out, json_array_get(traces, i));
    rep_html_section_end(out);
}
