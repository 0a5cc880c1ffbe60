/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/wire/regroup.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/*
 * groupbytrace processor: holds the spans of a trace for wait_duration after its first one, then
 * hands them on as one request. Spans that come later begin a new wait. All waits are equally long,
 * so traces leave in the order in which they came. With num_traces in hand the oldest is lost, and
 * when the collector stops, all that wait are, as upstream; what follows refuses is, too. Each is
 * counted: the client was answered long before.
 *
 * The Collector bounds the number of traces alone. Here their memory is bounded too: over
 * compat.max_bytes the oldest ones are lost likewise, so that what is held never exceeds it by
 * more than one request.
 */

enum { SLOTS = 65536, TRACE_MAX = 1 << 30 };
#define DEFAULT_BYTES ((int64_t)1 << 30)

struct trace {
    struct trace *same_slot, *younger;
    uint8_t id[16];
    uint64_t due_ns, since_ns, spans;
    struct otl_buf bytes;
};

/* Traces that were lost before their time had come: upstream it comes all the same and finds
 * nothing, which it counts. So many moments are told apart. */
enum { MOMENTS = 1024, RING = MOMENTS + 2 };

struct moment {
    uint64_t due_ns, traces;
};

enum stage { RECEIVED, EXPIRED, RELEASED, REMOVED, EVENTS };

struct grouper {
    struct col_create create;
    uint64_t wait_ns, max;
    uint64_t max_bytes, bytes; /* of memory: traces and what they hold */
    struct trace **slots;
    struct trace *oldest, *youngest;
    uint64_t count, seed;
    struct col_regroup run;
    struct event *timer;
    uint64_t *evicted, *spans_out, *traces_out, *held, *held_bytes, *lost;
    uint64_t *early_count, *early_bytes, *incomplete;
    struct col_histogram *latency[EVENTS];
    struct moment moments[RING];
    size_t moment_first, moment_count;
};

static const struct otl_schema compat_keys[] = {
    {.key = "max_bytes", .type = OTL_SCHEMA_UINT, .min = 1, .max = INT64_MAX}, OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "wait_duration", .type = OTL_SCHEMA_DURATION, .min = 1, .max = INT64_MAX},
    {.key = "num_traces", .type = OTL_SCHEMA_UINT, .min = 1, .max = 1 << 30},
    {.key = "num_workers", .type = OTL_SCHEMA_UINT, .min = 1, .max = 1 << 16},
    {.key = "discard_orphans", .type = OTL_SCHEMA_BOOL},
    {.key = "store_on_disk", .type = OTL_SCHEMA_BOOL},
    {.key = "compat", .type = OTL_SCHEMA_MAP, .child = compat_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static struct trace **slot_of(const struct grouper *self, const uint8_t id[16])
{
    uint64_t hash = self->seed;

    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ id[i]) * 1099511628211u;
    return &self->slots[(hash ^ hash >> 32) % SLOTS];
}

static struct trace *take_oldest(struct grouper *self)
{
    struct trace *trace = self->oldest;
    struct trace **at = slot_of(self, trace->id);

    while (*at != trace)
        at = &(*at)->same_slot;
    *at = trace->same_slot;
    self->oldest = trace->younger;
    if (self->oldest == NULL)
        self->youngest = NULL;
    *self->held = --self->count;
    self->bytes -= sizeof(*trace) + trace->bytes.cap;
    *self->held_bytes = self->bytes;
    return trace;
}

static uint64_t begin_event(const struct grouper *self)
{
    return otl_clock_mono(self->create.host->clock);
}

/* How long it took, in whole milliseconds. */
static void end_event(struct grouper *self, enum stage stage, uint64_t began_ns)
{
    uint64_t took_ns = otl_clock_mono(self->create.host->clock) - began_ns;

    col_histogram_observe(self->latency[stage], (double)(took_ns / OTL_NS_PER_MS));
}

static void note_early(struct grouper *self, uint64_t due_ns)
{
    uint64_t step = self->wait_ns / MOMENTS > 0 ? self->wait_ns / MOMENTS : 1;
    uint64_t due = (due_ns / step + 1) * step;
    struct moment *last =
        &self->moments[(self->moment_first + self->moment_count + RING - 1) % RING];

    if (self->moment_count == 0 || (last->due_ns < due && self->moment_count < RING)) {
        last = &self->moments[(self->moment_first + self->moment_count++) % RING];
        *last = (struct moment){due, 0};
    }
    last->traces++;
}

