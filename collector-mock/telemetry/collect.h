/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TELEMETRY_COLLECT_H
#define COL_TELEMETRY_COLLECT_H

#include "collector-mock/pipeline/component.h"

/*
 * The numbers of all workers, summed: each copies its own between two events, so that what belongs
 * together in one worker is from one moment.
 *
 * Threads   begin and done: that of worker 0.
 * Limits    COL_COLLECTS_MAX at a time, which the spare slots of the queues have room for.
 */

enum { COL_COLLECTS_MAX = 4 };

/* sum NULL: no memory; it is the callee's. Not called when the collector ends before. */
typedef void col_collect_done_fn(void *context, void *request, struct col_metrics *sum);

/* False: too many are under way, or no memory. */
bool col_collect_begin(struct col_host *host, col_collect_done_fn *done, void *context,
                       void *request);

#endif
