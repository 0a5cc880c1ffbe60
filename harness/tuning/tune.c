/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig tune: settings of a batch processor for a load, tried around what a model says, and
 * proved by a run. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/commands.h"
#include "harness/topology/facts.h"
#include "harness/tuning/figures.h"
#include "harness/tuning/model.h"
#include "harness/tuning/one_run.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"

enum {
    PATH_SIZE = 4096,
    DIR_SIZE = 3072,
    SETTING_TEXT = 80,
    SPANS_MAX = 200,
    BURST_MAX = 100000,
    CONNECTIONS_MAX = 256,
    CONFIRM_MAX = 50,
    ATTEMPTS = 3
};

static const double RATE_MAX = 200000;
static const double ROOMY = 0.8;    /* a queue fuller than that is no recommendation */
static const double AS_CHEAP = 1.2; /* exporter CPU within this of the least: runs are short */
static const double HELD = 0.97;    /* of the asked rate, or the machine was the limit */

struct typed {
    const char *rate, *spans, *burst, *latency, *memory, *out, *seed, *confirm;
};

struct tried {
    struct hx_tune_setting setting;
    double started, dropped, exporter_ns, exports, bytes_per_span, high_water, rate, errors;
    uint64_t queue_full, others; /* drops */
    int exit_status;
};

struct tune {
    struct hx_tune_asked asked;
    struct hx_tune_advice advice;
    uint64_t seed;
    uint64_t confirm;
    double seconds; /* of a try; the confirming run has twice that */
    char dir[DIR_SIZE];
    char file[PATH_SIZE];
    struct otl_detail detail;
};

/* ---- what is asked ------------------------------------------------------------------------ */

static enum otel_err wrong(struct tune *tune, const char *option, const char *text,
                           const char *expected)
{
    if (text == NULL)
        return otl_detail_set(&tune->detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--%s is missing: %s", option, expected);
    return otl_detail_set(&tune->detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                          "--%s '%.40s': expected %s", option, text, expected);
}

/* "16MiB", "64M", "65536": powers of 1024. */
static bool parse_memory(const char *text, uint64_t *ret)
{
    static const char *const units[] = {"B", "K", "M", "G"};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    char number[24];
    uint64_t value;

    if (digits == 0 || digits >= sizeof(number))
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    if (otl_parse_uint(number, 1, UINT64_C(1) << 40, &value) != OTEL_OK)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        char words[3][8];
        snprintf(words[0], sizeof(words[0]), "%s", units[i]);
        snprintf(words[1], sizeof(words[1]), "%sB", units[i]);
        snprintf(words[2], sizeof(words[2]), "%siB", units[i]);
        for (unsigned k = 0; k < 3; k++)
            if (strcmp(unit, words[k]) == 0 || (*unit == '\0' && i == 0)) {
                *ret = value << (10 * i);
                return true;
            }
    }
    return false;
}

static enum otel_err parse(struct tune *tune, const struct typed *typed)
{
    uint64_t spans = 0, burst = 0;

    if (typed->rate == NULL ||
        otl_parse_double(typed->rate, 0.1, RATE_MAX, &tune->asked.rate) != OTEL_OK)
        return wrong(tune, "rate", typed->rate, "requests a second, 0.1 to 200000");
    if (typed->spans == NULL || otl_parse_uint(typed->spans, 1, SPANS_MAX, &spans) != OTEL_OK)
        return wrong(tune, "spans-per-request", typed->spans, "1 to 200 spans");
    if (otl_parse_uint(typed->burst, 0, BURST_MAX, &burst) != OTEL_OK)
        return wrong(tune, "burst", typed->burst, "0 to 100000 requests");
    if (otl_parse_duration(typed->latency, &tune->asked.latency_ns) != OTEL_OK ||
        tune->asked.latency_ns > 60 * OTL_NS_PER_S)
        return wrong(tune, "collector-latency", typed->latency,
                     "a duration up to 60s, such as 50ms");
    if (typed->memory != NULL && !parse_memory(typed->memory, &tune->asked.memory_bytes))
        return wrong(tune, "memory", typed->memory, "bytes, such as 16MiB");
    if (otl_parse_uint(typed->confirm, 1, CONFIRM_MAX, &tune->confirm) != OTEL_OK)
        return wrong(tune, "confirm", typed->confirm, "1 to 50 runs");
    tune->seed = otl_random_os_seed() >> 16;
    if (typed->seed != NULL && otl_parse_uint(typed->seed, 0, INT64_MAX, &tune->seed) != OTEL_OK)
        return wrong(tune, "seed", typed->seed, "a whole number");
    tune->asked.spans = (unsigned)spans;
    tune->asked.burst = (unsigned)burst;
    return OTEL_OK;
}