/* Those whose time has come find nothing. */
static void count_incomplete(struct grouper *self, uint64_t now)
{
    while (self->moment_count > 0 && self->moments[self->moment_first].due_ns <= now) {
        *self->incomplete += self->moments[self->moment_first].traces;
        self->moment_first = (self->moment_first + 1) % RING;
        self->moment_count--;
    }
}

/* It is lost; early: which counter of evicted spans is told, or NULL. */
static void discard(struct grouper *self, uint64_t *early)
{
    uint64_t began = begin_event(self);
    struct trace *trace = take_oldest(self);

    *self->lost += trace->spans;
    if (early != NULL) {
        *early += trace->spans;
        note_early(self, trace->due_ns);
    }
    otl_buf_fini(&trace->bytes);
    otl_mem_free(trace);
    end_event(self, REMOVED, began);
}

/* The oldest trace leaves. */
static void release(struct grouper *self)
{
    struct col_batch out = {.signal = COL_TRACES};
    struct otl_detail detail = OTL_DETAIL_NONE;
    uint64_t began = begin_event(self);
    struct trace *trace = take_oldest(self);

    end_event(self, EXPIRED, began);
    began = begin_event(self);
    out.request = otl_view(trace->bytes.data, trace->bytes.len);
    out.items = trace->spans;
    out.mono_ns = trace->since_ns;
    ++*self->traces_out;
    *self->spans_out += trace->spans;
    end_event(self, RELEASED, began); /* what follows is not waited for there */
    if (trace->spans > 0 &&
        self->create.next.consume(self->create.next.self, &out, &detail) != OTEL_OK) {
        *self->lost += trace->spans;
        otl_log_line(&self->create.host->log, OTL_LOG_ERROR,
                     "processor '%s': %llu spans are lost: %s", self->create.id,
                     (unsigned long long)trace->spans, detail.text);
    }
    began = begin_event(self);
    otl_buf_fini(&trace->bytes);
    otl_mem_free(trace);
    end_event(self, REMOVED, began);
}

static void set_timer(struct grouper *self)
{
    uint64_t now = otl_clock_mono(self->create.host->clock), due = UINT64_MAX, left;
    struct timeval after;

    if (self->oldest == NULL && self->moment_count == 0)
        return;
    if (self->oldest != NULL)
        due = self->oldest->due_ns;
    if (self->moment_count > 0 && self->moments[self->moment_first].due_ns < due)
        due = self->moments[self->moment_first].due_ns;
    left = due > now ? due - now : 0;
    after.tv_sec = (time_t)(left / OTL_NS_PER_S);
    after.tv_usec = (suseconds_t)((left % OTL_NS_PER_S + 999) / 1000);
    event_add(self->timer, &after);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct grouper *self = arg;
    uint64_t now = otl_clock_mono(self->create.host->clock);

    (void)fd;
    (void)what;
    while (self->oldest != NULL && self->oldest->due_ns <= now)
        release(self);
    count_incomplete(self, now);
    set_timer(self);
}

static struct trace *find_or_make(struct grouper *self, const struct col_span *span,
                                  const struct col_batch *in)
{
    struct trace **slot = slot_of(self, span->trace_id), *trace = *slot;

    while (trace != NULL && memcmp(trace->id, span->trace_id, 16) != 0)
        trace = trace->same_slot;
    if (trace != NULL)
        return trace;
    trace = otl_mem_zalloc(sizeof(*trace));
    if (trace == NULL)
        return NULL;
    if (self->count == self->max) {
        ++*self->evicted;
        discard(self, self->early_count);
    }
    self->bytes += sizeof(*trace);
    memcpy(trace->id, span->trace_id, 16);
    trace->since_ns = in->mono_ns;
    trace->due_ns = otl_clock_mono(self->create.host->clock) + self->wait_ns;
    otl_buf_init(&trace->bytes, TRACE_MAX);
    trace->same_slot = *slot;
    *slot = trace;
    *(self->youngest != NULL ? &self->youngest->younger : &self->oldest) = trace;
    self->youngest = trace;
    *self->held = ++self->count;
    return trace;
}

