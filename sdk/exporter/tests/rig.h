/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_RIG_H
#define OTL_TESTS_RIG_H

#include <otel/sdk/otlp.h>
#include <otel/sdk/provider.h>

#include "sdk/transport/tests/server.h"

/*
 * A provider whose one processor exports over OTLP to a scripted server.
 *
 * Life      rig_init (options prepared by rig_defaults, changed by the test) -> rig_fini.
 */
struct rig {
    struct srv *srv;
    struct otel_sdk_otlp_options otlp;
    struct otel_sdk_batch_options batch;
    bool simple;
    uint64_t max_overflow_bytes; /* of the provider; 0: the default */
    struct otel_sdk_provider *provider;
    struct otel_sdk_exporter *exporter;
    struct otel_tracer *tracer;
    char endpoint[64];
    char said[512];     /* the last error text */
    uint64_t dropped[OTEL_SDK_DROP_COUNT];
    uint64_t dropped_with_ids;
};

void rig_defaults(struct rig *rig);
void rig_init(struct rig *rig);
void rig_fini(struct rig *rig);
/* End count spans. */
void rig_spans(struct rig *rig, unsigned count);
/* End count spans and flush. */
enum otel_err rig_send(struct rig *rig, unsigned count);
/* Until at least count spans were reported as dropped: behind a shutdown that gave up waiting, by a
 * worker that may be late. At most a minute. */
void rig_wait_dropped(struct rig *rig, enum otel_sdk_drop_reason reason, uint64_t count);
struct otel_sdk_processor_stats rig_stats(struct rig *rig);
struct otel_sdk_otlp_stats rig_otlp(struct rig *rig);
/* Spans in the body of request i, read by the witness; -1: not an ExportTraceServiceRequest. */
int rig_span_count(const struct srv_request *request);

#endif
