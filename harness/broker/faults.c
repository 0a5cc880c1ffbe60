/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/broker/faults.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/scenario/faults.h"
#include "harness/topology/child.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { LOOK_MILLIS = 100, ANEW_MILLIS = 100, OWN = -1 /* id of what the runner did not ask for */ };

struct fault {
    struct hx_broker_faults *owner;
    int id; /* the runner's */
    enum hx_broker_fault kind;
    int api;
    unsigned count;
    struct event *timer; /* its end; errors: are they all given out? */
};

struct hx_broker_faults {
    struct event_base *base;
    struct hx_broker *broker;
    struct hx_child *child;
    struct fault *under_way[HX_MAX_FAULTS];
    size_t count;
    struct event *stuck;
};

static long long number(const json_t *message, const char *key)
{
    return json_integer_value(json_object_get(message, key));
}

/* The requests that it hit are known of errors only. */
static void tell_end(const struct fault *fault)
{
    uint64_t now = otl_clock_mono(otl_clock_real());
    json_t *row = json_pack("{s:s, s:i, s:I}", "event", "acted", "id", fault->id, "ended_mono_ns",
                            (json_int_t)now);

    if (fault->kind == HX_BROKER_ERROR) {
        size_t left = hx_broker_errors_left(fault->owner->broker, fault->api);
        json_object_set_new(row, "requests",
                            json_integer((json_int_t)(left < fault->count ? fault->count - left
                                                                          : 0)));
    }
    hx_child_send(fault->owner->child, row);
}

static bool is_under_way(const struct hx_broker_faults *faults, enum hx_broker_fault kind)
{
    for (size_t i = 0; i < faults->count; i++)
        if (faults->under_way[i]->kind == kind)
            return true;
    return false;
}

static void end(struct fault *fault)
{
    struct hx_broker_faults *faults = fault->owner;

    for (size_t i = 0; i < faults->count; i++)
        if (faults->under_way[i] == fault)
            faults->under_way[i] = faults->under_way[--faults->count];
    if (fault->kind == HX_BROKER_DOWN && !is_under_way(faults, HX_BROKER_DOWN))
        hx_broker_set_down(faults->broker, false);
    else if (fault->kind == HX_BROKER_DELAY)
        hx_broker_set_delay(faults->broker, 0);
    tell_end(fault);
    event_free(fault->timer);
    otl_mem_free(fault);
}

static void look_later(struct fault *fault, uint64_t ns)
{
    struct timeval pause = {(time_t)(ns / OTL_NS_PER_S),
                            (suseconds_t)(ns % OTL_NS_PER_S / OTL_NS_PER_US)};

    event_add(fault->timer, &pause);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct fault *fault = arg;

    (void)fd, (void)what;
    if (fault->kind == HX_BROKER_ERROR &&
        hx_broker_errors_left(fault->owner->broker, fault->api) > 0)
        look_later(fault, LOOK_MILLIS * OTL_NS_PER_MS);
    else
        end(fault);
}

static void start(struct fault *fault, const json_t *message)
{
    struct hx_broker *broker = fault->owner->broker;
    uint64_t for_ns = (uint64_t)number(message, "for_ns");

    switch (fault->kind) {
    case HX_BROKER_DOWN:
        hx_broker_set_down(broker, true);
        break;
    case HX_BROKER_DELAY:
        hx_broker_set_delay(broker, (int)((uint64_t)number(message, "delay_ns") / OTL_NS_PER_MS));
        break;
    case HX_BROKER_ERROR:
        hx_broker_push_errors(broker, fault->api, (int)number(message, "error"), fault->count);
        for_ns = LOOK_MILLIS * OTL_NS_PER_MS;
        break;
    }
    if (for_ns > 0) /* 0: to the end of the run */
        look_later(fault, for_ns);
}

void hx_broker_fault_begin(struct hx_broker_faults *faults, const json_t *message)
{
    const char *kind = json_string_value(json_object_get(message, "kind"));
    struct fault *fault = otl_mem_zalloc(sizeof(*fault));

    if (fault == NULL || kind == NULL || faults->count == HX_MAX_FAULTS) {
        otl_mem_free(fault);
        return;
    }
    fault->owner = faults;
    fault->id = (int)number(message, "id");
    fault->api = (int)number(message, "api");
    fault->count = (unsigned)number(message, "count");
    for (unsigned i = HX_BROKER_DOWN; i <= HX_BROKER_ERROR; i++)
        if (strcmp(hx_broker_fault_word((enum hx_broker_fault)i), kind) == 0)
            fault->kind = (enum hx_broker_fault)i;
    fault->timer = evtimer_new(faults->base, on_timer, fault);
    if (fault->timer == NULL) {
        otl_mem_free(fault);
        return;
    }
    faults->under_way[faults->count++] = fault;
    start(fault, message);
}

/* Whoever is connected anew asks again. */
static void on_stuck(evutil_socket_t fd, short what, void *arg)
{
    struct hx_broker_faults *faults = arg;
    uint64_t count;
    json_t *message;

    (void)what;
    if (read(fd, &count, sizeof(count)) < 0 || is_under_way(faults, HX_BROKER_DOWN))
        return; /* all are being cut off anyway */
    fprintf(stderr, "tracerig broker: a member of a group waits for an answer that never comes; "
                    "all are connected anew\n");
    message = json_pack("{s:i, s:s, s:I}", "id", OWN, "kind", hx_broker_fault_word(HX_BROKER_DOWN),
                        "for_ns", (json_int_t)(ANEW_MILLIS * OTL_NS_PER_MS));
    hx_broker_fault_begin(faults, message);
    json_decref(message);
}

struct hx_broker_faults *hx_broker_faults_new(struct event_base *base, struct hx_broker *broker,
                                              struct hx_child *child)
{
    struct hx_broker_faults *faults = otl_mem_zalloc(sizeof(*faults));

    if (faults == NULL)
        return NULL;
    faults->base = base;
    faults->broker = broker;
    faults->child = child;
    faults->stuck = event_new(base, hx_broker_stuck_fd(broker), EV_READ | EV_PERSIST, on_stuck,
                              faults);
    if (faults->stuck == NULL || event_add(faults->stuck, NULL) != 0) {
        hx_broker_faults_free(faults);
        return NULL;
    }
    return faults;
}

void hx_broker_faults_end(struct hx_broker_faults *faults)
{
    while (faults != NULL && faults->count > 0)
        end(faults->under_way[0]);
}

void hx_broker_faults_free(struct hx_broker_faults *faults)
{
    while (faults != NULL && faults->count > 0) {
        event_free(faults->under_way[--faults->count]->timer);
        otl_mem_free(faults->under_way[faults->count]);
    }
    if (faults != NULL && faults->stuck != NULL)
        event_free(faults->stuck);
    otl_mem_free(faults);
}
