/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/commands.h"

const struct hx_command hx_commands[] = {
    {"run", "run scenarios, judge every span, write a report", hx_command_run},
    {"list", "the scenarios there are, and what each claims", hx_command_list},
    {"validate", "check scenario files", hx_command_validate},
    {"explain", "say in words what a scenario does", hx_command_explain},
    {"verify", "judge a recorded run again", hx_command_verify},
    {"predict", "which traces a Collector's tail sampling keeps, and why", hx_command_predict},
    {"compare", "two sets of runs: what differs beyond the noise", hx_command_compare},
    {"report", "draw the report of a run again, or print it", hx_command_report},
    {"sweep", "a scenario under every combination of some settings", hx_command_sweep},
    {"tune", "recommend settings of a batch processor for a load, and prove them", hx_command_tune},
    {"load", "the load generator alone, against any URL", hx_command_load},
    {"service", "one replica of a scenario's service, to be placed by another scheduler",
     hx_command_service},
    {"broker", NULL, hx_command_broker},
    {"relay", NULL, hx_command_relay},
    {"load-client", NULL, hx_command_load_client},
    {NULL, NULL, NULL},
};
