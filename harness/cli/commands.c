/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/commands.h"

const struct hx_command hx_commands[] = {
    {"list", "the scenarios there are, and what each claims", hx_command_list},
    {"validate", "check scenario files", hx_command_validate},
    {"explain", "say in words what a scenario does", hx_command_explain},
    {NULL, NULL, NULL},
};
