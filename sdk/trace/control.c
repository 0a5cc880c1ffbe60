/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/provider.h>

#include "sdk/base/clock.h"
#include "sdk/trace/provider_impl.h"

/* Flush, shutdown, counters: what a program does with a whole provider, or with none (NULL). */

static uint64_t deadline_of(uint32_t timeout_millis)
{
    if (timeout_millis == OTEL_SDK_NO_TIMEOUT)
        return UINT64_MAX;
    return otl_clock_mono(otl_clock_real()) + timeout_millis * OTL_NS_PER_MS;
}

/* An equal share of what is left, so that one that hangs does not starve those behind it. */
static uint32_t share_of(uint64_t deadline, size_t sharers)
{
    uint64_t now = otl_clock_mono(otl_clock_real());

    if (deadline == UINT64_MAX)
        return OTEL_SDK_NO_TIMEOUT;
    if (now >= deadline)
        return 0;
    return (uint32_t)((deadline - now + OTL_NS_PER_MS - 1) / OTL_NS_PER_MS / sharers);
}

enum otel_err otel_sdk_provider_force_flush(struct otel_sdk_provider *provider,
                                            uint32_t timeout_millis)
{
    uint64_t deadline = deadline_of(timeout_millis);
    struct otl_processors *processors;
    enum otel_err result = OTEL_OK;

    if (provider == NULL)
        return OTEL_OK;
    if (__atomic_load_n(&provider->shut_down, __ATOMIC_ACQUIRE))
        return OTEL_ERR_CLOSED;
    processors = __atomic_load_n(&provider->processors, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < processors->count; i++) {
        struct otel_sdk_processor *processor = processors->items[i];
        enum otel_err err =
            processor->ops->force_flush != NULL
                ? processor->ops->force_flush(processor, share_of(deadline, processors->count - i))
                : OTEL_OK;
        if (result == OTEL_OK)
            result = err;
    }
    return result;
}

enum otel_err otel_sdk_provider_shutdown(struct otel_sdk_provider *provider,
                                         uint32_t timeout_millis)
{
    uint64_t deadline = deadline_of(timeout_millis);
    struct otl_processors *processors;
    enum otel_err result = OTEL_OK;
    bool was_shut_down, blocked = false;

    if (provider == NULL)
        return OTEL_OK;
    pthread_mutex_lock(&provider->lock);
    was_shut_down = __atomic_exchange_n(&provider->shut_down, true, __ATOMIC_ACQ_REL);
    processors = provider->processors;
    pthread_mutex_unlock(&provider->lock);
    if (was_shut_down)
        return OTEL_ERR_CLOSED;
    for (size_t i = 0; i < processors->count; i++) {
        struct otel_sdk_processor *processor = processors->items[i];
        enum otel_err err =
            processor->ops->shutdown != NULL
                ? processor->ops->shutdown(processor, share_of(deadline, processors->count - i))
                : OTEL_OK;
        blocked = blocked || err == OTEL_ERR_BLOCKED;
        if (result == OTEL_OK && err != OTEL_ERR_CLOSED) /* closed by a call that was blocked */
            result = err;
    }
    if (!blocked)
        return result;
    /* called from inside of a processor, which runs on: let the call from outside act */
    __atomic_store_n(&provider->shut_down, false, __ATOMIC_RELEASE);
    return OTEL_ERR_BLOCKED;
}

bool otel_sdk_provider_processor_stats(struct otel_sdk_provider *provider, unsigned index,
                                       struct otel_sdk_processor_stats *ret_stats)
{
    struct otl_processors *processors;
    struct otel_sdk_processor *processor;

    memset(ret_stats, 0, sizeof(*ret_stats));
    if (provider == NULL)
        return false;
    processors = __atomic_load_n(&provider->processors, __ATOMIC_ACQUIRE);
    if (index >= processors->count)
        return false;
    processor = processors->items[index];
    if (processor->ops->stats != NULL)
        processor->ops->stats(processor, ret_stats);
    return true;
}

static void add(struct otel_sdk_processor_stats *total, const struct otel_sdk_processor_stats *one)
{
    total->received += one->received;
    total->exported += one->exported;
    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        total->dropped[i] += one->dropped[i];
    total->queued += one->queued;
    total->in_flight += one->in_flight;
    if (one->queue_high_water > total->queue_high_water)
        total->queue_high_water = one->queue_high_water;
    total->batches += one->batches;
    total->requests += one->requests;
    total->bytes += one->bytes;
    total->export_latency_sum_ns += one->export_latency_sum_ns;
    if (one->export_latency_max_ns > total->export_latency_max_ns)
        total->export_latency_max_ns = one->export_latency_max_ns;
    total->worker_cpu_ns += one->worker_cpu_ns;
    total->wakes += one->wakes;
}

static uint64_t started(const uint64_t *counts, enum otl_fate fate)
{
    uint64_t sum = 0;

    for (int origin = 0; origin < OTL_ORIGINS; origin++)
        sum += counts[otl_started(fate, (enum otl_origin)origin)];
    return sum;
}

static void fill(struct otel_sdk_stats *stats, const uint64_t *counts)
{
    stats->record_only = started(counts, OTL_FATE_RECORD_ONLY);
    stats->sampled = started(counts, OTL_FATE_SAMPLED);
    stats->no_memory = started(counts, OTL_FATE_SAMPLED_LOST);
    stats->not_recorded = started(counts, OTL_FATE_DROP) + stats->no_memory +
                          started(counts, OTL_FATE_RECORD_ONLY_LOST);
    stats->started = stats->not_recorded + stats->record_only + stats->sampled;
    stats->ended = counts[OTL_COUNT_ENDED] + counts[OTL_COUNT_ENDED + 1];
    stats->abandoned = counts[OTL_COUNT_ABANDONED] + counts[OTL_COUNT_ABANDONED + 1];
    stats->attributes_dropped = counts[OTL_COUNT_ATTRIBUTES_DROPPED];
    stats->events_dropped = counts[OTL_COUNT_EVENTS_DROPPED];
    stats->links_dropped = counts[OTL_COUNT_LINKS_DROPPED];
    stats->total.dropped[OTEL_SDK_DROP_NO_MEMORY] += stats->no_memory;
}

void otel_sdk_provider_stats(struct otel_sdk_provider *provider, struct otel_sdk_stats *ret_stats)
{
    struct otel_sdk_processor_stats one;
    struct otel_sdk_stats stats;
    uint64_t counts[OTL_COUNTS] = {0};
    size_t size = ret_stats->struct_size;

    memset(&stats, 0, sizeof(stats));
    for (unsigned i = 0; otel_sdk_provider_processor_stats(provider, i, &one); i++)
        add(&stats.total, &one);
    if (provider != NULL)
        otl_local_sum(provider, counts);
    stats.struct_size = size;
    fill(&stats, counts);
    memcpy(ret_stats, &stats, size < sizeof(stats) ? size : sizeof(stats));
}

const char *otel_sdk_drop_name(enum otel_sdk_drop_reason reason)
{
    switch (reason) {
#define NAME_CASE(code, name)                                                                      \
    case code:                                                                                     \
        return name;
        OTEL_SDK_DROP_LIST(NAME_CASE)
#undef NAME_CASE
    case OTEL_SDK_DROP_COUNT:
        break;
    }
    return "unknown";
}
