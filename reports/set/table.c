/* SPDX-License-Identifier: Apache-2.0 */
/* A set as a table: for the terminal, and in Markdown for job summaries. */
#include <stdio.h>
#include <string.h>

#include "reports/format.h"
#include "reports/model.h"
#include "reports/set/set.h"
#include "reports/words.h"

enum { NAME_COLUMNS = 32, VERDICT_COLUMNS = 14, TIME_COLUMNS = 9 };

static const char *colour_of(const char *verdict)
{
    if (strcmp(verdict, "pass") == 0)
        return "1;32";
    return strcmp(verdict, "fail") == 0 ? "1;31" : "1;33";
}

static struct rep_text time_of(const json_t *run)
{
    static const struct rep_text none = {""};

    return rep_has(run, "duration_s") ? rep_format_seconds(rep_num(run, "duration_s")) : none;
}

/* "checkout", "checkout, run 3" */
static void put_name(struct rep_out *out, const json_t *run)
{
    char name[NAME_COLUMNS * 4 + 1];

    if (rep_has(run, "nth"))
        snprintf(name, sizeof(name), "%.64s, run %lld", rep_str(run, "scenario"),
                 rep_int(run, "nth"));
    else
        snprintf(name, sizeof(name), "%.64s", rep_str(run, "scenario"));
    rep_put_column(out, name, NAME_COLUMNS);
}

static void put_line(const json_t *run, const struct rep_render_options *options,
                     struct rep_out *out)
{
    const char *verdict = rep_str(run, "verdict");
    bool held = rep_is(run, "verdict", "pass");

    if (options->colour)
        rep_putf(out, "\033[%sm", colour_of(verdict));
    rep_put_column(out, rep_verdict_word(verdict), VERDICT_COLUMNS);
    if (options->colour)
        rep_put(out, "\033[0m");
    put_name(out, run);
    rep_put_column(out, time_of(run).text, TIME_COLUMNS);
    rep_put_plain(out, rep_str(run, held ? "measured" : "reason"));
    rep_put(out, "\n");
    if (!held) {
        rep_put_column(out, "", VERDICT_COLUMNS);
        rep_put(out, "claim: ");
        rep_put_plain(out, rep_str(run, "claim"));
        rep_put(out, "\n");
    }
}

static void put_counts(const json_t *set, struct rep_out *out)
{
    const json_t *counts = rep_get(set, "counts");

    rep_putf(out, "%lld held, %lld did not, %lld could not be judged, %lld without a verdict",
             rep_int(counts, "pass"), rep_int(counts, "fail"), rep_int(counts, "inconclusive"),
             rep_int(counts, "none"));
    if (rep_int(counts, "not_begun") > 0)
        rep_putf(out, ", %lld not begun", rep_int(counts, "not_begun"));
    rep_put(out, "\n");
}

void rep_set_text(const json_t *set, const struct rep_render_options *options,
                  struct rep_out *out)
{
    const json_t *run;
    size_t i;

    rep_put(out, "\n");
    json_array_foreach(rep_get(set, "runs"), i, run) {
        put_line(run, options, out);
    }
    rep_put(out, "\n");
    put_counts(set, out);
}

void rep_set_markdown(const json_t *set, struct rep_out *out)
{
    const json_t *run;
    size_t i;

    rep_put(out, "## tracerig\n\n");
    put_counts(set, out);
    rep_put(out, "\n| held? | scenario | claim | measured | time |\n|---|---|---|---|---|\n");
    json_array_foreach(rep_get(set, "runs"), i, run) {
        rep_putf(out, "| %s | ", rep_verdict_word(rep_str(run, "verdict")));
        rep_put_md(out, rep_str(run, "scenario"));
        rep_put(out, " | ");
        rep_put_md(out, rep_str(run, "claim"));
        rep_put(out, " | ");
        rep_put_md(out, rep_str(run, rep_is(run, "verdict", "pass") ? "measured" : "reason"));
        rep_put(out, " | ");
        rep_put_md(out, time_of(run).text);
        rep_put(out, " |\n");
    }
}
