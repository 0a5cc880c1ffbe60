/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_SERVICE_H
#define COL_PIPELINE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/config/config.h"
#include "sdk/base/detail.h"

/*
 * The whole collector: reads its configuration, makes the components, runs until told to stop.
 *
 * Life      new (all listening, all files open) -> run (until SIGTERM or SIGINT, then drained)
 *           -> free.
 * Threads   the caller's, in which the event loop runs inside col_service_run(), and one for each
 *           further worker (crew.h).
 * Errors    new: class USAGE is a bad configuration or option, anything else the environment.
 */

struct col_service;

struct col_service_options {
    struct col_config_options config;
    const char *tap_path;     /* NULL: no tap */
    int ready_fd;             /* where the ready line goes; -1: nowhere */
    const char *fault_plan;   /* file of faults/plan.h; NULL: none */
    int control_fd;           /* commands of faults/control.h; -1: none */
    const char *control_path; /* the same by a Unix socket of this name; NULL: none */
    const char *fault_record; /* file for what faults did; NULL: none */
    const char *decisions;    /* file for what tail sampling decided; NULL: none */
    const char *last_metrics; /* file for its numbers when all is drained; NULL: none */
    uint64_t lose_after_ack;  /* 0: none */
    uint64_t flip_decision;   /* 0: none */
    bool flip_silently;
    const char *blind_policy; /* NULL: none */
    unsigned workers;         /* 1..COL_WORKERS_MAX; several: no fault_plan, no control_... */
    bool print;               /* a line a trace on standard output */
    bool recent;              /* keep the last traces for the status page */
    const char *version;
};

OTEL_MUST_USE enum otel_err col_service_new(const struct col_service_options *options,
                                            struct col_service **ret, struct otl_detail *reterr);
/* OTEL_OK: stopped on request, everything accepted was handed on and written. */
OTEL_MUST_USE enum otel_err col_service_run(struct col_service *service,
                                            struct otl_detail *reterr);
void col_service_free(struct col_service *service);

#endif
