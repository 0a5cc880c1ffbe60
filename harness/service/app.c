/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/app.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { PRODUCER_FLUSH_MILLIS = 5000 };

/* ---- opening -------------------------------------------------------------------------------- */

static enum otel_err open_log(struct hx_app *app, struct otl_detail *reterr)
{
    char path[PATH_MAX];
    enum otel_err err;

    snprintf(path, sizeof(path), "%s/logs", app->role->dir);
    err = otl_make_dirs(path, reterr);
    if (err != OTEL_OK)
        return err;
    snprintf(path, sizeof(path), "%s/logs/%s.log", app->role->dir, app->role->instance);
    app->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (app->log_fd < 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "cannot open: %s", strerror(errno));
    otl_log_init(&app->log, app->log_fd, OTL_LOG_INFO, app->role->instance);
    return OTEL_OK;
}

static enum otel_err open_ledger(struct hx_app *app, struct otl_detail *reterr)
{
    const struct hx_role *role = app->role;
    char dir[PATH_MAX];
    struct hx_led_writer_options ledger = {dir, role->instance, role->incarnation, role->process,
                                           role->seed};
    struct hx_drops_options drops = {dir, role->instance, role->incarnation, role->process, 0};
    enum otel_err err;

    snprintf(dir, sizeof(dir), "%s/ledger", role->dir);
    err = hx_led_writer_new(&ledger, &app->ledger, reterr);
    return err == OTEL_OK ? hx_drops_new(&drops, &app->drops, reterr) : err;
}

static enum otel_err open_server(struct hx_app *app, struct otl_detail *reterr)
{
    struct hx_http_server_options options = {app->base, "127.0.0.1", app->role->port,
                                             hx_app_on_request, app};
    enum otel_err err;

    app->http = app->service->http == HX_HTTP_LEAN ? &hx_http_lean : &hx_http_evhttp;
    if (hx_app_make_entries(app) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for routes");
    err = app->http->server_new(&options, &app->server, reterr);
    if (err == OTEL_OK)
        app->port = app->http->server_port(app->server);
    return err;
}

enum otel_err hx_app_new(struct event_base *base, const struct hx_role *role, struct hx_app **ret,
                         struct otl_detail *reterr)
{
    struct hx_app *app = otl_mem_zalloc(sizeof(*app));
    enum otel_err err;

    if (app == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a service");
    app->role = role;
    app->service = role->service;
    app->base = base;
    app->log_fd = -1;
    otl_arena_init(&app->refused_arena, HX_REQUEST_ARENA_MAX);
    err = open_log(app, reterr);
    if (err == OTEL_OK)
        err = open_ledger(app, reterr);
    if (err == OTEL_OK)
        err = open_server(app, reterr);
    if (err != OTEL_OK) {
        hx_app_free(app);
        return err;
    }
    hx_work_calibrate(&app->work);
    otl_log_line(&app->log, OTL_LOG_INFO, "%s listens on port %u", role->instance,
                 hx_app_port(app));
    *ret = app;
    return OTEL_OK;
}

uint16_t hx_app_port(const struct hx_app *app)
{
    return app->port;
}

/* ---- peers: all that needs the others ------------------------------------------------------- */

static enum otel_err open_tracing(struct hx_app *app, const json_t *message,
                                  struct otl_detail *reterr)
{
    const struct hx_role *role = app->role;
    const char *which = app->service->tracing.grpc ? "otlp_grpc" : "otlp";
    const char *otlp = json_string_value(json_object_get(message, which));
    struct hx_tracing_options options = {app->service, role->instance, role->replica,
                                         role->incarnation, role->seed, otlp, app->drops,
                                         app->ledger, &app->log};

    if (otlp == NULL && app->service->tracing.enabled)
        return otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, NULL, 0, 0,
                              "peers have no \"%s\" address: the collector's configuration has no "
                              "such receiver", which);
    return hx_tracing_new(&options, &app->tracing, reterr);
}

static void write_process(struct hx_app *app)
{
    const struct hx_role *role = app->role;
    struct hx_led_process row = {.pid = (uint32_t)getpid(),
                                 .service = app->service->index,
                                 .replica = role->replica,
                                 .incarnation = role->incarnation,
                                 .resource_hash = hx_tracing_resource_hash(app->tracing)};

    row.mono_ns = otl_clock_mono(otl_clock_real());
    row.wall_ns = otl_clock_wall(otl_clock_real());
    hx_led_process_row(app->ledger, &row, otl_view_str(role->instance),
                       otl_view_str(hx_tracing_sampler(app->tracing)));
}

static void on_idle(void *arg)
{
    struct hx_app *app = arg;

    if (app->idle != NULL)
        app->idle(app->idle_arg);
}

static void fill_runtime(struct hx_app *app)
{
    struct hx_runtime *runtime = &app->runtime;

    runtime->rig = *hx_tracing_rig(app->tracing);
    runtime->scenario = app->role->scenario;
    runtime->service = app->service;
    runtime->seed = app->role->seed;
    runtime->replica = app->role->replica;
    runtime->instance = app->role->instance;
    runtime->log = &app->log;
    runtime->effects = &hx_app_effects;
    runtime->arg = app;
    runtime->idle = on_idle;
    hx_app_adjusted(app);
}

void hx_app_adjusted(struct hx_app *app)
{
    app->runtime.max_in_hand = HX_APP_MAX_IN_HAND;
    for (size_t i = 0; i < app->service->consumer_count; i++)
        app->runtime.max_in_hand += app->service->consumers[i].max_in_hand;
}

static bool has_step(const struct hx_app *app, enum hx_step_kind kind)
{
    const struct hx_scenario *scenario = app->role->scenario;

    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *operation = &scenario->operations[i];
        if (operation->service == app->service && operation->step != NULL &&
            operation->step->kind == kind)
            return true;
    }
    return false;
}

