/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/file_groups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector-mock/wire/logs.h"
#include "sdk/base/mem.h"

struct open_file {
    char *path;
    int fd;
    uint64_t used; /* when, as a number of uses */
};

struct col_file_groups {
    struct col_file_groups_settings settings;
    char prefix[COL_FILE_PATH_MAX], suffix[COL_FILE_PATH_MAX];
    struct open_file *files;
    size_t count;
    uint64_t uses;
};

/* ---- paths ---- */

/* Without empty parts, "." and, where there is something to go back to, "..". In place. */
static void clean(char *path)
{
    bool rooted = path[0] == '/';
    char *from = path + rooted, *to = from, *floor = from;

    while (*from != '\0') {
        size_t len = strcspn(from, "/");
        bool back = len == 2 && from[0] == '.' && from[1] == '.';
        if (len == 0 || (len == 1 && from[0] == '.')) {
            /* is nothing */
        } else if (back && to > floor) {
            while (to > floor && *--to != '/')
                continue;
        } else if (!back || !rooted) {
            if (to > path + rooted)
                *to++ = '/';
            memmove(to, from, len);
            to += len;
            if (back)
                floor = to;
        }
        from += len + (from[len] == '/');
    }
    if (to == path)
        *to++ = '.';
    *to = '\0';
}

static bool join(char *out, size_t size, const char *a, const char *b, const char *c)
{
    int len = snprintf(out, size, "%s%s%s", a, b, c);

    return len >= 0 && (size_t)len < size;
}

bool col_file_groups_path(const struct col_file_groups *groups, struct otl_view value,
                          char ret[COL_FILE_PATH_MAX])
{
    /* what is cleaned away does not count, but this is enough of it */
    char below[3 * COL_FILE_PATH_MAX], segment[COL_FILE_PATH_MAX];
    size_t len = value.len;

    if (len >= sizeof(segment) || (len > 0 && memchr(value.data, '\0', len) != NULL))
        return false;
    if (len > 0)
        memcpy(segment, value.data, len);
    segment[len] = '\0';
    if (strncmp(segment, "./", 2) == 0)
        memmove(segment, segment + 1, len);
    else if (strncmp(segment, "../", 3) == 0)
        memmove(segment, segment + 2, len - 1);
    if (!join(below, sizeof(below), groups->prefix, segment, groups->suffix))
        return false;
    clean(below);
    if (strncmp(below, groups->prefix, strlen(groups->prefix)) == 0)
        return join(ret, COL_FILE_PATH_MAX, below, "", "");
    if (!join(below, sizeof(below), "/", segment, groups->suffix))
        return false;
    clean(below); /* it leads nowhere above / */
    if (!join(ret, COL_FILE_PATH_MAX, groups->prefix, "/", below))
        return false;
    clean(ret);
    return true;
}

static bool take_path(struct col_file_groups *groups, const char *path)
{
    const char *star = strchr(path, '*');
    size_t len = (size_t)(star - path);

    if (strlen(path) >= sizeof(groups->prefix) - 1)
        return false;
    memcpy(groups->prefix, path, len);
    groups->prefix[len] = '\0';
    clean(groups->prefix);
    len = strlen(groups->prefix);
    if (star[-1] == '/' && groups->prefix[len - 1] != '/')
        memcpy(groups->prefix + len, "/", 2);
    snprintf(groups->suffix, sizeof(groups->suffix), "%s", star + 1);
    return true;
}

/* ---- life ---- */

enum otel_err col_file_groups_new(const struct col_file_groups_settings *settings,
                                  struct col_file_groups **ret)
{
    struct col_file_groups *groups = otl_mem_zalloc(sizeof(*groups));

    if (groups == NULL)
        return OTEL_ERR_MEMORY;
    groups->settings = *settings;
    groups->files = otl_mem_zalloc(settings->max_open * sizeof(*groups->files));
    if (groups->files == NULL || !take_path(groups, settings->path)) {
        enum otel_err err = groups->files == NULL ? OTEL_ERR_MEMORY : OTEL_ERR_LIMIT;
        col_file_groups_free(groups);
        return err;
    }
    *ret = groups;
    return OTEL_OK;
}

static int close_file(struct open_file *file)
{
    int error = close(file->fd) == 0 ? 0 : errno;

    otl_mem_free(file->path);
    return error;
}

int col_file_groups_close(struct col_file_groups *groups)
{
    int error = 0;

    while (groups->count > 0) {
        int its = close_file(&groups->files[--groups->count]);
        error = error != 0 ? error : its;
    }
    return error;
}

void col_file_groups_free(struct col_file_groups *groups)
{
    if (groups == NULL)
        return;
    (void)col_file_groups_close(groups);
    otl_mem_free(groups->files);
    otl_mem_free(groups);
}

/* ---- files ---- */

static int make_directories(char *path, mode_t mode)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        int error = 0;
        *slash = '\0';
        if (mkdir(path, mode) != 0 && errno != EEXIST)
            error = errno;
        *slash = '/';
        if (error != 0)
            return error;
    }
    return 0;
}

