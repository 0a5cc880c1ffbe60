/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector-mock/exporters/compress.h"
#include "collector-mock/exporters/file_groups.h"
#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/exporters/rotation.h"
#include "collector-mock/faults/faults.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/*
 * file exporter: each request as one record.
 *
 * format json: one request in OTLP/JSON a line. format proto: the request in
 * protobuf behind its length in four bytes, big-endian. compression zstd: either of them
 * compressed, each request alone, behind its length. All as the Collector writes them; level of
 * compression_params does nothing there, either (but behind a feature gate, which is not here).
 * rotation is rotation.h's, group_by is file_groups.h's; both at once are not here. With group_by
 * a request is a record in the file of each value: where one of them cannot be written, the others
 * are, and the request is refused for good, as there.
 *
 * Written with one write(2) a request and not held back (flush_interval has nothing to do), so
 * that a full disk is an error of the request that met it: that one is refused, what was written
 * of it is taken back, and the file stays whole. The fault disk_full is a write that finds no
 * room.
 */

enum { RECORD_MAX = 512 * 1024 * 1024, KEEP = 1024 * 1024, MEGABYTES = 100, BACKUPS = 100 };

struct file {
    struct col_host *host;
    const char *id;
    char path[COL_ROTATION_PATH_MAX];
    bool proto, append;
    bool rotates; /* the first's rotation has the file */
    bool makes_directory;
    mode_t directory_mode;
    struct col_rotation rotation;
    struct col_compressor *compressor; /* NULL: none */
    struct col_file_groups *groups;    /* the first's; NULL: there is one file */
    const char *attribute;             /* of resources, that says which file */
    uint64_t *without;                 /* counter: resources that have none */
    struct otl_arena arena;
    int fd;
    struct otl_buf record, plain;
    struct file *first; /* worker 0's; itself with one worker */
    bool several;       /* workers write to the file, under the lock of the first */
    pthread_mutex_t lock;
    bool failing; /* said so in the log */
};

static const char *const formats[] = {"json", "proto", NULL};
static const char *const compressions[] = {"", "zstd", NULL};
static const char *const not_yet[] = {"encoding", NULL};
static const struct otl_schema rotation_keys[] = {
    {.key = "max_megabytes", .type = OTL_SCHEMA_UINT, .max = 1 << 30},
    {.key = "max_days", .type = OTL_SCHEMA_UINT, .max = 1 << 20},
    {.key = "max_backups", .type = OTL_SCHEMA_UINT, .max = UINT32_MAX},
    {.key = "localtime", .type = OTL_SCHEMA_BOOL},
    OTL_SCHEMA_END};
static const struct otl_schema group_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL},
    {.key = "resource_attribute", .type = OTL_SCHEMA_STRING},
    {.key = "max_open_files", .type = OTL_SCHEMA_UINT, .min = 1, .max = COL_FILE_GROUPS_OPEN_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema params_keys[] = {{.key = "level", .type = OTL_SCHEMA_INT},
                                                OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "path", .type = OTL_SCHEMA_STRING, .required = true, .min = 1, .max = 4000},
    {.key = "format", .type = OTL_SCHEMA_ENUM, .words = formats},
    {.key = "append", .type = OTL_SCHEMA_BOOL},
    {.key = "flush_interval", .type = OTL_SCHEMA_DURATION},
    {.key = "rotation", .type = OTL_SCHEMA_MAP, .child = rotation_keys, .nullable = true},
    {.key = "compression", .type = OTL_SCHEMA_ENUM, .words = compressions},
    {.key = "compression_params", .type = OTL_SCHEMA_MAP, .child = params_keys, .nullable = true},
    {.key = "create_directory", .type = OTL_SCHEMA_BOOL},
    {.key = "directory_permissions", .type = OTL_SCHEMA_STRING, .min = 1},
    COL_NOT_YET("encoding"),
    {.key = "group_by", .type = OTL_SCHEMA_MAP, .child = group_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* ---- reading ---- */

static enum otel_err wrong(const struct col_create *args, const char *key, const char *why,
                           struct otl_detail *reterr)
{
    return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, args->config, key),
                          "exporter '%s': %s", args->id, why);
}

