/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_PASSAGE_H
#define COL_PIPELINE_PASSAGE_H

#include "collector-mock/pipeline/component.h"

/*
 * What goes into a processor and what comes out of it, counted as the Collector's helper for
 * processors does: otelcol_processor_incoming_items and _outgoing_items, and on level detailed
 * _internal_duration, the seconds until the batch is handed on or dropped.
 *
 * Not for processors that answer before they hand on (batch, tail_sampling, groupbytrace): they
 * are not made with that helper there, and have numbers of their own.
 *
 * Life      init, before the processor is created; it is given col_passage_out() as what follows,
 *           and what stands before it col_passage_in(). No fini.
 * Threads   that of its worker's event loop.
 * Memory    the passage, the processor and what follows stay where they are.
 */

struct col_passage {
    const struct otl_clock *clock;
    struct col_consumer processor, next;
    uint64_t *incoming, *outgoing;
    struct col_histogram *duration; /* NULL: not measured */
    uint64_t since_ns;
    bool inside; /* a batch is, since then */
};

/* OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_passage_init(struct col_passage *passage, struct col_host *host,
                                             const char *id, enum col_signal signal,
                                             struct col_consumer next);
struct col_consumer col_passage_out(struct col_passage *passage);
struct col_consumer col_passage_in(struct col_passage *passage, struct col_consumer processor);

#endif