static enum otel_err open_kafka(struct hx_app *app, const json_t *message,
                                struct otl_detail *reterr)
{
    const char *bootstrap = json_string_value(json_object_get(message, "kafka"));
    enum otel_err err = OTEL_OK;

    if (!has_step(app, HX_STEP_PUBLISH) && app->service->consumer_count == 0)
        return OTEL_OK;
    if (bootstrap == NULL)
        return otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, NULL, 0, 0,
                              "peers have no \"kafka\" address");
    if (has_step(app, HX_STEP_PUBLISH))
        err = hx_producer_new(app->base, bootstrap, &app->runtime, &app->producer, reterr);
    for (size_t i = 0; err == OTEL_OK && i < app->service->consumer_count; i++) {
        struct hx_member_options options = {app->base, bootstrap, &app->service->consumers[i],
                                            &app->runtime, app->membership,
                                            app->membership_arg};
        if (app->member_count == HX_APP_MAX_MEMBERS)
            return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d consumers",
                                  HX_APP_MAX_MEMBERS);
        err = hx_member_new(&options, &app->members[app->member_count], reterr);
        if (err == OTEL_OK)
            app->member_count++;
    }
    return err;
}

enum otel_err hx_app_peers(struct hx_app *app, const json_t *message, struct otl_detail *reterr)
{
    char dir[PATH_MAX];
    enum otel_err err;

    if (app->tracing != NULL)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "peers were told before");
    err = hx_peers_new(app->base, app->http, app->role->scenario, app->service,
                       json_object_get(message, "services"), &app->peers, reterr);
    if (err == OTEL_OK)
        err = open_tracing(app, message, reterr);
    if (err != OTEL_OK)
        return err;
    write_process(app);
    fill_runtime(app);
    if (has_step(app, HX_STEP_SQL)) {
        snprintf(dir, sizeof(dir), "%s/db", app->role->dir);
        err = hx_database_new(dir, app->role->instance, app->role->scenario, app->service,
                              &app->database, reterr);
    }
    return err == OTEL_OK ? open_kafka(app, message, reterr) : err;
}

/* ---- questions ------------------------------------------------------------------------------ */

bool hx_app_is_ready(const struct hx_app *app)
{
    for (size_t i = 0; i < app->member_count; i++)
        if (!hx_member_is_stable(app->members[i]))
            return false;
    return app->tracing != NULL;
}

bool hx_app_is_idle(struct hx_app *app)
{
    if (app->runtime.in_hand != 0)
        return false;
    for (size_t i = 0; i < app->member_count; i++)
        if (hx_member_lag(app->members[i]) != 0 || !hx_member_commit(app->members[i]) ||
            !hx_member_group_is_done(app->members[i]))
            return false;
    return true;
}

static uint64_t time_ns(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * OTL_NS_PER_S + (uint64_t)time->tv_usec * OTL_NS_PER_US;
}

void hx_app_counters(const struct hx_app *app, struct hx_led_process_close *ret)
{
    struct rusage usage;

    memset(ret, 0, sizeof(*ret));
    if (app->tracing != NULL)
        hx_tracing_counters(app->tracing, ret);
    ret->mono_ns = otl_clock_mono(otl_clock_real());
    ret->app_cpu_ns = otl_clock_thread_cpu_ns();
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    ret->process_cpu_ns = time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime);
    ret->rss_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
}

/* ---- the end -------------------------------------------------------------------------------- */

void hx_app_close(struct hx_app *app)
{
    app->http->server_stop(app->server);
    for (size_t i = 0; i < app->member_count; i++)
        hx_member_pause(app->members[i]);
}

void hx_app_stop(struct hx_app *app, uint32_t timeout_millis, struct hx_led_process_close *ret)
{
    for (size_t i = 0; i < app->member_count; i++)
        hx_member_free(app->members[i]);
    app->member_count = 0;
    hx_producer_free(app->producer, PRODUCER_FLUSH_MILLIS);
    app->producer = NULL;
    if (app->tracing != NULL)
        hx_tracing_shutdown(app->tracing, timeout_millis);
    hx_app_counters(app, ret);
    if (app->tracing != NULL)
        hx_led_process_close_row(app->ledger, ret);
    if (app->refused != 0)
        otl_log_line(&app->log, OTL_LOG_WARN, "%llu requests were refused with 503",
                     (unsigned long long)app->refused);
    otl_log_line(&app->log, OTL_LOG_INFO, "%s stopped after %llu requests and messages",
                 app->role->instance, (unsigned long long)app->runtime.handled);
}

void hx_app_free(struct hx_app *app)
{
    if (app == NULL)
        return;
    for (size_t i = 0; i < app->member_count; i++)
        hx_member_free(app->members[i]);
    hx_producer_free(app->producer, 0);
    hx_peers_free(app->peers);
    if (app->server != NULL)
        app->http->server_free(app->server);
    hx_runtime_fini(&app->runtime);
    hx_database_free(app->database);
    hx_tracing_free(app->tracing);
    hx_drops_free(app->drops);
    hx_led_writer_free(app->ledger);
    otl_arena_fini(&app->refused_arena);
    otl_mem_free(app->entries);
    if (app->log_fd >= 0)
        close(app->log_fd);
    otl_mem_free(app);
}