/* `rotation:` with nothing in it is one with the defaults. */
static enum otel_err read_rotation(const struct col_create *args, struct file *file,
                                   struct otl_detail *reterr)
{
    const json_t *map = json_object_get(args->config, "rotation");
    uint64_t megabytes = (uint64_t)otl_tree_int(map, "max_megabytes", 0);
    const struct col_rotation_settings settings = {
        .path = file->path,
        .max_bytes = (megabytes > 0 ? megabytes : MEGABYTES) << 20,
        .max_days = (unsigned)otl_tree_int(map, "max_days", 0),
        .max_backups = (unsigned)otl_tree_int(map, "max_backups", BACKUPS),
        .local_time = otl_tree_bool(map, "localtime", false),
        .clock = args->host->clock};

    if (map == NULL)
        return OTEL_OK;
    if (file->append)
        return wrong(args, "rotation",
                     "append and rotation enabled at the same time is not supported", reterr);
    file->rotates = true;
    if (col_rotation_init(&file->rotation, &settings) != OTEL_OK)
        return wrong(args, "path", "path is too long", reterr);
    return OTEL_OK;
}

/* Octal digits of the nine bits that say who may do what. */
static enum otel_err read_directory(const struct col_create *args, struct file *file,
                                    struct otl_detail *reterr)
{
    const char *text = otl_tree_text(args->config, "directory_permissions", NULL);
    unsigned long mode = 0755;
    char *end;

    file->makes_directory = otl_tree_bool(args->config, "create_directory", false);
    if (text != NULL && !file->makes_directory)
        return wrong(args, "directory_permissions",
                     "directory_permissions requires create_directory to be true", reterr);
    if (text != NULL) {
        mode = strtoul(text, &end, 8);
        if (end == text || *end != '\0' || strspn(text, "01234567") != strlen(text))
            return wrong(args, "directory_permissions",
                         "directory_permissions value must be a valid octal representation",
                         reterr);
        if (mode > 0777)
            return wrong(args, "directory_permissions",
                         "directory_permissions contain invalid bits for file access", reterr);
    }
    file->directory_mode = (mode_t)mode;
    return OTEL_OK;
}

/* One star, and something before it. */
static const char *wrong_path(const char *path)
{
    const char *star = strchr(path, '*');

    if (star == NULL || strchr(star + 1, '*') != NULL)
        return "path must contain exactly one * when group_by is enabled";
    return star == path ? "path must not start with * when group_by is enabled" : NULL;
}

static enum otel_err make_groups(const struct col_create *args, struct file *file,
                                 struct otl_detail *reterr)
{
    const json_t *map = json_object_get(args->config, "group_by");
    const struct col_file_groups_settings settings = {
        .path = file->path,
        .max_open = (size_t)otl_tree_int(map, "max_open_files", 100),
        .directory_mode = file->directory_mode,
        .append = file->append};
    char labels[300];
    enum otel_err err = col_file_groups_new(&settings, &file->groups);

    if (err == OTEL_ERR_LIMIT)
        return wrong(args, "path", "path is too long", reterr);
    snprintf(labels, sizeof(labels), "exporter=\"%s\"", args->id);
    if (err == OTEL_OK)
        file->without = col_metrics_counter(
            args->host->metrics, "collector_mock_file_resources_without_group", labels,
            "Resources that a file exporter left out: they had no attribute for group_by.");
    return err == OTEL_OK && file->without != NULL
               ? OTEL_OK
               : otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

static enum otel_err read_groups(const struct col_create *args, struct file *file,
                                 struct otl_detail *reterr)
{
    const json_t *map = json_object_get(args->config, "group_by");
    const char *why = wrong_path(file->path);

    if (!otl_tree_bool(map, "enabled", false))
        return OTEL_OK;
    if (why != NULL)
        return wrong(args, "path", why, reterr);
    file->attribute = otl_tree_text(map, "resource_attribute", "fileexporter.path_segment");
    if (file->attribute[0] == '\0')
        return wrong(args, "group_by", "resource_attribute must not be empty when group_by is "
                     "enabled", reterr);
    if (file->rotates)
        return col_not_yet(args, "exporter", args->config, "rotation", reterr);
    return make_groups(args, file, reterr);
}

static enum otel_err read_settings(const struct col_create *args, struct file *file,
                                   struct otl_detail *reterr)
{
    bool compressed = otl_tree_text(args->config, "compression", "")[0] != '\0';
    enum otel_err err;

