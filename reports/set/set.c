/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/set/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/format.h"
#include "reports/model.h"
#include "reports/resources.h"
#include "reports/schema.h"
#include "reports/words.h"
#include "sdk/base/file.h"

enum { MEASURED_BYTES = 240, PATH_SIZE = 4096 };

json_t *rep_set_new(const char *started_at)
{
    return json_pack("{s:s, s:s, s:{s:i, s:i, s:i, s:i, s:i}, s:[]}", "schema", "tracerig.set/1",
                     "started_at", started_at, "counts", "pass", 0, "fail", 0, "inconclusive", 0,
                     "none", 0, "not_begun", 0, "runs");
}

/* "1,474 requests, 34,826 spans of 2,515 traces, 0 lost, p99 2.76 ms" */
static void measured(const json_t *report, char *out, size_t size)
{
    const json_t *load = rep_get(report, "load"), *spans = rep_get(report, "spans");
    const json_t *latency = rep_get(load, "latency");
    struct rep_text requests = rep_format_count(rep_int(load, "requests"));
    struct rep_text started = rep_format_count(rep_int(spans, "started"));
    struct rep_text traces = rep_format_count(rep_int(rep_get(report, "traces"), "expected"));
    struct rep_text lost =
        rep_format_count(rep_int(spans, "lost_total") + rep_int(spans, "lost_unexplained"));

    snprintf(out, size, "%s requests, %s spans, %s traces, %s spans lost", requests.text,
             started.text, traces.text, lost.text);
    if (rep_int(latency, "count") > 0)
        snprintf(out + strlen(out), size - strlen(out), ", p99 %s",
                 rep_latency_text(latency, "p99").text);
}

/* Rows of checks or expectations as cases, without their evidence. */
static int add_cases(json_t *cases, const json_t *rows, const char *title_key)
{
    static const char *const keys[] = {"id", "verdict", "expected", "observed", "reason", NULL};
    const json_t *row;
    size_t i;
    int bad = 0;

    json_array_foreach(rows, i, row) {
        json_t *one = json_object();
        for (const char *const *key = keys; *key != NULL; key++)
            if (rep_has(row, *key))
                bad |= json_object_set(one, *key, (json_t *)(uintptr_t)rep_get(row, *key));
        bad |= json_object_set(one, "title", (json_t *)(uintptr_t)rep_get(row, title_key));
        bad |= json_array_append_new(cases, one);
    }
    return bad;
}

static int add_report(json_t *row, const json_t *report)
{
    char text[MEASURED_BYTES];
    json_t *cases = json_array();
    int bad = cases == NULL;

    measured(report, text, sizeof(text));
    bad |= json_object_set_new(row, "measured", json_string(text));
    bad |= json_object_set(row, "verdict", (json_t *)(uintptr_t)rep_get(report, "verdict"));
    bad |= json_object_set(row, "reason", (json_t *)(uintptr_t)rep_get(report, "reason"));
    if (rep_has(report, "duration_s"))
        bad |= json_object_set(row, "duration_s",
                               (json_t *)(uintptr_t)rep_get(report, "duration_s"));
    bad |= add_cases(cases, rep_get(report, "expectations"), "text");
    bad |= add_cases(cases, rep_get(report, "checks"), "title");
    bad |= json_object_set_new(row, "cases", cases);
    return bad;
}

static const char *reason_of(const struct rep_set_run *run)
{
    if (run->error != NULL)
        return run->error;
    return run->not_begun ? "the set was interrupted before it" : "the run left no report";
}

enum otel_err rep_set_add(json_t *set, const struct rep_set_run *run)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:[]}", "scenario",
                            run->scenario, "title", run->title, "claim", run->claim, "dir",
                            run->dir, "verdict", run->not_begun ? "not_begun" : "none",
                            "exit_status", run->exit_status, "measured", "", "reason",
                            reason_of(run), "cases");
    json_t *counts = json_object_get(set, "counts");
    const char *verdict;
    int bad = row == NULL;

    if (!bad && run->nth > 0)
        bad |= json_object_set_new(row, "nth", json_integer((json_int_t)run->nth));
    if (!bad && run->report != NULL)
        bad |= add_report(row, run->report);
    verdict = rep_str(row, "verdict");
    if (!bad)
        bad |= json_object_set_new(counts, verdict, json_integer(rep_int(counts, verdict) + 1));
    bad |= json_array_append_new(json_object_get(set, "runs"), row);
    return bad ? OTEL_ERR_MEMORY : OTEL_OK;
}

/* ---- files -------------------------------------------------------------------------------- */

static enum otel_err check(const json_t *set, struct otl_detail *reterr)
{
    json_t *schema = json_loads(rep_resource_set_schema, 0, NULL);
    enum otel_err err = schema ? rep_schema_check(schema, set, reterr) : OTEL_ERR_MEMORY;

    json_decref(schema);
    return err;
}

static enum otel_err write_text(const char *dir, const char *name, const char *text, size_t len,
                                struct otl_detail *reterr)
{
    char path[PATH_SIZE];

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, dir, 0, 0, "the path is too long");
    return otl_file_write(path, text, len, reterr);
}

static enum otel_err write_format(const json_t *set, const char *dir, const char *name,
                                  void (*render)(const json_t *set, struct rep_out *out),
                                  struct otl_detail *reterr)
{
    struct rep_out out;
    enum otel_err err;

    rep_out_init(&out);
    render(set, &out);
    err = out.err == OTEL_OK ? write_text(dir, name, out.buf.data, out.buf.len, reterr)
                             : otl_detail_set(reterr, out.err, name, 0, 0, "%s",
                                              otel_err_text(out.err));
    rep_out_fini(&out);
    return err;
}

enum otel_err rep_set_write(const json_t *set, const char *dir, struct otl_detail *reterr)
{
    char *text = json_dumps(set, JSON_INDENT(2));
    enum otel_err err = text ? check(set, reterr) : OTEL_ERR_MEMORY;

    if (err == OTEL_OK)
        err = write_text(dir, "set.json", text, strlen(text), reterr);
    free(text);
    if (err == OTEL_OK)
        err = write_format(set, dir, "index.html", rep_set_html, reterr);
    if (err == OTEL_OK)
        err = write_format(set, dir, "junit.xml", rep_set_junit, reterr);
    if (err == OTEL_OK)
        err = write_format(set, dir, "summary.md", rep_set_markdown, reterr);
    return err;
}
