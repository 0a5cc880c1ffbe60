/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RUN_PARTS_H
#define HX_RUN_PARTS_H

#include "harness/topology/run.h"

/* The steps of hx_run_execute(), one file a concern. Private to harness/topology. */

/* launch.c: the run's files and its processes, up to ready. */
OTEL_MUST_USE enum otel_err hx_run_launch(struct hx_run *run, struct otl_detail *reterr);

/* wind_down.c: drain, stop in order, the collector last. Never fails: what goes wrong is an
 * incident. */
void hx_run_drain(struct hx_run *run);
void hx_run_stop(struct hx_run *run);
void hx_run_incident(struct hx_run *run, const char *id, const struct hx_child *child,
                     const char *format, ...) OTEL_PRINTF(4, 5);

/* progress.c: about once a second; the line for people and the points for the report. */
void hx_run_tick(void *run);
void hx_run_progress_end(struct hx_run *run);

/* metrics.c: GET /metrics into text (NUL-terminated); false if it did not answer in time. */
bool hx_metrics_get(const char *address, struct otl_buf *text);
/* Sum of the samples named name (any labels); false if there is none. */
bool hx_metrics_sum(const char *text, const char *name, double *ret);

#endif
