/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig run: run scenarios, judge them, report. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/cli/groups.h"
#include "harness/cli/judge.h"
#include "harness/cli/scenarios.h"
#include "harness/cli/set.h"
#include "harness/gate/compare.h"
#include "harness/gate/judge.h"
#include "harness/scenario/scenario.h"
#include "harness/topology/facts.h"
#include "harness/topology/run.h"
#include "harness/tuning/overhead.h"
#include "harness/verify/verify.h"
#include "reports/render.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { PATH_SIZE = 4096, DIR_SIZE = 3072, REPEAT_MAX = 1000 };

struct request {
    int argc;
    char **argv;
    const char *out;
    const char *repeat;
    const char *baseline;
    struct hx_runs before; /* what --baseline names */
    struct hx_scenario_cli scenario;
    struct hx_scenario_options loading;
    struct otl_opt_list collector_options;
    bool json;
    bool quiet;
    uint64_t repeats;
    struct hx_set set; /* of several runs */
    char error[900];   /* why the last run has no report, or "" */
    char tracerig[PATH_SIZE];
    char collector[PATH_SIZE];
    struct hx_scenario_files files;
};

/* ---- the run directory -------------------------------------------------------------------- */

static enum otel_err choose_dir(const struct request *request, const struct hx_scenario *scenario,
                                unsigned nth, char *dir, size_t size, struct otl_detail *detail)
{
    char stamp[40], path[PATH_SIZE], *full;
    struct stat info;
    enum otel_err err;

    hx_utc_format(otl_clock_wall(otl_clock_real()), true, stamp, sizeof(stamp));
    if (request->set.tree != NULL)
        hx_set_run_dir(&request->set, scenario->name, nth, dir, size);
    else if (request->out != NULL)
        snprintf(dir, size, "%s", request->out);
    else
        snprintf(dir, size, "runs/%s-%s", scenario->name, stamp);
    for (int i = 2; i < 1000 && request->out == NULL && stat(dir, &info) == 0; i++)
        snprintf(dir, size, "runs/%s-%s.%d", scenario->name, stamp, i);
    err = otl_make_dirs(dir, detail);
    if (err != OTEL_OK)
        return err;
    snprintf(path, sizeof(path), "%s/report.json", dir);
    if (stat(path, &info) == 0)
        return otl_detail_set(detail, OTEL_ERR_ARGUMENT, dir, 0, 0,
                              "holds a report already; choose another --out");
    full = realpath(dir, NULL);
    if (full == NULL)
        return otl_detail_set(detail, OTEL_ERR_IO, dir, 0, 0, "%s", strerror(errno));
    if (strlen(full) >= size)
        err = otl_detail_set(detail, OTEL_ERR_LIMIT, dir, 0, 0, "the path is too long");
    else
        memcpy(dir, full, strlen(full) + 1);
    free(full);
    return err;
}

static enum otel_err write_file(const char *dir, const char *name, const void *data, size_t len,
                                struct otl_detail *detail)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return otl_file_write(path, data, len, detail);
}

static enum otel_err write_tree(const char *dir, const char *name, const json_t *tree,
                                struct otl_detail *detail)
{
    char *text = json_dumps(tree, JSON_INDENT(2));
    enum otel_err err = text ? write_file(dir, name, text, strlen(text), detail)
                             : OTEL_ERR_MEMORY;

    free(text);
    return err;
}

static enum otel_err write_scenario(const char *dir, const struct hx_scenario *scenario,
                                    struct otl_detail *detail)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, 4u << 20);
    err = hx_scenario_emit(scenario, &text);
    if (err == OTEL_OK)
        err = write_file(dir, "scenario.yaml", text.data, text.len, detail);
    otl_buf_fini(&text);
    return err;
}

/* ---- one run ------------------------------------------------------------------------------ */

static json_t *words(const struct request *request, const struct hx_scenario *scenario,
                     const char *file, json_t **ret_line)
{
    json_t *list = json_array();
    char seed[32];
    struct otl_buf line;

    json_array_append_new(list, json_string("tracerig"));
    for (int i = 0; i < request->argc; i++)
        json_array_append_new(list, json_string(request->argv[i]));
    otl_buf_init(&line, 1u << 16);
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)scenario->seed);
    if (otl_buf_printf(&line, "tracerig run %s --seed %s", file, seed) == OTEL_OK)
        for (size_t i = 0; i < request->scenario.set.count; i++)
            if (otl_buf_printf(&line, " --set '%s'", request->scenario.set.items[i]) != OTEL_OK)
                break;
    *ret_line = json_string(line.data ? line.data : "");
    otl_buf_fini(&line);
    return list;
}

