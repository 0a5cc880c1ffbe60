/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig service --role FILE: one replica of a synthetic service. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/scenario/faults.h"
#include "harness/service/app.h"
#include "harness/service/inject.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum {
    LOOK_MILLIS = 25,            /* how often readiness, idleness and the ledger are looked at */
    DEFAULT_STOP_MILLIS = 10000,
    LAST_LINE_MILLIS = 2000
};

struct service {
    struct hx_role role;
    struct event_base *base;
    struct hx_child *child; /* NULL: nobody started us */
    struct hx_app *app;
    struct event *look;
    struct event *signals[2];
    uint64_t said_mono_ns; /* the last "progress" */
    uint64_t ask_mono_ns;  /* whether anything is left is not asked again before */
    bool told_ready;
    bool draining;
    bool stopping;
    uint64_t stop_mono_ns;  /* when what is in hand is given up */
    uint32_t stop_millis;
    bool over;
    int status;
};

/* ---- what is said --------------------------------------------------------------------------- */

static json_t *counters_json(const struct hx_led_process_close *row)
{
    json_t *object = json_object();

#define SET_COUNTER(name) json_object_set_new(object, #name, json_integer((json_int_t)row->name));
    HX_LED_COUNTERS(SET_COUNTER)
#undef SET_COUNTER
    return object;
}

/* How often this thread went to sleep. */
static json_int_t waits(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) == 0 ? (json_int_t)usage.ru_nvcsw : 0;
}

static void say_progress(struct service *service, const char *event)
{
    const struct hx_app *app = service->app;
    struct hx_led_process_close row;
    uint64_t committed = 0;
    int64_t lag = 0;

    hx_app_counters(app, &row);
    for (size_t i = 0; i < app->member_count; i++) {
        committed += hx_member_committed(app->members[i]);
        lag += hx_member_seen_lag(app->members[i]);
    }
    hx_child_send(
        service->child,
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "event", event,
                  "in_hand", (json_int_t)app->runtime.in_hand, "handled",
                  (json_int_t)app->runtime.handled, "refused", (json_int_t)app->refused,
                  "committed", (json_int_t)committed, "lag", (json_int_t)lag, "app_cpu_ns",
                  (json_int_t)row.app_cpu_ns, "app_waits", waits(), "exporter_cpu_ns",
                  (json_int_t)row.exporter_cpu_ns, "sdk", counters_json(&row), "injected",
                  hx_injector_json(app->runtime.rig.injector)));
}

static void on_membership(void *arg, const struct hx_consumer *consumer,
                          enum hx_member_event event, int count)
{
    static const char *const what[] = {"assigned", "revoked", "lost", "expelled"};
    const struct service *service = arg;

    hx_child_send(service->child,
                  json_pack("{s:s, s:s, s:s, s:i, s:I}", "event", "membership", "what",
                            what[event], "group", consumer->group, "partitions", count, "mono_ns",
                            (json_int_t)otl_clock_mono(otl_clock_real())));
}

static void leave(struct service *service, int status)
{
    service->over = true;
    service->status = status;
    event_base_loopbreak(service->base);
}

static void fault(struct service *service, const struct otl_detail *detail)
{
    char text[1024];

    otl_detail_format(detail, text, sizeof(text));
    fprintf(stderr, "tracerig service: %s\n", text);
    if (service->app != NULL)
        otl_log_line(&service->app->log, OTL_LOG_ERROR, "%s", text);
    hx_child_send_fault(service->child, text);
    leave(service, HX_EXIT_FAULT);
}

static void finish_stop(struct service *service)
{
    struct hx_led_process_close row;
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_int_t handled;
    json_t *injected;

    hx_app_stop(service->app, service->stop_millis, &row);
    if (hx_led_writer_fault(service->app->ledger, &detail) != OTEL_OK) {
        fault(service, &detail);
        return;
    }
    /* The ledger's last page and the exit come first: "stopped" is the last word. */
    handled = (json_int_t)service->app->runtime.handled;
    injected = hx_injector_json(service->app->runtime.rig.injector);
    hx_app_free(service->app);
    service->app = NULL;
    hx_child_send(service->child,
                  json_pack("{s:s, s:I, s:o, s:o}", "event", "stopped", "handled", handled, "sdk",
                            counters_json(&row), "injected", injected));
    leave(service, HX_EXIT_OK);
}

/* ---- what is looked at between requests ------------------------------------------------------ */

/* Nothing is handled while the broker is asked: the next question comes when four times as long as
 * this one took has passed, or a second. */
static bool is_idle(struct service *service)
{
    uint64_t asked_ns = otl_clock_mono(otl_clock_real()), now, pause_ns;
    bool idle;

    if (asked_ns < service->ask_mono_ns)
        return false;
    idle = hx_app_is_idle(service->app);
    now = otl_clock_mono(otl_clock_real());
    pause_ns = 4 * (now - asked_ns);
    service->ask_mono_ns = now + (pause_ns < OTL_NS_PER_S ? pause_ns : OTL_NS_PER_S);
    return idle;
}

