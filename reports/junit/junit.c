/* SPDX-License-Identifier: Apache-2.0 */
/* junit: one suite for the checks, one for the claims, one case each. Inconclusive is skipped,
 * never a pass; a run without a verdict is an error; what no row explains gets a case of its own.
 */
#include <string.h>

#include "reports/formats.h"
#include "reports/model.h"

enum { EVIDENCE_ROWS = 10 };

static void attribute(struct rep_out *out, const char *name, const char *text)
{
    rep_putf(out, " %s=\"", name);
    rep_put_xml(out, text);
    rep_put(out, "\"");
}

static void put_evidence(struct rep_out *out, const json_t *row)
{
    const json_t *evidence = rep_get(row, "evidence");
    size_t count = json_array_size(evidence);

    for (size_t i = 0; i < count && i < EVIDENCE_ROWS; i++) {
        const json_t *item = json_array_get(evidence, i);
        rep_put(out, "\n");
        rep_put_xml(out, rep_str(item, "text"));
        if (rep_has(item, "trace_id"))
            rep_putf(out, " [trace %s]", rep_str(item, "trace_id"));
    }
    if (rep_has(row, "evidence_total") && rep_int(row, "evidence_total") > 0)
        rep_putf(out, "\n%lld in all", rep_int(row, "evidence_total"));
}

static void put_failure(struct rep_out *out, const json_t *row)
{
    rep_put(out, "      <failure type=\"verdict\" message=\"expected ");
    rep_put_xml(out, rep_str(row, "expected"));
    rep_put(out, "; observed ");
    rep_put_xml(out, rep_str(row, "observed"));
    rep_put(out, "\">expected: ");
    rep_put_xml(out, rep_str(row, "expected"));
    rep_put(out, "\nobserved: ");
    rep_put_xml(out, rep_str(row, "observed"));
    put_evidence(out, row);
    rep_put(out, "</failure>\n");
}

static void put_case(struct rep_out *out, const char *class_name, const char *title,
                     const json_t *row)
{
    rep_put(out, "    <testcase classname=\"tracerig.");
    rep_put_xml(out, class_name);
    rep_put(out, "\" name=\"");
    rep_put_xml(out, rep_str(row, "id"));
    rep_put(out, ": ");
    rep_put_xml(out, title);
    rep_put(out, "\"");
    if (rep_is(row, "verdict", "pass")) {
        rep_put(out, "/>\n");
        return;
    }
    rep_put(out, ">\n");
    if (rep_is(row, "verdict", "fail")) {
        put_failure(out, row);
    } else {
        rep_put(out, "      <skipped");
        attribute(out, "message",
                  rep_has(row, "reason") ? rep_str(row, "reason") : rep_str(row, "observed"));
        rep_put(out, "/>\n");
    }
    rep_put(out, "    </testcase>\n");
}

static void put_counts(struct rep_out *out, size_t tests, size_t failures, size_t errors,
                       size_t skipped)
{
    rep_putf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", tests, failures,
             errors, skipped);
}

static void put_suite(struct rep_out *out, const struct rep_model *model, const char *suite,
                      const char *title_key)
{
    const json_t *rows = rep_get(model->root, suite);

    rep_put(out, "  <testsuite");
    attribute(out, "name", suite);
    put_counts(out, json_array_size(rows), rep_count_of(rows, "verdict", "fail"), 0,
               rep_count_of(rows, "verdict", "inconclusive"));
    rep_putf(out, " timestamp=\"%.19s\">\n", rep_str(model->root, "started_at"));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        put_case(out, rep_str(rep_get(model->root, "scenario"), "name"), rep_str(row, title_key),
                 row);
    }
    rep_put(out, "  </testsuite>\n");
}

/* The run's own verdict, when no row above shows it. */
static void put_run(struct rep_out *out, const struct rep_model *model, const char *verdict)
{
    bool none = strcmp(verdict, "none") == 0;
    bool failed = strcmp(verdict, "fail") == 0;

    rep_put(out, "  <testsuite name=\"run\"");
    put_counts(out, 1, failed, none, !failed && !none);
    rep_put(out, ">\n    <testcase classname=\"tracerig.");
    rep_put_xml(out, rep_str(rep_get(model->root, "scenario"), "name"));
    rep_putf(out, "\" name=\"verdict\">\n      <%s",
             none     ? "error type=\"fault\""
             : failed ? "failure type=\"verdict\""
                      : "skipped");
    attribute(out, "message", rep_str(model->root, "reason"));
    rep_put(out, "/>\n    </testcase>\n  </testsuite>\n");
}

void rep_render_junit(const struct rep_model *model, const struct rep_plots *plots,
                      const struct rep_render_options *options, struct rep_out *out)
{
    const json_t *checks = rep_get(model->root, "checks");
    const json_t *claims = rep_get(model->root, "expectations");
    const char *verdict = rep_str(model->root, "verdict");
    size_t failures =
        rep_count_of(checks, "verdict", "fail") + rep_count_of(claims, "verdict", "fail");
    size_t skipped = rep_count_of(checks, "verdict", "inconclusive") +
                     rep_count_of(claims, "verdict", "inconclusive");
    bool none = strcmp(verdict, "none") == 0;
    bool own_fail = strcmp(verdict, "fail") == 0 && failures == 0;
    bool own_skip = strcmp(verdict, "inconclusive") == 0 && skipped == 0;
    bool own = none || own_fail || own_skip;

    (void)plots;
    (void)options;
    rep_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    attribute(out, "name", rep_str(rep_get(model->root, "scenario"), "name"));
    put_counts(out, json_array_size(checks) + json_array_size(claims) + own, failures + own_fail,
               none, skipped + own_skip);
    if (rep_has(model->root, "duration_s"))
        rep_putf(out, " time=\"%.3f\"", rep_num(model->root, "duration_s"));
    rep_put(out, ">\n");
    put_suite(out, model, "checks", "title");
    put_suite(out, model, "expectations", "text");
    if (own)
        put_run(out, model, verdict);
    rep_put(out, "</testsuites>\n");
}
