/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/sampler.h>

#include "sdk/base/mem.h"

struct custom_sampler {
    struct otel_sdk_sampler sampler;
    otel_sdk_should_sample_fn *should_sample;
    void (*release)(void *arg);
    void *arg;
    char description[];
};

struct otel_sdk_sampler *otel_sdk_sampler_ref(struct otel_sdk_sampler *sampler)
{
    if (sampler != NULL && sampler->ops->free != NULL)
        __atomic_fetch_add(&sampler->refs, 1, __ATOMIC_RELAXED);
    return sampler;
}

void otel_sdk_sampler_unref(struct otel_sdk_sampler *sampler)
{
    if (sampler != NULL && sampler->ops->free != NULL &&
        __atomic_fetch_sub(&sampler->refs, 1, __ATOMIC_ACQ_REL) == 1)
        sampler->ops->free(sampler);
}

struct otel_str otel_sdk_sampler_description(const struct otel_sdk_sampler *sampler)
{
    return sampler != NULL ? sampler->ops->description(sampler) : otel_str(NULL);
}

static void on_sample(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                      struct otel_sdk_sampling_result *result)
{
    (void)sampler, (void)input;
    result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
}

static struct otel_str on_description(const struct otel_sdk_sampler *sampler)
{
    (void)sampler;
    return otel_str("AlwaysOnSampler");
}

static void off_sample(struct otel_sdk_sampler *sampler,
                       const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_result *result)
{
    (void)sampler, (void)input;
    result->decision = OTEL_SDK_DROP;
}

static struct otel_str off_description(const struct otel_sdk_sampler *sampler)
{
    (void)sampler;
    return otel_str("AlwaysOffSampler");
}

struct otel_sdk_sampler *otel_sdk_sampler_always_on(void)
{
    static const struct otel_sdk_sampler_ops ops = {on_sample, on_description, NULL};
    static struct otel_sdk_sampler sampler = {&ops, 1};
    return &sampler;
}

struct otel_sdk_sampler *otel_sdk_sampler_always_off(void)
{
    static const struct otel_sdk_sampler_ops ops = {off_sample, off_description, NULL};
    static struct otel_sdk_sampler sampler = {&ops, 1};
    return &sampler;
}

static void custom_sample(struct otel_sdk_sampler *sampler,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_result *result)
{
    struct custom_sampler *custom = (struct custom_sampler *)sampler;

    custom->should_sample(custom->arg, input, result);
}

static struct otel_str custom_description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct custom_sampler *)sampler)->description);
}

static void custom_free(struct otel_sdk_sampler *sampler)
{
    struct custom_sampler *custom = (struct custom_sampler *)sampler;

    if (custom->release != NULL)
        custom->release(custom->arg);
    otl_mem_free(custom);
}

enum otel_err otel_sdk_sampler_custom_new(otel_sdk_should_sample_fn *should_sample,
                                          const char *description, void (*release)(void *arg),
                                          void *arg, struct otel_sdk_sampler **ret)
{
    static const struct otel_sdk_sampler_ops ops = {custom_sample, custom_description, custom_free};
    size_t len = strlen(description != NULL ? description : "");
    struct custom_sampler *custom = otl_mem_zalloc(sizeof(*custom) + len + 1);

    if (custom == NULL || should_sample == NULL) {
        otl_mem_free(custom);
        if (release != NULL)
            release(arg);
        return should_sample == NULL ? OTEL_ERR_ARGUMENT : OTEL_ERR_MEMORY;
    }
    custom->sampler.ops = &ops;
    custom->sampler.refs = 1;
    custom->should_sample = should_sample;
    custom->release = release;
    custom->arg = arg;
    if (len != 0)
        memcpy(custom->description, description, len);
    *ret = &custom->sampler;
    return OTEL_OK;
}
