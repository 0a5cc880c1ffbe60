/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_TRACING_H
#define HX_SERVICE_TRACING_H

#include <stdint.h>

#include <otel/err.h>

#include "harness/ledger/drops.h"
#include "harness/ledger/format.h"
#include "harness/scenario/scenario.h"
#include "harness/service/span.h"
#include "sdk/base/detail.h"
#include "sdk/base/log.h"

/*
 * Assembly of a service's tracing from its part of the scenario: resource, sampler, processor,
 * exporter, propagators, and what makes it broken if it is to be.
 *
 * Life      new -> the rig is used -> flush... -> shutdown -> counters -> free.
 * Threads   the loop's; drops are recorded from wherever the SDK tells them.
 */

struct otel_sdk_otlp_options;
struct hx_tracing_setup;

struct hx_tracing_options {
    const struct hx_service *service;
    const char *instance;       /* service.instance.id */
    unsigned replica;
    unsigned incarnation;
    uint64_t seed;
    const char *otlp;           /* base URL, "http://127.0.0.1:4318" */
    struct hx_drops *drops;
    struct hx_led_writer *ledger;
    const struct otl_log *log;
};

/* What the exporter is given, its endpoint and error callback apart: export_timeout is its limit as
 * it is the processor's (its own would be 10 s, however patient the scenario), and each process
 * draws its back-off apart, so that those that failed together do not come back together. */
void hx_tracing_exporter(const struct hx_tracing_options *options,
                         struct otel_sdk_otlp_options *ret);

/* OTEL_ERR_... of the SDK with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_tracing_new(const struct hx_tracing_options *options,
                                           struct hx_tracing_setup **ret,
                                           struct otl_detail *reterr);
void hx_tracing_free(struct hx_tracing_setup *setup);

/* Lives as long as the setup. */
const struct hx_rig *hx_tracing_rig(const struct hx_tracing_setup *setup);
/* canon.h over what was asked of the resource. */
uint64_t hx_tracing_resource_hash(const struct hx_tracing_setup *setup);
/* "parentbased_traceidratio 0.05"; "" without SDK. Lives as long as the setup. */
const char *hx_tracing_sampler(const struct hx_tracing_setup *setup);

/* False: not everything was exported in time. */
bool hx_tracing_flush(struct hx_tracing_setup *setup, uint32_t timeout_millis);
void hx_tracing_shutdown(struct hx_tracing_setup *setup, uint32_t timeout_millis);
/* The counters of the SDK into *row (those of the process are the caller's). */
void hx_tracing_counters(const struct hx_tracing_setup *setup, struct hx_led_process_close *row);

#endif
