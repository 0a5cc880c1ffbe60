/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/passage.h"

#include <stdio.h>

/* The time between in and out, once for each batch. */
static void end_work(struct col_passage *passage)
{
    if (!passage->inside)
        return;
    passage->inside = false;
    col_histogram_observe(passage->duration,
                          (double)(otl_clock_mono(passage->clock) - passage->since_ns) / 1e9);
}

static enum otel_err enter(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct col_passage *passage = self;
    enum otel_err err;

    *passage->incoming += batch->items;
    passage->inside = passage->duration != NULL;
    if (passage->inside)
        passage->since_ns = otl_clock_mono(passage->clock);
    err = passage->processor.consume(passage->processor.self, batch, reterr);
    end_work(passage); /* nothing came out */
    return err;
}

/* What follows may refuse it: it has come out all the same, as upstream. */
static enum otel_err leave(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct col_passage *passage = self;

    end_work(passage);
    *passage->outgoing += batch->items;
    return passage->next.consume(passage->next.self, batch, reterr);
}

enum otel_err col_passage_init(struct col_passage *passage, struct col_host *host, const char *id,
                               enum col_signal signal, struct col_consumer next)
{
    static const double seconds[] = {0,   5,   10,   25,   50,   75,   100,  250,
                                     500, 750, 1000, 2500, 5000, 7500, 10000};
    struct col_histogram_options options = {
        .name = "otelcol_processor_internal_duration",
        .help = "Seconds that a batch took in the processor.",
        .bounds = seconds,
        .count = sizeof(seconds) / sizeof(seconds[0])};
    bool measured = host->metrics_level >= COL_METRICS_DETAILED;
    char labels[200];

    snprintf(labels, sizeof(labels), "processor=\"%s\",otel_signal=\"%s\"", id,
             col_signal_name(signal));
    options.labels = labels;
    passage->clock = host->clock;
    passage->next = next;
    passage->incoming = col_metrics_counter(host->metrics, "otelcol_processor_incoming_items",
                                            labels, "What was given to the processor.");
    passage->outgoing = col_metrics_counter(host->metrics, "otelcol_processor_outgoing_items",
                                            labels, "What the processor handed on.");
    if (measured)
        passage->duration = col_metrics_histogram(host->metrics, &options);
    return passage->incoming != NULL && passage->outgoing != NULL &&
                   (passage->duration != NULL || !measured)
               ? OTEL_OK
               : OTEL_ERR_MEMORY;
}

struct col_consumer col_passage_out(struct col_passage *passage)
{
    const struct col_consumer out = {leave, passage};

    return out;
}

struct col_consumer col_passage_in(struct col_passage *passage, struct col_consumer processor)
{
    const struct col_consumer in = {enter, passage};

    passage->processor = processor;
    return in;
}
