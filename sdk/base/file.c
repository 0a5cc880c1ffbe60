/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum otel_err system_error(struct otl_detail *reterr, const char *path, const char *verb)
{
    enum otel_err code = errno == ENOENT ? OTEL_ERR_NOT_FOUND : OTEL_ERR_IO;

    return otl_detail_set(reterr, code, path, 0, 0, "cannot %s: %s", verb, strerror(errno));
}

enum otel_err otl_file_read(const char *path, struct otl_buf *buf, struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return system_error(reterr, path, "open");
    for (;;) {
        char block[16384];
        ssize_t got = read(fd, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            err = system_error(reterr, path, "read");
        if (got <= 0)
            break;
        err = otl_buf_append(buf, block, (size_t)got);
        if (err != OTEL_OK) {
            otl_detail_set(reterr, err, path, 0, 0, "%s (limit %zu bytes)", otel_err_text(err),
                           buf->max);
            break;
        }
    }
    close(fd);
    return err;
}

enum otel_err otl_fd_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t put = write(fd, p, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return OTEL_ERR_IO;
        p += put;
        len -= (size_t)put;
    }
    return OTEL_OK;
}

enum otel_err otl_file_write(const char *path, const void *data, size_t len,
                             struct otl_detail *reterr)
{
    char temporary[4096];
    enum otel_err err = OTEL_OK;
    int fd;

    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= sizeof(temporary))
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, path, 0, 0, "the path is too long");
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return system_error(reterr, temporary, "create");
    if (otl_fd_write_all(fd, data, len) != OTEL_OK)
        err = system_error(reterr, path, "write");
    if (close(fd) != 0 && err == OTEL_OK)
        err = system_error(reterr, path, "write");
    if (err == OTEL_OK && rename(temporary, path) != 0)
        err = system_error(reterr, path, "rename");
    if (err != OTEL_OK)
        unlink(temporary);
    return err;
}

enum otel_err otl_make_dirs(const char *path, struct otl_detail *reterr)
{
    char part[4096];
    size_t len = strlen(path);

    if (len >= sizeof(part))
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, path, 0, 0, "the path is too long");
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return system_error(reterr, part, "make directory");
    }
    return OTEL_OK;
}
