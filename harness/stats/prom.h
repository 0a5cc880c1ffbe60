/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_PROM_H
#define HX_PROM_H

#include <stdbool.h>

/*
 * Prometheus text (exposition format 0.0.4), read for one figure at a time.
 *
 * Threads   no state.
 */

/* Sum of the samples named name (or name with "_total" behind it); with label not NULL only those
 * that have this label, such as exporter="otlp". False: there is none. */
bool hx_prom_sum(const char *text, const char *name, const char *label, double *ret);

#endif
