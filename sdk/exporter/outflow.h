/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OUTFLOW_H
#define OTL_OUTFLOW_H

#include <otel/sdk/loop.h>
#include <stdbool.h>
#include <stddef.h>

#include "sdk/base/buf.h"

/*
 * Outflow: records on their way to a descriptor of the program's that may not take them at once: a
 * pipe that nobody reads, a terminal that was stopped, a socket. It never waits in a write(): what
 * is not taken goes when the loop says that there is room. The descriptor stays as it is, blocking
 * for all others: it is opened a second time for the while, or asked about before each piece.
 *
 * Not for a file that is only ours: a disk does not make anybody wait that could be waited for.
 *
 * A record that was begun is never left in the middle: what of it is still to be written when
 * its time is over goes before the next one, or at the end.
 *
 * Life      init -> loop -> text, append, begin, done; ... -> last -> fini. In the child of a fork:
 *           forked, then loop again.
 * Threads   the exporter's.
 * Memory    the text; a rest of up to one record is kept beside a new one.
 * Limits    max bytes of text.
 */

/* err OTEL_OK: all is written; OTEL_ERR_TIMEOUT: cancelled; OTEL_ERR_MEMORY: none to wait with;
 * OTEL_ERR_IO: errno says what, and what was written of the record is cut off again if fd is a
 * file. */
typedef void otl_outflow_done_fn(void *arg, enum otel_err err);

struct otl_outflow {
    struct otl_buf text; /* what is left of an older record, then the new one */
    size_t written;      /* of text */
    size_t record;       /* where the new one begins */
    int fd;
    int out;       /* what is written to: fd, or a description of our own of the same; -1: closed */
    bool socket;   /* out is one */
    bool cautious; /* out may block: ask before each piece */
    struct otel_sdk_loop *loop;
    struct otel_sdk_watch *watch;
    otl_outflow_done_fn *done; /* NULL: nothing under way */
    void *arg;
};

void otl_outflow_init(struct otl_outflow *outflow, size_t max);
void otl_outflow_fini(struct otl_outflow *outflow);
void otl_outflow_forked(struct otl_outflow *outflow);
/* What start of an exporter receives. */
void otl_outflow_loop(struct otl_outflow *outflow, struct otel_sdk_loop *loop);

/* Where the next record is to be appended, behind whatever is there. Nothing is under way. */
struct otl_buf *otl_outflow_text(struct otl_outflow *outflow);
/* Take back what was appended. */
void otl_outflow_forget(struct otl_outflow *outflow);
/* Bytes of the record. */
size_t otl_outflow_size(const struct otl_outflow *outflow);
/* Write it to fd; done is called before this returns, or from the loop. */
void otl_outflow_begin(struct otl_outflow *outflow, int fd, otl_outflow_done_fn *done, void *arg);
/* done(OTEL_ERR_TIMEOUT), if one is under way. A record of which nothing was written is gone. */
void otl_outflow_cancel(struct otl_outflow *outflow);
/* As much of a rest as goes; what does not is gone. */
void otl_outflow_last(struct otl_outflow *outflow, int fd);

#endif
