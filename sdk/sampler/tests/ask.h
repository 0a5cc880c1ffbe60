/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_ASK_H
#define OTL_TESTS_ASK_H

#include <otel/sdk/sampler.h>
#include <otel/trace_state.h>

/* One question to a sampler, the way the provider asks it. */
struct question {
    struct otel_span_context parent; /* zero: a root */
    uint8_t trace_id[16];
    bool random;
    const char *name;
};

struct answer {
    enum otel_sdk_decision decision;
    char state[OTEL_TRACE_STATE_MAX_BYTES + 1]; /* the trace state's text */
    const struct otel_attribute *attributes;
    size_t attribute_count;
};

static inline struct answer ask_sampler(struct otel_sdk_sampler *sampler, const struct question *q)
{
    struct otel_sdk_sampling_result result;
    struct otel_sdk_sampling_input input;
    struct otel_str state;
    struct answer answer;

    memset(&input, 0, sizeof(input));
    memset(&result, 0, sizeof(result));
    memset(&answer, 0, sizeof(answer));
    input.struct_size = sizeof(input);
    input.parent = &q->parent;
    input.trace_id = q->trace_id;
    input.trace_id_random = q->random;
    input.name = otel_str(q->name != NULL ? q->name : "op");
    input.kind = OTEL_SPAN_KIND_INTERNAL;
    result.trace_state = q->parent.trace_state;
    sampler->ops->should_sample(sampler, &input, &result);
    answer.decision = result.decision;
    answer.attributes = result.attributes;
    answer.attribute_count = result.attribute_count;
    state = otel_trace_state_header(result.trace_state);
    if (state.len != 0 && state.len < sizeof(answer.state))
        memcpy(answer.state, state.data, state.len);
    if (result.owns_trace_state)
        otel_trace_state_unref(result.trace_state);
    return answer;
}

/* A question about a child of a parent with this trace state and these flags; release with
 * otel_trace_state_unref(q.parent.trace_state). The low 56 bits of the trace id are randomness. */
static inline struct question a_child(const char *state, uint8_t flags, uint64_t randomness)
{
    struct question q;

    memset(&q, 0, sizeof(q));
    q.trace_id[0] = 1;
    for (int i = 15; i >= 9; i--, randomness >>= 8)
        q.trace_id[i] = (uint8_t)randomness;
    memcpy(q.parent.trace_id, q.trace_id, 16);
    memset(q.parent.span_id, 1, 8);
    q.parent.flags = flags;
    q.parent.is_remote = true;
    q.random = (flags & OTEL_FLAG_RANDOM) != 0;
    if (otel_trace_state_parse(otel_str(state), &q.parent.trace_state) != OTEL_OK)
        q.parent.trace_state = NULL;
    return q;
}

static inline struct question a_root(uint64_t randomness, bool random)
{
    struct question q = a_child("", 0, randomness);

    memset(&q.parent, 0, sizeof(q.parent));
    q.random = random;
    return q;
}

#endif
