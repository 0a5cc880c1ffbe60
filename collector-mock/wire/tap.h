/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_TAP_H
#define COL_WIRE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * The tap: what arrived at the collector's socket, as it arrived. Format and both ends of it.
 *
 * An append-only file of records: 64 bytes of header, little-endian, then the body.
 *
 *     at size
 *      0  4   "TAP1"
 *      4  1   type        1 START, 2 REQUEST, 3 ANSWER
 *      5  1   encoding    1 protobuf, 2 JSON
 *      6  1   transport   1 HTTP, 2 gRPC
 *      7  1   signal      1 traces, 2 metrics, 3 logs
 *      8  8   connection  from 1, new for every accepted connection
 *     16  8   request     from 1, new for every request; an ANSWER carries its REQUEST's number
 *     24  8   monotonic time, ns: REQUEST: the last byte was received; ANSWER: the kernel has it
 *     32  8   wall clock, ns since 1970, at the same moment
 *     40  8   rejected    ANSWER: spans (points, records) that partial_success refused
 *     48  4   status      ANSWER: the HTTP status (gRPC: the grpc-status)
 *     52  4   spans       REQUEST: spans, or data points, or log records, as the reader counted
 *                         them; START: the process id
 *     56  4   body length
 *     60  4   flags       COL_TAP_...
 *
 * START begins each life of a collector; connection and request numbers begin anew behind it, so a
 * request is named by (life, request). REQUEST holds the decompressed body as received; one that
 * came as JSON is held as the protobuf that says the same, so that readers know one form (encoding
 * 2 is that of JSON that could not be decoded). It is
 * handed to the kernel before any processor sees the spans and before the answer leaves, so what
 * was acknowledged survives kill -9 of the collector. ANSWER has no body.
 *
 * Bodies that cannot be decompressed leave no record (they are counted in /metrics); bodies that
 * cannot be decoded are recorded with COL_TAP_UNDECODABLE and answered 400.
 *
 * Life      writer: open -> request/answer... -> close. reader: open -> next... -> close.
 * Threads   one owner each. Several processes or threads may append to one file: each record is
 *           one writev on an O_APPEND descriptor.
 * Memory    the reader maps the file; bodies point into the map and hold until close. The file
 *           must not shrink meanwhile.
 * Limits    a body is shorter than 4 GiB.
 */

enum col_tap_type { COL_TAP_START = 1, COL_TAP_REQUEST = 2, COL_TAP_ANSWER = 3 };
enum col_tap_encoding { COL_TAP_PROTOBUF = 1, COL_TAP_JSON = 2 };
enum col_tap_transport { COL_TAP_HTTP = 1, COL_TAP_GRPC = 2 };
enum col_tap_signal { COL_TAP_TRACES = 1, COL_TAP_METRICS = 2, COL_TAP_LOGS = 3 };

enum { COL_TAP_HEADER_SIZE = 64 };

enum {
    COL_TAP_UNDECODABLE = 1 << 0, /* REQUEST: the body is not what its content type says */
    COL_TAP_UNSENT = 1 << 1       /* ANSWER: the connection died before the answer had left */
};

struct col_tap_record {
    enum col_tap_type type;
    enum col_tap_encoding encoding;
    enum col_tap_transport transport;
    enum col_tap_signal signal;
    uint64_t life;       /* reader: which START, from 1; not in the record */
    uint64_t connection;
    uint64_t request;
    uint64_t mono_ns;
    uint64_t wall_ns;
    uint64_t rejected_spans;
    uint32_t status;
    uint32_t spans;
    uint32_t flags;
    struct otl_view body;
};

void col_tap_encode(const struct col_tap_record *record, uint8_t out[COL_TAP_HEADER_SIZE]);

/* ---- reading ---- */

struct col_tap_reader {
    const uint8_t *data;
    size_t size;
    size_t at;
    uint64_t life;
    bool torn;        /* true at the end: the last record is cut off (the collector was killed) */
    bool damaged;     /* true at the end: what follows is no record */
};

/* OTEL_ERR_NOT_FOUND, OTEL_ERR_IO. An empty file is a tap without records. */
OTEL_MUST_USE enum otel_err col_tap_open(const char *path, struct col_tap_reader *ret,
                                         struct otl_detail *reterr);
/* The next record; false at the end: look at torn and damaged. */
bool col_tap_next(struct col_tap_reader *reader, struct col_tap_record *ret);
void col_tap_close(struct col_tap_reader *reader);

/* The same over bytes in memory; nothing to close. */
void col_tap_from_memory(struct otl_view bytes, struct col_tap_reader *ret);

/* ---- writing ---- */

struct col_tap_writer {
    int fd;            /* -1: closed, or there is no tap: writing succeeds and does nothing */
    uint64_t records;
    uint64_t bytes;
    uint64_t failures; /* records that could not be written */
    int error;         /* errno of the last failure */
};

/* Opens (creates, appends to) the file and writes START. A torn record that an earlier life left
 * behind is cut off first. OTEL_ERR_IO with the reason. */
OTEL_MUST_USE enum otel_err col_tap_create(const char *path, const struct col_tap_record *start,
                                           struct col_tap_writer *ret, struct otl_detail *reterr);
/* Append one record. OTEL_ERR_IO: nothing of it is in the file (disk full, RLIMIT_FSIZE with
 * SIGXFSZ ignored), error says why; later records may succeed again. */
OTEL_MUST_USE enum otel_err col_tap_write(struct col_tap_writer *writer,
                                          const struct col_tap_record *record);
OTEL_MUST_USE enum otel_err col_tap_finish(struct col_tap_writer *writer);

#endif
