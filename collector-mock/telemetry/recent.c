/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/recent.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "collector-mock/telemetry/recent_spans.h"
#include "collector-mock/telemetry/text.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

#define QUIET_NS OTL_NS_PER_S
#define TICK_US 250000

enum { BUCKETS = 512, NONE = -1, TEXT_MAX = 1024 * 1024 };

struct trace {
    uint8_t id[16];
    int next;             /* in its bucket; NONE: the last */
    bool has_root;
    uint64_t first_wall_ns; /* when its first span came; 0: the place is free */
    uint64_t last_mono_ns;
    uint64_t start_ns, end_ns; /* of its spans */
    uint64_t spans, errors;
    uint64_t printed; /* spans that the last line has told of */
    char service[48], name[64];
};

struct col_recent {
    pthread_mutex_t lock;
    const struct otl_clock *clock;
    struct event *tick;
    int fd;
    struct otl_buf text;
    int buckets[BUCKETS];
    unsigned place; /* of the next new trace: the oldest one's */
    uint64_t requests[COL_SIGNALS], items[COL_SIGNALS];
    struct trace traces[COL_RECENT_MAX];
    struct col_recent_spans *spans;
};

/* ---- lines ---- */

/* "12:03:04.567" */
static void write_time(uint64_t wall_ns, char out[16])
{
    time_t seconds = (time_t)(wall_ns / OTL_NS_PER_S);
    struct tm local;

    localtime_r(&seconds, &local);
    snprintf(out, 16, "%02d:%02d:%02d.%03u", local.tm_hour % 100, local.tm_min % 100,
             local.tm_sec % 100, (unsigned)(wall_ns % OTL_NS_PER_S / OTL_NS_PER_MS) % 1000);
}

static double milliseconds(const struct trace *trace)
{
    return trace->end_ns > trace->start_ns ? (double)(trace->end_ns - trace->start_ns) / 1e6 : 0;
}

static void print(struct col_recent *recent, struct trace *trace)
{
    bool again = trace->printed > 0;
    char when[16], id[33], errors[32] = "ok";

    if (recent->fd < 0 || trace->first_wall_ns == 0 || trace->printed == trace->spans)
        return;
    write_time(trace->first_wall_ns, when);
    otl_hex(trace->id, 16, id);
    if (trace->errors > 0)
        snprintf(errors, sizeof(errors), "%llu error%s", (unsigned long long)trace->errors,
                 trace->errors == 1 ? "" : "s");
    /* what does not fit into the buffer is not shown */
    if (otl_buf_printf(&recent->text, "%s  %s  %s  %s  %llu span%s  %.3f ms  %s%s%s\n", when, id,
                       trace->service[0] ? trace->service : "-",
                       trace->name[0] ? trace->name : "-", (unsigned long long)trace->spans,
                       trace->spans == 1 ? "" : "s", milliseconds(trace), errors,
                       trace->has_root ? "" : "  no root", again ? "  late spans" : "") == OTEL_OK)
        trace->printed = trace->spans;
}

static void put_lines(struct col_recent *recent)
{
    if (recent->text.len > 0 &&
        otl_fd_write_all(recent->fd, recent->text.data, recent->text.len) != OTEL_OK)
        recent->fd = -1; /* nobody reads any more */
    otl_buf_reset(&recent->text);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct col_recent *recent = arg;
    uint64_t now = otl_clock_mono(recent->clock);

    (void)fd;
    (void)what;
    pthread_mutex_lock(&recent->lock);
    for (unsigned i = 0; i < COL_RECENT_MAX; i++) { /* the oldest first */
        struct trace *trace = &recent->traces[(recent->place + i) % COL_RECENT_MAX];
        if (now - trace->last_mono_ns >= QUIET_NS)
            print(recent, trace);
    }
    put_lines(recent);
    pthread_mutex_unlock(&recent->lock);
}

/* ---- traces ---- */

static unsigned bucket_of(const uint8_t id[16])
{
    uint64_t low;

    memcpy(&low, id + 8, 8);
    return (unsigned)((low * 0x9e3779b97f4a7c15ULL) >> 55) % BUCKETS;
}

