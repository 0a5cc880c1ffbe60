/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_SENDER_H
#define COL_EXPORTERS_SENDER_H

#include "collector-mock/exporters/otlp_client.h"
#include "collector-mock/exporters/otlp_queue.h"

/*
 * sending_queue, retry_on_failure and timeout of an exporter: a queue, consumers that take jobs
 * from it, attempts that are repeated after a wait, and the numbers of all that. What an attempt
 * is, the exporter says.
 *
 * As in the Collector: num_consumers jobs are under way at once, and one that has to be tried again
 * keeps its consumer while it waits. At the end the queue is sent, each job once more; what waits
 * for another attempt is lost, and so is what is left after 30 s. Every span that is lost is
 * counted in collector_mock_exporter_dropped_spans under its reason.
 *
 * Life      new -> put... -> flush -> free.
 * Threads   that of the event loop.
 * Memory    what is put is copied; settings, host and id outlive the sender.
 * Limits    those of the queue (otlp_queue.h); COL_CONSUMERS_MAX.
 */

struct col_sender;

struct col_sender_options {
    const struct col_otlp_settings *settings; /* signal, timeout_ns, queue, retry */
    struct col_host *host;
    const char *id;
    void *context;
    /* A consumer (from 0) has a job now. Not OTEL_OK: it cannot be sent. May be NULL. */
    enum otel_err (*prepare)(void *context, unsigned consumer, struct otl_view request);
    /* Begin to send it; col_sender_answer() is called once, perhaps from within. Not OTEL_OK: no
     * memory, and it is not called. */
    enum otel_err (*attempt)(void *context, unsigned consumer, const struct col_queue_job *job,
                             uint64_t deadline_ns);
    /* The consumer's job is over. May be NULL. */
    void (*over)(void *context, unsigned consumer);
    /* The end: an attempt that is under way is not waited for, and not answered. */
    void (*abandon)(void *context, unsigned consumer);
};

/* OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_sender_new(const struct col_sender_options *options,
                                           struct col_sender **ret);
void col_sender_free(struct col_sender *sender); /* may be NULL */
/* Errors of col_queue_put(). */
OTEL_MUST_USE enum otel_err col_sender_put(struct col_sender *sender,
                                           const struct col_batch *batch,
                                           struct otl_detail *reterr);
/* What has become of the consumer's attempt. */
void col_sender_answer(struct col_sender *sender, unsigned consumer,
                       const struct col_otlp_answer *answer);
/* Send what is held, and drop what cannot be sent. */
void col_sender_flush(struct col_sender *sender);

#endif
