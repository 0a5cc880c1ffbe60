/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/sender.h"

#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/config/version.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

#define FLUSH_NS (30 * OTL_NS_PER_S)
#define LOOK_UP_AGAIN_NS (20 * OTL_NS_PER_MS)

static const char *const drop_names[COL_DROP_COUNT] = {
    "queue_full", "too_large", "queue_bytes",        "no_memory",         "cancelled",
    "refused",    "retries_turned_off", "retries_exhausted", "shutdown"};

/* A consumer. */
struct slot {
    struct col_sender *sender;
    struct col_queue_job *job; /* NULL: idle */
    struct event *timer; /* until the next attempt */
    bool waiting, cancelled;
    uint64_t first_ns;    /* when the first attempt began */
    uint64_t interval_ns; /* of the back-off */
};

struct col_sender {
    struct col_sender_options options;
    const struct col_otlp_settings *settings; /* as in options, and so are these */
    struct col_host *host;
    const char *id;
    struct slot *slots;
    struct otl_random random;
    struct col_queue *queue;
    unsigned busy;  /* slots with a job */
    bool draining;  /* no attempt is repeated */
    bool stopped;   /* nothing is taken from the queue */
    bool failing;
    bool taking, more; /* jobs are being taken; and there may be further ones */
    uint64_t *sent, *send_failed, *enqueue_failed, *retries, *rejected, *drops[COL_DROP_COUNT];
    uint64_t *queue_size, *in_flight, *blocked;
    /* NULL: not shown */
    struct col_histogram *enqueued, *enqueued_bytes, *batch_sizes, *batch_bytes;
};

/* ---- counting ---- */

static void show(const struct col_sender *sender)
{
    *sender->queue_size = col_queue_size(sender->queue);
    *sender->blocked = col_queue_blocked(sender->queue);
    *sender->in_flight = sender->busy;
}

/* Once for each time that things begin to go wrong. */
static void say_failing(struct col_sender *sender, const char *what, const char *why)
{
    if (!sender->failing)
        otl_log_line(&sender->host->log, OTL_LOG_WARN, "exporter '%s': %s: %s", sender->id, what,
                     why);
    sender->failing = true;
}

static void say_well(struct col_sender *sender)
{
    if (sender->failing)
        otl_log_line(&sender->host->log, OTL_LOG_INFO, "exporter '%s': is sending again",
                     sender->id);
    sender->failing = false;
}

/* By the exporter alone, whatever the signal. */
static struct col_histogram *measure(struct col_sender *sender, const char *name, bool bytes,
                                     const char *help)
{
    struct col_histogram_options options = {
        name, "", help, bytes ? col_bounds_of_bytes : col_bounds_of_items,
        bytes ? COL_BOUNDS_OF_BYTES : COL_BOUNDS_OF_ITEMS};
    char labels[200];

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", sender->id);
    options.labels = labels;
    return col_metrics_histogram(sender->host->metrics, &options);
}

/* What the sending queue takes and what it sends together: which of it is shown changed. */
static void measure_sizes(struct col_sender *sender)
{
    unsigned version = sender->host->as_version;
    bool detailed = sender->host->metrics_level >= COL_METRICS_DETAILED;

    if (sender->settings->queue.enabled && detailed && !col_version_before(version, 159)) {
        sender->enqueued = measure(sender, "otelcol_exporter_enqueue_size", false,
                                 "Spans, points or records in a request for the sending queue.");
        sender->enqueued_bytes = measure(sender, "otelcol_exporter_enqueue_size_bytes", true,
                                       "Bytes in a request for the sending queue.");
    }
    if (sender->settings->queue.batches && (detailed || col_version_before(version, 144)))
        sender->batch_sizes = measure(sender, "otelcol_exporter_queue_batch_send_size", false,
                                    "Spans, points or records in a batch that is sent.");
    if (sender->settings->queue.batches && detailed)
        sender->batch_bytes = measure(sender, "otelcol_exporter_queue_batch_send_size_bytes", true,
                                    "Bytes in a batch that is sent.");
}

