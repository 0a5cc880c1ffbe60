/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/config/version.h"
#include "collector-mock/exporters/otlp_client.h"
#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/exporters/otlp_queue.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"
#include "sdk/transport/gzip.h"

/*
 * otlp and otlphttp exporters: to the next collector, through a bounded queue.
 *
 * As in the Collector: a request is taken when the queue has room for it, and the client is
 * answered, unless wait_for_result or a queue that is turned off let it wait for what becomes of
 * its spans; num_consumers jobs are under way at once, and one that has to be tried again keeps
 * its consumer while it waits. What is under way counts towards queue_size. A full queue refuses
 * (503, UNAVAILABLE): the client may try again; with block_on_overflow the client waits. At the
 * end the queue is sent, each job once more; what waits for another attempt is lost, and so is
 * what is left after FLUSH_NS.
 *
 * A request is held and sent as the bytes that came; nothing of it is encoded again (but for
 * encoding json, and batches that have to be cut).
 *
 * Every span that is lost is counted in collector_mock_exporter_dropped_spans under its reason.
 */

#define BODY_MAX ((size_t)1 << 30)
#define FLUSH_NS (30 * OTL_NS_PER_S)
#define LOOK_UP_AGAIN_NS (20 * OTL_NS_PER_MS)

static const char *const drop_names[COL_DROP_COUNT] = {
    "queue_full", "too_large", "queue_bytes",        "no_memory",         "cancelled",
    "refused",    "retries_turned_off", "retries_exhausted", "shutdown"};

struct otlp;

/* A consumer. */
struct slot {
    struct otlp *otlp;
    struct col_otlp_client *client;
    struct col_queue_job *job; /* NULL: idle */
    struct event *timer; /* until the next attempt */
    bool waiting;
    struct otl_buf body; /* the job as it is sent, if that is not as it came */
    struct otl_view wire;
    uint64_t first_ns;    /* when the first attempt began */
    uint64_t interval_ns; /* of the back-off */
};

struct otlp {
    struct col_host *host;
    const char *id;
    struct col_otlp_settings settings;
    struct slot *slots;
    struct otl_gzip *gzip;
    struct otl_random random;
    struct col_queue *queue;
    unsigned busy;  /* slots with a job */
    bool draining;  /* no attempt is repeated */
    bool stopped;   /* nothing is taken from the queue */
    bool failing;
    uint64_t *sent, *send_failed, *enqueue_failed, *retries, *rejected, *drops[COL_DROP_COUNT];
    uint64_t *queue_size, *in_flight, *blocked;
    /* NULL: not shown */
    struct col_histogram *enqueued, *enqueued_bytes, *batch_sizes, *batch_bytes;
};

/* ---- counting ---- */

static void show(const struct otlp *otlp)
{
    *otlp->queue_size = col_queue_size(otlp->queue);
    *otlp->blocked = col_queue_blocked(otlp->queue);
    *otlp->in_flight = otlp->busy;
}

/* Once for each time that things begin to go wrong. */
static void say_failing(struct otlp *otlp, const char *what, const char *why)
{
    if (!otlp->failing)
        otl_log_line(&otlp->host->log, OTL_LOG_WARN, "exporter '%s': %s: %s", otlp->id, what, why);
    otlp->failing = true;
}

static void say_well(struct otlp *otlp)
{
    if (otlp->failing)
        otl_log_line(&otlp->host->log, OTL_LOG_INFO, "exporter '%s': is sending again", otlp->id);
    otlp->failing = false;
}

/* By the exporter alone, whatever the signal. */
static struct col_histogram *measure(struct otlp *otlp, const char *name, bool bytes,
                                     const char *help)
{
    struct col_histogram_options options = {
        name, "", help, bytes ? col_bounds_of_bytes : col_bounds_of_items,
        bytes ? COL_BOUNDS_OF_BYTES : COL_BOUNDS_OF_ITEMS};
    char labels[200];

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", otlp->id);
    options.labels = labels;
    return col_metrics_histogram(otlp->host->metrics, &options);
}

