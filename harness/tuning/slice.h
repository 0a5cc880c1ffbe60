/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_SLICE_H
#define HX_TUNING_SLICE_H

#include "harness/topology/program.h"
#include "harness/tuning/overhead.h"

/*
 * Slice: one short run of a scenario under one arm. Private to this folder.
 */

struct hx_slice_run {
    const struct hx_overhead_options *options;
    const char *dir;             /* made anew */
    enum hx_overhead_load load;
    enum hx_overhead_arm arm;
    uint64_t seed;
    bool counted;                /* not load's, but: */
    double rate;                 /* at even distances, */
    uint64_t duration_ns;        /* without a warm-up */
    const char *const *prefix;   /* of the services' command lines, or NULL */
};

/* OTEL_OK: it ran; an arm that got stuck says so in ret->unfinished. OTEL_ERR_CLOSED: interrupted;
 * else the environment failed. Leaves dir. */
OTEL_MUST_USE enum otel_err hx_slice_run(const struct hx_slice_run *slice, struct hx_slice *ret,
                                         struct otl_detail *reterr);
/* Slices leave ledgers and logs that nobody asks for again. */
void hx_slice_remove(const char *dir);

/* Its path. OTEL_ERR_NOT_FOUND: it is not on the PATH. */
OTEL_MUST_USE enum otel_err hx_find_valgrind(char ret_path[HX_PROGRAM_PATH],
                                             struct otl_detail *reterr);

#endif
