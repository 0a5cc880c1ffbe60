/* SPDX-License-Identifier: Apache-2.0 */
/* Faults, by time or by condition, while the load runs. */
#include <signal.h>
#include <string.h>

#include "harness/topology/parts.h"
#include "sdk/base/random.h"

#define SETTLE_LIMIT_NS (90 * OTL_NS_PER_S)

static const char *const *const verbs = hx_fault_verbs;

/* The latest incarnation of a replica. */
static struct hx_child *instance(struct hx_run *run, const struct hx_service *service,
                                 unsigned replica)
{
    struct hx_child *found = NULL;

    for (size_t i = 0; i < run->fleet.count; i++) {
        struct hx_child *child = &run->fleet.children[i];
        if ((child->role == HX_ROLE_SERVICE || child->role == HX_ROLE_FOREIGN) &&
            child->service == service->index && child->replica == replica)
            found = child;
    }
    return found;
}

/* ---- conditions ----------------------------------------------------------------------------- */

static double figure(struct hx_run *run, const struct hx_condition *condition)
{
    static const char *const keys[] = {"", "handled", "in_hand", "committed"};
    const struct hx_child *child;
    const json_t *progress;

    if (condition->figure == HX_WATCHED_SPANS_RECEIVED)
        return (double)run->spans_received;
    child = instance(run, condition->service, condition->replica);
    if (child == NULL)
        return 0;
    progress = child->progress;
    if (child->role == HX_ROLE_FOREIGN) /* the relay counts for it */
        progress = json_object_get(json_object_get(run->relay->progress, "instances"),
                                   child->name);
    return json_number_value(json_object_get(progress, keys[condition->figure]));
}

static bool is_due(struct hx_run *run, const struct hx_fault *fault, uint64_t now)
{
    double value;

    if (fault->when == NULL)
        return now >= run->load_start_ns + fault->at_ns;
    value = figure(run, &fault->condition);
    return value > fault->condition.value ||
           (fault->condition.or_equal && value >= fault->condition.value);
}

/* ---- deeds ---------------------------------------------------------------------------------- */

static json_t *settings_message(const struct hx_fault *fault)
{
    json_t *list = json_array();

    for (size_t i = 0; i < fault->setting_count; i++)
        json_array_append_new(list, json_pack("[s, s]", fault->settings[i].path,
                                              fault->settings[i].value));
    return json_pack("{s:s, s:o}", "do", "set", "settings", list);
}

/* Of a program of somebody else's the relay slows the way to it. */
static void slow(struct hx_run *run, const struct hx_fault *fault, struct hx_child *child,
                 uint64_t delay_ns)
{
    hx_fleet_tell(child->role == HX_ROLE_FOREIGN ? run->relay : child,
                  json_pack("{s:s, s:s, s:s, s:I}", "do", "slow", "instance", child->name, "route",
                            fault->route->name, "delay_ns", (json_int_t)delay_ns));
}

static void send_signal(struct hx_run *run, const struct hx_child *child, int number)
{
    (void)!hx_guardian_signal(&run->fleet.guardian, child->id, number);
}

static void hit(struct hx_run *run, const struct hx_fault *fault, struct hx_child *child)
{
    size_t event = hx_run_event(run, verbs[fault->what], child->name, "%s%s%s%s", fault->text,
                                fault->when ? " (" : "", fault->when ? fault->when : "",
                                fault->when ? ")" : "");

    if (child->exited && fault->what != HX_FAULT_RESTART) {
        hx_run_event_add(run, event, "it had exited already");
        return;
    }
    if (fault->what < HX_FAULT_SET && fault->what != HX_FAULT_STOP)
        hx_run_event_close(run, "stop", child->name);
    switch (fault->what) {
    case HX_FAULT_KILL:
        child->exit_expected = child->ended_by_fault = true;
        send_signal(run, child, SIGKILL);
        break;
    case HX_FAULT_STOP:
        send_signal(run, child, SIGSTOP);
        break;
    case HX_FAULT_CONTINUE:
        send_signal(run, child, SIGCONT);
        break;
    case HX_FAULT_RESTART:
    case HX_FAULT_REMOVE:
        hx_run_restart(run, fault, child, event);
        break;
    case HX_FAULT_SET:
        hx_fleet_tell(child, settings_message(fault));
        break;
    case HX_FAULT_SQL:
        hx_fleet_tell(child, json_pack("{s:s, s:s}", "do", "sql", "statement", fault->statement));
        break;
    case HX_FAULT_SLOW:
        slow(run, fault, child, fault->delay_ns);
        break;
    case HX_FAULT_COLLECTOR:
    case HX_FAULT_BROKER:
        break;
    }
}

/* An event that somebody else will end. */
static void add_event(struct hx_run *run, const struct hx_fault *fault, size_t index,
                      const char *target)
{
    size_t event = hx_run_event(run, verbs[fault->what], target, "%s%s%s%s", fault->text,
                                fault->when ? " (" : "", fault->when ? fault->when : "",
                                fault->when ? ")" : "");

    json_object_set_new(json_array_get(run->events, event), "fault",
                        json_integer((json_int_t)index));
}

