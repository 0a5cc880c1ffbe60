/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig run: run scenarios, judge them, report; several end with one page. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/cli/request.h"
#include "sdk/base/text.h"

enum { REPEAT_MAX = 1000 };

static enum otel_err find_programs(struct hx_request *request, struct otl_detail *detail)
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

static bool in_baseline(const struct hx_request *request, const struct hx_scenario *scenario,
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
static int check_all(const struct hx_request *request)
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

/* The n-th run of all, file by file. */
static int run_nth(struct hx_request *request, size_t n)
{
    return hx_run_once(request, request->files.paths[n / request->repeats],
                       request->repeats > 1 ? (unsigned)(n % request->repeats) + 1 : 0);
}

/* The page names what an interrupt has left undone. */
static void leave(struct hx_request *request, size_t from, size_t all)
{
    if (from < all)
        fprintf(stderr, "tracerig: interrupted: %zu of %zu runs were not begun\n", all - from, all);
    for (size_t n = from; n < all && request->set.tree != NULL; n++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_scenario *scenario = NULL;
        unsigned nth = request->repeats > 1 ? (unsigned)(n % request->repeats) + 1 : 0;
        if (hx_scenario_load_file(request->files.paths[n / request->repeats], &request->loading,
                                  &scenario, &detail) != OTEL_OK ||
            hx_set_not_begun(&request->set, scenario, nth) != OTEL_OK)
            fprintf(stderr, "tracerig: %s is not on the page\n",
                    request->files.paths[n / request->repeats]);
        hx_scenario_free(scenario);
    }
}

static int run_all(struct hx_request *request)
{
    size_t all = request->files.count * (size_t)request->repeats;
    int status = HX_EXIT_OK;

    for (size_t n = 0; n < all; n++) {
        int one = run_nth(request, n);
        status = hx_exit_worst(status, one);
        if (one == HX_EXIT_INTERRUPTED) {
            leave(request, n + 1, all);
            break;
        }
    }
    return status;
}

/* With runs enough on both sides, times are compared too; of the baseline's scenarios those that
 * were asked for. */
static int compare_times(struct hx_request *request)
{
    static struct hx_runs now; /* too large for the stack */
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *comparison;
    int status = HX_EXIT_OK;

    if (request->baseline == NULL || request->repeats < HX_CLOCK_RUNS ||
        request->before.count < HX_CLOCK_RUNS)
        return HX_EXIT_OK;
    if (hx_runs_load(request->set.dir, &now, &detail) != OTEL_OK) {
        status = hx_request_fail(request, "", &detail, HX_EXIT_FAULT);
    } else if (hx_compare_has_clocks(&request->before, &now)) {
        comparison = hx_compare_asked(&request->before, &now);
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

/* Several runs end with one page; a single one too, where that was asked for. */
static int run_set(struct hx_request *request)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    int status = check_all(request);

    if (status != HX_EXIT_OK)
        return status;
    if (request->files.count == 1 && request->repeats == 1 && !request->page)
        return run_all(request);
    if (hx_set_open(&request->set, request->out, &detail) != OTEL_OK) {
        status = hx_request_fail(request, "", &detail,
                                 detail.code == OTEL_ERR_ARGUMENT ? HX_EXIT_USAGE : HX_EXIT_FAULT);
        json_decref(request->set.tree);
        return status;
    }
    status = run_all(request);
    if (hx_set_finish(&request->set, request->json, &detail) != OTEL_OK)
        status = hx_exit_worst(status, hx_request_fail(request, "the page cannot be written",
                                                       &detail, HX_EXIT_FAULT));
    return status == HX_EXIT_INTERRUPTED ? status : hx_exit_worst(status, compare_times(request));
}

int hx_command_run(int argc, char **argv)
{
    static struct hx_request request;
    const struct otl_opt options[] = {
        {"out", "DIR", "write there (default: runs/SCENARIO-UTCTIME or runs/set-UTCTIME)",
         OTL_OPT_TEXT, &request.out},
        HX_SCENARIO_CLI_ROWS(request.scenario),
        {"repeat", "N", "run each scenario N times", OTL_OPT_TEXT, &request.repeat},
        {"baseline", "REPORT", "a former run (or a directory of runs): this one must be no worse",
         OTL_OPT_TEXT, &request.baseline},
        {"page", NULL, "a set with its page and its JUnit file, though it is one run",
         OTL_OPT_FLAG, &request.page},
        {"json", NULL, "print report.json on stdout, nothing else", OTL_OPT_FLAG, &request.json},
        {"quiet", NULL, "print one line a run: verdict, directory, and why unless it passed",
         OTL_OPT_FLAG, &request.quiet},
        {"collector-option", "WORD", NULL, OTL_OPT_LIST, &request.collector_options},
        {"agent-option", "WORD", NULL, OTL_OPT_LIST, &request.agent_options},
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
        status = hx_request_fail(&request, "", &detail, HX_EXIT_FAULT);
    else
        status = run_set(&request);
    hx_runs_fini(&request.before);
    hx_scenario_files_fini(&request.files);
    return status;
}