/* What the sending queue takes and what it sends together: which of it is shown changed. */
static void measure_sizes(struct otlp *otlp)
{
    unsigned version = otlp->host->as_version;
    bool detailed = otlp->host->metrics_level >= COL_METRICS_DETAILED;

    if (otlp->settings.queue.enabled && detailed && !col_version_before(version, 159)) {
        otlp->enqueued = measure(otlp, "otelcol_exporter_enqueue_size", false,
                                 "Spans, points or records in a request for the sending queue.");
        otlp->enqueued_bytes = measure(otlp, "otelcol_exporter_enqueue_size_bytes", true,
                                       "Bytes in a request for the sending queue.");
    }
    if (otlp->settings.queue.batches && (detailed || col_version_before(version, 144)))
        otlp->batch_sizes = measure(otlp, "otelcol_exporter_queue_batch_send_size", false,
                                    "Spans, points or records in a batch that is sent.");
    if (otlp->settings.queue.batches && detailed)
        otlp->batch_bytes = measure(otlp, "otelcol_exporter_queue_batch_send_size_bytes", true,
                                    "Bytes in a batch that is sent.");
}

static bool count(struct otlp *otlp)
{
    const enum col_signal signal = otlp->settings.signal;
    struct col_host *host = otlp->host;
    struct col_metrics *metrics = host->metrics;
    char labels[200];
    bool all = true;

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", otlp->id);
    otlp->sent = col_host_items(host, signal, "otelcol_exporter_sent", labels,
                                "What the exporter wrote or sent.");
    otlp->send_failed = col_host_items(host, signal, "otelcol_exporter_send_failed", labels,
                                       "What the exporter could not write or send.");
    otlp->enqueue_failed = col_host_items(host, signal, "otelcol_exporter_enqueue_failed", labels,
                                          "What the sending queue did not take.");
    otlp->retries = col_metrics_counter(metrics, "collector_mock_exporter_retries", labels,
                                        "Attempts after the first one of a request.");
    otlp->rejected =
        col_host_items(host, signal, "collector_mock_exporter_rejected", labels,
                       "What was sent and the next collector has not taken (partial success).");
    measure_sizes(otlp);
    snprintf(labels, sizeof(labels), "exporter=\"%s\",data_type=\"%s\"", otlp->id,
             col_signal_name(signal));
    otlp->queue_size = col_metrics_gauge(metrics, "otelcol_exporter_queue_size", labels,
                                         "What the sending queue holds, by its sizer.");
    otlp->in_flight = col_metrics_gauge(metrics, "otelcol_exporter_in_flight_requests", labels,
                                        "Requests that a consumer has in hand.");
    otlp->blocked =
        col_metrics_gauge(metrics, "collector_mock_exporter_blocked_requests", labels,
                          "Requests that wait for room in the sending queue.");
    for (size_t i = 0; i < COL_DROP_COUNT; i++) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",reason=\"%s\"", otlp->id, drop_names[i]);
        otlp->drops[i] = col_host_items(host, signal, "collector_mock_exporter_dropped", labels,
                                        "What was not sent on, by reason.");
        all = all && otlp->drops[i] != NULL;
    }
    return all && otlp->sent != NULL && otlp->send_failed != NULL &&
           otlp->enqueue_failed != NULL && otlp->retries != NULL && otlp->rejected != NULL &&
           otlp->queue_size != NULL && otlp->in_flight != NULL && otlp->blocked != NULL;
}

/* ---- consumers ---- */

/* The job has ended; the slot may have the next one afterwards. */
static void finish(struct slot *slot, enum otel_err err, const char *text)
{
    struct otlp *otlp = slot->otlp;
    struct col_queue_job *job = slot->job;

    slot->job = NULL;
    slot->waiting = false;
    otlp->busy--;
    otl_buf_fini(&slot->body);
    col_queue_end(otlp->queue, job, err, text);
    show(otlp);
}

static void drop(struct slot *slot, enum col_queue_drop reason, const char *why)
{
    struct otlp *otlp = slot->otlp;
    bool good = reason != COL_DROP_REFUSED && reason != COL_DROP_MEMORY;
    char text[256];

    say_failing(otlp, "data are dropped", why);
    *otlp->drops[reason] += slot->job->spans;
    *otlp->send_failed += slot->job->spans;
    /* the Collector's words for who waits */
    snprintf(text, sizeof(text), "%s%s",
             reason == COL_DROP_REFUSED   ? "not retryable error: Permanent error: "
             : reason == COL_DROP_RETRIES ? "no more retries left: "
                                          : "",
             why);
    finish(slot, good ? OTEL_ERR_UNAVAILABLE : OTEL_ERR_REFUSED, text);
}

static void wait_for(struct slot *slot, uint64_t wait_ns)
{
    const struct timeval after = {(time_t)(wait_ns / OTL_NS_PER_S),
                                  (suseconds_t)(wait_ns % OTL_NS_PER_S / 1000)};

    slot->waiting = true;
    event_add(slot->timer, &after);
}

