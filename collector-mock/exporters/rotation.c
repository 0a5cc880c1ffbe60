/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/rotation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sdk/base/mem.h"

#define REASON "-size"
enum { STAMP_LEN = 23, FILE_MODE = 0644 }; /* "2006-01-02T15-04-05.000" */
enum { NAME_ROOM = COL_ROTATION_PATH_MAX + 1024 };
#define DAY_MS (24ull * 3600 * 1000)

/* ---- names ---- */

static uint64_t now_ms(const struct col_rotation *r)
{
    return otl_clock_wall(r->settings.clock) / OTL_NS_PER_MS;
}

static void write_stamp(const struct col_rotation *r, uint64_t ms, char out[STAMP_LEN + 1])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    char text[32];

    if (r->settings.local_time)
        localtime_r(&seconds, &parts);
    else
        gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H-%M-%S", &parts);
    snprintf(out, STAMP_LEN + 1, "%.19s.%03u", text, (unsigned)(ms % 1000));
}

/* The time of a stamp that begins here; false: it is none. */
static bool read_stamp(const struct col_rotation *r, const char *text, uint64_t *ret_ms)
{
    static const char shape[] = "dddd-dd-ddTdd-dd-dd.ddd";
    unsigned millis;
    struct tm parts = {.tm_isdst = -1};
    time_t seconds;

    for (size_t i = 0; i < STAMP_LEN; i++)
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return false;
    if (sscanf(text, "%4d-%2d-%2dT%2d-%2d-%2d.%3u", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &millis) != 7)
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon--;
    if (parts.tm_mon < 0 || parts.tm_mon > 11 || parts.tm_mday < 1 || parts.tm_mday > 31 ||
        parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59)
        return false;
    seconds = r->settings.local_time ? mktime(&parts) : timegm(&parts);
    *ret_ms = (uint64_t)seconds * 1000 + millis;
    return seconds >= 0;
}

static const char *ending(const struct col_rotation *r)
{
    return r->name + r->stem_len;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);

    return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

/* What stands between "NAME-" and ".EXT"; NULL: this is none of ours. */
static const char *middle_of(const struct col_rotation *r, const char *name, const char *more,
                             size_t *ret_len)
{
    size_t len = strlen(name);

    if (!ends_with(name, len, more))
        return NULL;
    len -= strlen(more);
    if (len < r->stem_len + 1 + strlen(ending(r)) ||
        strncmp(name, r->name, r->stem_len) != 0 || name[r->stem_len] != '-' ||
        !ends_with(name, len, ending(r)))
        return NULL;
    *ret_len = len - r->stem_len - 1 - strlen(ending(r));
    return name + r->stem_len + 1;
}

/* NAME-STAMP-REASON.EXT, also of one that was compressed since. */
static bool is_backup(const struct col_rotation *r, const char *name, uint64_t *ret_ms)
{
    static const char *const more[] = {"", ".gz", ".zst"};
    size_t len = 0;

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        const char *middle = middle_of(r, name, more[i], &len);
        if (middle != NULL && len > STAMP_LEN && middle[STAMP_LEN] == '-' &&
            memchr(middle + STAMP_LEN + 1, '-', len - STAMP_LEN - 1) == NULL)
            return read_stamp(r, middle, ret_ms);
    }
    return false;
}

/* NAME-STAMP.EXT */
static bool is_of_an_older_library(const struct col_rotation *r, const char *name)
{
    size_t len = 0;
    uint64_t ms;
    const char *middle = middle_of(r, name, "", &len);

    return middle != NULL && len == STAMP_LEN && read_stamp(r, middle, &ms);
}

static void path_of(const struct col_rotation *r, const char *name, char out[NAME_ROOM])
{
    snprintf(out, NAME_ROOM, "%s/%.255s", r->directory, name);
}

static void name_with(const struct col_rotation *r, const char *stamp, char out[NAME_ROOM])
{
    snprintf(out, NAME_ROOM, "%s/%.255s-%.23s" REASON "%.255s", r->directory, r->stem, stamp,
             ending(r));
}

