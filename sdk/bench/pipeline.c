/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/bench/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sdk/base/clock.h"

/* Under callgrind, on a machine that others use or that stands still, an export is lost to no
 * limit: what one costs is measured, not whether it is in time. */
enum { PATIENCE_MILLIS = 300000 };

static void die(const char *what)
{
    fprintf(stderr, "pipeline: %s\n", what);
    exit(3);
}

void pipeline_options_init(struct pipeline_options *options)
{
    memset(options, 0, sizeof(*options));
    options->protocol = OTEL_SDK_OTLP_HTTP_PROTOBUF;
    options->queue = 2048;
    options->batch = 512;
}

void pipeline_init(struct pipeline *pipeline, const struct pipeline_options *options)
{
    struct otel_sdk_provider_options provider;
    struct otel_sdk_batch_options batch;
    struct otel_sdk_otlp_options otlp;
    struct otel_sdk_processor *processor;
    struct otel_sdk_exporter *exporter;
    struct otel_tracer_options scope;
    enum otel_err err;
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u%s", (unsigned)options->port,
             options->protocol == OTEL_SDK_OTLP_GRPC ? "" : "/v1/traces");
    otel_sdk_otlp_options_init(&otlp);
    otlp.endpoint = otel_str(endpoint);
    otlp.protocol = options->protocol;
    otlp.compression = options->compression;
    otlp.timeout_millis = PATIENCE_MILLIS;
    otel_sdk_batch_options_init(&batch);
    batch.max_queue_size = options->queue;
    batch.max_export_batch_size = options->batch;
    batch.export_timeout_millis = PATIENCE_MILLIS;
    if (otel_sdk_otlp_new(&otlp, &exporter) != OTEL_OK)
        die("no exporter");
    err = options->simple ? otel_sdk_simple_new(NULL, exporter, &processor)
                          : otel_sdk_batch_new(&batch, exporter, &processor);
    if (err != OTEL_OK)
        die("no processor");
    otel_sdk_provider_options_init(&provider);
    provider.processors = &processor;
    provider.processor_count = 1;
    provider.sampler = otel_sdk_sampler_always_on();
    provider.resource = options->resource;
    if (otel_sdk_provider_new(&provider, &pipeline->provider) != OTEL_OK)
        die("no provider");
    otel_tracer_options_init(&scope);
    scope.name = otel_str("bench");
    pipeline->tracer =
        otel_tracer_provider_tracer(otel_sdk_provider_api(pipeline->provider), &scope);
}

void pipeline_fini(struct pipeline *pipeline)
{
    otel_tracer_unref(pipeline->tracer);
    otel_sdk_provider_free(pipeline->provider);
}

struct otel_sdk_processor_stats pipeline_stats(struct pipeline *pipeline)
{
    struct otel_sdk_processor_stats stats;

    otel_sdk_provider_processor_stats(pipeline->provider, 0, &stats);
    return stats;
}

void pipeline_flush(struct pipeline *pipeline, const struct otel_sdk_processor_stats *before,
                    uint64_t count)
{
    if (otel_sdk_provider_force_flush(pipeline->provider, PATIENCE_MILLIS) != OTEL_OK)
        die("flush");
    if (pipeline_stats(pipeline).exported - before->exported != count)
        die("spans were lost");
}

uint64_t process_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * OTL_NS_PER_S + (uint64_t)now.tv_nsec;
}
