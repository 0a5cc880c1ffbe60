/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/ledger/writer.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/ledger/map.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { TEXTS_MAX = 3 };

_Static_assert(sizeof(struct hx_led_header) == 64, "format.h fixes the size");

struct hx_led_writer {
    /* the owner's */
    char *map;             /* segment being written; NULL when in fault */
    size_t used;
    uint32_t segment;
    uint64_t counter;
    struct hx_led_writer_stats stats;
    struct otl_detail fault;
    /* fixed after new */
    uint64_t seed;
    uint32_t process;
    uint32_t incarnation;
    char prefix[PATH_MAX - 32]; /* DIR/INSTANCE.INCARNATION */
    /* shared with the helper, under lock */
    pthread_t helper;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *next;            /* made ahead, not yet taken */
    uint32_t next_segment; /* number of next, or of the one to be made */
    bool stopping;
    bool helper_failed;
    struct otl_detail helper_detail;
};

static void segment_path(const struct hx_led_writer *writer, uint32_t segment, char *out,
                         size_t size)
{
    snprintf(out, size, "%s.%04u.led", writer->prefix, segment);
}

/* ---- the helper thread ---------------------------------------------------------------------- */

/* The magic last: a file without it was never begun. */
static void write_header(const struct hx_led_writer *writer, uint32_t segment, void *map)
{
    struct hx_led_header *header = map;
    uint64_t magic;

    header->version = HX_LED_VERSION;
    header->process = writer->process;
    header->segment = segment;
    header->incarnation = writer->incarnation;
    header->seed = writer->seed;
    header->mono_ns = otl_clock_mono(otl_clock_real());
    header->wall_ns = otl_clock_wall(otl_clock_real());
    memcpy(&magic, HX_LED_MAGIC, sizeof(magic));
    atomic_store_explicit((_Atomic uint64_t *)map, magic, memory_order_release);
}

static void make_next_locked(struct hx_led_writer *writer)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    uint32_t segment = writer->next_segment;
    char path[PATH_MAX];
    void *map = NULL;
    enum otel_err err;

    pthread_mutex_unlock(&writer->lock);
    segment_path(writer, segment, path, sizeof(path));
    err = hx_map_create(path, HX_LED_SEGMENT_BYTES, &map, &detail);
    if (err == OTEL_OK)
        write_header(writer, segment, map);
    pthread_mutex_lock(&writer->lock);
    writer->next = map;
    if (err != OTEL_OK) {
        writer->helper_failed = true;
        writer->helper_detail = detail;
    }
    pthread_cond_broadcast(&writer->changed);
}