/* An interrupt leaves the run's own verdict without the overhead that was asked for: none. */
static enum otel_err put_overhead(const struct request *request, const struct hx_run *run,
                                  json_t *report, bool *interrupted, struct otl_detail *detail)
{
    const struct hx_overhead_options options = {.scenario = run->options.scenario,
                                                .dir = run->options.dir,
                                                .tracerig = request->tracerig,
                                                .collector = request->collector,
                                                .quiet = run->options.quiet};
    json_t *overhead = NULL;
    enum otel_err err;

    if (!options.scenario->overhead.wanted || *interrupted)
        return OTEL_OK;
    err = hx_overhead_measure(&options, &overhead, detail);
    *interrupted = err == OTEL_ERR_CLOSED;
    if (err == OTEL_OK)
        json_object_set_new(report, "overhead", overhead);
    return *interrupted ? OTEL_OK : err;
}

static enum otel_err judge(const struct request *request, const struct hx_run *run,
                           const struct hx_cpu_times *before, const char *file, json_t **ret,
                           struct otl_detail *detail)
{
    static struct hx_killed killed; /* too large for the stack */
    struct hx_verify_options options = {.dir = run->options.dir,
                                        .scenario = run->options.scenario,
                                        .killed = killed.names};
    json_t *report = hx_run_facts(run, before), *parts = NULL, *line;
    struct hx_run_end end = {.interrupted = run->interrupted, .incidents = run->incidents};
    enum otel_err err;

    if (report == NULL)
        return OTEL_ERR_MEMORY;
    memcpy(end.fault, run->fault, sizeof(end.fault));
    err = hx_run_end_write(run->options.dir, &end, detail);
    if (err != OTEL_OK) {
        json_decref(report);
        return err;
    }
    hx_judge_killed(json_object_get(report, "services"), &killed);
    options.killed_count = killed.count;
    err = hx_verify_run(&options, &parts, detail);
    if (err != OTEL_OK) {
        json_decref(report);
        return err;
    }
    json_array_extend(json_object_get(report, "series"), json_object_get(parts, "series"));
    json_object_del(parts, "series");
    json_object_update(report, parts);
    json_decref(parts);
    hx_groups_measure(report);
    json_array_insert_new(json_object_get(report, "checks"), 0,
                          hx_judge_processes(run->incidents));
    err = put_overhead(request, run, report, &end.interrupted, detail);
    if (err != OTEL_OK) {
        json_decref(report);
        return err;
    }
    json_object_set_new(report, "command_line",
                        words(request, run->options.scenario, file, &line));
    json_object_set_new(report, "reproduce", line);
    err = hx_thresholds_judge(options.scenario->claims.thresholds,
                              options.scenario->claims.threshold_count, report);
    if (err == OTEL_OK && request->baseline != NULL)
        err = hx_compare_expect(&request->before, report);
    hx_judge(report, &end);
    *ret = report;
    return err;
}

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

static void show(const struct request *request, const char *dir, const json_t *report)
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
        printf("%s %s\n", json_string_value(json_object_get(report, "verdict")), dir);
        return;
    }
    rep_render_options_for(&look, STDOUT_FILENO);
    rep_out_init(&out);
    if (rep_render_one(dir, rep_renderer_find("text"), &look, &out, &detail) == OTEL_OK)
        fwrite(out.buf.data, 1, out.buf.len, stdout);
    rep_out_fini(&out);
    printf("\nreport: %s/report.html\n", dir);
}

static int fail(struct request *request, const char *what, const struct otl_detail *detail,
                int status)
{
    char text[800];

    otl_detail_format(detail, text, sizeof(text));
    snprintf(request->error, sizeof(request->error), "%s%s%s", what, what[0] ? ": " : "", text);
    fprintf(stderr, "tracerig: %s\n", request->error);
    return status;
}

static int finish(struct request *request, struct hx_run *run,
                  const struct hx_cpu_times *before, const char *file)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    const char *dir = run->options.dir;
    json_t *report = NULL;
    int status;
    enum otel_err err = judge(request, run, before, file, &report, &detail);

    if (err != OTEL_OK)
        return fail(request, "the run cannot be judged", &detail, HX_EXIT_FAULT);
    err = write_tree(dir, "environment.json", json_object_get(report, "environment"), &detail);
    if (err == OTEL_OK)
        err = write_tree(dir, "report.json", report, &detail);
    if (err == OTEL_OK)
        err = rep_render_all(dir, &detail);
    status = (int)json_integer_value(json_object_get(report, "exit_status"));
    if (err != OTEL_OK)
        status = fail(request, "the report cannot be written", &detail, HX_EXIT_FAULT);
    else
        show(request, dir, report);
    json_decref(report);
    return status;
}