static void hit_collector(struct hx_run *run, const struct hx_fault *fault, size_t index)
{
    uint64_t seed = otl_random_mix(run->options.scenario->seed, index + 1);

    json_t *message = json_pack(
        "{s:s, s:i, s:s, s:I, s:i, s:I, s:I, s:f, s:I}", "do", "fault", "id", (int)index, "kind",
        hx_collector_fault_word(fault->collector), "delay_ns", (json_int_t)fault->delay_ns,
        "status", (int)fault->status, "retry_after_s",
        (json_int_t)((fault->retry_after_ns + OTL_NS_PER_S - 1) / OTL_NS_PER_S), "for_ns",
        (json_int_t)fault->for_ns, "probability", fault->probability, "seed",
        (json_int_t)(seed >> 1));

    add_event(run, fault, index, fault->agent != NULL ? fault->agent->name : "collector");
    if (fault->probability >= 1) /* for some kinds the word has no meaning */
        json_object_del(message, "probability");
    if (fault->with != NULL)
        json_object_update(message, (json_t *)(uintptr_t)fault->with);
    hx_fleet_tell(hx_run_collector_of(run, fault->agent), message);
}

static void hit_broker(struct hx_run *run, const struct hx_fault *fault, size_t index)
{
    add_event(run, fault, index, "broker");
    hx_fleet_tell(run->broker,
                  json_pack("{s:s, s:i, s:s, s:I, s:I, s:i, s:i, s:i}", "do", "fault", "id",
                            (int)index, "kind", hx_broker_fault_word(fault->broker), "delay_ns",
                            (json_int_t)fault->delay_ns, "for_ns", (json_int_t)fault->for_ns,
                            "api", fault->api, "error", fault->error, "count",
                            (int)fault->count));
}

static void begin(struct hx_run *run, size_t index)
{
    const struct hx_fault *fault = &run->options.scenario->faults[index];

    run->done[index] = true;
    if (fault->what == HX_FAULT_COLLECTOR)
        hit_collector(run, fault, index);
    else if (fault->what == HX_FAULT_BROKER)
        hit_broker(run, fault, index);
    else
        for (unsigned r = 0; r < fault->replica_count; r++)
            hit(run, fault, instance(run, fault->service, fault->first_replica + r));
    if (fault->what == HX_FAULT_SLOW && fault->for_ns > 0)
        run->slow_until_ns[index] = otl_clock_mono(otl_clock_real()) + fault->for_ns;
}

/* Slow routes whose time is over, or the load's. Returns when the next one is due; 0 = none. */
static uint64_t end_slow(struct hx_run *run, uint64_t now)
{
    const struct hx_scenario *scenario = run->options.scenario;
    uint64_t due = 0;

    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct hx_fault *fault = &scenario->faults[i];
        uint64_t until = run->slow_until_ns[i];
        if (until == 0)
            continue;
        if (now < until) {
            due = due == 0 || until < due ? until : due;
            continue;
        }
        run->slow_until_ns[i] = 0;
        for (unsigned r = 0; r < fault->replica_count; r++) {
            struct hx_child *child = instance(run, fault->service, fault->first_replica + r);
            slow(run, fault, child, 0);
            hx_run_event_close(run, verbs[HX_FAULT_SLOW], child->name);
        }
    }
    return due;
}

static bool load_is_over(const struct hx_run *run)
{
    return run->load_end_ns != 0;
}

/* The next one that is due: by time, then in the order of the file. */
static size_t pick(struct hx_run *run, uint64_t now)
{
    const struct hx_scenario *scenario = run->options.scenario;
    size_t best = scenario->fault_count;

    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct hx_fault *fault = &scenario->faults[i];
        if (run->done[i] || !is_due(run, fault, now))
            continue;
        if (best == scenario->fault_count ||
            (fault->when == NULL && scenario->faults[best].when == NULL &&
             fault->at_ns < scenario->faults[best].at_ns))
            best = i;
    }
    return best;
}

uint64_t hx_run_timeline(void *state)
{
    struct hx_run *run = state;
    const struct hx_scenario *scenario = run->options.scenario;
    uint64_t now = otl_clock_mono(otl_clock_real()), due, slow_due;
    size_t index;

    while (!load_is_over(run) && (index = pick(run, now)) < scenario->fault_count)
        begin(run, index);
    due = hx_run_restarts_go_on(run);
    hx_run_watch_programs(run);
    slow_due = end_slow(run, now);
    if (due == 0 || (slow_due != 0 && slow_due < due))
        due = slow_due;
    for (size_t i = 0; !load_is_over(run) && i < scenario->fault_count; i++) {
        uint64_t at = run->load_start_ns + scenario->faults[i].at_ns;
        if (!run->done[i] && scenario->faults[i].when == NULL && (due == 0 || at < due))
            due = at;
    }
    return due;
}

static bool settled(struct hx_fleet *fleet, void *state)
{
    const struct hx_run *run = state;

    (void)fleet;
    return run->restart_count == 0;
}

void hx_run_settle(struct hx_run *run)
{
    const struct hx_scenario *scenario = run->options.scenario;

    for (size_t i = 0; i < scenario->fault_count && !run->interrupted; i++)
        if (!run->done[i])
            hx_run_incident(run, "fault", NULL, "the fault '%s' never happened: %s",
                            scenario->faults[i].text,
                            scenario->faults[i].when ? scenario->faults[i].when
                                                     : "the load ended before");
    if (hx_fleet_pump(&run->fleet, settled, run, SETTLE_LIMIT_NS, run->interrupted) ==
        OTEL_ERR_TIMEOUT)
        hx_run_incident(run, "restart", NULL, "a restart was not over when the load had ended");
    run->restart_count = 0;
}
