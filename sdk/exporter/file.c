/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/file_exporter.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/buf.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/base/tell.h"
#include "sdk/exporter/outflow.h"
#include "sdk/otlp/batch.h"
#include "sdk/otlp/json.h"

enum { RECORD_MAX = 64 << 20, KEPT_BYTES = 4 << 20 };

struct file_exporter {
    struct otel_sdk_exporter exporter;
    char *path; /* NULL: fd is the program's */
    int fd;     /* -1: not open */
    bool shut_down;
    enum otel_sdk_file_format format;
    struct otl_teller teller;
    struct otl_buf request;
    struct otl_outflow outflow;
    size_t spans, size; /* of the record under way */
    otel_sdk_export_done_fn *done;
    void *done_arg;
};

static enum otel_err open_file(struct file_exporter *f)
{
    if (f->fd < 0)
        f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    return f->fd < 0 ? OTEL_ERR_IO : OTEL_OK;
}

static enum otel_err fill_record(struct file_exporter *f, struct otl_buf *record)
{
    struct otel_str request = otel_strn(f->request.data, f->request.len);
    enum otel_err err;
    uint32_t length;

    if (f->format == OTEL_SDK_FILE_PROTO) {
        length = htonl((uint32_t)request.len);
        err = otl_buf_append(record, &length, sizeof(length));
        return err == OTEL_OK ? otl_buf_append(record, request.data, request.len) : err;
    }
    err = otl_json_request(request, record);
    return err == OTEL_OK ? otl_buf_append_byte(record, '\n') : err;
}

static enum otel_err make_record(struct file_exporter *f, const struct otel_sdk_batch *batch)
{
    struct otl_buf *record = otl_outflow_text(&f->outflow);
    enum otel_err err;

    otl_buf_reset(&f->request);
    err = otl_otlp_encode_batch(batch, &f->request);
    if (err == OTEL_OK)
        err = fill_record(f, record);
    if (err != OTEL_OK)
        otl_outflow_forget(&f->outflow);
    return err;
}

static void shrink(struct otl_buf *buf)
{
    if (buf->cap > KEPT_BYTES)
        otl_buf_fini(buf);
}

static void report(const struct file_exporter *f, enum otel_err err, size_t count)
{
    otl_tell(&f->teller, err, "%zu span%s not written to %.200s: %s", count,
             count == 1 ? "" : "s", f->path != NULL ? f->path : "a descriptor",
             err == OTEL_ERR_IO ? strerror(errno) : otel_err_text(err));
}

static void written(void *arg, enum otel_err err)
{
    struct file_exporter *f = arg;
    struct otel_sdk_export_result result = {
        .err = err, .requests = 1, .bytes = err == OTEL_OK ? f->size : 0};

    if (err != OTEL_OK)
        report(f, err, f->spans);
    f->done(f->done_arg, &result);
}

static enum otel_err start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    otl_outflow_loop(&((struct file_exporter *)exporter)->outflow, loop);
    return OTEL_OK;
}

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct file_exporter *f = (struct file_exporter *)exporter;
    enum otel_err err = OTEL_OK;

    f->done = done;
    f->done_arg = done_arg;
    f->spans = batch->count;
    if (f->shut_down) {
        done(done_arg, &(struct otel_sdk_export_result){.err = OTEL_ERR_CLOSED, .requests = 1});
        return;
    }
    err = open_file(f);
    if (err == OTEL_OK)
        err = make_record(f, batch);
    shrink(&f->request);
    f->size = otl_outflow_size(&f->outflow);
    if (err == OTEL_OK)
        otl_outflow_begin(&f->outflow, f->fd, written, f);
    else
        written(f, err);
}

static void cancel(struct otel_sdk_exporter *exporter)
{
    otl_outflow_cancel(&((struct file_exporter *)exporter)->outflow);
}

static enum otel_err shut_down(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct file_exporter *f = (struct file_exporter *)exporter;
    enum otel_err err = OTEL_OK;

    (void)deadline_mono_ns;
    otl_outflow_last(&f->outflow, f->fd);
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
    otl_outflow_forked(&f->outflow);
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
    otl_outflow_fini(&f->outflow);
    otl_mem_free(f->path);
    otl_mem_free(f);
}

void otel_sdk_file_options_init(struct otel_sdk_file_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->fd = 1;
}

static void describe(const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_exporter_description *ret)
{
    (void)exporter;
    ret->type = "otlp_file_span_exporter";
}

enum otel_err otel_sdk_file_exporter_new(const struct otel_sdk_file_options *options,
                                         struct otel_sdk_exporter **ret)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .start = start,
                                                     .export_batch = export_batch,
                                                     .cancel = cancel,
                                                     .shutdown = shut_down,
                                                     .forked = forked,
                                                     .free = destroy,
                                                     .describe = describe};
    struct otel_sdk_file_options all;
    struct file_exporter *f;
    enum otel_err err = OTEL_OK;

    otel_sdk_file_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    if ((unsigned)all.format > OTEL_SDK_FILE_PROTO || (all.path == NULL && all.fd < 0))
        return OTEL_ERR_ARGUMENT;
    f = otl_mem_zalloc(sizeof(*f));
    if (f == NULL)
        return OTEL_ERR_MEMORY;
    f->exporter.ops = &ops;
    f->fd = all.path != NULL ? -1 : all.fd;
    f->format = all.format;
    f->teller = (struct otl_teller){all.error, all.error_arg};
    otl_buf_init(&f->request, RECORD_MAX);
    otl_outflow_init(&f->outflow, RECORD_MAX);
    if (all.path != NULL) {
        f->path = otl_mem_strdup(all.path);
        err = f->path == NULL ? OTEL_ERR_MEMORY : open_file(f);
        if (err == OTEL_ERR_IO && errno == ENXIO)
            err = OTEL_OK; /* a FIFO that nobody reads yet: each export tries again */
    }
    if (err != OTEL_OK) {
        destroy(&f->exporter);
        return err;
    }
    *ret = &f->exporter;
    return OTEL_OK;
}
