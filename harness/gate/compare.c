/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/gate/checks.h"
#include "harness/gate/environment.h"
#include "harness/gate/judge.h"
#include "harness/gate/measures.h"
#include "harness/stats/rank.h"
#include "harness/stats/summary.h"
#include "harness/stats/tails.h"
#include "reports/format.h"
#include "reports/words.h"
#include "sdk/base/mem.h"

enum { ROWS_MAX = 32, TEXT_BYTES = 200, REASON_BYTES = HX_CHANGES_TEXT };
#define CHANCE 1e-6 /* of a count that did not get worse being called so */
#define ALPHA 0.05  /* of the family of clock rows */

struct sample {
    double values[HX_RUNS_MAX]; /* sorted */
    size_t count;
    size_t known; /* reports that know it, the noisy ones too */
    double hits, trials;
    double noisy[HX_RUNS_MAX]; /* what runs said that do not count; sorted */
    size_t noisy_count;
};

/* The runs of one scenario on both sides. */
struct pair {
    const json_t *a[HX_RUNS_MAX], *b[HX_RUNS_MAX];
    size_t count_a, count_b;
    const char *machine; /* the first key in which the machines differ, or NULL */
    struct sample sample_a, sample_b;
};

struct row {
    const char *id, *title, *group, *verdict;
    char a[TEXT_BYTES], b[TEXT_BYTES], reason[REASON_BYTES];
    double change; /* percent; NAN = none */
    double p;      /* NAN = no test */
    size_t n_a, n_b;
};

/* ---- samples ------------------------------------------------------------------------------ */

static bool is_quiet(const struct hx_measure *m, const json_t *report)
{
    char why[REASON_BYTES];

    if (m->group != HX_MEASURE_CLOCK)
        return true;
    return m->of_load ? hx_report_noise(report, why, sizeof(why))[0] == '\0'
                      : !hx_report_stolen(report);
}

static void take(const struct hx_measure *m, const json_t *const *reports, size_t count,
                 struct sample *ret)
{
    ret->count = ret->known = ret->noisy_count = 0;
    ret->hits = ret->trials = 0;
    for (size_t i = 0; i < count; i++) {
        double value = 0, trials = 0;
        if (!m->read(reports[i], &value, &trials))
            continue;
        ret->known++;
        if (!is_quiet(m, reports[i])) {
            ret->noisy[ret->noisy_count++] = value;
            continue;
        }
        ret->values[ret->count++] = value;
        ret->hits += value;
        ret->trials += trials;
    }
    hx_sort_doubles(ret->values, ret->count);
    hx_sort_doubles(ret->noisy, ret->noisy_count);
}

static void tell_median(const struct hx_measure *m, const struct sample *s, char *out)
{
    struct hx_median_interval i = hx_median_interval(s->values, s->count, 0.95);
    char mid[64], low[64], high[64];

    if (s->known == 0) {
        snprintf(out, TEXT_BYTES, "-");
        return;
    }
    if (s->count == 0) {
        hx_figure_format(m->kind, hx_median(s->noisy, s->noisy_count), mid, sizeof(mid));
        snprintf(out, TEXT_BYTES, "%s, noisy", mid);
        return;
    }
    hx_figure_format(m->kind, hx_median(s->values, s->count), mid, sizeof(mid));
    hx_figure_format(m->kind, i.low, low, sizeof(low));
    hx_figure_format(m->kind, i.high, high, sizeof(high));
    if (s->count == 1)
        snprintf(out, TEXT_BYTES, "%s", mid);
    else
        snprintf(out, TEXT_BYTES, "%s [%s, %s]", mid, low, high);
}

static void tell_count(const struct sample *s, char *out)
{
    struct rep_text hits = rep_format_count((long long)s->hits);
    struct rep_text trials = rep_format_count((long long)s->trials);

    snprintf(out, TEXT_BYTES, "%s of %s", hits.text, trials.text);
}

/* ---- rows --------------------------------------------------------------------------------- */

