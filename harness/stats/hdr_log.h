/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_HDR_LOG_H
#define HX_STATS_HDR_LOG_H

#include <stdio.h>

#include <otel/err.h>

#include "harness/stats/hdr.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * HdrHistogram logs (.hlog, format version 1.3): one line per interval, with an optional tag.
 *
 * The third column of a line is the interval's LENGTH and its maximum is in milliseconds
 * (values are nanoseconds), as HistogramLogProcessor and the public plotters expect.
 *
 * Life      writer: open -> write... -> close. Reader: init on the whole text -> next... .
 * Threads   one owner.
 * Memory    the reader borrows the text; a tag it returns points into it; histograms are the
 *           caller's.
 * Limits    tags of 1 to 64 characters without comma, blank or control character.
 */

struct hx_hdr_log {
    FILE *file;
    uint64_t wall_start_ns;
};

/* Create path and write the head. wall_start_ns: the wall clock at time 0 of the intervals.
 * OTEL_ERR_IO, with *reterr (may be NULL) filled. */
OTEL_MUST_USE enum otel_err hx_hdr_log_open(struct hx_hdr_log *log, const char *path,
                                            uint64_t wall_start_ns, struct otl_detail *reterr);
/* start_ns counts from wall_start_ns; tag may be NULL. The line is in the file when this returns.
 * OTEL_ERR_ARGUMENT: unfit tag. OTEL_ERR_IO: it could not be written. */
OTEL_MUST_USE enum otel_err hx_hdr_log_write(struct hx_hdr_log *log, const char *tag,
                                             uint64_t start_ns, uint64_t length_ns,
                                             const struct hx_hdr *hdr);
/* Flush and close; OTEL_ERR_IO if any write failed. */
OTEL_MUST_USE enum otel_err hx_hdr_log_close(struct hx_hdr_log *log);

struct hx_hdr_log_entry {
    struct otl_view tag; /* len 0: none */
    double start_s;      /* as written: relative to the log's base time if it has one */
    double length_s;
    double max_ms;
    struct hx_hdr *hdr; /* the caller's */
};

struct hx_hdr_log_reader {
    struct otl_view rest;
    unsigned line;
    double wall_start_s; /* from the head; 0 until it was read */
};

void hx_hdr_log_reader_init(struct hx_hdr_log_reader *reader, struct otl_view text);
/* The next interval. OTEL_ERR_CLOSED: no more. OTEL_ERR_SYNTAX, OTEL_ERR_CORRUPT,
 * OTEL_ERR_LIMIT, OTEL_ERR_UNSUPPORTED, OTEL_ERR_MEMORY: with the line in *reterr (may be NULL);
 * the line was passed over, so that reading may go on. */
OTEL_MUST_USE enum otel_err hx_hdr_log_next(struct hx_hdr_log_reader *reader,
                                            struct hx_hdr_log_entry *ret,
                                            struct otl_detail *reterr);

#endif
