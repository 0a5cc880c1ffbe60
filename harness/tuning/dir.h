/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_DIR_H
#define HX_TUNING_DIR_H

#include <stddef.h>

#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * The directory of a sweep or a tuning, made where it is not there.
 *
 * Threads   no state.
 */

enum { HX_TUNING_DIR = 3072 };

struct hx_tuning_dir {
    const char *out;       /* --out; NULL: runs/NAME-UTCTIME */
    const char *name;      /* "sweep-checkout" */
    const char *mark;      /* the file that says that it is taken: "sweep.json" */
    const char *what;      /* by which it then holds one: "a sweep" */
};

/* Its absolute path. OTEL_ERR_ARGUMENT: it is taken; OTEL_ERR_IO: it cannot be made. */
OTEL_MUST_USE enum otel_err hx_tuning_dir(const struct hx_tuning_dir *options,
                                          char ret_dir[HX_TUNING_DIR], struct otl_detail *reterr);
/* Tells it on stderr; the exit status that fits: what cannot be made is the environment's fault. */
int hx_tuning_dir_fail(const struct otl_detail *detail);

#endif