static void judge_count(const struct hx_measure *m, const struct sample *a,
                        const struct sample *b, struct row *row)
{
    uint64_t hits = (uint64_t)b->hits, all = (uint64_t)(a->hits + b->hits);

    tell_count(a, row->a);
    tell_count(b, row->b);
    if (a->trials <= 0 || b->trials <= 0) {
        row->verdict = "not judged";
        snprintf(row->reason, sizeof(row->reason), "one side has nothing to count");
        return;
    }
    row->verdict = "same";
    if (a->hits <= 0 && !m->by_chance) {
        if (b->hits > 0) {
            row->verdict = "worse";
            snprintf(row->reason, sizeof(row->reason), "there was none before");
        }
        return;
    }
    if (all == 0)
        return;
    row->p = hx_binomial_at_least(hits, all, b->trials / (a->trials + b->trials));
    if (row->p < CHANCE)
        row->verdict = "worse";
    else if (hx_binomial_at_most(hits, all, b->trials / (a->trials + b->trials)) < CHANCE)
        row->verdict = "better";
}

static void judge_size(const struct hx_measure *m, struct row *row)
{
    int percent = m->group == HX_MEASURE_SIZE ? HX_SIZE_PERCENT : HX_INSTRUCTION_PERCENT;

    row->verdict = "same";
    if (isnan(row->change)) {
        row->verdict = "not judged";
        snprintf(row->reason, sizeof(row->reason), "one side does not know it");
    } else if (row->change > percent || (m->any_way && row->change < -percent)) {
        row->verdict = "worse";
        snprintf(row->reason, sizeof(row->reason), "more than %d %%", percent);
    } else if (row->change < -percent) {
        row->verdict = "better";
    }
}

static bool may_judge_clock(const struct pair *pair, struct row *row)
{
    const struct sample *a = &pair->sample_a, *b = &pair->sample_b;

    row->verdict = "not judged";
    if (pair->machine != NULL)
        snprintf(row->reason, sizeof(row->reason), "other machines: %s differs", pair->machine);
    else if (a->count < HX_CLOCK_RUNS || b->count < HX_CLOCK_RUNS)
        snprintf(row->reason, sizeof(row->reason), "%zu and %zu quiet runs; %d on each side are "
                 "needed", a->count, b->count, HX_CLOCK_RUNS);
    else
        return true;
    return false;
}

static void judge_clock(struct pair *pair, struct row *row)
{
    const struct sample *a = &pair->sample_a, *b = &pair->sample_b;

    if (!may_judge_clock(pair, row))
        return;
    row->verdict = NULL; /* after Holm */
    row->p = hx_mann_whitney(a->values, a->count, b->values, b->count).p;
}

/* False: neither side knows this measure, there is no row. */
static bool make_row(const struct hx_measure *m, struct pair *pair, struct row *row)
{
    static const char *const groups[] = {"count", "size", "instructions", "clock"};
    double before, now;

    memset(row, 0, sizeof(*row));
    row->id = m->id;
    row->title = m->title;
    row->group = groups[m->group];
    row->change = row->p = NAN;
    take(m, pair->a, pair->count_a, &pair->sample_a);
    take(m, pair->b, pair->count_b, &pair->sample_b);
    row->n_a = pair->sample_a.count;
    row->n_b = pair->sample_b.count;
    if (pair->sample_a.known == 0 && pair->sample_b.known == 0)
        return false;
    if (m->group == HX_MEASURE_COUNT) {
        judge_count(m, &pair->sample_a, &pair->sample_b, row);
        return true;
    }
    tell_median(m, &pair->sample_a, row->a);
    tell_median(m, &pair->sample_b, row->b);
    before = hx_median(pair->sample_a.values, row->n_a);
    now = hx_median(pair->sample_b.values, row->n_b);
    if (row->n_a > 0 && row->n_b > 0 && before > 0)
        row->change = 100 * (now - before) / before;
    if (m->group == HX_MEASURE_CLOCK)
        judge_clock(pair, row);
    else
        judge_size(m, row);
    return true;
}

/* Clock rows are one family: their p values are raised by Holm before they are looked at. */
static void settle_clocks(struct row *rows, size_t count)
{
    double p[ROWS_MAX];
    size_t at[ROWS_MAX], family = 0;

    for (size_t i = 0; i < count; i++)
        if (rows[i].verdict == NULL) {
            p[family] = rows[i].p;
            at[family++] = i;
        }
    hx_holm(p, family);
    for (size_t i = 0; i < family; i++) {
        struct row *row = &rows[at[i]];
        row->p = p[i];
        row->verdict = p[i] >= ALPHA ? "same" : row->change > 0 ? "worse" : "better";
    }
}