static void unlink_trace(struct col_recent *recent, int at)
{
    int *link = &recent->buckets[bucket_of(recent->traces[at].id)];

    while (*link != at)
        link = &recent->traces[*link].next;
    *link = recent->traces[at].next;
}

static struct trace *trace_of(struct col_recent *recent, const uint8_t id[16])
{
    unsigned bucket = bucket_of(id);
    struct trace *trace;

    for (int at = recent->buckets[bucket]; at != NONE; at = recent->traces[at].next)
        if (memcmp(recent->traces[at].id, id, 16) == 0)
            return &recent->traces[at];
    trace = &recent->traces[recent->place];
    if (trace->first_wall_ns != 0) {
        print(recent, trace);
        if (recent->text.len > TEXT_MAX / 2)
            put_lines(recent);
        unlink_trace(recent, (int)recent->place);
    }
    memset(trace, 0, sizeof(*trace));
    memcpy(trace->id, id, 16);
    trace->first_wall_ns = otl_clock_wall(recent->clock);
    trace->next = recent->buckets[bucket];
    recent->buckets[bucket] = (int)recent->place;
    recent->place = (recent->place + 1) % COL_RECENT_MAX;
    return trace;
}

static const char *const item_words[COL_SIGNALS] = {"span", "data point", "log record"};

/* What a request of metrics or logs holds, in a line of its own. */
static void see_others(struct col_recent *recent, enum col_signal signal, struct otl_view request)
{
    char when[16], service[48] = "-";
    uint64_t count = 0, messages = 0;
    struct col_value value;
    struct col_traces items;
    struct col_item item;

    col_items_init(&items, signal, request);
    while (col_items_next(&items, &item)) {
        if (messages++ == 0 &&
            col_attribute_find(&item.resource->attributes, "service.name", &value) &&
            value.kind == COL_VALUE_STRING)
            col_plain_text(service, sizeof(service), value.text);
        count += item.count;
    }
    recent->requests[signal]++;
    recent->items[signal] += count;
    if (recent->fd < 0)
        return;
    write_time(otl_clock_wall(recent->clock), when);
    (void)!otl_buf_printf(&recent->text, "%s  %s  %s  %llu %s%s\n", when, col_signal_name(signal),
                          service, (unsigned long long)count, item_words[signal],
                          count == 1 ? "" : "s");
    if (recent->text.len > TEXT_MAX / 2)
        put_lines(recent);
}

static void see_traces(struct col_recent *recent, struct otl_view request)
{
    static const uint8_t none[8];
    uint64_t now = otl_clock_mono(recent->clock);
    struct col_traces traces;
    struct col_value service;
    struct col_span span;

    col_traces_init(&traces, request);
    while (col_traces_next(&traces, &span)) {
        struct trace *trace = trace_of(recent, span.trace_id);
        bool root = memcmp(span.parent_span_id, none, 8) == 0;
        if (trace->spans == 0 || span.start_time_unix_nano < trace->start_ns)
            trace->start_ns = span.start_time_unix_nano;
        if (span.end_time_unix_nano > trace->end_ns)
            trace->end_ns = span.end_time_unix_nano;
        if (trace->spans == 0 || (root && !trace->has_root)) {
            col_plain_text(trace->name, sizeof(trace->name), span.name);
            if (col_attribute_find(&span.resource->attributes, "service.name", &service) &&
                service.kind == COL_VALUE_STRING)
                col_plain_text(trace->service, sizeof(trace->service), service.text);
        }
        trace->has_root = trace->has_root || root;
        trace->spans++;
        trace->errors += span.status_code == 2;
        trace->last_mono_ns = now;
        col_recent_spans_put(recent->spans, &span);
        recent->items[COL_TRACES]++;
    }
    recent->requests[COL_TRACES]++;
}

void col_recent_see(struct col_recent *recent, enum col_signal signal, struct otl_view request)
{
    pthread_mutex_lock(&recent->lock);
    if (signal == COL_TRACES)
        see_traces(recent, request);
    else
        see_others(recent, signal, request);
    pthread_mutex_unlock(&recent->lock);
}

/* ---- the page ---- */

static enum otel_err html_row(const struct trace *trace, struct otl_buf *out)
{
    char when[16], id[33];
    enum otel_err err;

