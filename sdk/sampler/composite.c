/* SPDX-License-Identifier: Apache-2.0 */
/* The composite sampler: asks its part once, decides, writes the threshold down. */
#include <otel/sdk/composable_sampler.h>
#include <stdio.h>

#include "sdk/base/mem.h"
#include "sdk/base/random.h"
#include "sdk/sampler/ot.h"

struct composite {
    struct otel_sdk_sampler sampler;
    struct otel_sdk_composable *part;
    uint64_t seed;
    uint64_t drawn; /* atomic */
    char description[];
};

/* The attributes of this thread's last kept decision; start copies them before the next one. */
static __thread struct otel_attribute kept[OTEL_SDK_INTENT_MAX_ATTRIBUTES];

static uint64_t fresh(struct composite *mine)
{
    uint64_t n = __atomic_fetch_add(&mine->drawn, 1, __ATOMIC_RELAXED);

    return otl_random_mix(mine->seed, n) & OTEL_SDK_MAX_THRESHOLD;
}

/* What the trace state becomes by the intent; of the member ot nothing changes. Returns a new
 * reference. */
static struct otel_trace_state *changed(const struct otel_sdk_sampling_intent *intent,
                                        enum otel_sdk_decision decision,
                                        struct otel_trace_state *parent)
{
    struct otel_trace_state *state = otel_trace_state_ref(parent), *next;

    for (size_t i = 0; i < intent->trace_state_count; i++) {
        const struct otel_sdk_trace_state_provider *provider = &intent->trace_states[i];
        next = NULL;
        if (provider->change(provider->arg, decision, state, &next) != OTEL_OK)
            continue;
        otel_trace_state_unref(state);
        state = next;
    }
    next = otl_ot_restore(state, parent);
    otel_trace_state_unref(state);
    return next;
}

static void sample(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                   struct otel_sdk_sampling_result *result)
{
    struct composite *mine = (struct composite *)sampler;
    struct otel_sdk_sampling_intent intent;
    struct otel_trace_state *state;
    struct otl_ot ot;
    bool keep;

    intent.keep = intent.reliable = false;
    intent.threshold = 0;
    intent.attribute_count = intent.trace_state_count = 0;
    mine->part->ops->get_intent(mine->part, input, &intent);
    otl_ot_read(result->trace_state, &ot);
    if (!ot.has_rv && !input->trace_id_random && !otel_span_context_is_valid(input->parent)) {
        ot.has_rv = true;
        ot.rv = fresh(mine);
    }
    keep = intent.keep && intent.threshold <= OTEL_SDK_MAX_THRESHOLD;
    if (keep && intent.reliable)
        keep = otl_ot_randomness(&ot, input->trace_id) >= intent.threshold;
    else if (keep && intent.threshold != 0)
        keep = fresh(mine) >= intent.threshold;
    ot.has_th = keep && intent.reliable;
    ot.th = intent.threshold;
    result->decision = keep ? OTEL_SDK_RECORD_AND_SAMPLE : OTEL_SDK_DROP;
    state = changed(&intent, result->decision, result->trace_state);
    result->trace_state = otl_ot_write(state, &ot);
    result->owns_trace_state = true;
    otel_trace_state_unref(state);
    if (!keep || intent.attribute_count == 0)
        return;
    memcpy(kept, intent.attributes, intent.attribute_count * sizeof(kept[0]));
    result->attributes = kept;
    result->attribute_count = intent.attribute_count;
}

static struct otel_str description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct composite *)sampler)->description);
}

static void destroy(struct otel_sdk_sampler *sampler)
{
    otel_sdk_composable_unref(((struct composite *)sampler)->part);
    otl_mem_free(sampler);
}

enum otel_err otel_sdk_sampler_composite_new(struct otel_sdk_composable *part,
                                             struct otel_sdk_sampler **ret)
{
    static const struct otel_sdk_sampler_ops ops = {sample, description, destroy};
    struct otel_str inner = otel_sdk_composable_description(part);
    size_t size = inner.len + sizeof("CompositeSampler{}");
    struct composite *mine;

    if (part == NULL)
        return OTEL_ERR_ARGUMENT;
    mine = otl_mem_zalloc(sizeof(*mine) + size);
    if (mine == NULL)
        return OTEL_ERR_MEMORY;
    mine->sampler.ops = &ops;
    mine->sampler.refs = 1;
    mine->part = otel_sdk_composable_ref(part);
    mine->seed = otl_random_os_seed();
    snprintf(mine->description, size, "CompositeSampler{%.*s}", (int)inner.len, inner.data);
    *ret = &mine->sampler;
    return OTEL_OK;
}
