/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/slice.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stats/summary.h"
#include "harness/topology/facts.h"
#include "harness/topology/run.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"

enum { REMOVE_FDS = 8 };

/* Under callgrind requests take as long as they take, and a stop too, whose end writes the count:
 * what is counted has no clock. */
#define COUNTED_TIMEOUT_NS (120 * OTL_NS_PER_S)

/* For what a stuck arm leaves behind: it is disqualified, not waited for. */
#define PATIENCE_NS (6 * OTL_NS_PER_S)

/* ---- an arm's scenario -------------------------------------------------------------------- */

static void set_tracing(json_t *tracing, const struct hx_arm *arm)
{
    json_object_set_new(tracing, "instrumented", json_boolean(arm->api));
    json_object_set_new(tracing, "enabled", json_boolean(arm->sdk));
    if (!arm->api)
        json_object_set_new(tracing, "propagators", json_array());
    json_object_set_new(tracing, "sampler",
                        json_string(arm->sdk && !arm->sampled ? "always_off" : "always_on"));
    json_object_set_new(tracing, "processor", json_string(arm->simple ? "simple" : "batch"));
}

/* The collector's state from the load's start to the end of the run. */
static json_t *faults_of(const struct hx_overhead *plan, const struct hx_arm *arm)
{
    char delay[40];

    if (arm->collector == HX_COLLECTOR_DOWN)
        return json_pack("[{s:s, s:s, s:s}]", "at", "0s", "do", "collector", "fault", "refuse");
    if (arm->collector == HX_COLLECTOR_HEALTHY)
        return NULL;
    snprintf(delay, sizeof(delay), "%lluns", (unsigned long long)plan->collector_delay_ns);
    return json_pack("[{s:s, s:s, s:s, s:s}]", "at", "0s", "do", "collector", "fault", "delay",
                     "delay", delay);
}

static void set_duration(json_t *load, const char *key, uint64_t ns)
{
    char text[40];

    snprintf(text, sizeof(text), "%lluns", (unsigned long long)ns);
    json_object_set_new(load, key, json_string(text));
}

/* All arms of a block have its seed, and so the same requests at the same instants. */
static json_t *tree_of(const struct hx_slice_run *slice)
{
    const struct hx_scenario *scenario = slice->options->scenario;
    const struct hx_overhead *plan = &scenario->overhead;
    const struct hx_arm *arm = &hx_arms[slice->arm];
    json_t *tree = json_deep_copy(scenario->tree), *target, *service, *faults, *inject;
    const char *name;

    if (tree == NULL)
        return NULL;
    faults = faults_of(plan, arm);
    inject = json_object_get(json_object_get(scenario->tree, "overhead"), "inject");
    json_object_del(tree, "overhead");
    json_object_del(tree, "faults");
    if (faults != NULL)
        json_object_set_new(tree, "faults", faults);
    json_object_set_new(tree, "expect", json_object());
    json_object_set_new(tree, "seed", json_integer((json_int_t)slice->seed));
    json_object_foreach(json_object_get(tree, "services"), name, service) {
        set_tracing(json_object_get(service, "tracing"), arm);
        if (arm->injected)
            json_object_set(service, "inject", inject);
    }
    target = json_object_get(tree, "load");
    set_duration(target, "warmup", slice->counted ? 0 : plan->warmup_ns);
    set_duration(target, "duration", slice->counted ? slice->duration_ns : plan->slice_ns);
    if (slice->counted) {
        json_object_set_new(target, "rate", json_real(slice->rate));
        json_object_set_new(target, "arrival", json_string("constant"));
        set_duration(target, "timeout", COUNTED_TIMEOUT_NS);
    } else if (slice->load == HX_OVERHEAD_SATURATION) {
        json_object_set_new(target, "rate", json_real(plan->saturation_rate));
        json_object_set_new(target, "arrival", json_string("constant"));
        json_object_set(target, "queue", json_object_get(target, "connections"));
        json_object_set_new(target, "pacer", json_string("spin"));
    }
    return tree;
}

