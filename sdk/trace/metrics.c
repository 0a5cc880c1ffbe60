/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/metrics.h>
#include <stddef.h>

#include "sdk/trace/provider_impl.h"

/* The provider's own metrics, and the way to those of its processors. */

enum { TYPES_MAX = 64 };

/* Numbers for components: of each type from 0. Types beyond the table share their numbers. */
struct sink {
    struct otel_sdk_metric_sink api;
    otel_sdk_metric_visit_fn *visit;
    void *arg;
    const char *types[TYPES_MAX];
    unsigned counts[TYPES_MAX + 1];
};

static void put(struct otel_sdk_metric_sink *api, const struct otel_sdk_metric *metric)
{
    struct sink *sink = (struct sink *)api;

    sink->visit(sink->arg, metric);
}

static unsigned next(struct otel_sdk_metric_sink *api, const char *type)
{
    struct sink *sink = (struct sink *)api;
    size_t i = 0;

    while (i < TYPES_MAX && sink->types[i] != NULL && strcmp(sink->types[i], type) != 0)
        i++;
    if (i < TYPES_MAX)
        sink->types[i] = type;
    return sink->counts[i]++;
}

static const char *const results[] = {
    [OTL_FATE_DROP] = "DROP",
    [OTL_FATE_RECORD_ONLY] = "RECORD_ONLY",
    [OTL_FATE_SAMPLED] = "RECORD_AND_SAMPLE",
};

static void put_started(struct sink *sink, const uint64_t *counts, enum otl_fate fate,
                        enum otl_origin origin)
{
    static const char *const origins[OTL_ORIGINS] = {"none", "local", "remote"};
    struct otel_attribute attributes[2] = {
        otel_attr_str("otel.span.parent.origin", origins[origin]),
        otel_attr_str("otel.span.sampling_result", results[fate]),
    };
    struct otel_sdk_metric metric = {.name = "otel.sdk.span.started",
                                     .unit = "{span}",
                                     .description = "Spans that were started, recorded or not",
                                     .type = OTEL_SDK_METRIC_COUNTER,
                                     .attributes = attributes,
                                     .attribute_count = 2};
    uint64_t count = counts[otl_started(fate, origin)];

    if (fate == OTL_FATE_RECORD_ONLY)
        count += counts[otl_started(OTL_FATE_RECORD_ONLY_LOST, origin)];
    if (fate == OTL_FATE_SAMPLED)
        count += counts[otl_started(OTL_FATE_SAMPLED_LOST, origin)];
    metric.value = (int64_t)count;
    put(&sink->api, &metric);
}

static void put_live(struct sink *sink, const uint64_t *counts, enum otl_fate fate)
{
    struct otel_attribute attribute = otel_attr_str("otel.span.sampling_result", results[fate]);
    struct otel_sdk_metric metric = {.name = "otel.sdk.span.live",
                                     .unit = "{span}",
                                     .description = "Spans that record and have not ended",
                                     .type = OTEL_SDK_METRIC_UPDOWNCOUNTER,
                                     .attributes = &attribute,
                                     .attribute_count = 1};
    unsigned sampled = fate == OTL_FATE_SAMPLED;
    uint64_t count = 0;

    for (int origin = 0; origin < OTL_ORIGINS; origin++)
        count += counts[otl_started(fate, (enum otl_origin)origin)];
    count -= counts[OTL_COUNT_ENDED + sampled] + counts[OTL_COUNT_ABANDONED + sampled];
    metric.value = (int64_t)count;
    put(&sink->api, &metric);
}

/* A processor that was built against an older header has no such operation. */
static bool has_metrics(const struct otel_sdk_processor_ops *ops)
{
    return ops->struct_size >=
               offsetof(struct otel_sdk_processor_ops, metrics) + sizeof(ops->metrics) &&
           ops->metrics != NULL;
}

void otel_sdk_provider_metrics(struct otel_sdk_provider *provider, otel_sdk_metric_visit_fn *visit,
                               void *arg)
{
    struct sink sink = {.api = {put, next}, .visit = visit, .arg = arg};
    const struct otl_processors *processors;
    uint64_t counts[OTL_COUNTS];

    if (provider == NULL)
        return;
    otl_local_sum(provider, counts);
    for (int fate = OTL_FATE_DROP; fate <= OTL_FATE_SAMPLED; fate++)
        for (int origin = 0; origin < OTL_ORIGINS; origin++)
            put_started(&sink, counts, (enum otl_fate)fate, (enum otl_origin)origin);
    put_live(&sink, counts, OTL_FATE_RECORD_ONLY);
    put_live(&sink, counts, OTL_FATE_SAMPLED);
    processors = __atomic_load_n(&provider->processors, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < processors->count; i++)
        if (has_metrics(processors->items[i]->ops))
            processors->items[i]->ops->metrics(processors->items[i], &sink.api);
}