static enum otel_err choose_dir(struct tune *tune, const char *out)
{
    char stamp[40], path[PATH_SIZE], *full;
    struct stat info;
    enum otel_err err;

    hx_utc_format(otl_clock_wall(otl_clock_real()), true, stamp, sizeof(stamp));
    if (out != NULL)
        snprintf(path, sizeof(path), "%s", out);
    else
        snprintf(path, sizeof(path), "runs/tune-%s", stamp);
    err = otl_make_dirs(path, &tune->detail);
    if (err != OTEL_OK)
        return err;
    full = realpath(path, NULL);
    if (full == NULL || strlen(full) >= DIR_SIZE - 64)
        err = otl_detail_set(&tune->detail, OTEL_ERR_IO, path, 0, 0, "%s",
                             full ? "the path is too long" : strerror(errno));
    else
        snprintf(tune->dir, sizeof(tune->dir), "%s", full);
    free(full);
    snprintf(tune->file, sizeof(tune->file), "%s/tune.yaml", tune->dir);
    if (err == OTEL_OK && stat(tune->file, &info) == 0)
        err = otl_detail_set(&tune->detail, OTEL_ERR_ARGUMENT, tune->dir, 0, 0,
                             "holds a tuning already; choose another --out");
    return err;
}

/* ---- the load, as a scenario -------------------------------------------------------------- */

static void put_fleet(const struct tune *tune, struct otl_buf *text, enum otel_err *err)
{
#define PUT(...) *err = *err ? *err : otl_buf_printf(text, __VA_ARGS__)
    PUT("# %g requests a second of %u spans each, as asked of tracerig tune.\n", tune->asked.rate,
        tune->asked.spans);
    PUT("title: The load that settings are chosen for\n"
        "tracing: {sampler: parentbased_always_on}\n"
        "services:\n  app:\n    http: lean\n    routes:\n      POST /work:\n"
        "        attributes: {http.route: /work, http.request.method: POST}\n        steps:\n");
    for (unsigned i = 1; i < tune->asked.spans; i++)
        PUT("          - span: work.step-%u\n"
            "            attributes: {work.item: \"item-${n:1:5000}\", work.count: \"${n:1:90}\","
            " work.place: north}\n",
            i);
    if (tune->asked.spans == 1)
        PUT("          []\n");
}

static void put_load(const struct tune *tune, struct otl_buf *text, enum otel_err *err)
{
    unsigned burst = tune->asked.burst;
    unsigned connections = burst < 32 ? 32 : burst < CONNECTIONS_MAX ? burst : CONNECTIONS_MAX;

    PUT("load:\n  route: app POST /work\n  rate: %.17g\n  arrival: %s\n", tune->asked.rate,
        burst > 1 ? "burst" : "poisson");
    if (burst > 1)
        PUT("  burst: %u\n", burst);
    PUT("  warmup: 300ms\n  duration: %.0fms\n  timeout: 10s\n  connections: %u\n",
        tune->seconds * 1e3, connections);
    if (tune->asked.latency_ns > 0)
        PUT("faults:\n  - {at: 0s, do: collector, fault: delay, delay: %" PRIu64 "us}\n",
            tune->asked.latency_ns / 1000 > 1000 ? tune->asked.latency_ns / 1000 : 1000);
#undef PUT
}

/* Long enough for several bursts and several exports. */
static double seconds_for(const struct hx_tune_asked *asked)
{
    double seconds = 2, bursts = 4 * (double)asked->burst / asked->rate;
    double exports = 6 * (double)asked->latency_ns / 1e9;

    seconds = bursts > seconds ? bursts : seconds;
    seconds = exports > seconds ? exports : seconds;
    seconds = 2 / asked->rate > seconds ? 2 / asked->rate : seconds;
    return seconds < 60 ? seconds : 60;
}

static enum otel_err write_scenario(struct tune *tune)
{
    struct otl_buf text;
    enum otel_err err = OTEL_OK;

    otl_buf_init(&text, 1u << 20);
    put_fleet(tune, &text, &err);
    put_load(tune, &text, &err);
    if (err == OTEL_OK)
        err = otl_file_write(tune->file, text.data, text.len, &tune->detail);
    otl_buf_fini(&text);
    return err;
}

/* ---- a run -------------------------------------------------------------------------------- */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void read_report(const json_t *report, struct tried *ret)
{
    json_t *figures = hx_tuning_figures_of(report);
    json_t *drops = hx_tuning_drops_of(report);

    ret->started = number(figures, "started");
    ret->dropped = number(figures, "dropped");
    ret->exporter_ns = number(figures, "exporter_cpu_ns_per_span");
    ret->exports = number(figures, "export_requests");
    ret->bytes_per_span = number(figures, "bytes_per_span");
    ret->high_water = number(figures, "queue_high_water");
    ret->rate = number(figures, "rate_achieved");
    ret->errors = number(figures, "errors");
    ret->queue_full = (uint64_t)number(drops, "queue_full");
    ret->others = (uint64_t)ret->dropped - ret->queue_full;
    json_decref(figures);
    json_decref(drops);
}