/* ---- what a slice says -------------------------------------------------------------------- */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void put(struct hx_slice *slice, enum hx_overhead_figure figure, double value)
{
    slice->figures[figure] = value;
    slice->known[figure] = true;
}

static void add(struct hx_slice *slice, enum hx_overhead_figure figure, uint64_t bytes)
{
    put(slice, figure, slice->figures[figure] + (double)bytes);
}

static void add_memory(struct hx_slice *slice, const struct hx_child *child)
{
    const struct hx_memory *most = &child->memory_most;

    add(slice, HX_OVERHEAD_RSS_PEAK, child->exit.rss_peak_bytes);
    if (most->anon_bytes == 0)
        return;
    add(slice, HX_OVERHEAD_RSS_ANON, most->anon_bytes);
    add(slice, HX_OVERHEAD_RSS_MAPPED, most->mapped_bytes);
    add(slice, HX_OVERHEAD_RSS_LEDGER, most->ledger_bytes);
}

static void add_service(struct hx_slice *slice, const struct hx_child *child, double *app_ns)
{
    const json_t *injected = json_object_get(child->final, "injected");
    const json_t *app_end = json_object_get(child->marked_end, "sdk");
    const json_t *injected_before = json_object_get(child->marked, "injected");
    const json_t *end = json_object_get(child->final, "sdk");
    const json_t *start = json_object_get(child->marked, "sdk");

#define SINCE_MARK(key) (number(end, key) - number(start, key))
    slice->handled_in_all += number(child->final, "handled");
    slice->handled += number(child->marked_end, "handled") - number(child->marked, "handled");
    slice->spans += number(app_end, "ended") - number(start, "ended");
    slice->exported += SINCE_MARK("exported");
    slice->exports += SINCE_MARK("export_requests");
    slice->bytes += SINCE_MARK("export_bytes");
    slice->exporter_ns += SINCE_MARK("exporter_cpu_ns");
    /* What drains and stops is no request's. */
    *app_ns += number(app_end, "app_cpu_ns") - number(start, "app_cpu_ns");
#undef SINCE_MARK
    slice->waits += number(child->marked_end, "app_waits") - number(child->marked, "app_waits");
    slice->injected_app_ns += number(json_object_get(child->marked_end, "injected"), "app_ns") -
                              number(injected_before, "app_ns");
    slice->injected_exporter_ns +=
        number(injected, "exporter_ns") - number(injected_before, "exporter_ns");
    if (number(end, "queue_high_water") > slice->queue_high_water)
        slice->queue_high_water = number(end, "queue_high_water");
    for (size_t i = 0; i < HX_OVERHEAD_REASONS; i++) {
        slice->drops[i] += number(end, hx_overhead_reasons[i]);
        slice->dropped += number(end, hx_overhead_reasons[i]);
    }
    add_memory(slice, child);
}

static void add_load(struct hx_slice *slice, const struct hx_child *child, unsigned kind)
{
    const json_t *load = json_object_get(child->final, "load"), *value;
    const json_t *latency = json_object_get(load, "latency");
    uint64_t count = (uint64_t)number(latency, "count");
    const char *reason;

    slice->asked = number(load, "requests");
    json_object_foreach(json_object_get(load, "errors"), reason, value)
        if (kind == HX_OVERHEAD_HELD ||
            (strcmp(reason, "timeout_queued") != 0 && strcmp(reason, "queue_full") != 0))
            slice->failed += json_number_value(value);
    put(slice, HX_OVERHEAD_RATE, number(load, "rate_achieved"));
    if (hx_percentile_known(count, 50))
        put(slice, HX_OVERHEAD_P50, number(latency, "p50"));
    if (hx_percentile_known(count, 99))
        put(slice, HX_OVERHEAD_P99, number(latency, "p99"));
}

