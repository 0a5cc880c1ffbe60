/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/cli/commands.h"
#include "harness/cli/scenarios.h"
#include "harness/scenario/plan.h"
#include "reports/format.h"

static void tell_warning(void *context, const char *text)
{
    printf("%s: warning: %s\n", (const char *)context, text);
}

static int validate(const char *path, const struct hx_scenario_options *options)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario;
    struct hx_plan *plan;

    if (hx_scenario_load_file(path, options, &scenario, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    if (hx_plan_new(scenario, &plan, NULL) != OTEL_OK) {
        hx_scenario_free(scenario);
        return HX_EXIT_FAULT;
    }
    printf("%s: ok: %s, %s, %s a request\n", path,
           rep_format_things((long long)scenario->service_count, "service").text,
           rep_format_things((long long)scenario->operation_count, "operation").text,
           rep_format_things((long long)plan->spans[hx_plan_start(scenario)], "span").text);
    hx_plan_warnings(plan, tell_warning, (void *)path);
    hx_plan_free(plan);
    hx_scenario_free(scenario);
    return HX_EXIT_OK;
}

int hx_command_validate(int argc, char **argv)
{
    struct hx_scenario_cli cli = {.seed = NULL};
    struct otl_opt options[] = {HX_SCENARIO_CLI_ROWS(cli), {.name = NULL}};
    const struct hx_usage usage = {
        "validate SCENARIO|DIR... [--set path=value]...",
        "Loads each scenario and says what is wrong with it, with file:line:column.\n", options, 1,
        OTL_OPT_LIST_MAX};
    struct hx_scenario_options load;
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_opt_list arguments;
    static struct hx_scenario_files files;
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    if (hx_scenario_cli_options(&cli, &load, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    status = hx_scenario_files_collect(&files, &arguments, &detail) == OTEL_OK
                 ? HX_EXIT_OK
                 : hx_usage_fail(&detail);
    for (size_t i = 0; i < files.count; i++)
        status = hx_exit_worst(status, validate(files.paths[i], &load));
    hx_scenario_files_fini(&files);
    return status;
}
