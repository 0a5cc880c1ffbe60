/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/processor/batch_impl.h"
#include "sdk/processor/drop.h"

enum {
    DEFAULT_QUEUE = 2048,
    DEFAULT_BATCH = 512,
    DEFAULT_DELAY_MILLIS = 5000,
    DEFAULT_TIMEOUT_MILLIS = 30000,
    MAX_QUEUE = 1 << 24,
    MAX_LANES = 64,
    TAKE = 64
};

#define GRACE_NS (50 * OTL_NS_PER_MS) /* for a worker that keeps its deadline to say so */

static struct otl_batch *of(struct otel_sdk_processor *processor)
{
    return (struct otl_batch *)processor;
}

void otel_sdk_batch_options_init(struct otel_sdk_batch_options *options)
{
    options->struct_size = sizeof(*options);
    options->max_queue_size = DEFAULT_QUEUE;
    options->max_export_batch_size = DEFAULT_BATCH;
    options->schedule_delay_millis = DEFAULT_DELAY_MILLIS;
    options->export_timeout_millis = DEFAULT_TIMEOUT_MILLIS;
    options->create_thread = NULL;
    options->create_thread_arg = NULL;
    options->more_exporters = NULL;
    options->more_exporter_count = 0;
}

void otl_batch_drop(struct otl_batch *batch, const struct otel_sdk_readable_span *span,
                    enum otel_sdk_drop_reason reason)
{
    otl_drop_span(batch->dropped, batch->host, span, reason);
}

void otl_batch_drop_unsent(struct otl_batch *batch, const struct otel_sdk_readable_span *span)
{
    otl_batch_add(&batch->not_sent, 1);
    otl_batch_drop(batch, span, OTEL_SDK_DROP_EXPORT_TIMEOUT);
}

static void report(struct otl_batch *batch, enum otel_err err, const char *text)
{
    if (batch->host != NULL && batch->host->error != NULL)
        batch->host->error(batch->host->error_arg, err, text);
}

static enum otel_err attach(struct otel_sdk_processor *processor,
                            const struct otel_sdk_processor_host *host)
{
    struct otl_batch *batch = of(processor);

    batch->host = host;
    for (size_t i = 0; i < batch->lane_count; i++)
        batch->lanes[i].batch.resource = host->resource;
    return OTEL_OK;
}

/* --- the producers' side --- */

static void start_again(struct otl_batch *batch)
{
    pthread_mutex_lock(&batch->lock);
    if (!batch->started && otl_worker_start(batch) == OTEL_OK)
        __atomic_store_n(&batch->started, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&batch->lock);
}

static void wake_if_asleep(struct otl_batch *batch)
{
    if (__atomic_load_n(&batch->asleep, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&batch->asleep, false, __ATOMIC_SEQ_CST)) {
        otl_batch_add(&batch->wakes, 1);
        otl_loop_wake(batch->loop);
    }
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    struct otl_batch *batch = of(processor);
    uint64_t count;

    if ((otel_sdk_span_context(span)->flags & OTEL_FLAG_SAMPLED) == 0)
        return;
    if (__builtin_expect(!__atomic_load_n(&batch->started, __ATOMIC_ACQUIRE), 0))
        start_again(batch);
    otel_sdk_readable_span_ref(span);
    switch (otl_queue_push(&batch->queue, span, &count)) {
    case OTL_QUEUE_OK:
        /* While the worker sleeps the head stands still, so exactly one producer sees this
         * count; with no delay every span may be the one that finds it asleep. */
        if (__builtin_expect(count == batch->wake_at || batch->wake_at == 1, 0))
            wake_if_asleep(batch);
        return;
    case OTL_QUEUE_IS_FULL:
        otl_batch_drop(batch, span, OTEL_SDK_DROP_QUEUE_FULL);
        report(batch, OTEL_ERR_LIMIT, "span queue full: span dropped");
        break;
    case OTL_QUEUE_IS_CLOSED:
        otl_batch_drop(batch, span, OTEL_SDK_DROP_AFTER_SHUTDOWN);
        break;
    }
    otel_sdk_readable_span_unref(span);
}

