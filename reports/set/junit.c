/* SPDX-License-Identifier: Apache-2.0 */
/* junit.xml of a set: a suite a run, a case a claim or check. Inconclusive and not begun are
 * skipped, a run without a report is an error. */
#include "reports/model.h"
#include "reports/set/set.h"

static void attribute(struct rep_out *out, const char *name, const char *text)
{
    rep_putf(out, " %s=\"", name);
    rep_put_xml(out, text);
    rep_put(out, "\"");
}

static void put_case(struct rep_out *out, const json_t *run, const json_t *row)
{
    bool failed = rep_is(row, "verdict", "fail");

    rep_put(out, "    <testcase classname=\"tracerig.");
    rep_put_xml(out, rep_str(run, "scenario"));
    rep_put(out, "\" name=\"");
    rep_put_xml(out, rep_str(row, "id"));
    rep_put(out, ": ");
    rep_put_xml(out, rep_str(row, "title"));
    rep_put(out, "\"");
    if (rep_is(row, "verdict", "pass")) {
        rep_put(out, "/>\n");
        return;
    }
    rep_putf(out, ">\n      <%s message=\"",
             failed ? "failure type=\"verdict\"" : "skipped");
    if (failed) {
        rep_put(out, "expected ");
        rep_put_xml(out, rep_str(row, "expected"));
        rep_put(out, "; observed ");
        rep_put_xml(out, rep_str(row, "observed"));
    } else {
        rep_put_xml(out, rep_str(row, rep_has(row, "reason") ? "reason" : "observed"));
    }
    rep_put(out, "\"/>\n    </testcase>\n");
}

/* The run itself, where no row explains its verdict. */
static void put_run_case(struct rep_out *out, const json_t *run)
{
    const char *kind = rep_is(run, "verdict", "none")   ? "error type=\"fault\""
                       : rep_is(run, "verdict", "fail") ? "failure type=\"verdict\""
                                                        : "skipped";

    rep_put(out, "    <testcase classname=\"tracerig.");
    rep_put_xml(out, rep_str(run, "scenario"));
    rep_putf(out, "\" name=\"verdict\">\n      <%s", kind);
    attribute(out, "message", rep_str(run, "reason"));
    rep_put(out, "/>\n    </testcase>\n");
}

static bool needs_run_case(const json_t *run)
{
    const char *verdict = rep_str(run, "verdict");

    return !rep_is(run, "verdict", "pass") &&
           rep_count_of(rep_get(run, "cases"), "verdict", verdict) == 0;
}

static size_t count_of(const json_t *run, const char *verdict)
{
    return rep_count_of(rep_get(run, "cases"), "verdict", verdict) +
           (needs_run_case(run) && rep_is(run, "verdict", verdict));
}

static void put_counts(struct rep_out *out, size_t tests, size_t failures, size_t errors,
                       size_t skipped)
{
    rep_putf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", tests, failures,
             errors, skipped);
}

static void put_suite(struct rep_out *out, const json_t *run)
{
    const json_t *cases = rep_get(run, "cases");

    rep_put(out, "  <testsuite name=\"");
    rep_put_xml(out, rep_str(run, "scenario"));
    if (rep_has(run, "nth"))
        rep_putf(out, " run %lld", rep_int(run, "nth"));
    rep_put(out, ": ");
    rep_put_xml(out, rep_str(run, "claim"));
    rep_put(out, "\"");
    put_counts(out, json_array_size(cases) + needs_run_case(run), count_of(run, "fail"),
               count_of(run, "none"),
               count_of(run, "inconclusive") + count_of(run, "not_begun"));
    if (rep_has(run, "duration_s"))
        rep_putf(out, " time=\"%.3f\"", rep_num(run, "duration_s"));
    rep_put(out, ">\n");
    for (size_t i = 0; i < json_array_size(cases); i++)
        put_case(out, run, json_array_get(cases, i));
    if (needs_run_case(run))
        put_run_case(out, run);
    rep_put(out, "  </testsuite>\n");
}

void rep_set_junit(const json_t *set, struct rep_out *out)
{
    const json_t *runs = rep_get(set, "runs"), *run;
    size_t tests = 0, failures = 0, errors = 0, skipped = 0, i;

    json_array_foreach(runs, i, run) {
        tests += json_array_size(rep_get(run, "cases")) + needs_run_case(run);
        failures += count_of(run, "fail");
        errors += count_of(run, "none");
        skipped += count_of(run, "inconclusive") + count_of(run, "not_begun");
    }
    rep_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tracerig\"");
    put_counts(out, tests, failures, errors, skipped);
    rep_put(out, ">\n");
    json_array_foreach(runs, i, run) {
        put_suite(out, run);
    }
    rep_put(out, "</testsuites>\n");
}