static enum otel_err attempt(struct tune *tune, const char *name,
                             const struct hx_tune_setting *setting, double seconds, uint64_t seed,
                             struct tried *ret)
{
    char texts[5][SETTING_TEXT], dir[PATH_SIZE];
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

static void tell(const char *what, const struct tried *tried)
{
    fprintf(stderr,
            "%s: queue %zu, batch %zu, delay %" PRIu64 "ms: %.0f of %.0f spans dropped, queue at "
            "most %.0f, exporter %.0f ns a span\n",
            what, tried->setting.queue, tried->setting.batch, tried->setting.delay_ms,
            tried->dropped, tried->started, tried->high_water, tried->exporter_ns);
}

/* ---- around the model's answer ------------------------------------------------------------ */

/* Runs are short: what the model says that the queue must hold stays the least. */
static bool sound(const struct tune *tune, const struct tried *tried)
{
    return (double)tried->setting.queue >=
               hx_tune_with_batch(&tune->asked, tried->setting.batch).needed &&
           !(tried->dropped > 0) && tried->started > 0 &&
           tried->high_water <= ROOMY * (double)tried->setting.queue;
}

/* Of those that drop nothing and leave room, the least memory among the cheapest; the model's own
 * (the first) if none does. */
static size_t best_of(const struct tune *tune, const struct tried *tries, size_t count)
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

static size_t neighbours(const struct tune *tune, struct hx_tune_setting *ret)
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

static enum otel_err search(struct tune *tune, struct hx_tune_setting *ret)
{
    struct hx_tune_setting settings[6];
    struct tried tries[6];
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

/* All runs at one setting, with seeds that no try had: the sum of what they dropped, the fullest
 * queue, the last one's costs. */
static enum otel_err confirm(struct tune *tune, unsigned nth, const struct hx_tune_setting *setting,
                             struct tried *ret)
{
    struct tried all = {.setting = *setting, .rate = 0};
    enum otel_err err = OTEL_OK;

