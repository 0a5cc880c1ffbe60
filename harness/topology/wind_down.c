/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run: drain by event, then stop in order: load, services downwards, agents,
 * collector, broker. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/topology/parts.h"
#include "sdk/base/file.h"

/* For the whole drain; the short one where a process that the others need is gone. A fleet that
 * still handles something, slowly, is let go on. */
#define DRAIN_LIMIT_NS (30 * OTL_NS_PER_S)
#define DRAIN_SHORT_NS (3 * OTL_NS_PER_S)
#define DRAIN_WORK_NS (10 * OTL_NS_PER_S)
#define DRAIN_MOST_NS (120 * OTL_NS_PER_S)
/* What an idle child may take to say so, after the others used the time up. */
#define DRAIN_ANSWER_NS (500 * OTL_NS_PER_MS)
#define STOP_LIMIT_NS (15 * OTL_NS_PER_S)
/* It finishes what it has in hand, and sends what its queue holds for at most 30 s. */
#define AGENT_LIMIT_NS (40 * OTL_NS_PER_S)

/* A collector whose machine stands still answers later; one that is stuck ends the wait, which
 * hears no interrupt: it is short where somebody is in a hurry. */
enum { DRAIN_ROUNDS = 2, LAST_METRICS_MILLIS = 15000, HURRIED_METRICS_MILLIS = 500 };

struct expectation {
    struct hx_child *child;
    unsigned bit; /* 0 = its exit */
};

static bool said(struct hx_fleet *fleet, void *state)
{
    const struct expectation *expectation = state;

    (void)fleet;
    return expectation->child->exited ||
           (expectation->bit != 0 && (expectation->child->seen & expectation->bit) != 0);
}

static enum otel_err await(struct hx_run *run, struct hx_child *child, unsigned bit,
                           uint64_t limit_ns)
{
    struct expectation expectation = {child, bit};

    return hx_fleet_pump(&run->fleet, said, &expectation, limit_ns, run->interrupts);
}

/* Deaths that nobody asked for come before whatever followed from them. A death of the broker
 * or of the relay is one of ours: the fleet is not to blame. */
static void note_deaths(struct hx_run *run)
{
    char end[64], said[HX_LAST_OUTPUT_SIZE];

    for (size_t i = 0; i < run->fleet.count; i++) {
        struct hx_child *child = &run->fleet.children[i];
        if (!child->exited || child->exit_expected || child->death_noted ||
            child->role == HX_ROLE_LOAD)
            continue;
        child->death_noted = true;
        hx_child_exit_text(child, end, sizeof(end));
        if (child->fault[0] != '\0')
            snprintf(said, sizeof(said), ": %s", child->fault);
        else
            hx_run_last_output(run, child, said, sizeof(said));
        hx_run_incident(run, "died", child, "%s died during the run: %s%s", child->name, end,
                        said);
        if (child->role == HX_ROLE_BROKER || child->role == HX_ROLE_RELAY ||
            child->fault[0] != '\0')
            hx_run_environment(run, "%s died during the run: %s%s", child->name, end, said);
    }
}

static uint64_t drain_limit(const struct hx_run *run)
{
    bool short_one = (run->broker != NULL && run->broker->exited) ||
                     (run->relay != NULL && run->relay->exited) || run->fault[0] != '\0';

    if (run->options.patience_ns != 0)
        return run->options.patience_ns;
    return short_one ? DRAIN_SHORT_NS : DRAIN_LIMIT_NS;
}

static uint64_t stop_limit(const struct hx_run *run, const struct hx_child *child)
{
    bool agent = child->role == HX_ROLE_COLLECTOR && child != run->collector;

    if (run->options.patience_ns != 0)
        return run->options.patience_ns;
    return agent ? AGENT_LIMIT_NS : STOP_LIMIT_NS;
}

/* What all of them have handled, by their last progress lines. */
static double work_done(const struct hx_run *run)
{
    double done = 0;

    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        const json_t *row;
        const char *name;
        done += json_number_value(json_object_get(child->progress, "handled"));
        json_object_foreach(json_object_get(child->progress, "instances"), name, row)
            done += json_number_value(json_object_get(row, "handled"));
    }
    return done;
}

struct drain {
    uint64_t begun_ns;
    uint64_t until_ns;
    uint64_t worked_ns; /* when the last work was seen */
    double done;
};

static uint64_t left_of(const struct drain *drain)
{
    uint64_t now = otl_clock_mono(otl_clock_real());

    return drain->until_ns > now ? drain->until_ns - now : 0;
}

static void note_work(const struct hx_run *run, struct drain *drain)
{
    double done = work_done(run);
    uint64_t now = otl_clock_mono(otl_clock_real()), most = drain->begun_ns + DRAIN_MOST_NS;

    if (done > drain->done)
        drain->worked_ns = now;
    drain->done = done;
    if (drain_limit(run) < DRAIN_LIMIT_NS) { /* perhaps since a moment ago */
        drain->until_ns = drain->begun_ns + drain_limit(run);
    } else if (now >= drain->until_ns && drain->worked_ns + DRAIN_WORK_NS > now) {
        drain->until_ns = drain->worked_ns + DRAIN_WORK_NS;
        if (drain->until_ns > most)
            drain->until_ns = most;
    }
}

