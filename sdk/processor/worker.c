/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/event.h>
#include <sched.h>

#include "sdk/base/clock.h"
#include "sdk/processor/batch_impl.h"

/*
 * The worker of a batch processor. Everything happens in pump(): it looks at what is due, hands
 * out at most one batch a lane, and is called again by whatever may have changed that: done, a
 * timer, a wake.
 */

enum { SPINS = 200, SPINS_TO_FILL = 10, RETRY_MICROS = 1000, RETRIES = 200 };

static void pump(struct otl_batch *batch);

static uint64_t now_ns(void)
{
    return otl_clock_mono(otl_clock_real());
}

/* False without memory for the timer. */
static bool arm(struct event *event, uint64_t delay_ns)
{
    struct timeval delay = {(time_t)(delay_ns / OTL_NS_PER_S),
                            (suseconds_t)(delay_ns % OTL_NS_PER_S / OTL_NS_PER_US)};

    return event_add(event, &delay) == 0;
}

/* In place of a timer: the next turn of the loop, and so on until there is memory for one. */
static void turn_again(struct otl_batch *batch)
{
    sched_yield();
    otl_loop_wake(batch->loop);
}

static void schedule_next(struct otl_batch *batch)
{
    if (batch->delay_ns == 0)
        return;
    batch->unscheduled = !arm(batch->schedule, batch->delay_ns);
    if (batch->unscheduled)
        turn_again(batch);
}

/* The nearer of the export's own deadline and the shutdown's. */
static uint64_t export_deadline(struct otl_batch *batch, uint64_t now)
{
    uint64_t deadline = UINT64_MAX;

    if (batch->export_timeout_ns != 0)
        deadline = now + batch->export_timeout_ns;
    pthread_mutex_lock(&batch->lock);
    if (batch->stop && batch->stop_deadline < deadline)
        deadline = batch->stop_deadline;
    pthread_mutex_unlock(&batch->lock);
    return deadline;
}

/* False without memory for it: nothing would end the export. */
static bool arm_limit(struct otl_lane *lane, uint64_t deadline)
{
    uint64_t now = now_ns();

    lane->limit_ns = deadline;
    if (deadline == UINT64_MAX)
        return event_del(lane->limit) == 0;
    return arm(lane->limit, deadline > now ? deadline - now : 0);
}

/* --- the fate of a batch --- */

static void settle(struct otl_lane *lane, const struct otel_sdk_export_result *result)
{
    struct otl_batch *batch = lane->owner;
    uint64_t count = lane->batch.count, lost = otl_account_settle(&lane->account, result);

    otl_batch_add(&batch->requests, result->requests);
    otl_batch_add(&batch->bytes, result->bytes);
    if (lost == count) {
        enum otel_sdk_drop_reason reason = result->err == OTEL_OK ? OTEL_SDK_DROP_REJECTED
                                           : result->err == OTEL_ERR_TIMEOUT
                                               ? OTEL_SDK_DROP_EXPORT_TIMEOUT
                                               : OTEL_SDK_DROP_EXPORT_FAILED;
        for (size_t i = 0; i < count; i++)
            otl_batch_drop(batch, lane->spans[i], reason);
        return;
    }
    if (lost != 0) {
        struct otel_sdk_drop drop = {OTEL_SDK_DROP_REJECTED, batch->host->index, NULL, NULL, lost};
        otl_batch_add(&batch->dropped[OTEL_SDK_DROP_REJECTED], lost);
        if (batch->host->drop != NULL)
            batch->host->drop(batch->host->drop_arg, &drop);
    }
}

static void export_done(void *arg, const struct otel_sdk_export_result *result)
{
    struct otl_lane *lane = arg;
    struct otl_batch *batch = lane->owner;
    bool mine;

    if (!lane->exporting)
        return; /* an exporter that calls done twice */
    pthread_mutex_lock(&batch->lock);
    mine = lane->in_flight;
    lane->in_flight = false;
    if (batch->stop && batch->stop_result == OTEL_OK)
        batch->stop_result = result->err; /* a shutdown does not hide what it lost */
    if (result->err != OTEL_OK) /* whoever asked for a flush while this was under way, too */
        otl_batch_flush_failed_locked(batch, batch->flush_asked, result->err);
    pthread_mutex_unlock(&batch->lock);
    if (mine) {
        settle(lane, result);
        otl_batch_less(&batch->in_flight_count, lane->batch.count);
    }
    for (size_t i = 0; i < lane->batch.count; i++)
        otel_sdk_readable_span_unref(lane->spans[i]);
    lane->exporting = false;
    batch->exporting--;
    event_del(lane->limit);
    schedule_next(batch);
    pump(batch);
}

