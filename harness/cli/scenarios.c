/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/scenarios.h"

#include "sdk/base/text.h"

enum otel_err hx_scenario_cli_options(const struct hx_scenario_cli *cli,
                                      struct hx_scenario_options *ret, struct otl_detail *reterr)
{
    struct hx_scenario_options options = {cli->set.items, cli->set.count, 0, cli->seed != NULL};

    if (cli->seed != NULL &&
        otl_parse_uint(cli->seed, 0, INT64_MAX, &options.seed) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--seed %.40s: expected a whole number from 0 to %lld", cli->seed,
                              (long long)INT64_MAX);
    *ret = options;
    return OTEL_OK;
}