/* --- flush and shutdown --- */

static uint64_t deadline_of(uint32_t timeout_millis)
{
    if (timeout_millis == UINT32_MAX)
        return UINT64_MAX;
    return otl_clock_mono(otl_clock_real()) + timeout_millis * OTL_NS_PER_MS;
}

/* False when the deadline has passed. */
static bool wait_locked(struct otl_batch *batch, uint64_t deadline)
{
    struct timespec until = {(time_t)(deadline / OTL_NS_PER_S), (long)(deadline % OTL_NS_PER_S)};

    if (deadline == UINT64_MAX)
        return pthread_cond_wait(&batch->changed, &batch->lock) == 0;
    return pthread_cond_timedwait(&batch->changed, &batch->lock, &until) != ETIMEDOUT;
}

static bool is_worker_locked(const struct otl_batch *batch)
{
    return batch->worker_runs && pthread_equal(pthread_self(), batch->worker);
}

void otl_batch_flush_failed_locked(struct otl_batch *batch, uint64_t serial, enum otel_err err)
{
    for (struct otl_flusher *flusher = batch->flushers; flusher != NULL; flusher = flusher->next)
        if (flusher->serial > batch->flush_done && flusher->serial <= serial &&
            flusher->err == OTEL_OK)
            flusher->err = err;
}

static enum otel_err wait_for_flush_locked(struct otl_batch *batch, uint64_t deadline)
{
    struct otl_flusher self = {batch->flushers, ++batch->flush_asked, OTEL_OK}, **at;
    bool in_time = true;

    batch->flushers = &self;
    if (deadline > batch->flush_deadline)
        batch->flush_deadline = deadline;
    otl_loop_wake(batch->loop);
    while (batch->flush_done < self.serial && in_time)
        in_time = wait_locked(batch, deadline) || batch->flush_done >= self.serial;
    for (at = &batch->flushers; *at != &self; at = &(*at)->next)
        continue;
    *at = self.next;
    return in_time ? self.err : OTEL_ERR_TIMEOUT;
}

static enum otel_err force_flush(struct otel_sdk_processor *processor, uint32_t timeout_millis)
{
    struct otl_batch *batch = of(processor);
    uint64_t deadline = deadline_of(timeout_millis);
    enum otel_err err;

    pthread_mutex_lock(&batch->lock);
    if (batch->stop || !batch->worker_runs)
        err = batch->stop ? OTEL_ERR_CLOSED : OTEL_OK;
    else if (is_worker_locked(batch))
        err = OTEL_ERR_BLOCKED;
    else
        err = wait_for_flush_locked(batch, deadline);
    pthread_mutex_unlock(&batch->lock);
    return err;
}

static void abandon_lane(struct otl_batch *batch, struct otl_lane *lane)
{
    static const struct otel_sdk_export_result late = {.err = OTEL_ERR_TIMEOUT};
    bool settle;

    pthread_mutex_lock(&batch->lock);
    settle = lane->in_flight;
    lane->in_flight = false;
    pthread_mutex_unlock(&batch->lock);
    if (!settle)
        return;
    (void)otl_account_settle(&lane->account, &late);
    for (size_t i = 0; i < lane->batch.count; i++)
        otl_batch_drop(batch, lane->spans[i], OTEL_SDK_DROP_EXPORT_TIMEOUT);
    otl_batch_less(&batch->in_flight_count, lane->batch.count);
}

/* The worker does not come back from its exporter. What it holds and what is queued is lost by
 * this thread's word; the worker, should it return, finds that out and says nothing. */
