/* SPDX-License-Identifier: Apache-2.0 */
/* markdown: the summary of a CI job. No pictures: summaries are limited to about 1 MiB. */
#include "reports/format.h"
#include "reports/formats.h"
#include "reports/model.h"
#include "reports/words.h"

enum { EVIDENCE_ROWS = 5, EDGE_ROWS = 50 };

static void put_evidence(struct rep_out *out, const json_t *row)
{
    const json_t *evidence = rep_get(row, "evidence");

    for (size_t i = 0; i < json_array_size(evidence) && i < EVIDENCE_ROWS; i++) {
        const json_t *item = json_array_get(evidence, i);
        rep_put(out, "  - ");
        rep_put_md(out, rep_str(item, "text"));
        if (rep_has(item, "trace_id"))
            rep_putf(out, " (trace `%s`)", rep_str(item, "trace_id"));
        rep_put(out, "\n");
    }
    if (rep_int(row, "evidence_total") > EVIDENCE_ROWS)
        rep_putf(out, "  - %s in all\n", rep_format_count(rep_int(row, "evidence_total")).text);
}

/* Rows of one verdict; returns how many. */
static size_t put_rows(struct rep_out *out, const json_t *rows, const char *verdict,
                       const char *title_key)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!rep_is(row, "verdict", verdict))
            continue;
        rep_put(out, "- **");
        rep_put_md(out, rep_str(row, title_key));
        rep_put(out, "**: expected ");
        rep_put_md(out, rep_str(row, "expected"));
        rep_put(out, "; observed ");
        rep_put_md(out, rep_str(row, "observed"));
        if (rep_has(row, "reason")) {
            rep_put(out, " (");
            rep_put_md(out, rep_str(row, "reason"));
            rep_put(out, ")");
        }
        rep_put(out, "\n");
        put_evidence(out, row);
        count++;
    }
    return count;
}

static void put_verdicts(struct rep_out *out, const json_t *root, const char *verdict,
                         const char *heading)
{
    const json_t *checks = rep_get(root, "checks");
    const json_t *claims = rep_get(root, "expectations");

    if (rep_count_of(checks, "verdict", verdict) + rep_count_of(claims, "verdict", verdict) == 0)
        return;
    rep_putf(out, "\n## %s\n\n", heading);
    put_rows(out, checks, verdict, "title"); /* the causes */
    put_rows(out, claims, verdict, "text");
}

static void put_table(struct rep_out *out, const json_t *root)
{
    const json_t *sets[2] = {rep_get(root, "expectations"), rep_get(root, "checks")};

    rep_put(out, "\n## Claims and checks\n\n| verdict | what | observed |\n|---|---|---|\n");
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < json_array_size(sets[s]); i++) {
            const json_t *row = json_array_get(sets[s], i);
            rep_putf(out, "| %s | ", rep_verdict_word(rep_str(row, "verdict")));
            rep_put_md(out, rep_str(row, s ? "title" : "text"));
            rep_put(out, " | ");
            rep_put_md(out, rep_str(row, "observed"));
            rep_put(out, " |\n");
        }
    }
}

static void put_books(struct rep_out *out, const json_t *root)
{
    const json_t *spans = rep_get(root, "spans");
    const char *reason;
    json_t *count;

    rep_put(out, "\n## Span books\n\n| | spans |\n|---|---:|\n");
    for (const struct rep_word *term = rep_book_terms; term->key != NULL; term++) {
        if (json_is_object(rep_get(spans, term->key)))
            continue;
        rep_putf(out, "| %s | %s |\n", term->title,
                 rep_format_count(rep_int(spans, term->key)).text);
    }
    json_object_foreach((json_t *)rep_get(spans, "lost"), reason, count)
    {
        rep_put(out, "| lost: ");
        rep_put_md(out, rep_lost_word(reason) ? rep_lost_word(reason)->title : reason);
        rep_putf(out, " | %s |\n", rep_format_count(json_integer_value(count)).text);
    }
    rep_putf(out, "| **sum** | **%s** |\n", rep_format_count(rep_int(spans, "accounted")).text);
    rep_putf(out, "| **started** | **%s** |\n", rep_format_count(rep_int(spans, "started")).text);
    if (rep_has(spans, REP_COUNTED_KEY))
        rep_putf(out, "| %s | %s |\n", rep_counted_title,
                 rep_format_count(rep_int(spans, REP_COUNTED_KEY)).text);
}

