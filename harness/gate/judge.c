/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/gate/figure.h"
#include "harness/stats/summary.h"
#include "reports/format.h"

enum { VALUE_BYTES = 64, LINE_BYTES = 400 };

struct verdict {
    const char *word;
    char expected[LINE_BYTES];
    char observed[LINE_BYTES];
    char margin[LINE_BYTES];
    char reason[LINE_BYTES];
};

const char *hx_figure_format(enum hx_figure_kind kind, double value, char *out, size_t size)
{
    switch (kind) {
    case HX_FIGURE_NS:
        snprintf(out, size, "%s", rep_format_ns(value).text);
        break;
    case HX_FIGURE_SECONDS:
        snprintf(out, size, "%s", rep_format_ns(value * 1e9).text);
        break;
    case HX_FIGURE_BYTES:
        snprintf(out, size, "%s", rep_format_bytes(value).text);
        break;
    case HX_FIGURE_RATE:
        snprintf(out, size, "%s/s", rep_format_number(value).text);
        break;
    case HX_FIGURE_SHARE:
        snprintf(out, size, "%s", rep_format_share(value).text);
        break;
    case HX_FIGURE_PERCENT:
        snprintf(out, size, "%s", rep_format_share(value / 100).text);
        break;
    case HX_FIGURE_TRUTH:
        snprintf(out, size, "%s", value != 0 ? "true" : "false");
        break;
    case HX_FIGURE_COUNT:
        snprintf(out, size, "%s",
                 floor(value) == value && fabs(value) < 1e15
                     ? rep_format_count((long long)value).text
                     : rep_format_number(value).text);
        break;
    }
    return out;
}

/* ---- can a time be judged? ---------------------------------------------------------------- */

static double steal_of(const json_t *report)
{
    return json_number_value(
        json_object_get(json_object_get(report, "environment"), "steal_percent"));
}

bool hx_report_stolen(const json_t *report)
{
    return steal_of(report) > HX_STEAL_PERCENT_MAX;
}

const char *hx_report_noise(const json_t *report, char *out, size_t size)
{
    const json_t *load = json_object_get(report, "load");
    double steal = steal_of(report);

    out[0] = '\0';
    if (json_is_true(json_object_get(load, "generator_limited")))
        snprintf(out, size, "the load client itself was late or slow (see trust)");
    else if (steal > HX_STEAL_PERCENT_MAX)
        snprintf(out, size,
                 "the machine was too noisy: %.1f %% of its time was stolen, above %d %%", steal,
                 HX_STEAL_PERCENT_MAX);
    return out;
}

/* Too few requests to tell this percentile? */
static bool too_few(const struct hx_figure *figure, const struct hx_found *found, bool told,
                    char *out, size_t size)
{
    double needed = hx_figure_samples(figure, told), samples;
    const json_t *count = json_object_get(found->parent, "count");

    if (count == NULL)
        count = json_object_get(found->parent, "calls");
    if (needed <= 0 || count == NULL)
        return false;
    samples = json_number_value(count);
    if (samples >= needed)
        return false;
    snprintf(out, size, "%.0f requests are too few for this percentile: %.0f are needed", samples,
             needed);
    return true;
}

/* A percentile that is left out beside its count: too few requests to tell it? */
static bool left_out(const struct hx_figure *figure, const json_t *report, char *out, size_t size)
{
    static const char *const counts[] = {"count", "calls"};
    struct hx_figure sibling = *figure;
    struct hx_found found;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        snprintf(sibling.steps[figure->step_count - 1].name, HX_FIGURE_NAME, "%s", counts[i]);
        if (hx_figure_find(&sibling, report, &found, 1) > 0)
            return too_few(figure, &found, false, out, size);
    }
    return false;
}

/* ---- one threshold ------------------------------------------------------------------------ */

static bool holds(enum hx_threshold_op op, double value, double limit)
{
    switch (op) {
    case HX_BELOW:
        return value < limit;
    case HX_AT_MOST:
        return value <= limit;
    case HX_ABOVE:
        return value > limit;
    case HX_AT_LEAST:
        return value >= limit;
    case HX_EQUAL:
        return value == limit;
    case HX_UNEQUAL:
        break;
    }
    return value != limit;
}

