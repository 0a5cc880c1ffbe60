/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/file_exporter.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/base/buf.h"
#include "sdk/base/mem.h"
#include "sdk/base/pipe.h"
#include "sdk/otlp/batch.h"
#include "sdk/otlp/json.h"

enum { RECORD_MAX = 64 << 20, KEPT_BYTES = 4 << 20 };

struct file_exporter {
    struct otel_sdk_exporter exporter;
    char *path; /* NULL: fd is the program's */
    int fd;     /* -1: not open */
    bool shut_down;
    enum otel_sdk_file_format format;
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    struct otl_buf request;
    struct otl_buf record;
};

static enum otel_err open_file(struct file_exporter *f)
{
    if (f->fd < 0)
        f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    return f->fd < 0 ? OTEL_ERR_IO : OTEL_OK;
}

static enum otel_err make_record(struct file_exporter *f, const struct otel_sdk_batch *batch)
{
    enum otel_err err;
    uint32_t length;

    otl_buf_reset(&f->request);
    otl_buf_reset(&f->record);
    err = otl_otlp_encode_batch(batch, &f->request);
    if (err != OTEL_OK)
        return err;
    if (f->format == OTEL_SDK_FILE_PROTO) {
        length = htonl((uint32_t)f->request.len);
        err = otl_buf_append(&f->record, &length, sizeof(length));
        return err == OTEL_OK ? otl_buf_append(&f->record, f->request.data, f->request.len) : err;
    }
    err = otl_json_request(otel_strn(f->request.data, f->request.len), &f->record);
    return err == OTEL_OK ? otl_buf_append_byte(&f->record, '\n') : err;
}

/* Take back the written bytes of a record that did not fit, if they are the file's last ones. */
static void take_back(struct file_exporter *f, size_t written)
{
    off_t end = lseek(f->fd, 0, SEEK_CUR);
    struct stat st;

    if (written == 0 || end < (off_t)written || fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size != end)
        return;
    if (ftruncate(f->fd, end - (off_t)written) == 0)
        (void)lseek(f->fd, end - (off_t)written, SEEK_SET);
}

/* One write() where the system lets it, so that records of several processes do not mix. */
static enum otel_err write_record(struct file_exporter *f)
{
    size_t written = 0;

    while (written < f->record.len) {
        ssize_t put = write(f->fd, f->record.data + written, f->record.len - written);
        int why = errno;
        if (put > 0) {
            written += (size_t)put;
            continue;
        }
        if (put < 0 && why == EINTR)
            continue;
        take_back(f, written);
        errno = put < 0 ? why : ENOSPC;
        return OTEL_ERR_IO;
    }
    return OTEL_OK;
}

/* Under the simple processor this is the program's own thread. */
static enum otel_err write_guarded(struct file_exporter *f)
{
    struct otl_pipe_guard guard;
    enum otel_err err;

    otl_pipe_guard_begin(&guard);
    err = write_record(f);
    otl_pipe_guard_end(&guard, err != OTEL_OK && errno == EPIPE);
    return err;
}

static void shrink(struct otl_buf *buf)
{
    if (buf->cap > KEPT_BYTES)
        otl_buf_fini(buf);
}

static void report(const struct file_exporter *f, enum otel_err err, size_t count)
{
    char text[400];

    if (f->error == NULL)
        return;
    snprintf(text, sizeof(text), "%zu span%s not written to %.200s: %s", count,
             count == 1 ? "" : "s", f->path != NULL ? f->path : "a descriptor",
             err == OTEL_ERR_IO ? strerror(errno) : otel_err_text(err));
    f->error(f->error_arg, err, text);
}

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct file_exporter *f = (struct file_exporter *)exporter;
    struct otel_sdk_export_result result = {OTEL_ERR_CLOSED, 0, 1, 0};

    if (!f->shut_down) {
        result.err = open_file(f);
        if (result.err == OTEL_OK)
            result.err = make_record(f, batch);
        if (result.err == OTEL_OK)
            result.err = write_guarded(f);
        if (result.err == OTEL_OK)
            result.bytes = f->record.len;
        else
            report(f, result.err, batch->count);
        shrink(&f->request);
        shrink(&f->record);
    }
    done(done_arg, &result);
}

static enum otel_err shut_down(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct file_exporter *f = (struct file_exporter *)exporter;
    enum otel_err err = OTEL_OK;

    (void)deadline_mono_ns;
    f->shut_down = true;
    if (f->path != NULL && f->fd >= 0 && close(f->fd) != 0)
        err = OTEL_ERR_IO;
    if (f->path != NULL)
        f->fd = -1;
    return err;
}

/* The buffers may have been in the middle of a change; the offset would be shared. */
static void forked(struct otel_sdk_exporter *exporter)
{
    struct file_exporter *f = (struct file_exporter *)exporter;

    otl_buf_init(&f->request, RECORD_MAX);
    otl_buf_init(&f->record, RECORD_MAX);
    if (f->path != NULL && f->fd >= 0) {
        close(f->fd);
        f->fd = -1;
    }
}

static void destroy(struct otel_sdk_exporter *exporter)
{
    struct file_exporter *f = (struct file_exporter *)exporter;

    (void)shut_down(exporter, 0);
    otl_buf_fini(&f->request);
    otl_buf_fini(&f->record);
    otl_mem_free(f->path);
    otl_mem_free(f);
}

void otel_sdk_file_options_init(struct otel_sdk_file_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->fd = 1;
}

enum otel_err otel_sdk_file_exporter_new(const struct otel_sdk_file_options *options,
                                         struct otel_sdk_exporter **ret)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .export_batch = export_batch,
                                                     .shutdown = shut_down,
                                                     .forked = forked,
                                                     .free = destroy};
    struct otel_sdk_file_options all;
    struct file_exporter *f;
    enum otel_err err = OTEL_OK;

    otel_sdk_file_options_init(&all);
    if (options != NULL) {
        if (options->struct_size == 0 || options->struct_size > sizeof(all))
            return OTEL_ERR_ARGUMENT;
        memcpy(&all, options, options->struct_size);
    }
    if ((unsigned)all.format > OTEL_SDK_FILE_PROTO || (all.path == NULL && all.fd < 0))
        return OTEL_ERR_ARGUMENT;
    f = otl_mem_zalloc(sizeof(*f));
    if (f == NULL)
        return OTEL_ERR_MEMORY;
    f->exporter.ops = &ops;
    f->fd = all.path != NULL ? -1 : all.fd;
    f->format = all.format;
    f->error = all.error;
    f->error_arg = all.error_arg;
    otl_buf_init(&f->request, RECORD_MAX);
    otl_buf_init(&f->record, RECORD_MAX);
    if (all.path != NULL) {
        f->path = otl_mem_strdup(all.path);
        err = f->path == NULL ? OTEL_ERR_MEMORY : open_file(f);
    }
    if (err != OTEL_OK) {
        destroy(&f->exporter);
        return err;
    }
    *ret = &f->exporter;
    return OTEL_OK;
}