static void look(struct service *service)
{
    struct hx_app *app = service->app;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (service->over)
        return;
    if (hx_led_writer_fault(app->ledger, &detail) != OTEL_OK) {
        fault(service, &detail);
        return;
    }
    if (!service->told_ready && hx_app_is_ready(app)) {
        service->told_ready = true;
        hx_child_send(service->child, json_pack("{s:s}", "event", "ready"));
    }
    if (service->draining && is_idle(service)) {
        service->draining = false;
        hx_child_send(service->child, json_pack("{s:s, s:i, s:i}", "event", "idle", "in_hand", 0,
                                                "lag", 0));
    }
    if (service->stopping && (app->runtime.in_hand == 0 ||
                              otl_clock_mono(otl_clock_real()) >= service->stop_mono_ns))
        finish_stop(service);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    uint64_t now;

    (void)fd;
    (void)what;
    look(service);
    /* By the clock: looks that wait for a broker are few, and a drain is given up if nothing more
     * is said to be handled. */
    now = otl_clock_mono(otl_clock_real());
    if (!service->over && now - service->said_mono_ns >= OTL_NS_PER_S) {
        service->said_mono_ns = now;
        say_progress(service, "progress");
    }
}

/* ---- what is heard -------------------------------------------------------------------------- */

static void begin_stop(struct service *service, uint32_t timeout_millis)
{
    if (service->stopping)
        return;
    service->stopping = true;
    service->stop_millis = timeout_millis;
    service->stop_mono_ns =
        otl_clock_mono(otl_clock_real()) + timeout_millis * (uint64_t)OTL_NS_PER_MS;
    hx_app_close(service->app);
    look(service);
}

static uint32_t timeout_of(const json_t *message)
{
    json_int_t millis = json_integer_value(json_object_get(message, "timeout_ms"));

    return millis > 0 && millis < UINT32_MAX ? (uint32_t)millis : DEFAULT_STOP_MILLIS;
}

/* Takes effect with the next step, or poll. */
static void set(struct service *service, const json_t *message)
{
    struct hx_app *app = service->app;
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(message, "settings"), i, row) {
        const struct hx_setting setting = {json_string_value(json_array_get(row, 0)),
                                           json_string_value(json_array_get(row, 1))};
        if (setting.path == NULL || setting.value == NULL ||
            hx_scenario_adjust(service->role.scenario, app->service->name, &setting, &detail) !=
                OTEL_OK) {
            otl_detail_set(&detail, OTEL_ERR_SYNTAX, NULL, 0, 0, "set: no such setting");
            fault(service, &detail);
            return;
        }
        hx_app_adjusted(app);
        otl_log_line(&app->log, OTL_LOG_INFO, "%s set to %s", setting.path, setting.value);
    }
}

/* On the loop, between two requests. */
static void run_sql(struct service *service, const json_t *message)
{
    const char *statement = json_string_value(json_object_get(message, "statement"));
    struct hx_app *app = service->app;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (statement == NULL || app->database == NULL)
        otl_detail_set(&detail, OTEL_ERR_SYNTAX, NULL, 0, 0, "sql: no statement, or no database");
    else if (hx_database_run(app->database, statement, &detail) == OTEL_OK)
        otl_log_line(&app->log, OTL_LOG_INFO, "ran %s", statement);
    if (detail.code != OTEL_OK)
        fault(service, &detail);
}

static void on_command(void *arg, const char *verb, const json_t *message)
{
    struct service *service = arg;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (service->over)
        return;
    if (strcmp(verb, "peers") == 0) {
        if (hx_app_peers(service->app, message, &detail) != OTEL_OK)
            fault(service, &detail);
        else
            look(service);
    } else if (strcmp(verb, "drain") == 0) {
        service->draining = true;
        look(service);
    } else if (strcmp(verb, "flush") == 0) {
        bool ok = service->app->tracing == NULL ||
                  hx_tracing_flush(service->app->tracing, timeout_of(message));
        hx_child_send(service->child, json_pack("{s:s, s:b}", "event", "flushed", "ok", ok));
    } else if (strcmp(verb, "mark") == 0) {
        say_progress(service, "marked");
    } else if (strcmp(verb, "set") == 0) {
        set(service, message);
    } else if (strcmp(verb, "sql") == 0) {
        run_sql(service, message);
    } else if (strcmp(verb, "slow") == 0) {
        const char *route = json_string_value(json_object_get(message, "route"));
        hx_app_slow(service->app, route ? route : "",
                    (uint64_t)json_integer_value(json_object_get(message, "delay_ns")));
    } else if (strcmp(verb, "stop") == 0) {
        begin_stop(service, timeout_of(message));
    }
}

