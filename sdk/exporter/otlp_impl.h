/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OTLP_IMPL_H
#define OTL_OTLP_IMPL_H

#include <otel/sdk/otlp.h>

#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/base/random.h"
#include "sdk/base/tell.h"
#include "sdk/transport/gzip.h"
#include "sdk/transport/http.h"
#include "sdk/transport/retry.h"

/*
 * The OTLP exporter's own struct: otlp.c makes and ends it, otlp_export.c runs one export.
 *
 * Threads   owned by its processor's thread; stats alone is read by others, atomically.
 * Memory    what lies between "inherited" marks is abandoned, not freed, in a forked child: the
 *           parent's worker may have been in the middle of changing it.
 */

struct event;
struct event_base;
struct otl_grpc;
struct otl_otlp;

/* How requests travel: otlp_http.c, otlp_grpc.c. */
struct otl_otlp_wire {
    /* Make the client, unless it is there. */
    enum otel_err (*open)(struct otl_otlp *otlp);
    void (*close)(struct otl_otlp *otlp);   /* no client is allowed */
    void (*abandon)(struct otl_otlp *otlp); /* in a forked child; likewise */
    void (*cancel)(struct otl_otlp *otlp);
    const struct otl_http_stats *(*stats)(const struct otl_otlp *otlp);
    /* Begin one attempt with body; it ends in otl_otlp_accepted(), _try_again(), _failed() or
     * _end(). */
    enum otel_err (*send)(struct otl_otlp *otlp, struct otl_view body, bool gzip);
};

extern const struct otl_otlp_wire otl_otlp_over_http; /* protobuf or JSON */
extern const struct otl_otlp_wire otl_otlp_over_grpc;

struct otl_otlp {
    struct otel_sdk_exporter exporter; /* first */
    /* fixed */
    const struct otl_otlp_wire *wire;
    struct otl_url url;
    struct otl_buf header_lines;
    struct otl_tls *tls; /* NULL: http */
    enum otel_sdk_compression compression;
    bool json; /* bodies are OTLP/JSON */
    uint64_t timeout_ns; /* 0: none */
    uint64_t max_response_bytes;
    uint64_t max_connection_age_ns; /* 0: none */
    struct otl_retry_options retry_options;
    struct otl_teller teller;
    struct otl_clock clock;
    struct otl_thread_maker threads;
    /* inherited by a forked child */
    struct otl_random random;
    struct event_base *base;
    struct otl_http *http; /* one of the two, as wire says */
    struct otl_grpc *grpc;
    struct otl_http_stats seen; /* of the client, as far as they are in stats */
    struct event *timer;
    struct otl_gzip *gzip;
    struct otl_buf plain;
    struct otl_buf packed;
    struct otl_buf json_text; /* the request as JSON, then the answer's message */
    bool closed;
    /* the export in progress */
    bool busy;
    bool fresh_tried; /* a kept connection turned out dead once */
    size_t count;
    otel_sdk_export_done_fn *done;
    void *done_arg;
    uint64_t begun_ns;
    uint64_t deadline_ns;
    uint64_t wait_end_ns;
    uint64_t requests;
    uint64_t bytes;
    unsigned http_status;   /* answer of the last attempt; 0: none */
    const char *rpc_status; /* likewise; NULL: none */
    struct otl_retry retry;
    /* end of inherited */
    struct otel_sdk_otlp_stats stats;
};

static inline void otl_otlp_add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* The exporter's operations export_batch and cancel. */
void otl_otlp_export(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                     otel_sdk_export_done_fn *done, void *done_arg);
void otl_otlp_cancel(struct otel_sdk_exporter *exporter);
/* Event callback of otl_otlp.timer: a wait between attempts is over. */
void otl_otlp_on_timer(int fd, short what, void *exporter);
/* Make what an export needs, unless it is there; again with each export if start had no memory.
 * OTEL_ERR_CLOSED, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_otlp_ready(struct otl_otlp *otlp);
/* ---- for the wires: how an attempt ended ---- */

/* Acknowledged. response: an ExportTraceServiceResponse; readable false: it cannot be understood,
 * which is counted and otherwise means nothing. */
void otl_otlp_accepted(struct otl_otlp *otlp, struct otl_view response, bool readable);
/* May be tried again; asked_ns: the server's wish, NULL when it has none. */
void otl_otlp_try_again(struct otl_otlp *otlp, const uint64_t *asked_ns, const char *why);
/* An answer that is not tried again. */
void otl_otlp_refused(struct otl_otlp *otlp, const char *why);

/* No answer: outcome is not OTL_HTTP_ANSWERED. */
struct otl_otlp_failure {
    enum otl_http_outcome outcome;
    enum otel_err err;
    bool idle_loss;  /* a kept connection was gone when it was used again */
    const char *why; /* "" = nothing to add */
};
void otl_otlp_failed(struct otl_otlp *otlp, const struct otl_otlp_failure *failure);
/* The peer's words, fit for a line of a log: whole characters, no control characters. Returns
 * their length. */
size_t otl_otlp_quote(struct otl_view message, char *out, size_t size);

/* Bring the connection's counters into stats. */
void otl_otlp_sync(struct otl_otlp *otlp);

#endif
