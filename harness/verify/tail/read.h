/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_READ_H
#define HX_TAIL_READ_H

#include "harness/verify/tail/oracle.h"

/*
 * Received spans from files: a tap, OTLP/JSON lines, or requests of protobuf behind their lengths
 * (both as the file exporter writes them). What a file is, its first bytes tell.
 *
 * Threads   none of its own.
 * Memory    the file is mapped; one line or request at a time is read.
 * Errors    OTEL_ERR_NOT_FOUND, OTEL_ERR_IO; OTEL_ERR_CORRUPT with the byte or line; a record that
 *           is cut off at the end is an end, and noted.
 */

typedef enum otel_err (*hx_tail_span_fn)(void *context, const struct hx_tail_span *span);
typedef void (*hx_tail_life_fn)(void *context);

struct hx_tail_sink {
    hx_tail_span_fn span;
    hx_tail_life_fn life; /* a tap's START; may be NULL */
    void *context;
    bool refused; /* spans of requests that were answered with an error, too: they are unsure */
};

struct hx_tail_source {
    bool timed;      /* spans have times of arrival */
    bool torn;       /* the last record is cut off */
    uint64_t spans;
    uint64_t refused; /* spans of requests that were answered with an error: not handed on */
};

/* Every span in order of arrival; a tap's only if the collector took their request, or may have
 * (sink->refused). */
OTEL_MUST_USE enum otel_err hx_tail_read(const char *path, const struct hx_tail_sink *sink,
                                         struct hx_tail_source *ret, struct otl_detail *reterr);

#endif
