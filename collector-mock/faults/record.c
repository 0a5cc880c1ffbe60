/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/faults/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/file.h"

enum { LINE_MAX_BYTES = 4096, PIECE_MAX = 512 };

enum otel_err col_fault_record_open(struct col_fault_record *record,
                                    const struct col_faults_options *options,
                                    struct otl_detail *reterr)
{
    memset(record, 0, sizeof(*record));
    record->fd = -1;
    record->clock = options->clock;
    record->log = options->log;
    otl_buf_init(&record->line, LINE_MAX_BYTES);
    if (options->record == NULL)
        return OTEL_OK;
    record->fd = open(options->record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (record->fd >= 0)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_IO, options->record, 0, 0, "cannot open: %s",
                          strerror(errno));
}

void col_fault_record_close(struct col_fault_record *record)
{
    if (record->fd >= 0)
        close(record->fd);
    record->fd = -1;
    otl_buf_fini(&record->line);
}

/* ---- the pieces of a line ---- */

static void put(struct col_fault_record *record, const char *format, ...) OTEL_PRINTF(2, 3);

static void put(struct col_fault_record *record, const char *format, ...)
{
    char piece[PIECE_MAX];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    record->torn |= len < 0 || len >= PIECE_MAX ||
                    otl_buf_append(&record->line, piece, (size_t)len) != OTEL_OK;
}

static void put_number(struct col_fault_record *record, const char *key, uint64_t value)
{
    put(record, ",\"%s\":%" PRIu64, key, value);
}

/* Left out when it is 0: there is none. */
static void put_limit(struct col_fault_record *record, const char *key, uint64_t value)
{
    if (value != 0)
        put_number(record, key, value);
}

static void put_text(struct col_fault_record *record, const char *key, const char *text)
{
    put(record, ",\"%s\":\"", key);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            put(record, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            put(record, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            put(record, "%c", *text);
    }
    put(record, "\"");
}

static void start(struct col_fault_record *record, const char *event,
                  const struct col_fault_plan *fault, uint64_t mono_ns)
{
    otl_buf_reset(&record->line);
    record->torn = false;
    put(record, "{\"event\":\"%s\",\"fault\":%" PRIu32 ",\"kind\":\"%s\",\"mono_ns\":%" PRIu64,
        event, fault->id, col_fault_word(fault->kind), mono_ns);
}

static void finish(struct col_fault_record *record)
{
    put(record, "}\n");
    if (record->torn) {
        otl_log_line(record->log, OTL_LOG_ERROR, "a line of the record of faults has no room");
        return;
    }
    if (otl_fd_write_all(record->fd, record->line.data, record->line.len) == OTEL_OK)
        return;
    otl_log_line(record->log, OTL_LOG_ERROR, "cannot write the record of faults: %s",
                 strerror(errno));
    close(record->fd);
    record->fd = -1;
}

/* What the kind is told to do. */
static void put_settings(struct col_fault_record *record, const struct col_fault_plan *fault)
{
    switch (fault->kind) {
    case COL_FAULT_STATUS:
        put_limit(record, "status", fault->status);
        put_limit(record, "code", fault->code);
        put_limit(record, "retry_after_s", fault->retry_after_s);
        break;
    case COL_FAULT_RST_STREAM:
        put_number(record, "error_code", fault->error_code);
        break;
    case COL_FAULT_OVERSIZED:
        put_number(record, "size", fault->size);
        break;
    case COL_FAULT_SLOW_ANSWER:
    case COL_FAULT_SLOW_READ:
        put_number(record, "rate", fault->rate);
        break;
    case COL_FAULT_CLOCK_SKEW:
        put(record, ",\"skew_ns\":%" PRId64, fault->skew_ns);
        break;
    case COL_FAULT_TLS_CERTIFICATE:
        put_text(record, "cert_file", fault->cert_file);
        break;
    default:
        break;
    }
}

/* ---- lines ---- */

void col_fault_record_begin(struct col_fault_record *record, const struct col_fault_plan *fault,
                            uint64_t mono_ns)
{
    if (record->fd < 0)
        return;
    start(record, "begin", fault, mono_ns);
    put_limit(record, "for_ns", fault->for_ns);
    put_limit(record, "count", fault->count);
    put(record, ",\"probability\":%.17g", fault->probability);
    put_number(record, "seed", fault->seed);
    if (fault->kind == COL_FAULT_DELAY) {
        put_text(record, "distribution", col_delay_words[fault->law]);
        put_number(record, "delay_ns", fault->delay_ns);
        put_limit(record, "delay_max_ns", fault->delay_max_ns);
    } else if (fault->kind == COL_FAULT_PARTIAL) {
        put_number(record, "rejected", fault->rejected);
    }
    put_settings(record, fault);
    finish(record);
}

void col_fault_record_hit(struct col_fault_record *record, const struct col_fault_plan *fault,
                          const struct col_fault_request *request, uint64_t delay_ns)
{
    if (record->fd < 0)
        return;
    start(record, "hit", fault, otl_clock_mono(record->clock));
    put_number(record, "request", request->number);
    put_number(record, "connection", request->connection);
    put_number(record, "spans", request->spans);
    if (request->exporter != NULL)
        put_text(record, "exporter", request->exporter);
    if (fault->kind == COL_FAULT_DELAY)
        put_number(record, "delay_ns", delay_ns);
    else if (fault->kind == COL_FAULT_PARTIAL)
        put_number(record, "rejected",
                   fault->rejected < request->spans ? fault->rejected : request->spans);
    put_settings(record, fault);
    finish(record);
}

void col_fault_record_not_held(struct col_fault_record *record,
                               const struct col_fault_plan *fault)
{
    if (record->fd < 0)
        return;
    start(record, "not_held", fault, otl_clock_mono(record->clock));
    finish(record);
}

void col_fault_record_released(struct col_fault_record *record,
                               const struct col_fault_plan *fault, uint64_t requests)
{
    if (record->fd < 0)
        return;
    start(record, "released", fault, otl_clock_mono(record->clock));
    put_number(record, "requests", requests);
    finish(record);
}

void col_fault_record_end(struct col_fault_record *record, const struct col_fault_plan *fault,
                          const struct col_fault_deeds *deeds)
{
    if (record->fd < 0)
        return;
    start(record, "end", fault, deeds->ended_mono_ns);
    put_number(record, "began_mono_ns", deeds->began_mono_ns);
    put_number(record, "requests", deeds->requests);
    put_number(record, "spans", deeds->spans);
    put_number(record, "connections", deeds->connections);
    put_limit(record, "dropped", deeds->dropped);
    finish(record);
}
