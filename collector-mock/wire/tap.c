/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t magic[4] = {'T', 'A', 'P', '1'};

static void put(uint8_t *out, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *in, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

void col_tap_encode(const struct col_tap_record *record, uint8_t out[COL_TAP_HEADER_SIZE])
{
    memcpy(out, magic, 4);
    out[4] = (uint8_t)record->type;
    out[5] = (uint8_t)record->encoding;
    out[6] = (uint8_t)record->transport;
    out[7] = (uint8_t)record->signal;
    put(out + 8, 8, record->connection);
    put(out + 16, 8, record->request);
    put(out + 24, 8, record->mono_ns);
    put(out + 32, 8, record->wall_ns);
    put(out + 40, 8, record->rejected_spans);
    put(out + 48, 4, record->status);
    put(out + 52, 4, record->spans);
    put(out + 56, 4, record->body.len);
    put(out + 60, 4, record->flags);
}

static bool decode(const uint8_t *in, struct col_tap_record *ret)
{
    if (memcmp(in, magic, 4) != 0 || in[4] < COL_TAP_START || in[4] > COL_TAP_ANSWER)
        return false;
    ret->type = (enum col_tap_type)in[4];
    ret->encoding = (enum col_tap_encoding)in[5];
    ret->transport = (enum col_tap_transport)in[6];
    ret->signal = (enum col_tap_signal)in[7];
    ret->connection = get(in + 8, 8);
    ret->request = get(in + 16, 8);
    ret->mono_ns = get(in + 24, 8);
    ret->wall_ns = get(in + 32, 8);
    ret->rejected_spans = get(in + 40, 8);
    ret->status = (uint32_t)get(in + 48, 4);
    ret->spans = (uint32_t)get(in + 52, 4);
    ret->body = otl_view((const char *)in + COL_TAP_HEADER_SIZE, (size_t)get(in + 56, 4));
    ret->flags = (uint32_t)get(in + 60, 4);
    return true;
}

void col_tap_from_memory(struct otl_view bytes, struct col_tap_reader *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->data = (const uint8_t *)bytes.data;
    ret->size = bytes.len;
}

static enum otel_err open_error(const char *path, const char *verb, struct otl_detail *reterr)
{
    enum otel_err code = errno == ENOENT ? OTEL_ERR_NOT_FOUND : OTEL_ERR_IO;

    return otl_detail_set(reterr, code, path, 0, 0, "cannot %s the tap: %s", verb,
                          strerror(errno));
}

enum otel_err col_tap_open(const char *path, struct col_tap_reader *ret,
                           struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;
    void *map = NULL;
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return open_error(path, "open", reterr);
    if (fstat(fd, &info) != 0) {
        err = open_error(path, "read", reterr);
    } else if (info.st_size > 0) {
        map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            err = open_error(path, "map", reterr);
    }
    close(fd);
    if (err == OTEL_OK)
        col_tap_from_memory(otl_view(map, (size_t)info.st_size), ret);
    return err;
}

bool col_tap_next(struct col_tap_reader *reader, struct col_tap_record *ret)
{
    size_t left = reader->size - reader->at;
    struct col_tap_record record;

    if (left == 0 || reader->torn || reader->damaged)
        return false;
    if (left < COL_TAP_HEADER_SIZE) {
        reader->torn = true;
        return false;
    }
    if (!decode(reader->data + reader->at, &record)) {
        reader->damaged = true;
        return false;
    }
    if (record.body.len > left - COL_TAP_HEADER_SIZE) {
        reader->torn = true;
        return false;
    }
    if (record.type == COL_TAP_START)
        reader->life++;
    record.life = reader->life;
    reader->at += COL_TAP_HEADER_SIZE + record.body.len;
    *ret = record;
    return true;
}

void col_tap_close(struct col_tap_reader *reader)
{
    if (reader->data != NULL)
        munmap((void *)(uintptr_t)reader->data, reader->size);
    memset(reader, 0, sizeof(*reader));
}
