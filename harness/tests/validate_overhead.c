/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate-overhead: measures costs that it injected itself with the means of "overhead:", and
 * says of each whether it was found. Exit status 0 all were, 1 one was not, 2 usage, 3 the
 * environment failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/tuning/validate.h"
#include "sdk/base/mem.h"
#include "sdk/base/opts.h"
#include "sdk/base/text.h"

enum {
    PATH_SIZE = 4096,
    COMPARISONS = 200,
    OVERRIDES = 40,
    INSTRUCTIONS = 100000, /* a request, beside the base's, for callgrind */
    EXPORTER_NS = 1000,    /* a span */
    SLOW_NS = 200000,      /* one request in a hundred */
    BYTES = 64             /* a span */
};

struct session {
    const char *scenario, *only;
    uint64_t comparisons;
    struct otl_opt_list set;
    char tracerig[PATH_SIZE], collector[PATH_SIZE + 32], dir[PATH_SIZE];
    struct hx_validate table;
    struct otl_detail detail;
};

/* ---- one measurement ------------------------------------------------------------------------ */

/* overrides: of the part, before those of the command line. */
static enum otel_err load(struct session *s, const char *const *overrides,
                          struct hx_scenario **ret)
{
    const char *all[OVERRIDES];
    struct hx_scenario_options options = {.overrides = all, .has_seed = true, .seed = 20};

    for (; *overrides != NULL && options.override_count < OVERRIDES; overrides++)
        all[options.override_count++] = *overrides;
    for (size_t i = 0; i < s->set.count && options.override_count < OVERRIDES; i++)
        all[options.override_count++] = s->set.items[i];
    return hx_scenario_load_file(s->scenario, &options, ret, &s->detail);
}

static struct hx_overhead_options options_of(struct session *s, const struct hx_scenario *scenario)
{
    return (struct hx_overhead_options){.scenario = scenario, .dir = s->dir,
                                        .tracerig = s->tracerig, .collector = s->collector,
                                        .quiet = true};
}

typedef enum otel_err part_fn(struct session *s, const struct hx_scenario *scenario);

static void say_why(const struct hx_slices *slices)
{
    char why[HX_OVERHEAD_WHY];

    for (unsigned arm = 0; arm < HX_ARMS; arm++)
        if (slices->plan->arms[arm] &&
            hx_overhead_disqualified(slices, HX_OVERHEAD_SATURATION, arm, why))
            fprintf(stderr, "%s: %s\n", hx_arms[arm].word, why);
}

/* A long run, cut into comparisons that share no slice. */
static enum otel_err compare_many(struct session *s, const struct hx_scenario *scenario)
{
    struct hx_overhead_options options = options_of(s, scenario);
    struct hx_comparisons *all = otl_mem_zalloc(sizeof(*all));
    enum otel_err err = all ? OTEL_OK : OTEL_ERR_MEMORY;
    uint64_t without = 0;

    options.saturation_only = true;
    while (err == OTEL_OK && all->count < s->comparisons) {
        struct hx_slices slices;
        options.part++;
        err = hx_overhead_slices(&options, &slices, &s->detail);
        if (err == OTEL_OK && !hx_comparisons_add(all, &slices, hx_paired)) {
            say_why(&slices);
            if (++without > s->comparisons / 2 + 2)
                err = otl_detail_set(&s->detail, OTEL_ERR_IO, NULL, 0, 0,
                                     "%llu comparisons had slices without figures: the machine is "
                                     "too busy",
                                     (unsigned long long)without);
        }
        hx_slices_fini(&slices);
        if (options.part % 10 == 0)
            fprintf(stderr, "%zu of %llu comparisons: %zu claims, %zu covered\n", all->count,
                    (unsigned long long)s->comparisons, all->claims, all->covered);
    }
    if (err == OTEL_OK)
        hx_validate_comparisons(all, &s->table);
    otl_mem_free(all);
    return err;
}

static enum otel_err exporter(struct session *s, const struct hx_scenario *scenario)
{
    struct hx_overhead_options options = options_of(s, scenario);
    struct hx_slices slices;
    enum otel_err err;

