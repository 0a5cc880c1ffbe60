/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/schedule.h"

#include <string.h>

#include "sdk/base/clock.h"

enum otel_err hx_schedule_init(struct hx_schedule *schedule,
                               const struct hx_schedule_options *options)
{
    if (!(options->rate >= HX_SCHEDULE_RATE_MIN && options->rate <= HX_SCHEDULE_RATE_MAX))
        return OTEL_ERR_ARGUMENT;
    if (options->warmup_ns + options->duration_ns == 0)
        return OTEL_ERR_ARGUMENT;
    memset(schedule, 0, sizeof(*schedule));
    schedule->options = *options;
    if (options->burst == 0)
        schedule->options.burst = 1;
    otl_random_seed(&schedule->arrivals, otl_random_mix_text(options->seed, "load arrivals", 13));
    schedule->content_seed = otl_random_mix_text(options->seed, "load content", 12);
    return OTEL_OK;
}

const char *hx_arrival_word(enum hx_arrival arrival)
{
    static const char *const words[] = {"constant", "poisson", "burst"};

    return words[arrival];
}

uint64_t hx_schedule_length_ns(const struct hx_schedule *schedule)
{
    return schedule->options.warmup_ns + schedule->options.duration_ns;
}

/* Constant instants come from the number, not from a sum, so that no error adds up. */
static double next_instant_s(struct hx_schedule *schedule)
{
    const struct hx_schedule_options *options = &schedule->options;

    if (options->arrival == HX_ARRIVAL_CONSTANT)
        return (double)schedule->count / options->rate;
    if (options->arrival == HX_ARRIVAL_BURST)
        return (double)(schedule->count - schedule->count % options->burst) / options->rate;
    schedule->poisson_s += otl_random_exponential(&schedule->arrivals) / options->rate;
    return schedule->poisson_s;
}

bool hx_schedule_next(struct hx_schedule *schedule, struct hx_planned *ret)
{
    double at_s = next_instant_s(schedule);
    uint64_t offset_ns = (uint64_t)(at_s * (double)OTL_NS_PER_S + 0.5);

    if (offset_ns >= hx_schedule_length_ns(schedule))
        return false;
    ret->request = ++schedule->count;
    ret->offset_ns = offset_ns;
    ret->draw = otl_random_mix(schedule->content_seed, schedule->count);
    ret->warmup = offset_ns < schedule->options.warmup_ns;
    return true;
}
