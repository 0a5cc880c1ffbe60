/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/ledger/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

struct hx_led_reader {
    struct hx_led_file *files; /* segments, sorted by writer and number */
    size_t file_count;
    size_t file_cap;
    size_t current;
    struct hx_led_drops *drops;
    struct otl_view *drop_maps;
    size_t drop_count;
    size_t problem_count;
    struct hx_led_problem problems[HX_LED_PROBLEM_MAX];
};

static void problem(struct hx_led_reader *reader, const char *file, size_t offset,
                    const char *text)
{
    if (reader->problem_count < HX_LED_PROBLEM_MAX) {
        struct hx_led_problem *p = &reader->problems[reader->problem_count];

        p->file = file;
        p->offset = offset;
        snprintf(p->text, sizeof p->text, "%.*s", (int)(sizeof p->text - 1), text);
    }
    reader->problem_count++;
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool number_at(const char *text, size_t len, unsigned *ret)
{
    unsigned value = 0;

    if (len == 0 || len > 9)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *ret = value;
    return true;
}

/* Start of the last dot-separated word of name[0..len), or len if there is no dot. */
static size_t last_word(const char *name, size_t len)
{
    size_t at = len;

    while (at > 0 && name[at - 1] != '.')
        at--;
    return at > 0 ? at : len;
}

/* INSTANCE.INCARNATION.NNNN.led or INSTANCE.INCARNATION.drops; an instance may hold dots. */
static bool parse_name(struct hx_led_file *file, bool *ret_drops)
{
    size_t len = strlen(file->name), at = last_word(file->name, len);

    if (at < 2)
        return false;
    *ret_drops = strcmp(file->name + at, "drops") == 0;
    if (!*ret_drops && strcmp(file->name + at, "led") != 0)
        return false;
    len = at - 1;
    file->number = 0;
    if (!*ret_drops) {
        at = last_word(file->name, len);
        if (at < 2 || !number_at(file->name + at, len - at, &file->number))
            return false;
        len = at - 1;
    }
    at = last_word(file->name, len);
    if (at < 2 || !number_at(file->name + at, len - at, &file->incarnation))
        return false;
    file->instance_len = at - 1;
    return true;
}

static int by_writer(const void *left, const void *right)
{
    const struct hx_led_file *a = left, *b = right;
    size_t len = a->instance_len < b->instance_len ? a->instance_len : b->instance_len;
    int order = memcmp(a->name, b->name, len);

    if (order != 0)
        return order;
    if (a->instance_len != b->instance_len)
        return a->instance_len < b->instance_len ? -1 : 1;
    if (a->incarnation != b->incarnation)
        return a->incarnation < b->incarnation ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* ---- files ---------------------------------------------------------------------------------- */

static enum otel_err map_file(int dir_fd, const char *name, struct otl_view *ret)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *map;

    if (fd < 0)
        return OTEL_ERR_IO;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return OTEL_ERR_IO;
    }
    *ret = otl_view(NULL, 0);
    if (st.st_size > 0) {
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            close(fd);
            return OTEL_ERR_IO;
        }
        *ret = otl_view(map, (size_t)st.st_size);
    }
    close(fd);
    return OTEL_OK;
}

static void unmap(struct otl_view bytes)
{
    if (bytes.len > 0)
        munmap((void *)(uintptr_t)bytes.data, bytes.len);
}

static enum otel_err add_drops(struct hx_led_reader *reader, const struct hx_led_file *file)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_led_drops drops;
    size_t n = reader->drop_count;
    void *grown;

    if (hx_led_drops_init(&drops, file->bytes, &detail) != OTEL_OK) {
        problem(reader, file->name, 0, detail.text);
        memset(&drops, 0, sizeof drops); /* the map must be kept: the problem names its file */
    }
    grown = otl_mem_realloc(reader->drops, (n + 1) * sizeof *reader->drops);
    if (grown == NULL)
        return OTEL_ERR_MEMORY;
    reader->drops = grown;
    grown = otl_mem_realloc(reader->drop_maps, (n + 1) * sizeof *reader->drop_maps);
    if (grown == NULL)
        return OTEL_ERR_MEMORY;
    reader->drop_maps = grown;
    if (drops.header == NULL) {
        unmap(file->bytes);
        return OTEL_OK;
    }
    reader->drops[n] = drops;
    reader->drop_maps[n] = file->bytes;
    reader->drop_count = n + 1;
    return OTEL_OK;
}

static enum otel_err add_name(struct hx_led_reader *reader, const char *name)
{
    struct hx_led_file *file;

    if (reader->file_count == HX_LED_FILES_MAX)
        return OTEL_ERR_LIMIT;
    if (reader->file_count == reader->file_cap) {
        size_t cap = reader->file_cap > 0 ? reader->file_cap * 2 : 64;
        void *grown = otl_mem_realloc(reader->files, cap * sizeof *reader->files);

        if (grown == NULL)
            return OTEL_ERR_MEMORY;
        reader->files = grown;
        reader->file_cap = cap;
    }
    file = &reader->files[reader->file_count];
    memset(file, 0, sizeof *file);
    file->name = otl_mem_strdup(name);
    if (file->name == NULL)
        return OTEL_ERR_MEMORY;
    reader->file_count++;
    return OTEL_OK;
}

