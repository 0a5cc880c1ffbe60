/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/service.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector-mock/faults/control.h"
#include "collector-mock/faults/door.h"
#include "collector-mock/faults/plan.h"
#include "collector-mock/pipeline/crew.h"
#include "collector-mock/pipeline/graph.h"
#include "collector-mock/telemetry/recent.h"
#include "collector-mock/telemetry/server.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

#define DRAIN_GRACE_NS (5 * OTL_NS_PER_S)
#define LAST_METRICS_MAX ((size_t)16 << 20)

struct col_service {
    struct col_host host;
    struct col_budget budget;
    struct col_crew *crew; /* NULL: there is one worker */
    struct col_config *config;
    struct col_graph *graph;
    struct col_telemetry *telemetry;
    struct col_control *control;
    struct col_door *door;
    struct col_plan *plan;
    struct event *signals[2];
    size_t drained; /* receivers that are empty */
    const char *last_metrics; /* borrowed; NULL: nowhere */
    int ready_fd;
    bool stopping;
};

static void on_drained(void *context)
{
    struct col_service *service = context;

    if (++service->drained == col_graph_receivers(service->graph))
        event_base_loopbreak(service->host.base);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct col_service *service = arg;

    (void)what;
    if (service->stopping)
        return;
    service->stopping = true;
    service->host.available = false;
    otl_log_line(&service->host.log, OTL_LOG_INFO, "signal %d: draining", (int)number);
    col_plan_free(service->plan);
    service->plan = NULL;
    col_faults_end_all(service->host.faults);
    if (service->crew != NULL)
        col_crew_drain(service->crew);
    else
        col_graph_drain(service->graph, DRAIN_GRACE_NS);
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

    sigset_t set;

    /* a parent may have blocked them for reasons of its own */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
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

/* Connections need descriptors: take all that the system allows. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum otel_err make_faults(struct col_service *service,
                                 const struct col_service_options *options,
                                 struct otl_detail *reterr)
{
    const struct col_faults_options faults = {service->host.base, service->host.clock,
                                              service->host.metrics, &service->host.log,
                                              options->fault_record};
    enum otel_err err = OTEL_OK;

    if (options->control_fd < 0 && options->control_path == NULL && options->fault_plan == NULL)
        return OTEL_OK;
    if (options->fault_plan != NULL)
        err = col_plan_load(options->fault_plan, &service->plan, reterr);
    if (err == OTEL_OK)
        err = col_faults_new(&faults, &service->host.faults, reterr);
    if (err == OTEL_OK && options->control_fd >= 0)
        err = col_control_new(service->host.base, options->control_fd, service->host.faults,
                              &service->control, reterr);
    if (err == OTEL_OK && options->control_path != NULL)
        err = col_door_new(service->host.base, options->control_path, service->host.faults,
                           &service->door, reterr);
    return err;
}

/* Warnings of the configuration are told once its log level is known. */
static enum otel_err load_config(struct col_service *service,
                                 const struct col_service_options *options,
                                 struct otl_detail *reterr)
{
    struct col_config_options config = options->config;
    char text[1024];
    enum otel_err err;

    config.findings = otl_mem_zalloc(sizeof(*config.findings));
    if (config.findings == NULL)
        return OTEL_ERR_MEMORY;
    err = col_config_load(&config, &service->config, reterr);
    if (err == OTEL_OK) {
        otl_log_init(&service->host.log, 2, service->config->log_level, "collector-mock");
        service->host.log.style = &service->config->log_style;
        for (size_t i = 0; i < config.findings->count; i++)
            otl_log_line(&service->host.log, OTL_LOG_WARN, "%s",
                         otl_detail_format(&config.findings->items[i].detail, text,
                                           sizeof(text)));
        service->config->findings = NULL;
        service->host.as_version = service->config->as_version;
        service->host.metrics_level = service->config->metrics_level;
        service->host.plain_names = service->config->plain_names;
    }
    otl_mem_free(config.findings);
    return err;
}

/* In the order in which a mistake should be heard of: the configuration first. */
static enum otel_err assemble(struct col_service *service,
                              const struct col_service_options *options,
                              struct otl_detail *reterr)
{
    enum otel_err err = load_config(service, options, reterr);

    if (err != OTEL_OK)
        return err;
    service->host.base = event_base_new();
    if (service->host.base == NULL)
        return OTEL_ERR_MEMORY;
    err = col_metrics_new(&service->host.metrics);
    if (err == OTEL_OK)
        err = catch_signals(service);
    if (err == OTEL_OK)
        err = open_tap(service, options->tap_path, reterr);
    if (err == OTEL_OK && options->decisions != NULL)
        err = col_decisions_open(options->decisions, &service->host.decisions, reterr);
    if (err == OTEL_OK)
        err = make_faults(service, options, reterr);
    if (err == OTEL_OK && (options->print || options->recent))
        err = col_recent_new(service->host.base, service->host.clock, options->print ? 1 : -1,
                             &service->host.recent);
    if (err == OTEL_OK && options->workers > 1)
        err = col_crew_new(&service->host, options->workers, &service->crew);
    if (err == OTEL_OK)
        err = col_graph_new(service->config, &service->host, &service->graph, reterr);
    if (err == OTEL_OK && service->crew != NULL)
        err = col_crew_hire(service->crew, service->config, service->graph, options->decisions,
                            reterr);
    if (err == OTEL_OK && service->config->metrics_endpoint[0] != '\0')
        err = col_telemetry_new(&service->host, service->config->metrics_endpoint,
                                &service->telemetry, reterr);
    return err;
}

enum otel_err col_service_new(const struct col_service_options *options, struct col_service **ret,
                              struct otl_detail *reterr)
{
    struct col_service *service = otl_mem_zalloc(sizeof(*service));
    enum otel_err err;

    if (service == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    service->host.tap.fd = -1;
    service->host.decisions.fd = -1;
    service->host.flip_decision = options->flip_decision;
    service->host.flip_silently = options->flip_silently;
    service->host.blind_policy = options->blind_policy;
    service->budget.max = COL_BUDGET_BYTES;
    service->host.budget = &service->budget;
    service->ready_fd = options->ready_fd;
    service->last_metrics = options->last_metrics;
    service->host.clock = otl_clock_real();
    service->host.lose_after_ack = options->lose_after_ack;
    service->host.on_drained = on_drained;
    service->host.on_drained_context = service;
    raise_descriptor_limit();
    err = assemble(service, options, reterr);
    if (err == OTEL_OK) {
        *ret = service;
    } else {
        otl_detail_set(reterr, err, NULL, 0, 0, "%s", otel_err_text(err));
        col_service_free(service);
    }
    return err;
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
        otl_log_line(&service->host.log, OTL_LOG_INFO, "ready: %.*s, %u worker%s",
                     (int)line.len - 1, line.data,
                     service->crew != NULL ? service->crew->workers : 1u,
                     service->crew != NULL ? "s" : "");
    if (err == OTEL_OK && service->ready_fd >= 0)
        err = otl_fd_write_all(service->ready_fd, line.data, line.len);
    if (err != OTEL_OK)
        otl_detail_set(reterr, err, NULL, 0, 0, "cannot write the ready line: %s",
                       strerror(errno));
    otl_buf_fini(&line);
    return err;
}

/* Until drained; then everything that was taken is handed on and written. */
static enum otel_err serve(struct col_service *service, struct otl_detail *reterr)
{
    enum otel_err err;

    if (service->crew == NULL) {
        event_base_dispatch(service->host.base);
        return col_graph_flush(service->graph, reterr);
    }
    if (col_crew_run(service->crew) == OTEL_OK)
        return col_crew_flush(service->crew, reterr);
    err = col_crew_flush(service->crew, reterr);
    return err != OTEL_OK ? err
                          : otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0,
                                           "cannot start the threads of the workers");
}

/* Its last word: the numbers of all workers, when nothing is under way any more. */
static enum otel_err keep_metrics(struct col_service *service, struct otl_detail *reterr)
{
    struct col_metrics *sum = NULL;
    struct otl_buf text;
    enum otel_err err;

    if (service->last_metrics == NULL)
        return OTEL_OK;
    otl_buf_init(&text, LAST_METRICS_MAX);
    err = col_metrics_new(&sum);
    if (err == OTEL_OK)
        err = col_metrics_merge(sum, service->host.metrics);
    for (unsigned i = 1; service->crew != NULL && i < service->crew->workers && err == OTEL_OK; i++)
        err = col_metrics_merge(sum, col_crew_host(service->crew, i)->metrics);
    if (err == OTEL_OK)
        err = col_metrics_write(sum, !service->host.plain_names, &text);
    if (err == OTEL_OK)
        err = otl_file_write(service->last_metrics, text.data, text.len, reterr);
    else
        otl_detail_set(reterr, err, service->last_metrics, 0, 0, "%s", otel_err_text(err));
    col_metrics_free(sum);
    otl_buf_fini(&text);
    return err;
}

enum otel_err col_service_run(struct col_service *service, struct otl_detail *reterr)
{
    enum otel_err err;

    service->host.available = true;
    err = say_ready(service, reterr);
    if (err == OTEL_OK && service->plan != NULL)
        err = col_plan_start(service->plan, service->host.base, service->host.faults,
                             service->host.clock, &service->host.log);
    if (err != OTEL_OK)
        return err;
    err = serve(service, reterr);
    col_recent_finish(service->host.recent);
    if (col_tap_finish(&service->host.tap) != OTEL_OK)
        err = otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot close the tap: %s",
                             strerror(service->host.tap.error));
    if (err == OTEL_OK)
        err = keep_metrics(service, reterr);
    otl_log_line(&service->host.log, OTL_LOG_INFO, "stopped");
    return err;
}

void col_service_free(struct col_service *service)
{
    if (service == NULL)
        return;
    col_crew_free(service->crew);
    col_telemetry_free(service->telemetry);
    col_graph_free(service->graph);
    col_plan_free(service->plan);
    col_control_free(service->control);
    col_door_free(service->door);
    col_faults_free(service->host.faults);
    col_recent_free(service->host.recent);
    for (size_t i = 0; i < 2; i++)
        if (service->signals[i] != NULL)
            event_free(service->signals[i]);
    if (service->host.tap.fd >= 0)
        close(service->host.tap.fd); /* a start that failed */
    col_decisions_close(&service->host.decisions);
    col_metrics_free(service->host.metrics);
    col_config_free(service->config);
    if (service->host.base != NULL)
        event_base_free(service->host.base);
    otl_mem_free(service);
}
