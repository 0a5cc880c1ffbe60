/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector-mock/pipeline/component.h"
#include "collector-mock/receivers/otlp_http.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

#define DRAIN_GRACE_NS (5 * OTL_NS_PER_S)

struct col_service {
    struct col_host host;
    struct col_otlp_http *http;
    struct event *signals[2];
    int ready_fd;
    bool stopping;
};

static enum otel_err nowhere(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    (void)self;
    (void)batch;
    (void)reterr;
    return OTEL_OK;
}

static void on_drained(void *context)
{
    struct col_service *service = context;

    event_base_loopbreak(service->host.base);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct col_service *service = arg;

    (void)what;
    if (service->stopping)
        return;
    service->stopping = true;
    otl_log_line(&service->host.log, OTL_LOG_INFO, "signal %d: draining", (int)number);
    col_otlp_http_drain(service->http, DRAIN_GRACE_NS);
}

static enum otel_err open_tap(struct col_service *service, const char *path,
                              struct otl_detail *reterr)
{
    struct col_tap_record start = {.type = COL_TAP_START,
                                   .mono_ns = otl_clock_mono(service->host.clock),
                                   .wall_ns = otl_clock_wall(service->host.clock),
                                   .spans = (uint32_t)getpid()};

    if (path == NULL)
        return OTEL_OK;
    return col_tap_create(path, &start, &service->host.tap, reterr);
}

static enum otel_err catch_signals(struct col_service *service)
{
    static const int numbers[2] = {SIGTERM, SIGINT};

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < 2; i++) {
        service->signals[i] =
            evsignal_new(service->host.base, numbers[i], on_signal, service);
        if (service->signals[i] == NULL || event_add(service->signals[i], NULL) != 0)
            return OTEL_ERR_MEMORY;
    }
    return OTEL_OK;
}

/* receivers.otlp.protocols.http.endpoint */
static enum otel_err read_endpoint(const char *path, struct otl_yaml **ret_doc,
                                   const char **endpoint, struct otl_detail *reterr)
{
    static const char *const way[] = {"receivers", "otlp", "protocols", "http"};
    const json_t *at;
    enum otel_err err;

    if (path == NULL)
        return OTEL_OK;
    err = otl_yaml_load_file(path, NULL, ret_doc, reterr);
    if (err != OTEL_OK)
        return err;
    at = otl_yaml_root(*ret_doc);
    for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++)
        at = json_object_get(at, way[i]);
    *endpoint = otl_tree_text(at, "endpoint", *endpoint);
    return OTEL_OK;
}

enum otel_err col_service_new(const struct col_service_options *options, struct col_service **ret,
                              struct otl_detail *reterr)
{
    struct col_service *service = otl_mem_zalloc(sizeof(*service));
    struct col_otlp_http_options http = {.id = "otlp",
                                         .endpoint = "127.0.0.1:4318",
                                         .traces_url_path = "/v1/traces",
                                         .max_request_body_size = 20u << 20};
    struct otl_yaml *doc = NULL;
    enum otel_err err = OTEL_ERR_MEMORY;

    if (service == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    service->host.tap.fd = -1;
    service->ready_fd = options->ready_fd;
    service->host.clock = otl_clock_real();
    service->host.lose_after_ack = options->lose_after_ack;
    service->host.on_drained = on_drained;
    service->host.on_drained_context = service;
    otl_log_init(&service->host.log, 2, OTL_LOG_INFO, "collector-mock");
    service->host.base = event_base_new();
    if (service->host.base != NULL)
        err = col_metrics_new(&service->host.metrics);
    if (err == OTEL_OK)
        err = catch_signals(service);
    if (err == OTEL_OK)
        err = open_tap(service, options->tap_path, reterr);
    http.host = &service->host;
    http.next.consume = nowhere;
    if (err == OTEL_OK)
        err = read_endpoint(options->config_path, &doc, &http.endpoint, reterr);
    if (err == OTEL_OK)
        err = col_otlp_http_new(&http, &service->http, reterr);
    otl_yaml_free(doc);
    if (err != OTEL_OK) {
        otl_detail_set(reterr, err, NULL, 0, 0, "%s", otel_err_text(err));
        col_service_free(service);
        return err;
    }
    *ret = service;
    return OTEL_OK;
}

static enum otel_err say_ready(struct col_service *service, struct otl_detail *reterr)
{
    struct otl_buf line;
    enum otel_err err;

    otl_buf_init(&line, 65536);
    err = otl_buf_append_str(&line, "{\"event\":\"ready\",\"endpoints\":{");
    for (size_t i = 0; i < service->host.endpoint_count && err == OTEL_OK; i++)
        err = otl_buf_printf(&line, "%s\"%s\":\"%s\"", i ? "," : "",
                             service->host.endpoints[i].name, service->host.endpoints[i].address);
    if (err == OTEL_OK)
        err = otl_buf_append_str(&line, "}}\n");
    if (err == OTEL_OK)
        otl_log_line(&service->host.log, OTL_LOG_INFO, "ready: %.*s", (int)line.len - 1,
                     line.data);
    if (err == OTEL_OK && service->ready_fd >= 0)
        err = otl_fd_write_all(service->ready_fd, line.data, line.len);
    if (err != OTEL_OK)
        otl_detail_set(reterr, err, NULL, 0, 0, "cannot write the ready line: %s",
                       strerror(errno));
    otl_buf_fini(&line);
    return err;
}

enum otel_err col_service_run(struct col_service *service, struct otl_detail *reterr)
{
    enum otel_err err = say_ready(service, reterr);

    if (err != OTEL_OK)
        return err;
    event_base_dispatch(service->host.base);
    if (col_tap_finish(&service->host.tap) != OTEL_OK)
        err = otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot close the tap: %s",
                             strerror(service->host.tap.error));
    otl_log_line(&service->host.log, OTL_LOG_INFO, "stopped");
    return err;
}

void col_service_free(struct col_service *service)
{
    if (service == NULL)
        return;
    col_otlp_http_free(service->http);
    for (size_t i = 0; i < 2; i++)
        if (service->signals[i] != NULL)
            event_free(service->signals[i]);
    if (service->host.tap.fd >= 0)
        close(service->host.tap.fd); /* a start that failed */
    col_metrics_free(service->host.metrics);
    if (service->host.base != NULL)
        event_base_free(service->host.base);
    otl_mem_free(service);
}
