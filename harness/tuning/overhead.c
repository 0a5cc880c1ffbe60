/* SPDX-License-Identifier: Apache-2.0 */
/* The slices of an overhead measurement: each a short run of its own. */
#include "harness/tuning/overhead.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/ledger/canon.h"
#include "harness/ledger/writer.h"
#include "harness/stats/summary.h"
#include "harness/topology/run.h"
#include "harness/tuning/grid.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { PATH_SIZE = 4096, REMOVE_FDS = 8, LEDGER_SPANS = 20000 };


/* ---- an arm's scenario -------------------------------------------------------------------- */

static void set_tracing(json_t *tracing, enum hx_overhead_arm arm)
{
    bool base = arm == HX_ARM_NONE || arm == HX_ARM_NONE_AGAIN;

    json_object_set_new(tracing, "instrumented", json_boolean(!base));
    json_object_set_new(tracing, "enabled", json_boolean(!base && arm != HX_ARM_API));
    if (base)
        json_object_set_new(tracing, "propagators", json_array());
    json_object_set_new(tracing, "sampler",
                        json_string(arm == HX_ARM_NOT_SAMPLED ? "always_off" : "always_on"));
    json_object_set_new(tracing, "processor",
                        json_string(arm == HX_ARM_SIMPLE ? "simple" : "batch"));
}

static void set_duration(json_t *load, const char *key, uint64_t ns)
{
    char text[40];

    snprintf(text, sizeof(text), "%lluns", (unsigned long long)ns);
    json_object_set_new(load, key, json_string(text));
}

/* All arms of a block have its seed, and so the same requests at the same instants. */
static json_t *tree_of(const struct hx_scenario *scenario, unsigned block, unsigned load,
                       enum hx_overhead_arm arm)
{
    const struct hx_overhead *plan = &scenario->overhead;
    json_t *tree = json_deep_copy(scenario->tree), *target, *service;
    const char *name;

    if (tree == NULL)
        return NULL;
    json_object_del(tree, "overhead");
    json_object_del(tree, "faults");
    json_object_set_new(tree, "expect", json_object());
    json_object_set_new(tree, "seed", json_integer((json_int_t)((scenario->seed >> 1) + block)));
    json_object_foreach(json_object_get(tree, "services"), name, service)
        set_tracing(json_object_get(service, "tracing"), arm);
    target = json_object_get(tree, "load");
    set_duration(target, "warmup", plan->warmup_ns);
    set_duration(target, "duration", plan->slice_ns);
    if (load == HX_OVERHEAD_SATURATION) {
        json_object_set_new(target, "rate", json_real(plan->saturation_rate));
        json_object_set_new(target, "arrival", json_string("constant"));
        json_object_set(target, "queue", json_object_get(target, "connections"));
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

struct spent {
    double app, exporter;
};

static void add_service(struct hx_slice *slice, const struct hx_child *child, struct spent *spent)
{
    static const char *const reasons[] = {"queue_full", "export_failed", "rejected",
                                          "after_shutdown", "no_memory"};
    const json_t *end = json_object_get(child->final, "sdk");
    const json_t *start = json_object_get(child->marked, "sdk");

#define SINCE_MARK(key) (number(end, key) - number(start, key))
    slice->handled += number(child->final, "handled") - number(child->marked, "handled");
    slice->spans += SINCE_MARK("ended");
    slice->exported += SINCE_MARK("exported");
    slice->exports += SINCE_MARK("export_requests");
    slice->bytes += SINCE_MARK("export_bytes");
    slice->exporter_ns += SINCE_MARK("exporter_cpu_ns");
    spent->app += SINCE_MARK("app_cpu_ns");
    spent->exporter += SINCE_MARK("exporter_cpu_ns");
#undef SINCE_MARK
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        slice->dropped += number(end, reasons[i]);
    put(slice, HX_OVERHEAD_RSS,
        slice->figures[HX_OVERHEAD_RSS] + (double)child->exit.rss_peak_bytes);
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

/* NULL, or why the slice says nothing. */
static const char *read_slice(const struct hx_run *run, unsigned kind, struct hx_slice *slice)
{
    struct spent spent = {0, 0};

    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        if (child->role != HX_ROLE_SERVICE)
            continue;
        if (child->marked == NULL || child->final == NULL)
            return "a service did not say what it had done";
        add_service(slice, child, &spent);
    }
    if (run->load->final == NULL)
        return "the load client did not say what it had done";
    add_load(slice, run->load, kind);
    if (slice->handled > 0) {
        put(slice, HX_OVERHEAD_APP_CPU, spent.app / slice->handled);
        put(slice, HX_OVERHEAD_EXPORTER_CPU, spent.exporter / slice->handled);
    }
    slice->ran = true;
    return NULL;
}

/* ---- running ------------------------------------------------------------------------------ */

struct measurement {
    const struct hx_overhead_options *options;
    struct hx_slices slices;
    char dir[PATH_SIZE];
    struct otl_detail *reterr;
};

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path) == 0 || kind == FTW_NS ? 0 : -1;
}

