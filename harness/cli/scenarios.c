/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/scenarios.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { PATH_SIZE = 4096 };

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

/* ---- files and folders of files ------------------------------------------------------------ */

static enum otel_err add_file(struct hx_scenario_files *files, const char *path,
                              struct otl_detail *reterr)
{
    if (files->count == HX_SCENARIO_FILES_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, path, 0, 0, "more than %d scenarios",
                              HX_SCENARIO_FILES_MAX);
    files->paths[files->count] = otl_mem_strdup(path);
    return files->paths[files->count++] ? OTEL_OK : OTEL_ERR_MEMORY;
}

static int is_yaml(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static enum otel_err add_folder(struct hx_scenario_files *files, const char *folder,
                                struct otl_detail *reterr)
{
    struct dirent **entries = NULL;
    enum otel_err err = OTEL_OK;
    int count = scandir(folder, &entries, is_yaml, alphasort);
    size_t len = strlen(folder);
    const char *slash = len > 0 && folder[len - 1] == '/' ? "" : "/";

    if (count <= 0)
        err = otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, folder, 0, 0, "holds no *.yaml scenario");
    for (int i = 0; i < count; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof(path), "%s%s%s", folder, slash, entries[i]->d_name);
        if (err == OTEL_OK)
            err = add_file(files, path, reterr);
        free(entries[i]);
    }
    free(entries);
    return err;
}

/* The file of folder that name was meant to be, into ret of PATH_SIZE. */
static bool nearest_in(const char *folder, const char *name, char *ret)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_yaml, alphasort);
    const char *words[HX_SCENARIO_FILES_MAX + 1] = {NULL}, *nearest = NULL;
    char file[PATH_SIZE];

    for (int i = 0; i < count && i < HX_SCENARIO_FILES_MAX; i++)
        words[i] = entries[i]->d_name;
    if (snprintf(file, sizeof(file), "%s%s", name, strstr(name, ".yaml") ? "" : ".yaml") <
        PATH_SIZE)
        nearest = otl_nearest(file, words);
    if (nearest != NULL && snprintf(ret, PATH_SIZE, "%s/%s", folder, nearest) >= PATH_SIZE)
        nearest = NULL;
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return nearest != NULL;
}

/* Of a path that there is not; a name alone may be one of scenarios/. */
static enum otel_err say_nearest(const char *path, struct otl_detail *reterr)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_SIZE], nearest[PATH_SIZE];

    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (nearest_in(folder, slash ? slash + 1 : path, nearest) ||
        (slash == NULL && nearest_in("scenarios", path, nearest)))
        return otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, path, 0, 0,
                              "cannot open: No such file or directory (did you mean '%.200s'?)",
                              nearest);
    return OTEL_OK;
}

enum otel_err hx_scenario_files_collect(struct hx_scenario_files *files,
                                        const struct otl_opt_list *arguments,
                                        struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < arguments->count && err == OTEL_OK; i++) {
        struct stat info;
        if (stat(arguments->items[i], &info) == 0 && S_ISDIR(info.st_mode))
            err = add_folder(files, arguments->items[i], reterr);
        else if (access(arguments->items[i], F_OK) == 0 ||
                 (err = say_nearest(arguments->items[i], reterr)) == OTEL_OK)
            err = add_file(files, arguments->items[i], reterr);
    }
    return err;
}

void hx_scenario_files_fini(struct hx_scenario_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        otl_mem_free(files->paths[i]);
    files->count = 0;
}
