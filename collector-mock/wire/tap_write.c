/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collector-mock/wire/tap.h"

/* The offset behind the last whole record; OTEL_ERR_CORRUPT if the file is no tap. */
static enum otel_err find_end(const char *path, off_t *ret, struct otl_detail *reterr)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    enum otel_err err = col_tap_open(path, &reader, reterr);

    if (err != OTEL_OK)
        return err;
    while (col_tap_next(&reader, &record))
        continue;
    if (reader.damaged)
        err = otl_detail_set(reterr, OTEL_ERR_CORRUPT, path, 0, 0,
                             "the file exists and is no tap: not overwritten (byte %zu)",
                             reader.at);
    else
        *ret = (off_t)reader.at;
    col_tap_close(&reader);
    return err;
}

static enum otel_err io_error(const char *path, struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "cannot write the tap: %s",
                          strerror(errno));
}

enum otel_err col_tap_create(const char *path, const struct col_tap_record *start,
                             struct col_tap_writer *ret, struct otl_detail *reterr)
{
    struct col_tap_writer writer = {-1, 0, 0, 0, 0};
    enum otel_err err;
    off_t end = 0;

    writer.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (writer.fd < 0)
        return io_error(path, reterr);
    err = find_end(path, &end, reterr);
    if (err == OTEL_OK && ftruncate(writer.fd, end) != 0)
        err = io_error(path, reterr);
    if (err == OTEL_OK) {
        err = col_tap_write(&writer, start);
        if (err != OTEL_OK) {
            errno = writer.error;
            io_error(path, reterr);
        }
    }
    if (err != OTEL_OK)
        close(writer.fd);
    else
        *ret = writer;
    return err;
}

/* Take back the part of a record that was written before the disk was full. */
static enum otel_err take_back(struct col_tap_writer *writer, size_t written, int error)
{
    writer->failures++;
    writer->error = error;
    if (written > 0) {
        off_t end = lseek(writer->fd, 0, SEEK_END);
        if (end >= (off_t)written && ftruncate(writer->fd, end - (off_t)written) != 0)
            writer->error = errno;
    }
    return OTEL_ERR_IO;
}

enum otel_err col_tap_write(struct col_tap_writer *writer, const struct col_tap_record *record)
{
    uint8_t header[COL_TAP_HEADER_SIZE];
    struct iovec parts[2] = {{header, sizeof(header)},
                             {(void *)(uintptr_t)record->body.data, record->body.len}};
    size_t total = sizeof(header) + record->body.len, done = 0;

    if (writer->fd < 0)
        return OTEL_OK;
    if (record->body.len > UINT32_MAX)
        return OTEL_ERR_LIMIT;
    col_tap_encode(record, header);
    while (done < total) {
        struct iovec *next = done < sizeof(header) ? parts : parts + 1;
        ssize_t put = writev(writer->fd, next, (int)(parts + 2 - next));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return take_back(writer, done, put == 0 ? ENOSPC : errno);
        done += (size_t)put;
        if (done < sizeof(header)) {
            parts[0].iov_base = header + done;
            parts[0].iov_len = sizeof(header) - done;
        } else {
            parts[1].iov_base = (char *)(uintptr_t)record->body.data + (done - sizeof(header));
            parts[1].iov_len = total - done;
        }
    }
    writer->records++;
    writer->bytes += total;
    return OTEL_OK;
}

enum otel_err col_tap_finish(struct col_tap_writer *writer)
{
    int fd = writer->fd;

    writer->fd = -1;
    if (fd >= 0 && close(fd) != 0) {
        writer->error = errno;
        return OTEL_ERR_IO;
    }
    return OTEL_OK;
}
