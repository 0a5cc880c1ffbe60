/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig compare A B: two sets of runs, and whether B is worse. */
#include <stdio.h>

#include "harness/cli/commands.h"
#include "harness/gate/compare.h"

static int status_of(const json_t *comparison)
{
    if (hx_compare_worse(comparison) > 0)
        return HX_EXIT_VERDICT;
    return hx_compare_not_judged(comparison) > 0 ? HX_EXIT_INCONCLUSIVE : HX_EXIT_OK;
}

/* Nothing in common is a mistake of who asked. */
static bool have_common(const json_t *comparison)
{
    const json_t *scenario;
    size_t i;

    json_array_foreach(json_object_get(comparison, "scenarios"), i, scenario) {
        if (json_object_get(scenario, "only") == NULL)
            return true;
    }
    return false;
}

static int no_common(const struct hx_runs *a, const struct hx_runs *b)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    otl_detail_set(&detail, OTEL_ERR_ARGUMENT, b->path, 0, 0,
                   "holds no run of the same scenario: A has '%.60s', B has '%.60s'",
                   hx_run_scenario(a->reports[0]), hx_run_scenario(b->reports[0]));
    return hx_usage_fail(&detail);
}

static int compare(const struct hx_runs *a, const struct hx_runs *b, bool counts, bool as_json,
                   bool gate)
{
    json_t *comparison = hx_compare(a, b, counts);
    int status = HX_EXIT_OK;

    if (comparison == NULL)
        return HX_EXIT_FAULT;
    if (!have_common(comparison)) {
        status = no_common(a, b);
    } else {
        if (as_json) {
            json_dumpf(comparison, stdout, JSON_INDENT(2));
            putchar('\n');
        } else {
            hx_compare_print(comparison);
        }
        status = gate ? status_of(comparison) : HX_EXIT_OK;
    }
    json_decref(comparison);
    return status;
}

int hx_command_compare(int argc, char **argv)
{
    static struct hx_runs a, b; /* too large for the stack */
    bool gate = false, counts = false, as_json = false;
    const struct otl_opt options[] = {
        {"gate", NULL, "exit 1 if B is worse, 4 if something could not be judged", OTL_OPT_FLAG,
         &gate},
        {"counts", NULL, "gate on counts, sizes and instructions alone, on no wall-clock figure",
         OTL_OPT_FLAG, &counts},
        {"json", NULL, "the comparison as JSON", OTL_OPT_FLAG, &as_json},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {
        "compare A B [--gate] [--counts] [--json]",
        "A and B are run directories, report.json files or directories of runs (--repeat).\n"
        "Counts are pooled and tested exactly; sizes and instructions a request are compared by\n"
        "their medians, on whatever machines they were made; times need\n"
        "five quiet runs on each side, made on one machine: median with its interval and the\n"
        "Mann-Whitney test. '~' is no difference beyond the noise.\n"
        "Checks and expectations that fail in B and in no run of A are worse. Not judged is what\n"
        "could be judged in A and cannot be in B, a scenario that only A has, and one of which B\n"
        "has runs without a verdict.\n",
        options, 2, 2};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_opt_list paths;
    int status = HX_EXIT_OK;

    if (!hx_usage_parse(&usage, argc, argv, &paths, &status))
        return status;
    if (hx_runs_load(paths.items[0], &a, &detail) != OTEL_OK ||
        hx_runs_load(paths.items[1], &b, &detail) != OTEL_OK)
        status = hx_usage_fail(&detail);
    else
        status = compare(&a, &b, counts, as_json, gate);
    hx_runs_fini(&a);
    hx_runs_fini(&b);
    return status;
}