static enum otel_err await_quiet(struct hx_run *run, struct hx_child *child, struct drain *drain)
{
    uint64_t left_ns, step_ns;
    enum otel_err err;

    note_work(run, drain);
    left_ns = left_of(drain);
    do {
        left_ns = left_ns > DRAIN_ANSWER_NS ? left_ns : DRAIN_ANSWER_NS;
        step_ns = left_ns < DRAIN_WORK_NS / 4 ? left_ns : DRAIN_WORK_NS / 4;
        err = await(run, child, HX_SEEN_IDLE, step_ns);
        note_work(run, drain);
    } while (err == OTEL_ERR_TIMEOUT && (left_ns = left_of(drain)) > 0);
    return err;
}

/* Wait for the child's "idle" until the drain's one deadline. False: give the drain up. */
static bool await_idle(struct hx_run *run, struct hx_child *child, struct drain *drain)
{
    char busy[256];
    enum otel_err err = await_quiet(run, child, drain);

    note_deaths(run);
    if (err == OTEL_ERR_CLOSED) {
        hx_run_interrupt(run);
        return false;
    }
    if (err == OTEL_ERR_TIMEOUT && !child->late) {
        child->late = true;
        hx_run_incident(run, "drain", child, "%s still had work in hand %d s after the load ended",
                        child->role == HX_ROLE_RELAY ? hx_run_busy_programs(run, busy, sizeof(busy))
                                                     : child->name,
                        (int)((drain->until_ns - drain->begun_ns) / OTL_NS_PER_S));
    }
    return true;
}

/* True if step, or one below it, calls or publishes to service. */
static bool leads_to(const struct hx_scenario *scenario, const struct hx_service *from,
                     const struct hx_service *to)
{
    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *op = &scenario->operations[i];
        if (op->service != from || op->step == NULL)
            continue;
        if (op->step->kind == HX_STEP_CALL && op->step->to == to)
            return true;
        for (size_t c = 0; op->step->kind == HX_STEP_PUBLISH && c < to->consumer_count; c++)
            if (to->consumers[c].topic == op->step->topic)
                return true;
    }
    return false;
}

/* Callers before those they call; what is left of a ring keeps the document's order. */
static size_t downwards(const struct hx_scenario *scenario, unsigned order[HX_MAX_SERVICES])
{
    bool placed[HX_MAX_SERVICES] = {false};
    size_t count = 0;

    while (count < scenario->service_count) {
        size_t pick = scenario->service_count;
        for (size_t s = 0; s < scenario->service_count && pick == scenario->service_count; s++) {
            bool called = placed[s];
            for (size_t c = 0; c < scenario->service_count && !called; c++)
                called = c != s && !placed[c] &&
                         leads_to(scenario, &scenario->services[c], &scenario->services[s]);
            if (!called)
                pick = s;
        }
        for (size_t s = 0; s < scenario->service_count && pick == scenario->service_count; s++)
            if (!placed[s])
                pick = s;
        placed[pick] = true;
        order[count++] = (unsigned)pick;
    }
    return count;
}

/* Of programs that know no "drain" the relay knows what they have in hand. */
static bool is_of(const struct hx_child *child, unsigned service)
{
    return (child->role == HX_ROLE_SERVICE || child->role == HX_ROLE_FOREIGN) &&
           child->service == service;
}

static bool ask_idle(struct hx_child *child)
{
    if (child == NULL || child->exited || child->late)
        return false;
    child->seen &= ~(unsigned)HX_SEEN_IDLE;
    hx_fleet_tell(child, json_pack("{s:s}", "do", "drain"));
    return true;
}

/* False: give the drain up. */
static bool drain_service(struct hx_run *run, unsigned service, struct drain *drain)
{
    if (run->options.scenario->services[service].foreign != NULL)
        return !ask_idle(run->relay) || await_idle(run, run->relay, drain);
    for (size_t i = 0; i < run->fleet.count; i++)
        if (is_of(&run->fleet.children[i], service))
            ask_idle(&run->fleet.children[i]);
    for (size_t i = 0; i < run->fleet.count; i++) {
        struct hx_child *child = &run->fleet.children[i];
        if (is_of(child, service) && !child->exited && !child->late &&
            !await_idle(run, child, drain))
            return false;
    }
    return true;
}

void hx_run_drain(struct hx_run *run)
{
    unsigned order[HX_MAX_SERVICES];
    size_t count = downwards(run->options.scenario, order);
    uint64_t begun_ns = otl_clock_mono(otl_clock_real());
    struct drain drain = {begun_ns, begun_ns + drain_limit(run), begun_ns, work_done(run)};

    note_deaths(run);
    /* A second round proves that what the first one drained stayed quiet. */
    for (int round = 0; round < DRAIN_ROUNDS && !run->interrupted; round++)
        for (size_t i = 0; i < count; i++)
            if (!drain_service(run, order[i], &drain))
                return;
}

