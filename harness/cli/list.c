/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/scenario/scenario.h"

static int is_scenario(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static int list_file(const char *folder, const char *name)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario;
    char path[4096];

    if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path)) {
        otl_detail_set(&detail, OTEL_ERR_LIMIT, name, 0, 0, "the path is too long");
        return hx_usage_fail(&detail);
    }
    if (hx_scenario_load_file(path, NULL, &scenario, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    printf("%s\n    %s\n", path, scenario->claim[0] ? scenario->claim : scenario->title);
    hx_scenario_free(scenario);
    return HX_EXIT_OK;
}

static int list_folder(const char *folder)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct dirent **entries;
    int count = scandir(folder, &entries, is_scenario, alphasort), status = HX_EXIT_OK;

    if (count < 0) {
        otl_detail_set(&detail, OTEL_ERR_NOT_FOUND, folder, 0, 0, "cannot list: %s",
                       strerror(errno));
        return hx_usage_fail(&detail);
    }
    if (count == 0)
        printf("%s: no scenario (*.yaml)\n", folder);
    for (int i = 0; i < count; i++) {
        status = hx_exit_worst(status, list_file(folder, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return status;
}

int hx_command_list(int argc, char **argv)
{
    static const char *const standard[] = {"scenarios"};
    const struct hx_usage usage = {"list [DIR...]",
                                   "Lists the scenarios of the folders (scenarios/ when none is "
                                   "given) with what each claims.\n",
                                   NULL, 0, OTL_OPT_LIST_MAX};
    struct otl_opt_list folders;
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &folders, &status))
        return status;
    if (folders.count == 0)
        folders.items[folders.count++] = standard[0];
    status = HX_EXIT_OK;
    for (size_t i = 0; i < folders.count; i++)
        status = hx_exit_worst(status, list_folder(folders.items[i]));
    return status;
}