/* Slices leave ledgers and logs that nobody asks for again. */
static void remove_tree(const char *path)
{
    (void)!nftw(path, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
}

static enum otel_err execute(struct measurement *m, const struct hx_scenario *scenario,
                             unsigned kind, struct hx_slice *slice)
{
    static struct hx_run run; /* too large for the stack; one at a time */
    struct hx_run_options options = {.scenario = scenario, .dir = m->dir,
                                     .tracerig = m->options->tracerig,
                                     .collector = m->options->collector, .marks = true,
                                     .quiet = true, .progress_fd = STDERR_FILENO};
    enum otel_err err = hx_run_execute(&run, &options, m->reterr);
    const char *why = NULL;

    if (run.interrupted)
        err = OTEL_ERR_CLOSED;
    else if (err == OTEL_OK)
        why = read_slice(&run, kind, slice);
    if (err == OTEL_OK && why != NULL) {
        const json_t *incident = json_array_get(run.incidents, 0);
        const char *text = json_string_value(json_object_get(incident, "text"));
        err = otl_detail_set(m->reterr, OTEL_ERR_IO, NULL, 0, 0, "%s%s%s", why, text ? ": " : "",
                             text ? text : "");
    }
    hx_run_fini(&run);
    return err;
}

static enum otel_err run_slice(struct measurement *m, unsigned block, unsigned load, unsigned arm)
{
    struct hx_scenario *scenario = NULL;
    json_t *tree = tree_of(m->options->scenario, block, load, arm);
    enum otel_err err = tree ? hx_scenario_load_tree(tree, &scenario, m->reterr) : OTEL_ERR_MEMORY;

    json_decref(tree);
    remove_tree(m->dir);
    if (err == OTEL_OK)
        err = otl_make_dirs(m->dir, m->reterr);
    if (err == OTEL_OK)
        err = execute(m, scenario, load, hx_slice_at(&m->slices, block, load, arm));
    hx_scenario_free(scenario);
    return err;
}

static enum otel_err run_block(struct measurement *m, unsigned block)
{
    const struct hx_overhead *plan = m->slices.plan;
    unsigned first = plan->saturation_rate > 0 ? HX_OVERHEAD_SATURATION : HX_OVERHEAD_HELD;
    enum otel_err err = OTEL_OK;

    if (!m->options->quiet)
        fprintf(stderr, "overhead: block %u of %u\n", block + 1, plan->blocks);
    for (unsigned load = first; load < HX_OVERHEAD_LOADS; load++) {
        size_t order[HX_ARMS];
        hx_shuffled(m->slices.seed + block * HX_OVERHEAD_LOADS + load, order, HX_ARMS);
        for (size_t i = 0; i < HX_ARMS && err == OTEL_OK; i++)
            if (plan->arms[order[i]])
                err = run_slice(m, block, load, (unsigned)order[i]);
    }
    return err;
}

enum otel_err hx_overhead_measure(const struct hx_overhead_options *options, json_t **ret,
                                  struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = options->scenario;
    struct measurement m = {.options = options, .reterr = reterr};
    size_t slices = (size_t)scenario->overhead.blocks * HX_OVERHEAD_LOADS * HX_ARMS;
    enum otel_err err = OTEL_OK;

    if (snprintf(m.dir, sizeof(m.dir), "%s/overhead", options->dir) >= PATH_SIZE)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, options->dir, 0, 0, "the path is too long");
    m.slices.plan = &scenario->overhead;
    m.slices.held_rate = scenario->load.rate;
    m.slices.seed = scenario->seed;
    m.slices.items = otl_mem_zalloc(slices * sizeof(*m.slices.items));
    if (m.slices.items == NULL)
        return OTEL_ERR_MEMORY;
    m.slices.ledger_ns_per_span = hx_ledger_ns_per_span(m.dir);
    for (unsigned block = 0; block < scenario->overhead.blocks && err == OTEL_OK; block++)
        err = run_block(&m, block);
    remove_tree(m.dir);
    if (err == OTEL_OK) {
        *ret = hx_overhead_sum(&m.slices);
        err = *ret ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    otl_mem_free(m.slices.items);
    return err;
}

/* ---- the ledger's own cost ---------------------------------------------------------------- */

static double thread_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What harness/service/span.c does beside the API: one span with two attributes. */
static void write_span(struct hx_led_writer *writer)
{
    struct hx_led_span row = {.head.seq = hx_led_next_seq(writer)};
    struct hx_led_span_close close = {.head.seq = row.head.seq};
    struct hx_canon canon;

    row.wall_ns = otl_clock_wall(otl_clock_real());
    row.mono_before_ns = otl_clock_mono(otl_clock_real());
    row.mono_after_ns = otl_clock_mono(otl_clock_real());
    hx_led_span_row(writer, &row);
    hx_canon_init(&canon, "item.price", 10);
    hx_canon_string(&canon.attributes, "item.sku", 8, "sku-1234", 8);
    hx_canon_int(&canon.attributes, "tracerig.seq", 12, (int64_t)row.head.seq);
    hx_canon_finish(&canon, &close.content);
    close.wall_ns = otl_clock_wall(otl_clock_real());
    close.mono_before_ns = otl_clock_mono(otl_clock_real());
    close.mono_after_ns = otl_clock_mono(otl_clock_real());
    hx_led_span_close_row(writer, &close);
}

double hx_ledger_ns_per_span(const char *dir)
{
    const struct hx_led_writer_options options = {.dir = dir, .instance = "ledger", .process = 1};
    struct hx_led_writer *writer = NULL;
    double spent, best = 0;

    if (hx_led_writer_new(&options, &writer, NULL) != OTEL_OK)
        return 0;
    for (int round = 0; round < 5; round++) {
        spent = thread_ns();
        for (int i = 0; i < LEDGER_SPANS; i++)
            write_span(writer);
        spent = (thread_ns() - spent) / LEDGER_SPANS;
        if (round == 0 || spent < best)
            best = spent;
    }
    if (hx_led_writer_fault(writer, NULL) != OTEL_OK)
        best = 0;
    hx_led_writer_free(writer);
    return best;
}