    file->proto = strcmp(otl_tree_text(args->config, "format", "json"), "proto") == 0;
    file->append = otl_tree_bool(args->config, "append", false);
    snprintf(file->path, sizeof(file->path), "%s", otl_tree_text(args->config, "path", ""));
    err = read_rotation(args, file, reterr);
    if (err == OTEL_OK)
        err = read_directory(args, file, reterr);
    if (err == OTEL_OK)
        err = read_groups(args, file, reterr);
    if (err == OTEL_OK && compressed &&
        col_compressor_new(COL_ZSTD, &file->compressor) != OTEL_OK)
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    return err;
}

static void free_file(void *self)
{
    struct file *file = self;

    if (file->fd >= 0)
        close(file->fd);
    if (file->rotates)
        (void)col_rotation_fini(&file->rotation);
    col_file_groups_free(file->groups);
    otl_arena_fini(&file->arena);
    col_compressor_free(file->compressor);
    otl_buf_fini(&file->record);
    otl_buf_fini(&file->plain);
    pthread_mutex_destroy(&file->lock);
    otl_mem_free(file);
}

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
    otl_buf_init(&file->record, RECORD_MAX);
    otl_buf_init(&file->plain, RECORD_MAX);
    otl_arena_init(&file->arena, 2 * (size_t)RECORD_MAX);
    err = read_settings(args, file, reterr);
    if (err == OTEL_OK)
        *ret = file;
    else
        free_file(file);
    return err;
}

/* ---- the file ---- */

/* mkdir -p of what the file stands in. */
static enum otel_err make_directory(const struct file *file, struct otl_detail *reterr)
{
    char path[sizeof(file->path)];
    char *slash = path;

    snprintf(path, sizeof(path), "%s", file->path);
    while ((slash = strchr(slash + 1, '/')) != NULL) {
        *slash = '\0';
        if (mkdir(path, file->directory_mode) != 0 && errno != EEXIST)
            return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0,
                                  "exporter '%s': cannot make the directory: %s", file->id,
                                  strerror(errno));
        *slash = '/';
    }
    return OTEL_OK;
}

static enum otel_err start_rotation(struct file *file, struct otl_detail *reterr)
{
    struct otl_detail why = OTL_DETAIL_NONE;
    enum otel_err err;

    if (file->first != file)
        return OTEL_OK;
    err = col_rotation_start(&file->rotation, &why);
    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, NULL, 0, 0, "exporter '%s': %s", file->id, why.text);
    file->host->files++;
    return OTEL_OK;
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct file *file = self;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    enum otel_err err = file->makes_directory ? make_directory(file, reterr) : OTEL_OK;

    if (err != OTEL_OK || file->rotates)
        return err != OTEL_OK ? err : start_rotation(file, reterr);
    if (file->groups != NULL) { /* opened by what they are for */
        file->host->files++;
        return OTEL_OK;
    }
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

/* ---- records ---- */

/* Behind its length. */
static enum otel_err frame(struct file *file, struct otl_view message)
{
    uint32_t length = htonl((uint32_t)message.len);
    enum otel_err err = otl_buf_append(&file->record, &length, sizeof(length));

    return err == OTEL_OK ? otl_buf_append(&file->record, message.data, message.len) : err;
}

static enum otel_err compress(struct file *file, struct otl_view message)
{
    static const char none[4] = {0};
    enum otel_err err = otl_buf_append(&file->record, none, sizeof(none));
    uint32_t length;

    if (err == OTEL_OK)
        err = col_compressor_run(file->compressor, message, &file->record);
    if (err != OTEL_OK)
        return err;
    length = htonl((uint32_t)(file->record.len - sizeof(none)));
    memcpy(file->record.data, &length, sizeof(length));
    return OTEL_OK;
}

static enum otel_err encode(struct file *file, const struct col_batch *batch)
{
    struct otl_view request = batch->request;
    enum otel_err err;

    otl_buf_reset(&file->record);
    otl_buf_reset(&file->plain);
    if (file->proto)
        return file->compressor != NULL ? compress(file, request) : frame(file, request);
    if (file->compressor == NULL) {
        err = col_json_request(batch->signal, request, &file->record);
        return err == OTEL_OK ? otl_buf_append(&file->record, "\n", 1) : err;
    }
    err = col_json_request(batch->signal, request, &file->plain);
    return err == OTEL_OK ? compress(file, otl_view(file->plain.data, file->plain.len)) : err;
}

/* All or nothing. Returns 0 or errno. */
static int write_record(const struct file *file, int fd)
{
    size_t done = 0;

    while (done < file->record.len) {
        ssize_t put = write(fd, file->record.data + done, file->record.len - done);
        if (put > 0) {
            done += (size_t)put;
        } else if (put == 0 || errno != EINTR) {
            int error = put == 0 ? ENOSPC : errno;
            off_t end = done > 0 ? lseek(fd, 0, SEEK_END) : 0;
            if (end >= (off_t)done && done > 0 && ftruncate(fd, end - (off_t)done) != 0)
                error = errno;
            return error;
        }
    }
    return 0;
}

