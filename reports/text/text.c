/* SPDX-License-Identifier: Apache-2.0 */
/* text: what a person wants on the terminal when a run ends. What failed comes first. */
#include <string.h>

#include "reports/format.h"
#include "reports/formats.h"
#include "reports/model.h"
#include "reports/words.h"

enum {
    EVIDENCE_ROWS = 3,
    EVENT_ROWS = 20,
    ARM_COLUMNS = 26,
    NAME_MIN = 16,
    NAME_MAX = 72
};

struct page {
    struct rep_out *out;
    const struct rep_render_options *options;
};

static void colour(const struct page *page, const char *code)
{
    if (page->options->colour)
        rep_putf(page->out, "\033[%sm", code);
}

static const char *colour_of(const char *verdict)
{
    if (strcmp(verdict, "pass") == 0)
        return "1;32";
    return strcmp(verdict, "fail") == 0 ? "1;31" : "1;33";
}

static void put_verdict(const struct page *page, const char *verdict, size_t columns)
{
    colour(page, colour_of(verdict));
    rep_put_column(page->out, rep_verdict_word(verdict), columns);
    colour(page, "0");
}

static void put_line(const struct page *page, const char *label, const char *text)
{
    rep_put(page->out, "      ");
    colour(page, "2");
    rep_put(page->out, label);
    colour(page, "0");
    rep_put_plain(page->out, text);
    rep_put(page->out, "\n");
}

static void put_evidence(const struct page *page, const json_t *item, bool first)
{
    const char *where = rep_has(item, "edge") ? rep_str(item, "edge") : rep_str(item, "service");

    rep_put(page->out, "      ");
    colour(page, "2");
    rep_put(page->out, first ? "evidence  " : "          ");
    colour(page, "0");
    rep_put_plain(page->out, rep_str(item, "text"));
    if (*where != '\0' && strstr(rep_str(item, "text"), where) == NULL) {
        rep_put(page->out, "; ");
        rep_put_plain(page->out, where);
    }
    if (rep_has(item, "trace_id"))
        rep_putf(page->out, "; trace %s", rep_str(item, "trace_id"));
    rep_put(page->out, "\n");
}

static void put_row(const struct page *page, const json_t *row, const char *title_key)
{
    const json_t *evidence = rep_get(row, "evidence");
    size_t count = json_array_size(evidence);

    rep_put(page->out, "  ");
    put_verdict(page, rep_str(row, "verdict"), strlen(rep_verdict_word(rep_str(row, "verdict"))));
    rep_put(page->out, "  ");
    rep_put_plain(page->out, rep_str(row, title_key));
    rep_put(page->out, "\n");
    put_line(page, "expected  ", rep_str(row, "expected"));
    put_line(page, "observed  ", rep_str(row, "observed"));
    if (rep_has(row, "reason"))
        put_line(page, "because   ", rep_str(row, "reason"));
    for (size_t i = 0; i < count && i < EVIDENCE_ROWS; i++)
        put_evidence(page, json_array_get(evidence, i), i == 0);
    if (rep_int(row, "evidence_total") > EVIDENCE_ROWS) {
        rep_putf(page->out, "                %s in all\n",
                 rep_format_count(rep_int(row, "evidence_total")).text);
    }
}

static void put_rows(const struct page *page, const json_t *root, const char *verdict)
{
    static const struct rep_word sets[] = {{"checks", "title", NULL}, /* the causes */
                                           {"expectations", "text", NULL}};

    for (size_t s = 0; s < 2; s++) {
        const json_t *rows = rep_get(root, sets[s].key);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const json_t *row = json_array_get(rows, i);
            if (rep_is(row, "verdict", verdict)) {
                rep_put(page->out, "\n");
                put_row(page, row, sets[s].title);
            }
        }
    }
}

/* Claims one by one; of the checks that passed only how many. */
static void put_passed(const struct page *page, const json_t *root)
{
    const json_t *claims = rep_get(root, "expectations");
    size_t checks = rep_count_of(rep_get(root, "checks"), "verdict", "pass");

    rep_put(page->out, "\n");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *row = json_array_get(claims, i);
        if (!rep_is(row, "verdict", "pass"))
            continue;
        rep_put(page->out, "  ");
        put_verdict(page, "pass", 6);
        rep_put_plain(page->out, rep_str(row, "text"));
        rep_put(page->out, "\n");
    }
    if (checks == 0)
        return;
    rep_put(page->out, "  ");
    put_verdict(page, "pass", 6);
    rep_putf(page->out, "%zu checks of %zu\n", checks, json_array_size(rep_get(root, "checks")));
}

