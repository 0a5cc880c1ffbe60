/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig relay --role FILE: the recording relay, as a child of the runner. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/relay/relay.h"
#include "harness/topology/child.h"
#include "harness/topology/role.h"

enum { LAST_LINE_MILLIS = 2000, IDLE_MILLIS = 50 };

struct command {
    struct hx_role role;
    struct event_base *base;
    struct hx_child *child;
    struct hx_relay *relay;
    struct event *signals[2];
    struct event *look; /* while draining: is all quiet? */
    struct event *second;
    bool draining;
    int status;
};

/* ---- what is said --------------------------------------------------------------------------- */

static void fault(void *arg, const char *text)
{
    struct command *command = arg;

    fprintf(stderr, "tracerig relay: %s\n", text);
    hx_child_send_fault(command->child, text);
    command->status = HX_EXIT_FAULT;
    event_base_loopbreak(command->base);
}

static void again(void *arg, const char *instance, const char *why)
{
    struct command *command = arg;
    json_t *row = json_pack("{s:s, s:s}", "event", "served", "instance", instance);

    if (why != NULL)
        json_object_set_new(row, "why", json_string(why));
    hx_child_send(command->child, row);
}

static void ready(void *arg)
{
    struct command *command = arg;

    hx_child_send(command->child, json_pack("{s:s}", "event", "ready"));
}

static void say_if_idle(void *arg)
{
    const struct timeval pause = {0, IDLE_MILLIS * 1000};
    struct command *command = arg;

    if (!command->draining)
        return;
    if (!hx_relay_is_idle(command->relay)) {
        event_add(command->look, &pause);
        return;
    }
    command->draining = false;
    hx_child_send(command->child,
                  json_pack("{s:s, s:i, s:i}", "event", "idle", "in_hand", 0, "lag", 0));
}

/* What the conditions of faults look at. */
static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct command *command = arg;
    const json_t *list = json_object_get(command->role.tree, "replicas");
    json_t *instances = json_object();

    (void)fd, (void)what;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name =
            json_string_value(json_object_get(json_array_get(list, i), "instance"));
        if (name != NULL)
            json_object_set_new(
                instances, name,
                json_pack("{s:I, s:I}", "handled",
                          (json_int_t)hx_relay_handled(command->relay, name), "in_hand",
                          (json_int_t)hx_relay_in_hand(command->relay, name)));
    }
    hx_child_send(command->child,
                  json_pack("{s:s, s:o}", "event", "progress", "instances", instances));
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct command *command = arg;

    (void)fd, (void)what;
    hx_relay_give_up(command->relay);
    say_if_idle(command);
}

/* {"audit": 7}: what was handed to a service and never committed; empty: nothing. */
static json_t *uncommitted(const struct command *command)
{
    const struct hx_scenario *scenario = command->role.scenario;
    json_t *object = json_object();

    for (size_t i = 0; i < scenario->service_count; i++) {
        size_t count = hx_relay_uncommitted(command->relay, &scenario->services[i]);
        if (count > 0)
            json_object_set_new(object, scenario->services[i].name,
                                json_integer((json_int_t)count));
    }
    return object;
}

static void say_stopped(struct command *command)
{
    const json_t *list = json_object_get(command->role.tree, "replicas");
    json_t *handled = json_object(), *unanswered = json_object();
    struct hx_relay_counts counts;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name =
            json_string_value(json_object_get(json_array_get(list, i), "instance"));
        if (name == NULL)
            continue; /* a service's topics */
        json_object_set_new(handled, name,
                            json_integer((json_int_t)hx_relay_handled(command->relay, name)));
        if (hx_relay_unanswered(command->relay, name) > 0)
            json_object_set_new(
                unanswered, name,
                json_integer((json_int_t)hx_relay_unanswered(command->relay, name)));
    }
    hx_relay_counts(command->relay, &counts);
    hx_child_send(command->child,
                  json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:s}", "event", "stopped",
                            "handled", handled, "unanswered", unanswered, "uncommitted",
                            uncommitted(command), "undelivered",
                            (json_int_t)counts.undelivered, "refused", (json_int_t)counts.refused,
                            "unrouted", (json_int_t)counts.unrouted, "turned_away",
                            (json_int_t)counts.turned_away, "why", counts.why));
}

/* ---- what is asked -------------------------------------------------------------------------- */

static void on_command(void *arg, const char *verb, const json_t *message)
{
    struct command *command = arg;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (strcmp(verb, "peers") == 0) {
        if (hx_relay_peers(command->relay, json_object_get(message, "services"), &detail) !=
            OTEL_OK)
            fault(command, detail.text);
    } else if (strcmp(verb, "slow") == 0) {
        const char *instance = json_string_value(json_object_get(message, "instance"));
        const char *route = json_string_value(json_object_get(message, "route"));
        (void)hx_relay_slow(command->relay, instance ? instance : "", route ? route : "",
                            (uint64_t)json_integer_value(json_object_get(message, "delay_ns")));
    } else if (strcmp(verb, "again") == 0) {
        const char *instance = json_string_value(json_object_get(message, "instance"));
        if (hx_relay_again(command->relay, instance ? instance : "") != OTEL_OK)
            fault(command, "a program that is not there was to be served again");
    } else if (strcmp(verb, "gone") == 0) {
        const char *instance = json_string_value(json_object_get(message, "instance"));
        hx_relay_gone(command->relay, instance ? instance : "");
    } else if (strcmp(verb, "drain") == 0) {
        command->draining = true;
        say_if_idle(command);
    } else if (strcmp(verb, "stop") == 0) {
        event_base_loopbreak(command->base);
    }
}

