/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/exporters/otlp_client.h"
#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"
#include "sdk/transport/gzip.h"

/*
 * otlp and otlphttp exporters: to the next collector, through a bounded queue.
 *
 * As in the Collector: a request is taken when the queue has room for it, and the client is
 * answered; num_consumers requests are under way at once, and one that has to be tried again keeps
 * its consumer while it waits. What is under way counts towards queue_size. A full queue refuses
 * (503, UNAVAILABLE): the client may try again. At the end the queue is sent, each request once
 * more; what waits for another attempt is lost, and so is what is left after FLUSH_NS.
 *
 * A request is held and sent as the bytes that came; nothing of it is encoded again (but for
 * encoding json). Besides queue_size there is a limit of QUEUE_BYTES.
 *
 * Every span that is lost is counted in collector_mock_exporter_dropped_spans under its reason.
 */

#define QUEUE_BYTES ((uint64_t)1 << 30)
#define BODY_MAX ((size_t)1 << 30)
#define FLUSH_NS (30 * OTL_NS_PER_S)
#define LOOK_UP_AGAIN_NS (20 * OTL_NS_PER_MS)

enum drop {
    DROP_QUEUE_FULL,
    DROP_TOO_LARGE, /* larger than the whole queue */
    DROP_QUEUE_BYTES,
    DROP_MEMORY,
    DROP_REFUSED,  /* by the next collector, for good */
    DROP_NO_RETRY, /* it may have been tried again, but retry_on_failure is off */
    DROP_RETRIES,  /* max_elapsed_time has passed */
    DROP_SHUTDOWN,
    DROP_COUNT
};

static const char *const drop_names[DROP_COUNT] = {
    "queue_full", "too_large",         "queue_bytes",       "no_memory",
    "refused",    "retries_turned_off", "retries_exhausted", "shutdown"};

struct item {
    struct item *next;
    uint64_t spans;
    uint64_t size; /* as the queue counts */
    size_t len;
    char data[];
};

struct otlp;

/* A consumer. */
struct slot {
    struct otlp *otlp;
    struct col_otlp_client *client;
    struct item *item;   /* NULL: idle */
    struct event *timer; /* until the next attempt */
    bool waiting;
    struct otl_buf body; /* the item as it is sent, if that is not as it came */
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
    struct item *head, *tail;
    uint64_t size;  /* of all that is held, as the queue counts */
    uint64_t bytes; /* the same in bytes */
    unsigned busy;  /* slots with an item */
    bool stopping, failing;
    uint64_t *sent, *send_failed, *enqueue_failed, *retries, *rejected, *drops[DROP_COUNT];
    uint64_t *queue_size, *in_flight;
};

/* ---- counting ---- */

static void show(const struct otlp *otlp)
{
    *otlp->queue_size = otlp->size;
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

static bool count(struct otlp *otlp)
{
    struct col_metrics *metrics = otlp->host->metrics;
    char labels[200];
    bool all = true;

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", otlp->id);
    otlp->sent = col_metrics_counter(metrics, "otelcol_exporter_sent_spans", labels,
                                     "Spans that the exporter wrote or sent.");
    otlp->send_failed =
        col_metrics_counter(metrics, "otelcol_exporter_send_failed_spans", labels,
                            "Spans that the exporter could not write or send.");
    otlp->enqueue_failed =
        col_metrics_counter(metrics, "otelcol_exporter_enqueue_failed_spans", labels,
                            "Spans that the sending queue did not take.");
    otlp->retries = col_metrics_counter(metrics, "collector_mock_exporter_retries", labels,
                                        "Attempts after the first one of a request.");
    otlp->rejected =
        col_metrics_counter(metrics, "collector_mock_exporter_rejected_spans", labels,
                            "Spans sent that the next collector has not taken (partial success).");
    otlp->queue_size = col_metrics_gauge(metrics, "otelcol_exporter_queue_size", labels,
                                         "What the sending queue holds, by its sizer.");
    otlp->in_flight = col_metrics_gauge(metrics, "otelcol_exporter_in_flight_requests", labels,
                                        "Requests that a consumer has in hand.");
    for (size_t i = 0; i < DROP_COUNT; i++) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",reason=\"%s\"", otlp->id, drop_names[i]);
        otlp->drops[i] = col_metrics_counter(metrics, "collector_mock_exporter_dropped_spans",
                                             labels, "Spans that were not sent on, by reason.");
        all = all && otlp->drops[i] != NULL;
    }
    return all && otlp->sent != NULL && otlp->send_failed != NULL &&
           otlp->enqueue_failed != NULL && otlp->retries != NULL && otlp->rejected != NULL &&
           otlp->queue_size != NULL && otlp->in_flight != NULL;
}

