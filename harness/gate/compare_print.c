/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison as a table on a terminal or in a log. */
#include <stdio.h>
#include <string.h>

#include "harness/gate/compare.h"
#include "reports/format.h"
#include "reports/out.h"

enum { TITLE_COLUMNS = 24, SIDE_COLUMNS = 34, CHANGE_COLUMNS = 9 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static long long runs_of(const json_t *object, const char *side)
{
    return (long long)json_integer_value(
        json_object_get(json_object_get(object, side), "runs"));
}

static void put_row(struct rep_out *out, const json_t *row)
{
    const json_t *change = json_object_get(row, "change_percent"), *p = json_object_get(row, "p");
    const char *verdict = text_of(row, "verdict"), *reason = text_of(row, "reason");
    char text[64];

    rep_put(out, "  ");
    rep_put_column(out, text_of(row, "title"), TITLE_COLUMNS);
    rep_put_column(out, text_of(json_object_get(row, "a"), "text"), SIDE_COLUMNS);
    rep_put_column(out, text_of(json_object_get(row, "b"), "text"), SIDE_COLUMNS);
    snprintf(text, sizeof(text), "%+.1f %%", json_number_value(change));
    if (change == NULL || strcmp(verdict, "same") == 0)
        snprintf(text, sizeof(text), "%s", strcmp(verdict, "same") == 0 ? "~" : "");
    rep_put_column(out, text, CHANGE_COLUMNS);
    rep_put_plain(out, verdict);
    if (p != NULL)
        rep_putf(out, " (p %.3g, n %lld+%lld)", json_number_value(p), runs_of(row, "a"),
                 runs_of(row, "b"));
    if (reason[0] != '\0') {
        rep_put(out, ": ");
        rep_put_plain(out, reason);
    }
    rep_put(out, "\n");
}

static void put_differences(struct rep_out *out, const json_t *list)
{
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row) {
        rep_putf(out, "  %s: ", json_is_true(json_object_get(row, "machine"))
                                    ? "another machine"
                                    : "differs");
        rep_put_plain(out, text_of(row, "key"));
        rep_put(out, " '");
        rep_put_plain(out, text_of(row, "a"));
        rep_put(out, "' against '");
        rep_put_plain(out, text_of(row, "b"));
        rep_put(out, "'\n");
    }
}

static void put_pauses(struct rep_out *out, const json_t *list)
{
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row) {
        rep_putf(out, "  stood still: %s ", strcmp(text_of(row, "side"), "a") == 0 ? "A" : "B");
        rep_put_plain(out, text_of(row, "run"));
        rep_put(out, ": ");
        rep_put_plain(out, text_of(row, "text"));
        rep_put(out, "\n");
    }
}

static void put_without(struct rep_out *out, const json_t *scenario, const char *side,
                        const char *name)
{
    long long without = (long long)json_integer_value(
        json_object_get(json_object_get(scenario, side), "without_verdict"));

    if (without > 0)
        rep_putf(out, ", %s of %s without a verdict", rep_format_things(without, "run").text,
                 name);
}

static void put_scenario(struct rep_out *out, const json_t *scenario)
{
    const char *only = text_of(scenario, "only");
    const json_t *row;
    size_t i;

    rep_put(out, "\n");
    rep_put_plain(out, text_of(scenario, "scenario"));
    if (runs_of(scenario, "a") + runs_of(scenario, "b") == 0)
        rep_put(out, ": nothing to compare");
    else if (*only != '\0')
        rep_putf(out, ": only in %s", strcmp(only, "a") == 0 ? "A, not judged" : "B");
    else
        rep_putf(out, ": %lld against %s", runs_of(scenario, "a"),
                 rep_format_things(runs_of(scenario, "b"), "run").text);
    put_without(out, scenario, "a", "A");
    put_without(out, scenario, "b", "B");
    rep_put(out, "\n");
    put_differences(out, json_object_get(scenario, "differences"));
    put_pauses(out, json_object_get(scenario, "stood_still"));
    json_array_foreach(json_object_get(scenario, "rows"), i, row) {
        put_row(out, row);
    }
}

void hx_compare_print(const json_t *comparison)
{
    const json_t *scenario;
    struct rep_out out;
    size_t i;

    rep_out_init(&out);
    rep_put(&out, "A ");
    rep_put_plain(&out, text_of(json_object_get(comparison, "a"), "path"));
    rep_put(&out, "\nB ");
    rep_put_plain(&out, text_of(json_object_get(comparison, "b"), "path"));
    rep_put(&out, "\n");
    json_array_foreach(json_object_get(comparison, "scenarios"), i, scenario) {
        put_scenario(&out, scenario);
    }
    rep_putf(&out, "\n%lld worse, %lld not judged; '~' is no difference beyond the noise\n",
             hx_compare_worse(comparison), hx_compare_not_judged(comparison));
    if (out.err == OTEL_OK)
        fwrite(out.buf.data, 1, out.buf.len, stdout);
    rep_out_fini(&out);
}
