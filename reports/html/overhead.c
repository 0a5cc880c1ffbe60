/* SPDX-License-Identifier: Apache-2.0 */
/* What tracing costs: one strip of dots a figure, an arm a line. */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"

enum { WIDTH = 720, LABELS = 190, LINE = 30, TOP = 10, BOTTOM = 34, RIGHT = 20, FAR = 8 };

static const struct rep_column arm_columns[] = {
    {"title", "arm", "text", NULL},
    {"load", "load", "text", NULL},
    {"requests", "requests", "number", NULL},
    {"spans_per_request", "spans a request", "number", NULL},
    {"bytes_per_span", "bytes a span", "number", NULL},
    {"app_cpu_ns_per_request", "application CPU a request", "ns", NULL},
    {"exporter_cpu_ns_per_request", "exporter CPU a request", "ns", NULL},
    {"exporter_cpu_ns_per_span", "exporter CPU a span", "ns", NULL},
    {"spans_per_export", "spans an export", "number", NULL},
    {"queue_high_water", "queue, at most", "number", NULL},
    {"request_p50_ns", "p50", "ns", NULL},
    {"request_p99_ns", "p99", "ns", NULL},
    {"rss_anon_bytes", "own memory", "bytes", NULL},
    {"rss_mapped_bytes", "mapped files", "bytes", NULL},
    {"rss_ledger_bytes", "of them ledger", "bytes", NULL},
    {"rss_peak_bytes", "peak of all memory", "bytes", NULL},
    {"dropped", "dropped", "number", NULL},
    {"failed", "failed", "number", NULL},
    {"blocks", "blocks", "number", NULL},
    {"disqualified", "not compared: why", "text", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct rep_column row_columns[] = {
    {"arm_title", "arm", "text", NULL},
    {"load", "load", "text", NULL},
    {"title", "figure", "text", NULL},
    {"text", "difference to no tracing", "text", NULL},
    {"per_span", "a span", "ns", NULL},
    {"p", "p", "number", NULL},
    {"blocks", "blocks", "count", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct rep_column instruction_columns[] = {
    {"title", "arm", "text", NULL},
    {"app_per_request", "application a request", "number", NULL},
    {"exporter_per_request", "other threads a request", "number", NULL},
    {"text", "difference to no tracing (application)", "text", NULL},
    {NULL, NULL, NULL, NULL},
};

struct strip {
    const json_t *rows; /* all of them */
    const json_t *first;
    double low, high;
    double limit; /* an arm that reaches farther is told in words: it would squeeze the others */
    size_t lines;
};

static bool belongs(const struct strip *strip, const json_t *row)
{
    return rep_is(row, "figure", rep_str(strip->first, "figure")) &&
           rep_is(row, "load", rep_str(strip->first, "load"));
}

static void widen(struct strip *strip, double value)
{
    strip->low = value < strip->low ? value : strip->low;
    strip->high = value > strip->high ? value : strip->high;
}

static double away(double value)
{
    return value < 0 ? -value : value;
}

static double reach(const json_t *row)
{
    double low = away(rep_num(row, "low")), high = away(rep_num(row, "high"));

    return low > high ? low : high;
}

/* FAR times the reach of the second farthest of three arms or more. */
static void set_limit(struct strip *strip)
{
    double first = 0, second = 0;
    size_t index, arms = 0;
    json_t *row;

    json_array_foreach(strip->rows, index, row) {
        double own = belongs(strip, row) ? reach(row) : 0;
        arms += belongs(strip, row);
        if (own > first) {
            second = first;
            first = own;
        } else if (own > second) {
            second = own;
        }
    }
    strip->limit = arms > 2 && second > 0 ? FAR * second : first;
}

static void measure(struct strip *strip)
{
    size_t index, at;
    json_t *row, *point;

    set_limit(strip);
    json_array_foreach(strip->rows, index, row) {
        if (!belongs(strip, row))
            continue;
        strip->lines++;
        if (reach(row) > strip->limit)
            continue;
        widen(strip, rep_num(row, "low"));
        widen(strip, rep_num(row, "high"));
        json_array_foreach(rep_get(row, "points"), at, point)
            widen(strip, json_number_value(point));
    }
    if (!(strip->high > strip->low))
        strip->high = strip->low + 1;
}

static double place(const struct strip *strip, double value)
{
    return LABELS + (value - strip->low) / (strip->high - strip->low) * (WIDTH - LABELS - RIGHT);
}

/* The band of the two arms that are the same. */
static void put_band(struct rep_out *out, const struct strip *strip, int height)
{
    double floor = rep_num(strip->first, "smallest_seen");
    double from, to;

    if (!rep_is(strip->first, "arm", "none_again"))
        return;
    from = place(strip, -floor > strip->low ? -floor : strip->low);
    to = place(strip, floor < strip->high ? floor : strip->high);
    rep_putf(out,
             "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#98a2b3\" "
             "fill-opacity=\".25\"/>",
             from, TOP, to - from, height - TOP - BOTTOM);
}

static void put_line(struct rep_out *out, const struct strip *strip, const json_t *row, int y)
{
    const char *colour = rep_true(row, "detected") ? "#e4572e" : "#667085";
    size_t at;
    json_t *point;

    rep_putf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"currentColor\" "
                  "font-size=\"12\">", LABELS - 10, y + 4);
    rep_put_html(out, rep_str(row, "arm_title"));
    rep_put(out, "</text>");
    if (reach(row) > strip->limit) {
        rep_putf(out,
                 "<text x=\"%.1f\" y=\"%d\" fill=\"%s\" font-size=\"12\">beyond this scale: %s%s"
                 "</text>",
                 place(strip, 0) + 10, y + 4, colour, rep_num(row, "difference") < 0 ? "" : "+",
                 rep_format_unit(rep_num(row, "difference"), rep_str(row, "unit")).text);
        return;
    }
    json_array_foreach(rep_get(row, "points"), at, point)
        rep_putf(out,
                 "<circle cx=\"%.1f\" cy=\"%d\" r=\"3\" fill=\"#2563eb\" fill-opacity=\".45\"/>",
                 place(strip, json_number_value(point)), y - 5);
    rep_putf(out,
             "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"3\"/>"
             "<circle cx=\"%.1f\" cy=\"%d\" r=\"4.5\" fill=\"%s\"/>",
             place(strip, rep_num(row, "low")), place(strip, rep_num(row, "high")), y + 5, y + 5,
             colour, place(strip, rep_num(row, "difference")), y + 5, colour);
}

static void put_scale(struct rep_out *out, const struct strip *strip, int height)
{
    const char *unit = rep_str(strip->first, "unit");
    const double ends[2] = {strip->low, strip->high};
    double zero = place(strip, 0);

    rep_putf(out,
             "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"currentColor\" "
             "stroke-width=\"1\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" "
             "fill=\"currentColor\" font-size=\"11\">0</text>",
             zero, zero, TOP, height - BOTTOM, zero, height - BOTTOM + 14);
    for (int i = 0; i < 2; i++)
        rep_putf(out,
                 "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\" fill=\"currentColor\" "
                 "font-size=\"11\">%s%s</text>",
                 place(strip, ends[i]), height - BOTTOM + 28, i ? "end" : "start",
                 ends[i] < 0 ? "\xe2\x88\x92" : "+",
                 rep_format_unit(ends[i] < 0 ? -ends[i] : ends[i], unit).text);
}

static void put_strip(struct rep_out *out, const json_t *rows, const json_t *first)
{
    struct strip strip = {.rows = rows, .first = first, .low = 0, .high = 0};
    int height, y = TOP + LINE / 2;
    size_t index;
    json_t *row;

    measure(&strip);
    height = TOP + BOTTOM + LINE * (int)strip.lines;
    rep_put(out, "<h3>");
    rep_put_html(out, rep_str(first, "title"));
    rep_putf(out, ", %s</h3>\n<div class=\"card pad\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
                  "aria-label=\"differences to no tracing, block by block; the table has them\" "
                  "style=\"width:100%%;max-width:%dpx\">",
             rep_is(first, "load", "held") ? "at the held rate" : "at saturation", WIDTH, height,
             WIDTH);
    put_band(out, &strip, height);
    put_scale(out, &strip, height);
    json_array_foreach(rows, index, row) {
        if (!belongs(&strip, row))
            continue;
        put_line(out, &strip, row, y);
        y += LINE;
    }
    rep_put(out, "</svg></div>\n");
}

static bool begins(const json_t *rows, size_t index)
{
    const json_t *row = json_array_get(rows, index), *before;

    if (index == 0)
        return true;
    before = json_array_get(rows, index - 1);
    return !rep_is(row, "figure", rep_str(before, "figure")) ||
           !rep_is(row, "load", rep_str(before, "load"));
}

/* Where no difference was detected a span costs none either that could be told. */
static void put_differences(struct rep_out *out, const json_t *rows)
{
    json_t *copies = json_array(), *row;
    size_t index;

    json_array_foreach(rows, index, row) {
        json_t *copy = json_copy(row);
        if (!rep_true(row, "detected"))
            json_object_del(copy, "per_span");
        if (json_array_append_new(copies, copy) != 0)
            out->err = out->err ? out->err : OTEL_ERR_MEMORY;
    }
    rep_put(out, "<h3>Differences</h3>\n");
    rep_html_table(out, copies, row_columns);
    json_decref(copies);
}

void rep_html_overhead(struct rep_out *out, const json_t *root)
{
    const json_t *overhead = rep_get(root, "overhead");
    const json_t *rows = rep_get(overhead, "rows");

    if (overhead == NULL)
        return;
    rep_html_section(out, "overhead", "What tracing adds",
                     "The same requests without tracing and with it, each arm once in a block, in "
                     "an order of its own. A dot is one block's difference to no tracing, the bar "
                     "the 95 % interval of their middle. Grey: what two arms without tracing "
                     "differ by; nothing smaller counts as a difference. Own memory is the "
                     "services' anonymous part: the ledger is among the mapped files.");
    rep_putf(out, "<p class=\"lead\">%lld blocks, slices of %s",
             rep_int(overhead, "blocks"), rep_format_seconds(rep_num(overhead, "slice_s")).text);
    rep_putf(out, ", held rate %s requests a second",
             rep_format_number(rep_num(overhead, "held_rate")).text);
    if (rep_has(overhead, "ledger_ns_per_request"))
        rep_putf(out, ". The harness's own ledger, in all arms alike, costs %s a request "
                      "(measured in a loop)",
                 rep_format_ns(rep_num(overhead, "ledger_ns_per_request")).text);
    rep_put(out, ".</p>\n");
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (begins(rows, i))
            put_strip(out, rows, json_array_get(rows, i));
    put_differences(out, rows);
    rep_put(out, "<h3>Arms</h3>\n");
    rep_html_table(out, rep_get(overhead, "arms"), arm_columns);
    if (json_array_size(rep_get(overhead, "instructions")) > 0) {
        rep_put(out, "<h3>Instructions</h3>\n<p class=\"lead\">Counted under callgrind, in runs of "
                     "their own; the kernel's are not seen.</p>\n");
        rep_html_table(out, rep_get(overhead, "instructions"), instruction_columns);
    }
    rep_html_section_end(out);
}
