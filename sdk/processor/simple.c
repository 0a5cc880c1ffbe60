/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/processor.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "sdk/base/clock.h"
#include "sdk/base/loop/loop.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/processor/account.h"
#include "sdk/processor/drop.h"

enum { DEFAULT_TIMEOUT_MILLIS = 30000 };

/* The lock serialises exports; the loop and the exporter belong to whoever holds it. */
struct simple {
    struct otel_sdk_processor api;
    const struct otel_sdk_processor_host *host;
    struct otel_sdk_exporter *exporter;
    uint64_t export_timeout_ns;
    pthread_mutex_t lock;
    uintptr_t owner; /* atomic: the thread that holds the lock, or 0 */
    bool closed;     /* atomic */
    bool stuck;      /* atomic: an export outlived the shutdown; nothing is freed */
    struct otel_sdk_loop *loop;
    bool exporter_started;
    bool done;
    struct otel_sdk_export_result result;
    uint64_t stop_deadline; /* atomic; UINT64_MAX until shutdown */
    /* counters, atomic */
    uint64_t received, dropped[OTEL_SDK_DROP_COUNT];
    uint64_t not_sent[OTEL_SDK_DROP_COUNT]; /* of these, what the exporter was not given */
    uint64_t requests, bytes, in_flight;
    struct otl_account account;
};

static struct simple *of(struct otel_sdk_processor *processor)
{
    return (struct simple *)processor;
}

void otel_sdk_simple_options_init(struct otel_sdk_simple_options *options)
{
    options->struct_size = sizeof(*options);
    options->export_timeout_millis = DEFAULT_TIMEOUT_MILLIS;
}

static void add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static uint64_t now_ns(void)
{
    return otl_clock_mono(otl_clock_real());
}

static void drop(struct simple *simple, const struct otel_sdk_readable_span *span,
                 enum otel_sdk_drop_reason reason)
{
    otl_drop_span(simple->dropped, simple->host, span, reason);
}

static void drop_unsent(struct simple *simple, const struct otel_sdk_readable_span *span,
                        enum otel_sdk_drop_reason reason)
{
    add(&simple->not_sent[reason], 1);
    drop(simple, span, reason);
}

static enum otel_err attach(struct otel_sdk_processor *processor,
                            const struct otel_sdk_processor_host *host)
{
    of(processor)->host = host;
    return OTEL_OK;
}

static bool is_owner(struct simple *simple)
{
    return __atomic_load_n(&simple->owner, __ATOMIC_RELAXED) == (uintptr_t)pthread_self();
}

static int lock_by(pthread_mutex_t *lock, uint64_t deadline_mono_ns)
{
#ifdef __SANITIZE_THREAD__ /* which does not know pthread_mutex_clocklock() */
    uint64_t now = otl_clock_mono(otl_clock_real());
    uint64_t left = deadline_mono_ns > now ? deadline_mono_ns - now : 0;
    uint64_t at = otl_clock_wall(otl_clock_real()) + left;
    struct timespec until = {(time_t)(at / OTL_NS_PER_S), (long)(at % OTL_NS_PER_S)};

    return pthread_mutex_timedlock(lock, &until);
#else
    struct timespec until = {(time_t)(deadline_mono_ns / OTL_NS_PER_S),
                             (long)(deadline_mono_ns % OTL_NS_PER_S)};

    return pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until);
#endif
}

static bool lock_until(struct simple *simple, uint64_t deadline)
{
    int failed = deadline == UINT64_MAX ? pthread_mutex_lock(&simple->lock)
                                        : lock_by(&simple->lock, deadline);

    if (failed != 0)
        return false;
    __atomic_store_n(&simple->owner, (uintptr_t)pthread_self(), __ATOMIC_RELAXED);
    return true;
}

static void unlock(struct simple *simple)
{
    __atomic_store_n(&simple->owner, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&simple->lock);
}

static void nothing_to_wake(void *arg)
{
    (void)arg; /* a shutdown wakes the loop; run_until then looks at the deadline again */
}

static enum otel_err start_exporter(struct simple *simple)
{
    enum otel_err err = OTEL_OK;

    if (simple->loop == NULL)
        err = otl_loop_new(nothing_to_wake, simple, &simple->loop);
    if (err != OTEL_OK || simple->exporter_started)
        return err;
    if (simple->exporter->ops->start != NULL)
        err = simple->exporter->ops->start(simple->exporter, simple->loop);
    simple->exporter_started = err == OTEL_OK; /* else the next span tries again */
    return err;
}

static void export_done(void *arg, const struct otel_sdk_export_result *result)
{
    struct simple *simple = arg;

    simple->result = *result;
    simple->done = true;
}

