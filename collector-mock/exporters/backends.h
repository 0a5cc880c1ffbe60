/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_BACKENDS_H
#define COL_EXPORTERS_BACKENDS_H

#include "collector-mock/exporters/ring.h"
#include "collector-mock/pipeline/component.h"
#include "collector-mock/wire/regroup.h"

/*
 * The backends of a load_balancing exporter: an otlp exporter each, and the ring that says which
 * one gets a key.
 *
 * The set may change: backends that are new are made, those that are gone take nothing more, send
 * what they hold, and come back with it if they are named again.
 *
 * Life      zeroed -> begin -> set... -> flush -> fini.
 * Threads   that of the exporter's worker.
 * Limits    COL_BACKENDS_MAX in use, and as many gone: over that what the oldest of these holds is
 *           dropped (and counted by its exporter).
 */

enum { COL_BACKENDS_MAX = 64, COL_BACKEND_NAME = 224 };

struct col_backend {
    char name[COL_BACKEND_NAME]; /* as it is hashed */
    char id[256]; /* "otlp/collector-a:4317", as the Collector names it in its metrics */
    json_t *config;
    void *exporter;
    struct col_regroup part;
    uint64_t *taken, *refused;
    struct col_histogram *latency;
};

struct col_backends {
    struct col_create create;
    struct col_backend *list[COL_BACKENDS_MAX], *gone[COL_BACKENDS_MAX];
    size_t count, gone_count;
    struct col_ring *ring; /* its numbers are those of the list; NULL: there is none */
};

/* Whether protocol.otlp is right, before anybody is there. Errors of col_otlp_settings_read(). */
OTEL_MUST_USE enum otel_err col_backends_check(const struct col_create *create,
                                               struct otl_detail *reterr);
void col_backends_begin(struct col_backends *backends, const struct col_create *create);
/* Names are copied, equal ones once. An error leaves the set as it was, or with some of the new
 * ones; errors of the otlp exporter. */
OTEL_MUST_USE enum otel_err col_backends_set(struct col_backends *backends,
                                             const char *const *names, size_t count,
                                             struct otl_detail *reterr);
/* To the list's at'th, with its numbers. */
OTEL_MUST_USE enum otel_err col_backends_send(struct col_backends *backends, size_t at,
                                              const struct col_batch *batch,
                                              struct otl_detail *reterr);
OTEL_MUST_USE enum otel_err col_backends_flush(struct col_backends *backends,
                                               struct otl_detail *reterr);
void col_backends_fini(struct col_backends *backends);

#endif
