/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run: drain by event, then stop in order: load, services downwards, collector,
 * broker. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/topology/parts.h"
#include "sdk/base/file.h"

/* For the whole drain; the short one where a process that the others need is gone. */
#define DRAIN_LIMIT_NS (30 * OTL_NS_PER_S)
#define DRAIN_SHORT_NS (3 * OTL_NS_PER_S)
/* What an idle child may take to say so, after the others used the time up. */
#define DRAIN_ANSWER_NS (500 * OTL_NS_PER_MS)
#define STOP_LIMIT_NS (15 * OTL_NS_PER_S)

enum { DRAIN_ROUNDS = 2 };

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
    char end[64];

    for (size_t i = 0; i < run->fleet.count; i++) {
        struct hx_child *child = &run->fleet.children[i];
        if (!child->exited || child->exit_expected || child->death_noted ||
            child->role == HX_ROLE_LOAD)
            continue;
        child->death_noted = true;
        hx_run_incident(run, "died", child, "%s died during the run: %s%s%s", child->name,
                        hx_child_exit_text(child, end, sizeof(end)), child->fault[0] ? ": " : "",
                        child->fault);
        if (child->role == HX_ROLE_BROKER || child->role == HX_ROLE_RELAY ||
            child->fault[0] != '\0')
            hx_run_environment(run, "%s died during the run: %s%s%s", child->name,
                               hx_child_exit_text(child, end, sizeof(end)),
                               child->fault[0] ? ": " : "", child->fault);
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

static uint64_t stop_limit(const struct hx_run *run)
{
    return run->options.patience_ns != 0 ? run->options.patience_ns : STOP_LIMIT_NS;
}

/* Wait for the child's "idle" until the drain's one deadline. False: give the drain up. */
static bool await_idle(struct hx_run *run, struct hx_child *child, uint64_t begun_ns)
{
    char busy[256];
    uint64_t limit_ns = drain_limit(run), now = otl_clock_mono(otl_clock_real());
    uint64_t left_ns = begun_ns + limit_ns > now ? begun_ns + limit_ns - now : 0;
    enum otel_err err = await(run, child, HX_SEEN_IDLE,
                              left_ns > DRAIN_ANSWER_NS ? left_ns : DRAIN_ANSWER_NS);

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
                        (int)(limit_ns / OTL_NS_PER_S));
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
static bool drain_service(struct hx_run *run, unsigned service, uint64_t begun_ns)
{
    if (run->options.scenario->services[service].foreign != NULL)
        return !ask_idle(run->relay) || await_idle(run, run->relay, begun_ns);
    for (size_t i = 0; i < run->fleet.count; i++)
        if (is_of(&run->fleet.children[i], service))
            ask_idle(&run->fleet.children[i]);
    for (size_t i = 0; i < run->fleet.count; i++) {
        struct hx_child *child = &run->fleet.children[i];
        if (is_of(child, service) && !child->exited && !child->late &&
            !await_idle(run, child, begun_ns))
            return false;
    }
    return true;
}

void hx_run_drain(struct hx_run *run)
{
    unsigned order[HX_MAX_SERVICES];
    size_t count = downwards(run->options.scenario, order);
    uint64_t begun_ns = otl_clock_mono(otl_clock_real());

    note_deaths(run);
    /* A second round proves that what the first one drained stayed quiet. */
    for (int round = 0; round < DRAIN_ROUNDS && !run->interrupted; round++)
        for (size_t i = 0; i < count; i++)
            if (!drain_service(run, order[i], begun_ns))
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

    enum otel_err err = await(run, child, 0, stop_limit(run));

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
                                       (json_int_t)(stop_limit(run) * 2 / 3 / OTL_NS_PER_MS)));
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

static void keep_metrics(struct hx_run *run)
{
    char path[4096];
    struct otl_buf text;

    if (run->collector_metrics[0] == '\0' || run->collector->exited)
        return;
    otl_buf_init(&text, 4u << 20);
    snprintf(path, sizeof(path), "%s/metrics/collector.prom", run->options.dir);
    if (!hx_metrics_get(run->collector_metrics, &text))
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
    keep_metrics(run);
    stop_one(run, run->collector);
    hx_run_events_of(run, run->collector);
    stop_one(run, run->broker);
    hx_run_events_of(run, run->broker);
}
