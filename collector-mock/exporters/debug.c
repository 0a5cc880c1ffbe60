/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector-mock/exporters/debug_outputs.h"
#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/*
 * debug exporter: what passes, for people: in the collector's log on standard error, or, with
 * use_internal_logger: false, where debug_outputs.h says; the counts then are in the line that the
 * Collector writes there.
 *
 * basic: one line a request with its counts. normal: also one line a span, data point or log
 * record. detailed: every field; of metrics and logs as OTLP/JSON.
 * sampling_initial requests a second are shown, then every sampling_thereafter-th.
 */

enum { TEXT_MAX = 64 * 1024 * 1024, KEEP = 256 * 1024 };

enum verbosity { BASIC, NORMAL, DETAILED };

struct debug {
    struct col_host *host;
    enum verbosity verbosity;
    uint64_t initial, thereafter;
    uint64_t second, seen; /* requests in this second */
    const char *id;
    struct col_debug_outputs outputs;
    struct otl_buf text, whole; /* whole: with the counts before it */
    enum otel_err err; /* of the text at hand */
};

static const char *const verbosities[] = {"basic", "normal", "detailed", NULL};
static const struct otl_schema keys[] = {
    {.key = "verbosity", .type = OTL_SCHEMA_ENUM, .words = verbosities},
    {.key = "sampling_initial", .type = OTL_SCHEMA_UINT},
    {.key = "sampling_thereafter", .type = OTL_SCHEMA_UINT},
    {.key = "use_internal_logger", .type = OTL_SCHEMA_BOOL},
    {.key = "output_paths", .type = OTL_SCHEMA_LIST, .child = col_debug_output_row,
     .nullable = true},
    COL_NOT_YET("sending_queue"),
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    static const char *const not_yet[] = {"sending_queue", NULL};
    const char *word = otl_tree_text(args->config, "verbosity", "basic");
    enum otel_err err = col_refuse_not_yet(args, "exporter", args->config, not_yet, reterr);
    struct col_debug_outputs outputs;
    struct debug *debug;

    if (err == OTEL_OK)
        err = col_debug_outputs_read(args, &outputs, reterr);
    if (err != OTEL_OK)
        return err;
    debug = otl_mem_zalloc(sizeof(*debug));
    if (debug == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    debug->host = args->host;
    debug->id = args->id;
    debug->outputs = outputs;
    while (strcmp(verbosities[debug->verbosity], word) != 0)
        debug->verbosity++;
    debug->initial = (uint64_t)otl_tree_int(args->config, "sampling_initial", 2);
    debug->thereafter = (uint64_t)otl_tree_int(args->config, "sampling_thereafter", 1);
    otl_buf_init(&debug->text, TEXT_MAX);
    otl_buf_init(&debug->whole, TEXT_MAX);
    *ret = debug;
    return OTEL_OK;
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct debug *debug = self;

    return col_debug_outputs_open(&debug->outputs, debug->id, reterr);
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct debug *debug = self;
    int error = col_debug_outputs_close(&debug->outputs);

    return error == 0 ? OTEL_OK
                      : otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                                       "exporter '%s': cannot close a file: %s", debug->id,
                                       strerror(error));
}

static bool shown(struct debug *debug)
{
    uint64_t second = otl_clock_mono(debug->host->clock) / OTL_NS_PER_S;

    if (second != debug->second) {
        debug->second = second;
        debug->seen = 0;
    }
    debug->seen++;
    if (debug->seen <= debug->initial)
        return true;
    return debug->thereafter != 0 && (debug->seen - debug->initial) % debug->thereafter == 0;
}

/* The first error sticks. */
static void say(struct debug *debug, const char *format, ...) OTEL_PRINTF(2, 3);

static void say(struct debug *debug, const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (debug->err == OTEL_OK)
        debug->err = otl_buf_append_str(&debug->text, line);
}