/* The back-off around its interval, or what the server asked for if that is longer. */
static uint64_t next_wait(struct slot *slot, const struct col_otlp_answer *answer)
{
    struct otlp *otlp = slot->otlp;
    double around = otlp->settings.retry.randomization;
    double factor = 1 - around + 2 * around * otl_random_unit(&otlp->random);
    uint64_t wait_ns = (uint64_t)((double)slot->interval_ns * factor);
    double grown = (double)slot->interval_ns * otlp->settings.retry.multiplier;

    slot->interval_ns = grown < (double)otlp->settings.retry.max_ns ? (uint64_t)grown
                                                                    : otlp->settings.retry.max_ns;
    return answer->throttled && answer->throttle_ns > wait_ns ? answer->throttle_ns : wait_ns;
}

static void try_again(struct slot *slot, const struct col_otlp_answer *answer)
{
    struct otlp *otlp = slot->otlp;
    uint64_t max_ns = otlp->settings.retry.max_elapsed_ns;
    uint64_t spent_ns = otl_clock_mono(otlp->host->clock) - slot->first_ns, wait_ns;

    if (otlp->draining) {
        drop(slot, COL_DROP_SHUTDOWN, answer->why);
    } else if (answer->look_ups_busy && spent_ns < 300 * OTL_NS_PER_S) {
        wait_for(slot, LOOK_UP_AGAIN_NS);
    } else if (!otlp->settings.retry.enabled) {
        drop(slot, COL_DROP_NO_RETRY, answer->why);
    } else {
        wait_ns = next_wait(slot, answer);
        if (max_ns > 0 && spent_ns + wait_ns > max_ns) {
            drop(slot, COL_DROP_RETRIES, answer->why);
            return;
        }
        say_failing(otlp, "will try again", answer->why);
        wait_for(slot, wait_ns);
    }
}

static void attempt(struct slot *slot)
{
    const struct col_otlp_answer no_memory = {.verdict = COL_OTLP_AGAIN, .why = "out of memory"};
    struct otlp *otlp = slot->otlp;
    uint64_t timeout_ns = otlp->settings.timeout_ns;
    uint64_t deadline_ns =
        timeout_ns > 0 ? otl_clock_mono(otlp->host->clock) + timeout_ns : UINT64_MAX;

    slot->waiting = false;
    if (col_otlp_client_send(slot->client, slot->wire, deadline_ns) != OTEL_OK)
        try_again(slot, &no_memory);
}

/* As it goes on the wire. */
static enum otel_err prepare(struct slot *slot)
{
    struct otlp *otlp = slot->otlp;
    struct otl_view request = slot->job->request;
    struct otl_buf json;
    enum otel_err err = OTEL_OK;

    otl_buf_init(&slot->body, BODY_MAX);
    otl_buf_init(&json, BODY_MAX);
    slot->wire = request;
    if (otlp->settings.json) {
        err = col_json_request(otlp->settings.signal, request, &json);
        slot->wire = otl_view(json.data, json.len);
    }
    if (err == OTEL_OK && otlp->settings.gzip) {
        err = otl_gzip_compress(otlp->gzip, slot->wire, &slot->body);
    } else if (err == OTEL_OK && otlp->settings.json) {
        slot->body = json;
        otl_buf_init(&json, 0);
    }
    otl_buf_fini(&json);
    if (err == OTEL_OK && slot->body.len > 0)
        slot->wire = otl_view(slot->body.data, slot->body.len);
    return err;
}

static void take_next(struct slot *slot)
{
    struct otlp *otlp = slot->otlp;

    while (slot->job == NULL && !otlp->stopped) {
        struct col_queue_job *job = col_queue_take(otlp->queue);
        if (job == NULL)
            return;
        slot->job = job;
        otlp->busy++;
        col_histogram_observe(otlp->batch_sizes, (double)job->spans);
        col_histogram_observe(otlp->batch_bytes, (double)job->request.len);
        slot->first_ns = otl_clock_mono(otlp->host->clock);
        slot->interval_ns = otlp->settings.retry.initial_ns;
        if (prepare(slot) == OTEL_OK)
            attempt(slot);
        else
            drop(slot, COL_DROP_MEMORY, "the request cannot be made");
    }
}

