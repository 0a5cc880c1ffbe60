/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_COMPOSABLE_SAMPLER_H
#define OTEL_SDK_COMPOSABLE_SAMPLER_H

#include <otel/sdk/sampler.h>

/*
 * Composable samplers: parts that say with which threshold a span would be kept, and the composite
 * sampler that asks them once, decides, and writes the threshold down.
 *
 * Use them for rules ("keep all of /checkout, 1 % of the rest") that stay consistent: every span's
 * trace state tells at which probability it was kept. For one ratio for everything use
 * otel_sdk_sampler_probability_new().
 *
 *     rules[0] = (struct otel_sdk_rule){is_checkout, NULL, otel_sdk_composable_always_on()};
 *     rules[1] = (struct otel_sdk_rule){NULL, NULL, one_percent};
 *     otel_sdk_composable_rule_based_new(rules, 2, &root);
 *     otel_sdk_composable_parent_threshold_new(root, &whole_traces);
 *     otel_sdk_sampler_composite_new(whole_traces, &sampler);
 *
 * Life      made with one reference; ref/unref. Whoever holds a part takes a reference of its own.
 * Threads   get_intent is called from every thread that starts spans.
 * Memory    as the probability sampler. Attributes given to annotating are copied.
 * Limits    32 attributes and 8 changes of the trace state from one decision, 1024 rules; whoever
 *           adds to an intent looks at its counts and leaves out what is beyond.
 *
 * Spec: OpenTelemetry trace SDK, "CompositeSampler", "ComposableSampler" (Development).
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_composable;

enum {
    OTEL_SDK_INTENT_MAX_ATTRIBUTES = 32,
    OTEL_SDK_INTENT_MAX_TRACE_STATES = 8,
    OTEL_SDK_MAX_RULES = 1024
};

/**
 * A change of the trace state that the span will have (trace_state_provider of the specification).
 * Called once, when decision is known, also of a span that is dropped, on the thread that starts
 * it. Sets *ret to a new reference, NULL for an empty one, and returns OTEL_OK, as
 * otel_trace_state_set(state, ...) does; after anything else the trace state stays as it was. What
 * is done to the member ot, which is the composite sampler's, is undone.
 */
typedef enum otel_err otel_sdk_trace_state_fn(void *arg, enum otel_sdk_decision decision,
                                              const struct otel_trace_state *state,
                                              struct otel_trace_state **ret);

struct otel_sdk_trace_state_provider {
    otel_sdk_trace_state_fn *change;
    void *arg; /* must live as long as the part */
};

/* The caller presets: keep false, reliable false, no attributes, no changes. A part that has asked
 * another one first finds its intent here, and adds to it. */
struct otel_sdk_sampling_intent {
    bool keep;          /* false: drop, whatever threshold says */
    uint64_t threshold; /* kept iff randomness >= threshold; 0 to OTEL_SDK_MAX_THRESHOLD */
    bool reliable;      /* threshold tells how many spans a kept one stands for */
    size_t attribute_count;
    struct otel_attribute attributes[OTEL_SDK_INTENT_MAX_ATTRIBUTES]; /* of a kept span; what they
                                              point at must live as long as the part */
    size_t trace_state_count;
    struct otel_sdk_trace_state_provider
        trace_states[OTEL_SDK_INTENT_MAX_TRACE_STATES]; /* asked in order, each about what the one
                                                           before it has made */
};

struct otel_sdk_composable_ops {
    /* Must not touch the member ot of the trace state. */
    void (*get_intent)(struct otel_sdk_composable *part,
                       const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_intent *intent);
    /* Lives as long as the part. */
    struct otel_str (*description)(const struct otel_sdk_composable *part);
    void (*free)(struct otel_sdk_composable *part); /* NULL: static, not counted */
};

/* The head of every part; put it first in a struct of your own. */
struct otel_sdk_composable {
    const struct otel_sdk_composable_ops *ops;
    size_t refs; /* owned by ref/unref; start with 1 */
};

OTEL_API struct otel_sdk_composable *otel_sdk_composable_ref(struct otel_sdk_composable *part);
OTEL_API void otel_sdk_composable_unref(struct otel_sdk_composable *part);
OTEL_API struct otel_str otel_sdk_composable_description(const struct otel_sdk_composable *part);

/* Threshold 0, reliable; no threshold. Static. */
OTEL_API struct otel_sdk_composable *otel_sdk_composable_always_on(void);
OTEL_API struct otel_sdk_composable *otel_sdk_composable_always_off(void);
/* ratio 0 drops all; else 2^-56 to 1, four digits of precision. OTEL_ERR_ARGUMENT,
 * OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_composable_probability_new(double ratio, struct otel_sdk_composable **ret);
/* Roots as root says; a child by its parent's threshold, without one by its parent's sampled flag
 * (then unreliable, as when threshold and flag contradict each other). OTEL_ERR_ARGUMENT: root is
 * NULL. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_composable_parent_threshold_new(struct otel_sdk_composable *root,
                                         struct otel_sdk_composable **ret);

struct otel_sdk_rule {
    bool (*matches)(void *arg, const struct otel_sdk_sampling_input *input); /* NULL: always */
    void *arg; /* must outlive the part */
    struct otel_sdk_composable *part;
};

/* The first rule that matches decides; none: drop. OTEL_ERR_ARGUMENT: a part is NULL.
 * OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_composable_rule_based_new(const struct otel_sdk_rule *rules, size_t count,
                                   struct otel_sdk_composable **ret);
/* As delegate, and puts attributes on what is kept; arrays and maps deeper than 64 are the empty
 * value. OTEL_ERR_ARGUMENT: delegate is NULL. OTEL_ERR_LIMIT: more than 32, or over 1 MiB encoded.
 * OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_composable_annotating_new(const struct otel_attribute *attributes, size_t count,
                                   struct otel_sdk_composable *delegate,
                                   struct otel_sdk_composable **ret);

/* "CompositeSampler{PART}": keeps iff the intent's threshold is not above the trace's randomness,
 * lets the intent change the trace state, then writes th for a reliable threshold and erases it
 * otherwise; for an unreliable one above 0 a fresh random number decides. OTEL_ERR_ARGUMENT: part
 * is NULL. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_composite_new(struct otel_sdk_composable *part, struct otel_sdk_sampler **ret);

#ifdef __cplusplus
}
#endif
#endif
