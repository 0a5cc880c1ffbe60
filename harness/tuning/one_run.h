/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_ONE_RUN_H
#define HX_TUNING_ONE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * One run of a scenario by a program of its own (tracerig run --quiet): what it measures is no
 * different for being part of something larger.
 *
 * Threads   one at a time in the process; SIGINT and SIGTERM are passed on to the run while it
 *           lasts.
 * Memory    options are borrowed; *ret_report is the caller's.
 */

struct hx_one_run {
    const char *scenario;
    const char *dir;               /* of the run; DIR.log gets what it says */
    const char *const *overrides;  /* "path=value" */
    size_t override_count;
    uint64_t seed;
};

struct hx_one_result {
    int exit_status;
    bool interrupted;
    json_t *report; /* NULL: it left none */
};

enum { HX_ONE_RUN_OVERRIDES = 80 };

/* OTEL_OK: it ran, whatever its verdict. Otherwise it could not be started or watched. */
OTEL_MUST_USE enum otel_err hx_one_run(const struct hx_one_run *run, struct hx_one_result *ret,
                                       struct otl_detail *reterr);

/* Was SIGINT or SIGTERM seen by hx_one_run()? */
bool hx_one_run_interrupted(void);

#endif
