/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig broker --role FILE: the embedded broker, or who sees to the topics of another one, as a
 * child of the runner. */
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/broker/broker.h"
#include "harness/broker/external.h"
#include "harness/broker/faults.h"
#include "harness/cli/commands.h"
#include "harness/topology/child.h"
#include "harness/topology/role.h"

enum { LAST_LINE_MILLIS = 2000 };

struct broker {
    struct hx_role role;
    struct event_base *base;
    struct hx_child *child;
    struct hx_broker *cluster;
    struct hx_broker_faults *faults;
    struct event *signals[2];
    int status;
};

static void on_command(void *arg, const char *verb, const json_t *message)
{
    struct broker *broker = arg;

    if (strcmp(verb, "stop") == 0)
        event_base_loopbreak(broker->base);
    else if (strcmp(verb, "fault") == 0 && broker->faults != NULL)
        hx_broker_fault_begin(broker->faults, message);
}

/* Nobody is left to serve. */
static void on_lost(void *arg)
{
    (void)arg;
    _exit(HX_EXIT_FAULT);
}

/* Ctrl-C reaches the runner too, which knows in which order to stop; alone it means the end. */
static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct broker *broker = arg;

    (void)what;
    if (number == SIGTERM || broker->child == NULL)
        event_base_loopbreak(broker->base);
}

static void fault(struct broker *broker, const char *text)
{
    fprintf(stderr, "tracerig broker: %s\n", text);
    hx_child_send_fault(broker->child, text);
    broker->status = HX_EXIT_FAULT;
}

static bool open_loop(struct broker *broker)
{
    static const int numbers[2] = {SIGTERM, SIGINT};
    struct hx_child_handlers handlers = {on_command, on_lost, broker};
    int fd = hx_child_fd();

    broker->base = event_base_new();
    if (broker->base == NULL)
        return false;
    for (size_t i = 0; i < 2; i++) {
        broker->signals[i] = evsignal_new(broker->base, numbers[i], on_signal, broker);
        if (broker->signals[i] == NULL || event_add(broker->signals[i], NULL) != 0)
            return false;
    }
    return fd < 0 || hx_child_new(broker->base, fd, &handlers, &broker->child) == OTEL_OK;
}

/* *ret: its address. */
static enum otel_err provide(struct broker *broker, const char **ret, struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = broker->role.scenario;
    enum otel_err err;

    if (scenario->broker[0] != '\0' && strcmp(scenario->broker, "embedded") != 0) {
        *ret = scenario->broker;
        return hx_broker_external(scenario, reterr);
    }
    err = hx_broker_new(scenario, &broker->cluster, reterr);
    if (err != OTEL_OK)
        return err;
    broker->faults = hx_broker_faults_new(broker->base, broker->cluster, broker->child);
    *ret = hx_broker_bootstrap(broker->cluster);
    return OTEL_OK;
}

static void run(struct broker *broker)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    const char *address = NULL;

    if (!open_loop(broker)) {
        fault(broker, "no memory for an event loop");
        return;
    }
    if (provide(broker, &address, &detail) != OTEL_OK) {
        fault(broker, detail.text);
        return;
    }
    if (broker->child == NULL)
        printf("%s\n", address);
    fflush(stdout);
    hx_child_send(broker->child,
                  json_pack("{s:s, s:s}", "event", "bound", "bootstrap", address));
    event_base_dispatch(broker->base);
    hx_broker_faults_end(broker->faults);
    hx_child_send(broker->child, json_pack("{s:s}", "event", "stopped"));
}

static void clean_up(struct broker *broker)
{
    hx_broker_faults_free(broker->faults);
    hx_broker_free(broker->cluster);
    hx_child_drain(broker->child, LAST_LINE_MILLIS);
    hx_child_free(broker->child);
    for (size_t i = 0; i < 2; i++)
        if (broker->signals[i] != NULL)
            event_free(broker->signals[i]);
    if (broker->base != NULL)
        event_base_free(broker->base);
    hx_role_fini(&broker->role);
}

/* The mock cluster makes a member's id of the address of its memory. A member that it put out and
 * whose memory another one got meanwhile comes back under the other's id, and an assertion ends the
 * process (README.md). With a large cache of freed blocks, from which calloc takes none, an address
 * is not given out twice. The C library reads that setting when a process starts. */
static void keep_addresses_apart(char *path)
{
    static char program[] = "tracerig", command[] = "broker", option[] = "--role";
    static const char setting[] = "glibc.malloc.tcache_count";
    char *const argv[] = {program, command, option, path, NULL};
    const char *before = getenv("GLIBC_TUNABLES");
    char all[1024];
    int len = snprintf(all, sizeof(all), "%s%s%s=65535", before != NULL ? before : "",
                       before != NULL && *before != '\0' ? ":" : "", setting);

    if ((before != NULL && strstr(before, setting) != NULL) || (size_t)len >= sizeof(all) ||
        setenv("GLIBC_TUNABLES", all, 1) != 0)
        return;
    execv("/proc/self/exe", argv); /* comes back only if it failed: then go on as we are */
}

int hx_command_broker(int argc, char **argv)
{
    const char *path = NULL;
    const struct otl_opt options[] = {
        {"role", "FILE", "what to be: JSON as in harness/topology/control.h", OTL_OPT_TEXT, &path},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {
        "broker --role FILE",
        "The embedded Kafka broker of a run. Without a runner it prints its address.\n"
        "Of a scenario with broker: HOST:PORT it makes the missing topics there.\n",
        options, 0, 0};
    struct otl_opt_list arguments = {.count = 0};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct broker broker = {.status = HX_EXIT_OK};
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    signal(SIGPIPE, SIG_IGN);
    if (path == NULL)
        otl_detail_set(&detail, OTEL_ERR_ARGUMENT, NULL, 0, 0, "broker needs --role FILE");
    else
        keep_addresses_apart((char *)(uintptr_t)path);
    if (detail.code != OTEL_OK || hx_role_read(path, &broker.role, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    run(&broker);
    clean_up(&broker);
    return broker.status;
}
