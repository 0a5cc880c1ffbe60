/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig tune: settings of a batch processor for a load, tried around what a model says, and
 * proved by a run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/tuning/dir.h"
#include "harness/tuning/figures.h"
#include "harness/tuning/one_run.h"
#include "harness/tuning/tune.h"
#include "sdk/base/file.h"

enum { SETTING_TEXT = 80, SCENARIO_BYTES = 1 << 20, ATTEMPTS = 3 };

static const double ROOMY = 0.8;    /* a queue fuller than that is no recommendation */
static const double AS_CHEAP = 1.2; /* exporter CPU within this of the least: runs are short */

/* ---- where ----------------------------------------------------------------------------------- */

static enum otel_err choose_dir(struct hx_tune *tune, const char *out)
{
    const struct hx_tuning_dir options = {out, "tune", "tune.yaml", "a tuning"};
    enum otel_err err = hx_tuning_dir(&options, tune->dir, &tune->detail);

    snprintf(tune->file, sizeof(tune->file), "%s/tune.yaml", tune->dir);
    return err;
}

/* ---- a run -------------------------------------------------------------------------------- */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* The last of a burst: nearly all requests lie below the p99, where so many tell it. */
static void read_burst(const json_t *report, double exports, double sent, struct hx_tune_burst *ret)
{
    const json_t *load = json_object_get(report, "load");
    const json_t *latency = json_object_get(load, "latency");
    const json_t *sdk = json_array_get(json_object_get(report, "sdk"), 0);
    double mean_ns = number(json_object_get(sdk, "export_latency"), "mean_ns");

    ret->requests = (uint64_t)number(load, "requests");
    ret->answered = (uint64_t)number(load, "ok");
    ret->within_ns = number(latency, json_object_get(latency, "p99") != NULL ? "p99" : "max");
    ret->pace = exports > 0 && mean_ns > 0 ? sent / exports / mean_ns * 1e9 : 0;
    ret->high_water = number(sdk, "queue_high_water");
}

static void read_report(const json_t *report, struct hx_tune_tried *ret)
{
    json_t *figures = hx_tuning_figures_of(report);
    json_t *drops = hx_tuning_drops_of(report);
    const json_t *load = json_object_get(report, "load");
    double measured_s = number(load, "measured_s");

    ret->started = number(figures, "started");
    ret->dropped = number(figures, "dropped");
    ret->exporter_ns = number(figures, "exporter_cpu_ns_per_span");
    ret->exports = number(figures, "export_requests");
    ret->bytes_per_span = number(figures, "bytes_per_span");
    ret->high_water = number(figures, "queue_high_water");
    ret->rate = number(figures, "rate_achieved");
    ret->planned = measured_s > 0 ? number(load, "requests") / measured_s : 0;
    ret->errors = number(figures, "errors");
    ret->queue_full = (uint64_t)number(drops, "queue_full");
    ret->others = (uint64_t)ret->dropped - ret->queue_full;
    read_burst(report, ret->exports, ret->started - ret->dropped, &ret->burst);
    json_decref(figures);
    json_decref(drops);
}

static enum otel_err attempt(struct hx_tune *tune, const char *name,
                             const struct hx_tune_setting *setting, double seconds, uint64_t seed,
                             struct hx_tune_tried *ret)
{
    char texts[5][SETTING_TEXT], dir[HX_TUNE_PATH];
    const char *const overrides[] = {texts[0], texts[1], texts[2], texts[3], texts[4]};
    struct hx_one_run run = {.scenario = tune->file, .dir = dir, .overrides = overrides,
                             .override_count = 5, .seed = seed};
    struct hx_one_result result = {.report = NULL};
    enum otel_err err;

    snprintf(texts[0], SETTING_TEXT, "tracing.max_queue_size=%zu", setting->queue);
    snprintf(texts[1], SETTING_TEXT, "tracing.max_export_batch_size=%zu", setting->batch);
    snprintf(texts[2], SETTING_TEXT, "tracing.schedule_delay=%" PRIu64 "ms", setting->delay_ms);
    snprintf(texts[3], SETTING_TEXT, "tracing.export_timeout=%" PRIu64 "ms", setting->timeout_ms);
    snprintf(texts[4], SETTING_TEXT, "load.duration=%.0fms", seconds * 1e3);
    snprintf(dir, sizeof(dir), "%s/%s", tune->dir, name);
    memset(ret, 0, sizeof(*ret));
    ret->setting = *setting;
    err = hx_one_run(&run, &result, &tune->detail);
    if (err != OTEL_OK)
        return err;
    ret->exit_status = result.exit_status;
    if (result.interrupted)
        err = otl_detail_set(&tune->detail, OTEL_ERR_CLOSED, NULL, 0, 0, "interrupted");
    else if (result.report == NULL)
        err = otl_detail_set(&tune->detail, OTEL_ERR_IO, dir, 0, 0,
                             "the run left no report (exit %d); see %s.log", result.exit_status,
                             name);
    else
        read_report(result.report, ret);
    json_decref(result.report);
    return err;
}

