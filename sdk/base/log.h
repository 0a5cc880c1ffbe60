/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LOG_H
#define OTL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * Logger of the programs: JSON lines on a descriptor, one write a line. A style says otherwise:
 * lines for people, members that each line has, lines of one kind thinned out.
 *
 * Library code never logs; it returns errors or calls a handler that it was given. Only programs
 * (tracerig, collector-mock, the synthetic service) log.
 *
 * Life      init -> line... ; nothing to free. The descriptor stays the caller's.
 * Threads   a line is one write(2) below PIPE_BUF or to a regular file, so lines do not mix.
 * Limits    a line is cut at 4096 bytes (and stays valid JSON).
 */

enum { OTL_LOG_FIELDS_MAX = 255 };

enum otl_log_level { OTL_LOG_DEBUG, OTL_LOG_INFO, OTL_LOG_WARN, OTL_LOG_ERROR };

/* Of the lines of one level and format in a tick the first ones are written, then every
 * thereafter-th (0: none). Kinds may share a counter. Zeroed: nothing is left out (tick_ns 0). */
enum { OTL_LOG_KINDS = 512 };

struct otl_log_sampling {
    uint64_t tick_ns, initial, thereafter;
    struct {
        _Atomic uint64_t until_ns, count;
    } kinds[4][OTL_LOG_KINDS];
    _Atomic uint64_t dropped;
};

struct otl_log_style {
    bool console; /* "TIME<tab>LEVEL<tab>NAME<tab>MESSAGE", and members as one object behind it */
    const char *fields; /* of each line, as otl_log_with() takes them; NULL: none */
    struct otl_log_sampling *sampling; /* NULL: none */
};

struct otl_log {
    int fd;
    enum otl_log_level level; /* lines below are not written */
    const char *name;         /* the program or service; borrowed */
    const struct otl_log_style *style; /* init: NULL, JSON lines; borrowed */
};

void otl_log_init(struct otl_log *log, int fd, enum otl_log_level level, const char *name);

/* {"time":"2026-01-02T03:04:05.678Z","level":"info","name":...,"message":...} */
void otl_log_line(const struct otl_log *log, enum otl_log_level level, const char *format, ...)
    OTEL_PRINTF(3, 4);
/* The same with more fields before the message: ',"key":value' each, well-formed, at most
 * OTL_LOG_FIELDS_MAX bytes in all (else they are left out). */
void otl_log_with(const struct otl_log *log, enum otl_log_level level, const char *fields,
                  const char *format, ...) OTEL_PRINTF(4, 5);

#endif
