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
 * name, kind, status and the dimensions of the configuration, each resource apart.
 *
 * As in the Collector: spans of a resource without service.name count for nothing; an end before
 * the start is a duration of 0; an attribute of the span goes before one of the resource, and that
 * before the default; exemplars belong to one interval and are gone after it; a span that a sampler
 * kept for others (ot=th in its tracestate) counts for them too. What is counted goes on every
 * metrics_flush_interval, and once more at the end.
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

static void observe(struct col_spanmetrics *self, struct col_sm_series *series,
                    const struct col_span *span)
{
    static const uint8_t none[16];
    uint64_t times = stands_for(self, span);
    double value = 0;
    size_t bucket = 0;

    if (span->end_time_unix_nano > span->start_time_unix_nano)
        value = (double)(span->end_time_unix_nano - span->start_time_unix_nano) / self->unit_ns;
    while (bucket < self->bound_count && value > self->bounds[bucket])
        bucket++;
    series->buckets[bucket] += times;
    series->count += times;
    series->sum += value * (double)times;
    if (self->exemplars && series->exemplar_count < self->exemplar_max &&
        memcmp(span->trace_id, none, sizeof(none)) != 0) {
        struct col_made_exemplar *exemplar = &series->exemplars[series->exemplar_count++];
        memcpy(exemplar->trace_id, span->trace_id, sizeof(exemplar->trace_id));
        memcpy(exemplar->span_id, span->span_id, sizeof(exemplar->span_id));
        exemplar->value = value;
    }
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
        struct col_sm_series *series = NULL;
        if (traces.resources != group) {
            group = traces.resources;
            resource = SIZE_MAX;
            if (!col_attribute_find(&span.resource->attributes, "service.name", &service))
                service.kind = COL_VALUE_EMPTY;
            else
                resource = col_sm_resource(self, span.resource);
        }
        if (service.kind != COL_VALUE_STRING) {
            ++*self->nameless;
            continue;
        }
        if (resource != SIZE_MAX)
            series = col_sm_series(self, resource, &span, service.text);
        if (series != NULL)
            observe(self, series, &span);
        else
            ++*self->over;
    }
    return OTEL_OK;
}

/* ---- handing on ---- */

static enum otel_err export_resource(struct col_spanmetrics *self,
                                     const struct col_sm_resource *resource,
                                     struct col_made_point *points, struct col_made_label *labels,
                                     struct otl_detail *reterr)
{
    struct col_made_label attributes[COL_SM_LABELS_MAX];
    struct col_made_metric metrics[2] = {
        {COL_MADE_SUM, self->calls, "", NULL, 0, points, resource->count},
        {COL_MADE_HISTOGRAM, self->duration, self->seconds ? "s" : "ms", self->bounds,
         self->bound_count, points, resource->count}};
    const struct col_made_batch batch = {
        .resource = attributes,
        .resource_count = col_sm_labels(resource->key, resource->key_len, attributes),
        .scope = "spanmetricsconnector",
        .metrics = metrics,
        .metric_count = self->histogram ? 2 : 1,
        .points = resource->count * (self->histogram ? 2 : 1),
        .start_wall_ns = self->start_wall_ns,
        .wall_ns = otl_clock_wall(self->create.host->clock)};
    struct col_batch out = {.items = batch.points,
                            .mono_ns = otl_clock_mono(self->create.host->clock),
                            .signal = COL_METRICS};
    const size_t width = COL_SM_FIXED_COUNT + self->dimension_count;
    enum otel_err err;
    size_t at = 0;

    for (struct col_sm_series *series = resource->first; series != NULL;
         series = series->next, at++) {
        struct col_made_label all[COL_SM_LABELS_MAX], *own = labels + at * width;
        size_t count = col_sm_labels(series->key, series->key_len, all);
        memcpy(own, all, count * sizeof(*own));
        points[at] = (struct col_made_point){
            own,             count,             series->count,         series->sum,
            series->buckets, series->exemplars, series->exemplar_count};
        series->exemplar_count = 0;
    }
    otl_buf_reset(&self->request);
    err = col_made_encode(&batch, &self->request);
    if (err != OTEL_OK)
        return err;
    out.request = otl_view(self->request.data, self->request.len);
    err = self->create.next.consume(self->create.next.self, &out, reterr);
    if (self->request.cap > KEEP_BYTES)
        otl_buf_fini(&self->request);
    return err;
}

static void export_all(struct col_spanmetrics *self)
{
    for (size_t i = 0; i < self->resource_count; i++) {
        const struct col_sm_resource *resource = &self->resources[i];
        const size_t width = COL_SM_FIXED_COUNT + self->dimension_count;
        struct col_made_point *points = NULL;
        struct col_made_label *labels = NULL;
        struct otl_detail detail = OTL_DETAIL_NONE;
        enum otel_err err = OTEL_ERR_MEMORY;
        if (resource->count == 0)
            continue;
        points = otl_mem_alloc(resource->count * sizeof(*points));
        labels = otl_mem_alloc(resource->count * width * sizeof(*labels));
        if (points != NULL && labels != NULL)
            err = export_resource(self, resource, points, labels, &detail);
        if (err != OTEL_OK) {
            *self->lost += resource->count;
            otl_log_line(&self->create.host->log, OTL_LOG_ERROR,
                         "connector '%s': cannot hand metrics on: %s", self->create.id,
                         detail.text[0] ? detail.text : otel_err_text(err));
        }
        otl_mem_free(points);
        otl_mem_free(labels);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    export_all(arg);
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
    export_all(context);
    return OTEL_OK;
}

static void free_spanmetrics(void *context)
{
    struct col_spanmetrics *self = context;

    if (self->timer != NULL)
        event_free(self->timer);
    col_sm_series_fini(self);
    otl_buf_fini(&self->resource_key);
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
    otl_buf_init(&self->key, TEXT_MAX);
    otl_buf_init(&self->request, REQUEST_MAX);
    self->start_wall_ns = otl_clock_wall(args->host->clock);
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