static void put_load(struct rep_out *out, const json_t *root)
{
    const json_t *load = rep_get(root, "load");
    char pauses[REP_PAUSES];

    rep_putf(out, "\n## Load\n\n%s requests measured, ",
             rep_format_count(rep_int(load, "requests")).text);
    rep_putf(out, "%s/s asked, ", rep_format_number(rep_num(load, "rate_asked")).text);
    rep_putf(out, "%s/s achieved.\n\n", rep_format_number(rep_num(load, "rate_achieved")).text);
    if (rep_true(load, "generator_limited")) {
        rep_putf(out, "**%s**: %s%s", rep_untimely, rep_untimely_note,
                 rep_has(load, "generator_limited_by") ? ": " : "");
        rep_put_md(out, rep_str(load, "generator_limited_by"));
        rep_put(out, ".\n\n");
    }
    if (*rep_pauses(load, pauses, sizeof(pauses)) != '\0')
        rep_putf(out, "**Stood still**: %s.\n\n", pauses);
    if (rep_int(rep_get(load, "latency"), "count") == 0)
        return;
    rep_put(out, "| | p50 | p90 | p99 | p99.9 | max |\n|---|---:|---:|---:|---:|---:|\n");
    for (const struct rep_word *kind = rep_latency_kinds; kind->key != NULL; kind++) {
        static const char *const keys[] = {"p50", "p90", "p99", "p999", "max"};
        const json_t *latency = rep_get(load, kind->key);
        if (latency == NULL)
            continue;
        rep_putf(out, "| %s |", kind->title);
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            rep_putf(out, " %s |", rep_latency_text(latency, keys[i]).text);
        rep_put(out, "\n");
    }
    if (!rep_has(rep_get(load, "latency"), "p999"))
        rep_put(out, "\nn/a: too few samples, fewer than 10 lie beyond it.\n");
}

static void put_latency(struct rep_out *out, const json_t *edge, const char *key)
{
    bool measured = rep_has(edge, "max_ns") || rep_has(edge, key);

    rep_putf(out, " %s |", measured ? rep_latency_text(edge, key).text : "");
}

static void put_edges(struct rep_out *out, const json_t *root)
{
    const json_t *edges = rep_get(root, "edges");
    size_t count = json_array_size(edges);

    if (count == 0)
        return;
    rep_put(out,
            "\n## Edges\n\n| from | to | kind | calls | complete | broken | errors | p50 | p99 |\n"
            "|---|---|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count && i < EDGE_ROWS; i++) {
        const json_t *edge = json_array_get(edges, i);
        static const char *const keys[] = {"calls", "complete", "broken", "errors"};
        rep_put(out, "| ");
        rep_put_md(out, rep_str(edge, "from"));
        rep_put(out, " | ");
        rep_put_md(out, rep_str(edge, "to"));
        rep_putf(out, " | %s |", rep_str(edge, "kind"));
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            rep_putf(out, " %s |", rep_format_count(rep_int(edge, keys[k])).text);
        put_latency(out, edge, "p50_ns");
        put_latency(out, edge, "p99_ns");
        rep_put(out, "\n");
    }
    if (count > EDGE_ROWS)
        rep_putf(out, "\n%zu more in report.html.\n", count - EDGE_ROWS);
}

static void put_events(struct rep_out *out, const json_t *root)
{
    const json_t *events = rep_get(root, "events");
    size_t rows = 0;

    if (json_array_size(events) == 0)
        return;
    rep_put(out, "\n## Events\n\n| from | to | what happened | requests hit |\n"
                 "|---:|---:|---|---:|\n");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        if (rep_repeats_event(events, i) || rows++ >= EDGE_ROWS)
            continue;
        rep_putf(out, "| %.2f s |", rep_num(event, "at_s"));
        if (rep_has(event, "until_s"))
            rep_putf(out, " %.2f s", rep_num(event, "until_s"));
        rep_put(out, " | ");
        rep_put_md(out, rep_str(event, "text"));
        rep_putf(out, " | %s |\n",
                 rep_has(event, "requests") ? rep_format_count(rep_int(event, "requests")).text
                                            : "");
    }
    if (rows > EDGE_ROWS)
        rep_putf(out, "\n%zu more in report.html.\n", rows - EDGE_ROWS);
}

