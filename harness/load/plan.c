/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/plan.h"

#include <string.h>

#include "sdk/base/clock.h"

enum otel_err hx_plan_init(struct hx_plan *plan, const struct hx_plan_options *options)
{
    if (!(options->rate >= HX_PLAN_RATE_MIN && options->rate <= HX_PLAN_RATE_MAX))
        return OTEL_ERR_ARGUMENT;
    if (options->warmup_ns + options->duration_ns == 0)
        return OTEL_ERR_ARGUMENT;
    memset(plan, 0, sizeof(*plan));
    plan->options = *options;
    otl_random_seed(&plan->arrivals, otl_random_mix_text(options->seed, "load arrivals", 13));
    plan->content_seed = otl_random_mix_text(options->seed, "load content", 12);
    return OTEL_OK;
}

uint64_t hx_plan_length_ns(const struct hx_plan *plan)
{
    return plan->options.warmup_ns + plan->options.duration_ns;
}

/* Constant instants come from the number, not from a sum, so that no error adds up. */
static double next_instant_s(struct hx_plan *plan)
{
    const struct hx_plan_options *options = &plan->options;

    if (options->arrival == HX_ARRIVAL_CONSTANT)
        return (double)plan->count / options->rate;
    plan->poisson_s += otl_random_exponential(&plan->arrivals) / options->rate;
    return plan->poisson_s;
}

bool hx_plan_next(struct hx_plan *plan, struct hx_planned *ret)
{
    double at_s = next_instant_s(plan);
    uint64_t offset_ns = (uint64_t)(at_s * (double)OTL_NS_PER_S + 0.5);

    if (offset_ns >= hx_plan_length_ns(plan))
        return false;
    ret->request = ++plan->count;
    ret->offset_ns = offset_ns;
    ret->draw = otl_random_mix(plan->content_seed, plan->count);
    ret->warmup = offset_ns < plan->options.warmup_ns;
    return true;
}