static void say_text(struct debug *debug, const char *label, struct otl_view text)
{
    struct col_value value = {.kind = COL_VALUE_STRING, .text = text};

    say(debug, "%s", label);
    if (debug->err == OTEL_OK)
        debug->err = col_json_plain(&value, &debug->text);
    say(debug, "\n");
}

static void say_attributes(struct debug *debug, const char *indent, const char *between,
                           struct col_list list)
{
    struct col_attribute attribute;

    while (col_attribute_next(&list, &attribute)) {
        say(debug, "%s", indent);
        if (debug->err == OTEL_OK)
            debug->err = otl_buf_append(&debug->text, attribute.key.data, attribute.key.len);
        say(debug, "%s", between);
        if (debug->err == OTEL_OK)
            debug->err = col_json_plain(&attribute.value, &debug->text);
        if (indent[0] != ' ' || indent[1] != '\0')
            say(debug, "\n");
    }
}

static void say_short(struct debug *debug, const struct col_span *span)
{
    char trace_id[33], span_id[17];

    otl_hex(span->trace_id, 16, trace_id);
    otl_hex(span->span_id, 8, span_id);
    if (debug->err == OTEL_OK)
        debug->err = otl_buf_append(&debug->text, span->name.data, span->name.len);
    say(debug, " %s %s", trace_id, span_id);
    say_attributes(debug, " ", "=", span->attributes);
    say(debug, "\n");
}

static void say_events(struct debug *debug, struct col_list events)
{
    struct col_event event;

    for (unsigned i = 0; col_event_next(&events, &event); i++) {
        say(debug, "    Event #%u\n", i);
        say_text(debug, "        Name: ", event.name);
        say(debug, "        Timestamp: %llu\n", (unsigned long long)event.time_unix_nano);
        say_attributes(debug, "        -> ", ": ", event.attributes);
    }
}

static void say_links(struct debug *debug, struct col_list links)
{
    char trace_id[33], span_id[17];
    struct col_link link;

    for (unsigned i = 0; col_link_next(&links, &link); i++) {
        otl_hex(link.trace_id, 16, trace_id);
        otl_hex(link.span_id, 8, span_id);
        say(debug, "    Link #%u\n        Trace ID: %s\n        ID: %s\n", i, trace_id, span_id);
        say_text(debug, "        TraceState: ", link.trace_state);
        say_attributes(debug, "        -> ", ": ", link.attributes);
    }
}

static void say_span(struct debug *debug, unsigned number, const struct col_span *span)
{
    static const char *const kinds[] = {"Unspecified", "Internal", "Server",
                                        "Client",      "Producer", "Consumer"};
    static const char *const codes[] = {"Unset", "Ok", "Error"};
    char trace_id[33], parent_id[17], span_id[17];

    otl_hex(span->trace_id, 16, trace_id);
    otl_hex(span->parent_span_id, 8, parent_id);
    otl_hex(span->span_id, 8, span_id);
    say(debug, "Span #%u\n    Trace ID: %s\n    Parent ID: %s\n    ID: %s\n", number, trace_id,
        parent_id, span_id);
    say_text(debug, "    Name: ", span->name);
    say(debug, "    Kind: %s\n    Start time: %llu\n    End time: %llu\n    Flags: %#x\n",
        span->kind >= 0 && span->kind <= 5 ? kinds[span->kind] : "?",
        (unsigned long long)span->start_time_unix_nano,
        (unsigned long long)span->end_time_unix_nano, (unsigned)span->flags);
    say_text(debug, "    TraceState: ", span->trace_state);
    say(debug, "    Status code: %s\n",
        span->status_code >= 0 && span->status_code <= 2 ? codes[span->status_code] : "?");
    say_text(debug, "    Status message: ", span->status_message);
    say(debug, "    Dropped: attributes %u, events %u, links %u\n",
        (unsigned)span->dropped_attributes_count, (unsigned)span->dropped_events_count,
        (unsigned)span->dropped_links_count);
    say_attributes(debug, "    -> ", ": ", span->attributes);
    say_events(debug, span->events);
    say_links(debug, span->links);
}