/* ---- old files ---- */

struct backup {
    char *name;
    uint64_t ms;
};

static int newest_first(const void *a, const void *b)
{
    const struct backup *x = a, *y = b;

    return (x->ms < y->ms) - (x->ms > y->ms);
}

static void remove_backup(const struct col_rotation *r, const struct backup *backup)
{
    char path[NAME_ROOM];

    path_of(r, backup->name, path);
    unlink(path);
}

/* Newest first; both limits look at the times in the names. */
static void remove_old(const struct col_rotation *r, const struct backup *list, size_t count)
{
    uint64_t age = r->settings.max_days * DAY_MS, now = now_ms(r);
    size_t times = 0;

    for (size_t i = 0; i < count; i++) {
        times += i == 0 || list[i].ms != list[i - 1].ms;
        if ((r->settings.max_backups > 0 && times > r->settings.max_backups) ||
            (age > 0 && now > age && list[i].ms < now - age))
            remove_backup(r, &list[i]);
    }
}

static struct backup *add_backup(struct backup *list, size_t count, const char *name, uint64_t ms)
{
    struct backup *longer = otl_mem_realloc(list, (count + 1) * sizeof(*list));

    if (longer == NULL)
        return NULL;
    longer[count].ms = ms;
    longer[count].name = otl_mem_strdup(name);
    return longer;
}

/* What cannot be found or removed stays: it costs room, and no record. */
static void clean(const struct col_rotation *r)
{
    struct backup *list = NULL, *longer;
    size_t count = 0;
    struct dirent *entry;
    uint64_t ms;
    DIR *dir;

    if (r->settings.max_backups == 0 && r->settings.max_days == 0)
        return;
    dir = opendir(r->directory);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_type == DT_DIR || !is_backup(r, entry->d_name, &ms))
            continue;
        longer = add_backup(list, count, entry->d_name, ms);
        if (longer == NULL)
            break;
        list = longer;
        if (list[count].name != NULL)
            count++;
    }
    if (dir != NULL)
        closedir(dir);
    if (count > 0)
        qsort(list, count, sizeof(*list), newest_first);
    remove_old(r, list, count);
    for (size_t i = 0; i < count; i++)
        otl_mem_free(list[i].name);
    otl_mem_free(list);
}

static void rename_older(const struct col_rotation *r, const char *name)
{
    char from[NAME_ROOM], to[NAME_ROOM], stamp[STAMP_LEN + 1];

    path_of(r, name, from);
    snprintf(stamp, sizeof(stamp), "%s", name + r->stem_len + 1);
    name_with(r, stamp, to);
    if (access(to, F_OK) == 0)
        unlink(from); /* it was given its name before */
    else
        (void)rename(from, to);
}

/* ---- the file at hand ---- */

static enum otel_err failed(const struct col_rotation *r, const char *verb,
                            struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot %s %s: %s", verb,
                          r->settings.path, strerror(errno));
}

/* A name that no file has. */
static void new_name(const struct col_rotation *r, char out[NAME_ROOM])
{
    uint64_t ms = now_ms(r);
    char stamp[STAMP_LEN + 1];

    do {
        write_stamp(r, ms++, stamp);
        name_with(r, stamp, out);
    } while (access(out, F_OK) == 0);
}

/* Of whom the old one was, if that can be. */
static void inherit(int fd, const struct stat *old)
{
    if (fchown(fd, old->st_uid, old->st_gid) != 0)
        errno = 0;
}

static enum otel_err begin_anew(struct col_rotation *r, struct otl_detail *reterr)
{
    char aside[NAME_ROOM] = "";
    struct stat old;
    bool there = stat(r->settings.path, &old) == 0;