static int run_once(struct request *request, const char *file, unsigned nth)
{
    struct hx_run_options options = {.tracerig = request->tracerig,
                                     .collector = request->collector,
                                     .collector_options = request->collector_options.items,
                                     .quiet = request->quiet || request->json,
                                     .live = isatty(STDERR_FILENO),
                                     .progress_fd = STDERR_FILENO};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario = NULL;
    static struct hx_run run; /* too large for the stack; one run at a time */
    struct hx_cpu_times before;
    char dir[DIR_SIZE] = "";
    int status = HX_EXIT_FAULT;

    request->error[0] = '\0';
    if (hx_scenario_load_file(file, &request->loading, &scenario, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    hx_cpu_times_read(&before);
    if (choose_dir(request, scenario, nth, dir, sizeof(dir), &detail) != OTEL_OK ||
        write_scenario(dir, scenario, &detail) != OTEL_OK) {
        status = fail(request, "", &detail,
                      detail.code == OTEL_ERR_ARGUMENT ? HX_EXIT_USAGE : status);
        goto done;
    }
    if (!options.quiet)
        fprintf(stderr, "%s: %s (seed %llu)\n", scenario->name, scenario->claim,
                (unsigned long long)scenario->seed);
    options.scenario = scenario;
    options.dir = dir;
    if (hx_run_execute(&run, &options, &detail) == OTEL_OK)
        status = finish(request, &run, &before, file);
    else if (run.interrupted)
        status = fail(request, "interrupted before the load began", &detail, HX_EXIT_INTERRUPTED);
    else
        status = fail(request, "the environment failed, there is no verdict", &detail,
                      HX_EXIT_FAULT);
    if (request->error[0] != '\0') /* the directory says why it holds no report */
        (void)!write_file(dir, "error.txt", request->error, strlen(request->error), NULL);
    hx_run_fini(&run);
done:
    if (request->set.tree != NULL &&
        hx_set_record(&request->set, scenario, dir, nth, status, request->error) != OTEL_OK)
        status = hx_exit_worst(status, HX_EXIT_FAULT);
    hx_scenario_free(scenario);
    return status;
}

/* ---- the command -------------------------------------------------------------------------- */

static enum otel_err find_programs(struct request *request, struct otl_detail *detail)
{
    ssize_t len = readlink("/proc/self/exe", request->tracerig, sizeof(request->tracerig) - 1);
    char *slash;

    if (len <= 0)
        return otl_detail_set(detail, OTEL_ERR_IO, "/proc/self/exe", 0, 0, "%s", strerror(errno));
    request->tracerig[len] = '\0';
    slash = strrchr(request->tracerig, '/');
    if (snprintf(request->collector, sizeof(request->collector), "%.*s/collector-mock",
                 (int)(slash - request->tracerig),
                 request->tracerig) >= (int)sizeof(request->collector))
        return otl_detail_set(detail, OTEL_ERR_LIMIT, NULL, 0, 0, "the program's path is too long");
    if (access(request->collector, X_OK) != 0)
        return otl_detail_set(detail, OTEL_ERR_NOT_FOUND, request->collector, 0, 0,
                              "collector-mock must stand beside tracerig: %s", strerror(errno));
    return OTEL_OK;
}

static bool in_baseline(const struct request *request, const struct hx_scenario *scenario,
                        struct otl_detail *detail)
{
    for (size_t i = 0; i < request->before.count; i++)
        if (strcmp(hx_run_scenario(request->before.reports[i]), scenario->name) == 0)
            return true;
    otl_detail_set(detail, OTEL_ERR_ARGUMENT, request->baseline, 0, 0,
                   "--baseline: is a run of the scenario '%.100s', not of '%.100s'",
                   hx_run_scenario(request->before.reports[0]), scenario->name);
    return false;
}

/* All files are read before the first run starts: a mistake in the last costs no time. */
static int check_all(const struct request *request)
{
    int status = HX_EXIT_OK;

    for (size_t i = 0; i < request->files.count; i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_scenario *scenario = NULL;
        if (hx_scenario_load_file(request->files.paths[i], &request->loading, &scenario, &detail) !=
            OTEL_OK)
            status = hx_exit_worst(status, hx_usage_fail(&detail));
        else if (request->baseline != NULL && !in_baseline(request, scenario, &detail))
            status = hx_exit_worst(status, hx_usage_fail(&detail));
        hx_scenario_free(scenario);
    }
    return status;
}

static int run_all(struct request *request)
{
    size_t all = request->files.count * request->repeats, done = 0;
    int status = HX_EXIT_OK;

    for (size_t i = 0; i < request->files.count; i++)
        for (unsigned n = 1; n <= request->repeats; n++) {
            int one = run_once(request, request->files.paths[i], request->repeats > 1 ? n : 0);
            status = hx_exit_worst(status, one);
            done++;
            if (one == HX_EXIT_INTERRUPTED) {
                if (done < all)
                    fprintf(stderr, "tracerig: interrupted: %zu of %zu runs were not begun\n",
                            all - done, all);
                return status;
            }
        }
    return status;
}

/* With runs enough on both sides, times are compared too. */
static int compare_times(struct request *request)
{
    static struct hx_runs now; /* too large for the stack */
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *comparison;
    int status = HX_EXIT_OK;

    if (request->baseline == NULL || request->repeats < HX_CLOCK_RUNS ||
        request->before.count < HX_CLOCK_RUNS)
        return HX_EXIT_OK;
    if (hx_runs_load(request->set.dir, &now, &detail) != OTEL_OK) {
        status = fail(request, "", &detail, HX_EXIT_FAULT);
    } else {
        comparison = hx_compare(&request->before, &now, false);
        if (comparison != NULL && !request->json)
            hx_compare_print(comparison);
        if (comparison == NULL)
            status = HX_EXIT_FAULT;
        else if (hx_compare_worse(comparison) > 0)
            status = HX_EXIT_VERDICT;
        else if (hx_compare_not_judged(comparison) > 0)
            status = HX_EXIT_INCONCLUSIVE;
        json_decref(comparison);
    }
    hx_runs_fini(&now);
    return status;
}

/* Several runs end with one page. */
static int run_set(struct request *request)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    int status = check_all(request);

    if (status != HX_EXIT_OK)
        return status;
    if (request->files.count == 1 && request->repeats == 1)
        return run_all(request);
    if (hx_set_open(&request->set, request->out, &detail) != OTEL_OK) {
        status = fail(request, "", &detail,
                      detail.code == OTEL_ERR_ARGUMENT ? HX_EXIT_USAGE : HX_EXIT_FAULT);
        json_decref(request->set.tree);
        return status;
    }
    status = run_all(request);
    if (hx_set_finish(&request->set, request->json, &detail) != OTEL_OK)
        status = hx_exit_worst(status, fail(request, "the page cannot be written", &detail,
                                            HX_EXIT_FAULT));
    return status == HX_EXIT_INTERRUPTED ? status : hx_exit_worst(status, compare_times(request));
}

int hx_command_run(int argc, char **argv)
{
    static struct request request;
    const struct otl_opt options[] = {
        {"out", "DIR", "write there (default: runs/SCENARIO-UTCTIME or runs/set-UTCTIME)",
         OTL_OPT_TEXT, &request.out},
        HX_SCENARIO_CLI_ROWS(request.scenario),
        {"repeat", "N", "run each scenario N times", OTL_OPT_TEXT, &request.repeat},
        {"baseline", "REPORT", "a former run (or a directory of runs) that must not be better",
         OTL_OPT_TEXT, &request.baseline},
        {"json", NULL, "print report.json on stdout, nothing else", OTL_OPT_FLAG, &request.json},
        {"quiet", NULL, "print one line a run", OTL_OPT_FLAG, &request.quiet},
        {"collector-option", "WORD", NULL, OTL_OPT_LIST, &request.collector_options},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {
        "run SCENARIO|DIR... [options]",
        "Starts the scenario's fleet, drives its load, judges every span against the ledger and\n"
        "writes a report. Exit status: 0 every claim holds, 1 a verdict against the fleet,\n"
        "2 wrong usage or an invalid file, 3 the environment failed, 4 inconclusive,\n"
        "130 interrupted.\n",
        options, 1, OTL_OPT_LIST_MAX};
    struct otl_opt_list arguments;
    struct otl_detail detail = OTL_DETAIL_NONE;
    int status;

    memset(&request, 0, sizeof(request));
    request.argc = argc;
    request.argv = argv;
    request.repeats = 1;
    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    if (request.repeat != NULL &&
        otl_parse_uint(request.repeat, 1, REPEAT_MAX, &request.repeats) != OTEL_OK) {
        otl_detail_set(&detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                       "--repeat: expected a whole number from 1 to %d, found '%s'", REPEAT_MAX,
                       request.repeat);
        return hx_usage_fail(&detail);
    }
    if (hx_scenario_cli_options(&request.scenario, &request.loading, &detail) != OTEL_OK)
        status = hx_usage_fail(&detail);
    else if (hx_scenario_files_collect(&request.files, &arguments, &detail) != OTEL_OK)
        status = hx_usage_fail(&detail);
    else if (request.baseline != NULL &&
             hx_runs_load(request.baseline, &request.before, &detail) != OTEL_OK)
        status = hx_usage_fail(&detail);
    else if (find_programs(&request, &detail) != OTEL_OK)
        status = fail(&request, "", &detail, HX_EXIT_FAULT);
    else
        status = run_set(&request);
    hx_runs_fini(&request.before);
    hx_scenario_files_fini(&request.files);
    return status;
}
