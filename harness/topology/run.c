/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/topology/parts.h"
#include "sdk/base/text.h"

/* Beyond the planned length: time for the last answers, which the load client bounds itself. */
#define LOAD_GRACE_NS (20 * OTL_NS_PER_S)

static void phase(struct hx_run *run, const char *name)
{
    uint64_t now = otl_clock_mono(otl_clock_real());

    if (run->phase_count > 0)
        run->phases[run->phase_count - 1].end_ns = now;
    if (name == NULL || run->phase_count == HX_RUN_PHASES)
        return;
    run->phases[run->phase_count].name = name;
    run->phases[run->phase_count].start_ns = now;
    run->phases[run->phase_count].end_ns = 0;
    run->phase_count++;
}

void hx_run_incident(struct hx_run *run, const char *id, const struct hx_child *child,
                     const char *format, ...)
{
    char text[640];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text[otl_utf8_prefix(text, strlen(text))] = '\0'; /* a text cut in a character is no JSON */
    if (json_array_append_new(run->incidents,
                              json_pack("{s:s, s:s, s:s}", "id", id, "text", text, "service",
                                        child ? child->name : "")) != 0)
        hx_run_environment(run, "no memory to keep what went wrong: %s", text);
}

void hx_run_environment(struct hx_run *run, const char *format, ...)
{
    va_list args;

    if (run->fault[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(run->fault, sizeof(run->fault), format, args);
    va_end(args);
    run->fault[otl_utf8_prefix(run->fault, strlen(run->fault))] = '\0';
}

void hx_run_interrupt(struct hx_run *run)
{
    bool first = !run->interrupted;

    run->interrupts = run->fleet.interrupts;
    run->interrupted = true;
    run->hurry = run->hurry || !first;
    hx_run_say(run, "%s",
               first ? "interrupted: stopping in order; once more to stop at once"
                     : "interrupted again: stopping at once");
}

static bool warm(struct hx_fleet *fleet, void *state)
{
    struct hx_run *run = state;
    uint64_t now = otl_clock_mono(otl_clock_real());

    fleet->next_due_ns = run->load_start_ns + run->options.scenario->load.warmup_ns;
    return now >= fleet->next_due_ns || run->load->exited || run->deserted;
}

static bool loaded(struct hx_fleet *fleet, void *state)
{
    struct hx_run *run = state;

    (void)fleet;
    return (run->load->seen & HX_SEEN_FINISHED) != 0 || run->load->exited;
}

static bool loaded_or_deserted(struct hx_fleet *fleet, void *state)
{
    return loaded(fleet, state) || ((struct hx_run *)state)->deserted;
}

/* What was sent is still drained and judged. */
static void end_load_early(struct hx_run *run)
{
    enum otel_err err;

    hx_fleet_tell(run->load, json_pack("{s:s, s:i}", "do", "stop", "timeout_ms", 5000));
    err = hx_fleet_pump(&run->fleet, loaded, run, 8 * OTL_NS_PER_S, run->interrupts);
    if (err == OTEL_ERR_CLOSED)
        hx_run_interrupt(run);
    else if (err != OTEL_OK)
        hx_run_incident(run, "load", run->load, "the load client did not stop in time");
}

static void mark_services(struct hx_run *run)
{
    for (size_t i = 0; i < run->fleet.count; i++)
        if (run->fleet.children[i].role == HX_ROLE_SERVICE)
            hx_fleet_tell(&run->fleet.children[i], json_pack("{s:s}", "do", "mark"));
}

static void run_load(struct hx_run *run)
{
    const struct hx_load *load = &run->options.scenario->load;
    uint64_t planned = load->warmup_ns + load->duration_ns + load->timeout_ns;
    char end[64];
    enum otel_err err;

    hx_fleet_tell(run->load, json_pack("{s:s}", "do", "start"));
    run->load_start_ns = otl_clock_mono(otl_clock_real());
    if (load->warmup_ns > 0)
        phase(run, "warm-up");
    run->fleet.turn = hx_run_timeline;
    run->fleet.turn_state = run;
    err = hx_fleet_pump(&run->fleet, warm, run, load->warmup_ns + OTL_NS_PER_S, 0);
    run->fleet.next_due_ns = 0;
    if (err == OTEL_OK) {
        phase(run, "measure");
        if (run->options.marks)
            mark_services(run);
        err = hx_fleet_pump(&run->fleet, loaded_or_deserted, run, planned + LOAD_GRACE_NS, 0);
    }
    if (err == OTEL_ERR_CLOSED)
        hx_run_interrupt(run);
    if (err == OTEL_ERR_CLOSED || (err == OTEL_OK && !loaded(&run->fleet, run)))
        end_load_early(run);
    else if (err == OTEL_ERR_TIMEOUT)
        hx_run_environment(run, "the load client did not finish in time");
    else if (run->load->final == NULL)
        hx_run_environment(run, "the load client ended early: %s",
                           run->load->fault[0] ? run->load->fault
                                               : hx_child_exit_text(run->load, end, sizeof(end)));
    run->load_end_ns = otl_clock_mono(otl_clock_real());
    if (run->options.marks)
        mark_services(run);
    hx_run_look_at_memory(run, true);
}

enum otel_err hx_run_execute(struct hx_run *run, const struct hx_run_options *options,
                             struct otl_detail *reterr)
{
    enum otel_err err;

    memset(run, 0, sizeof(*run));
    run->options = *options;
    run->started_wall_ns = otl_clock_wall(otl_clock_real());
    run->started_mono_ns = otl_clock_mono(otl_clock_real());
    run->series = json_array();
    run->incidents = json_array();
    run->events = json_array();
    if (run->series == NULL || run->incidents == NULL || run->events == NULL)
        return OTEL_ERR_MEMORY;
    err = hx_fleet_init(&run->fleet, reterr);
    if (err != OTEL_OK)
        return err;
    run->fleet.tick = hx_run_tick;
    run->fleet.tick_state = run;
    phase(run, "start");
    err = hx_run_launch(run, reterr);
    if (err == OTEL_OK) {
        run_load(run);
        phase(run, "drain");
        hx_run_settle(run);
        hx_run_drain(run);
        phase(run, "stop");
        hx_run_look_at_memory(run, false);
        hx_run_stop(run);
    }
    phase(run, NULL);
    hx_run_progress_end(run);
    hx_fleet_stop(&run->fleet);
    if (run->fleet.interrupts > 0)
        run->interrupted = true;
    return err;
}

void hx_run_fini(struct hx_run *run)
{
    hx_fleet_fini(&run->fleet);
    while (run->port_count > 0)
        close(run->ports[--run->port_count]);
    json_decref(run->series);
    json_decref(run->incidents);
    json_decref(run->events);
}