    if (!there && errno != ENOENT)
        return failed(r, "look at", reterr);
    if (there) {
        new_name(r, aside);
        if (rename(r->settings.path, aside) != 0)
            return failed(r, "rename", reterr);
    }
    r->fd = open(r->settings.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, FILE_MODE);
    if (r->fd < 0) {
        enum otel_err err = failed(r, "open", reterr);
        if (there)
            (void)rename(aside, r->settings.path);
        return err;
    }
    (void)fchmod(r->fd, FILE_MODE); /* whatever the umask is */
    if (there)
        inherit(r->fd, &old);
    r->size = 0;
    return OTEL_OK;
}

static enum otel_err turn_over(struct col_rotation *r, struct otl_detail *reterr)
{
    int error = col_rotation_fini(r);
    enum otel_err err;

    if (error != 0) {
        errno = error;
        return failed(r, "close", reterr);
    }
    err = begin_anew(r, reterr);
    if (err == OTEL_OK)
        clean(r);
    return err;
}

static enum otel_err open_first(struct col_rotation *r, size_t len, struct otl_detail *reterr)
{
    struct stat info;

    clean(r);
    if (stat(r->settings.path, &info) != 0)
        return errno == ENOENT ? begin_anew(r, reterr) : failed(r, "look at", reterr);
    if ((uint64_t)info.st_size + len >= r->settings.max_bytes)
        return turn_over(r, reterr);
    r->fd = open(r->settings.path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (r->fd < 0)
        return begin_anew(r, reterr);
    r->size = (uint64_t)info.st_size;
    return OTEL_OK;
}

enum otel_err col_rotation_ready(struct col_rotation *r, size_t len, struct otl_detail *reterr)
{
    if (len > r->settings.max_bytes)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "write length %zu exceeds maximum file size %llu", len,
                              (unsigned long long)r->settings.max_bytes);
    if (r->fd < 0)
        return open_first(r, len, reterr);
    return r->size + len > r->settings.max_bytes ? turn_over(r, reterr) : OTEL_OK;
}

void col_rotation_wrote(struct col_rotation *r, size_t len)
{
    r->size += len;
}

/* ---- life ---- */

enum otel_err col_rotation_init(struct col_rotation *r,
                                const struct col_rotation_settings *settings)
{
    const char *slash = strrchr(settings->path, '/'), *dot;
    size_t len = slash != NULL ? (size_t)(slash - settings->path) : 0;

    r->fd = -1; /* col_rotation_fini has nothing to close, whatever comes of it */
    r->size = 0;
    /* room for a stamp, a reason and ".zst" behind it */
    if (strlen(settings->path) + 64 >= COL_ROTATION_PATH_MAX)
        return OTEL_ERR_LIMIT;
    r->settings = *settings;
    if (slash == NULL)
        snprintf(r->directory, sizeof(r->directory), ".");
    else
        snprintf(r->directory, sizeof(r->directory), "%.*s", len > 0 ? (int)len : 1,
                 settings->path);
    r->name = slash != NULL ? slash + 1 : settings->path;
    dot = strrchr(r->name, '.');
    r->stem_len = dot != NULL ? (size_t)(dot - r->name) : strlen(r->name);
    if (r->stem_len >= sizeof(r->stem))
        return OTEL_ERR_LIMIT;
    snprintf(r->stem, sizeof(r->stem), "%s", r->name);
    r->stem[r->stem_len] = '\0';
    return OTEL_OK;
}

enum otel_err col_rotation_start(struct col_rotation *r, struct otl_detail *reterr)
{
    DIR *dir = opendir(r->directory);
    struct dirent *entry;

    if (dir == NULL)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot read the directory %s: %s",
                              r->directory, strerror(errno));
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_type != DT_DIR && is_of_an_older_library(r, entry->d_name))
            rename_older(r, entry->d_name);
    closedir(dir);
    return OTEL_OK;
}

int col_rotation_fini(struct col_rotation *r)
{
    int fd = r->fd;

    r->fd = -1;
    return fd >= 0 && close(fd) != 0 ? errno : 0;
}