/* The row that is nearest to breaking the claim, or breaks it most. */
static size_t worst(const struct hx_threshold *t, const struct hx_found *found, size_t count)
{
    size_t at = 0;

    for (size_t i = 1; i < count; i++) {
        double one = found[i].value, most = found[at].value;
        bool worse = false;
        if (t->op == HX_BELOW || t->op == HX_AT_MOST)
            worse = one > most;
        else if (t->op == HX_ABOVE || t->op == HX_AT_LEAST)
            worse = one < most;
        else
            worse = holds(t->op, most, t->limit) && !holds(t->op, one, t->limit);
        if (worse)
            at = i;
    }
    return at;
}

static void tell_margin(const struct hx_threshold *t, double value, struct verdict *v)
{
    double distance = fabs(value - t->limit);
    char text[VALUE_BYTES];

    if (t->figure.kind == HX_FIGURE_TRUTH || t->op == HX_UNEQUAL)
        return;
    hx_figure_format(t->figure.kind, distance, text, sizeof(text));
    if (distance == 0)
        snprintf(v->margin, sizeof(v->margin), "none: it is the limit itself");
    else if (t->limit != 0)
        snprintf(v->margin, sizeof(v->margin), "%s %s the limit (%.1f %% of it)", text,
                 value < t->limit ? "below" : "above", 100 * distance / fabs(t->limit));
    else
        snprintf(v->margin, sizeof(v->margin), "%s %s the limit", text,
                 value < t->limit ? "below" : "above");
}

static void tell_observed(const struct hx_threshold *t, const struct hx_found *found,
                          size_t count, struct verdict *v)
{
    char value[VALUE_BYTES], name[2 * HX_FIGURE_ROW];
    int put;

    hx_figure_format(t->figure.kind, found->value, value, sizeof(value));
    put = snprintf(v->observed, sizeof(v->observed), "%s", value);
    if (found->row != NULL && count > 1)
        snprintf(v->observed + put, sizeof(v->observed) - (size_t)put, " (%.240s, of %zu rows)",
                 hx_row_name(found->row, name, sizeof(name)), count);
}

static void decide(const struct hx_threshold *t, const json_t *report,
                   const struct hx_found *found, size_t count, struct verdict *v)
{
    if (count == 0) {
        v->word = "inconclusive";
        snprintf(v->observed, sizeof(v->observed), "not in the report");
        if (left_out(&t->figure, report, v->reason, sizeof(v->reason)))
            return;
        snprintf(v->reason, sizeof(v->reason), "the report has no such %s",
                 strchr(t->text, '[') ? "row or figure" : "figure");
        return;
    }
    tell_observed(t, found, count, v);
    tell_margin(t, found->value, v);
    v->word = holds(t->op, found->value, t->limit) ? "pass" : "fail";
    if (!t->figure.timing)
        return;
    if (too_few(&t->figure, found, true, v->reason, sizeof(v->reason)) ||
        hx_report_noise(report, v->reason, sizeof(v->reason))[0] != '\0')
        v->word = "inconclusive";
}

json_t *hx_threshold_judge(const struct hx_threshold *t, size_t nth, const json_t *report)
{
    struct hx_found found[HX_FIGURE_FOUND];
    struct verdict v;
    char id[40], limit[VALUE_BYTES];
    size_t count = hx_figure_find(&t->figure, report, found, HX_FIGURE_FOUND);
    size_t kept = count < HX_FIGURE_FOUND ? count : HX_FIGURE_FOUND;
    json_t *row;

    memset(&v, 0, sizeof(v));
    snprintf(id, sizeof(id), "threshold.%zu", nth);
    snprintf(v.expected, sizeof(v.expected), "%s %s", hx_threshold_op_text(t->op),
             hx_figure_format(t->figure.kind, t->limit, limit, sizeof(limit)));
    decide(t, report, kept ? &found[worst(t, found, kept)] : NULL, count, &v);
    row = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "text", t->text, "verdict", v.word,
                    "expected", v.expected, "observed", v.observed);
    if (row != NULL && v.margin[0] != '\0')
        json_object_set_new(row, "margin", json_string(v.margin));
    if (row != NULL && v.reason[0] != '\0')
        json_object_set_new(row, "reason", json_string(v.reason));
    return row;
}

enum otel_err hx_thresholds_judge(const struct hx_threshold *thresholds, size_t count,
                                  json_t *report)
{
    json_t *list = json_object_get(report, "expectations");

    if (!json_is_array(list)) {
        list = json_array();
        if (json_object_set_new(report, "expectations", list) != 0)
            return OTEL_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, hx_threshold_judge(&thresholds[i], i + 1, report)) != 0)
            return OTEL_ERR_MEMORY;
    return OTEL_OK;
}