static void say_groups(struct debug *debug, struct otl_view request)
{
    struct col_traces traces;
    struct col_span span;

    col_traces_init(&traces, request);
    while (col_traces_next_resource(&traces)) {
        unsigned scope = 0;
        say(debug, "ResourceSpans #%llu\n", (unsigned long long)traces.resources - 1);
        say_text(debug, "Resource SchemaURL: ", traces.resource.schema_url);
        say_attributes(debug, "     -> ", ": ", traces.resource.attributes);
        while (col_traces_next_scope(&traces)) {
            unsigned number = 0;
            say(debug, "ScopeSpans #%u\n", scope++);
            say_text(debug, "InstrumentationScope: ", traces.scope.name);
            say_text(debug, "Version: ", traces.scope.version);
            say_attributes(debug, "     -> ", ": ", traces.scope.attributes);
            while (col_traces_next_span(&traces, &span))
                say_span(debug, number++, &span);
        }
    }
}

/* ---- metrics and logs ---- */

static void say_number(struct debug *debug, const char *label, double value)
{
    struct col_value real = {.kind = COL_VALUE_DOUBLE, .real = value};

    say(debug, "%s", label);
    if (debug->err == OTEL_OK)
        debug->err = col_json_plain(&real, &debug->text);
}

static void say_point(struct debug *debug, const struct col_metric *metric,
                      const struct col_point *point)
{
    if (debug->err == OTEL_OK)
        debug->err = otl_buf_append(&debug->text, metric->name.data, metric->name.len);
    say_attributes(debug, " ", "=", point->attributes);
    if (metric->kind == COL_METRIC_GAUGE || metric->kind == COL_METRIC_SUM) {
        if (point->value_kind == COL_NUMBER_INT)
            say(debug, " %lld", (long long)point->integer);
        else if (point->value_kind == COL_NUMBER_DOUBLE)
            say_number(debug, " ", point->real);
    } else {
        say(debug, " count=%llu", (unsigned long long)point->count);
        if (point->has_sum)
            say_number(debug, " sum=", point->sum);
        if (point->has_min)
            say_number(debug, " min=", point->min);
        if (point->has_max)
            say_number(debug, " max=", point->max);
    }
    say(debug, "\n");
}

static void say_log(struct debug *debug, const struct col_log *log)
{
    char trace_id[33], span_id[17];
    struct col_value body;

    if (debug->err == OTEL_OK && log->severity_text.len > 0)
        debug->err =
            otl_buf_append(&debug->text, log->severity_text.data, log->severity_text.len);
    else
        say(debug, "%d", (int)log->severity_number);
    col_value_split(log->body, &body);
    say(debug, " ");
    if (debug->err == OTEL_OK)
        debug->err = col_json_plain(&body, &debug->text);
    otl_hex(log->trace_id, 16, trace_id);
    otl_hex(log->span_id, 8, span_id);
    say(debug, " %s %s", trace_id, span_id);
    say_attributes(debug, " ", "=", log->attributes);
    say(debug, "\n");
}

/* How many of what, of the items of a request: the log's words, or the Collector's. */
struct count {
    const char *of;
    uint64_t count;
};

static void say_counts(struct debug *debug, const char *signal, const struct count *counts,
                       size_t count)
{
    bool own = debug->outputs.own;
    char line[256];
    int len = snprintf(line, sizeof(line), own ? "%s\t{" : "%s: ", signal);

    for (size_t i = 0; i < count && len > 0 && (size_t)len < sizeof(line); i++)
        len += snprintf(line + len, sizeof(line) - (size_t)len,
                        own ? "%s\"%s\": %llu" : "%s%s %llu", i > 0 ? ", " : "", counts[i].of,
                        (unsigned long long)counts[i].count);
    if (!own) {
        otl_log_line(&debug->host->log, OTL_LOG_INFO, "%s", line);
        return;
    }
    otl_buf_reset(&debug->whole);
    if (debug->err == OTEL_OK)
        debug->err = otl_buf_append_str(&debug->whole, line);
    if (debug->err == OTEL_OK)
        debug->err = otl_buf_append_str(&debug->whole, "}\n");
}

