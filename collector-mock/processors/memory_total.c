/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/memory_total.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/text.h"

enum { PATH_SIZE = 4096, LINE_SIZE = 4096 };

/* What the kernel writes of a group of version 1 that has no limit. */
#define UNLIMITED 9223372036854771712u

/* The first line of a file as a number; false: there is none ("max"). */
static bool read_limit(const char *path, uint64_t *ret)
{
    char line[64];
    FILE *file = fopen(path, "re");
    bool good;

    if (file == NULL)
        return false;
    good = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    if (!good)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return otl_parse_uint(line, 1, INT64_MAX, ret) == OTEL_OK && *ret != UNLIMITED;
}

/* The path in "0::/a/b" (version 2), "7:memory:/a/b", "4:cpu,memory:/a/b"; NULL: none of these. */
static const char *path_in(char *line, bool *ret_old)
{
    char *names = strchr(line, ':'), *path = names != NULL ? strchr(names + 1, ':') : NULL;

    if (path == NULL)
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    *path++ = '\0';
    names++;
    *ret_old = names[0] != '\0';
    for (char *next; *ret_old && names != NULL; names = next) {
        next = strchr(names, ',');
        if (next != NULL)
            *next++ = '\0';
        if (strcmp(names, "memory") == 0)
            return path;
    }
    return *ret_old ? NULL : path;
}

/* The limit of the group that the line of /proc/self/cgroup names. */
static bool limit_of(const char *root, char *line, uint64_t *ret)
{
    char file[PATH_SIZE + LINE_SIZE];
    bool old = false;
    const char *path = path_in(line, &old);

    if (path == NULL)
        return false;
    snprintf(file, sizeof(file), old ? "%s/sys/fs/cgroup/memory%s/memory.limit_in_bytes"
                                       : "%s/sys/fs/cgroup%s/memory.max", root, path);
    if (read_limit(file, ret))
        return true;
    /* in a container the group stands where it is mounted */
    snprintf(file, sizeof(file), old ? "%s/sys/fs/cgroup/memory/memory.limit_in_bytes"
                                       : "%s/sys/fs/cgroup/memory.max", root);
    return read_limit(file, ret);
}

uint64_t col_memory_total(const char *root)
{
    char path[PATH_SIZE], line[LINE_SIZE];
    uint64_t limit = 0;
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = limit_of(root, line, &limit);
    if (file != NULL)
        fclose(file);
    return found ? limit
                 : (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}
