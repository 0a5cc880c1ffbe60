/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/faults/faults.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/*
 * file exporter: each request as one record.
 *
 * format json: one request in OTLP/JSON a line. format proto: the request in
 * protobuf behind its length in four bytes, big-endian. Both as the Collector writes them.
 *
 * Written with one write(2) a request and not held back (flush_interval has nothing to do), so
 * that a full disk is an error of the request that met it: that one is refused, what was written
 * of it is taken back, and the file stays whole. The fault disk_full is a write that finds no
 * room.
 */

enum { RECORD_MAX = 512 * 1024 * 1024, KEEP = 1024 * 1024 };

struct file {
    struct col_host *host;
    const char *id;
    char path[4096];
    bool proto, append;
    int fd;
    struct otl_buf record;
    struct file *first; /* worker 0's; itself with one worker */
    bool several;       /* workers write to the file, under the lock of the first */
    pthread_mutex_t lock;
    bool failing; /* said so in the log */
};

static const char *const formats[] = {"json", "proto", NULL};
static const char *const not_yet[] = {
    "rotation", "compression", "encoding", "group_by", "create_directory", "directory_permissions",
    NULL};
static const struct otl_schema keys[] = {
    {.key = "path", .type = OTL_SCHEMA_STRING, .required = true, .min = 1, .max = 4000},
    {.key = "format", .type = OTL_SCHEMA_ENUM, .words = formats},
    {.key = "append", .type = OTL_SCHEMA_BOOL},
    {.key = "flush_interval", .type = OTL_SCHEMA_DURATION},
    COL_NOT_YET("rotation"),
    COL_NOT_YET("compression"),
    COL_NOT_YET("encoding"),
    COL_NOT_YET("group_by"),
    COL_NOT_YET("create_directory"),
    COL_NOT_YET("directory_permissions"),
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct file *file;
    enum otel_err err;

    if (!json_is_object(args->config))
        return otl_yaml_error(reterr, args->pos, "exporter '%s': path must be non-empty",
                              args->id);
    err = col_refuse_not_yet(args, "exporter", args->config, not_yet, reterr);
    if (err != OTEL_OK)
        return err;
    file = otl_mem_zalloc(sizeof(*file));
    if (file == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    if (pthread_mutex_init(&file->lock, NULL) != 0) {
        otl_mem_free(file);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    file->host = args->host;
    file->id = args->id;
    file->fd = -1;
    file->first = args->first != NULL ? args->first : file;
    file->several = args->instances > 1;
    file->proto = strcmp(otl_tree_text(args->config, "format", "json"), "proto") == 0;
    file->append = otl_tree_bool(args->config, "append", false);
    snprintf(file->path, sizeof(file->path), "%s", otl_tree_text(args->config, "path", ""));
    otl_buf_init(&file->record, RECORD_MAX);
    *ret = file;
    return OTEL_OK;
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct file *file = self;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;

    if (!file->append && file->first == file)
        flags |= O_TRUNC;
    file->fd = open(file->path, flags, 0644);
    if (file->fd < 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, file->path, 0, 0,
                              "exporter '%s': cannot open the file: %s", file->id,
                              strerror(errno));
    file->host->files++;
    return OTEL_OK;
}

static enum otel_err encode(struct file *file, const struct col_batch *batch)
{
    uint32_t length = htonl((uint32_t)batch->request.len);
    enum otel_err err;

    otl_buf_reset(&file->record);
    if (file->proto) {
        err = otl_buf_append(&file->record, &length, sizeof(length));
        if (err == OTEL_OK)
            err = otl_buf_append(&file->record, batch->request.data, batch->request.len);
        return err;
    }
    err = col_json_request(batch->signal, batch->request, &file->record);
    return err == OTEL_OK ? otl_buf_append(&file->record, "\n", 1) : err;
}

/* All or nothing. Returns 0 or errno. */
static int write_record(const struct file *file)
{
    size_t done = 0;

    while (done < file->record.len) {
        ssize_t put = write(file->fd, file->record.data + done, file->record.len - done);
        if (put > 0) {
            done += (size_t)put;
        } else if (put == 0 || errno != EINTR) {
            int error = put == 0 ? ENOSPC : errno;
            off_t end = done > 0 ? lseek(file->fd, 0, SEEK_END) : 0;
            if (end >= (off_t)done && done > 0 && ftruncate(file->fd, end - (off_t)done) != 0)
                error = errno;
            return error;
        }
    }
    return 0;
}

static int write_alone(const struct file *file)
{
    int error;

    if (!file->several)
        return write_record(file);
    pthread_mutex_lock(&file->first->lock); /* what is taken back must be the last record */
    error = write_record(file);
    pthread_mutex_unlock(&file->first->lock);
    return error;
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct file *file = self;
    enum otel_err err = encode(file, batch);
    int error = 0;

    if (err == OTEL_OK && col_faults_strike_write(file->host->faults, file->id, batch->items))
        error = ENOSPC;
    else if (err == OTEL_OK)
        error = write_alone(file);
    if (error != 0) {
        err = otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "exporter '%s': cannot write %s: %s",
                             file->id, file->path, strerror(error));
        if (!file->failing)
            otl_log_line(&file->host->log, OTL_LOG_ERROR, "exporter '%s': cannot write %s: %s",
                         file->id, file->path, strerror(error));
    }
    file->failing = error != 0;
    if (file->record.cap > KEEP)
        otl_buf_fini(&file->record);
    return err;
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct file *file = self;
    int fd = file->fd;

    file->fd = -1;
    if (fd >= 0 && close(fd) != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, file->path, 0, 0,
                              "exporter '%s': cannot close the file: %s", file->id,
                              strerror(errno));
    return OTEL_OK;
}

static void free_file(void *self)
{
    struct file *file = self;

    if (file->fd >= 0)
        close(file->fd);
    otl_buf_fini(&file->record);
    pthread_mutex_destroy(&file->lock);
    otl_mem_free(file);
}

const struct col_component_type col_file_exporter = {
    .name = "file",
    .kind = COL_EXPORTER,
    .schema = row,
    .create = create,
    .start = start,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .flush = flush,
    .free = free_file,
};
