/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/several.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, NAME_SIZE = 256 };

static bool holds(const char *dir, const char *below, const char *name)
{
    char path[PATH_SIZE];

    return snprintf(path, sizeof(path), "%s/%s%s%s", dir, below, below[0] ? "/" : "", name) <
               PATH_SIZE &&
           access(path, F_OK) == 0;
}

/* The first by name; false: there is none. */
static bool first_run(const char *dir, char name[NAME_SIZE])
{
    DIR *list = opendir(dir);
    const struct dirent *entry;

    name[0] = '\0';
    while (list != NULL && (entry = readdir(list)) != NULL)
        if (entry->d_name[0] != '.' && holds(dir, entry->d_name, "scenario.yaml") &&
            (name[0] == '\0' || strcmp(entry->d_name, name) < 0))
            snprintf(name, NAME_SIZE, "%s", entry->d_name);
    if (list != NULL)
        closedir(list);
    return name[0] != '\0';
}

enum otel_err rep_is_one_run(const char *dir, struct otl_detail *reterr)
{
    static const struct {
        const char *file, *what;
    } kinds[] = {{"set.json", "a set of runs"}, {"sweep.json", "a sweep"},
                 {"tune.yaml", "a tuning"}};
    char run[NAME_SIZE];

    if (holds(dir, "", "scenario.yaml"))
        return OTEL_OK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!holds(dir, "", kinds[i].file))
            continue;
        if (!first_run(dir, run))
            return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, dir, 0, 0,
                                  "%s, not a run; it holds none", kinds[i].what);
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, dir, 0, 0,
                              "%s, not a run; name one of its directories, such as %.300s%s%.100s",
                              kinds[i].what, dir, *dir && dir[strlen(dir) - 1] == '/' ? "" : "/",
                              run);
    }
    return OTEL_OK;
}