static bool count(struct col_sender *sender)
{
    const enum col_signal signal = sender->settings->signal;
    struct col_host *host = sender->host;
    struct col_metrics *metrics = host->metrics;
    char labels[200];
    bool all = true;

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", sender->id);
    sender->sent = col_host_items(host, signal, "otelcol_exporter_sent", labels,
                                "What the exporter wrote or sent.");
    sender->send_failed = col_host_items(host, signal, "otelcol_exporter_send_failed", labels,
                                       "What the exporter could not write or send.");
    sender->enqueue_failed = col_host_items(host, signal, "otelcol_exporter_enqueue_failed", labels,
                                          "What the sending queue did not take.");
    sender->retries = col_metrics_counter(metrics, "collector_mock_exporter_retries", labels,
                                        "Attempts after the first one of a request.");
    sender->rejected =
        col_host_items(host, signal, "collector_mock_exporter_rejected", labels,
                       "What was sent and the next collector has not taken (partial success).");
    measure_sizes(sender);
    snprintf(labels, sizeof(labels), "exporter=\"%s\",data_type=\"%s\"", sender->id,
             col_signal_name(signal));
    sender->queue_size = col_metrics_gauge(metrics, "otelcol_exporter_queue_size", labels,
                                         "What the sending queue holds, by its sizer.");
    sender->in_flight = col_metrics_gauge(metrics, "otelcol_exporter_in_flight_requests", labels,
                                        "Requests that a consumer has in hand.");
    sender->blocked =
        col_metrics_gauge(metrics, "collector_mock_exporter_blocked_requests", labels,
                          "Requests that wait for room in the sending queue.");
    for (size_t i = 0; i < COL_DROP_COUNT; i++) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",reason=\"%s\"", sender->id,
                 drop_names[i]);
        sender->drops[i] = col_host_items(host, signal, "collector_mock_exporter_dropped", labels,
                                        "What was not sent on, by reason.");
        all = all && sender->drops[i] != NULL;
    }
    return all && sender->sent != NULL && sender->send_failed != NULL &&
           sender->enqueue_failed != NULL && sender->retries != NULL && sender->rejected != NULL &&
           sender->queue_size != NULL && sender->in_flight != NULL && sender->blocked != NULL;
}

/* ---- consumers ---- */

static unsigned number(const struct slot *slot)
{
    return (unsigned)(slot - slot->sender->slots);
}

/* The job has ended; the slot may have the next one afterwards. */
static void finish(struct slot *slot, enum otel_err err, const char *text)
{
    struct col_sender *sender = slot->sender;
    struct col_queue_job *job = slot->job;

    slot->job = NULL;
    slot->waiting = false;
    sender->busy--;
    if (sender->options.over != NULL)
        sender->options.over(sender->options.context, number(slot));
    col_queue_end(sender->queue, job, err, text);
    show(sender);
}

static void drop(struct slot *slot, enum col_queue_drop reason, const char *why)
{
    struct col_sender *sender = slot->sender;
    bool good = reason != COL_DROP_REFUSED && reason != COL_DROP_MEMORY;
    char text[256];

    say_failing(sender, "data are dropped", why);
    *sender->drops[reason] += slot->job->spans;
    *sender->send_failed += slot->job->spans;
    /* the Collector's words for who waits */
    snprintf(text, sizeof(text), "%s%s",
             reason == COL_DROP_REFUSED   ? "not retryable error: Permanent error: "
             : reason == COL_DROP_RETRIES ? "no more retries left: "
                                          : "",
             why);
    finish(slot, good ? OTEL_ERR_UNAVAILABLE : OTEL_ERR_REFUSED, text);
}