static void put_load(const struct page *page, const json_t *root)
{
    const json_t *load = rep_get(root, "load");
    const json_t *latency = rep_get(load, "latency");
    struct rep_out *out = page->out;
    char pauses[REP_PAUSES];

    rep_putf(out, "\n  requests   %s", rep_format_count(rep_int(load, "requests")).text);
    rep_putf(out, ", %s/s asked", rep_format_number(rep_num(load, "rate_asked")).text);
    rep_putf(out, ", %s/s achieved\n", rep_format_number(rep_num(load, "rate_achieved")).text);
    if (rep_true(load, "generator_limited"))
        rep_putf(out, "             %s: %s\n", rep_untimely, rep_untimely_note);
    if (rep_has(load, "generator_limited_by")) {
        rep_put(out, "             ");
        rep_put_plain(out, rep_str(load, "generator_limited_by"));
        rep_put(out, "\n");
    }
    if (*rep_pauses(load, pauses, sizeof(pauses)) != '\0')
        rep_putf(out, "             %s\n", pauses);
    if (rep_int(latency, "count") == 0) {
        rep_put(out, "  response   no request was measured\n");
        return;
    }
    rep_putf(out, "  response   p50 %s", rep_latency_text(latency, "p50").text);
    rep_putf(out, "   p90 %s", rep_latency_text(latency, "p90").text);
    rep_putf(out, "   p99 %s", rep_latency_text(latency, "p99").text);
    rep_putf(out, "   p99.9 %s", rep_latency_text(latency, "p999").text);
    rep_putf(out, "   max %s%s\n", rep_format_ns(rep_num(latency, "max")).text,
             rep_has(latency, "p999") ? "" : "   (n/a: too few samples)");
}

static void put_books(const struct page *page, const json_t *root)
{
    const json_t *spans = rep_get(root, "spans");
    const json_t *traces = rep_get(root, "traces");
    struct rep_out *out = page->out;
    const char *reason;
    json_t *count;

    rep_putf(out, "  spans      %s started", rep_format_count(rep_int(spans, "started")).text);
    rep_putf(out, " = %s accounted:", rep_format_count(rep_int(spans, "accounted")).text);
    for (const struct rep_word *term = rep_book_terms; term->key != NULL; term++) {
        if (json_is_object(rep_get(spans, term->key)) || rep_int(spans, term->key) == 0 ||
            strcmp(term->key, "lost_unexplained") == 0)
            continue;
        rep_putf(out, " %s %s,", rep_format_count(rep_int(spans, term->key)).text, term->title);
    }
    json_object_foreach((json_t *)rep_get(spans, "lost"), reason, count)
    {
        rep_putf(out, " %s lost: ", rep_format_count(json_integer_value(count)).text);
        rep_put_plain(out, rep_lost_word(reason) ? rep_lost_word(reason)->title : reason);
        rep_put(out, ",");
    }
    rep_putf(out, " %s unexplained\n", rep_format_count(rep_int(spans, "lost_unexplained")).text);
    if (rep_has(spans, REP_COUNTED_KEY))
        rep_putf(out, "             %s %s\n",
                 rep_format_count(rep_int(spans, REP_COUNTED_KEY)).text,
                 rep_counted_title);
    rep_putf(out, "  traces     %s expected", rep_format_count(rep_int(traces, "expected")).text);
    for (const struct rep_word *row = rep_trace_rows + 1; row->key != NULL; row++)
        if (rep_has(traces, row->key))
            rep_putf(out, ", %s %s", rep_format_count(rep_int(traces, row->key)).text, row->title);
    rep_put(out, "\n");
}

static void put_ns(struct rep_out *out, const json_t *edge, const char *key)
{
    bool measured = rep_has(edge, "max_ns") || rep_has(edge, key);

    rep_put_right(out, measured ? rep_latency_text(edge, key).text : "-", 10);
}

static void put_edge(const struct page *page, const json_t *edge, size_t columns)
{
    struct rep_out *out = page->out;
    struct rep_out title;
    bool broken = rep_int(edge, "broken") > 0;

    rep_out_init(&title);
    rep_put_plain(&title, rep_str(edge, "from"));
    rep_put(&title, " -> ");
    rep_put_plain(&title, rep_str(edge, "to"));
    rep_put(out, "  ");
    rep_put_column(out, title.buf.data ? title.buf.data : "", columns);
    if (out->err == OTEL_OK)
        out->err = title.err;
    rep_out_fini(&title);
    rep_put_right(out, rep_format_count(rep_int(edge, "calls")).text, 12);
    if (broken)
        colour(page, "1;31");
    rep_put_right(out, rep_format_count(rep_int(edge, "broken")).text, 10);
    if (broken)
        colour(page, "0");
    put_ns(out, edge, "p50_ns");
    put_ns(out, edge, "p99_ns");
    rep_put(out, "\n");
}