/* No handler, or a shell's word for it. */
static bool ended_by_term(const struct hx_child *child)
{
    return child->exited && (child->exit.signal == SIGTERM || child->exit.code == 128 + SIGTERM);
}

static void await_end(struct hx_run *run, struct hx_child *child)
{
    char end[64];
    enum otel_err err;

    if (run->hurry && !child->exited)
        return;
    err = await(run, child, 0, stop_limit(run, child));
    if (err == OTEL_ERR_CLOSED) {
        hx_run_interrupt(run);
        run->hurry = true;
    }
    if (run->hurry && !child->exited)
        return; /* killed with the rest */
    if (err != OTEL_OK && !child->exited) {
        hx_run_incident(run, "stop", child, "%s did not stop in time and was killed", child->name);
        (void)!hx_guardian_signal(&run->fleet.guardian, child->id, SIGKILL);
        (void)!await(run, child, 0, OTL_NS_PER_S);
    } else if (child->role == HX_ROLE_FOREIGN && ended_by_term(child)) {
        return; /* that is what it was sent */
    } else if (child->exited && (child->exit.code != 0 || child->exit.signal != 0)) {
        hx_run_incident(run, "exit", child, "%s ended badly: %s%s%s", child->name,
                        hx_child_exit_text(child, end, sizeof(end)), child->fault[0] ? ": " : "",
                        child->fault);
        if (child->fault[0] != '\0')
            hx_run_environment(run, "%s: %s", child->name, child->fault);
    }
}

static void ask_to_stop(struct hx_run *run, struct hx_child *child)
{
    if (child == NULL || child->exited)
        return;
    child->exit_expected = true;
    if (child->role == HX_ROLE_COLLECTOR || child->role == HX_ROLE_FOREIGN)
        (void)!hx_guardian_signal(&run->fleet.guardian, child->id, SIGTERM);
    else
        hx_fleet_tell(child, json_pack("{s:s, s:I}", "do", "stop", "timeout_ms",
                                       (json_int_t)(stop_limit(run, child) * 2 / 3 /
                                                    OTL_NS_PER_MS)));
}

static void stop_one(struct hx_run *run, struct hx_child *child)
{
    if (child == NULL || child->exited)
        return;
    ask_to_stop(run, child);
    await_end(run, child);
}

static void stop_service(struct hx_run *run, unsigned service)
{
    struct hx_fleet *fleet = &run->fleet;

    for (size_t i = 0; i < fleet->count; i++)
        if (is_of(&fleet->children[i], service))
            ask_to_stop(run, &fleet->children[i]);
    for (size_t i = 0; i < fleet->count; i++)
        if (is_of(&fleet->children[i], service) && fleet->children[i].exit_expected &&
            !fleet->children[i].ended_by_fault)
            await_end(run, &fleet->children[i]);
}

unsigned hx_run_last_metrics_millis(const struct hx_run *run)
{
    uint64_t patience_ns = run->options.patience_ns;
    bool impatient = patience_ns != 0 && patience_ns < LAST_METRICS_MILLIS * OTL_NS_PER_MS;

    return run->interrupted || run->hurry || impatient ? HURRIED_METRICS_MILLIS
                                                       : LAST_METRICS_MILLIS;
}

static void keep_metrics(struct hx_run *run)
{
    char path[4096];
    struct otl_buf text;

    if (run->collector_metrics[0] == '\0' || run->collector->exited)
        return;
    otl_buf_init(&text, 4u << 20);
    snprintf(path, sizeof(path), "%s/metrics/collector.prom", run->options.dir);
    if (!hx_metrics_get(run->collector_metrics, hx_run_last_metrics_millis(run), &text))
        hx_run_incident(run, "metrics", run->collector, "the collector's /metrics did not answer");
    else if (otl_file_write(path, text.data, text.len, NULL) != OTEL_OK)
        hx_run_incident(run, "metrics", run->collector, "%s could not be written", path);
    otl_buf_fini(&text);
}

void hx_run_stop(struct hx_run *run)
{
    unsigned order[HX_MAX_SERVICES];
    size_t count = downwards(run->options.scenario, order);

    note_deaths(run);
    stop_one(run, run->load);
    for (size_t i = 0; i < count; i++)
        stop_service(run, order[i]);
    stop_one(run, run->relay);
    hx_run_relay_incidents(run);
    for (size_t i = 0; i < run->options.scenario->agent_count; i++)
        ask_to_stop(run, run->agents[i]);
    for (size_t i = 0; i < run->options.scenario->agent_count; i++) {
        if (run->agents[i]->exit_expected)
            await_end(run, run->agents[i]);
        hx_run_events_of(run, run->agents[i]);
    }
    keep_metrics(run);
    stop_one(run, run->collector);
    hx_run_events_of(run, run->collector);
    stop_one(run, run->broker);
    hx_run_events_of(run, run->broker);
}