    options.saturation_only = true;
    err = hx_overhead_slices(&options, &slices, &s->detail);
    if (err == OTEL_OK)
        hx_validate_exporter(&slices, EXPORTER_NS, &s->table);
    hx_slices_fini(&slices);
    return err;
}

static enum otel_err bytes(struct session *s, const struct hx_scenario *scenario)
{
    struct hx_overhead_options options = options_of(s, scenario);
    struct hx_slices slices;
    enum otel_err err = hx_overhead_slices(&options, &slices, &s->detail);

    if (err == OTEL_OK)
        hx_validate_bytes(&slices, BYTES, &s->table);
    hx_slices_fini(&slices);
    return err;
}

#define TAIL                                                                                      \
    "overhead.arms=[injected]", "overhead.blocks=20", "overhead.warmup=100ms",                     \
        "overhead.slice=400ms", "overhead.saturation_rate=0"

/* A fiftieth of the requests so much slower that p99 rises by twice what was told, at a rate at
 * which that keeps the service busy for less than a third of the time. */
static enum otel_err put_to_the_test(struct session *s, double slow_ns, double told_ns)
{
    static const double BUSY = 0.3, SHARE = 0.02;
    double rate = BUSY * 1e9 / (SHARE * slow_ns);
    struct hx_scenario *scenario = NULL;
    char slow[120], load_rate[40];
    const char *const overrides[] = {TAIL, slow, load_rate, NULL};
    json_t *overhead = NULL;
    enum otel_err err;

    snprintf(slow, sizeof(slow),
             "overhead.inject={instructions: 100000, slow: %.0fus, slow_share: %g}", slow_ns / 1000,
             SHARE);
    snprintf(load_rate, sizeof(load_rate), "load.rate=%.0f", rate < 4000 ? rate : 4000);
    err = load(s, overrides, &scenario);
    if (err == OTEL_OK) {
        struct hx_overhead_options options = options_of(s, scenario);
        err = hx_overhead_measure(&options, &overhead, &s->detail);
    }
    if (err == OTEL_OK)
        hx_validate_told(overhead, told_ns, &s->table);
    json_decref(overhead);
    hx_scenario_free(scenario);
    return err;
}

static enum otel_err slow_tail(struct session *s, const struct hx_scenario *scenario)
{
    struct hx_overhead_options options = options_of(s, scenario);
    json_t *overhead = NULL;
    enum otel_err err = hx_overhead_measure(&options, &overhead, &s->detail);
    double told = err == OTEL_OK ? hx_validate_tail(overhead, SLOW_NS, &s->table) : 0;

    if (told > 0)
        err = put_to_the_test(s, hx_tail_slow_ns(overhead, 2 * told), told);
    json_decref(overhead);
    return err;
}

static enum otel_err instructions(struct session *s, const struct hx_scenario *scenario)
{
    struct hx_overhead_options options = options_of(s, scenario);
    json_t *rows = NULL;
    enum otel_err err = hx_overhead_instructions(&options, &rows, &s->detail);

    if (err == OTEL_OK)
        hx_validate_instructions(rows, INSTRUCTIONS, &s->table);
    json_decref(rows);
    return err;
}

/* ---- all of them ---------------------------------------------------------------------------- */


