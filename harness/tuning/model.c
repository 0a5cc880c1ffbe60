/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/model.h"

#include <math.h>

static const double KEEP_UP = 1.5; /* the exporter's pace over the load's */
static const double ROOM = 1.25;   /* in the queue, over what it must hold */

static double spans_a_second(const struct hx_tune_asked *asked)
{
    return asked->rate * asked->spans;
}

static double export_s(const struct hx_tune_asked *asked, size_t batch)
{
    return ((double)asked->latency_ns + HX_TUNE_EXPORT_NS + HX_TUNE_SPAN_NS * (double)batch) / 1e9;
}

static double needed(const struct hx_tune_asked *asked, size_t batch)
{
    double coming = 2 * spans_a_second(asked) * export_s(asked, batch);
    double burst = asked->burst > 1 ? (double)asked->burst * asked->spans : 0;

    return burst + coming + 4 * sqrt(coming * asked->spans) + (double)batch;
}

static uint64_t delay_of(const struct hx_tune_asked *asked, size_t batch)
{
    double ms = 2000 * (double)batch / spans_a_second(asked);
    double round = ceil(ms / 100) * 100;

    return round < 200 ? 200 : round > 5000 ? 5000 : (uint64_t)round;
}

/* A queue of a span is of no use, and a batch must fit into it. */
static void fit_memory(const struct hx_tune_asked *asked, struct hx_tune_setting *setting)
{
    double spans = (double)asked->memory_bytes / HX_TUNE_SPAN_BYTES;

    if (asked->memory_bytes == 0 || (double)(setting->queue + setting->batch) <= spans)
        return;
    if ((double)setting->batch > spans / 3)
        setting->batch = spans >= 3 ? (size_t)(spans / 3) : 1;
    setting->queue = spans >= 2 ? (size_t)spans - setting->batch : 1;
    if (setting->batch > setting->queue)
        setting->batch = setting->queue;
}

struct hx_tune_advice hx_tune_with_batch(const struct hx_tune_asked *asked, size_t batch)
{
    struct hx_tune_advice advice = {.setting = {.batch = batch}};
    double queue = ceil(ROOM * needed(asked, batch) / 1024) * 1024;
    double slow_ms = 4 * (double)asked->latency_ns / 1e6;

    advice.setting.queue = queue < HX_TUNE_QUEUE_MIN   ? HX_TUNE_QUEUE_MIN
                           : queue > HX_TUNE_QUEUE_MAX ? HX_TUNE_QUEUE_MAX
                                                       : (size_t)queue;
    fit_memory(asked, &advice.setting);
    batch = advice.setting.batch;
    advice.setting.delay_ms = delay_of(asked, batch);
    advice.setting.timeout_ms = slow_ms > 30000 ? (uint64_t)slow_ms : 30000;
    advice.needed = needed(asked, batch);
    advice.fits = (double)advice.setting.queue >= advice.needed;
    advice.capacity = (double)batch / export_s(asked, batch);
    advice.keeps_up = advice.capacity >= KEEP_UP * spans_a_second(asked);
    return advice;
}

struct hx_tune_advice hx_tune_advise(const struct hx_tune_asked *asked)
{
    struct hx_tune_advice advice = hx_tune_with_batch(asked, HX_TUNE_BATCH_MIN);

    for (size_t batch = 2 * HX_TUNE_BATCH_MIN; batch <= HX_TUNE_BATCH_MAX && !advice.keeps_up;
         batch *= 2)
        advice = hx_tune_with_batch(asked, batch);
    return advice;
}

double hx_tune_burst_period_ns(const struct hx_tune_asked *asked)
{
    return (double)asked->burst / asked->rate * 1e9;
}

double hx_tune_burst_at_once(const struct hx_tune_asked *asked, size_t batch,
                             const struct hx_tune_burst *burst)
{
    double whole = (double)asked->burst * asked->spans + (double)batch;
    double held = burst->high_water + burst->pace * burst->within_ns / 1e9;

    if (held > whole)
        held = whole;
    return held > burst->high_water ? held : burst->high_water;
}

enum hx_tune_made hx_tune_burst_made(const struct hx_tune_asked *asked,
                                     const struct hx_tune_burst *burst)
{
    if (burst->requests == 0 || burst->answered < burst->requests)
        return HX_TUNE_NOT_ANSWERED;
    if (burst->within_ns > 0 &&
        burst->within_ns <= HX_TUNE_BURST_PART * hx_tune_burst_period_ns(asked))
        return HX_TUNE_MADE;
    return HX_TUNE_TOO_SLOW;
}

uint64_t hx_tune_memory(const struct hx_tune_setting *setting)
{
    return (uint64_t)(setting->queue + setting->batch) * HX_TUNE_SPAN_BYTES;
}

/* The time t in which rate * t + 4 * sqrt(rate * t) requests fill the queue. */
static double fills_s(const struct hx_tune_asked *asked, double queue)
{
    double root = sqrt(queue / asked->spans + 4) - 2;

    return root * root / asked->rate;
}

double hx_tune_standstill_s(const struct hx_tune_asked *asked,
                            const struct hx_tune_setting *setting)
{
    double queue = (double)setting->queue, timeout_s = (double)setting->timeout_ms / 1e3;
    double stands_s;

    if (asked->burst > 1)
        stands_s = floor(queue / ((double)asked->burst * asked->spans)) *
                   hx_tune_burst_period_ns(asked) / 1e9;
    else
        stands_s = fills_s(asked, queue);
    return stands_s < timeout_s ? stands_s : timeout_s;
}