/* Map one file; *ret_keep: it is a segment and stays in the list. */
static enum otel_err open_file(struct hx_led_reader *reader, int dir_fd, struct hx_led_file *file,
                               bool *ret_keep)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    bool drops;

    *ret_keep = false;
    if (!parse_name(file, &drops))
        return OTEL_OK;
    *ret_keep = true;
    if (map_file(dir_fd, file->name, &file->bytes) != OTEL_OK) {
        problem(reader, file->name, 0, strerror(errno));
        return OTEL_OK;
    }
    if (drops) {
        enum otel_err err = add_drops(reader, file);

        file->bytes = otl_view(NULL, 0);
        return err;
    }
    if (hx_led_segment_init(&file->segment, file->bytes, &detail) != OTEL_OK) {
        problem(reader, file->name, 0, detail.text);
        memset(&file->segment, 0, sizeof file->segment);
    }
    return OTEL_OK;
}

static enum otel_err open_files(struct hx_led_reader *reader, int dir_fd)
{
    size_t kept = 0;
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < reader->file_count; i++) {
        struct hx_led_file *file = &reader->files[i];
        bool keep = true;

        if (err == OTEL_OK)
            err = open_file(reader, dir_fd, file, &keep);
        if (keep)
            reader->files[kept++] = *file;
        else
            otl_mem_free(file->name);
    }
    reader->file_count = kept;
    return err;
}

static bool same_writer(const struct hx_led_file *a, const struct hx_led_file *b)
{
    return a->instance_len == b->instance_len && a->incarnation == b->incarnation &&
           memcmp(a->name, b->name, a->instance_len) == 0;
}

/* Segments of one writer are numbered from 0 without a gap. */
static void look_for_gaps(struct hx_led_reader *reader)
{
    const struct hx_led_file *last = NULL;

    for (size_t i = 0; i < reader->file_count; i++) {
        const struct hx_led_file *file = &reader->files[i];
        size_t len = strlen(file->name);

        if (strcmp(file->name + len - 4, ".led") != 0)
            continue;
        if (file->number != (last != NULL && same_writer(last, file) ? last->number + 1 : 0))
            problem(reader, file->name, 0, "the segment before it is missing");
        last = file;
    }
}

enum otel_err hx_led_reader_open(const char *dir, struct hx_led_reader **ret,
                                 struct otl_detail *reterr)
{
    struct hx_led_reader *reader = otl_mem_zalloc(sizeof *reader);
    enum otel_err err = OTEL_OK;
    struct dirent *entry;
    DIR *stream;

    if (reader == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, dir, 0, 0, "no memory");
    stream = opendir(dir);
    if (stream == NULL) {
        err = errno == ENOENT ? OTEL_ERR_NOT_FOUND : OTEL_ERR_IO;
        otl_detail_set(reterr, err, dir, 0, 0, "%s", strerror(errno));
        otl_mem_free(reader);
        return err;
    }
    while (err == OTEL_OK && (entry = readdir(stream)) != NULL)
        err = entry->d_name[0] != '.' ? add_name(reader, entry->d_name) : OTEL_OK;
    if (err == OTEL_OK)
        err = open_files(reader, dirfd(stream));
    closedir(stream);
    if (err != OTEL_OK) {
        otl_detail_set(reterr, err, dir, 0, 0, "%s", otel_err_text(err));
        hx_led_reader_free(reader);
        return err;
    }
    if (reader->file_count > 0)
        qsort(reader->files, reader->file_count, sizeof *reader->files, by_writer);
    look_for_gaps(reader);
    *ret = reader;
    return OTEL_OK;
}

void hx_led_reader_free(struct hx_led_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->file_count; i++) {
        unmap(reader->files[i].bytes);
        otl_mem_free(reader->files[i].name);
    }
    for (size_t i = 0; i < reader->drop_count; i++)
        unmap(reader->drop_maps[i]);
    otl_mem_free(reader->files);
    otl_mem_free(reader->drops);
    otl_mem_free(reader->drop_maps);
    otl_mem_free(reader);
}

/* ---- records -------------------------------------------------------------------------------- */

const struct hx_led_record *hx_led_reader_next(struct hx_led_reader *reader,
                                               const struct hx_led_file **ret_file)
{
    for (; reader->current < reader->file_count; reader->current++) {
        struct hx_led_file *file = &reader->files[reader->current];
        const struct hx_led_record *record;

        if (file->segment.header == NULL)
            continue;
        record = hx_led_segment_next(&file->segment);
        if (record != NULL) {
            *ret_file = file;
            return record;
        }
        if (file->segment.error != NULL && !file->told)
            problem(reader, file->name, file->segment.at, file->segment.error);
        file->told = true;
    }
    return NULL;
}

void hx_led_reader_rewind(struct hx_led_reader *reader)
{
    reader->current = 0;
    for (size_t i = 0; i < reader->file_count; i++) {
        struct hx_led_segment *segment = &reader->files[i].segment;

        if (segment->header != NULL)
            segment->at = sizeof *segment->header;
        segment->error = NULL;
    }
}

size_t hx_led_reader_segments(const struct hx_led_reader *reader)
{
    size_t count = 0;

    for (size_t i = 0; i < reader->file_count; i++)
        count += reader->files[i].segment.header != NULL;
    return count;
}

const struct hx_led_drops *hx_led_reader_drops(const struct hx_led_reader *reader, size_t i)
{
    return i < reader->drop_count ? &reader->drops[i] : NULL;
}

const struct hx_led_problem *hx_led_reader_problems(const struct hx_led_reader *reader,
                                                    size_t *ret_count)
{
    *ret_count = reader->problem_count;
    return reader->problems;
}