static void tell(const char *what, const struct hx_tune_tried *tried)
{
    fprintf(stderr,
            "%s: queue %zu, batch %zu, delay %" PRIu64 "ms: %.0f of %.0f spans dropped, queue at "
            "most %.0f, exporter %.0f ns a span\n",
            what, tried->setting.queue, tried->setting.batch, tried->setting.delay_ms,
            tried->dropped, tried->started, tried->high_water, tried->exporter_ns);
}

/* ---- around the model's answer ------------------------------------------------------------ */

/* Runs are short: what the model says that the queue must hold stays the least. */
static bool sound(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    return (double)tried->setting.queue >=
               hx_tune_with_batch(&tune->asked, tried->setting.batch).needed &&
           !(tried->dropped > 0) && tried->started > 0 &&
           tried->high_water <= ROOMY * (double)tried->setting.queue;
}

/* Of those that drop nothing and leave room, the least memory among the cheapest; the model's own
 * (the first) if none does. */
static size_t best_of(const struct hx_tune *tune, const struct hx_tune_tried *tries, size_t count)
{
    double least = 0;
    size_t best = 0;
    bool found = false;

    for (size_t i = 0; i < count; i++)
        if (sound(tune, &tries[i]) && (!(least > 0) || tries[i].exporter_ns < least))
            least = tries[i].exporter_ns;
    for (size_t i = 0; i < count; i++) {
        if (!sound(tune, &tries[i]) || tries[i].exporter_ns > AS_CHEAP * least)
            continue;
        if (!found ||
            hx_tune_memory(&tries[i].setting) < hx_tune_memory(&tries[best].setting))
            best = i;
        found = true;
    }
    return best;
}

static size_t neighbours(const struct hx_tune *tune, struct hx_tune_setting *ret)
{
    const struct hx_tune_setting *model = &tune->advice.setting;
    const size_t queues[] = {model->queue, model->queue / 2};
    const size_t batches[] = {model->batch, model->batch / 2, model->batch * 2};
    size_t count = 0;

    for (size_t q = 0; q < 2; q++)
        for (size_t b = 0; b < 3; b++) {
            struct hx_tune_setting setting = *model;
            setting.queue = queues[q];
            setting.batch = batches[b];
            setting.delay_ms = hx_tune_with_batch(&tune->asked, batches[b]).setting.delay_ms;
            if (setting.batch == 0 || setting.batch > setting.queue ||
                (tune->asked.memory_bytes > 0 &&
                 hx_tune_memory(&setting) > tune->asked.memory_bytes && count > 0))
                continue;
            ret[count++] = setting;
        }
    return count;
}

static enum otel_err search(struct hx_tune *tune, struct hx_tune_setting *ret)
{
    struct hx_tune_setting settings[6];
    struct hx_tune_tried tries[6];
    size_t count = neighbours(tune, settings);
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        char name[40];
        snprintf(name, sizeof(name), "try-%zu", i + 1);
        err = attempt(tune, name, &settings[i], tune->seconds, tune->seed, &tries[i]);
        if (err == OTEL_OK)
            tell(name, &tries[i]);
    }
    if (err == OTEL_OK)
        *ret = tries[best_of(tune, tries, count)].setting;
    return err;
}

/* ---- the proof ---------------------------------------------------------------------------- */

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* Sums of what they dropped and sent, means over the spans sent, and the worst of the rest. */
static void join(struct hx_tune_tried *all, const struct hx_tune_tried *one)
{
    double before = all->started - all->dropped, sent = one->started - one->dropped;

    if (before + sent > 0) {
        all->exporter_ns = (all->exporter_ns * before + one->exporter_ns * sent) / (before + sent);
        all->bytes_per_span =
            (all->bytes_per_span * before + one->bytes_per_span * sent) / (before + sent);
    }
    all->started += one->started;
    all->dropped += one->dropped;
    all->exports += one->exports;
    all->queue_full += one->queue_full;
    all->others += one->others;
    all->errors += one->errors;
    all->exit_status = hx_exit_worst(one->exit_status, all->exit_status);
    all->high_water = most(all->high_water, one->high_water);
    if (!(all->planned > 0) || one->rate * all->planned < all->rate * one->planned) {
        all->rate = one->rate;
        all->planned = one->planned;
    }
    all->burst.requests += one->burst.requests;
    all->burst.answered += one->burst.answered;
    all->burst.within_ns = most(all->burst.within_ns, one->burst.within_ns);
    all->burst.pace = most(all->burst.pace, one->burst.pace);
    all->burst.high_water = all->high_water;
}

