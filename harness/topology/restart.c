/* SPDX-License-Identifier: Apache-2.0 */
/* A service's way from one incarnation to the next, in pieces, while the load goes on. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/foreign.h"
#include "harness/scenario/replicas.h"
#include "harness/topology/parts.h"
#include "sdk/base/text.h"

#define YOUNG_LIMIT_NS (60 * OTL_NS_PER_S)

static uint64_t now(void)
{
    return otl_clock_mono(otl_clock_real());
}

static void send_signal(struct hx_run *run, const struct hx_child *child, int number)
{
    (void)!hx_guardian_signal(&run->fleet.guardian, child->id, number);
}

static void end_event(struct hx_run *run, size_t event, const char *how)
{
    hx_run_event_add(run, event, "%s", how);
    hx_run_event_until(run, event);
}

static void ask_to_stop(struct hx_run *run, struct hx_restart *restart)
{
    struct hx_child *child = restart->old;

    restart->limit_ns = now() + restart->fault->grace_ns;
    if (child->exited)
        return;
    /* A way to stop that leaves the ledger open is the scenario's wish, not an accident. */
    child->exit_expected = true;
    if (run->options.scenario->services[child->service].stop != HX_STOP_DRAIN)
        child->ended_by_fault = true;
    send_signal(run, child, SIGTERM);
    send_signal(run, child, SIGCONT); /* it may be stopped */
}

/* The one under way with this child, if there is one. */
static struct hx_restart *under_way(struct hx_run *run, const struct hx_child *child)
{
    for (size_t i = 0; i < run->restart_count; i++)
        if (run->restarts[i].old == child || run->restarts[i].young == child)
            return &run->restarts[i];
    return NULL;
}

bool hx_run_is_restarting(const struct hx_run *run, const struct hx_child *child)
{
    for (size_t i = 0; i < run->restart_count; i++)
        if (run->restarts[i].old == child || run->restarts[i].young == child)
            return true;
    return false;
}

/* The next one takes the place of the one under way. If the old process still stops, one new
 * process follows, with the later settings; a new process that is not ready yet becomes so before
 * it is asked to stop: it has a ledger then, and a handler. */
static void overtake(struct hx_run *run, struct hx_restart *restart, const struct hx_fault *fault,
                     size_t event)
{
    bool stops = restart->old != NULL;

    end_event(run, restart->event, stops ? "overtaken by the next while the old one stopped"
                                         : "overtaken by the next before the new one was ready");
    restart->fault = fault;
    restart->event = event;
    if (stops)
        return;
    restart->old = restart->young;
    restart->young = NULL;
    restart->unready = true;
}

void hx_run_restart(struct hx_run *run, const struct hx_fault *fault, struct hx_child *child,
                    size_t event)
{
    struct hx_restart *restart = under_way(run, child);

    if (fault->together)
        run->regrouped[child->service] = fault;
    if (restart != NULL) {
        overtake(run, restart, fault, event);
        return;
    }
    if (run->restart_count == HX_RUN_RESTARTS) {
        hx_run_incident(run, "restart", child, "%s: more than %d restarts under way", child->name,
                        HX_RUN_RESTARTS);
        return;
    }
    restart = &run->restarts[run->restart_count++];
    *restart = (struct hx_restart){.fault = fault, .old = child, .event = event};
    ask_to_stop(run, restart);
}

/* One setting more; NULL: it does not fit, or no memory. tree is consumed. */
static json_t *with(const struct hx_run *run, const struct hx_restart *restart, json_t *tree,
                    const struct hx_setting *setting, struct otl_detail *detail)
{
    const char *name = run->options.scenario->services[restart->old->service].name;
    json_t *next = NULL;

    if (tree != NULL &&
        hx_scenario_with(tree, name, setting, true, &next, detail) != OTEL_OK)
        next = NULL;
    json_decref(tree);
    return next;
}