static void *helper_main(void *argument)
{
    struct hx_led_writer *writer = argument;

    pthread_mutex_lock(&writer->lock);
    while (!writer->stopping && !writer->helper_failed) {
        if (writer->next == NULL)
            make_next_locked(writer);
        else
            pthread_cond_wait(&writer->changed, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

static int start_helper(struct hx_led_writer *writer)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&writer->helper, NULL, helper_main, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* ---- segments ------------------------------------------------------------------------------- */

/* Take the segment that the helper made ahead; false puts the writer in fault. */
static bool take_segment(struct hx_led_writer *writer)
{
    char *map;

    pthread_mutex_lock(&writer->lock);
    if (writer->next == NULL && !writer->helper_failed && writer->stats.segments != 0)
        writer->stats.waits++;
    while (writer->next == NULL && !writer->helper_failed)
        pthread_cond_wait(&writer->changed, &writer->lock);
    map = writer->next;
    writer->next = NULL;
    writer->segment = writer->next_segment++;
    if (map == NULL)
        writer->fault = writer->helper_detail;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    writer->map = map;
    if (map == NULL)
        return false;
    writer->stats.segments++;
    writer->used = sizeof(struct hx_led_header);
    return true;
}

static void close_segment(struct hx_led_writer *writer, size_t keep)
{
    char path[PATH_MAX];

    segment_path(writer, writer->segment, path, sizeof(path));
    hx_map_close(writer->map, HX_LED_SEGMENT_BYTES, path, keep);
    writer->map = NULL;
}

/* ---- life ----------------------------------------------------------------------------------- */

static enum otel_err check_options(const struct hx_led_writer_options *options,
                                   struct otl_detail *reterr)
{
    if (options->process == 0 || options->process >= 1u << 24)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "process number %u is not in 1..16777215", options->process);
    if (options->instance == NULL || options->instance[0] == '\0')
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "a ledger needs an instance");
    return otl_make_dirs(options->dir, reterr);
}

enum otel_err hx_led_writer_new(const struct hx_led_writer_options *options,
                                struct hx_led_writer **ret, struct otl_detail *reterr)
{
    struct hx_led_writer *writer;
    enum otel_err err = check_options(options, reterr);

    if (err != OTEL_OK)
        return err;
    writer = otl_mem_zalloc(sizeof(*writer));
    if (writer == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a ledger");
    writer->seed = options->seed;
    writer->process = options->process;
    writer->incarnation = options->incarnation;
    snprintf(writer->prefix, sizeof(writer->prefix), "%s/%s.%u", options->dir, options->instance,
             options->incarnation);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    if (start_helper(writer) != 0) {
        pthread_mutex_destroy(&writer->lock);
        pthread_cond_destroy(&writer->changed);
        otl_mem_free(writer);
        return otl_detail_set(reterr, OTEL_ERR_THREAD, NULL, 0, 0,
                              "cannot start the ledger's helper thread");
    }
    if (!take_segment(writer)) {
        err = otl_detail_set(reterr, writer->fault.code, writer->fault.source, 0, 0, "%s",
                             writer->fault.text);
        hx_led_writer_free(writer);
        return err;
    }
    *ret = writer;
    return OTEL_OK;
}

void hx_led_writer_free(struct hx_led_writer *writer)
{
    char path[PATH_MAX];

    if (writer == NULL)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->helper, NULL);
    if (writer->map != NULL)
        close_segment(writer, writer->used);
    if (writer->next != NULL) {
        segment_path(writer, writer->next_segment, path, sizeof(path));
        hx_map_close(writer->next, HX_LED_SEGMENT_BYTES, path, HX_LED_SEGMENT_BYTES);
        unlink(path);
    }
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    otl_mem_free(writer);
}

enum otel_err hx_led_writer_fault(const struct hx_led_writer *writer, struct otl_detail *reterr)
{
    if (writer->fault.code == OTEL_OK)
        return OTEL_OK;
    if (reterr != NULL)
        *reterr = writer->fault;
    return writer->fault.code;
}

void hx_led_writer_stats(const struct hx_led_writer *writer, struct hx_led_writer_stats *ret)
{
    *ret = writer->stats;
}

uint64_t hx_led_next_seq(struct hx_led_writer *writer)
{
    return (uint64_t)writer->process << 40 | ++writer->counter;
}

/* ---- rows ----------------------------------------------------------------------------------- */

struct row {
    enum hx_led_type type;
    const void *fixed;
    size_t fixed_size;
    size_t text_at; /* offset of the first struct hx_led_text */
    struct otl_view texts[TEXTS_MAX];
    size_t text_count;
};

/* Room for size bytes in the current segment or in a new one; NULL in fault. */
static char *make_room(struct hx_led_writer *writer, size_t size)
{
    if (writer->map != NULL && size > HX_LED_ROW_MAX) {
        otl_detail_set(&writer->fault, OTEL_ERR_LIMIT, writer->prefix, 0, 0,
                       "a row of %zu bytes is over the limit of %d", size, HX_LED_ROW_MAX);
        close_segment(writer, writer->used);
    }
    if (writer->map != NULL && size > HX_LED_SEGMENT_BYTES - writer->used) {
        close_segment(writer, HX_LED_SEGMENT_BYTES);
        (void)take_segment(writer);
    }
    if (writer->map == NULL) {
        writer->stats.refused++;
        return NULL;
    }
    return writer->map + writer->used;
}

static void append(struct hx_led_writer *writer, const struct row *row)
{
    size_t size = row->fixed_size, at = row->fixed_size;
    struct hx_led_record *record;
    char *out;

    for (size_t i = 0; i < row->text_count; i++)
        size += row->texts[i].len;
    size = (size + 7) & ~(size_t)7;
    out = make_room(writer, size);
    if (out == NULL)
        return;
    /* All but the size, which publishes the row: it stays 0 until the last store. */
    memcpy(out + sizeof(uint32_t), (const char *)row->fixed + sizeof(uint32_t),
           row->fixed_size - sizeof(uint32_t));
    record = (struct hx_led_record *)(void *)out;
    record->type = (uint16_t)row->type;
    for (size_t i = 0; i < row->text_count; i++) {
        struct hx_led_text text = {0, 0};
        if (row->texts[i].len != 0) {
            text.offset = (uint32_t)at;
            text.len = (uint32_t)row->texts[i].len;
            memcpy(out + at, row->texts[i].data, row->texts[i].len);
            at += row->texts[i].len;
        }
        memcpy(out + row->text_at + i * sizeof(text), &text, sizeof(text));
    }
    atomic_store_explicit((_Atomic uint32_t *)&record->size, (uint32_t)size, memory_order_release);
    writer->used += size;
    writer->stats.rows++;
    writer->stats.bytes += size;
}

#define FIXED(type, row) {type, row, sizeof(*(row)), 0, {{NULL, 0}}, 0}

void hx_led_process_row(struct hx_led_writer *writer, const struct hx_led_process *row,
                        struct otl_view instance, struct otl_view sampler)
{
    struct row r = {HX_LED_PROCESS, row, sizeof(*row), offsetof(struct hx_led_process, instance),
                    {instance, sampler}, 2};
    append(writer, &r);
}

void hx_led_process_close_row(struct hx_led_writer *writer, const struct hx_led_process_close *row)
{
    struct row r = FIXED(HX_LED_PROCESS_CLOSE, row);
    append(writer, &r);
}

void hx_led_entry_row(struct hx_led_writer *writer, const struct hx_led_entry *row,
                      const struct hx_led_headers *headers)
{
    struct row r = {HX_LED_ENTRY, row, sizeof(*row), offsetof(struct hx_led_entry, traceparent),
                    {headers->traceparent, headers->tracestate, headers->baggage}, 3};
    append(writer, &r);
}

void hx_led_entry_close_row(struct hx_led_writer *writer, const struct hx_led_entry_close *row)
{
    struct row r = FIXED(HX_LED_ENTRY_CLOSE, row);
    append(writer, &r);
}

void hx_led_span_row(struct hx_led_writer *writer, const struct hx_led_span *row)
{
    struct row r = FIXED(HX_LED_SPAN, row);
    append(writer, &r);
}

void hx_led_span_close_row(struct hx_led_writer *writer, const struct hx_led_span_close *row)
{
    struct row r = FIXED(HX_LED_SPAN_CLOSE, row);
    append(writer, &r);
}

void hx_led_send_row(struct hx_led_writer *writer, const struct hx_led_send *row,
                     const struct hx_led_headers *headers)
{
    struct row r = {HX_LED_SEND, row, sizeof(*row), offsetof(struct hx_led_send, traceparent),
                    {headers->traceparent, headers->tracestate, headers->baggage}, 3};
    append(writer, &r);
}

void hx_led_send_close_row(struct hx_led_writer *writer, const struct hx_led_send_close *row)
{
    struct row r = FIXED(HX_LED_SEND_CLOSE, row);
    append(writer, &r);
}

void hx_led_baggage_row(struct hx_led_writer *writer, const struct hx_led_baggage *row,
                        struct otl_view name, struct otl_view value)
{
    struct row r = {HX_LED_BAGGAGE, row, sizeof(*row), offsetof(struct hx_led_baggage, name),
                    {name, value}, 2};
    append(writer, &r);
}

void hx_led_load_row(struct hx_led_writer *writer, const struct hx_led_load *row,
                     struct otl_view traceparent)
{
    struct row r = {HX_LED_LOAD, row, sizeof(*row), offsetof(struct hx_led_load, traceparent),
                    {traceparent}, 1};
    append(writer, &r);
}

void hx_led_load_close_row(struct hx_led_writer *writer, const struct hx_led_load_close *row)
{
    struct row r = FIXED(HX_LED_LOAD_CLOSE, row);
    append(writer, &r);
}
