/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Errno of path as a program, 0 if it may be one. */
static int problem_of(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return errno;
    if (S_ISDIR(info.st_mode))
        return EISDIR;
    return access(path, X_OK) == 0 ? 0 : errno;
}

static void tell(const char *name, const char *path, int problem, const char *where,
                 char why[HX_PROGRAM_WHY])
{
    if (problem == ENOENT || problem == ENOTDIR)
        snprintf(why, HX_PROGRAM_WHY, "there is no program '%.400s'%s", name, where);
    else if (problem == EISDIR)
        snprintf(why, HX_PROGRAM_WHY, "'%.400s' is a directory, not a program", path);
    else if (problem == EACCES && access(path, F_OK) == 0)
        snprintf(why, HX_PROGRAM_WHY, "'%.400s' is there but not executable (chmod +x?)", path);
    else
        snprintf(why, HX_PROGRAM_WHY, "'%.400s': %s", path, strerror(problem));
}

/* The first of PATH that can be started; else what is wrong with the first that is there. */
static int search(const char *name, char path[HX_PROGRAM_PATH])
{
    const char *at = getenv("PATH"), *end;
    char candidate[HX_PROGRAM_PATH];
    int first = ENOENT;

    for (; at != NULL && *at != '\0'; at = *end == ':' ? end + 1 : end) {
        int len, problem;
        end = strchrnul(at, ':');
        len = snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)(end - at), at, name);
        if (end == at || len < 0 || len >= HX_PROGRAM_PATH)
            continue;
        problem = problem_of(candidate);
        if (problem != 0 && (problem != EACCES || first != ENOENT || access(candidate, F_OK) != 0))
            continue; /* that a directory cannot be looked into does not mean that it is there */
        memcpy(path, candidate, (size_t)len + 1);
        first = problem;
        if (problem == 0)
            break;
    }
    return first;
}

bool hx_program_find(const char *name, char ret_path[HX_PROGRAM_PATH],
                     char ret_why[HX_PROGRAM_WHY])
{
    bool is_path = strchr(name, '/') != NULL;
    int problem;

    snprintf(ret_path, HX_PROGRAM_PATH, "%s", name);
    problem = is_path ? problem_of(ret_path) : search(name, ret_path);
    if (problem != 0)
        tell(name, ret_path, problem, is_path ? "" : " in PATH", ret_why);
    return problem == 0;
}

const char *hx_program_hint(const char *path, char ret_hint[HX_PROGRAM_WHY])
{
    char line[256] = "";
    FILE *file = fopen(path, "re");
    const char *at;

    ret_hint[0] = '\0';
    if (file != NULL && fgets(line, sizeof(line), file) != NULL && strncmp(line, "#!", 2) == 0) {
        at = line + 2 + strspn(line + 2, " \t");
        snprintf(ret_hint, HX_PROGRAM_WHY, " (its first line asks for '%.*s')",
                 (int)strcspn(at, " \t\r\n"), at);
    }
    if (file != NULL)
        fclose(file);
    return ret_hint;
}
