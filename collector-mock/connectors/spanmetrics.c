/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/connectors/spanmetrics.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/trace_state.h"
#include "sdk/base/mem.h"

/*
 * span_metrics connector (spanmetrics is its old name): calls and duration of spans, by service,
 * name, kind, status and the dimensions of the configuration, each resource apart; and the number
 * of their events, by dimensions of those.
 *
 * As in the Collector: spans of a resource without service.name count for nothing; an end before
 * the start is a duration of 0; an attribute of the span goes before one of the resource, and that
 * before the default; exemplars belong to one interval and are gone after it; a span that a sampler
 * kept for others (ot=th in its tracestate) counts for them too. What is counted goes on every
 * metrics_flush_interval, cumulative sums with 0 first; and, as it does not there, at the end.
 *
 * Different: over resource_metrics_cache_size a new resource is not counted (the Collector forgets
 * the oldest); series have a maximum also without aggregation_cardinality_limit; an attribute that
 * is a list, a map or bytes is taken as absent.
 */

enum { TEXT_MAX = 1 << 20, REQUEST_MAX = 1 << 30, KEEP_BYTES = 1 << 20 };

/* ---- counting ---- */

/* For how many spans it stands: one over the probability with which it was kept, rounded up so
 * often that it comes out right in the mean. */
static uint64_t stands_for(struct col_spanmetrics *self, const struct col_span *span)
{
    struct col_trace_state state;
    uint64_t of;

    if (span->trace_state.len == 0 || !col_trace_state_read(span->trace_state, &state) ||
        !state.has_th || state.th >= COL_THRESHOLD_NEVER)
        return 1;
    of = COL_THRESHOLD_NEVER - state.th;
    return COL_THRESHOLD_NEVER / of +
           (otl_random_below(&self->random, of) < COL_THRESHOLD_NEVER % of);
}

static void observe_duration(const struct col_spanmetrics *self, struct col_sm_series *series,
                             double value, uint64_t times)
{
    size_t bucket = 0;

    series->sum += value * (double)times;
    if (self->exponential_max > 0) {
        col_exponential_add(&series->exponential, value, times);
        return;
    }
    while (bucket < self->bound_count && value > self->bounds[bucket])
        bucket++;
    series->buckets[bucket] += times;
}

static void remember(const struct col_spanmetrics *self, struct col_sm_series *series,
                     const struct col_span *span, double value)
{
    static const uint8_t none[16];
    struct col_made_exemplar *exemplar;

    if (!self->exemplars || series->exemplar_count == self->exemplar_max || series->overflow ||
        memcmp(span->trace_id, none, sizeof(none)) == 0)
        return;
    exemplar = &series->exemplars[series->exemplar_count++];
    memcpy(exemplar->trace_id, span->trace_id, sizeof(exemplar->trace_id));
    memcpy(exemplar->span_id, span->span_id, sizeof(exemplar->span_id));
    exemplar->value = value;
}

struct observation {
    double value;
    uint64_t times;
};

/* False: no room. */
static bool observe(struct col_spanmetrics *self, size_t resource, unsigned metric,
                    const struct col_sm_subject *subject, const struct observation *it)
{
    struct col_sm_series *series = col_sm_series(self, resource, metric, subject);

    if (series == NULL)
        return false;
    series->count += it->times;
    if (metric == COL_SM_DURATION)
        observe_duration(self, series, it->value, it->times);
    remember(self, series, subject->span, it->value);
    return true;
}

static bool observe_span(struct col_spanmetrics *self, size_t resource,
                         const struct col_span *span, struct otl_view service)
{
    struct col_sm_subject subject = {span, NULL, service};
    struct observation it = {0, stands_for(self, span)};
    struct col_list events = span->events;
    struct col_event event;
    bool good;

    if (span->end_time_unix_nano > span->start_time_unix_nano)
        it.value =
            (double)(span->end_time_unix_nano - span->start_time_unix_nano) / self->unit_ns;
    good = observe(self, resource, COL_SM_CALLS, &subject, &it);
    if (self->metrics[COL_SM_DURATION])
        good = observe(self, resource, COL_SM_DURATION, &subject, &it) && good;
    subject.event = &event;
    while (self->metrics[COL_SM_EVENTS] && col_event_next(&events, &event))
        good = observe(self, resource, COL_SM_EVENTS, &subject, &it) && good;
    return good;
}

static enum otel_err consume(void *context, const struct col_batch *batch,
                             struct otl_detail *reterr)
{
    struct col_spanmetrics *self = context;
    struct col_traces traces;
    struct col_span span;
    uint64_t group = 0; /* from 1 */
    size_t resource = SIZE_MAX;
    struct col_value service = {.kind = COL_VALUE_EMPTY};

