/* SPDX-License-Identifier: Apache-2.0 */
/* TraceIdRatioBased, as five implementations understand it. */
#include <math.h>
#include <otel/sdk/sampler.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/base/mem.h"
#include "sdk/sampler/ot.h"
#include "sdk/sampler/text.h"

struct ratio_sampler {
    struct otel_sdk_sampler sampler;
    uint64_t bound; /* each rule its own idea of it */
    char description[64];
};

/* Told once in a process each: that a parent was there; that it was sampled consistently. */
static bool g_told_of_parent, g_told_of_ot; /* atomic */

__attribute__((noinline)) static void tell_of_parent(const struct otel_sdk_sampler *sampler,
                                                     const struct otel_sdk_sampling_input *input)
{
    const char *name = ((const struct ratio_sampler *)sampler)->description;
    struct otl_ot ot;
    char text[400];
    bool *told;

    otl_ot_read(input->parent->trace_state, &ot);
    told = ot.has_th || ot.has_rv ? &g_told_of_ot : &g_told_of_parent;
    if (__atomic_exchange_n(told, true, __ATOMIC_RELAXED))
        return;
    if (told == &g_told_of_ot)
        snprintf(text, sizeof(text),
                 "%s decides about a span whose parent was sampled consistently (ot=th or rv in "
                 "its trace state): it ignores both, so traces are broken and counts of spans "
                 "wrong; use the probability sampler, or put it under parentbased",
                 name);
    else
        snprintf(text, sizeof(text),
                 "%s decides about a span that has a parent: SDKs of other languages decide "
                 "otherwise about the same trace; put it under parentbased",
                 name);
    input->error(input->error_arg, OTEL_OK, text);
}

static void look_at_parent(const struct otel_sdk_sampler *sampler,
                           const struct otel_sdk_sampling_input *input)
{
    if (input->error == NULL || !otel_span_context_is_valid(input->parent))
        return;
    if (__atomic_load_n(&g_told_of_parent, __ATOMIC_RELAXED) &&
        (input->parent->trace_state == NULL || __atomic_load_n(&g_told_of_ot, __ATOMIC_RELAXED)))
        return;
    tell_of_parent(sampler, input);
}

static uint64_t low_of(const uint8_t *trace_id)
{
    uint64_t low = 0;

    for (int i = 8; i < OTEL_TRACE_ID_SIZE; i++)
        low = low << 8 | trace_id[i];
    return low;
}

static uint64_t first_of(const uint8_t *trace_id)
{
    uint64_t first = 0;

    for (int i = 0; i < 8; i++)
        first = first << 8 | trace_id[i];
    return first;
}

static void decide(bool keep, struct otel_sdk_sampling_result *result)
{
    result->decision = keep ? OTEL_SDK_RECORD_AND_SAMPLE : OTEL_SDK_DROP;
}

static uint64_t bound_of(const struct otel_sdk_sampler *sampler)
{
    return ((const struct ratio_sampler *)sampler)->bound;
}

static void go_sample(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                      struct otel_sdk_sampling_result *result)
{
    look_at_parent(sampler, input);
    decide(low_of(input->trace_id) >> 1 < bound_of(sampler), result);
}

/* |x| of a 64-bit two's complement number; the smallest one stays negative there, so it is below
 * every bound but that of ratio 0. bound 0 stands for that one. */
static bool magnitude_below(uint64_t x, uint64_t bound)
{
    if (x == UINT64_C(1) << 63)
        return bound != 0;
    return (x >> 63 ? 0 - x : x) < bound;
}

static void java_sample(struct otel_sdk_sampler *sampler,
                        const struct otel_sdk_sampling_input *input,
                        struct otel_sdk_sampling_result *result)
{
    look_at_parent(sampler, input);
    decide(magnitude_below(low_of(input->trace_id), bound_of(sampler)), result);
}

static void dotnet_sample(struct otel_sdk_sampler *sampler,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_result *result)
{
    look_at_parent(sampler, input);
    decide((first_of(input->trace_id) & INT64_MAX) < bound_of(sampler), result);
}

