/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OTLP_IMPL_H
#define OTL_OTLP_IMPL_H

#include <otel/sdk/otlp.h>

#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/base/random.h"
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

struct otl_otlp {
    struct otel_sdk_exporter exporter; /* first */
    /* fixed */
    struct otl_url url;
    struct otl_buf header_lines;
    enum otel_sdk_compression compression;
    uint64_t timeout_ns; /* 0: none */
    uint64_t max_response_bytes;
    struct otl_retry_options retry_options;
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    struct otl_clock clock;
    /* inherited by a forked child */
    struct otl_random random;
    struct event_base *base;
    struct otl_http *http;
    struct otl_http_stats seen; /* of http, as far as they are in stats */
    struct event *timer;
    struct otl_gzip *gzip;
    struct otl_buf plain;
    struct otl_buf packed;
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
/* Bring the connection's counters into stats. */
void otl_otlp_sync(struct otl_otlp *otlp);

#endif