static void on_answer(void *context, const struct col_otlp_answer *answer)
{
    struct slot *slot = context;
    struct otlp *otlp = slot->otlp;

    if (answer->verdict == COL_OTLP_AGAIN) {
        try_again(slot, answer);
    } else if (answer->verdict == COL_OTLP_REFUSED) {
        drop(slot, COL_DROP_REFUSED, answer->why);
    } else {
        *otlp->sent += slot->job->spans;
        *otlp->rejected +=
            answer->rejected < slot->job->spans ? answer->rejected : slot->job->spans;
        say_well(otlp);
        finish(slot, OTEL_OK, "");
    }
    take_next(slot);
    show(otlp);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct slot *slot = arg;

    (void)fd;
    (void)what;
    ++*slot->otlp->retries;
    attempt(slot);
    take_next(slot);
}

/* ---- queue ---- */

/* The first idle ones: few connections while there is little to do. */
static void on_job(void *context)
{
    struct otlp *otlp = context;

    for (unsigned i = 0; i < otlp->settings.queue.consumers; i++)
        if (otlp->slots[i].job == NULL)
            take_next(&otlp->slots[i]);
    show(otlp);
}

static void on_drop(void *context, enum col_queue_drop reason, uint64_t spans, bool enqueue)
{
    struct otlp *otlp = context;

    *otlp->drops[reason] += spans;
    *(enqueue ? otlp->enqueue_failed : otlp->send_failed) += spans;
    say_failing(otlp, enqueue ? "refuses data" : "data are dropped", drop_names[reason]);
    show(otlp);
}

/* What only waits for another attempt is given up. */
static void on_cancel(void *context, struct col_queue_job *job, bool shutdown)
{
    struct otlp *otlp = context;

    otlp->draining = otlp->draining || shutdown;
    for (unsigned i = 0; i < otlp->settings.queue.consumers && job != NULL; i++) {
        struct slot *slot = &otlp->slots[i];
        if (slot->job != job || !slot->waiting)
            continue;
        event_del(slot->timer);
        drop(slot, shutdown ? COL_DROP_SHUTDOWN : COL_DROP_CANCELLED,
             shutdown ? "stopped before another attempt" : "context canceled");
        take_next(slot);
        return;
    }
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct otlp *otlp = self;
    enum otel_err err;

    col_histogram_observe(otlp->enqueued, (double)batch->items);
    col_histogram_observe(otlp->enqueued_bytes, (double)batch->request.len);
    err = col_queue_put(otlp->queue, batch, reterr);
    show(otlp);
    return err;
}

/* ---- the end ---- */

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

static void drop_waiting(struct otlp *otlp)
{
    for (unsigned i = 0; i < otlp->settings.queue.consumers; i++) {
        struct slot *slot = &otlp->slots[i];
        if (slot->job != NULL && slot->waiting) {
            event_del(slot->timer);
            drop(slot, COL_DROP_SHUTDOWN, "stopped before another attempt");
            take_next(slot);
        }
    }
}

/* Everything that is still held. */
static void drop_all(struct otlp *otlp)
{
    for (unsigned i = 0; i < otlp->settings.queue.consumers; i++) {
        struct slot *slot = &otlp->slots[i];
        col_otlp_client_free(slot->client);
        slot->client = NULL;
        if (slot->timer != NULL)
            event_del(slot->timer);
    }
    otlp->stopped = true;
    for (unsigned i = 0; i < otlp->settings.queue.consumers; i++)
        if (otlp->slots[i].job != NULL)
            drop(&otlp->slots[i], COL_DROP_SHUTDOWN, "shutting down");
    col_queue_drop_all(otlp->queue);
    show(otlp);
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    const struct timeval limit = {(time_t)(FLUSH_NS / OTL_NS_PER_S), 0};
    struct otlp *otlp = self;
    bool late = false;
    struct event *alarm = event_new(otlp->host->base, -1, 0, on_alarm, &late);

    (void)reterr;
    otlp->draining = true;
    drop_waiting(otlp);
    col_queue_flush(otlp->queue);
    if (alarm != NULL && event_add(alarm, &limit) == 0)
        while ((otlp->busy > 0 || !col_queue_is_empty(otlp->queue)) && !late &&
               event_base_loop(otlp->host->base, EVLOOP_ONCE) == 0)
            ;
    if (alarm != NULL)
        event_free(alarm);
    drop_all(otlp);
    for (size_t i = 0; i < COL_DROP_COUNT; i++)
        if (*otlp->drops[i] > 0)
            otl_log_line(&otlp->host->log, OTL_LOG_WARN, "exporter '%s': %llu %s lost: %s",
                         otlp->id, (unsigned long long)*otlp->drops[i],
                         col_signal_items(otlp->settings.signal), drop_names[i]);
    return OTEL_OK;
}

