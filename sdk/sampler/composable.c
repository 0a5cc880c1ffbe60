/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that come with the SDK, but for rules and annotations. */
#include <otel/sdk/composable_sampler.h>
#include <stdio.h>

#include "sdk/base/mem.h"
#include "sdk/sampler/ot.h"
#include "sdk/sampler/text.h"

struct probability {
    struct otel_sdk_composable part;
    uint64_t threshold;
    char description[64];
};

struct parent_threshold {
    struct otel_sdk_composable part;
    struct otel_sdk_composable *root;
    char description[];
};

struct otel_sdk_composable *otel_sdk_composable_ref(struct otel_sdk_composable *part)
{
    if (part != NULL && part->ops->free != NULL)
        __atomic_fetch_add(&part->refs, 1, __ATOMIC_RELAXED);
    return part;
}

void otel_sdk_composable_unref(struct otel_sdk_composable *part)
{
    if (part != NULL && part->ops->free != NULL &&
        __atomic_fetch_sub(&part->refs, 1, __ATOMIC_ACQ_REL) == 1)
        part->ops->free(part);
}

struct otel_str otel_sdk_composable_description(const struct otel_sdk_composable *part)
{
    return part != NULL ? part->ops->description(part) : otel_str(NULL);
}

static void keep_from(struct otel_sdk_sampling_intent *intent, uint64_t threshold, bool reliable)
{
    intent->keep = true;
    intent->threshold = threshold;
    intent->reliable = reliable;
}

static void on_intent(struct otel_sdk_composable *part, const struct otel_sdk_sampling_input *input,
                      struct otel_sdk_sampling_intent *intent)
{
    (void)part, (void)input;
    keep_from(intent, 0, true);
}

static struct otel_str on_description(const struct otel_sdk_composable *part)
{
    (void)part;
    return otel_str("ComposableAlwaysOn");
}

struct otel_sdk_composable *otel_sdk_composable_always_on(void)
{
    static const struct otel_sdk_composable_ops ops = {on_intent, on_description, NULL};
    static struct otel_sdk_composable part = {&ops, 1};

    return &part;
}

static void off_intent(struct otel_sdk_composable *part,
                       const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_intent *intent)
{
    (void)part, (void)input;
    intent->keep = false;
}

static struct otel_str off_description(const struct otel_sdk_composable *part)
{
    (void)part;
    return otel_str("ComposableAlwaysOff");
}

struct otel_sdk_composable *otel_sdk_composable_always_off(void)
{
    static const struct otel_sdk_composable_ops ops = {off_intent, off_description, NULL};
    static struct otel_sdk_composable part = {&ops, 1};

    return &part;
}

static void probability_intent(struct otel_sdk_composable *part,
                               const struct otel_sdk_sampling_input *input,
                               struct otel_sdk_sampling_intent *intent)
{
    (void)input;
    keep_from(intent, ((const struct probability *)part)->threshold, true);
}

static struct otel_str probability_description(const struct otel_sdk_composable *part)
{
    return otel_str(((const struct probability *)part)->description);
}

static void probability_free(struct otel_sdk_composable *part)
{
    otl_mem_free(part);
}

enum otel_err otel_sdk_composable_probability_new(double ratio, struct otel_sdk_composable **ret)
{
    static const struct otel_sdk_composable_ops ops = {probability_intent, probability_description,
                                                       probability_free};
    struct probability *mine;
    char text[32];

    if (ratio >= 0.0 && ratio <= 0.0) {
        *ret = otel_sdk_composable_always_off();
        return OTEL_OK;
    }
    if (!(ratio >= 0x1p-56 && ratio <= 1.0))
        return OTEL_ERR_ARGUMENT;
    mine = otl_mem_alloc(sizeof(*mine));
    if (mine == NULL)
        return OTEL_ERR_MEMORY;
    mine->part.ops = &ops;
    mine->part.refs = 1;
    mine->threshold = otl_ot_threshold(ratio, 4);
    snprintf(mine->description, sizeof(mine->description), "ComposableProbability{%s}",
             otl_ratio_text(ratio, text, sizeof(text)));
    *ret = &mine->part;
    return OTEL_OK;
}

static void parent_intent(struct otel_sdk_composable *part,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_intent *intent)
{
    struct otel_sdk_composable *root = ((struct parent_threshold *)part)->root;
    bool sampled = otel_span_context_is_sampled(input->parent);
    struct otl_ot ot;

    if (!otel_span_context_is_valid(input->parent)) {
        root->ops->get_intent(root, input, intent);
        return;
    }
    otl_ot_read(input->parent->trace_state, &ot);
    if (ot.has_th && sampled == (otl_ot_randomness(&ot, input->trace_id) >= ot.th))
        keep_from(intent, ot.th, true);
    else if (sampled)
        keep_from(intent, 0, false);
}

static struct otel_str parent_description(const struct otel_sdk_composable *part)
{
    return otel_str(((const struct parent_threshold *)part)->description);
}

static void parent_free(struct otel_sdk_composable *part)
{
    otel_sdk_composable_unref(((struct parent_threshold *)part)->root);
    otl_mem_free(part);
}

enum otel_err otel_sdk_composable_parent_threshold_new(struct otel_sdk_composable *root,
                                                       struct otel_sdk_composable **ret)
{
    static const struct otel_sdk_composable_ops ops = {parent_intent, parent_description,
                                                       parent_free};
    struct otel_str inner = otel_sdk_composable_description(root);
    size_t size = inner.len + sizeof("ComposableParentThreshold{root=}");
    struct parent_threshold *mine;

    if (root == NULL)
        return OTEL_ERR_ARGUMENT;
    mine = otl_mem_alloc(sizeof(*mine) + size);
    if (mine == NULL)
        return OTEL_ERR_MEMORY;
    mine->part.ops = &ops;
    mine->part.refs = 1;
    mine->root = otel_sdk_composable_ref(root);
    snprintf(mine->description, size, "ComposableParentThreshold{root=%.*s}", (int)inner.len,
             inner.data);
    *ret = &mine->part;
    return OTEL_OK;
}
