/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_INJECT_H
#define HX_SERVICE_INJECT_H

#include <stdint.h>

#include <jansson.h>
#include <otel/err.h>

#include "harness/scenario/arms.h"

/*
 * Injector: a known cost in a service, so that what measures costs can be held against it. Each
 * loop is measured by its own thread's CPU clock where it runs: that is the truth.
 *
 * Life      hx_injector_new() before the provider is made, hx_injector_free() after it is gone.
 * Threads   hx_inject_request() and hx_inject_span() on the loop's thread; the exporter's loop
 *           runs wherever the SDK exports.
 * Limits    instructions are counted exactly on x86-64 and AArch64 alone; elsewhere refused.
 */

struct hx_injector;
struct hx_span;
struct otel_sdk_exporter;

/* NULL in *ret if nothing is to be added. OTEL_ERR_UNSUPPORTED, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_injector_new(const struct hx_inject *what, uint64_t seed,
                                            struct hx_injector **ret);
void hx_injector_free(struct hx_injector *injector);

/* All take injector NULL: nothing is added. */
void hx_inject_request(struct hx_injector *injector);
void hx_inject_span(struct hx_injector *injector, struct hx_span *span);
/* Wraps *exporter, which is consumed on failure. */
OTEL_MUST_USE enum otel_err hx_inject_exporter(struct hx_injector *injector,
                                               struct otel_sdk_exporter **exporter);

/* {"app_ns", "exporter_ns", "instructions", "slow_requests"} so far. */
json_t *hx_injector_json(const struct hx_injector *injector);

#endif
