/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_METRICS_H
#define OTEL_SDK_METRICS_H

#include <otel/sdk/provider.h>

/*
 * Metrics of the SDK about itself, by the names of the semantic conventions: otel.sdk.span.started
 * and its like, to be visited.
 *
 * This SDK has no metrics signal, so nothing sends them. A program that has one hands over what it
 * is shown, as often as it collects; one that has none prints it. Everything is cumulative since
 * the provider was made. For what became of each lost span, with its ids, see otel/sdk/stats.h.
 *
 *   metric                               type, unit             attributes
 *   otel.sdk.span.started                counter, {span}        otel.span.parent.origin: none,
 *                                                               local, remote;
 *                                                               otel.span.sampling_result: DROP,
 *                                                               RECORD_ONLY, RECORD_AND_SAMPLE
 *   otel.sdk.span.live                   updowncounter, {span}  otel.span.sampling_result, of the
 *                                                               two that record
 *   otel.sdk.processor.span.queue.size,
 *     otel.sdk.processor.span.queue.capacity
 *                                        updowncounter, {span}  component, see below
 *   otel.sdk.processor.span.processed    counter, {span}        component; error.type: queue_full,
 *                                                               already_shutdown, export_timeout,
 *                                                               export_failed; none: given to the
 *                                                               exporter, whatever became of it
 *   otel.sdk.exporter.span.inflight      updowncounter, {span}  component, server
 *   otel.sdk.exporter.span.exported      counter, {span}        component, server; error.type
 *   otel.sdk.exporter.operation.duration histogram, s           component, server; error.type;
 *                                                               http.response.status_code or
 *                                                               rpc.status_code of the last attempt
 *                                                               where that was answered
 *   component: otel.component.type and otel.component.name, which is TYPE/N. N counts the
 *   components of a type in the provider from 0, in the order of adding. Types are
 *   batching_span_processor, simple_span_processor, otlp_http_span_exporter,
 *   otlp_http_json_span_exporter, otlp_grpc_span_exporter, otlp_file_span_exporter,
 *   console_span_exporter, memory_span_exporter; what an exporter of the program's calls itself,
 *   or other_span_exporter.
 *   server: server.address and server.port, of OTLP exporters; as in the endpoint.
 *   error.type of an exporter: rejected (a partial success), timeout; the answer of the last
 *   attempt (503; UNAVAILABLE over gRPC); else why there was none: for OTLP a name of
 *   otel_sdk_otlp_result_name(), for others what the exporter says, or the name of its error
 *   (refused for OTEL_ERR_REFUSED); _OTHER when an exporter has shown more than 14 different ends.
 *
 * A span that the sampler wanted but that got no block counts as started with the sampler's result,
 * and was never live. One that is released without an end is live no more. Spans of disabled
 * tracers are not counted; those of a provider that is shut down are started with DROP.
 * export_timeout of a processor are spans that a shutdown, or a simple processor that waited for
 * another thread's export, had no time to give to an exporter; export_failed those which an
 * exporter's own export ended under a simple processor.
 *
 * Threads   from any thread at any time but free's; visit is called on this one, with no lock held.
 *           Each figure is exact by itself. While no span moves, of one processor
 *               received = queue.size + all processed
 *               processed without error = all inflight + all exported, of its exporters.
 * Fork      in the child they begin at 0.
 * Memory    nothing is allocated; a metric is valid during its call.
 *
 * Spec: semantic conventions, "OpenTelemetry SDK metrics" (in development; as of v1.44.0 and the
 * following rename of rpc.status_code).
 */

#ifdef __cplusplus
extern "C" {
#endif

enum otel_sdk_metric_type {
    OTEL_SDK_METRIC_COUNTER,
    OTEL_SDK_METRIC_UPDOWNCOUNTER,
    OTEL_SDK_METRIC_HISTOGRAM
};

struct otel_sdk_metric {
    const char *name; /* static, as unit and description */
    const char *unit;
    const char *description;
    enum otel_sdk_metric_type type;
    const struct otel_attribute *attributes; /* texts and integers */
    size_t attribute_count;
    int64_t value; /* COUNTER, UPDOWNCOUNTER */
    /* HISTOGRAM: one bucket without bounds, as the conventions advise; count is never 0 */
    uint64_t count;
    double sum, min, max;
};

typedef void otel_sdk_metric_visit_fn(void *arg, const struct otel_sdk_metric *metric);

/* Show visit every figure; those that are 0, too, but no error.type of an exporter that never
 * was. provider NULL: there is none. */
OTEL_API void otel_sdk_provider_metrics(struct otel_sdk_provider *provider,
                                        otel_sdk_metric_visit_fn *visit, void *arg);

/* What a processor's operation metrics is given. One that stands before another passes it on. */
struct otel_sdk_metric_sink {
    void (*put)(struct otel_sdk_metric_sink *sink, const struct otel_sdk_metric *metric);
    /* The number of the next component of a type, from 0. */
    unsigned (*next)(struct otel_sdk_metric_sink *sink, const char *type);
};

#ifdef __cplusplus
}
#endif
#endif