static void put_broker(const struct page *page, const json_t *broker)
{
    if (!rep_has(broker, "note"))
        return;
    rep_put(page->out, "  broker     ");
    rep_put_plain(page->out, rep_str(broker, "note"));
    rep_put(page->out, "\n");
}

static void put_namer(const struct page *page, const json_t *namer)
{
    const json_t *blind = rep_get(namer, "without_instance_id");

    if (namer == NULL)
        return;
    rep_put(page->out, "  stands out ");
    if (rep_has(namer, "instance")) {
        rep_put_plain(page->out, rep_str(namer, "instance"));
        rep_putf(page->out, ", named %s after the first span and %s after the first symptom",
                 rep_format_seconds(rep_num(namer, "after_s")).text,
                 rep_format_seconds(rep_num(namer, "named_after_symptom_s")).text);
    } else {
        rep_put(page->out, "no instance");
    }
    rep_put(page->out, ": ");
    rep_put_plain(page->out, rep_str(namer, "reason"));
    rep_put(page->out, "\n");
    if (rep_has(namer, "instance") && rep_has(blind, "reason")) {
        rep_put(page->out, "             without service.instance.id: ");
        rep_put_plain(page->out, rep_str(blind, "reason"));
        rep_put(page->out, "\n");
    }
}

static void put_path(const struct page *page, const json_t *path)
{
    if (path == NULL)
        return;
    rep_put(page->out, "  slow for   ");
    if (rep_true(path, "named")) {
        rep_put_plain(page->out, rep_str(path, "service"));
        rep_put(page->out, " ");
        rep_put_plain(page->out, rep_has(path, "statement") ? rep_str(path, "statement")
                                                            : rep_str(path, "name"));
        rep_putf(page->out, "%s, named %s after the first span",
                 rep_has(path, "gap") ? " (a gap)" : "",
                 rep_format_seconds(rep_num(path, "after_s")).text);
    } else {
        rep_put(page->out, "no operation");
    }
    rep_put(page->out, ": ");
    rep_put_plain(page->out, rep_str(path, "reason"));
    rep_putf(page->out, "; unexplained: %s of a typical trace",
             rep_format_ns(rep_num(rep_get(path, "typical"), "unexplained_ns")).text);
    if (rep_int(rep_get(path, "slow"), "count") > 0)
        rep_putf(page->out, ", %s of a slow one",
                 rep_format_ns(rep_num(rep_get(path, "slow"), "unexplained_ns")).text);
    rep_put(page->out, "\n");
}

static void put_edges(const struct page *page, const json_t *root)
{
    const json_t *edges = rep_get(root, "edges");
    size_t columns = page->options->columns - 44;
    struct rep_out *out = page->out;

    if (json_array_size(edges) == 0)
        return;
    columns = columns > NAME_MAX ? NAME_MAX : columns < NAME_MIN ? NAME_MIN : columns;
    rep_put(out, "\n  ");
    colour(page, "2");
    rep_put_column(out, "edge", columns);
    rep_put(out, "       calls    broken       p50       p99");
    colour(page, "0");
    rep_put(out, "\n");
    for (size_t i = 0; i < json_array_size(edges); i++)
        put_edge(page, json_array_get(edges, i), columns);
}

static void put_events(const struct page *page, const json_t *root)
{
    const json_t *events = rep_get(root, "events");
    size_t rows = 0;

    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        if (rep_repeats_event(events, i) || rows++ >= EVENT_ROWS)
            continue;
        rep_putf(page->out, "%s%8.2f s", rows > 1 ? "             " : "\n  events     ",
                 rep_num(event, "at_s"));
        if (rep_has(event, "until_s"))
            rep_putf(page->out, " to %.2f s", rep_num(event, "until_s"));
        rep_put(page->out, "  ");
        rep_put_plain(page->out, rep_str(event, "text"));
        if (rep_int(event, "requests") > 0)
            rep_putf(page->out, ": %s requests hit",
                     rep_format_count(rep_int(event, "requests")).text);
        rep_put(page->out, "\n");
    }
    if (rows > EVENT_ROWS)
        rep_putf(page->out, "             %zu more in report.html\n", rows - EVENT_ROWS);
}