/* The spans of one trace that stood beside each other. */
static enum otel_err end_run(struct grouper *self, struct trace *trace, uint64_t began)
{
    uint64_t spans = self->run.count, before = trace->bytes.cap;
    struct otl_view bytes;
    enum otel_err err;

    if (spans == 0)
        return OTEL_OK;
    err = col_regroup_finish(&self->run, &bytes);
    if (err == OTEL_OK)
        err = otl_buf_append(&trace->bytes, bytes.data, bytes.len);
    if (err == OTEL_OK)
        trace->spans += spans;
    self->bytes += trace->bytes.cap - before;
    end_event(self, RECEIVED, began);
    return err;
}

/* The oldest ones are lost until what is held is within its bound. */
static void make_room(struct grouper *self)
{
    while (self->bytes > self->max_bytes && self->oldest != NULL) {
        ++*self->evicted;
        discard(self, self->early_bytes);
    }
    *self->held_bytes = self->bytes;
}

static enum otel_err consume(void *arg, const struct col_batch *in, struct otl_detail *reterr)
{
    struct grouper *self = arg;
    bool idle = self->oldest == NULL;
    uint64_t began = 0;
    struct trace *trace = NULL;
    enum otel_err err = OTEL_OK;
    struct col_traces traces;
    struct col_span span;

    col_traces_init(&traces, in->request);
    while (err == OTEL_OK && col_traces_next(&traces, &span)) {
        if (trace == NULL || memcmp(trace->id, span.trace_id, 16) != 0) {
            if (trace != NULL)
                err = end_run(self, trace, began);
            began = begin_event(self);
            trace = find_or_make(self, &span, in);
            if (err == OTEL_OK && trace == NULL)
                err = OTEL_ERR_MEMORY;
        }
        if (err == OTEL_OK)
            err = col_regroup_add(&self->run, &traces, &span);
    }
    if (err == OTEL_OK && trace != NULL)
        err = end_run(self, trace, began);
    make_room(self);
    if (idle)
        set_timer(self);
    if (err == OTEL_OK)
        return OTEL_OK;
    col_regroup_fini(&self->run);
    col_regroup_init(&self->run, TRACE_MAX);
    return otl_detail_set(reterr, err, NULL, 0, 0, "processor '%s': %s", self->create.id,
                          otel_err_text(err));
}

static enum otel_err flush(void *arg, struct otl_detail *reterr)
{
    struct grouper *self = arg;

    (void)reterr;
    if (self->oldest != NULL)
        otl_log_line(&self->create.host->log, OTL_LOG_WARN,
                     "processor '%s': %llu traces are lost: the collector stops before their "
                     "wait_duration is over",
                     self->create.id, (unsigned long long)self->count);
    while (self->oldest != NULL)
        discard(self, NULL);
    return OTEL_OK;
}

static void free_self(void *arg)
{
    struct grouper *self = arg;

    while (self->oldest != NULL) {
        struct trace *next = self->oldest->younger;
        otl_buf_fini(&self->oldest->bytes);
        otl_mem_free(self->oldest);
        self->oldest = next;
    }
    if (self->timer != NULL)
        event_free(self->timer);
    col_regroup_fini(&self->run);
    otl_mem_free(self->slots);
    otl_mem_free(self);
}

static bool count_events(struct grouper *self)
{
    static const double ms[] = {5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};
    static const char *const words[EVENTS] = {"onTraceReceived", "onTraceExpired",
                                              "onTraceReleased", "onTraceRemoved"};
    struct col_histogram_options options = {
        .name = "otelcol_processor_groupbytrace_event_latency",
        .help = "Milliseconds that events took.",
        .bounds = ms,
        .count = sizeof(ms) / sizeof(ms[0])};
    bool good = true;
    char labels[200];

    for (int i = 0; i < EVENTS; i++) {
        snprintf(labels, sizeof(labels), "processor=\"%s\",event=\"%s\"", self->create.id,
                 words[i]);
        options.labels = labels;
        self->latency[i] = col_metrics_histogram(self->create.host->metrics, &options);
        good = good && self->latency[i] != NULL;
    }
    return good;
}