static void show_metrics(struct debug *debug, const struct col_batch *batch)
{
    struct col_traces metrics;
    struct col_metric metric;
    struct col_point point;

    col_items_init(&metrics, COL_METRICS, batch->request);
    while (col_metrics_next(&metrics, &metric))
        while (debug->verbosity != BASIC && col_point_next(metric.kind, &metric.points, &point))
            say_point(debug, &metric, &point);
    say_counts(debug, "Metrics",
               (const struct count[]){{"resource metrics", metrics.resources},
                                      {"metrics", metrics.spans},
                                      {"data points", batch->items}}, 3);
}

static void show_logs(struct debug *debug, const struct col_batch *batch)
{
    struct col_traces logs;
    struct col_log log;

    col_items_init(&logs, COL_LOGS, batch->request);
    while (col_logs_next(&logs, &log))
        if (debug->verbosity != BASIC)
            say_log(debug, &log);
    say_counts(debug, "Logs",
               (const struct count[]){{"resource logs", logs.resources},
                                      {"log records", batch->items}}, 2);
}

static void say_json(struct debug *debug, const struct col_batch *batch)
{
    if (debug->err == OTEL_OK)
        debug->err = col_json_request(batch->signal, batch->request, &debug->text);
    say(debug, "\n");
}

/* ---- all ---- */

static void show_traces(struct debug *debug, const struct col_batch *batch)
{
    struct col_traces traces;
    struct col_span span;

    col_traces_init(&traces, batch->request);
    while (col_traces_next(&traces, &span))
        if (debug->verbosity == NORMAL)
            say_short(debug, &span);
    say_counts(debug, "Traces",
               (const struct count[]){{"resource spans", traces.resources},
                                      {"spans", traces.spans}}, 2);
    if (debug->verbosity == DETAILED)
        say_groups(debug, batch->request);
}

static enum otel_err write_out(struct debug *debug)
{
    const struct otl_view text = otl_view(debug->text.data, debug->text.len);
    enum otel_err err = OTEL_OK;

    if (!debug->outputs.own)
        return text.len > 0 ? otl_fd_write_all(debug->host->log.fd, text.data, text.len) : OTEL_OK;
    if (text.len > 0)
        err = otl_buf_append(&debug->whole, text.data, text.len);
    return err == OTEL_OK
               ? col_debug_outputs_write(&debug->outputs,
                                         otl_view(debug->whole.data, debug->whole.len))
               : err;
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct debug *debug = self;

    if (!shown(debug))
        return OTEL_OK;
    otl_buf_reset(&debug->text);
    debug->err = OTEL_OK;
    if (batch->signal == COL_TRACES)
        show_traces(debug, batch);
    else if (batch->signal == COL_METRICS)
        show_metrics(debug, batch);
    else
        show_logs(debug, batch);
    if (debug->verbosity == DETAILED && batch->signal != COL_TRACES)
        say_json(debug, batch);
    if (debug->err == OTEL_OK)
        debug->err = write_out(debug);
    if (debug->text.cap > KEEP)
        otl_buf_fini(&debug->text);
    if (debug->whole.cap > KEEP)
        otl_buf_fini(&debug->whole);
    if (debug->err != OTEL_OK)
        return otl_detail_set(reterr, debug->err, NULL, 0, 0, "exporter debug: %s",
                              otel_err_text(debug->err));
    return OTEL_OK;
}

static void free_debug(void *self)
{
    struct debug *debug = self;

    (void)col_debug_outputs_close(&debug->outputs);
    otl_buf_fini(&debug->text);
    otl_buf_fini(&debug->whole);
    otl_mem_free(debug);
}

const struct col_component_type col_debug_exporter = {
    .name = "debug",
    .kind = COL_EXPORTER,
    .schema = row,
    .create = create,
    .start = start,
    .flush = flush,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .free = free_debug,
};