/* Settings may ask for no pause at all (initial_interval: 0s); the loop takes one. */
static void wait_for(struct slot *slot, uint64_t wait_ns)
{
    uint64_t pause_ns = wait_ns > OTL_NS_PER_MS ? wait_ns : OTL_NS_PER_MS;
    const struct timeval after = {(time_t)(pause_ns / OTL_NS_PER_S),
                                  (suseconds_t)(pause_ns % OTL_NS_PER_S / 1000)};

    slot->waiting = true;
    event_add(slot->timer, &after);
}

/* The back-off around its interval, or what the server asked for if that is longer. */
static uint64_t next_wait(struct slot *slot, const struct col_otlp_answer *answer)
{
    struct col_sender *sender = slot->sender;
    double around = sender->settings->retry.randomization;
    double factor = 1 - around + 2 * around * otl_random_unit(&sender->random);
    uint64_t wait_ns = (uint64_t)((double)slot->interval_ns * factor);
    double grown = (double)slot->interval_ns * sender->settings->retry.multiplier;

    slot->interval_ns = grown < (double)sender->settings->retry.max_ns
                            ? (uint64_t)grown
                            : sender->settings->retry.max_ns;
    return answer->throttled && answer->throttle_ns > wait_ns ? answer->throttle_ns : wait_ns;
}

static void try_again(struct slot *slot, const struct col_otlp_answer *answer)
{
    struct col_sender *sender = slot->sender;
    uint64_t max_ns = sender->settings->retry.max_elapsed_ns;
    uint64_t spent_ns = otl_clock_mono(sender->host->clock) - slot->first_ns, wait_ns;

    if (sender->draining) {
        drop(slot, COL_DROP_SHUTDOWN, answer->why);
    } else if (slot->cancelled) {
        drop(slot, COL_DROP_CANCELLED, "context canceled");
    } else if (answer->look_ups_busy && spent_ns < 300 * OTL_NS_PER_S) {
        wait_for(slot, LOOK_UP_AGAIN_NS);
    } else if (!sender->settings->retry.enabled) {
        drop(slot, COL_DROP_NO_RETRY, answer->why);
    } else {
        wait_ns = next_wait(slot, answer);
        if (max_ns > 0 && spent_ns + wait_ns > max_ns) {
            drop(slot, COL_DROP_RETRIES, answer->why);
            return;
        }
        say_failing(sender, "will try again", answer->why);
        wait_for(slot, wait_ns);
    }
}

static void attempt(struct slot *slot)
{
    const struct col_otlp_answer no_memory = {.verdict = COL_OTLP_AGAIN, .why = "out of memory"};
    struct col_sender *sender = slot->sender;
    uint64_t timeout_ns = sender->settings->timeout_ns;
    uint64_t deadline_ns =
        timeout_ns > 0 ? otl_clock_mono(sender->host->clock) + timeout_ns : UINT64_MAX;

    slot->waiting = false;
    if (sender->options.attempt(sender->options.context, number(slot), slot->job, deadline_ns) !=
        OTEL_OK)
        try_again(slot, &no_memory);
}

static bool prepare(struct slot *slot)
{
    const struct col_sender_options *options = &slot->sender->options;

    return options->prepare == NULL ||
           options->prepare(options->context, number(slot), slot->job->request) == OTEL_OK;
}

static void take_next(struct slot *slot)
{
    struct col_sender *sender = slot->sender;

    while (slot->job == NULL && !sender->stopped) {
        struct col_queue_job *job = col_queue_take(sender->queue);
        if (job == NULL)
            return;
        slot->job = job;
        slot->cancelled = false;
        sender->busy++;
        col_histogram_observe(sender->batch_sizes, (double)job->spans);
        col_histogram_observe(sender->batch_bytes, (double)job->request.len);
        slot->first_ns = otl_clock_mono(sender->host->clock);
        slot->interval_ns = sender->settings->retry.initial_ns;
        if (prepare(slot))
            attempt(slot);
        else
            drop(slot, COL_DROP_MEMORY, "the request cannot be made");
    }
}

/* Give the idle ones something to do, the first ones first: few connections while there is little.
 * An attempt that is answered at once makes room, and so may ask for this from within. */
