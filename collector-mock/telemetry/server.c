/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector-mock/http/server.h"
#include "sdk/base/mem.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

struct col_telemetry {
    struct col_host *host;
    struct col_http_server *server;
    struct otl_buf text;
    uint64_t start_mono_ns;
};

static void answer(struct col_http_request *request, unsigned status, struct otl_view body)
{
    struct col_http_answer reply = {.status = status,
                                    .content_type = status == 200 ? "text/plain; version=0.0.4"
                                                                  : "text/plain; charset=utf-8",
                                    .body = body};

    col_http_answer(request, &reply);
}

static void on_request(void *context, struct col_http_request *request)
{
    struct col_telemetry *telemetry = context;

    otl_buf_reset(&telemetry->text);
    if (!otl_view_is(request->path, "/metrics"))
        answer(request, 404, otl_view_str("404 page not found\n"));
    else if (!otl_view_is(request->method, "GET") && !otl_view_is(request->method, "HEAD"))
        answer(request, 405, otl_view_str("405 method not allowed, supported: [GET]\n"));
    else if (col_metrics_write(telemetry->host->metrics, &telemetry->text) != OTEL_OK)
        answer(request, 500, otl_view_str("out of memory\n"));
    else
        answer(request, 200, otl_view(telemetry->text.data, telemetry->text.len));
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

static enum otel_err observe(struct col_telemetry *telemetry)
{
    const struct col_metrics_source sources[] = {
        {"otelcol_process_uptime", "", "Seconds since the collector started.", true, read_uptime,
         telemetry},
        {"otelcol_process_cpu_seconds", "", "CPU of the process, user and system.", true,
         read_cpu, telemetry},
        {"otelcol_process_memory_rss", "", "Resident memory of the process, bytes.", false,
         read_rss, telemetry},
    };
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && err == OTEL_OK; i++)
        err = col_metrics_observe(telemetry->host->metrics, &sources[i]);
    return err;
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