    for (uint64_t i = 0; i < tune->confirm && err == OTEL_OK; i++) {
        struct tried one;
        char name[60];
        snprintf(name, sizeof(name), "confirm-%u-%" PRIu64, nth, i + 1);
        err = attempt(tune, name, setting, 2 * tune->seconds, tune->seed + 1000 + i, &one);
        if (err != OTEL_OK)
            break;
        tell(name, &one);
        one.started += all.started;
        one.dropped += all.dropped;
        one.queue_full += all.queue_full;
        one.others += all.others;
        one.errors += all.errors;
        one.exit_status = hx_exit_worst(one.exit_status, all.exit_status);
        if (all.high_water > one.high_water)
            one.high_water = all.high_water;
        if (i > 0 && all.rate < one.rate)
            one.rate = all.rate;
        all = one;
    }
    *ret = all;
    return err;
}

/* Doubles the queue while it drops and there is memory for it. */
static enum otel_err prove(struct tune *tune, struct hx_tune_setting setting, struct tried *ret)
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

/* ---- what is said ------------------------------------------------------------------------- */

static void print_load(const struct tune *tune)
{
    char latency[40];

    otl_format_duration(tune->asked.latency_ns, latency, sizeof(latency));
    printf("# For %g requests/s of %u spans", tune->asked.rate, tune->asked.spans);
    if (tune->asked.burst > 1)
        printf(", in bursts of %u requests", tune->asked.burst);
    if (tune->asked.latency_ns > 0)
        printf(", a collector that answers after %s", latency);
    if (tune->asked.memory_bytes > 0)
        printf(", %.4g MiB for queued spans", (double)tune->asked.memory_bytes / 1048576);
    printf(" (seed %" PRIu64 ")\n", tune->seed);
}

static void print_costs(const struct tune *tune, const struct tried *tried)
{
    double spans = tune->asked.rate * tune->asked.spans;
    double sent = tried->started - tried->dropped;

    printf("\ncosts   exporter thread %.0f ns a span, %.2g %% of a core at %.0f spans/s; "
           "%.1f exports/s of %.0f spans; %.3g MB/s on the wire\n",
           tried->exporter_ns, tried->exporter_ns * spans / 1e7, spans,
           sent > 0 ? spans * tried->exports * (double)tune->confirm / sent : 0,
           tried->exports > 0 ? sent / (tried->exports * (double)tune->confirm) : 0,
           tried->bytes_per_span * spans / 1e6);
    printf("memory  at most %.3g MiB for spans that wait\n",
           (double)hx_tune_memory(&tried->setting) / 1048576);
    printf("stands  a standstill of the collector of %.2g s, then it drops\n",
           hx_tune_standstill_s(&tune->asked, &tried->setting));
}

static void print_no_promise(const struct tune *tune, const struct tried *tried)
{
    double ended = tune->asked.rate * tune->asked.spans, sent = tune->advice.capacity;

    if (tune->advice.keeps_up)
        printf("\nNo promise: this memory does not hold what must wait (%.0f spans); it drops "
               "%.2g %% of the spans.\n",
               tune->advice.needed,
               tried->started > 0 ? 100 * tried->dropped / tried->started : 0);
    else if (sent < ended)
        printf("\nNo promise: exports of %zu spans send at most %.0f of the %.0f spans a second; "
               "in the long run it drops %.2g %% of them.\n",
               tune->advice.setting.batch, sent, ended, 100 * (1 - sent / ended));
    else
        printf("\nNo promise: exports of %zu spans send at most %.0f spans a second, too little "
               "above the %.0f that end.\n",
               tune->advice.setting.batch, sent, ended);
}

static int conclude(const struct tune *tune, const struct tried *tried)
{
    bool promised = tune->advice.keeps_up && tune->advice.fits;

    printf("drops   %.0f of %.0f spans in %" PRIu64 " confirming run%s; the queue held %.0f of %zu "
           "at most\n",
           tried->dropped, tried->started, tune->confirm, tune->confirm == 1 ? "" : "s",
           tried->high_water, tried->setting.queue);
    if (tried->rate < HELD * tune->asked.rate && tune->asked.burst < 2) {
        printf("\nNot proved: this machine made only %.0f of the %g requests/s.\n", tried->rate,
               tune->asked.rate);
        return HX_EXIT_INCONCLUSIVE;
    }
    if (tried->exit_status != HX_EXIT_OK) {
        printf("\nNot proved: a confirming run failed; see %s.\n", tune->dir);
        return tried->exit_status;
    }
    if (!promised) {
        print_no_promise(tune, tried);
        return HX_EXIT_OK;
    }
    if (tried->dropped > 0) {
        printf("\nThe promise to drop nothing does not hold here.\n");
        return HX_EXIT_VERDICT;
    }
    printf("\nPromised and proved: it drops nothing under this load.\n");
    return HX_EXIT_OK;
}

static int report(const struct tune *tune, const struct tried *tried)
{
    int status;

    print_load(tune);
    printf("OTEL_BSP_MAX_QUEUE_SIZE=%zu\nOTEL_BSP_MAX_EXPORT_BATCH_SIZE=%zu\n"
           "OTEL_BSP_SCHEDULE_DELAY=%" PRIu64 "\nOTEL_BSP_EXPORT_TIMEOUT=%" PRIu64 "\n",
           tried->setting.queue, tried->setting.batch, tried->setting.delay_ms,
           tried->setting.timeout_ms);
    print_costs(tune, tried);
    status = conclude(tune, tried);
    printf("runs: %s\n", tune->dir);
    return status;
}

static int tune_all(struct tune *tune, const struct typed *typed)
{
    struct hx_tune_setting setting;
    struct tried tried;
    enum otel_err err = parse(tune, typed);

    if (err == OTEL_OK)
        err = choose_dir(tune, typed->out);
    if (err != OTEL_OK)
        return hx_usage_fail(&tune->detail);
    tune->advice = hx_tune_advise(&tune->asked);
    tune->seconds = seconds_for(&tune->asked);
    err = write_scenario(tune);
    setting = tune->advice.setting;
    if (err == OTEL_OK)
        err = search(tune, &setting);
    if (err == OTEL_OK)
        err = prove(tune, setting, &tried);
    if (err == OTEL_OK)
        return report(tune, &tried);
    hx_usage_fail(&tune->detail);
    return err == OTEL_ERR_CLOSED ? HX_EXIT_INTERRUPTED : HX_EXIT_FAULT;
}

int hx_command_tune(int argc, char **argv)
{
    static struct tune tune; /* large */
    struct typed typed = {.burst = "0", .latency = "0s", .confirm = "1"};
    const struct otl_opt options[] = {
        {"rate", "R", "requests a second", OTL_OPT_TEXT, &typed.rate},
        {"spans-per-request", "N", "spans that one process makes for a request", OTL_OPT_TEXT,
         &typed.spans},
        {"burst", "B", "requests that come at one instant (0: none)", OTL_OPT_TEXT, &typed.burst},
        {"collector-latency", "D", "time that the collector takes to answer (0s)", OTL_OPT_TEXT,
         &typed.latency},
        {"memory", "M", "for spans that wait, such as 16MiB (no limit)", OTL_OPT_TEXT,
         &typed.memory},
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
