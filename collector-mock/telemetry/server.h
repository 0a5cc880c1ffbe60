/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TELEMETRY_SERVER_H
#define COL_TELEMETRY_SERVER_H

#include "collector-mock/pipeline/component.h"

/*
 * GET /metrics on a listener of its own: the registry, and what the process itself costs.
 *
 * Life      new (listening, in the ready line as "metrics") -> free.
 * Threads   that of the event loop.
 */

struct col_telemetry;

OTEL_MUST_USE enum otel_err col_telemetry_new(struct col_host *host, const char *endpoint,
                                              struct col_telemetry **ret,
                                              struct otl_detail *reterr);
void col_telemetry_free(struct col_telemetry *telemetry);

#endif