/* The tree of the new process: the replica's own, with what its group has agreed on meanwhile and
 * the fault's settings. */
static json_t *new_tree(const struct hx_run *run, const struct hx_restart *restart,
                        struct otl_detail *detail)
{
    const struct hx_scenario *scenario = run->options.scenario;
    const struct hx_service *service = restart->fault->service;
    const struct hx_fault *regrouped = run->regrouped[restart->old->service];
    json_t *tree = NULL;

    if (hx_scenario_replica_tree(scenario, service, restart->old->replica, &tree, detail) !=
        OTEL_OK)
        return NULL;
    for (size_t i = 0; regrouped != NULL && i < regrouped->setting_count; i++)
        if (hx_setting_is_of_group(&regrouped->settings[i]))
            tree = with(run, restart, tree, &regrouped->settings[i], detail);
    for (size_t i = 0; i < restart->fault->setting_count; i++)
        tree = with(run, restart, tree, &restart->fault->settings[i], detail);
    return tree;
}

static enum otel_err start_young(struct hx_run *run, const struct hx_child *old,
                                 const json_t *tree, struct hx_child **ret,
                                 struct otl_detail *detail)
{
    return old->role == HX_ROLE_FOREIGN ? hx_run_foreign_again(run, old, tree, ret, detail)
                                        : hx_run_reincarnate(run, old, tree, ret, detail);
}

static void begin_young(struct hx_run *run, struct hx_restart *restart)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_child *young = NULL;
    json_t *tree;
    char end[64];

    if (restart->fault->what == HX_FAULT_REMOVE) {
        hx_run_event_add(run, restart->event, "%s",
                         hx_child_exit_text(restart->old, end, sizeof(end)));
        hx_run_event_until(run, restart->event);
        restart->old = NULL;
        return;
    }
    tree = new_tree(run, restart, &detail);
    if (tree == NULL || start_young(run, restart->old, tree, &young, &detail) != OTEL_OK)
        hx_run_incident(run, "restart", restart->old, "%s could not be started again: %s",
                        restart->old->name, detail.text);
    json_decref(tree);
    hx_run_event_add(run, restart->event, "%s", hx_child_exit_text(restart->old, end, sizeof(end)));
    restart->old = NULL;
    restart->young = young;
    restart->limit_ns = now() + YOUNG_LIMIT_NS;
    if (young != NULL && young->role == HX_ROLE_FOREIGN) /* the relay tells when it is too late */
        restart->limit_ns = now() + 2 * run->options.scenario->services[young->service]
                                            .foreign->start_limit_ns;
}

/* What the relay says of a program that was started again. */
static void hear_of(struct hx_run *run, struct hx_child *young)
{
    const json_t *served = json_object_get(run->relay->served, young->name);
    const char *why = json_string_value(json_object_get(served, "why"));

    if (served == NULL)
        return;
    if (why == NULL) {
        young->seen |= HX_SEEN_READY;
    } else {
        snprintf(young->fault, sizeof(young->fault), "%s", why);
        young->fault[otl_utf8_prefix(young->fault, strlen(young->fault))] = '\0';
    }
}

enum readiness { NOT_YET, READY, FAILED };

/* Whether a new process serves; told as an incident if it never will. */
static enum readiness readiness_of(struct hx_run *run, const struct hx_restart *restart,
                                   struct hx_child *young)
{
    char end[64];

    if (young->role == HX_ROLE_FOREIGN)
        hear_of(run, young);
    if (young->role == HX_ROLE_FOREIGN && !young->exited && young->fault[0] != '\0') {
        hx_run_incident(run, "restart", young, "%s", young->fault);
        young->fault[0] = '\0'; /* it goes on as it is */
        return FAILED;
    }
    if (young->exited && young->ended_by_fault) {
        end_event(run, restart->event, "killed before it was ready");
        return FAILED;
    }
    if (young->exited || young->fault[0] != '\0') {
        young->exit_expected = true;
        hx_run_incident(run, "restart", young, "the new %s ended before it was ready: %s%s%s",
                        young->name, hx_child_exit_text(young, end, sizeof(end)),
                        young->fault[0] ? ": " : "", young->fault);
        return FAILED;
    }
    if ((young->seen & HX_SEEN_READY) != 0)
        return READY;
    if (now() < restart->limit_ns)
        return NOT_YET;
    hx_run_incident(run, "restart", young, "the new %s was not ready in time", young->name);
    return FAILED;
}