/* A share of [0, 1] on the scale of 2^64, through double arithmetic in two halves. */
static uint64_t cpp_scale(double share)
{
    double product, whole, rest;

    if (share <= 0.0)
        return 0;
    if (share >= 1.0)
        return UINT64_MAX;
    product = 4294967295.0 * share;
    rest = modf(product, &whole);
    return ((uint64_t)whole << 32) + (uint64_t)(rest * 0x1p32 + product);
}

static void cpp_sample(struct otel_sdk_sampler *sampler,
                       const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_result *result)
{
    uint64_t bound = bound_of(sampler);

    look_at_parent(sampler, input);
    decide(bound != 0 && cpp_scale((double)first_of(input->trace_id) / 0x1p64) <= bound, result);
}

static void js_sample(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                      struct otel_sdk_sampling_result *result)
{
    uint64_t both = low_of(input->trace_id) ^ first_of(input->trace_id);

    look_at_parent(sampler, input);
    decide(((both >> 32) ^ (both & UINT32_MAX)) < bound_of(sampler), result);
}

static struct otel_str ratio_description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct ratio_sampler *)sampler)->description);
}

static void ratio_free(struct otel_sdk_sampler *sampler)
{
    otl_mem_free(sampler);
}

const char *otl_ratio_text(double ratio, char *out, size_t size)
{
    for (int digits = 1; digits <= 17; digits++) {
        double back;
        snprintf(out, size, "%.*g", digits, ratio);
        back = strtod(out, NULL);
        if (!(back < ratio) && !(back > ratio))
            break;
    }
    return out;
}

/* ratio * LONG_MAX where the factor was rounded to 2^63 on the way to double. */
static uint64_t signed_bound(double ratio)
{
    return ratio >= 1.0 ? INT64_MAX : (uint64_t)(ratio * 0x1p63);
}

static uint64_t make_bound(enum otel_sdk_ratio_rule rule, double ratio)
{
    switch (rule) {
    case OTEL_SDK_RATIO_GO:
        break;
    case OTEL_SDK_RATIO_JAVA:
    case OTEL_SDK_RATIO_DOTNET:
        return signed_bound(ratio);
    case OTEL_SDK_RATIO_CPP:
        return cpp_scale(ratio);
    case OTEL_SDK_RATIO_JS:
        return ratio >= 1.0 ? UINT64_C(1) << 32 : (uint64_t)(ratio * 4294967295.0);
    }
    return (uint64_t)(ratio * 0x1p63);
}

enum otel_err otel_sdk_sampler_ratio_rule_new(enum otel_sdk_ratio_rule rule, double ratio,
                                              struct otel_sdk_sampler **ret)
{
    static const struct otel_sdk_sampler_ops ops[] = {
        [OTEL_SDK_RATIO_GO] = {go_sample, ratio_description, ratio_free},
        [OTEL_SDK_RATIO_JAVA] = {java_sample, ratio_description, ratio_free},
        [OTEL_SDK_RATIO_DOTNET] = {dotnet_sample, ratio_description, ratio_free},
        [OTEL_SDK_RATIO_CPP] = {cpp_sample, ratio_description, ratio_free},
        [OTEL_SDK_RATIO_JS] = {js_sample, ratio_description, ratio_free},
    };
    static const char *const names[] = {"", ";java", ";dotnet", ";cpp", ";js"};
    struct ratio_sampler *sampler;
    char text[32];

    if (!(ratio >= 0.0 && ratio <= 1.0) || (unsigned)rule > OTEL_SDK_RATIO_JS)
        return OTEL_ERR_ARGUMENT;
    sampler = otl_mem_alloc(sizeof(*sampler));
    if (sampler == NULL)
        return OTEL_ERR_MEMORY;
    sampler->sampler.ops = &ops[rule];
    sampler->sampler.refs = 1;
    sampler->bound = make_bound(rule, ratio);
    snprintf(sampler->description, sizeof(sampler->description), "TraceIdRatioBased{%s%s}",
             otl_ratio_text(ratio, text, sizeof(text)), names[rule]);
    *ret = &sampler->sampler;
    return OTEL_OK;
}

enum otel_err otel_sdk_sampler_traceidratio_new(double ratio, struct otel_sdk_sampler **ret)
{
    return otel_sdk_sampler_ratio_rule_new(OTEL_SDK_RATIO_GO, ratio, ret);
}