static void abandon(struct otl_batch *batch)
{
    struct otel_sdk_readable_span *items[TAKE];
    size_t count = 0;

    pthread_mutex_lock(&batch->lock);
    batch->abandoned = true;
    otl_batch_flush_failed_locked(batch, batch->flush_asked, OTEL_ERR_TIMEOUT);
    batch->flush_done = batch->flush_asked; /* nobody would tell those who wait without a limit */
    pthread_cond_broadcast(&batch->changed);
    pthread_mutex_unlock(&batch->lock);
    for (size_t i = 0; i < batch->lane_count; i++)
        abandon_lane(batch, &batch->lanes[i]);
    while (otl_queue_count(&batch->queue) != 0) {
        count = otl_queue_take(&batch->queue, (void **)items, TAKE);
        for (size_t i = 0; i < count; i++) {
            otl_batch_drop_unsent(batch, items[i]);
            otel_sdk_readable_span_unref(items[i]);
        }
        if (count == 0)
            sched_yield();
    }
}

static enum otel_err shutdown_processor(struct otel_sdk_processor *processor,
                                        uint32_t timeout_millis)
{
    struct otl_batch *batch = of(processor);
    uint64_t deadline = deadline_of(timeout_millis);
    enum otel_err err = OTEL_OK;
    bool gone;

    pthread_mutex_lock(&batch->lock);
    if (is_worker_locked(batch))
        err = OTEL_ERR_BLOCKED;
    else if (batch->stop)
        err = OTEL_ERR_CLOSED;
    if (err != OTEL_OK) {
        pthread_mutex_unlock(&batch->lock);
        return err;
    }
    batch->stop = true;
    batch->stop_deadline = deadline;
    otl_queue_close(&batch->queue);
    if (!batch->worker_runs) { /* the child of a fork that ended no span */
        pthread_mutex_unlock(&batch->lock);
        return OTEL_OK;
    }
    otl_loop_wake(batch->loop);
    while (batch->worker_runs &&
           wait_locked(batch, deadline < UINT64_MAX - GRACE_NS ? deadline + GRACE_NS : UINT64_MAX))
        continue;
    gone = !batch->worker_runs;
    err = gone ? batch->stop_result : OTEL_ERR_TIMEOUT;
    pthread_mutex_unlock(&batch->lock);
    if (gone) {
        pthread_join(batch->worker, NULL);
    } else {
        pthread_detach(batch->worker);
        abandon(batch);
    }
    return err;
}

/* --- life --- */