/* Events are handled at once: none ever waits in a queue. */
static bool count_settings(struct grouper *self, const char *labels)
{
    struct col_metrics *metrics = self->create.host->metrics;
    uint64_t *limit = col_metrics_gauge(metrics, "otelcol_processor_groupbytrace_conf_num_traces",
                                        labels, "The most traces that may wait.");

    if (limit != NULL)
        *limit = self->max;
    return limit != NULL &&
           col_metrics_gauge(metrics, "otelcol_processor_groupbytrace_num_events_in_queue", labels,
                             "Events that wait to be handled.") != NULL;
}

static bool count(struct grouper *self)
{
    static const char early[] = "Spans of traces that were lost to make room.";
    struct col_metrics *metrics = self->create.host->metrics;
    char labels[160];

    snprintf(labels, sizeof(labels), "processor=\"%s\"", self->create.id);
    self->evicted =
        col_metrics_counter(metrics, "otelcol_processor_groupbytrace_traces_evicted", labels,
                            "Traces that were lost to make room.");
    self->incomplete =
        col_metrics_counter(metrics, "otelcol_processor_groupbytrace_incomplete_releases", labels,
                            "Traces that were lost before their wait was over, once it is.");
    self->spans_out = col_metrics_counter(
        metrics, "otelcol_processor_groupbytrace_spans_released", labels, "Spans handed on.");
    self->traces_out = col_metrics_counter(
        metrics, "otelcol_processor_groupbytrace_traces_released", labels, "Traces handed on.");
    self->held =
        col_metrics_gauge(metrics, "otelcol_processor_groupbytrace_num_traces_in_memory", labels,
                          "Traces that wait.");
    self->held_bytes = col_metrics_gauge(metrics, "collector_mock_groupbytrace_held_bytes",
                                         labels, "Memory of the traces that wait.");
    self->lost = col_metrics_counter(metrics, "collector_mock_groupbytrace_lost_spans", labels,
                                     "Spans that were acknowledged and lost: evicted, held "
                                     "at the end, or refused by what follows.");
    if (!count_settings(self, labels) || !count_events(self) || self->incomplete == NULL)
        return false;
    snprintf(labels, sizeof(labels), "processor=\"%s\",reason=\"num_traces\"", self->create.id);
    self->early_count = col_metrics_counter(metrics, "collector_mock_groupbytrace_evicted_spans",
                                            labels, early);
    snprintf(labels, sizeof(labels), "processor=\"%s\",reason=\"bytes\"", self->create.id);
    self->early_bytes = col_metrics_counter(metrics, "collector_mock_groupbytrace_evicted_spans",
                                            labels, early);
    return self->evicted != NULL && self->spans_out != NULL && self->traces_out != NULL &&
           self->held != NULL && self->held_bytes != NULL && self->lost != NULL &&
           self->early_count != NULL && self->early_bytes != NULL;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    static const char *const unsupported[] = {"discard_orphans", "store_on_disk"};
    struct grouper *self;

    for (size_t i = 0; i < 2; i++)
        if (otl_tree_bool(args->config, unsupported[i], false))
            return otl_yaml_error(reterr,
                                  otl_yaml_value_pos(args->doc, args->config, unsupported[i]),
                                  "processor '%s': option '%s' is not supported", args->id,
                                  unsupported[i]);
    self = otl_mem_zalloc(sizeof(*self));
    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    self->wait_ns = otl_tree_duration_ns(args->config, "wait_duration", OTL_NS_PER_S);
    self->max = col_share(args, (uint64_t)otl_tree_int(args->config, "num_traces", 1000000));
    self->max_bytes = col_share(args, (uint64_t)otl_tree_int(
                                          json_object_get(args->config, "compat"), "max_bytes",
                                          DEFAULT_BYTES));
    self->seed = otl_random_os_seed();
    self->slots = otl_mem_zalloc(SLOTS * sizeof(struct trace *));
    col_regroup_init(&self->run, TRACE_MAX);
    self->timer = event_new(args->host->base, -1, 0, on_timer, self);
    if (self->slots == NULL || self->timer == NULL || !count(self)) {
        free_self(self);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    *ret = self;
    return OTEL_OK;
}

const struct col_component_type col_groupbytrace_processor = {
    .name = "groupbytrace",
    .kind = COL_PROCESSOR,
    .decouples = true,
    .place = COL_BY_TRACE,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_SIGNAL_BIT(COL_TRACES),
    .flush = flush,
    .free = free_self,
};
