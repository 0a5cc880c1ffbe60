/* SPDX-License-Identifier: Apache-2.0 */
/* One run: its directory, its fleet, its report, and what is shown of it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/cli/judge.h"
#include "harness/cli/judging.h"
#include "harness/cli/request.h"
#include "harness/scenario/plan.h"
#include "reports/render.h"

/* What the baseline was made with, as far as it differs. */
static void tell_differences(const json_t *report)
{
    const json_t *row, *list = json_object_get(json_object_get(report, "baseline"), "differences");
    size_t i;

    json_array_foreach(list, i, row) {
        fprintf(stderr, "baseline: %s: %s was '%s', is '%s'\n",
                json_is_true(json_object_get(row, "machine")) ? "another machine" : "differs",
                json_string_value(json_object_get(row, "key")),
                json_string_value(json_object_get(row, "a")),
                json_string_value(json_object_get(row, "b")));
    }
}

/* One line; who reads it in a log of CI should not have to open the report to learn why. */
static void tell_briefly(const char *dir, const json_t *report)
{
    const char *verdict = json_string_value(json_object_get(report, "verdict"));
    const char *reason = json_string_value(json_object_get(report, "reason"));
    bool why = strcmp(verdict, "pass") != 0 && reason != NULL;

    printf("%s %s%s%s\n", verdict, dir, why ? ": " : "", why ? reason : "");
}

static void show(const struct hx_request *request, const char *dir, const json_t *report)
{
    struct rep_render_options look;
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rep_out out;

    tell_differences(report);
    if (request->json) {
        json_dumpf(report, stdout, JSON_INDENT(2));
        putchar('\n');
        return;
    }
    if (request->quiet) {
        tell_briefly(dir, report);
        return;
    }
    rep_render_options_for(&look, STDOUT_FILENO);
    rep_out_init(&out);
    if (rep_render_one(dir, rep_renderer_find("text"), &look, &out, &detail) == OTEL_OK)
        fwrite(out.buf.data, 1, out.buf.len, stdout);
    rep_out_fini(&out);
    printf("\nreport: %s/report.html\n", dir);
}

int hx_request_fail(struct hx_request *request, const char *what, const struct otl_detail *detail,
                    int status)
{
    char text[800];

    otl_detail_format(detail, text, sizeof(text));
    snprintf(request->error, sizeof(request->error), "%s%s%s", what, what[0] ? ": " : "", text);
    fprintf(stderr, "tracerig: %s\n", request->error);
    return status;
}

/* The run has no verdict; whoever judges it again is to know why, too. */
static void leave_end(const struct hx_run *run, const char *fault)
{
    struct hx_run_end end = {.interrupted = run->interrupted, .incidents = run->incidents};

    snprintf(end.fault, sizeof(end.fault), "%s", fault);
    (void)!hx_run_end_write(run->options.dir, &end, NULL);
}

static int finish(struct hx_request *request, struct hx_run *run,
                  const struct hx_cpu_times *before, const char *file)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    const char *dir = run->options.dir;
    json_t *report = NULL;
    int status;
    enum otel_err err;

    hx_judging_begin(dir);
    err = hx_verdict_of(request, run, before, file, &report, &detail);
    if (err != OTEL_OK) {
        hx_judging_end();
        status = hx_request_fail(request, "the run cannot be judged", &detail, HX_EXIT_FAULT);
        leave_end(run, request->error);
        return status;
    }
    err = hx_run_dir_write_tree(dir, "environment.json", json_object_get(report, "environment"),
                                &detail);
    if (err == OTEL_OK)
        err = hx_run_dir_write_tree(dir, "report.json", report, &detail);
    if (err == OTEL_OK)
        err = rep_render_all(dir, &detail);
    hx_judging_end();
    status = (int)json_integer_value(json_object_get(report, "exit_status"));
    if (err != OTEL_OK)
        status = hx_request_fail(request, "the report cannot be written", &detail, HX_EXIT_FAULT);
    else
        show(request, dir, report);
    json_decref(report);
    return status;
}

static void tell_warning(void *context, const char *text)
{
    fprintf(stderr, "%s: warning: %s\n", (const char *)context, text);
}

/* What is odd about the scenario, as validate says it. */
static void warn(const struct hx_scenario *scenario, const char *file)
{
    struct hx_plan *plan;

    if (hx_plan_new(scenario, &plan, NULL) == OTEL_OK) {
        hx_plan_warnings(plan, tell_warning, (void *)(uintptr_t)file);
        hx_plan_free(plan);
    }
}

int hx_run_once(struct hx_request *request, const char *file, unsigned nth)
{
    struct hx_run_options options = {.tracerig = request->tracerig,
                                     .collector = request->collector,
                                     .collector_options = request->collector_options.items,
                                     .agent_options = request->agent_options.items,
                                     .quiet = request->quiet || request->json,
                                     .live = isatty(STDERR_FILENO),
                                     .progress_fd = STDERR_FILENO};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario = NULL;
    static struct hx_run run; /* too large for the stack; one run at a time */
    struct hx_cpu_times before;
    char dir[HX_RUN_DIR] = "", why[800];
    int status = HX_EXIT_FAULT;

    request->error[0] = '\0';
    if (hx_scenario_load_file(file, &request->loading, &scenario, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    hx_cpu_times_read(&before);
    if (hx_run_dir_choose(request, scenario, nth, dir, sizeof(dir), &detail) != OTEL_OK ||
        hx_run_dir_write_scenario(dir, scenario, &detail) != OTEL_OK) {
        status = hx_request_fail(request, "", &detail,
                                 detail.code == OTEL_ERR_ARGUMENT ? HX_EXIT_USAGE : status);
        goto done;
    }
    if (!options.quiet)
        fprintf(stderr, "%s: %s (seed %llu)\n", scenario->name, scenario->claim,
                (unsigned long long)scenario->seed);
    if (!options.quiet && nth <= 1)
        warn(scenario, file);
    options.scenario = scenario;
    options.dir = dir;
    if (hx_run_execute(&run, &options, &detail) == OTEL_OK) {
        status = finish(request, &run, &before, file);
    } else {
        status = hx_request_fail(request,
                                 run.interrupted ? "interrupted before the load began"
                                                 : "the environment failed, there is no verdict",
                                 &detail, run.interrupted ? HX_EXIT_INTERRUPTED : HX_EXIT_FAULT);
        leave_end(&run, otl_detail_format(&detail, why, sizeof(why)));
    }
    if (request->error[0] != '\0') /* the directory says why it holds no report */
        (void)!hx_run_dir_write(dir, "error.txt", request->error, strlen(request->error), NULL);
    hx_run_fini(&run);
done:
    if (request->set.tree != NULL &&
        hx_set_record(&request->set, scenario, dir, nth, status, request->error) != OTEL_OK)
        status = hx_exit_worst(status, HX_EXIT_FAULT);
    hx_scenario_free(scenario);
    return status;
}
