/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig verify DIR: judge a recorded run again, from its ledger and tap. */
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/judge.h"
#include "harness/gate/judge.h"
#include "harness/scenario/scenario.h"
#include "harness/verify/verify.h"
#include "reports/model.h"
#include "reports/several.h"

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL ? text : "";
}

static void print_evidence(const json_t *row)
{
    const json_t *item, *list = json_object_get(row, "evidence");
    size_t i;

    json_array_foreach(list, i, item) {
        printf("         %s", text_of(item, "text"));
        if (json_object_get(item, "service") != NULL)
            printf("  service %s", text_of(item, "service"));
        if (json_object_get(item, "edge") != NULL)
            printf("  edge %s", text_of(item, "edge"));
        if (json_object_get(item, "trace_id") != NULL)
            printf("  trace %s", text_of(item, "trace_id"));
        if (json_object_get(item, "span_id") != NULL)
            printf("  span %s", text_of(item, "span_id"));
        printf("\n");
        if (i == 4 && json_array_size(list) > 5) {
            printf("         ... (--json shows more)\n");
            return;
        }
    }
}

static void print_rows(const json_t *rows, const char *title)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        const char *verdict = text_of(row, "verdict");

        printf("%-12s %-20s %s\n", verdict, text_of(row, "id"),
               text_of(row, json_object_get(row, title) != NULL ? title : "text"));
        if (strcmp(verdict, "pass") == 0)
            continue;
        printf("         expected %s\n         observed %s\n", text_of(row, "expected"),
               text_of(row, "observed"));
        if (json_object_get(row, "reason") != NULL)
            printf("         because %s\n", text_of(row, "reason"));
        print_evidence(row);
    }
}

static void print_counts(const json_t *result, const char *part)
{
    const char *key;
    json_t *value;

    printf("%s:", part);
    json_object_foreach(json_object_get(result, part), key, value) {
        if (json_is_integer(value) && json_integer_value(value) > 0)
            printf(" %s %lld", key, (long long)json_integer_value(value));
    }
    printf("\n");
}

/* Thresholds speak of figures that only the run itself could measure: they are looked up in its
 * report, the books taken from what was judged now. A run that was killed has none: those figures
 * cannot be judged. */
static enum otel_err add_thresholds(const char *dir, const struct hx_scenario *scenario,
                                    json_t *result, struct otl_detail *detail)
{
    struct rep_model *model = NULL;
    enum otel_err err = scenario->claims.threshold_count > 0 ? rep_model_load(dir, &model, detail)
                                                             : OTEL_OK;

    if (err == OTEL_ERR_NOT_FOUND) {
        fprintf(stderr, "tracerig: %s holds no report.json: the run did not come to its end, and "
                        "of its figures only the books can be judged\n", dir);
        return hx_thresholds_judge(scenario->claims.thresholds, scenario->claims.threshold_count,
                                   result);
    }
    if (err != OTEL_OK || model == NULL)
        return err;
    json_object_update(model->root, result);
    err = hx_thresholds_judge(scenario->claims.thresholds, scenario->claims.threshold_count,
                              model->root);
    rep_model_free(model);
    return err;
}

/* What the supervisor did is in the report of the run, if it came to that. */
static void read_killed(const char *dir, struct hx_killed *ret)
{
    char path[4096];
    json_t *report;

    snprintf(path, sizeof(path), "%s/report.json", dir);
    report = json_load_file(path, 0, NULL);
    hx_judge_killed(json_object_get(report, "services"), ret);
    json_decref(report);
}

/* Owns result. */
static int tell(json_t *result, const struct hx_run_end *end, bool as_json)
{
    int status = hx_judge(result, end);

    if (as_json) {
        json_dumpf(result, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_rows(json_object_get(result, "checks"), "title");
        print_rows(json_object_get(result, "expectations"), "text");
        print_counts(result, "spans");
        print_counts(result, "traces");
        printf("verdict: %s: %s\n", text_of(result, "verdict"), text_of(result, "reason"));
    }
    json_decref(result);
    return status;
}

/* Of a run that came to nothing there may be no recording that can be read. */
static int tell_end(const struct hx_run_end *end, bool as_json)
{
    json_t *result = json_pack("{s:[], s:[], s:{}, s:{}}", "checks", "expectations", "spans",
                               "traces");

    return result ? tell(result, end, as_json) : HX_EXIT_FAULT;
}

static int judge(const char *dir, const struct hx_scenario *scenario, bool as_json)
{
    static struct hx_killed killed; /* too large for the stack */
    struct hx_verify_options options = {.dir = dir, .scenario = scenario, .killed = killed.names};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_run_end end;
    json_t *result;

    read_killed(dir, &killed);
    options.killed_count = killed.count;
    if (hx_run_end_read(dir, &end, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    if (hx_verify_run(&options, &result, &detail) != OTEL_OK) {
        json_decref(end.incidents);
        return end.interrupted || end.fault[0] ? tell_end(&end, as_json) : hx_usage_fail(&detail);
    }
    if (json_array_insert_new(json_object_get(result, "checks"), 0,
                              hx_judge_processes(end.incidents)) != 0) {
        json_decref(end.incidents);
        json_decref(result);
        return HX_EXIT_FAULT;
    }
    json_decref(end.incidents);
    if (add_thresholds(dir, scenario, result, &detail) != OTEL_OK) {
        json_decref(result);
        return hx_usage_fail(&detail);
    }
    return tell(result, &end, as_json);
}

int hx_command_verify(int argc, char **argv)
{
    bool as_json = false;
    const struct otl_opt table[] = {
        {"json", NULL, "the checks, books, traces and edges as JSON", OTL_OPT_FLAG, &as_json},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL},
    };
    const struct hx_usage usage = {
        "verify DIR",
        "Judges a recorded run again, from its ledger, drop records and tap, with the exit status\n"
        "of run; a run that was interrupted or whose environment failed has no verdict this time\n"
        "either (130, 3), and one whose runner was killed, so that run.json is missing, is\n"
        "inconclusive (4).\n",
        table, 1, 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario;
    struct otl_opt_list dirs;
    char path[4096];
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &dirs, &status))
        return status;
    if ((size_t)snprintf(path, sizeof path, "%s/scenario.yaml", dirs.items[0]) >= sizeof path) {
        otl_detail_set(&detail, OTEL_ERR_LIMIT, dirs.items[0], 0, 0, "the path is too long");
        return hx_usage_fail(&detail);
    }
    if (rep_is_one_run(dirs.items[0], &detail) != OTEL_OK ||
        hx_scenario_load_file(path, NULL, &scenario, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    status = judge(dirs.items[0], scenario, as_json);
    hx_scenario_free(scenario);
    return status;
}