/* What the received spans alone say of an incident, and on which broker. */
static void put_incident(struct rep_out *out, const json_t *root)
{
    const json_t *namer = rep_get(root, "namer"), *path = rep_get(root, "critical_path");
    const json_t *blind = rep_get(namer, "without_instance_id");

    if (namer != NULL) {
        rep_put(out, "\n**Stands out:** ");
        rep_put_md(out, rep_has(namer, "instance") ? rep_str(namer, "instance") : "no instance");
        if (rep_has(namer, "instance"))
            rep_putf(out, ", named %s after the first symptom",
                     rep_format_seconds(rep_num(namer, "named_after_symptom_s")).text);
        rep_put(out, ": ");
        rep_put_md(out, rep_str(namer, "reason"));
        rep_put(out, ".");
        if (rep_has(namer, "instance") && rep_has(blind, "reason")) {
            rep_put(out, " Without service.instance.id: ");
            rep_put_md(out, rep_str(blind, "reason"));
            rep_put(out, ".");
        }
        rep_put(out, "\n");
    }
    if (path != NULL) {
        rep_put(out, "\n**What makes slow traces slow:** ");
        rep_put_md(out, rep_str(path, "reason"));
        rep_put(out, ".\n");
    }
    if (rep_has(rep_get(root, "broker"), "note")) {
        rep_put(out, "\n**Broker:** ");
        rep_put_md(out, rep_str(rep_get(root, "broker"), "note"));
        rep_put(out, ".\n");
    }
}

static void put_overhead(struct rep_out *out, const json_t *root)
{
    const json_t *overhead = rep_get(root, "overhead");
    size_t index;
    json_t *row;

    if (json_array_size(rep_get(overhead, "rows")) == 0)
        return;
    rep_putf(out, "\n## What tracing costs\n\n%lld blocks, each arm against no tracing in the same "
                  "block; 95 %% intervals.\n\n"
                  "| load | figure | arm | difference |\n|---|---|---|---|\n",
             rep_int(overhead, "blocks"));
    json_array_foreach(rep_get(overhead, "rows"), index, row) {
        rep_putf(out, "| %s | ", rep_str(row, "load"));
        rep_put_md(out, rep_str(row, "title"));
        rep_put(out, " | ");
        rep_put_md(out, rep_str(row, "arm_title"));
        rep_put(out, " | ");
        rep_put_md(out, rep_str(row, "text"));
        rep_put(out, " |\n");
    }
    json_array_foreach(rep_get(overhead, "instructions"), index, row) {
        rep_put(out, "| callgrind | instructions a request, application's thread | ");
        rep_put_md(out, rep_str(row, "title"));
        rep_put(out, " | ");
        rep_put_md(out, rep_str(row, "text"));
        rep_put(out, " |\n");
    }
    json_array_foreach(rep_get(overhead, "arms"), index, row) {
        if (!rep_has(row, "disqualified"))
            continue;
        rep_putf(out, "\nNot compared (%s): ", rep_str(row, "load"));
        rep_put_md(out, rep_str(row, "title"));
        rep_put(out, ", ");
        rep_put_md(out, rep_str(row, "disqualified"));
        rep_put(out, ".\n");
    }
}

static void put_warnings(struct rep_out *out, const json_t *root)
{
    const json_t *trust = rep_get(root, "trust");

    if (rep_count_of(trust, "verdict", "warning") == 0)
        return;
    rep_put(out, "\n## Warnings about the measurement\n\n");
    for (size_t i = 0; i < json_array_size(trust); i++) {
        const json_t *row = json_array_get(trust, i);
        if (!rep_is(row, "verdict", "warning"))
            continue;
        rep_put(out, "- ");
        rep_put_md(out, rep_str(row, "title"));
        rep_put(out, ": ");
        rep_put_md(out, rep_str(row, "observed"));
        rep_put(out, " (limit ");
        rep_put_md(out, rep_str(row, "limit"));
        rep_put(out, ")\n");
    }
}

void rep_render_markdown(const struct rep_model *model, const struct rep_plots *plots,
                         const struct rep_render_options *options, struct rep_out *out)
{
    const json_t *root = model->root;
    const json_t *scenario = rep_get(root, "scenario");

    (void)plots;
    (void)options;
    rep_putf(out, "# %s: ", rep_verdict_word(rep_str(root, "verdict")));
    rep_put_md(out, rep_str(scenario, "title"));
    rep_put(out, "\n\n");
    rep_put_md(out, rep_str(root, "reason"));
    rep_putf(out, "\n\nExit status %lld, seed %lld, started %s.\n", rep_int(root, "exit_status"),
             rep_int(root, "seed"), rep_str(root, "started_at"));
    if (*rep_str(scenario, "claim") != '\0') {
        rep_put(out, "\n> ");
        rep_put_md(out, rep_str(scenario, "claim"));
        rep_put(out, "\n");
    }
    put_verdicts(out, root, "fail", "What failed");
    put_verdicts(out, root, "inconclusive", "What could not be judged");
    put_table(out, root);
    put_books(out, root);
    put_load(out, root);
    put_edges(out, root);
    put_incident(out, root);
    put_events(out, root);
    put_overhead(out, root);
    put_warnings(out, root);
    if (rep_has(root, "reproduce")) {
        rep_put(out, "\nAgain: ");
        rep_put_md(out, rep_str(root, "reproduce"));
        rep_put(out, "\n");
    }
}