    (void)reterr;
    col_traces_init(&traces, batch->request);
    while (col_traces_next(&traces, &span)) {
        if (traces.resources != group) {
            group = traces.resources;
            resource = SIZE_MAX;
            if (!col_attribute_find(&span.resource->attributes, "service.name", &service))
                service.kind = COL_VALUE_EMPTY;
            else
                resource = col_sm_resource(self, span.resource);
        }
        if (service.kind != COL_VALUE_STRING)
            ++*self->nameless;
        else if (resource == SIZE_MAX || !observe_span(self, resource, &span, service.text))
            ++*self->over;
    }
    return OTEL_OK;
}

/* ---- handing on ---- */

static size_t width(const struct col_spanmetrics *self, unsigned metric)
{
    return COL_SM_FIXED_COUNT + self->dimensions.count + self->more[metric].count + 1;
}

/* As in the Collector a cumulative sum begins with 0, where another value follows. */
static uint64_t count_of(const struct col_spanmetrics *self, struct col_sm_series *series,
                         bool last)
{
    bool first = !series->shown && !self->delta && !last && series->metric != COL_SM_DURATION;

    series->shown = true;
    return first ? 0 : series->count;
}

/* What the points of one resource need. */
struct room {
    struct col_made_point *points[COL_SM_METRICS];
    struct col_made_label *labels[COL_SM_METRICS];
};

static void free_room(struct room *room)
{
    for (unsigned m = 0; m < COL_SM_METRICS; m++) {
        otl_mem_free(room->points[m]);
        otl_mem_free(room->labels[m]);
    }
}

static bool make_room(const struct col_spanmetrics *self, const struct col_sm_resource *resource,
                      struct room *room)
{
    bool good = true;

    for (unsigned m = 0; m < COL_SM_METRICS; m++) {
        size_t count = resource->live[m];
        room->points[m] = NULL;
        room->labels[m] = NULL;
        if (!self->metrics[m] || count == 0)
            continue;
        room->points[m] = otl_mem_alloc(count * sizeof(*room->points[m]));
        room->labels[m] = otl_mem_alloc(count * width(self, m) * sizeof(*room->labels[m]));
        good = good && room->points[m] != NULL && room->labels[m] != NULL;
    }
    return good;
}

/* The points of a metric; how many. */
static size_t put_points(struct col_spanmetrics *self, const struct col_sm_resource *resource,
                         unsigned metric, const struct room *room, bool last)
{
    size_t at = 0;

    for (struct col_sm_series *series = resource->first[metric]; series != NULL;
         series = series->next) {
        struct col_made_label all[COL_SM_LABELS_MAX];
        struct col_made_label *own = room->labels[metric] + at * width(self, metric);
        size_t count;
        if (!series->live)
            continue;
        count = col_sm_labels(series->key, series->key_len, all);
        memcpy(own, all, count * sizeof(*own));
        if (series->overflow)
            own[0].value = otl_view(NULL, 0);
        room->points[metric][at++] = (struct col_made_point){
            .labels = own,
            .label_count = count,
            .start_wall_ns = series->start_wall_ns,
            .count = count_of(self, series, last),
            .sum = series->sum,
            .buckets = series->buckets,
            .exponential = &series->exponential,
            .exemplars = series->exemplars,
            .exemplar_count = series->exemplar_count};
        series->exemplar_count = 0;
    }
    return at;
}

struct turn {
    uint64_t wall_ns;
    bool last; /* nothing follows */
};

static enum otel_err export_resource(struct col_spanmetrics *self,
                                     const struct col_sm_resource *resource, struct room *room,
                                     const struct turn *turn, struct otl_detail *reterr)
{
    const enum col_made_kind duration =
        self->exponential_max > 0 ? COL_MADE_EXPONENTIAL : COL_MADE_HISTOGRAM;
    struct col_made_label attributes[COL_SM_LABELS_MAX];
    struct col_made_metric metrics[COL_SM_METRICS];
    struct col_made_batch batch = {
        .resource = attributes,
        .resource_count = col_sm_labels(resource->labels, resource->labels_len, attributes),
        .scope = "spanmetricsconnector",
        .metrics = metrics,
        .delta = self->delta,
        .wall_ns = turn->wall_ns};
    struct col_batch out = {.mono_ns = otl_clock_mono(self->create.host->clock),
                            .signal = COL_METRICS};
    enum otel_err err;

    for (unsigned m = 0; m < COL_SM_METRICS; m++) {
        bool histogram = m == COL_SM_DURATION;
        if (room->points[m] == NULL)
            continue;
        metrics[batch.metric_count] = (struct col_made_metric){
            .kind = histogram ? duration : COL_MADE_SUM,
            .name = self->names[m],
            .unit = !histogram ? "" : self->seconds ? "s" : "ms",
            .bounds = self->bounds,
            .bound_count = self->bound_count,
            .points = room->points[m],
            .point_count = put_points(self, resource, m, room, turn->last)};
        batch.points += metrics[batch.metric_count++].point_count;
    }
    otl_buf_reset(&self->request);
    err = col_made_encode(&batch, &self->request);
    if (err != OTEL_OK)
        return err;
    out.items = batch.points;
    out.request = otl_view(self->request.data, self->request.len);
    err = self->create.next.consume(self->create.next.self, &out, reterr);
    if (self->request.cap > KEEP_BYTES)
        otl_buf_fini(&self->request);
    return err;
}

