/* SPDX-License-Identifier: Apache-2.0 */
/* Could the timeline be carried out? Each instance is followed through the faults that have a time;
 * one that a condition touches may be in any state. */
#include <string.h>

#include "harness/scenario/faults.h"
#include "harness/scenario/internal.h"

enum state { RUNNING, STOPPED, DEAD };

struct follow {
    struct hx_loader *l;
    const json_t *list;
    const struct hx_service *service;
    unsigned replica;
    enum state state;
    size_t stopped_by;
};

static bool touches(const struct hx_fault *f, const struct follow *w)
{
    return f->service == w->service && w->replica >= f->first_replica &&
           w->replica < f->first_replica + f->replica_count;
}

static enum otel_err refuse(const struct follow *w, size_t index, const char *why)
{
    return otl_yaml_error(w->l->reterr, otl_yaml_item_pos(w->l->doc, w->list, index),
                          "impossible: %s-%u %s", w->service->name, w->replica, why);
}

static enum otel_err step(struct follow *w, size_t index)
{
    const struct hx_fault *f = &w->l->scenario->faults[index];

    switch (f->what) {
    case HX_FAULT_KILL:
    case HX_FAULT_REMOVE:
        if (w->state == DEAD)
            return refuse(w, index, "is already dead at that time");
        w->state = DEAD;
        break;
    case HX_FAULT_STOP:
        if (w->state != RUNNING)
            return refuse(w, index, w->state == DEAD ? "is dead at that time"
                                                     : "is already stopped at that time");
        w->state = STOPPED;
        w->stopped_by = index;
        break;
    case HX_FAULT_CONTINUE:
        if (w->state != STOPPED)
            return refuse(w, index, "is not stopped at that time");
        w->state = RUNNING;
        break;
    case HX_FAULT_SET:
    case HX_FAULT_SQL:
    case HX_FAULT_SLOW:
        if (w->state == DEAD)
            return refuse(w, index, "is dead at that time");
        break;
    case HX_FAULT_RESTART:
        w->state = RUNNING;
        break;
    case HX_FAULT_COLLECTOR:
    case HX_FAULT_BROKER:
        break;
    }
    return OTEL_OK;
}

/* The next fault on the instance after (time, index), in the order of the run. */
static size_t next(const struct follow *w, uint64_t time, size_t index, bool first)
{
    const struct hx_scenario *scenario = w->l->scenario;
    size_t best = scenario->fault_count;

    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct hx_fault *f = &scenario->faults[i];
        bool later = first || f->at_ns > time || (f->at_ns == time && i > index);
        if (touches(f, w) && later &&
            (best == scenario->fault_count || f->at_ns < scenario->faults[best].at_ns))
            best = i;
    }
    return best;
}

static enum otel_err follow(struct follow *w)
{
    const struct hx_scenario *scenario = w->l->scenario;
    size_t at;

    for (size_t i = 0; i < scenario->fault_count; i++)
        if (touches(&scenario->faults[i], w) && scenario->faults[i].when != NULL)
            return OTEL_OK;
    for (at = next(w, 0, 0, true); at < scenario->fault_count;
         at = next(w, scenario->faults[at].at_ns, at, false)) {
        enum otel_err err = step(w, at);
        if (err != OTEL_OK)
            return err;
    }
    if (w->state == STOPPED)
        return refuse(w, w->stopped_by,
                      "is stopped and never continued, restarted or killed: the run could not end");
    return OTEL_OK;
}

enum otel_err hx_check_fault_order(struct hx_loader *l)
{
    struct follow w = {.l = l, .list = json_object_get(l->scenario->tree, "faults")};

    for (size_t s = 0; s < l->scenario->service_count; s++) {
        w.service = &l->scenario->services[s];
        for (w.replica = 0; w.replica < w.service->replicas; w.replica++) {
            enum otel_err err;
            w.state = RUNNING;
            err = follow(&w);
            if (err != OTEL_OK)
                return err;
        }
    }
    return OTEL_OK;
}