static uint64_t worker_cpu_locked(const struct otl_batch *batch)
{
    struct timespec cpu;
    clockid_t clock;

    if (!batch->worker_runs || pthread_getcpuclockid(batch->worker, &clock) != 0 ||
        clock_gettime(clock, &cpu) != 0)
        return batch->worker_cpu_ns;
    return (uint64_t)cpu.tv_sec * OTL_NS_PER_S + (uint64_t)cpu.tv_nsec;
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_stats(struct otel_sdk_processor *processor, struct otel_sdk_processor_stats *stats)
{
    struct otl_batch *batch = of(processor);
    uint64_t queued = otl_queue_count(&batch->queue);
    uint64_t high = load(&batch->high_water);

    stats->received += otl_queue_tail(&batch->queue);
    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        stats->dropped[i] += load(&batch->dropped[i]);
    stats->received += load(&batch->dropped[OTEL_SDK_DROP_QUEUE_FULL]) +
                       load(&batch->dropped[OTEL_SDK_DROP_AFTER_SHUTDOWN]);
    if (load(&batch->dropped[OTEL_SDK_DROP_QUEUE_FULL]) != 0)
        high = batch->queue.max;
    for (size_t i = 0; i < batch->lane_count; i++)
        otl_account_add(&batch->lanes[i].account, stats);
    stats->queued += queued;
    stats->in_flight += load(&batch->in_flight_count);
    stats->queue_high_water += high > queued ? high : queued;
    stats->requests += load(&batch->requests);
    stats->bytes += load(&batch->bytes);
    stats->wakes += load(&batch->wakes);
    pthread_mutex_lock(&batch->lock);
    stats->worker_cpu_ns += worker_cpu_locked(batch);
    pthread_mutex_unlock(&batch->lock);
}

static void put_queue(struct otl_batch *batch, const struct otl_component *component,
                      struct otel_sdk_metric_sink *sink)
{
    struct otel_sdk_metric size = {.name = "otel.sdk.processor.span.queue.size",
                                   .unit = "{span}",
                                   .description = "Spans in a processor's queue",
                                   .type = OTEL_SDK_METRIC_UPDOWNCOUNTER,
                                   .value = (int64_t)otl_queue_count(&batch->queue)};
    struct otel_sdk_metric capacity = {.name = "otel.sdk.processor.span.queue.capacity",
                                       .unit = "{span}",
                                       .description = "Spans that a processor's queue can hold",
                                       .type = OTEL_SDK_METRIC_UPDOWNCOUNTER,
                                       .value = (int64_t)batch->queue.max};

    otl_component_put(component, sink, size, NULL);
    otl_component_put(component, sink, capacity, NULL);
}

static void put_metrics(struct otel_sdk_processor *processor, struct otel_sdk_metric_sink *sink)
{
    struct otl_batch *batch = of(processor);
    struct otl_component component;
    uint64_t handed = 0;

    otl_component_init(&component, sink, "batching_span_processor");
    put_queue(batch, &component, sink);
    for (size_t i = 0; i < batch->lane_count; i++)
        handed += otl_account_handed(&batch->lanes[i].account);
    otl_component_put(&component, sink, otl_processed(handed), NULL);
    otl_component_put(&component, sink,
                      otl_processed(load(&batch->dropped[OTEL_SDK_DROP_QUEUE_FULL])), "queue_full");
    otl_component_put(&component, sink,
                      otl_processed(load(&batch->dropped[OTEL_SDK_DROP_AFTER_SHUTDOWN])),
                      "already_shutdown");
    otl_component_put(&component, sink, otl_processed(load(&batch->not_sent)),
                      otel_sdk_drop_name(OTEL_SDK_DROP_EXPORT_TIMEOUT));
    for (size_t i = 0; i < batch->lane_count; i++)
        otl_account_put(&batch->lanes[i].account, batch->lanes[i].exporter, sink);
}

static void init_locks(struct otl_batch *batch)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&batch->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&batch->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void forked(struct otel_sdk_processor *processor)
{
    struct otl_batch *batch = of(processor);

    init_locks(batch);
    otl_queue_forked(&batch->queue);
    if (batch->stop)
        otl_queue_close(&batch->queue);
    batch->started = batch->stop;
    batch->asleep = false;
    batch->worker_runs = false;
    batch->holders = 1;
    batch->flush_asked = batch->flush_done = batch->flush_deadline = 0;
    batch->flushers = NULL; /* of threads that are not here */
    batch->in_flight_count = 0;
    batch->worker_cpu_ns = 0;
    otl_loop_forked(batch->loop);
    batch->loop = NULL; /* and with it the inherited events */
    batch->schedule = batch->retry = NULL;
    batch->pumping = batch->unscheduled = false;
    batch->exporting = 0;
    batch->due = batch->flushing = 0;
    batch->retries = 0;
    batch->requests = batch->bytes = batch->wakes = batch->high_water = batch->not_sent = 0;
    memset(batch->dropped, 0, sizeof(batch->dropped));
    for (size_t i = 0; i < batch->lane_count; i++) {
        struct otl_lane *lane = &batch->lanes[i];
        lane->limit = NULL;
        lane->started = lane->exporting = lane->in_flight = false;
        otl_account_forked(&lane->account);
        if (lane->exporter->ops->forked != NULL)
            lane->exporter->ops->forked(lane->exporter);
    }
}

static void destroy(struct otl_batch *batch)
{
    for (size_t i = 0; i < batch->lane_count; i++) {
        otel_sdk_exporter_free(batch->lanes[i].exporter);
        otl_mem_free(batch->lanes[i].spans);
        otl_account_fini(&batch->lanes[i].account);
    }
    otl_loop_free(batch->loop);
    otl_queue_fini(&batch->queue);
    otl_mem_free(batch->lanes);
    pthread_cond_destroy(&batch->changed);
    pthread_mutex_destroy(&batch->lock);
    otl_mem_free(batch);
}

void otl_batch_release(struct otl_batch *batch)
{
    bool last;

    pthread_mutex_lock(&batch->lock);
    last = --batch->holders == 0;
    pthread_mutex_unlock(&batch->lock);
    if (last)
        destroy(batch);
}

static void free_processor(struct otel_sdk_processor *processor)
{
    otl_batch_release(of(processor));
}

static const struct otel_sdk_processor_ops batch_ops = {
    sizeof(struct otel_sdk_processor_ops),
    attach,
    NULL,
    NULL,
    on_end,
    force_flush,
    shutdown_processor,
    add_stats,
    forked,
    free_processor,
    put_metrics,
};

/* The exporters are the batch's only when all went well. */
static bool make_lanes(struct otl_batch *batch, size_t count)
{
    batch->lanes = otl_mem_zalloc(count * sizeof(batch->lanes[0]));
    if (batch->lanes == NULL)
        return false;
    batch->lane_count = count;
    for (size_t i = 0; i < count; i++) {
        batch->lanes[i].owner = batch;
        otl_account_init(&batch->lanes[i].account);
        batch->lanes[i].spans = otl_mem_alloc(batch->max_batch * sizeof(batch->lanes[i].spans[0]));
        if (batch->lanes[i].spans == NULL)
            return false;
    }
    return true;
}

static struct otl_batch *make(const struct otel_sdk_batch_options *options)
{
    size_t lanes = 1 + options->more_exporter_count;
    struct otl_batch *batch = otl_mem_alloc(sizeof(*batch));

    if (batch == NULL)
        return NULL;
    memset(batch, 0, sizeof(*batch));
    init_locks(batch);
    batch->api.ops = &batch_ops;
    batch->api.span_capacity = options->max_queue_size + lanes * options->max_export_batch_size;
    batch->holders = 1;
    batch->max_batch = options->max_export_batch_size;
    batch->delay_ns = options->schedule_delay_millis * OTL_NS_PER_MS;
    batch->export_timeout_ns = options->export_timeout_millis * OTL_NS_PER_MS;
    batch->threads.create = options->create_thread;
    batch->threads.arg = options->create_thread_arg;
    batch->wake_at = options->schedule_delay_millis != 0 ? batch->max_batch : 1;
    if (otl_queue_init(&batch->queue, options->max_queue_size) != OTEL_OK ||
        !make_lanes(batch, lanes)) {
        destroy(batch);
        return NULL;
    }
    return batch;
}

static bool good_exporters(const struct otel_sdk_batch_options *options)
{
    for (size_t i = 0; i < options->more_exporter_count; i++)
        if (options->more_exporters[i] == NULL)
            return false;
    return options->more_exporter_count < MAX_LANES;
}

enum otel_err otel_sdk_batch_new(const struct otel_sdk_batch_options *options,
                                 struct otel_sdk_exporter *exporter,
                                 struct otel_sdk_processor **ret)
{
    struct otel_sdk_batch_options all;
    struct otl_batch *batch = NULL;
    enum otel_err err;

    otel_sdk_batch_options_init(&all);
    err = otl_options_take(&all, sizeof(all), options);
    options = &all;
    if (exporter == NULL || !good_exporters(options) || options->max_queue_size == 0 ||
        options->max_queue_size > MAX_QUEUE || options->max_export_batch_size == 0 ||
        options->max_export_batch_size > options->max_queue_size)
        err = OTEL_ERR_ARGUMENT;
    if (err == OTEL_OK) {
        batch = make(options);
        err = batch != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    if (err != OTEL_OK) {
        otel_sdk_exporter_free(exporter);
        for (size_t i = 0; i < options->more_exporter_count; i++)
            otel_sdk_exporter_free(options->more_exporters[i]);
        return err;
    }
    batch->lanes[0].exporter = exporter;
    for (size_t i = 0; i < options->more_exporter_count; i++)
        batch->lanes[i + 1].exporter = options->more_exporters[i];
    pthread_mutex_lock(&batch->lock);
    err = otl_worker_start(batch);
    pthread_mutex_unlock(&batch->lock);
    if (err != OTEL_OK) {
        destroy(batch);
        return err;
    }
    batch->started = true;
    *ret = &batch->api;
    return OTEL_OK;
}
