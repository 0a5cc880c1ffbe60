/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/server.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector-mock/http/server.h"
#include "collector-mock/pipeline/crew.h"
#include "collector-mock/telemetry/collect.h"
#include "collector-mock/telemetry/recent.h"
#include "collector-mock/telemetry/text.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

struct col_telemetry {
    struct col_host *host;
    struct col_http_server *server;
    struct otl_buf text;
    uint64_t start_mono_ns;
};

static const char metrics_type[] = "text/plain; version=0.0.4",
                  page_type[] = "text/html; charset=utf-8";

static void answer(struct col_http_request *request, unsigned status, const char *type,
                   struct otl_view body)
{
    const char *plain = "text/plain; charset=utf-8";
    struct col_http_answer reply = {
        .status = status, .content_type = type != NULL ? type : plain, .body = body};

    col_http_answer(request, &reply);
}

static enum otel_err write_head(struct otl_buf *out)
{
    return otl_buf_append_str(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>collector-mock</title>\n"
        "<meta name=\"viewport\" content=\"width=device-width\">"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<style>body{font-family:sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:left}"
        "tr:nth-child(even){background:#8882}</style>\n");
}

/* What is running, and the last traces. */
static enum otel_err write_page(const struct col_telemetry *telemetry, struct otl_buf *out)
{
    const struct col_host *host = telemetry->host;
    uint64_t age_ns = otl_clock_mono(host->clock) - telemetry->start_mono_ns;
    enum otel_err err = write_head(out);

    if (err == OTEL_OK)
        err = otl_buf_printf(out,
                             "<h1>collector-mock</h1>\n<p>%s; up for %llu s; <a href=\"/metrics\">"
                             "metrics</a></p>\n<h2>Listening</h2>\n<table>\n",
                             host->available ? "Taking requests" : "Ending",
                             (unsigned long long)(age_ns / 1000000000));
    for (size_t i = 0; i < host->endpoint_count && err == OTEL_OK; i++) {
        err = otl_buf_append_str(out, "<tr><td>");
        if (err == OTEL_OK)
            err = col_html_text(out, host->endpoints[i].name);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, "<td>");
        if (err == OTEL_OK)
            err = col_html_text(out, host->endpoints[i].address);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, "</tr>\n");
    }
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "</table>\n<h2>Recent traces</h2>\n");
    if (err == OTEL_OK && host->recent == NULL)
        return otl_buf_append_str(out, "<p>Not kept; start with --status or --print.</p>\n");
    return err == OTEL_OK ? col_recent_html(host->recent, out) : err;
}

/* A page that was put together, or not. */
static void answer_text(struct col_telemetry *telemetry, struct col_http_request *request,
                        const char *type, enum otel_err err)
{
    if (err != OTEL_OK)
        answer(request, 500, NULL, otl_view_str("out of memory\n"));
    else
        answer(request, 200, type, otl_view(telemetry->text.data, telemetry->text.len));
}

/* The numbers of all workers are there. */
static void on_collected(void *context, void *request, struct col_metrics *sum)
{
    struct col_telemetry *telemetry = context;
    enum otel_err err = OTEL_ERR_MEMORY;

    otl_buf_reset(&telemetry->text);
    if (sum != NULL)
        err = col_metrics_write(sum, !telemetry->host->plain_names, &telemetry->text);
    col_metrics_free(sum);
    answer_text(telemetry, request, metrics_type, err);
}

static void answer_metrics(struct col_telemetry *telemetry, struct col_http_request *request)
{
    const struct col_host *host = telemetry->host;

    if (host->crew == NULL || host->crew->joined)
        answer_text(telemetry, request, metrics_type,
                    col_metrics_write(host->metrics, !host->plain_names, &telemetry->text));
    else if (!col_collect_begin(telemetry->host, on_collected, telemetry, request))
        answer(request, 503, NULL, otl_view_str("too many ask at once\n"));
}

/* "/trace/HEX"; false: it is none. */
static bool is_trace(struct otl_view path, uint8_t id[16])
{
    static const char prefix[] = "/trace/";
    const size_t len = sizeof(prefix) - 1;
    char hex[33];

    if (path.len != len + 32 || memcmp(path.data, prefix, len) != 0)
        return false;
    snprintf(hex, sizeof(hex), "%.32s", path.data + len);
    return otl_unhex(hex, 16, id);
}

static void answer_trace(struct col_telemetry *telemetry, struct col_http_request *request,
                         const uint8_t id[16])
{
    struct otl_buf *out = &telemetry->text;
    enum otel_err err = write_head(out);
    bool found = false;
    char hex[33];

    otl_hex(id, 16, hex);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "<h1>Trace <code>%s</code></h1>\n<p><a href=\"/\">all</a></p>\n",
                             hex);
    if (err == OTEL_OK && telemetry->host->recent != NULL)
        err = col_recent_trace_html(telemetry->host->recent, id, out, &found);
    if (err == OTEL_OK && !found)
        answer(request, 404, NULL, otl_view_str("no span of this trace is kept\n"));
    else
        answer_text(telemetry, request, page_type, err);
}