static void settle(struct simple *simple, const struct otel_sdk_readable_span *span)
{
    const struct otel_sdk_export_result *result = &simple->result;

    add(&simple->requests, result->requests);
    add(&simple->bytes, result->bytes);
    if (otl_account_settle(&simple->account, result) == 0)
        return;
    if (result->err == OTEL_OK)
        drop(simple, span, OTEL_SDK_DROP_REJECTED);
    else if (result->err == OTEL_ERR_TIMEOUT)
        drop(simple, span, OTEL_SDK_DROP_EXPORT_TIMEOUT);
    else
        drop(simple, span, OTEL_SDK_DROP_EXPORT_FAILED);
}

static void export_locked(struct simple *simple, const struct otel_sdk_readable_span *span,
                          uint64_t end_by)
{
    struct otel_sdk_exporter *exporter = simple->exporter;
    const struct otel_sdk_readable_span *const spans[1] = {span};
    struct otel_sdk_batch batch = {spans, 1, simple->host->resource, end_by};

    memset(&simple->result, 0, sizeof(simple->result));
    simple->done = false;
    otl_account_hand(&simple->account, 1);
    simple->result.err = start_exporter(simple);
    if (simple->result.err == OTEL_OK) {
        __atomic_store_n(&simple->in_flight, 1, __ATOMIC_RELAXED);
        exporter->ops->export_batch(exporter, &batch, export_done, simple);
        while (!simple->done) {
            uint64_t stop = __atomic_load_n(&simple->stop_deadline, __ATOMIC_ACQUIRE);
            uint64_t deadline = stop < batch.deadline_mono_ns ? stop : batch.deadline_mono_ns;
            uint64_t step = now_ns() + 100 * OTL_NS_PER_MS; /* to see a shutdown's deadline */
            if (otl_loop_run_until(simple->loop, &simple->done, deadline < step ? deadline : step))
                break;
            if (now_ns() >= deadline && exporter->ops->cancel != NULL)
                exporter->ops->cancel(exporter);
        }
        __atomic_store_n(&simple->in_flight, 0, __ATOMIC_RELAXED);
    }
    settle(simple, span);
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    struct simple *simple = of(processor);
    uint64_t end_by = UINT64_MAX;

    if ((otel_sdk_span_context(span)->flags & OTEL_FLAG_SAMPLED) == 0)
        return;
    add(&simple->received, 1);
    if (is_owner(simple)) { /* a span ended by the exporter itself: never export from export */
        drop_unsent(simple, span, OTEL_SDK_DROP_EXPORT_FAILED);
        return;
    }
    if (simple->export_timeout_ns != 0)
        end_by = now_ns() + simple->export_timeout_ns; /* waiting for other threads' included */
    if (!lock_until(simple, end_by)) {
        drop_unsent(simple, span, OTEL_SDK_DROP_EXPORT_TIMEOUT);
        return;
    }
    if (__atomic_load_n(&simple->closed, __ATOMIC_ACQUIRE))
        drop_unsent(simple, span, OTEL_SDK_DROP_AFTER_SHUTDOWN);
    else
        export_locked(simple, span, end_by);
    unlock(simple);
}

static uint64_t deadline_of(uint32_t timeout_millis)
{
    return timeout_millis == UINT32_MAX ? UINT64_MAX : now_ns() + timeout_millis * OTL_NS_PER_MS;
}

static enum otel_err force_flush(struct otel_sdk_processor *processor, uint32_t timeout_millis)
{
    struct simple *simple = of(processor);
    uint64_t deadline = deadline_of(timeout_millis);
    enum otel_err err = OTEL_OK;

    if (is_owner(simple))
        return OTEL_ERR_BLOCKED;
    if (!lock_until(simple, deadline))
        return OTEL_ERR_TIMEOUT;
    if (__atomic_load_n(&simple->closed, __ATOMIC_ACQUIRE))
        err = OTEL_ERR_CLOSED;
    else if (simple->exporter->ops->force_flush != NULL && simple->exporter_started)
        err = simple->exporter->ops->force_flush(simple->exporter, deadline);
    unlock(simple);
    return err;
}

