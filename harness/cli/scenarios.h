/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CLI_SCENARIOS_H
#define HX_CLI_SCENARIOS_H

#include "harness/scenario/scenario.h"
#include "sdk/base/opts.h"

/*
 * The options of every command that loads a scenario: --set path=value, --seed N.
 *
 *     struct hx_scenario_cli cli = {.seed = NULL};
 *     struct otl_opt options[] = {HX_SCENARIO_CLI_ROWS(cli), ..., {.name = NULL}};
 *     hx_usage_parse(...); hx_scenario_cli_options(&cli, &load, &detail);
 *
 * Memory    the options borrow from argv.
 */

struct hx_scenario_cli {
    struct otl_opt_list set;
    const char *seed;
};

#define HX_SCENARIO_CLI_ROWS(cli)                                                                 \
    {"set", "PATH=VALUE", "override a value, such as load.rate=200 (repeatable)", OTL_OPT_LIST,    \
     &(cli).set},                                                                                 \
        {"seed", "N", "the seed in place of the file's", OTL_OPT_TEXT, &(cli).seed}

/* OTEL_ERR_ARGUMENT: --seed is no number. */
OTEL_MUST_USE enum otel_err hx_scenario_cli_options(const struct hx_scenario_cli *cli,
                                                    struct hx_scenario_options *ret,
                                                    struct otl_detail *reterr);

/* ---- files and folders of files ------------------------------------------------------------ */

enum { HX_SCENARIO_FILES_MAX = 256 };

/* Zeroed = empty. */
struct hx_scenario_files {
    char *paths[HX_SCENARIO_FILES_MAX];
    size_t count;
};

/* Each argument is a file, or a folder of *.yaml files taken in order of name.
 * OTEL_ERR_NOT_FOUND: a folder without one; OTEL_ERR_LIMIT, _MEMORY. */
OTEL_MUST_USE enum otel_err hx_scenario_files_collect(struct hx_scenario_files *files,
                                                      const struct otl_opt_list *arguments,
                                                      struct otl_detail *reterr);
void hx_scenario_files_fini(struct hx_scenario_files *files);

#endif
