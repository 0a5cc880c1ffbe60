/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_SAMPLER_H
#define OTEL_SDK_SAMPLER_H

#include <otel/trace.h>

/*
 * Samplers: whether a span is dropped, recorded, or recorded and exported.
 *
 * Life      made with one reference; ref/unref. Providers and composing samplers hold their own.
 * Threads   should_sample is called from every thread that starts spans.
 * Memory    should_sample allocates nothing here, except where a probability is written into a
 *           trace state that holds more; without memory that span's trace state is empty.
 *
 * Samplers that are put together from parts (rules, annotations, the parent's threshold) are in
 * otel/sdk/composable_sampler.h.
 *
 * Spec: OpenTelemetry trace SDK, "Sampling".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_sampler;
struct otel_sdk_scope;

enum otel_sdk_decision {
    OTEL_SDK_DROP = 0,
    OTEL_SDK_RECORD_ONLY = 1,
    OTEL_SDK_RECORD_AND_SAMPLE = 2
};

/* Borrowed for the time of the call. */
struct otel_sdk_sampling_input {
    size_t struct_size; /* what is filled in; a member beyond it is not there */
    /* What the span is started in, for its baggage and values; NULL: the root context. Its span is
     * the parent, except of a span that was asked for as a root: parent says what counts. */
    const struct otel_context *context;
    const struct otel_span_context *parent; /* never NULL; invalid for a root */
    const uint8_t *trace_id;                /* of the span to be */
    bool trace_id_random;                   /* its low 56 bits are random */
    struct otel_str name;
    enum otel_span_kind kind;
    const struct otel_attribute *attributes;
    size_t attribute_count;
    const struct otel_link *links;
    size_t link_count;
    /* Where a sampler may say something (OTEL_OK marks a warning), once each thing; may be NULL. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    /* Of the tracer that is asked for the span (otel/sdk/readable_span.h, which reads it); lives
     * as long as the provider. NULL where somebody else than a provider asks. */
    const struct otel_sdk_scope *scope;
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
 * The first time in a process that one of these samplers decides about a span that has a parent,
 * the input's error is told so, as a warning, because services of other languages decide otherwise
 * about the same trace. And once more where the parent's trace state has a threshold or randomness
 * (ot=th, rv): the trace was sampled consistently, which this breaks.
 *
 * OTEL_ERR_ARGUMENT: ratio is not in [0, 1] or not a number. OTEL_ERR_MEMORY.
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_traceidratio_new(double ratio, struct otel_sdk_sampler **ret);

/*
 * The ratio rules that others ship under the name TraceIdRatioBased, exactly, for fleets that mix
 * languages. They do not agree with each other: at 10 %, of the traces that one keeps another
 * keeps 10 %, as if by chance (Go and Java, .NET and C++: 50 %). Use them to decide as such a
 * service does; in a fleet, let one place decide and all others follow (parentbased) or use the
 * probability sampler.
 *   go      (low 8 bytes, big-endian) >> 1  <  ratio * 2^63; Rust has the same
 *   java    |low 8 bytes as a signed number|  <  ratio * (2^63 - 1)
 *   dotnet  low 63 bits of the first 8 bytes  <  ratio * (2^63 - 1)
 *   cpp     first 8 bytes, big-endian, as a share of 2^64, not above ratio
 *   js      XOR of the four 32-bit words  <  ratio * (2^32 - 1); ratio 1 keeps everything
 * From the environment: OTEL_C_TRACES_SAMPLER_RATIO_RULE (otel/sdk/config.h); in a configuration
 * file: trace_id_ratio_rule (otel/sdk/config_file.h).
 *
 * Read in these files of github.com/open-telemetry (release, then commit):
 *   opentelemetry-go      sdk/trace/sampling.go, 1.45.0, 736a14f
 *   opentelemetry-java    sdk/trace/src/main/java/io/opentelemetry/sdk/trace/samplers/
 *                         TraceIdRatioBasedSampler.java, 1.65.0, 35636ae
 *   opentelemetry-dotnet  src/OpenTelemetry/Trace/Sampler/TraceIdRatioBasedSampler.cs, since
 *                         1.15.1, 3b1fb93; before, the magnitude of the first 8 bytes as a signed
 *                         number, which decides otherwise where the first bit is set
 *   opentelemetry-cpp     sdk/src/trace/samplers/trace_id_ratio.cc, since 1.23.0, b7b0278; before,
 *                         in the byte order of the machine
 *   opentelemetry-js      packages/sdk-trace/src/sampler/TraceIdRatioBasedSampler.ts, since
 *                         2.10.0, 3394c3e; before, ratio 1 kept all but one in 2^32
 */
enum otel_sdk_ratio_rule {
    OTEL_SDK_RATIO_GO,
    OTEL_SDK_RATIO_JAVA,
    OTEL_SDK_RATIO_DOTNET,
    OTEL_SDK_RATIO_CPP,
    OTEL_SDK_RATIO_JS
};

/* "TraceIdRatioBased{RATIO}", behind a rule other than go's ";RULE" before the brace.
 * OTEL_ERR_ARGUMENT: ratio is not in [0, 1], or no such rule. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_ratio_rule_new(enum otel_sdk_ratio_rule rule, double ratio,
                                struct otel_sdk_sampler **ret);

/* Whole numbers of 56 bits: randomness and thresholds of consistent sampling. */
#define OTEL_SDK_MAX_THRESHOLD ((UINT64_C(1) << 56) - 1)

struct otel_sdk_probability_options {
    size_t struct_size; /* set by otel_sdk_probability_options_init() */
    double ratio;       /* 2^-56 to 1; init: 1 */
    unsigned precision; /* digits of the threshold behind leading f's, 1 to 14; init: 4 */
    bool seeded;        /* rv that is made here repeats from seed */
    uint64_t seed;
    /* Told once when a decision about a child rests on a trace id whose Random flag is unset, on
     * the thread that starts the span. NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
};

OTEL_API void otel_sdk_probability_options_init(struct otel_sdk_probability_options *options);
/**
 * "ProbabilitySampler{RATIO}": consistent probability sampling. Keeps a span iff R >= T, where R is
 * rv of the trace state's member ot, else the low 56 bits of the trace id, and T is (1 - ratio) *
 * 2^56, rounded to precision. All who use it with the same ratio keep the same traces, in any
 * language; with another ratio one set holds the other. The parent's sampled flag is ignored.
 *
 * A kept span's trace state says ot=th:T, so that a reader can weigh it; a dropped one's says
 * nothing. Other sub-keys of ot stay, rv is never changed. Where the member would exceed 256 bytes
 * th is left out. Where the trace state would exceed 8192 bytes, members of more than 128
 * characters are left out from the right until it fits (W3C Trace Context, "tracestate Limits"),
 * never ot. A root whose trace id is not random gets an rv.
 *
 * OTEL_ERR_ARGUMENT: ratio or precision out of range, options not initialised. OTEL_ERR_MEMORY.
 * Spec (Development): OpenTelemetry trace SDK, "ProbabilitySampler"; "TraceState: Probability
 * Sampling".
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_probability_new(const struct otel_sdk_probability_options *options,
                                 struct otel_sdk_sampler **ret);

/* "AlwaysRecordSampler{ROOT}": what root drops is recorded for processors, but not exported; else
 * as root. Takes a reference of its own. OTEL_ERR_ARGUMENT: root is NULL. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_sampler_always_record_new(
    struct otel_sdk_sampler *root, struct otel_sdk_sampler **ret);

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
/* A threshold (ot=th) in the parent's trace state that contradicts the parent's sampled flag is
 * erased where the delegate left it standing.
 * "ParentBased{root:...,remoteParentSampled:...,...}". Takes references of its own. options NULL:
 * all defaults. OTEL_ERR_ARGUMENT: options were not initialised. OTEL_ERR_MEMORY. */
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