static enum otel_err cannot_write(const struct file *file, int error, struct otl_detail *why)
{
    return otl_detail_set(why, OTEL_ERR_IO, NULL, 0, 0, "cannot write %s: %s", file->path,
                          strerror(error));
}

/* Into the file of the value. */
static enum otel_err write_group(struct file *file, struct otl_view value, struct otl_detail *why)
{
    int fd = -1, error = col_file_groups_open(file->first->groups, value, &fd);

    if (fd >= 0 && error == 0)
        error = write_record(file, fd);
    if (error == 0)
        return OTEL_OK;
    otl_detail_set(why, OTEL_ERR_LIMIT, NULL, 0, 0, "cannot write %s for '%.*s': %s", file->path,
                   value.len < 200 ? (int)value.len : 200, value.data, strerror(error));
    return OTEL_ERR_LIMIT; /* for good, whatever it is */
}

static enum otel_err write_out(struct file *file, const struct otl_view *value,
                               struct otl_detail *why)
{
    struct col_rotation *rotation = &file->first->rotation;
    int fd = file->fd, error;

    if (value != NULL)
        return write_group(file, *value, why);
    if (file->rotates) {
        if (col_rotation_ready(rotation, file->record.len, why) != OTEL_OK)
            return OTEL_ERR_IO;
        fd = rotation->fd;
    }
    error = write_record(file, fd);
    if (error != 0)
        return cannot_write(file, error, why);
    if (file->rotates)
        col_rotation_wrote(rotation, file->record.len);
    return OTEL_OK;
}

/* value: of a group; NULL: there are none. */
static enum otel_err write_alone(struct file *file, const struct otl_view *value,
                                 struct otl_detail *why)
{
    enum otel_err err;

    if (!file->several)
        return write_out(file, value, why);
    pthread_mutex_lock(&file->first->lock); /* what is taken back must be the last record */
    err = write_out(file, value, why);
    pthread_mutex_unlock(&file->first->lock);
    return err;
}

/* What fails of one does not keep the others back; the first failure is told. */
static enum otel_err write_groups(struct file *file, const struct col_batch *batch,
                                  struct otl_detail *why)
{
    struct col_file_part *parts = NULL;
    struct col_batch part = *batch;
    uint64_t without = 0;
    size_t count = 0;
    enum otel_err err = col_file_groups_split(file->attribute, batch->signal, batch->request,
                                              &file->arena, &parts, &count, &without);

    *file->without += without;
    for (size_t i = 0; i < count; i++) {
        enum otel_err its;
        part.request = parts[i].request;
        its = encode(file, &part);
        if (its == OTEL_OK)
            its = write_alone(file, &parts[i].value, why);
        err = err == OTEL_OK ? its : err;
    }
    otl_arena_reset(&file->arena);
    return err;
}

static enum otel_err write_batch(struct file *file, const struct col_batch *batch,
                                 struct otl_detail *why)
{
    enum otel_err err = file->groups == NULL ? encode(file, batch) : OTEL_OK;

    if (err != OTEL_OK)
        return err;
    if (col_faults_strike_write(file->host->faults, file->id, batch->items))
        return cannot_write(file, ENOSPC, why);
    return file->groups == NULL ? write_alone(file, NULL, why) : write_groups(file, batch, why);
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct otl_detail why = OTL_DETAIL_NONE;
    struct file *file = self;
    enum otel_err err = write_batch(file, batch, &why);

    if (why.text[0] != '\0') {
        if (!file->failing)
            otl_log_line(&file->host->log, OTL_LOG_ERROR, "exporter '%s': %s", file->id, why.text);
        otl_detail_set(reterr, err, NULL, 0, 0, "exporter '%s': %s", file->id, why.text);
    }
    file->failing = why.text[0] != '\0';
    if (file->record.cap > KEEP)
        otl_buf_fini(&file->record);
    if (file->plain.cap > KEEP)
        otl_buf_fini(&file->plain);
    return err;
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct file *file = self;
    int fd = file->fd;
    int error = file->rotates && file->first == file ? col_rotation_fini(&file->rotation) : 0;

    file->fd = -1;
    if (fd >= 0 && close(fd) != 0)
        error = errno;
    if (file->groups != NULL && file->first == file && (fd = col_file_groups_close(file->groups)))
        error = fd;
    if (error != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, file->path, 0, 0,
                              "exporter '%s': cannot close the file: %s", file->id,
                              strerror(error));
    return OTEL_OK;
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
