/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/sampler.h>
#include <stdio.h>

#include "sdk/base/mem.h"

struct always_record {
    struct otel_sdk_sampler sampler;
    struct otel_sdk_sampler *root;
    char description[];
};

static void sample(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                   struct otel_sdk_sampling_result *result)
{
    struct otel_sdk_sampler *root = ((struct always_record *)sampler)->root;

    root->ops->should_sample(root, input, result);
    if (result->decision == OTEL_SDK_DROP)
        result->decision = OTEL_SDK_RECORD_ONLY;
}

static struct otel_str description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct always_record *)sampler)->description);
}

static void destroy(struct otel_sdk_sampler *sampler)
{
    otel_sdk_sampler_unref(((struct always_record *)sampler)->root);
    otl_mem_free(sampler);
}

enum otel_err otel_sdk_sampler_always_record_new(struct otel_sdk_sampler *root,
                                                 struct otel_sdk_sampler **ret)
{
    static const struct otel_sdk_sampler_ops ops = {sample, description, destroy};
    struct otel_str inner = otel_sdk_sampler_description(root);
    size_t size = inner.len + sizeof("AlwaysRecordSampler{}");
    struct always_record *mine;

    if (root == NULL)
        return OTEL_ERR_ARGUMENT;
    mine = otl_mem_alloc(sizeof(*mine) + size);
    if (mine == NULL)
        return OTEL_ERR_MEMORY;
    mine->sampler.ops = &ops;
    mine->sampler.refs = 1;
    mine->root = otel_sdk_sampler_ref(root);
    snprintf(mine->description, size, "AlwaysRecordSampler{%.*s}", (int)inner.len, inner.data);
    *ret = &mine->sampler;
    return OTEL_OK;
}