/* An arm's inject takes the place of the service's own, whose loop each part so repeats. */
static const struct {
    const char *name;
    part_fn *run;
    const char *overrides[10];
} parts[] = {
    {"cpu", compare_many,
     {"overhead.arms=[injected]", "overhead.inject={instructions: 160000}", "overhead.blocks=6",
      "overhead.warmup=10ms", "overhead.slice=50ms", NULL}},
    {"exporter", exporter,
     {"overhead.arms=[batch, batch_injected]",
      "overhead.inject={instructions: 100000, exporter: 1us}", "overhead.blocks=20",
      "overhead.warmup=20ms", "overhead.slice=100ms", NULL}},
    {"tail", slow_tail,
     {TAIL, "overhead.inject={instructions: 100000, slow: 200us, slow_share: 0.01}",
      "load.rate=4000", NULL}},
    {"bytes", bytes,
     {"overhead.arms=[batch, batch_injected]", "overhead.inject={instructions: 100000, bytes: 64}",
      "overhead.blocks=6", "overhead.warmup=20ms", "overhead.slice=300ms",
      "overhead.saturation_rate=0", NULL}},
    {"instructions", instructions,
     {"overhead.arms=[injected]", "overhead.inject={instructions: 200000}", NULL}},
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static bool is_wanted(const struct session *s, const char *name)
{
    const char *at = s->only;
    size_t len = strlen(name);

    for (; at != NULL && (at = strstr(at, name)) != NULL; at += len)
        if ((at == s->only || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
            return true;
    return s->only == NULL;
}

static enum otel_err run_parts(struct session *s)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < PARTS && err == OTEL_OK; i++) {
        struct hx_scenario *scenario = NULL;
        if (!is_wanted(s, parts[i].name))
            continue;
        fprintf(stderr, "validate-overhead: %s\n", parts[i].name);
        err = load(s, parts[i].overrides, &scenario);
        if (err == OTEL_OK)
            err = parts[i].run(s, scenario);
        hx_scenario_free(scenario);
    }
    return err;
}

static bool find_programs(struct session *s)
{
    char own[PATH_SIZE - 16];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    char *slash;

    if (len <= 0)
        return false;
    own[len] = '\0';
    slash = strrchr(own, '/');
    *slash = '\0';
    snprintf(s->tracerig, sizeof(s->tracerig), "%s/tracerig", own);
    snprintf(s->collector, sizeof(s->collector), "%s/collector-mock", own);
    return access(s->tracerig, X_OK) == 0 && access(s->collector, X_OK) == 0;
}

static bool make_dir(struct session *s)
{
    const char *base = getenv("TMPDIR");

    snprintf(s->dir, sizeof(s->dir), "%.3000s/validate-overhead.XXXXXX", base ? base : "/tmp");
    return mkdtemp(s->dir) != NULL;
}

static int fail(const struct otl_detail *detail)
{
    char text[1024];

    otl_detail_format(detail, text, sizeof(text));
    fprintf(stderr, "validate-overhead: %s\n", text);
    return detail->code == OTEL_ERR_ARGUMENT || detail->code == OTEL_ERR_SYNTAX ? 2 : 3;
}

int main(int argc, char **argv)
{
    static struct session s = {.scenario = "harness/tests/validate-overhead.yaml",
                               .comparisons = COMPARISONS};
    const char *count = NULL;
    bool help = false;
    const struct otl_opt options[] = {
        {"comparisons", "N", "in the long run (default: 200)", OTL_OPT_TEXT, &count},
        {"only", "PART,...", "of cpu, exporter, tail, bytes, instructions", OTL_OPT_TEXT,
         &s.only},
        {"set", "PATH=VALUE", "in the scenario", OTL_OPT_LIST, &s.set},
        {"help", NULL, "this text", OTL_OPT_FLAG, &help},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    enum otel_err err = otl_opts_parse(options, argc, argv, NULL, &s.detail);

    if (err == OTEL_OK && count != NULL &&
        otl_parse_uint(count, 1, HX_VALIDATE_COMPARISONS, &s.comparisons) != OTEL_OK)
        err = otl_detail_set(&s.detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                             "--comparisons: expected a whole number from 1 to %d",
                             HX_VALIDATE_COMPARISONS);
    if (err != OTEL_OK)
        return fail(&s.detail);
    if (help) {
        otl_opts_help(options);
        return 0;
    }
    if (!find_programs(&s) || !make_dir(&s)) {
        otl_detail_set(&s.detail, OTEL_ERR_IO, NULL, 0, 0,
                       "tracerig and collector-mock must stand beside this program, and a "
                       "temporary directory must be writable");
        return fail(&s.detail);
    }
    err = run_parts(&s);
    rmdir(s.dir);
    if (err != OTEL_OK)
        return fail(&s.detail);
    hx_validate_print(&s.table);
    return hx_validate_held(&s.table) ? 0 : 1;
}
