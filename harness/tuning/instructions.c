/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions a request: the difference of two runs under callgrind, one with few requests and
 * one with many, so that what a process does once is not counted. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/tuning/slice.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { PATH_SIZE = 4096, FEW = 100, MANY = 500 };

static const double SLOWER = 10;      /* of the scenario's rate: callgrind takes its time */
static const double RATE_MAX = 400, RATE_MIN = 20;
/* Without a second count of the same arm there would be nothing to hold a difference against;
 * timers go off more or less often between the same requests. */
static const double FLOOR_SHARE = 0.002;

struct count {
    double app, others;     /* instructions, by thread */
    double requests;
};

struct per_request {
    double app, others;
    bool known;
};

/* ---- callgrind ---------------------------------------------------------------------------- */

enum otel_err hx_find_valgrind(char ret_path[HX_PROGRAM_PATH], struct otl_detail *reterr)
{
    char why[HX_PROGRAM_WHY];

    if (hx_program_find("valgrind", ret_path, why))
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, NULL, 0, 0,
                          "overhead.instructions needs valgrind: %s", why);
}

/* The sum of a thread's file: "totals: N". */
static double total_of(const char *path)
{
    char line[256];
    double total = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "totals: ", 8) == 0)
            total += strtod(line + 8, NULL);
    fclose(file);
    return total;
}

/* callgrind.PID-01 is a process's first thread, which is the application's. */
static void add_files(const char *dir, struct count *count)
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *thread = strrchr(entry->d_name, '-');
        char path[PATH_SIZE + 300];
        if (strncmp(entry->d_name, "callgrind.", 10) != 0 || thread == NULL)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        if (strcmp(thread, "-01") == 0)
            count->app += total_of(path);
        else
            count->others += total_of(path);
    }
    if (folder != NULL)
        closedir(folder);
}

/* ---- an arm ------------------------------------------------------------------------------- */

struct counting {
    const struct hx_overhead_options *options;
    char dir[PATH_SIZE], valgrind[HX_PROGRAM_PATH], out[PATH_SIZE + 64];
    double rate;
    struct otl_detail *reterr;
};

static enum otel_err run_counted(struct counting *c, unsigned arm, unsigned requests,
                                 struct count *ret)
{
    const char *prefix[] = {c->valgrind, "--tool=callgrind", "--separate-threads=yes", c->out,
                            "-q", NULL};
    const struct hx_slice_run slice = {.options = c->options, .dir = c->dir,
                                       .load = HX_OVERHEAD_HELD, .arm = (enum hx_overhead_arm)arm,
                                       .seed = c->options->scenario->seed >> 1, .counted = true,
                                       .rate = c->rate,
                                       .duration_ns = (uint64_t)(requests / c->rate *
                                                                 OTL_NS_PER_S),
                                       .prefix = prefix};
    struct hx_slice *found = otl_mem_zalloc(sizeof(*found));
    enum otel_err err = found ? hx_slice_run(&slice, found, c->reterr) : OTEL_ERR_MEMORY;

    *ret = (struct count){.app = 0};
    if (err == OTEL_OK && (found->unfinished[0] != '\0' || found->failed > 0))
        err = otl_detail_set(c->reterr, OTEL_ERR_IO, NULL, 0, 0,
                             "counting the instructions of '%s' failed: %s", hx_arms[arm].word,
                             found->unfinished[0] ? found->unfinished : "requests failed");
    if (err == OTEL_OK) {
        ret->requests = found->handled_in_all;
        add_files(c->dir, ret);
        if (!(ret->app > 0))
            err = otl_detail_set(c->reterr, OTEL_ERR_IO, c->dir, 0, 0,
                                 "callgrind left no count of a service");
    }
    otl_mem_free(found);
    hx_slice_remove(c->dir);
    return err;
}

static enum otel_err count_arm(struct counting *c, unsigned arm, struct per_request *ret)
{
    struct count few, many;
    enum otel_err err = run_counted(c, arm, FEW, &few);

    if (err == OTEL_OK)
        err = run_counted(c, arm, MANY, &many);
    if (err != OTEL_OK)
        return err;
    ret->known = many.requests > few.requests;
    if (ret->known) {
        ret->app = (many.app - few.app) / (many.requests - few.requests);
        ret->others = (many.others - few.others) / (many.requests - few.requests);
    }
    return OTEL_OK;
}

/* ---- what is told ------------------------------------------------------------------------- */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static json_t *row_of(const struct per_request *all, unsigned arm, double rate)
{
    const struct per_request *base = &all[HX_ARM_NONE], *again = &all[HX_ARM_NONE_AGAIN];
    double floor = larger(fabs(again->app - base->app), FLOOR_SHARE * base->app);
    double more = all[arm].app - base->app;
    bool detected = arm != HX_ARM_NONE && arm != HX_ARM_NONE_AGAIN && fabs(more) > floor;
    char text[300];

    if (arm == HX_ARM_NONE)
        snprintf(text, sizeof(text), "%.0f, at %.0f requests/s", base->app, rate);
    else if (detected)
        snprintf(text, sizeof(text),
                 "%+.0f, %+.1f %% of the %.0f without tracing at %.0f requests/s", more,
                 100 * more / base->app, base->app, rate);
    else
        snprintf(text, sizeof(text),
                 "no difference detected; the smallest that could have been is %.0f of the %.0f "
                 "without tracing at %.0f requests/s", floor, base->app, rate);
    return json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:b, s:f, s:s}", "name", hx_arms[arm].word,
                     "title", hx_arms[arm].title, "app_per_request", all[arm].app,
                     "exporter_per_request", larger(all[arm].others, 0), "app_difference",
                     more, "smallest_seen", floor, "detected", detected, "rate", rate, "text",
                     text);
}

enum otel_err hx_overhead_instructions(const struct hx_overhead_options *options, json_t **ret,
                                       struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = options->scenario;
    struct counting *c = otl_mem_zalloc(sizeof(*c));
    struct per_request all[HX_ARMS] = {{.known = false}};
    double rate = scenario->load.rate / SLOWER;
    enum otel_err err = c ? OTEL_OK : OTEL_ERR_MEMORY;

    if (c == NULL)
        return err;
    c->options = options;
    c->reterr = reterr;
    c->rate = rate > RATE_MAX ? RATE_MAX : larger(rate, RATE_MIN);
    snprintf(c->dir, sizeof(c->dir), "%.4000s/overhead", options->dir);
    snprintf(c->out, sizeof(c->out), "--callgrind-out-file=%s/callgrind.%%p", c->dir);
    err = hx_find_valgrind(c->valgrind, reterr);
    *ret = json_array();
    for (unsigned arm = 0; arm < HX_ARMS && err == OTEL_OK; arm++) {
        if (!scenario->overhead.arms[arm] || hx_arms[arm].collector != HX_COLLECTOR_HEALTHY)
            continue;
        if (!options->quiet)
            fprintf(stderr, "overhead: instructions of '%s'\n", hx_arms[arm].word);
        err = count_arm(c, arm, &all[arm]);
    }
    for (unsigned arm = 0; arm < HX_ARMS && err == OTEL_OK; arm++)
        if (all[arm].known)
            json_array_append_new(*ret, row_of(all, arm, c->rate));
    if (err != OTEL_OK) {
        json_decref(*ret);
        *ret = NULL;
    }
    otl_mem_free(c);
    return err;
}