/* Nobody is left to record for. */
static void on_lost(void *arg)
{
    (void)arg;
    _exit(HX_EXIT_FAULT);
}

/* Ctrl-C reaches the runner too, which knows in which order to stop. */
static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct command *command = arg;

    (void)what;
    if (number == SIGTERM || command->child == NULL)
        event_base_loopbreak(command->base);
}

static bool open_loop(struct command *command)
{
    static const int numbers[2] = {SIGTERM, SIGINT};
    struct hx_child_handlers handlers = {on_command, on_lost, command};
    int fd = hx_child_fd();

    command->base = event_base_new();
    if (command->base == NULL)
        return false;
    for (size_t i = 0; i < 2; i++) {
        command->signals[i] = evsignal_new(command->base, numbers[i], on_signal, command);
        if (command->signals[i] == NULL || event_add(command->signals[i], NULL) != 0)
            return false;
    }
    command->look = evtimer_new(command->base, on_look, command);
    command->second = event_new(command->base, -1, EV_PERSIST, on_second, command);
    return fd >= 0 && command->look != NULL && command->second != NULL &&
           hx_child_new(command->base, fd, &handlers, &command->child) == OTEL_OK;
}

static enum otel_err add_replica(struct command *command, const json_t *item, json_t *places,
                                 struct otl_detail *reterr)
{
    const char *service = json_string_value(json_object_get(item, "service"));
    struct hx_relay_replica replica = {
        .service = service ? hx_scenario_service(command->role.scenario, service) : NULL,
        .replica = (unsigned)json_integer_value(json_object_get(item, "replica")),
        .process = (uint32_t)json_integer_value(json_object_get(item, "process")),
        .instance = json_string_value(json_object_get(item, "instance"))};
    json_t *place;
    enum otel_err err;

    const char *kafka = json_string_value(json_object_get(command->role.tree, "kafka"));

    if (replica.service == NULL || replica.service->foreign == NULL ||
        (replica.instance == NULL && kafka == NULL))
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "\"replicas\" names something else than services with a command");
    if (replica.instance == NULL) {
        struct hx_relay_topics topics = {replica.service, replica.process, kafka};
        return hx_relay_add_topics(command->relay, &topics, reterr);
    }
    err = hx_relay_add(command->relay, &replica, &place, reterr);
    if (err == OTEL_OK)
        json_array_append_new(places, place);
    return err;
}

static enum otel_err open_relay(struct command *command, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(command->role.tree, "replicas");
    struct hx_relay_options options = {.base = command->base,
                                       .scenario = command->role.scenario,
                                       .dir = command->role.dir,
                                       .seed = command->role.seed,
                                       .events = {ready, say_if_idle, fault, command, again}};
    json_t *places = json_array();
    enum otel_err err = hx_relay_new(&options, &command->relay, reterr);

    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK; i++)
        err = add_replica(command, json_array_get(list, i), places, reterr);
    if (err == OTEL_OK)
        hx_child_send(command->child,
                      json_pack("{s:s, s:O}", "event", "bound", "places", places));
    json_decref(places);
    return err;
}

static void run(struct command *command)
{
    const struct timeval second = {1, 0};
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (!open_loop(command)) {
        fprintf(stderr, "tracerig relay: no control connection\n");
        command->status = HX_EXIT_FAULT;
        return;
    }
    if (open_relay(command, &detail) != OTEL_OK) {
        fault(command, detail.text);
        return;
    }
    event_add(command->second, &second);
    event_base_dispatch(command->base);
    if (command->status != HX_EXIT_OK)
        return;
    hx_relay_stop(command->relay);
    say_stopped(command);
}

static void clean_up(struct command *command)
{
    hx_relay_free(command->relay);
    hx_child_drain(command->child, LAST_LINE_MILLIS);
    hx_child_free(command->child);
    if (command->look != NULL)
        event_free(command->look);
    if (command->second != NULL)
        event_free(command->second);
    for (size_t i = 0; i < 2; i++)
        if (command->signals[i] != NULL)
            event_free(command->signals[i]);
    if (command->base != NULL)
        event_base_free(command->base);
    hx_role_fini(&command->role);
}

int hx_command_relay(int argc, char **argv)
{
    const char *path = NULL;
    const struct otl_opt options[] = {
        {"role", "FILE", "what to be: JSON as in harness/topology/control.h", OTL_OPT_TEXT, &path},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {
        "relay --role FILE",
        "The recording relay of a run: before and behind services with a command of their own.\n",
        options, 0, 0};
    struct otl_opt_list arguments = {.count = 0};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct command command = {.status = HX_EXIT_OK};
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    signal(SIGPIPE, SIG_IGN);
    if (path == NULL)
        otl_detail_set(&detail, OTEL_ERR_ARGUMENT, NULL, 0, 0, "relay needs --role FILE");
    if (detail.code == OTEL_OK && hx_role_read(path, &command.role, &detail) == OTEL_OK &&
        command.role.dir == NULL) {
        otl_detail_set(&detail, OTEL_ERR_SYNTAX, path, 0, 0, "a relay's role needs \"dir\"");
        hx_role_fini(&command.role);
    }
    if (detail.code != OTEL_OK)
        return hx_usage_fail(&detail);
    run(&command);
    clean_up(&command);
    return command.status;
}
