/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/commands.h"

const struct hx_command hx_commands[] = {
    {NULL, NULL, NULL},
};