static enum otel_err shutdown_processor(struct otel_sdk_processor *processor,
                                        uint32_t timeout_millis)
{
    struct simple *simple = of(processor);
    uint64_t deadline = deadline_of(timeout_millis);
    enum otel_err err = OTEL_OK;

    if (is_owner(simple))
        return OTEL_ERR_BLOCKED;
    if (__atomic_exchange_n(&simple->closed, true, __ATOMIC_ACQ_REL))
        return OTEL_ERR_CLOSED;
    __atomic_store_n(&simple->stop_deadline, deadline, __ATOMIC_RELEASE);
    /* An export in progress looks at stop_deadline every 100 ms and is cancelled then. */
    if (!lock_until(simple, deadline < UINT64_MAX - OTL_NS_PER_S ? deadline + 150 * OTL_NS_PER_MS
                                                                 : UINT64_MAX)) {
        __atomic_store_n(&simple->stuck, true, __ATOMIC_RELEASE);
        return OTEL_ERR_TIMEOUT;
    }
    if (simple->exporter->ops->shutdown != NULL && simple->exporter_started)
        err = simple->exporter->ops->shutdown(simple->exporter, deadline);
    unlock(simple);
    return err;
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_stats(struct otel_sdk_processor *processor, struct otel_sdk_processor_stats *stats)
{
    struct simple *simple = of(processor);

    stats->received += load(&simple->received);
    otl_account_add(&simple->account, stats);
    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        stats->dropped[i] += load(&simple->dropped[i]);
    stats->in_flight += load(&simple->in_flight);
    stats->requests += load(&simple->requests);
    stats->bytes += load(&simple->bytes);
}

static void put_metrics(struct otel_sdk_processor *processor, struct otel_sdk_metric_sink *sink)
{
    static const enum otel_sdk_drop_reason reasons[] = {
        OTEL_SDK_DROP_AFTER_SHUTDOWN, OTEL_SDK_DROP_EXPORT_TIMEOUT, OTEL_SDK_DROP_EXPORT_FAILED};
    struct simple *simple = of(processor);
    struct otl_component component;

    otl_component_init(&component, sink, "simple_span_processor");
    otl_component_put(&component, sink, otl_processed(otl_account_handed(&simple->account)), NULL);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        otl_component_put(&component, sink, otl_processed(load(&simple->not_sent[reasons[i]])),
                          reasons[i] == OTEL_SDK_DROP_AFTER_SHUTDOWN
                              ? "already_shutdown"
                              : otel_sdk_drop_name(reasons[i]));
    otl_account_put(&simple->account, simple->exporter, sink);
}

static void forked(struct otel_sdk_processor *processor)
{
    struct simple *simple = of(processor);

    pthread_mutex_init(&simple->lock, NULL);
    simple->owner = 0;
    otl_loop_forked(simple->loop);
    simple->loop = NULL;
    simple->exporter_started = false;
    simple->received = simple->requests = simple->bytes = simple->in_flight = 0;
    memset(simple->dropped, 0, sizeof(simple->dropped));
    memset(simple->not_sent, 0, sizeof(simple->not_sent));
    otl_account_forked(&simple->account);
    if (simple->exporter->ops->forked != NULL)
        simple->exporter->ops->forked(simple->exporter);
}

/* False: a thread is still inside. Else it has come back since the shutdown, which did not get
 * to the exporter. */
static bool shut_down_late(struct simple *simple)
{
    if (pthread_mutex_trylock(&simple->lock) != 0)
        return false;
    __atomic_store_n(&simple->owner, (uintptr_t)pthread_self(), __ATOMIC_RELAXED);
    if (simple->exporter_started && simple->exporter->ops->shutdown != NULL)
        (void)simple->exporter->ops->shutdown(simple->exporter, now_ns());
    unlock(simple);
    return true;
}

static void free_processor(struct otel_sdk_processor *processor)
{
    struct simple *simple = of(processor);

    if (__atomic_load_n(&simple->stuck, __ATOMIC_ACQUIRE) && !shut_down_late(simple))
        return; /* nothing is freed under it */
    otel_sdk_exporter_free(simple->exporter);
    otl_loop_free(simple->loop);
    otl_account_fini(&simple->account);
    pthread_mutex_destroy(&simple->lock);
    otl_mem_free(simple);
}

static const struct otel_sdk_processor_ops simple_ops = {
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

enum otel_err otel_sdk_simple_new(const struct otel_sdk_simple_options *options,
                                  struct otel_sdk_exporter *exporter,
                                  struct otel_sdk_processor **ret)
{
    struct otel_sdk_simple_options all;
    struct simple *simple;

    otel_sdk_simple_options_init(&all);
    if (exporter == NULL || otl_options_take(&all, sizeof(all), options) != OTEL_OK) {
        otel_sdk_exporter_free(exporter);
        return OTEL_ERR_ARGUMENT;
    }
    simple = otl_mem_zalloc(sizeof(*simple));
    if (simple == NULL) {
        otel_sdk_exporter_free(exporter);
        return OTEL_ERR_MEMORY;
    }
    simple->api.ops = &simple_ops;
    simple->api.span_capacity = 0;
    simple->exporter = exporter;
    simple->export_timeout_ns = all.export_timeout_millis * OTL_NS_PER_MS;
    simple->stop_deadline = UINT64_MAX;
    otl_account_init(&simple->account);
    pthread_mutex_init(&simple->lock, NULL);
    *ret = &simple->api;
    return OTEL_OK;
}
