/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_RULE_OF_H
#define OTL_TESTS_RULE_OF_H

#include <otel/sdk/config.h>

/* By which ratio rule an SDK decides about its roots, found out from what it decides: the only rule
 * that would have kept the same ones of many traces at this ratio (about 0.5, where the rules
 * differ most). -1: none of them, or several. */
static inline int rule_of(struct otel_sdk *sdk, double ratio)
{
    static const struct otel_span_context no_parent;
    struct otel_tracer_provider *provider = otel_sdk_provider_api(otel_sdk_provider_of(sdk));
    struct otel_tracer_options options;
    struct otel_tracer *tracer;
    bool fits[OTEL_SDK_RATIO_JS + 1];
    int found = -1, count = 0;

    otel_tracer_options_init(&options);
    options.name = otel_str("rule_of");
    tracer = otel_tracer_provider_tracer(provider, &options);
    for (int rule = 0; rule <= OTEL_SDK_RATIO_JS; rule++)
        fits[rule] = true;
    for (int i = 0; i < 200; i++) {
        struct otel_span *span = otel_span_start(tracer, "s", NULL);
        struct otel_sdk_sampling_input input = {.struct_size = sizeof(input),
                                                .parent = &no_parent,
                                                .trace_id = otel_span_get_context(span)->trace_id};
        for (int rule = 0; rule <= OTEL_SDK_RATIO_JS; rule++) {
            struct otel_sdk_sampling_result result = {OTEL_SDK_DROP, NULL, 0, NULL, false};
            struct otel_sdk_sampler *sampler = NULL;
            if (otel_sdk_sampler_ratio_rule_new((enum otel_sdk_ratio_rule)rule, ratio, &sampler) !=
                OTEL_OK)
                continue;
            sampler->ops->should_sample(sampler, &input, &result);
            if ((result.decision == OTEL_SDK_RECORD_AND_SAMPLE) != otel_span_is_recording(span))
                fits[rule] = false;
            otel_sdk_sampler_unref(sampler);
        }
        otel_span_unref(span);
    }
    otel_tracer_unref(tracer);
    for (int rule = 0; rule <= OTEL_SDK_RATIO_JS; rule++)
        if (fits[rule]) {
            found = rule;
            count++;
        }
    return count == 1 ? found : -1;
}

#endif