/* ---- life ---- */

static void free_otlp(void *self)
{
    struct otlp *otlp = self;

    if (otlp->slots != NULL) {
        if (otlp->queue != NULL)
            drop_all(otlp);
        for (unsigned i = 0; i < otlp->settings.queue.consumers; i++) {
            col_otlp_client_free(otlp->slots[i].client);
            if (otlp->slots[i].timer != NULL)
                event_free(otlp->slots[i].timer);
        }
    }
    col_queue_free(otlp->queue);
    otl_mem_free(otlp->slots);
    otl_gzip_free(otlp->gzip);
    col_otlp_settings_fini(&otlp->settings);
    otl_mem_free(otlp);
}

static enum otel_err make_slots(struct otlp *otlp)
{
    unsigned consumers = otlp->settings.queue.consumers;

    otlp->slots = otl_mem_zalloc(consumers * sizeof(*otlp->slots));
    if (otlp->slots == NULL)
        return OTEL_ERR_MEMORY;
    for (unsigned i = 0; i < consumers; i++) {
        struct slot *slot = &otlp->slots[i];
        enum otel_err err;
        slot->otlp = otlp;
        slot->timer = event_new(otlp->host->base, -1, 0, on_timer, slot);
        if (slot->timer == NULL)
            return OTEL_ERR_MEMORY;
        err = col_otlp_client_new(&otlp->settings, otlp->host, on_answer, slot, &slot->client);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err create(const struct col_create *args, bool grpc, void **ret,
                            struct otl_detail *reterr)
{
    struct otlp *otlp = otl_mem_zalloc(sizeof(*otlp));
    struct col_queue_options queue = {.host = args->host,
                                      .context = otlp,
                                      .on_job = on_job,
                                      .on_drop = on_drop,
                                      .on_cancel = on_cancel};
    uint64_t *capacity;
    char labels[160];
    enum otel_err err;

    if (otlp == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    otlp->host = args->host;
    otlp->id = args->id;
    otl_random_seed(&otlp->random, otl_random_os_seed());
    err = col_otlp_settings_read(args, grpc, &otlp->settings, reterr);
    if (err == OTEL_OK && !count(otlp))
        err = OTEL_ERR_MEMORY;
    if (err == OTEL_OK)
        err = otl_gzip_new(1, &otlp->gzip);
    queue.settings = &otlp->settings;
    if (err == OTEL_OK)
        err = make_slots(otlp);
    if (err == OTEL_OK)
        err = col_queue_new(&queue, &otlp->queue);
    if (err == OTEL_OK) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",data_type=\"%s\"", args->id,
                 col_signal_name(args->signal));
        capacity = col_metrics_gauge(args->host->metrics, "otelcol_exporter_queue_capacity",
                                     labels, "queue_size of the sending queue.");
        if (capacity != NULL)
            *capacity = otlp->settings.queue.enabled ? otlp->settings.queue.size : 0;
        *ret = otlp;
        return OTEL_OK;
    }
    free_otlp(otlp);
    return otl_detail_set(reterr, err, NULL, 0, 0, "exporter '%s': %s", args->id,
                          otel_err_text(err));
}

static enum otel_err create_grpc(const struct col_create *args, void **ret,
                                 struct otl_detail *reterr)
{
    return create(args, true, ret, reterr);
}

static enum otel_err create_http(const struct col_create *args, void **ret,
                                 struct otl_detail *reterr)
{
    return create(args, false, ret, reterr);
}

#define OTLP_EXPORTER(word, row, make)                                                            \
    {                                                                                             \
        .name = (word), .kind = COL_EXPORTER, .schema = (row), .create = (make),                  \
        .consume = consume, .signals = COL_ALL_SIGNALS, .counts_itself = true, .flush = flush,    \
        .free = free_otlp                                                                         \
    }

const struct col_component_type col_otlp_exporter =
    OTLP_EXPORTER("otlp", col_otlp_grpc_row, create_grpc);
const struct col_component_type col_otlp_grpc_exporter =
    OTLP_EXPORTER("otlp_grpc", col_otlp_grpc_row, create_grpc);
const struct col_component_type col_otlphttp_exporter =
    OTLP_EXPORTER("otlphttp", col_otlp_http_row, create_http);
const struct col_component_type col_otlp_http_exporter =
    OTLP_EXPORTER("otlp_http", col_otlp_http_row, create_http);