/* When this process, which has ended, is no member of its groups any more: one that could not
 * leave is expelled when its session is over. */
static uint64_t left_ns(const struct hx_run *run, const struct hx_child *old)
{
    const struct hx_service *service = &run->options.scenario->services[old->service];
    bool left = service->stop == HX_STOP_DRAIN && old->exit.code == 0 && old->exit.signal == 0;
    uint64_t session_ns = 0;

    for (size_t i = 0; i < service->consumer_count; i++)
        if ((!left || service->consumers[i].static_membership) &&
            service->consumers[i].session_timeout_ns > session_ns)
            session_ns = service->consumers[i].session_timeout_ns;
    return session_ns == 0 ? 0 : old->exit_mono_ns + session_ns + OTL_NS_PER_S;
}

/* False: others of its group, which a process with another assignor must not meet, are still there;
 * limit_ns is when the next look is due. */
static bool may_begin(const struct hx_run *run, struct hx_restart *restart)
{
    uint64_t due = 0;

    for (size_t i = 0; i < run->restart_count; i++) {
        const struct hx_child *old = run->restarts[i].old;
        if (old == NULL || old->service != restart->old->service ||
            (!restart->fault->together && !run->restarts[i].fault->together))
            continue;
        if (!old->exited) { /* its end is an event */
            restart->limit_ns = run->restarts[i].limit_ns;
            return false;
        }
        if (left_ns(run, old) > due)
            due = left_ns(run, old);
    }
    if (due > now())
        restart->limit_ns = due;
    return due <= now();
}

static void watch_old(struct hx_run *run, struct hx_restart *restart)
{
    if (restart->unready && readiness_of(run, restart, restart->old) != NOT_YET) {
        restart->unready = false;
        ask_to_stop(run, restart);
    }
    if (restart->unready)
        return;
    if (restart->old->exited) {
        if (may_begin(run, restart))
            begin_young(run, restart);
    } else if (now() >= restart->limit_ns && !restart->old->ended_by_fault) {
        restart->old->ended_by_fault = true;
        hx_run_incident(run, "restart", restart->old, "%s did not exit in its grace period",
                        restart->old->name);
        send_signal(run, restart->old, SIGKILL);
    } else if (now() >= restart->limit_ns) {
        send_signal(run, restart->old, SIGKILL);
        hx_run_event_add(run, restart->event, "still running after its grace period: killed");
        restart->limit_ns = now() + OTL_NS_PER_S;
    }
}

/* True: it is over. */
static bool watch_young(struct hx_run *run, const struct hx_restart *restart)
{
    enum readiness readiness =
        restart->young != NULL ? readiness_of(run, restart, restart->young) : FAILED;

    if (readiness == READY) {
        hx_run_event_until(run, restart->event);
        hx_run_event_close(run, "kill", restart->young->name);
    }
    return readiness != NOT_YET;
}

uint64_t hx_run_restarts_go_on(struct hx_run *run)
{
    uint64_t due = 0;

    for (size_t i = 0; i < run->restart_count;) {
        struct hx_restart *restart = &run->restarts[i];
        if (restart->old != NULL)
            watch_old(run, restart);
        if (restart->old == NULL && watch_young(run, restart)) {
            *restart = run->restarts[--run->restart_count];
            continue;
        }
        if (due == 0 || restart->limit_ns < due)
            due = restart->limit_ns;
        i++;
    }
    return due;
}