static void give_up(struct otl_lane *lane)
{
    if (lane->exporting && lane->exporter->ops->cancel != NULL)
        lane->exporter->ops->cancel(lane->exporter);
}

/* --- steps of pump: each returns true if it did something --- */

static bool stop_asked(struct otl_batch *batch, uint64_t *ret_deadline)
{
    bool stop;

    pthread_mutex_lock(&batch->lock);
    stop = batch->stop;
    *ret_deadline = batch->stop_deadline;
    pthread_mutex_unlock(&batch->lock);
    return stop;
}

/* What the next batch has to have: it is full, or some spans of it are due. Of what came behind
 * those it has what is there. */
static size_t wanted(struct otl_batch *batch, bool stop)
{
    uint64_t head = otl_queue_head(&batch->queue), tail = otl_queue_tail(&batch->queue);
    uint64_t due = stop ? tail : batch->due;

    if (tail - head >= batch->max_batch)
        return batch->max_batch;
    return due > head ? (size_t)(due - head) : 0;
}

/* A cell that is reserved will be filled in a moment: a batch that is full is handed out whole. One
 * that stays empty however often the worker looks, for its thread is gone, keeps no others. */
static bool is_whole(struct otl_batch *batch)
{
    uint64_t deadline;
    size_t count = wanted(batch, stop_asked(batch, &deadline));

    for (int spins = 0; spins < SPINS_TO_FILL; spins++) {
        if (otl_queue_is_filled(&batch->queue, count))
            return true;
        sched_yield();
    }
    return batch->retries >= RETRIES;
}

/* What is there, or at least something, if that comes soon. */
static size_t take(struct otl_lane *lane, bool to_export)
{
    struct otl_batch *batch = lane->owner;
    uint64_t waiting;
    size_t count = 0;

    pthread_mutex_lock(&batch->lock);
    if (!batch->abandoned) {
        waiting = otl_queue_count(&batch->queue);
        if (waiting > __atomic_load_n(&batch->high_water, __ATOMIC_RELAXED))
            __atomic_store_n(&batch->high_water, waiting, __ATOMIC_RELAXED);
        for (int spins = 0; count == 0 && spins < SPINS; spins++) {
            if (spins != 0)
                sched_yield();
            count = otl_queue_take(&batch->queue, (void **)lane->spans, batch->max_batch);
        }
        lane->in_flight = count != 0;
        lane->batch.count = count;
        otl_batch_add(&batch->in_flight_count, count);
        if (to_export && count != 0)
            otl_account_hand(&lane->account, count);
    }
    pthread_mutex_unlock(&batch->lock);
    return count;
}

static enum otel_err start_exporter(struct otl_lane *lane)
{
    struct otel_sdk_exporter *exporter = lane->exporter;
    enum otel_err err = OTEL_OK;

    if (!lane->started && exporter->ops->start != NULL)
        err = exporter->ops->start(exporter, lane->owner->loop);
    lane->started = err == OTEL_OK; /* else the next batch tries again */
    return err;
}

/* The first that is free, so that a quiet processor keeps to one connection. */
static struct otl_lane *free_lane(struct otl_batch *batch)
{
    for (size_t i = 0; i < batch->lane_count; i++)
        if (!batch->lanes[i].exporting)
            return &batch->lanes[i];
    return NULL;
}

static bool export_one(struct otl_batch *batch)
{
    struct otel_sdk_export_result failed = {.err = OTEL_OK};
    struct otl_lane *lane = free_lane(batch);

    if (!is_whole(batch) || take(lane, true) == 0) {
        if (otl_queue_count(&batch->queue) != 0 &&
            !arm(batch->retry, RETRY_MICROS * OTL_NS_PER_US))
            turn_again(batch);
        return false;
    }
    batch->retries = 0;
    lane->batch.spans = (const struct otel_sdk_readable_span *const *)lane->spans;
    lane->batch.deadline_mono_ns = export_deadline(batch, now_ns());
    lane->exporting = true;
    batch->exporting++;
    failed.err = arm_limit(lane, lane->batch.deadline_mono_ns) ? start_exporter(lane)
                                                               : OTEL_ERR_MEMORY;
    if (failed.err != OTEL_OK)
        export_done(lane, &failed);
    else
        lane->exporter->ops->export_batch(lane->exporter, &lane->batch, export_done, lane);
    return true;
}