/* ---- checks ------------------------------------------------------------------------------- */

static enum otel_err check_row(const struct pair *pair, struct row *row)
{
    struct hx_check_changes changes;
    enum otel_err err =
        hx_check_changes(pair->a, pair->count_a, pair->b, pair->count_b, &changes);
    int used;

    memset(row, 0, sizeof(*row));
    row->id = "checks";
    row->title = "checks and claims";
    row->group = "count";
    row->change = row->p = NAN;
    row->n_a = pair->count_a;
    row->n_b = pair->count_b;
    row->verdict = changes.failed > 0       ? "worse"
                   : changes.not_judged > 0 ? "not judged"
                                            : "same";
    snprintf(row->reason, sizeof(row->reason), "%s", changes.text);
    snprintf(row->a, sizeof(row->a), "%zu rows", changes.before);
    used = snprintf(row->b, sizeof(row->b), "%zu newly failed", changes.failed);
    if (changes.not_judged > 0)
        snprintf(row->b + used, sizeof(row->b) - (size_t)used, ", %zu not judged",
                 changes.not_judged);
    return err;
}

/* ---- one scenario ------------------------------------------------------------------------- */

static json_t *row_json(const struct row *row)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:I}, s:{s:s, s:I}}", "id", row->id,
                               "title", row->title, "group", row->group, "verdict", row->verdict,
                               "a", "text", row->a, "runs", (json_int_t)row->n_a, "b", "text",
                               row->b, "runs", (json_int_t)row->n_b);

    if (object != NULL && row->reason[0] != '\0')
        json_object_set_new(object, "reason", json_string(row->reason));
    if (object != NULL && !isnan(row->change))
        json_object_set_new(object, "change_percent", json_real(row->change));
    if (object != NULL && !isnan(row->p))
        json_object_set_new(object, "p", json_real(row->p));
    return object;
}

static size_t select_runs(const struct hx_runs *runs, const char *scenario, const json_t **ret)
{
    size_t count = 0;

    for (size_t i = 0; i < runs->count; i++)
        if (strcmp(hx_run_scenario(runs->reports[i]), scenario) == 0)
            ret[count++] = runs->reports[i];
    return count;
}

static void merge(json_t *differences, json_t *more)
{
    const json_t *row, *known;
    size_t i, k;

    json_array_foreach(more, i, row) {
        bool there = false;
        json_array_foreach(differences, k, known) {
            there |= json_equal(json_object_get(known, "key"), json_object_get(row, "key"));
        }
        if (!there)
            json_array_append(differences, (json_t *)(uintptr_t)row);
    }
    json_decref(more);
}

static json_t *find_differences(struct pair *pair)
{
    json_t *differences = json_array();
    const json_t *row;
    size_t i;

    for (size_t k = 0; k < pair->count_b; k++)
        merge(differences, hx_environment_differences(pair->a[0], pair->b[k]));
    for (size_t k = 1; k < pair->count_a; k++)
        merge(differences, hx_environment_differences(pair->a[k], pair->b[0]));
    json_array_foreach(differences, i, row) {
        if (json_is_true(json_object_get(row, "machine")) && pair->machine == NULL)
            pair->machine = json_string_value(json_object_get(row, "key"));
    }
    return differences;
}

/* Runs whose load client was not run for a while: their clocks say so much of the machine. */
static void find_pauses(const char *side, const struct hx_runs *runs, const char *scenario,
                        json_t *list)
{
    for (size_t i = 0; i < runs->count; i++) {
        const json_t *report = runs->reports[i];
        const json_t *load = json_object_get(report, "load");
        const char *path = runs->paths[i], *started;
        char text[REP_PAUSES];
        started = json_string_value(json_object_get(report, "started_at"));
        if (strcmp(hx_run_scenario(report), scenario) == 0 &&
            *rep_pauses(load, text, sizeof(text)) != '\0')
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:O}", "side", side, "run",
                                                  path ? path : started ? started : "", "text",
                                                  text, "pauses", json_object_get(load, "pauses")));
    }
}

static json_t *all_pauses(const struct hx_runs *a, const struct hx_runs *b, const char *scenario)
{
    json_t *list = json_array();

    find_pauses("a", a, scenario, list);
    find_pauses("b", b, scenario, list);
    return list;
}

