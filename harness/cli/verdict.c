/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a run that is over, and its verdict. */
#include <stdio.h>
#include <string.h>

#include "harness/cli/groups.h"
#include "harness/cli/judge.h"
#include "harness/cli/request.h"
#include "harness/gate/judge.h"
#include "harness/tuning/overhead.h"
#include "harness/verify/verify.h"

static json_t *words(const struct hx_request *request, const struct hx_scenario *scenario,
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
static enum otel_err put_overhead(const struct hx_request *request, const struct hx_run *run,
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

enum otel_err hx_verdict_of(const struct hx_request *request, const struct hx_run *run,
                            const struct hx_cpu_times *before, const char *file, json_t **ret,
                            struct otl_detail *detail)
{
    static struct hx_killed killed; /* too large for the stack */
    struct hx_verify_options options = {.dir = run->options.dir,
                                        .scenario = run->options.scenario,
                                        .killed = killed.names};
    json_t *report = hx_run_facts(run, before), *parts = NULL, *line;
    const bool overhead = run->options.scenario->overhead.wanted;
    /* what ends the program between here and the last slice is an interrupt of this run, too */
    struct hx_run_end end = {.interrupted = run->interrupted || overhead,
                             .incidents = run->incidents};
    enum otel_err err;

    if (report == NULL)
        return OTEL_ERR_MEMORY;
    snprintf(end.fault, sizeof(end.fault), "%s", run->fault);
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
    if (json_array_insert_new(json_object_get(report, "checks"), 0,
                              hx_judge_processes(run->incidents)) != 0) {
        json_decref(report);
        return otl_detail_set(detail, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory");
    }
    end.interrupted = run->interrupted;
    err = put_overhead(request, run, report, &end.interrupted, detail);
    if (err == OTEL_OK && overhead)
        err = hx_run_end_write(run->options.dir, &end, detail);
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