static void take_jobs(struct col_sender *sender)
{
    sender->more = true;
    if (sender->taking)
        return;
    sender->taking = true;
    while (sender->more) {
        sender->more = false;
        for (unsigned i = 0; i < sender->settings->queue.consumers; i++)
            if (sender->slots[i].job == NULL)
                take_next(&sender->slots[i]);
    }
    sender->taking = false;
    show(sender);
}

void col_sender_answer(struct col_sender *sender, unsigned consumer,
                       const struct col_otlp_answer *answer)
{
    struct slot *slot = &sender->slots[consumer];
    uint64_t spans = slot->job->spans;

    if (answer->verdict == COL_OTLP_AGAIN) {
        try_again(slot, answer);
    } else if (answer->verdict == COL_OTLP_REFUSED) {
        drop(slot, COL_DROP_REFUSED, answer->why);
    } else {
        *sender->sent += spans - answer->left_out;
        *sender->rejected += answer->rejected < spans ? answer->rejected : spans;
        say_well(sender);
        finish(slot, OTEL_OK, "");
    }
    take_jobs(sender);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct slot *slot = arg;

    (void)fd;
    (void)what;
    ++*slot->sender->retries;
    attempt(slot);
    take_jobs(slot->sender);
}

/* ---- queue ---- */

static void on_job(void *context)
{
    take_jobs(context);
}

static void on_drop(void *context, enum col_queue_drop reason, uint64_t spans, bool enqueue)
{
    struct col_sender *sender = context;

    *sender->drops[reason] += spans;
    *(enqueue ? sender->enqueue_failed : sender->send_failed) += spans;
    say_failing(sender, enqueue ? "refuses data" : "data are dropped", drop_names[reason]);
    show(sender);
}

/* What only waits for another attempt is given up; what is under way is not tried again. */
static void on_cancel(void *context, struct col_queue_job *job, bool shutdown)
{
    struct col_sender *sender = context;

    sender->draining = sender->draining || shutdown;
    for (unsigned i = 0; i < sender->settings->queue.consumers && job != NULL; i++) {
        struct slot *slot = &sender->slots[i];
        if (slot->job != job)
            continue;
        slot->cancelled = true;
        if (!slot->waiting)
            return;
        event_del(slot->timer);
        drop(slot, shutdown ? COL_DROP_SHUTDOWN : COL_DROP_CANCELLED,
             shutdown ? "stopped before another attempt" : "context canceled");
        take_jobs(sender);
        return;
    }
}

/* ---- the end ---- */

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

static void drop_waiting(struct col_sender *sender)
{
    for (unsigned i = 0; i < sender->settings->queue.consumers; i++) {
        struct slot *slot = &sender->slots[i];
        if (slot->job != NULL && slot->waiting) {
            event_del(slot->timer);
            drop(slot, COL_DROP_SHUTDOWN, "stopped before another attempt");
            take_jobs(sender);
        }
    }
}

/* Everything that is still held. */
static void drop_all(struct col_sender *sender)
{
    for (unsigned i = 0; i < sender->settings->queue.consumers; i++) {
        struct slot *slot = &sender->slots[i];
        if (slot->job != NULL && !slot->waiting)
            sender->options.abandon(sender->options.context, i);
        if (slot->timer != NULL)
            event_del(slot->timer);
    }
    sender->stopped = true;
    for (unsigned i = 0; i < sender->settings->queue.consumers; i++)
        if (sender->slots[i].job != NULL)
            drop(&sender->slots[i], COL_DROP_SHUTDOWN, "shutting down");
    col_queue_drop_all(sender->queue);
    show(sender);
}