static void put_arms(const struct page *page, const json_t *overhead)
{
    struct rep_out *out = page->out;
    size_t index;
    json_t *row;

    json_array_foreach(rep_get(overhead, "arms"), index, row) {
        if (!rep_has(row, "disqualified"))
            continue;
        rep_putf(out, "  not compared at %s: ",
                 rep_is(row, "load", "held") ? "the held rate" : "saturation");
        rep_put_plain(out, rep_str(row, "title"));
        rep_put(out, ", ");
        rep_put_plain(out, rep_str(row, "disqualified"));
        rep_put(out, "\n");
    }
    json_array_foreach(rep_get(overhead, "arms"), index, row) {
        if (!rep_has(row, "bytes_per_span"))
            continue;
        rep_putf(out, "  on the wire at %s: ",
                 rep_is(row, "load", "held") ? "the held rate" : "saturation");
        rep_put_plain(out, rep_str(row, "title"));
        rep_putf(out,
                 ", %.0f bytes a span, %.0f spans an export, the exporter's thread %s a span\n",
                 rep_num(row, "bytes_per_span"), rep_num(row, "spans_per_export"),
                 rep_format_ns(rep_num(row, "exporter_cpu_ns_per_span")).text);
    }
}

static void put_instructions(const struct page *page, const json_t *overhead)
{
    struct rep_out *out = page->out;
    size_t index;
    json_t *row;

    json_array_foreach(rep_get(overhead, "instructions"), index, row) {
        if (index == 0)
            rep_put(out, "\n  instructions a request, application's thread (callgrind)\n");
        rep_put(out, "    ");
        rep_put_column(out, rep_str(row, "title"), ARM_COLUMNS);
        rep_put(out, "  ");
        rep_put_plain(out, rep_str(row, "text"));
        rep_put(out, "\n");
    }
}

static void put_overhead(const struct page *page, const json_t *root)
{
    const json_t *overhead = rep_get(root, "overhead");
    struct rep_out *out = page->out;
    const char *title = "", *load = "";
    size_t index;
    json_t *row;

    json_array_foreach(rep_get(overhead, "rows"), index, row) {
        if (strcmp(title, rep_str(row, "title")) != 0 || strcmp(load, rep_str(row, "load")) != 0) {
            title = rep_str(row, "title");
            load = rep_str(row, "load");
            rep_put(out, "\n  ");
            colour(page, "2");
            rep_putf(out, "overhead at %s: ",
                     strcmp(load, "held") == 0 ? "the held rate" : "saturation");
            rep_put_plain(out, title);
            colour(page, "0");
            rep_put(out, "\n");
        }
        rep_put(out, "    ");
        rep_put_column(out, rep_str(row, "arm_title"), ARM_COLUMNS);
        rep_put(out, "  ");
        rep_put_plain(out, rep_str(row, "text"));
        rep_put(out, "\n");
    }
    if (overhead != NULL)
        rep_put(out, "\n");
    put_arms(page, overhead);
    put_instructions(page, overhead);
    if (rep_has(overhead, "ledger_ns_per_request"))
        rep_putf(out, "  the harness's own ledger, in all arms: %s a request\n",
                 rep_format_ns(rep_num(overhead, "ledger_ns_per_request")).text);
}

void rep_render_text(const struct rep_model *model, const struct rep_plots *plots,
                     const struct rep_render_options *options, struct rep_out *out)
{
    const struct page page = {out, options};
    const json_t *root = model->root;
    const char *verdict = rep_str(root, "verdict");

    (void)plots;
    put_verdict(&page, verdict, strlen(rep_verdict_word(verdict)));
    rep_put(out, "  ");
    rep_put_plain(out, rep_str(rep_get(root, "scenario"), "name"));
    rep_put(out, ": ");
    rep_put_plain(out, rep_str(root, "reason"));
    rep_put(out, "\n");
    put_rows(&page, root, "fail");
    put_rows(&page, root, "inconclusive");
    put_passed(&page, root);
    put_load(&page, root);
    put_books(&page, root);
    put_broker(&page, rep_get(root, "broker"));
    put_namer(&page, rep_get(root, "namer"));
    put_path(&page, rep_get(root, "critical_path"));
    put_edges(&page, root);
    put_events(&page, root);
    put_overhead(&page, root);
    if (rep_has(root, "reproduce")) {
        rep_put(out, "\n  again      ");
        rep_put_plain(out, rep_str(root, "reproduce"));
        rep_put(out, "\n");
    }
}
