/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LEDGER_WRITER_H
#define HX_LEDGER_WRITER_H

#include <stdint.h>

#include <otel/err.h>

#include "harness/ledger/format.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Ledger writer: appends rows (format.h) to mapped segments that survive kill -9.
 *
 * Not for drops, which any thread may report: see drops.h.
 *
 * Life      hx_led_writer_new() -> hx_led_..._row() ... -> hx_led_writer_free(), which cuts the
 *           last segment after its last row and removes the unused next one.
 * Threads   one owner. A helper thread of the writer's own allocates and touches the next segment
 *           ahead; the owner waits for it only when a segment was filled faster than the next one
 *           could be made (counted: waits).
 * Memory    two segments are mapped at a time; what is handed in is copied during the call.
 * Limits    a row is at most HX_LED_ROW_MAX bytes, texts included.
 *
 * A row call never blocks on the disk and returns nothing. When no segment could be made (full
 * disk, file size limit) or a row was too long, the writer is in fault: it refuses every later
 * row, and hx_led_writer_fault() says why. The owner asks once a loop turn. A row that was
 * published is complete: a reader sees all of it or nothing.
 */

enum { HX_LED_ROW_MAX = 256 * 1024 };

struct hx_led_writer;

struct hx_led_writer_options {
    const char *dir;      /* where the segments go (RUN/ledger); made if it is not there */
    const char *instance;
    uint32_t incarnation;
    uint32_t process;     /* from 1 */
    uint64_t seed;
};

struct hx_led_writer_stats {
    uint64_t rows;
    uint64_t bytes;
    uint64_t segments;
    uint64_t waits;       /* times the owner waited for the next segment */
    uint64_t refused;     /* rows refused while in fault */
};

/* The first segment exists when this returns. OTEL_ERR_IO, OTEL_ERR_MEMORY, OTEL_ERR_THREAD,
 * OTEL_ERR_ARGUMENT (process 0 or above 2^24 - 1, empty instance), each with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_led_writer_new(const struct hx_led_writer_options *options,
                                              struct hx_led_writer **ret,
                                              struct otl_detail *reterr);
void hx_led_writer_free(struct hx_led_writer *writer);

/* OTEL_OK, or what put the writer in fault (*reterr filled; NULL is allowed). */
enum otel_err hx_led_writer_fault(const struct hx_led_writer *writer, struct otl_detail *reterr);
void hx_led_writer_stats(const struct hx_led_writer *writer, struct hx_led_writer_stats *ret);

/* process << 40 | counter from 1. */
uint64_t hx_led_next_seq(struct hx_led_writer *writer);

/* One call a row type. The caller fills the fixed part; head.size, head.type and the hx_led_text
 * fields are filled here; head.flags and head.seq are the caller's. */
struct hx_led_headers { /* raw; several of a name joined by \n; len 0 = absent */
    struct otl_view traceparent;
    struct otl_view tracestate;
    struct otl_view baggage;
};

void hx_led_process_row(struct hx_led_writer *writer, const struct hx_led_process *row,
                        struct otl_view instance, struct otl_view sampler);
void hx_led_process_close_row(struct hx_led_writer *writer, const struct hx_led_process_close *row);
void hx_led_entry_row(struct hx_led_writer *writer, const struct hx_led_entry *row,
                      const struct hx_led_headers *headers);
void hx_led_entry_close_row(struct hx_led_writer *writer, const struct hx_led_entry_close *row);
void hx_led_span_row(struct hx_led_writer *writer, const struct hx_led_span *row);
void hx_led_span_close_row(struct hx_led_writer *writer, const struct hx_led_span_close *row);
void hx_led_send_row(struct hx_led_writer *writer, const struct hx_led_send *row,
                     const struct hx_led_headers *headers);
void hx_led_send_close_row(struct hx_led_writer *writer, const struct hx_led_send_close *row);
void hx_led_baggage_row(struct hx_led_writer *writer, const struct hx_led_baggage *row,
                        struct otl_view name, struct otl_view value);
void hx_led_load_row(struct hx_led_writer *writer, const struct hx_led_load *row,
                     struct otl_view traceparent);
void hx_led_load_close_row(struct hx_led_writer *writer, const struct hx_led_load_close *row);

#endif