/* Since the mark spans of the warm-up are exported too: what one costs, times a request's. */
static double exporter_ns_per_request(const struct hx_slice *slice)
{
    if (slice->exported > 0)
        return slice->exporter_ns / slice->exported * slice->spans / slice->handled;
    return slice->exporter_ns / slice->handled;
}

/* Without it the slice's own percentiles stand. */
static void read_latency(const char *dir, struct hx_slice *slice)
{
    const struct hx_hdr_params params = HX_HDR_LATENCY_PARAMS;
    struct hx_hdr *whole = NULL;
    char path[4096];

    snprintf(path, sizeof(path), "%s/hdr/response.hlog", dir);
    if (hx_hdr_new(&params, &whole) == OTEL_OK && hx_histogram_merge(path, whole) == OTEL_OK)
        (void)!hx_bins_take(whole, &slice->latency);
    hx_hdr_free(whole);
}

/* NULL, or why the slice says nothing. */
static const char *read_slice(const struct hx_run *run, unsigned kind, struct hx_slice *slice)
{
    double app_ns = 0;

    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        if (child->role != HX_ROLE_SERVICE)
            continue;
        if (child->marked == NULL || child->marked_end == NULL || child->final == NULL)
            return "a service did not say what it had done";
        add_service(slice, child, &app_ns);
    }
    if (run->load->final == NULL)
        return "the load client did not say what it had done";
    add_load(slice, run->load, kind);
    if (slice->handled > 0) {
        put(slice, HX_OVERHEAD_APP_CPU, app_ns / slice->handled);
        put(slice, HX_OVERHEAD_EXPORTER_CPU, exporter_ns_per_request(slice));
    }
    slice->ran = true;
    return NULL;
}

/* ---- running ------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path) == 0 || kind == FTW_NS ? 0 : -1;
}

/* Slices leave ledgers and logs that nobody asks for again. */
void hx_slice_remove(const char *path)
{
    (void)!nftw(path, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
}

static enum otel_err execute(const struct hx_slice_run *slice, const struct hx_scenario *scenario,
                             struct hx_slice *ret, struct otl_detail *reterr)
{
    static struct hx_run run; /* too large for the stack; one at a time */
    struct hx_run_options options = {.scenario = scenario, .dir = slice->dir,
                                     .tracerig = slice->options->tracerig,
                                     .collector = slice->options->collector, .marks = true,
                                     .service_prefix = slice->prefix, .quiet = true,
                                     .patience_ns = slice->counted ? COUNTED_TIMEOUT_NS
                                                                   : PATIENCE_NS,
                                     .progress_fd = STDERR_FILENO};
    enum otel_err err = hx_run_execute(&run, &options, reterr);
    const char *why = NULL;

    if (run.interrupted)
        err = OTEL_ERR_CLOSED;
    else if (err == OTEL_OK)
        why = read_slice(&run, slice->load, ret);
    if (err == OTEL_OK && why == NULL && slice->load == HX_OVERHEAD_HELD)
        read_latency(slice->dir, ret);
    if (err == OTEL_OK && why != NULL) {
        const json_t *incident = json_array_get(run.incidents, 0);
        const char *text = json_string_value(json_object_get(incident, "text"));
        ret->ran = true;
        snprintf(ret->unfinished, sizeof(ret->unfinished), "%s", text ? text : why);
    }
    hx_run_fini(&run);
    return err;
}

enum otel_err hx_slice_run(const struct hx_slice_run *slice, struct hx_slice *ret,
                           struct otl_detail *reterr)
{
    struct hx_scenario *scenario = NULL;
    json_t *tree = tree_of(slice);
    enum otel_err err = tree ? hx_scenario_load_tree(tree, &scenario, reterr) : OTEL_ERR_MEMORY;

    json_decref(tree);
    hx_slice_remove(slice->dir);
    if (err == OTEL_OK)
        err = otl_make_dirs(slice->dir, reterr);
    if (err == OTEL_OK)
        err = execute(slice, scenario, ret, reterr);
    hx_scenario_free(scenario);
    return err;
}
