/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_OTLP_CLIENT_H
#define COL_EXPORTERS_OTLP_CLIENT_H

#include "collector-mock/exporters/otlp_settings.h"

/*
 * One consumer's way to the next collector, over gRPC or HTTP: one attempt, and what the answer
 * means by the rules of OTLP. Knows no queue and never retries.
 *
 * Life      new -> (send -> done)... -> free (also while an attempt is under way).
 * Threads   that of the event loop; done is called from it, never inside send.
 * Memory    the body is borrowed until done; settings and host outlive the client.
 */

enum col_otlp_verdict {
    COL_OTLP_SENT,
    COL_OTLP_AGAIN,  /* the same request may succeed later */
    COL_OTLP_REFUSED /* it never will */
};

struct col_otlp_answer {
    enum col_otlp_verdict verdict;
    bool look_ups_busy;   /* AGAIN: too many names are being looked up; nothing was tried */
    bool throttled;       /* AGAIN: the server has said how long to wait */
    uint64_t throttle_ns;
    uint64_t rejected;    /* SENT: spans that partial_success says were not taken */
    uint64_t left_out;    /* SENT: spans that were not sent, and are counted by who says so */
    char why[160];        /* of AGAIN and REFUSED */
};

struct col_otlp_client;

typedef void (*col_otlp_done_fn)(void *context, const struct col_otlp_answer *answer);

OTEL_MUST_USE enum otel_err col_otlp_client_new(const struct col_otlp_settings *settings,
                                                const struct col_host *host,
                                                col_otlp_done_fn done, void *context,
                                                struct col_otlp_client **ret);
void col_otlp_client_free(struct col_otlp_client *client);
/* OTEL_ERR_MEMORY: done will not be called. */
OTEL_MUST_USE enum otel_err col_otlp_client_send(struct col_otlp_client *client,
                                                 struct otl_view body, uint64_t deadline_ns);

#endif