    write_time(trace->first_wall_ns, when);
    otl_hex(trace->id, 16, id);
    err = otl_buf_printf(out, "<tr><td>%s<td><a href=\"/trace/%s\"><code>%s</code></a><td>", when,
                         id, id);
    if (err == OTEL_OK)
        err = col_html_text(out, trace->service);
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "<td>");
    if (err == OTEL_OK)
        err = col_html_text(out, trace->name);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "<td>%llu<td>%.3f<td>%llu<td>%s</tr>\n",
                             (unsigned long long)trace->spans, milliseconds(trace),
                             (unsigned long long)trace->errors, trace->has_root ? "yes" : "no");
    return err;
}

enum otel_err col_recent_html(struct col_recent *recent, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    pthread_mutex_lock(&recent->lock);
    for (int s = COL_TRACES; s < COL_SIGNALS && err == OTEL_OK; s++)
        err = otl_buf_printf(out, "%s%s: %llu %s%s in %llu request%s",
                             s > 0 ? "; " : "<p>Received ", col_signal_name((enum col_signal)s),
                             (unsigned long long)recent->items[s], item_words[s],
                             recent->items[s] == 1 ? "" : "s",
                             (unsigned long long)recent->requests[s],
                             recent->requests[s] == 1 ? "" : "s");
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "</p>\n<table><tr><th>first span<th>trace<th>service"
                                      "<th>name<th>spans<th>ms<th>errors<th>root</tr>\n");
    for (unsigned i = 1; i <= COL_RECENT_MAX && err == OTEL_OK; i++) {
        const struct trace *trace =
            &recent->traces[(recent->place + COL_RECENT_MAX - i) % COL_RECENT_MAX];
        if (trace->first_wall_ns != 0)
            err = html_row(trace, out);
    }
    pthread_mutex_unlock(&recent->lock);
    return err == OTEL_OK ? otl_buf_append_str(out, "</table>\n") : err;
}

enum otel_err col_recent_trace_html(struct col_recent *recent, const uint8_t id[16],
                                    struct otl_buf *out, bool *ret_found)
{
    enum otel_err err;
    size_t count = 0;

    pthread_mutex_lock(&recent->lock);
    err = col_recent_spans_html(recent->spans, id, out, &count);
    pthread_mutex_unlock(&recent->lock);
    *ret_found = count > 0;
    return err;
}

/* ---- life ---- */

enum otel_err col_recent_new(struct event_base *base, const struct otl_clock *clock, int print_fd,
                             struct col_recent **ret)
{
    const struct timeval every = {0, TICK_US};
    struct col_recent *recent = otl_mem_zalloc(sizeof(*recent));

    if (recent == NULL || pthread_mutex_init(&recent->lock, NULL) != 0) {
        otl_mem_free(recent);
        return OTEL_ERR_MEMORY;
    }
    recent->clock = clock;
    recent->fd = print_fd;
    otl_buf_init(&recent->text, TEXT_MAX);
    for (unsigned i = 0; i < BUCKETS; i++)
        recent->buckets[i] = NONE;
    if (col_recent_spans_new(&recent->spans) != OTEL_OK) {
        col_recent_free(recent);
        return OTEL_ERR_MEMORY;
    }
    if (print_fd >= 0) {
        recent->tick = event_new(base, -1, EV_PERSIST, on_tick, recent);
        if (recent->tick == NULL || event_add(recent->tick, &every) != 0) {
            col_recent_free(recent);
            return OTEL_ERR_MEMORY;
        }
    }
    *ret = recent;
    return OTEL_OK;
}

void col_recent_finish(struct col_recent *recent)
{
    if (recent == NULL || recent->fd < 0)
        return;
    for (unsigned i = 0; i < COL_RECENT_MAX; i++)
        print(recent, &recent->traces[(recent->place + i) % COL_RECENT_MAX]);
    put_lines(recent);
}

void col_recent_free(struct col_recent *recent)
{
    if (recent == NULL)
        return;
    if (recent->tick != NULL)
        event_free(recent->tick);
    otl_buf_fini(&recent->text);
    col_recent_spans_free(recent->spans);
    pthread_mutex_destroy(&recent->lock);
    otl_mem_free(recent);
}