/* All runs at one setting, with seeds that no try had. */
static enum otel_err confirm(struct hx_tune *tune, unsigned nth,
                             const struct hx_tune_setting *setting, struct hx_tune_tried *ret)
{
    struct hx_tune_tried all = {.setting = *setting};
    enum otel_err err = OTEL_OK;

    for (uint64_t i = 0; i < tune->confirm && err == OTEL_OK; i++) {
        struct hx_tune_tried one;
        char name[60];
        snprintf(name, sizeof(name), "confirm-%u-%" PRIu64, nth, i + 1);
        err = attempt(tune, name, setting, 2 * tune->seconds, tune->seed + 1000 + i, &one);
        if (err != OTEL_OK)
            break;
        tell(name, &one);
        join(&all, &one);
    }
    *ret = all;
    return err;
}

/* Doubles the queue while it drops and there is memory for it. */
static enum otel_err prove(struct hx_tune *tune, struct hx_tune_setting setting,
                           struct hx_tune_tried *ret)
{
    enum otel_err err = confirm(tune, 1, &setting, ret);

    for (unsigned nth = 2; nth <= ATTEMPTS && err == OTEL_OK && ret->queue_full > 0; nth++) {
        struct hx_tune_setting larger = ret->setting;
        larger.queue *= 2;
        if (larger.queue > HX_TUNE_QUEUE_MAX ||
            (tune->asked.memory_bytes > 0 && hx_tune_memory(&larger) > tune->asked.memory_bytes))
            break;
        err = confirm(tune, nth, &larger, ret);
    }
    return err;
}

static enum otel_err write_scenario(struct hx_tune *tune)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, SCENARIO_BYTES);
    err = hx_tune_scenario(tune, &text);
    if (err == OTEL_OK)
        err = otl_file_write(tune->file, text.data, text.len, &tune->detail);
    otl_buf_fini(&text);
    return err;
}

static int tune_all(struct hx_tune *tune, const struct hx_tune_typed *typed)
{
    struct hx_tune_setting setting;
    struct hx_tune_tried tried;
    enum otel_err err;

    if (hx_tune_parse(tune, typed) != OTEL_OK)
        return hx_usage_fail(&tune->detail);
    if (choose_dir(tune, typed->out) != OTEL_OK)
        return hx_tuning_dir_fail(&tune->detail);
    tune->advice = hx_tune_advise(&tune->asked);
    err = write_scenario(tune);
    setting = tune->advice.setting;
    if (err == OTEL_OK)
        err = search(tune, &setting);
    if (err == OTEL_OK)
        err = prove(tune, setting, &tried);
    if (err == OTEL_OK)
        return hx_tune_say(tune, &tried);
    hx_usage_fail(&tune->detail);
    return err == OTEL_ERR_CLOSED ? HX_EXIT_INTERRUPTED : HX_EXIT_FAULT;
}

int hx_command_tune(int argc, char **argv)
{
    static struct hx_tune tune; /* large */
    struct hx_tune_typed typed = {.burst = "0", .latency = "0s", .protocol = "http/protobuf",
                                   .confirm = "1"};
    const struct otl_opt options[] = {
        {"rate", "R", "requests a second", OTL_OPT_TEXT, &typed.rate},
        {"spans-per-request", "N", "spans that one process makes for a request", OTL_OPT_TEXT,
         &typed.spans},
        {"burst", "B", "requests that come at one instant (0: none)", OTL_OPT_TEXT, &typed.burst},
        {"collector-latency", "D", "time that the collector takes to answer (0s)", OTL_OPT_TEXT,
         &typed.latency},
        {"memory", "M", "for spans that wait, such as 16MiB, 2KiB at least (no limit)",
         OTL_OPT_TEXT, &typed.memory},
        {"protocol", "P", "http/protobuf or grpc (http/protobuf)", OTL_OPT_TEXT, &typed.protocol},
        {"confirm", "N", "confirming runs (1)", OTL_OPT_TEXT, &typed.confirm},
        {"out", "DIR", "write the runs there (default: runs/tune-UTCTIME)", OTL_OPT_TEXT,
         &typed.out},
        {"seed", "N", "same seed, same load", OTL_OPT_TEXT, &typed.seed},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {
        "tune --rate R --spans-per-request N [options]",
        "Recommends OTEL_BSP_* settings for a load: a model says where to begin, short runs try\n"
        "what lies around it, and a longer run with another seed proves the choice. Says what it\n"
        "costs and drops. Exit status: 0 the promise holds, or none was made and it says why;\n"
        "1 it was broken, 4 this machine could not make the load.\n",
        options, 0, 0};
    struct otl_opt_list arguments;
    int status;

    memset(&tune, 0, sizeof(tune));
    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    return tune_all(&tune, &typed);
}