/* No lane is exporting. */
static void drop_rest(struct otl_batch *batch)
{
    struct otl_lane *lane = &batch->lanes[0];
    size_t count;
    bool mine;

    while (otl_queue_count(&batch->queue) != 0) {
        count = take(lane, false);
        pthread_mutex_lock(&batch->lock);
        mine = lane->in_flight; /* unless a shutdown that waits no longer has counted them */
        lane->in_flight = false;
        pthread_mutex_unlock(&batch->lock);
        for (size_t i = 0; i < count; i++) {
            if (mine)
                otl_batch_drop_unsent(batch, lane->spans[i]);
            otel_sdk_readable_span_unref(lane->spans[i]);
        }
        if (mine)
            otl_batch_less(&batch->in_flight_count, count);
    }
}

/* A flush covers what had ended when it began to be served. */
static void begin_flush(struct otl_batch *batch)
{
    pthread_mutex_lock(&batch->lock);
    if (batch->flushing == 0 && batch->flush_asked > batch->flush_done) {
        batch->flushing = batch->flush_asked;
        batch->due = otl_queue_tail(&batch->queue);
    }
    pthread_mutex_unlock(&batch->lock);
}

/* All that a flush covers has been handed out. */
static bool flush_is_out(struct otl_batch *batch)
{
    return batch->flushing != 0 && otl_queue_head(&batch->queue) >= batch->due;
}

/* No lane is exporting. */
static void finish_flush(struct otl_batch *batch)
{
    enum otel_err err = OTEL_OK;
    uint64_t deadline;

    pthread_mutex_lock(&batch->lock);
    deadline = batch->flush_deadline;
    pthread_mutex_unlock(&batch->lock);
    for (size_t i = 0; i < batch->lane_count; i++) {
        struct otl_lane *lane = &batch->lanes[i];
        enum otel_err flushed;
        if (lane->exporter->ops->force_flush == NULL || start_exporter(lane) != OTEL_OK)
            continue;
        flushed = lane->exporter->ops->force_flush(lane->exporter, deadline);
        if (err == OTEL_OK)
            err = flushed;
    }
    pthread_mutex_lock(&batch->lock);
    if (err != OTEL_OK)
        otl_batch_flush_failed_locked(batch, batch->flushing, err);
    batch->flush_done = batch->flushing;
    if (batch->flush_asked == batch->flush_done)
        batch->flush_deadline = 0;
    pthread_cond_broadcast(&batch->changed);
    pthread_mutex_unlock(&batch->lock);
    batch->flushing = 0;
}

/* True when the worker may end. */
static bool stop_step(struct otl_batch *batch, uint64_t deadline)
{
    enum otel_err err = OTEL_OK;

    if (batch->exporting != 0)
        return false; /* done, or the limit of each lane, calls again */
    if (otl_queue_count(&batch->queue) != 0) {
        if (now_ns() < deadline)
            return false;
        drop_rest(batch);
        err = OTEL_ERR_TIMEOUT;
    }
    for (size_t i = 0; i < batch->lane_count; i++) {
        struct otl_lane *lane = &batch->lanes[i];
        enum otel_err closed;
        if (lane->exporter->ops->shutdown == NULL || start_exporter(lane) != OTEL_OK)
            continue;
        closed = lane->exporter->ops->shutdown(lane->exporter, deadline);
        if (err == OTEL_OK)
            err = closed;
    }
    pthread_mutex_lock(&batch->lock);
    batch->stop_result = err != OTEL_OK ? err : batch->stop_result;
    pthread_mutex_unlock(&batch->lock);
    return true;
}

/* Nothing is due: go to sleep, unless enough came in the meantime. */
static bool stay_awake(struct otl_batch *batch)
{
    __atomic_store_n(&batch->asleep, true, __ATOMIC_SEQ_CST);
    if (otl_queue_count(&batch->queue) < batch->wake_at)
        return false;
    __atomic_store_n(&batch->asleep, false, __ATOMIC_SEQ_CST);
    return true;
}