/* Of a scenario that A does not have the first row is all that can be told. */
static json_t *make_rows(struct pair *pair)
{
    struct row rows[ROWS_MAX];
    json_t *list = json_array();
    size_t count = 0;

    if (list == NULL || check_row(pair, &rows[count++]) != OTEL_OK)
        goto fail;
    for (const struct hx_measure *m = hx_measures;
         pair->count_a > 0 && m->id != NULL && count < ROWS_MAX; m++)
        count += make_row(m, pair, &rows[count]);
    settle_clocks(rows, count);
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, row_json(&rows[i])) != 0)
            goto fail;
    return list;

fail:
    json_decref(list);
    return NULL;
}

/* ---- all of them -------------------------------------------------------------------------- */

static long long runs_without(const json_t *scenario, const char *side)
{
    return (long long)json_integer_value(
        json_object_get(json_object_get(scenario, side), "without_verdict"));
}

static void count_rows(const json_t *scenario, bool counts_only, json_int_t *worse,
                       json_int_t *not_judged)
{
    const char *only = json_string_value(json_object_get(scenario, "only"));
    const json_t *row;
    size_t i;

    *not_judged += runs_without(scenario, "b") > 0 || (only != NULL && strcmp(only, "a") == 0);
    json_array_foreach(json_object_get(scenario, "rows"), i, row) {
        const char *verdict = json_string_value(json_object_get(row, "verdict"));
        const char *group = json_string_value(json_object_get(row, "group"));
        if (verdict == NULL || (counts_only && strcmp(group, "clock") == 0))
            continue;
        *worse += strcmp(verdict, "worse") == 0;
        *not_judged += strcmp(verdict, "not judged") == 0;
    }
}

static json_t *fill_scenario(struct pair *pair, const struct hx_runs *a, const struct hx_runs *b,
                             const char *name)
{
    json_t *result = json_pack("{s:s, s:{s:I, s:I}, s:{s:I, s:I}}", "scenario", name, "a", "runs",
                               (json_int_t)pair->count_a, "without_verdict",
                               (json_int_t)hx_runs_without(a, name), "b", "runs",
                               (json_int_t)pair->count_b, "without_verdict",
                               (json_int_t)hx_runs_without(b, name));
    bool bad = result == NULL;

    if (pair->count_a > 0 && pair->count_b > 0)
        bad = bad || json_object_set_new(result, "differences", find_differences(pair)) != 0 ||
              json_object_set_new(result, "stood_still", all_pauses(a, b, name)) != 0;
    else
        bad = bad || json_object_set_new(result, "only",
                                         json_string(pair->count_a > 0 ? "a" : "b")) != 0;
    if (pair->count_b > 0)
        bad = bad || json_object_set_new(result, "rows", make_rows(pair)) != 0;
    if (!bad)
        return result;
    json_decref(result);
    return NULL;
}

static json_t *compare_scenario(const struct hx_runs *a, const struct hx_runs *b,
                                const char *name)
{
    struct pair *pair = otl_mem_zalloc(sizeof(*pair));
    json_t *result = NULL;

    if (pair != NULL) {
        pair->count_a = select_runs(a, name, pair->a);
        pair->count_b = select_runs(b, name, pair->b);
        result = fill_scenario(pair, a, b, name);
    }
    otl_mem_free(pair);
    return result;
}

/* All that either side (of_b: B alone) has judged, and what B should have; in order of appearance.
 * NULL: no memory. */
static json_t *names_of(const struct hx_runs *a, const struct hx_runs *b, bool of_b)
{
    const struct hx_runs *const sides[] = {a, b};
    json_t *names = json_object();
    bool bad = names == NULL;

    for (size_t s = of_b ? 1 : 0; s < 2 && !bad; s++)
        for (size_t i = 0; i < sides[s]->count && !bad; i++)
            bad = json_object_set_new(names, hx_run_scenario(sides[s]->reports[i]),
                                      json_true()) != 0;
    if (!bad && (b->without == NULL || json_object_update(names, b->without) == 0))
        return names;
    json_decref(names);
    return NULL;
}