static void on_request(void *context, struct col_http_request *request)
{
    struct col_telemetry *telemetry = context;
    bool page = otl_view_is(request->path, "/") || otl_view_is(request->path, "/status");
    uint8_t id[16];
    bool trace = is_trace(request->path, id);

    otl_buf_reset(&telemetry->text);
    if (!page && !trace && !otl_view_is(request->path, "/metrics")) {
        answer(request, 404, NULL, otl_view_str("404 page not found\n"));
        return;
    }
    if (!otl_view_is(request->method, "GET") && !otl_view_is(request->method, "HEAD")) {
        answer(request, 405, NULL, otl_view_str("405 method not allowed, supported: [GET]\n"));
        return;
    }
    if (trace)
        answer_trace(telemetry, request, id);
    else if (page)
        answer_text(telemetry, request, page_type, write_page(telemetry, &telemetry->text));
    else
        answer_metrics(telemetry, request);
}

static void on_answered(void *context, const struct col_http_request *request,
                        const struct col_http_answer *reply, bool sent)
{
    (void)context;
    (void)request;
    (void)reply;
    (void)sent;
}

static double read_uptime(void *context)
{
    const struct col_telemetry *telemetry = context;
    uint64_t age = otl_clock_mono(telemetry->host->clock) - telemetry->start_mono_ns;

    return (double)age / 1e9;
}

static double read_cpu(void *context)
{
    struct rusage usage;

    (void)context;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double read_rss(void *context)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    (void)context;
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* The heap of the C library; what is not malloc's is not in it (nor is it in Go's). */
static double read_heap(void *context)
{
    struct mallinfo2 heap = mallinfo2();

    (void)context;
    return (double)heap.uordblks + (double)heap.hblkhd;
}

static double read_heap_from_system(void *context)
{
    struct mallinfo2 heap = mallinfo2();

    (void)context;
    return (double)heap.arena + (double)heap.hblkhd;
}

static double read_dropped_lines(void *context)
{
    const struct otl_log_style *style = context;

    return (double)atomic_load(&style->sampling->dropped);
}

/* service.telemetry.logs.sampling has left them out. */
static enum otel_err observe_log(struct col_host *host)
{
    struct col_metrics_source source = {
        "collector_mock_log_lines_dropped", "", "Lines of the log that sampling has left out.",
        true, read_dropped_lines, NULL};

    source.context = (void *)(uintptr_t)host->log.style;
    return host->log.style == NULL || host->log.style->sampling == NULL
               ? OTEL_OK
               : col_metrics_observe(host->metrics, &source);
}

static enum otel_err observe(struct col_telemetry *telemetry)
{
    const struct col_metrics_source sources[] = {
        {"otelcol_process_uptime", "", "Seconds since the collector started.", true, read_uptime,
         telemetry},
        {"otelcol_process_cpu_seconds", "", "CPU of the process, user and system.", true,
         read_cpu, telemetry},
        {"otelcol_process_memory_rss", "", "Resident memory of the process, bytes.", false,
         read_rss, telemetry},
        {"otelcol_process_runtime_heap_alloc_bytes", "", "Bytes of the heap that are in use.",
         false, read_heap, telemetry},
        {"otelcol_process_runtime_total_sys_memory_bytes", "",
         "Bytes that the heap has from the system.", false, read_heap_from_system, telemetry},
    };
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && err == OTEL_OK; i++)
        err = col_metrics_observe(telemetry->host->metrics, &sources[i]);
    return err == OTEL_OK ? observe_log(telemetry->host) : err;
}

static enum otel_err listen_on(struct col_telemetry *telemetry, const char *endpoint,
                               struct otl_detail *reterr)
{
    struct col_http_options options;
    char host[256];

    col_http_options_init(&options);
    if (col_endpoint_split(endpoint, host, sizeof(host), &options.port) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "service.telemetry.metrics: '%s' is no HOST:PORT", endpoint);
    options.host = host;
    options.base = telemetry->host->base;
    options.clock = telemetry->host->clock;
    options.max_connections = 64;
    options.max_body_bytes = 64 * 1024;
    options.context = telemetry;
    options.on_request = on_request;
    options.on_answered = on_answered;
    return col_http_new(&options, &telemetry->server, reterr);
}

enum otel_err col_telemetry_new(struct col_host *host, const char *endpoint,
                                struct col_telemetry **ret, struct otl_detail *reterr)
{
    struct col_telemetry *telemetry = otl_mem_zalloc(sizeof(*telemetry));
    enum otel_err err;

    if (telemetry == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    telemetry->host = host;
    telemetry->start_mono_ns = otl_clock_mono(host->clock);
    otl_buf_init(&telemetry->text, TEXT_MAX);
    err = listen_on(telemetry, endpoint, reterr);
    if (err == OTEL_OK)
        err = observe(telemetry);
    if (err == OTEL_OK)
        err = col_host_endpoint(host, "metrics", "", col_http_address(telemetry->server));
    if (err == OTEL_OK)
        *ret = telemetry;
    else
        col_telemetry_free(telemetry);
    return err;
}

void col_telemetry_free(struct col_telemetry *telemetry)
{
    if (telemetry == NULL)
        return;
    col_http_free(telemetry->server);
    otl_buf_fini(&telemetry->text);
    otl_mem_free(telemetry);
}