static void export_all(struct col_spanmetrics *self, bool last)
{
    const struct turn turn = {otl_clock_wall(self->create.host->clock), last};

    for (size_t i = 0; i < self->resource_count; i++) {
        const struct col_sm_resource *resource = &self->resources[i];
        struct otl_detail detail = OTL_DETAIL_NONE;
        enum otel_err err = OTEL_ERR_MEMORY;
        struct room room;
        if (resource->live[COL_SM_CALLS] == 0)
            continue;
        if (make_room(self, resource, &room))
            err = export_resource(self, resource, &room, &turn, &detail);
        free_room(&room);
        if (err == OTEL_OK)
            continue;
        *self->lost += resource->live[COL_SM_CALLS];
        otl_log_line(&self->create.host->log, OTL_LOG_ERROR,
                     "connector '%s': cannot hand metrics on: %s", self->create.id,
                     detail.text[0] ? detail.text : otel_err_text(err));
    }
    col_sm_sweep(self, turn.wall_ns);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    export_all(arg, false);
}

static enum otel_err start(void *context, struct otl_detail *reterr)
{
    struct col_spanmetrics *self = context;
    const struct timeval every = {(time_t)(self->interval_ns / OTL_NS_PER_S),
                                  (suseconds_t)(self->interval_ns % OTL_NS_PER_S / 1000)};

    self->timer = event_new(self->create.host->base, -1, EV_PERSIST, on_timer, self);
    if (self->timer == NULL || event_add(self->timer, &every) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    return OTEL_OK;
}

static enum otel_err flush(void *context, struct otl_detail *reterr)
{
    (void)reterr;
    export_all(context, true);
    return OTEL_OK;
}

static void free_spanmetrics(void *context)
{
    struct col_spanmetrics *self = context;

    if (self->timer != NULL)
        event_free(self->timer);
    col_sm_series_fini(self);
    otl_buf_fini(&self->resource_key);
    otl_buf_fini(&self->resource_labels);
    otl_buf_fini(&self->key);
    otl_buf_fini(&self->request);
    otl_mem_free(self);
}

static bool count(struct col_spanmetrics *self)
{
    struct col_metrics *metrics = self->create.host->metrics;
    const char *name = "collector_mock_spanmetrics_dropped_spans";
    const char *help = "Spans that were not counted, by reason.";
    char labels[200];

    snprintf(labels, sizeof(labels), "connector=\"%s\",reason=\"no_service_name\"",
             self->create.id);
    self->nameless = col_metrics_counter(metrics, name, labels, help);
    snprintf(labels, sizeof(labels), "connector=\"%s\",reason=\"no_room\"", self->create.id);
    self->over = col_metrics_counter(metrics, name, labels, help);
    snprintf(labels, sizeof(labels), "connector=\"%s\"", self->create.id);
    self->lost = col_metrics_counter(metrics, "collector_mock_spanmetrics_refused_series", labels,
                                     "Series that could not be handed on in an interval.");
    return self->nameless != NULL && self->over != NULL && self->lost != NULL;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct col_spanmetrics *self = otl_mem_zalloc(sizeof(*self));
    enum otel_err err;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    otl_random_seed(&self->random, otl_random_os_seed());
    otl_buf_init(&self->resource_key, TEXT_MAX);
    otl_buf_init(&self->resource_labels, TEXT_MAX);
    otl_buf_init(&self->key, TEXT_MAX);
    otl_buf_init(&self->request, REQUEST_MAX);
    err = col_sm_read(self, reterr);
    if (err == OTEL_OK) {
        self->resources = otl_mem_zalloc(self->resource_max * sizeof(*self->resources));
        if (self->resources == NULL || !count(self))
            err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    if (err == OTEL_OK)
        *ret = self;
    else
        free_spanmetrics(self);
    return err;
}

#define SPAN_METRICS(word_)                                                                       \
    {                                                                                             \
        .name = (word_), .kind = COL_CONNECTOR, .schema = col_sm_row, .create = create,           \
        .start = start,                                                                           \
        .consume = consume, .signals = COL_SIGNAL_BIT(COL_TRACES), .to_metrics = true,            \
        .flush = flush, .free = free_spanmetrics, .place = COL_FIRST                              \
    }

const struct col_component_type col_span_metrics_connector = SPAN_METRICS("span_metrics");
const struct col_component_type col_spanmetrics_connector = SPAN_METRICS("spanmetrics");
