/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_SEVERAL_H
#define REP_SEVERAL_H

#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Directories that hold several runs where one is asked for.
 *
 * Threads   no state.
 */

/* OTEL_OK: not that, as far as its files tell. OTEL_ERR_ARGUMENT: a set, a sweep or a tuning;
 * *reterr says which, and names a run in it. */
OTEL_MUST_USE enum otel_err rep_is_one_run(const char *dir, struct otl_detail *reterr);

#endif
