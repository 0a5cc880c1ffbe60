/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_AROUND_H
#define COL_EXPORTERS_AROUND_H

#include "collector-mock/exporters/sender.h"

/*
 * sending_queue, retry_on_failure and timeout (sender.h) around exporters that have their own: an
 * attempt hands the request on to them, and is over when they have taken it, or, where they let the
 * client wait (no queue, wait_for_result, block_on_overflow), have said what became of it.
 *
 * The timeout tells those that wait for something to give up; what is on the wire is waited for, as
 * long as their own timeout allows.
 *
 * Life, threads, memory, limits: as sender.h.
 */

struct col_around;

struct col_around_options {
    const struct col_otlp_settings *settings;
    struct col_host *host;
    const char *id;
    void *context;
    /* To the exporters; *ret_left_out: of its spans, points or records those that went nowhere. */
    enum otel_err (*hand_on)(void *context, const struct col_batch *batch, uint64_t *ret_left_out,
                             struct otl_detail *reterr);
};

OTEL_MUST_USE enum otel_err col_around_new(const struct col_around_options *options,
                                           struct col_around **ret);
void col_around_free(struct col_around *around); /* may be NULL */
OTEL_MUST_USE enum otel_err col_around_put(struct col_around *around,
                                           const struct col_batch *batch,
                                           struct otl_detail *reterr);
void col_around_flush(struct col_around *around);

#endif