/* Owns names. */
static json_t *compare_named(json_t *names, const struct hx_runs *a, const struct hx_runs *b,
                             bool counts_only)
{
    json_t *list = json_array(), *result = NULL, *unused;
    json_int_t worse = 0, not_judged = 0;
    const char *name;

    if (names == NULL || list == NULL)
        goto done;
    json_object_foreach(names, name, unused) {
        json_t *one = compare_scenario(a, b, name);
        if (one == NULL || json_array_append_new(list, one) != 0)
            goto done;
        count_rows(one, counts_only, &worse, &not_judged);
    }
    result = json_pack("{s:s, s:{s:s, s:I}, s:{s:s, s:I}, s:O, s:I, s:I}", "schema",
                       "tracerig.compare/1", "a", "path", a->path, "runs", (json_int_t)a->count,
                       "b", "path", b->path, "runs", (json_int_t)b->count, "scenarios", list,
                       "worse", worse, "not_judged", not_judged);

done:
    json_decref(names);
    json_decref(list);
    return result;
}

json_t *hx_compare(const struct hx_runs *a, const struct hx_runs *b, bool counts_only)
{
    return compare_named(names_of(a, b, false), a, b, counts_only);
}

json_t *hx_compare_asked(const struct hx_runs *a, const struct hx_runs *b)
{
    return compare_named(names_of(a, b, true), a, b, false);
}

bool hx_compare_has_clocks(const struct hx_runs *a, const struct hx_runs *b)
{
    for (size_t k = 0; k < b->count; k++) {
        size_t count = 0;
        for (size_t i = 0; i < a->count; i++)
            count += strcmp(hx_run_scenario(a->reports[i]), hx_run_scenario(b->reports[k])) == 0;
        if (count >= HX_CLOCK_RUNS)
            return true;
    }
    return false;
}

long long hx_compare_worse(const json_t *comparison)
{
    return (long long)json_integer_value(json_object_get(comparison, "worse"));
}

long long hx_compare_not_judged(const json_t *comparison)
{
    return (long long)json_integer_value(json_object_get(comparison, "not_judged"));
}

/* ---- a baseline --------------------------------------------------------------------------- */

static json_t *expectation(const struct row *row)
{
    char id[80], text[TEXT_BYTES], expected[TEXT_BYTES + 32];
    const char *verdict = strcmp(row->verdict, "worse") == 0        ? "fail"
                          : strcmp(row->verdict, "not judged") == 0 ? "inconclusive"
                                                                    : "pass";
    json_t *object;

    snprintf(id, sizeof(id), "baseline.%s", row->id);
    snprintf(text, sizeof(text), "no worse than the baseline: %s", row->title);
    snprintf(expected, sizeof(expected), "as before: %s", row->a);
    object = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "text", text, "verdict", verdict,
                       "expected", expected, "observed", row->b);
    if (object != NULL && row->reason[0] != '\0')
        json_object_set_new(object, "reason", json_string(row->reason));
    if (object != NULL && !isnan(row->change))
        json_object_set_new(object, "margin", json_sprintf("%+.1f %%", row->change));
    return object;
}

enum otel_err hx_compare_expect(const struct hx_runs *baseline, json_t *report)
{
    struct pair *pair = otl_mem_zalloc(sizeof(*pair));
    json_t *list = json_object_get(report, "expectations"), *differences;
    struct row row;
    bool bad;

    if (pair == NULL)
        return OTEL_ERR_MEMORY;
    pair->count_a = select_runs(baseline, hx_run_scenario(report), pair->a);
    pair->b[0] = report;
    pair->count_b = 1;
    differences = find_differences(pair);
    if (check_row(pair, &row) != OTEL_OK) {
        json_decref(differences);
        otl_mem_free(pair);
        return OTEL_ERR_MEMORY;
    }
    bad = json_array_append_new(list, expectation(&row)) != 0;
    for (const struct hx_measure *m = hx_measures; m->id != NULL; m++) {
        if (m->group == HX_MEASURE_CLOCK || !make_row(m, pair, &row))
            continue;
        bad |= json_array_append_new(list, expectation(&row)) != 0;
    }
    bad |= json_object_set_new(report, "baseline",
                               json_pack("{s:s, s:I, s:o}", "path", baseline->path, "runs",
                                         (json_int_t)pair->count_a, "differences", differences)) !=
           0;
    otl_mem_free(pair);
    return bad ? OTEL_ERR_MEMORY : OTEL_OK;
}