/* Room for one more: the place of the one that was longest not used. */
static struct open_file *make_room(struct col_file_groups *groups, int *ret_error)
{
    size_t oldest = 0;

    *ret_error = 0;
    if (groups->count < groups->settings.max_open)
        return &groups->files[groups->count];
    for (size_t i = 1; i < groups->count; i++)
        if (groups->files[i].used < groups->files[oldest].used)
            oldest = i;
    *ret_error = close_file(&groups->files[oldest]);
    groups->files[oldest] = groups->files[--groups->count];
    return &groups->files[groups->count];
}

static int open_new(struct col_file_groups *groups, char *path, int *ret_fd)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    int error = make_directories(path, groups->settings.directory_mode), closed;
    struct open_file *file;
    char *copy = error == 0 ? otl_mem_strdup(path) : NULL;
    int fd;

    if (copy == NULL)
        return error != 0 ? error : ENOMEM;
    fd = open(path, flags | (groups->settings.append ? 0 : O_TRUNC), 0644);
    if (fd < 0) {
        error = errno;
        otl_mem_free(copy);
        return error;
    }
    file = make_room(groups, &closed);
    *file = (struct open_file){.path = copy, .fd = fd, .used = ++groups->uses};
    groups->count++;
    *ret_fd = fd;
    return closed;
}

int col_file_groups_open(struct col_file_groups *groups, struct otl_view value, int *ret_fd)
{
    char path[COL_FILE_PATH_MAX];

    if (!col_file_groups_path(groups, value, path))
        return value.len >= sizeof(path) ? ENAMETOOLONG : EINVAL;
    for (size_t i = 0; i < groups->count; i++)
        if (strcmp(groups->files[i].path, path) == 0) {
            groups->files[i].used = ++groups->uses;
            *ret_fd = groups->files[i].fd;
            return 0;
        }
    return open_new(groups, path, ret_fd);
}

/* ---- requests ---- */

/* A resource with all of its own, where it stands in the request. */
struct member {
    struct otl_view value, raw;
};

/* As they came, where values are alike. */
static int by_value(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t len = x->value.len < y->value.len ? x->value.len : y->value.len;
    int order = len > 0 ? memcmp(x->value.data, y->value.data, len) : 0;

    if (order == 0)
        order = (x->value.len > y->value.len) - (x->value.len < y->value.len);
    return order != 0 ? order : (x->raw.data > y->raw.data) - (x->raw.data < y->raw.data);
}

static uint64_t count_resources(enum col_signal signal, struct otl_view request)
{
    struct col_traces it;

    col_items_init(&it, signal, request);
    while (col_traces_next_resource(&it))
        continue;
    return it.resources;
}

static size_t find_members(const char *attribute, enum col_signal signal, struct otl_view request,
                           struct member *members)
{
    struct col_value value;
    struct col_traces it;
    const uint8_t *from;
    size_t count = 0;

    col_items_init(&it, signal, request);
    for (from = it.request.at; col_traces_next_resource(&it); from = it.request.at) {
        if (!col_attribute_find(&it.resource.attributes, attribute, &value) ||
            value.kind != COL_VALUE_STRING)
            continue;
        members[count].value = value.text;
        members[count++].raw = otl_view((const char *)from, (size_t)(it.request.at - from));
    }
    return count;
}

/* The first members of one value, as a request. How many they are; 0: no memory. */
static size_t join_members(const struct member *members, size_t count, struct otl_arena *arena,
                           struct col_file_part *ret)
{
    size_t same = 1, len = members[0].raw.len;
    char *at;

    while (same < count && otl_view_equal(members[same].value, members[0].value))
        len += members[same++].raw.len;
    ret->value = members[0].value;
    at = otl_arena_alloc(arena, len);
    if (at == NULL)
        return 0;
    ret->request = otl_view(at, len);
    for (size_t i = 0; i < same; at += members[i++].raw.len)
        memcpy(at, members[i].raw.data, members[i].raw.len);
    return same;
}

enum otel_err col_file_groups_split(const char *attribute, enum col_signal signal,
                                    struct otl_view request, struct otl_arena *arena,
                                    struct col_file_part **ret, size_t *ret_count,
                                    uint64_t *ret_without)
{
    uint64_t all = count_resources(signal, request);
    struct member *members = otl_arena_alloc(arena, ((size_t)all + 1) * sizeof(*members));
    struct col_file_part *parts = otl_arena_alloc(arena, ((size_t)all + 1) * sizeof(*parts));
    size_t found, count = 0;

    if (members == NULL || parts == NULL)
        return OTEL_ERR_MEMORY;
    found = find_members(attribute, signal, request, members);
    if (found > 1)
        qsort(members, found, sizeof(*members), by_value);
    for (size_t i = 0, same; i < found; i += same, count++)
        if ((same = join_members(members + i, found - i, arena, &parts[count])) == 0)
            return OTEL_ERR_MEMORY;
    *ret = parts;
    *ret_count = count;
    *ret_without = all - found;
    return OTEL_OK;
}
