/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_SAMPLER_H
#define OTEL_SDK_SAMPLER_H

#include <otel/trace.h>

/*
 * Samplers: whether a span is dropped, recorded, or recorded and exported.
 *
 * Life      made with one reference; ref/unref. Providers and composing samplers hold their own.
 * Threads   should_sample is called from every thread that starts spans.
 * Memory    should_sample allocates nothing here.
 *
 * Spec: OpenTelemetry trace SDK, "Sampling".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_sampler;

enum otel_sdk_decision {
    OTEL_SDK_DROP = 0,
    OTEL_SDK_RECORD_ONLY = 1,
    OTEL_SDK_RECORD_AND_SAMPLE = 2
};

/* Borrowed for the time of the call. */
struct otel_sdk_sampling_input {
    const struct otel_span_context *parent; /* never NULL; invalid for a root */
    const uint8_t *trace_id;                /* of the span to be */
    bool trace_id_random;                   /* its low 56 bits are random */
    struct otel_str name;
    enum otel_span_kind kind;
    const struct otel_attribute *attributes;
    size_t attribute_count;
    const struct otel_link *links;
    size_t link_count;
};

/* The caller presets decision DROP, no attributes, and trace_state of the parent. */
struct otel_sdk_sampling_result {
    enum otel_sdk_decision decision;
    const struct otel_attribute *attributes; /* set on the span; must live until the next call of
                                                the same sampler on this thread */
    size_t attribute_count;
    struct otel_trace_state *trace_state; /* of the new span; NULL: empty */
    bool owns_trace_state; /* set true to give a reference of yours away with trace_state */
};

struct otel_sdk_sampler_ops {
    void (*should_sample)(struct otel_sdk_sampler *sampler,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_result *result);
    /* Lives as long as the sampler. */
    struct otel_str (*description)(const struct otel_sdk_sampler *sampler);
    void (*free)(struct otel_sdk_sampler *sampler); /* NULL: static, not counted */
};

/* The head of every sampler; put it first in a struct of your own. */
struct otel_sdk_sampler {
    const struct otel_sdk_sampler_ops *ops;
    size_t refs; /* owned by ref/unref; start with 1 */
};

OTEL_API struct otel_sdk_sampler *otel_sdk_sampler_ref(struct otel_sdk_sampler *sampler);
OTEL_API void otel_sdk_sampler_unref(struct otel_sdk_sampler *sampler);
OTEL_API struct otel_str otel_sdk_sampler_description(const struct otel_sdk_sampler *sampler);

/* "AlwaysOnSampler" and "AlwaysOffSampler"; static. */
OTEL_API struct otel_sdk_sampler *otel_sdk_sampler_always_on(void);
OTEL_API struct otel_sdk_sampler *otel_sdk_sampler_always_off(void);

/**
 * "TraceIdRatioBased{RATIO}": samples a share of all traces by trace id alone; the parent's flag
 * is ignored (put it under parentbased for whole traces).
 *
 * The specification left the rule open; this is the one of Go and Rust, exactly:
 *     (low 8 bytes of the trace id, big-endian) >> 1  <  (uint64)(ratio * 2^63)
 * so that services of those languages with the same ratio decide alike. Monotone: a higher ratio
 * keeps all that a lower one kept. Ratio 0 keeps nothing, 1 keeps everything.
 *
 * OTEL_ERR_ARGUMENT: ratio is not in [0, 1] or not a number. OTEL_ERR_MEMORY.
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_traceidratio_new(double ratio, struct otel_sdk_sampler **ret);

/* The five delegates; NULL members are the specification's defaults (root: always_on). */
struct otel_sdk_parentbased_options {
    size_t struct_size; /* set by otel_sdk_parentbased_options_init() */
    struct otel_sdk_sampler *root;
    struct otel_sdk_sampler *remote_parent_sampled;     /* always_on */
    struct otel_sdk_sampler *remote_parent_not_sampled; /* always_off */
    struct otel_sdk_sampler *local_parent_sampled;      /* always_on */
    struct otel_sdk_sampler *local_parent_not_sampled;  /* always_off */
};

OTEL_API void otel_sdk_parentbased_options_init(struct otel_sdk_parentbased_options *options);
/* "ParentBased{root:...,remoteParentSampled:...,...}". Takes references of its own. options NULL:
 * all defaults. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_parentbased_new(const struct otel_sdk_parentbased_options *options,
                                 struct otel_sdk_sampler **ret);

/* A sampler of your own without a struct of your own: should_sample(arg, ...). description is
 * copied; release(arg) is called in the end, also when this fails; it may be NULL. */
typedef void otel_sdk_should_sample_fn(void *arg, const struct otel_sdk_sampling_input *input,
                                       struct otel_sdk_sampling_result *result);
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_custom_new(otel_sdk_should_sample_fn *should_sample, const char *description,
                            void (*release)(void *arg), void *arg,
                            struct otel_sdk_sampler **ret);

#ifdef __cplusplus
}
#endif
#endif
