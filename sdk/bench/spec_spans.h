/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BENCH_SPEC_SPANS_H
#define OTL_BENCH_SPEC_SPANS_H

#include <otel/sdk/resource.h>
#include <otel/trace.h>

/* The spans of the specification's performance benchmark ("performance-benchmark.md"): a root
 * span with one int attribute and one event without attributes, for what a span costs; ten
 * attributes of 20 characters a key and a value, for how many are exported. Their resource names
 * the service, its version and its instance. */

static inline enum otel_err spec_resource(struct otel_sdk_resource **ret)
{
    const struct otel_attribute attributes[] = {
        otel_attr_str("service.name", "spec_bench"),
        otel_attr_str("service.version", "1.0.0"),
        otel_attr_str("service.instance.id", "spec_bench-1"),
    };

    return otel_sdk_resource_new(attributes, 3, otel_str(""), ret);
}

static inline void spec_small(struct otel_tracer *tracer)
{
    struct otel_span *span = otel_span_start(tracer, "operation", NULL);

    otel_span_set_int(span, "http.response.status_code", 200);
    otel_span_add_event_named(span, "event");
    otel_span_finish(span);
}

static inline void spec_large(struct otel_tracer *tracer)
{
    static const char *const keys[] = {
        "attribute.number.001", "attribute.number.002", "attribute.number.003",
        "attribute.number.004", "attribute.number.005", "attribute.number.006",
        "attribute.number.007", "attribute.number.008", "attribute.number.009",
        "attribute.number.010",
    };
    struct otel_span *span = otel_span_start(tracer, "operation", NULL);

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        otel_span_set_str(span, keys[i], "twenty characters of");
    otel_span_finish(span);
}

#endif