static bool step(struct otl_batch *batch)
{
    uint64_t deadline, waiting;
    bool stop = stop_asked(batch, &deadline);

    begin_flush(batch);
    if (stop && stop_step(batch, deadline)) {
        otl_loop_stop(batch->loop);
        return false;
    }
    if (flush_is_out(batch)) { /* before anything newer, which may never cease to come */
        if (batch->exporting != 0)
            return false;
        finish_flush(batch);
        return true;
    }
    waiting = otl_queue_count(&batch->queue);
    if (waiting != 0 && (!stop || now_ns() < deadline) &&
        (stop || waiting >= batch->wake_at || otl_queue_head(&batch->queue) < batch->due))
        return export_one(batch);
    return batch->exporting == 0 || !stop ? stay_awake(batch) : false;
}

static void pump(struct otl_batch *batch)
{
    if (batch->pumping)
        return;
    batch->pumping = true;
    __atomic_store_n(&batch->asleep, false, __ATOMIC_SEQ_CST);
    while (free_lane(batch) != NULL && step(batch))
        continue;
    batch->pumping = false;
}

/* --- events --- */

static void on_wake(void *arg)
{
    struct otl_batch *batch = arg;
    uint64_t deadline;

    if (batch->exporting != 0 && stop_asked(batch, &deadline))
        for (size_t i = 0; i < batch->lane_count; i++)
            if (batch->lanes[i].exporting && deadline < batch->lanes[i].batch.deadline_mono_ns &&
                !arm_limit(&batch->lanes[i], deadline))
                give_up(&batch->lanes[i]);
    if (batch->unscheduled)
        schedule_next(batch);
    pump(batch);
}

static void on_schedule(evutil_socket_t fd, short what, void *arg)
{
    struct otl_batch *batch = arg;

    (void)fd, (void)what;
    batch->due = otl_queue_tail(&batch->queue);
    schedule_next(batch);
    pump(batch);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
    struct otl_lane *lane = arg;

    (void)fd, (void)what;
    /* The loop's clock stands still while it works, so that a timer may ring too early. */
    if (now_ns() < lane->limit_ns && arm_limit(lane, lane->limit_ns))
        return;
    give_up(lane);
    pump(lane->owner);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct otl_batch *batch = arg;

    (void)fd, (void)what;
    batch->retries++;
    pump(batch);
}

/* --- life --- */

static void drop_event(struct event **event)
{
    if (*event != NULL)
        event_free(*event);
    *event = NULL;
}

static void free_events(struct otl_batch *batch)
{
    struct event **events[] = {&batch->schedule, &batch->retry};

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        drop_event(events[i]);
    for (size_t i = 0; i < batch->lane_count; i++)
        drop_event(&batch->lanes[i].limit);
}

static void *work(void *arg)
{
    struct otl_batch *batch = arg;

    pthread_setname_np(pthread_self(), "otel-batch");
    schedule_next(batch);
    pump(batch);
    otl_loop_run(batch->loop);
    free_events(batch);
    pthread_mutex_lock(&batch->lock);
    batch->worker_cpu_ns = otl_clock_thread_cpu_ns();
    batch->worker_runs = false;
    if (batch->flush_done != batch->flush_asked) { /* the shutdown has flushed */
        if (batch->stop_result != OTEL_OK)
            otl_batch_flush_failed_locked(batch, batch->flush_asked, batch->stop_result);
        batch->flush_done = batch->flush_asked;
    }
    pthread_cond_broadcast(&batch->changed);
    pthread_mutex_unlock(&batch->lock);
    otl_batch_release(batch);
    return NULL;
}

static enum otel_err make_events(struct otl_batch *batch)
{
    enum otel_err err = otl_loop_new(on_wake, batch, &batch->loop);
    struct event_base *base;

    if (err != OTEL_OK)
        return err;
    base = otl_loop_base(batch->loop);
    batch->schedule = event_new(base, -1, 0, on_schedule, batch);
    batch->retry = event_new(base, -1, 0, on_retry, batch);
    if (batch->schedule == NULL || batch->retry == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < batch->lane_count; i++) {
        struct otl_lane *lane = &batch->lanes[i];
        lane->limit = event_new(base, -1, 0, on_limit, lane);
        if (lane->limit == NULL)
            return OTEL_ERR_MEMORY;
    }
    return OTEL_OK;
}

enum otel_err otl_worker_start(struct otl_batch *batch)
{
    enum otel_err err = make_events(batch);

    if (err == OTEL_OK)
        err = otl_thread_start(&batch->threads, &batch->worker, work, batch);
    if (err != OTEL_OK) {
        free_events(batch);
        otl_loop_free(batch->loop);
        batch->loop = NULL;
        return err;
    }
    batch->worker_runs = true;
    batch->holders++;
    return OTEL_OK;
}
