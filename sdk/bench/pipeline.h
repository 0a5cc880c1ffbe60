/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BENCH_PIPELINE_H
#define OTL_BENCH_PIPELINE_H

#include <otel/sdk/otlp.h>
#include <otel/sdk/provider.h>

/*
 * A provider that exports over OTLP to a sink.
 *
 * Life      pipeline_options_init -> change -> pipeline_init (ends the program when it fails) ->
 *           pipeline_fini.
 */

struct pipeline_options {
    uint16_t port; /* of a sink on this machine */
    enum otel_sdk_otlp_protocol protocol;
    enum otel_sdk_compression compression;
    bool simple;
    size_t queue, batch;                /* of the batch processor */
    struct otel_sdk_resource *resource; /* NULL: the default */
};

struct pipeline {
    struct otel_sdk_provider *provider;
    struct otel_tracer *tracer;
};

void pipeline_options_init(struct pipeline_options *options);
void pipeline_init(struct pipeline *pipeline, const struct pipeline_options *options);
void pipeline_fini(struct pipeline *pipeline);
/* Export what was made; ends the program unless exactly count spans were exported since before. */
void pipeline_flush(struct pipeline *pipeline, const struct otel_sdk_processor_stats *before,
                    uint64_t count);
struct otel_sdk_processor_stats pipeline_stats(struct pipeline *pipeline);
/* CPU time of this process. */
uint64_t process_cpu_ns(void);

#endif