/* Nobody is left to tell anything to. */
static void on_lost(void *arg)
{
    (void)arg;
    _exit(HX_EXIT_FAULT);
}

/* SIGTERM, as the service's "stop" says. Without a handler (none) it never comes here. */
static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct service *service = arg;
    struct hx_app *app = service->app;
    enum hx_stop_way way = number == SIGTERM ? service->role.service->stop : HX_STOP_DRAIN;

    (void)what;
    if (service->over || way == HX_STOP_DRAIN || way == HX_STOP_NONE) {
        begin_stop(service, DEFAULT_STOP_MILLIS);
        return;
    }
    if (app->tracing != NULL && !hx_tracing_flush(app->tracing, DEFAULT_STOP_MILLIS))
        otl_log_line(&app->log, OTL_LOG_WARN, "the flush on SIGTERM was not over in time");
    if (way == HX_STOP_FLUSH_AND_EXIT)
        _exit(HX_EXIT_OK);
}

/* Ctrl-C reaches the runner too, which knows in which order to stop; alone it means the end. */
static void on_interrupt(evutil_socket_t number, short what, void *arg)
{
    const struct service *service = arg;

    if (service->child == NULL)
        on_signal(number, what, arg);
}

/* ---- life ----------------------------------------------------------------------------------- */

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL &&
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER |
                                          EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
                                          EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool add_events(struct service *service)
{
    static const struct timeval period = {0, LOOK_MILLIS * 1000};

    service->look = event_new(service->base, -1, EV_PERSIST, on_look, service);
    service->signals[0] = evsignal_new(service->base, SIGTERM, on_signal, service);
    service->signals[1] = evsignal_new(service->base, SIGINT, on_interrupt, service);
    return service->look != NULL && service->signals[0] != NULL && service->signals[1] != NULL &&
           event_add(service->look, &period) == 0 &&
           (service->role.service->stop == HX_STOP_NONE ||
            event_add(service->signals[0], NULL) == 0) &&
           event_add(service->signals[1], NULL) == 0;
}

/* Each request in hand may need a connection in and one out. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void run(struct service *service)
{
    struct hx_child_handlers handlers = {on_command, on_lost, service};
    struct otl_detail detail = OTL_DETAIL_NONE;
    int fd = hx_child_fd();

    service->base = new_base();
    if (service->base == NULL || !add_events(service) ||
        (fd >= 0 && hx_child_new(service->base, fd, &handlers, &service->child) != OTEL_OK)) {
        otl_detail_set(&detail, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for an event loop");
        service->status = HX_EXIT_FAULT;
        fprintf(stderr, "tracerig service: %s\n", detail.text);
        return;
    }
    if (hx_app_new(service->base, &service->role, &service->app, &detail) != OTEL_OK) {
        fault(service, &detail);
        return;
    }
    service->app->membership = on_membership;
    service->app->membership_arg = service;
    hx_child_send(service->child,
                  json_pack("{s:s, s:i}", "event", "bound", "port", hx_app_port(service->app)));
    /* A new incarnation has them too: it must not be asked for anything before it can work. */
    if ((fd < 0 || service->role.peers != NULL) &&
        hx_app_peers(service->app, service->role.peers, &detail) != OTEL_OK) {
        fault(service, &detail);
        return;
    }
    service->said_mono_ns = otl_clock_mono(otl_clock_real());
    event_base_dispatch(service->base);
}

static void clean_up(struct service *service)
{
    hx_child_drain(service->child, LAST_LINE_MILLIS);
    hx_app_free(service->app);
    hx_child_free(service->child);
    if (service->look != NULL)
        event_free(service->look);
    for (size_t i = 0; i < 2; i++)
        if (service->signals[i] != NULL)
            event_free(service->signals[i]);
    if (service->base != NULL)
        event_base_free(service->base);
    hx_role_fini(&service->role);
}

int hx_command_service(int argc, char **argv)
{
    const char *path = NULL;
    const struct otl_opt options[] = {
        {"role", "FILE", "what to be: JSON as in harness/topology/control.h", OTL_OPT_TEXT, &path},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {
        "service --role FILE",
        "One replica of a service of a scenario. Without a runner (no control connection) the\n"
        "role says \"port\" and \"peers\" itself, and SIGTERM stops it.\n",
        options, 0, 0};
    struct otl_opt_list arguments = {.count = 0};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct service service = {.status = HX_EXIT_OK};
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (path == NULL)
        otl_detail_set(&detail, OTEL_ERR_ARGUMENT, NULL, 0, 0, "service needs --role FILE");
    else if (hx_role_read(path, &service.role, &detail) == OTEL_OK && service.role.service == NULL)
        otl_detail_set(&detail, OTEL_ERR_SYNTAX, path, 0, 0, "the role names no service");
    if (detail.code != OTEL_OK) {
        hx_role_fini(&service.role);
        return hx_usage_fail(&detail);
    }
    run(&service);
    clean_up(&service);
    return service.status;
}