void col_sender_flush(struct col_sender *sender)
{
    const struct timeval limit = {(time_t)(FLUSH_NS / OTL_NS_PER_S), 0};
    bool late = false;
    struct event *alarm = event_new(sender->host->base, -1, 0, on_alarm, &late);

    sender->draining = true;
    drop_waiting(sender);
    col_queue_flush(sender->queue);
    if (alarm != NULL && event_add(alarm, &limit) == 0)
        while ((sender->busy > 0 || !col_queue_is_empty(sender->queue)) && !late &&
               event_base_loop(sender->host->base, EVLOOP_ONCE) == 0)
            ;
    if (alarm != NULL)
        event_free(alarm);
    drop_all(sender);
    for (size_t i = 0; i < COL_DROP_COUNT; i++)
        if (*sender->drops[i] > 0)
            otl_log_line(&sender->host->log, OTL_LOG_WARN, "exporter '%s': %llu %s lost: %s",
                         sender->id, (unsigned long long)*sender->drops[i],
                         col_signal_items(sender->settings->signal), drop_names[i]);
}

enum otel_err col_sender_put(struct col_sender *sender, const struct col_batch *batch,
                             struct otl_detail *reterr)
{
    enum otel_err err;

    col_histogram_observe(sender->enqueued, (double)batch->items);
    col_histogram_observe(sender->enqueued_bytes, (double)batch->request.len);
    err = col_queue_put(sender->queue, batch, reterr);
    show(sender);
    return err;
}

/* ---- life ---- */

void col_sender_free(struct col_sender *sender)
{
    if (sender == NULL)
        return;
    if (sender->slots != NULL) {
        if (sender->queue != NULL)
            drop_all(sender);
        for (unsigned i = 0; i < sender->settings->queue.consumers; i++)
            if (sender->slots[i].timer != NULL)
                event_free(sender->slots[i].timer);
    }
    col_queue_free(sender->queue);
    otl_mem_free(sender->slots);
    otl_mem_free(sender);
}

static enum otel_err make_slots(struct col_sender *sender)
{
    unsigned consumers = sender->settings->queue.consumers;

    sender->slots = otl_mem_zalloc(consumers * sizeof(*sender->slots));
    if (sender->slots == NULL)
        return OTEL_ERR_MEMORY;
    for (unsigned i = 0; i < consumers; i++) {
        struct slot *slot = &sender->slots[i];
        slot->sender = sender;
        slot->timer = event_new(sender->host->base, -1, 0, on_timer, slot);
        if (slot->timer == NULL)
            return OTEL_ERR_MEMORY;
    }
    return OTEL_OK;
}

static void show_capacity(const struct col_sender *sender)
{
    uint64_t *capacity;
    char labels[160];

    snprintf(labels, sizeof(labels), "exporter=\"%s\",data_type=\"%s\"", sender->id,
             col_signal_name(sender->settings->signal));
    capacity = col_metrics_gauge(sender->host->metrics, "otelcol_exporter_queue_capacity", labels,
                                 "queue_size of the sending queue.");
    if (capacity != NULL)
        *capacity = sender->settings->queue.enabled ? sender->settings->queue.size : 0;
}

enum otel_err col_sender_new(const struct col_sender_options *options, struct col_sender **ret)
{
    struct col_sender *sender = otl_mem_zalloc(sizeof(*sender));
    const struct col_queue_options queue = {.settings = options->settings,
                                            .host = options->host,
                                            .context = sender,
                                            .on_job = on_job,
                                            .on_drop = on_drop,
                                            .on_cancel = on_cancel};
    enum otel_err err;

    if (sender == NULL)
        return OTEL_ERR_MEMORY;
    sender->options = *options;
    sender->settings = options->settings;
    sender->host = options->host;
    sender->id = options->id;
    otl_random_seed(&sender->random, otl_random_os_seed());
    err = count(sender) ? make_slots(sender) : OTEL_ERR_MEMORY;
    if (err == OTEL_OK)
        err = col_queue_new(&queue, &sender->queue);
    if (err != OTEL_OK) {
        col_sender_free(sender);
        return err;
    }
    show_capacity(sender);
    *ret = sender;
    return OTEL_OK;
}