/* ---- consumers ---- */

static void finish(struct slot *slot)
{
    struct otlp *otlp = slot->otlp;
    struct item *item = slot->item;

    slot->item = NULL;
    slot->waiting = false;
    otlp->busy--;
    otlp->size -= item->size;
    otlp->bytes -= item->len;
    otl_mem_free(item);
    otl_buf_fini(&slot->body);
    show(otlp);
}

static void drop(struct slot *slot, enum drop reason, const char *why)
{
    struct otlp *otlp = slot->otlp;

    say_failing(otlp, "spans are dropped", why);
    *otlp->drops[reason] += slot->item->spans;
    *otlp->send_failed += slot->item->spans;
    finish(slot);
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

    if (otlp->stopping) {
        drop(slot, DROP_SHUTDOWN, answer->why);
    } else if (answer->look_ups_busy && spent_ns < 300 * OTL_NS_PER_S) {
        wait_for(slot, LOOK_UP_AGAIN_NS);
    } else if (!otlp->settings.retry.enabled) {
        drop(slot, DROP_NO_RETRY, answer->why);
    } else {
        wait_ns = next_wait(slot, answer);
        if (max_ns > 0 && spent_ns + wait_ns > max_ns) {
            drop(slot, DROP_RETRIES, answer->why);
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
    struct otl_view request = otl_view(slot->item->data, slot->item->len);
    struct otl_buf json;
    enum otel_err err = OTEL_OK;

    otl_buf_init(&slot->body, BODY_MAX);
    otl_buf_init(&json, BODY_MAX);
    slot->wire = request;
    if (otlp->settings.json) {
        err = col_json_traces(request, &json);
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

    while (slot->item == NULL && otlp->head != NULL) {
        slot->item = otlp->head;
        otlp->head = slot->item->next;
        if (otlp->head == NULL)
            otlp->tail = NULL;
        otlp->busy++;
        slot->first_ns = otl_clock_mono(otlp->host->clock);
        slot->interval_ns = otlp->settings.retry.initial_ns;
        if (prepare(slot) == OTEL_OK)
            attempt(slot);
        else
            drop(slot, DROP_MEMORY, "the request cannot be made");
    }
}

static void on_answer(void *context, const struct col_otlp_answer *answer)
{
    struct slot *slot = context;
    struct otlp *otlp = slot->otlp;

    if (answer->verdict == COL_OTLP_AGAIN) {
        try_again(slot, answer);
    } else if (answer->verdict == COL_OTLP_REFUSED) {
        drop(slot, DROP_REFUSED, answer->why);
    } else {
        *otlp->sent += slot->item->spans;
        *otlp->rejected +=
            answer->rejected < slot->item->spans ? answer->rejected : slot->item->spans;
        say_well(otlp);
        finish(slot);
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

static enum otel_err refuse(struct otlp *otlp, const struct col_batch *batch, enum drop reason,
                            const char *why, struct otl_detail *reterr)
{
    *otlp->drops[reason] += batch->spans;
    *otlp->enqueue_failed += batch->spans;
    say_failing(otlp, "refuses spans", why);
    return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0, "%s", why);
}

static uint64_t size_of(const struct otlp *otlp, const struct col_batch *batch)
{
    switch (otlp->settings.queue.sizer) {
    case COL_SIZE_ITEMS:
        return batch->spans;
    case COL_SIZE_BYTES:
        return batch->request.len;
    default:
        return 1;
    }
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct otlp *otlp = self;
    uint64_t size = size_of(otlp, batch);
    struct item *item;

    if (size > otlp->settings.queue.size)
        return refuse(otlp, batch, DROP_TOO_LARGE, "element size too large", reterr);
    if (otlp->size + size > otlp->settings.queue.size)
        return refuse(otlp, batch, DROP_QUEUE_FULL, "sending queue is full", reterr);
    if (otlp->bytes + batch->request.len > QUEUE_BYTES)
        return refuse(otlp, batch, DROP_QUEUE_BYTES, "sending queue holds too many bytes", reterr);
    item = otl_mem_alloc(sizeof(*item) + batch->request.len);
    if (item == NULL)
        return refuse(otlp, batch, DROP_MEMORY, "out of memory", reterr);
    item->next = NULL;
    item->spans = batch->spans;
    item->size = size;
    item->len = batch->request.len;
    memcpy(item->data, batch->request.data, batch->request.len);
    if (otlp->tail != NULL)
        otlp->tail->next = item;
    else
        otlp->head = item;
    otlp->tail = item;
    otlp->size += size;
    otlp->bytes += item->len;
    /* the first idle one: few connections while there is little to do */
    for (unsigned i = 0; i < otlp->settings.queue.consumers && otlp->head != NULL; i++)
        if (otlp->slots[i].item == NULL)
            take_next(&otlp->slots[i]);
    show(otlp);
    return OTEL_OK;
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
        if (slot->item != NULL && slot->waiting) {
            event_del(slot->timer);
            drop(slot, DROP_SHUTDOWN, "stopped before another attempt");
            take_next(slot);
        }
    }
}

/* Everything that is still held. */
static void drop_all(struct otlp *otlp)
{
    uint64_t spans = 0;
    struct item *item;

    for (unsigned i = 0; i < otlp->settings.queue.consumers; i++) {
        struct slot *slot = &otlp->slots[i];
        if (slot->item == NULL)
            continue;
        col_otlp_client_free(slot->client);
        slot->client = NULL;
        event_del(slot->timer);
        spans += slot->item->spans;
        otl_mem_free(slot->item);
        slot->item = NULL;
        otl_buf_fini(&slot->body);
    }
    while ((item = otlp->head) != NULL) {
        otlp->head = item->next;
        spans += item->spans;
        otl_mem_free(item);
    }
    otlp->tail = NULL;
    otlp->busy = 0;
    otlp->size = otlp->bytes = 0;
    *otlp->drops[DROP_SHUTDOWN] += spans;
    *otlp->send_failed += spans;
    show(otlp);
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    const struct timeval limit = {(time_t)(FLUSH_NS / OTL_NS_PER_S), 0};
    struct otlp *otlp = self;
    bool late = false;
    struct event *alarm = event_new(otlp->host->base, -1, 0, on_alarm, &late);

    (void)reterr;
    otlp->stopping = true;
    drop_waiting(otlp);
    if (alarm != NULL && event_add(alarm, &limit) == 0)
        while (otlp->busy > 0 && !late && event_base_loop(otlp->host->base, EVLOOP_ONCE) == 0)
            ;
    if (alarm != NULL)
        event_free(alarm);
    drop_all(otlp);
    for (size_t i = 0; i < DROP_COUNT; i++)
        if (*otlp->drops[i] > 0)
            otl_log_line(&otlp->host->log, OTL_LOG_WARN, "exporter '%s': %llu spans lost: %s",
                         otlp->id, (unsigned long long)*otlp->drops[i], drop_names[i]);
    return OTEL_OK;
}

/* ---- life ---- */

static void free_otlp(void *self)
{
    struct otlp *otlp = self;

    if (otlp->slots != NULL) {
        if (otlp->in_flight != NULL)
            drop_all(otlp);
        for (unsigned i = 0; i < otlp->settings.queue.consumers; i++) {
            col_otlp_client_free(otlp->slots[i].client);
            if (otlp->slots[i].timer != NULL)
                event_free(otlp->slots[i].timer);
        }
    }
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
    if (err == OTEL_OK)
        err = make_slots(otlp);
    if (err == OTEL_OK) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\"", args->id);
        capacity = col_metrics_gauge(args->host->metrics, "otelcol_exporter_queue_capacity",
                                     labels, "queue_size of the sending queue.");
        if (capacity != NULL)
            *capacity = otlp->settings.queue.size;
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
        .consume = consume, .counts_itself = true, .flush = flush, .free = free_otlp              \
    }

const struct col_component_type col_otlp_exporter =
    OTLP_EXPORTER("otlp", col_otlp_grpc_row, create_grpc);
const struct col_component_type col_otlp_grpc_exporter =
    OTLP_EXPORTER("otlp_grpc", col_otlp_grpc_row, create_grpc);
const struct col_component_type col_otlphttp_exporter =
    OTLP_EXPORTER("otlphttp", col_otlp_http_row, create_http);
const struct col_component_type col_otlp_http_exporter =
    OTLP_EXPORTER("otlp_http", col_otlp_http_row, create_http);
