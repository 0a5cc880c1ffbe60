/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig sweep: a scenario under every combination of some values, and a table of what came of
 * it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/scenarios.h"
#include "harness/scenario/scenario.h"
#include "harness/topology/facts.h"
#include "harness/tuning/added.h"
#include "harness/tuning/bases.h"
#include "harness/tuning/dir.h"
#include "harness/tuning/figures.h"
#include "harness/tuning/grid.h"
#include "harness/tuning/one_run.h"
#include "reports/format.h"
#include "reports/sweep/sweep.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"

enum { PATH_SIZE = 4096, TEXT_SIZE = 2048, REPEAT_MAX = 100, RUNS_MAX = 10000 };

struct sweep {
    const char *file;
    const char *out;
    const char *repeat;
    const char *noise;
    struct hx_scenario_cli cli;
    struct hx_scenario_options loading;
    struct otl_opt_list vary;
    bool quiet;
    struct hx_grid grid;
    struct hx_bases bases;
    size_t points; /* a combination is below that; the bases follow */
    uint64_t repeats;
    uint64_t groups; /* of runs of a base, each as many as a combination has */
    uint64_t seed;
    double seconds; /* of load, all runs together */
    size_t begun;   /* runs */
    char dir[HX_TUNING_DIR];
    json_t *root;
    int status;
};

/* The scenario's own --set, then one value of each path; a base has those of its load. */
struct settings {
    char texts[HX_GRID_AXES][TEXT_SIZE];
    const char *words[HX_ONE_RUN_OVERRIDES];
    size_t count;
};

static bool is_base(const struct sweep *sweep, size_t place)
{
    return place >= sweep->points;
}

static size_t runs_of(const struct sweep *sweep, size_t place)
{
    return (size_t)(sweep->repeats * (is_base(sweep, place) ? sweep->groups : 1));
}

static size_t all_runs(const struct sweep *sweep)
{
    return sweep->points * (size_t)sweep->repeats +
           sweep->bases.count * (size_t)(sweep->repeats * sweep->groups);
}

static void settings_of(const struct sweep *sweep, size_t place, struct settings *ret)
{
    size_t indexes[HX_GRID_AXES];

    ret->count = 0;
    for (size_t i = 0; i < sweep->cli.set.count; i++)
        ret->words[ret->count++] = sweep->cli.set.items[i];
    if (is_base(sweep, place)) {
        hx_bases_at(&sweep->bases, place - sweep->points, indexes);
        ret->words[ret->count++] = HX_BASE_SETTING;
    } else {
        hx_grid_at(&sweep->grid, place, indexes);
    }
    for (size_t a = 0; a < sweep->grid.axis_count; a++) {
        const struct hx_axis *axis = &sweep->grid.axes[a];
        ret->texts[a][0] = '\0';
        if (is_base(sweep, place) && !sweep->bases.loads[a])
            continue;
        snprintf(ret->texts[a], TEXT_SIZE, "%s=%s", axis->path, axis->values[indexes[a]]);
        ret->words[ret->count++] = ret->texts[a];
    }
}

/* ---- before the first run ----------------------------------------------------------------- */

/* What was wrong with one value of an axis is told of the --vary that gave it. */
static void blame_vary(const struct sweep *sweep, const struct settings *settings,
                       struct otl_detail *detail)
{
    char source[sizeof(detail->source)];

    for (size_t a = 0; a < sweep->grid.axis_count; a++) {
        snprintf(source, sizeof(source), "--set %.200s", settings->texts[a]);
        if (settings->texts[a][0] == '\0' || strcmp(detail->source, source) != 0)
            continue;
        snprintf(detail->source, sizeof(detail->source), "--vary %.200s", sweep->vary.items[a]);
        return;
    }
}

/* Every combination is loaded before the first one runs, and every base. */
static enum otel_err check_points(struct sweep *sweep, struct otl_detail *detail)
{
    for (size_t point = 0; point < sweep->points + sweep->bases.count; point++) {
        struct settings settings;
        struct hx_scenario_options options = {settings.words, 0, sweep->seed, true};
        struct hx_scenario *scenario = NULL;
        enum otel_err err;
        settings_of(sweep, point, &settings);
        options.override_count = settings.count;
        err = hx_scenario_load_file(sweep->file, &options, &scenario, detail);
        if (err != OTEL_OK) {
            blame_vary(sweep, &settings, detail);
            return err;
        }
        sweep->seconds += (double)(scenario->load.warmup_ns + scenario->load.duration_ns) / 1e9 *
                          (double)runs_of(sweep, point);
        if (point == 0)
            json_object_set_new(sweep->root, "scenario",
                                json_pack("{s:s, s:s, s:s, s:s}", "name", scenario->name, "title",
                                          scenario->title, "claim", scenario->claim, "file",
                                          sweep->file));
        hx_scenario_free(scenario);
    }
    return OTEL_OK;
}

static enum otel_err parse(struct sweep *sweep, struct otl_detail *detail)
{
    enum otel_err err;

    if (sweep->vary.count == 0)
        return otl_detail_set(detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "nothing to vary: give --vary path=v1,v2,... at least once");
    if (sweep->repeat != NULL &&
        otl_parse_uint(sweep->repeat, 1, REPEAT_MAX, &sweep->repeats) != OTEL_OK)
        return otl_detail_set(detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--repeat: expected a whole number from 1 to %d, found '%s'",
                              REPEAT_MAX, sweep->repeat);
    if (sweep->noise != NULL &&
        otl_parse_uint(sweep->noise, 1, HX_ADDED_GROUPS_MAX, &sweep->groups) != OTEL_OK)
        return otl_detail_set(detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--noise: expected a whole number from 1 to %d, found '%s'",
                              HX_ADDED_GROUPS_MAX, sweep->noise);
    err = hx_scenario_cli_options(&sweep->cli, &sweep->loading, detail);
    for (size_t i = 0; i < sweep->vary.count && err == OTEL_OK; i++)
        err = hx_grid_add(&sweep->grid, sweep->vary.items[i], detail);
    if (err != OTEL_OK)
        return err;
    sweep->points = hx_grid_points(&sweep->grid);
    hx_bases_of(&sweep->grid, &sweep->bases);
    if (all_runs(sweep) > RUNS_MAX)
        return otl_detail_set(detail, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d runs", RUNS_MAX);
    sweep->seed = sweep->loading.has_seed ? sweep->loading.seed : otl_random_os_seed() >> 16;
    return check_points(sweep, detail);
}

static enum otel_err choose_dir(struct sweep *sweep, struct otl_detail *detail)
{
    const json_t *scenario = json_object_get(sweep->root, "scenario");
    char name[256];
    const struct hx_tuning_dir options = {sweep->out, name, "sweep.json", "a sweep"};

    snprintf(name, sizeof(name), "sweep-%s",
             json_string_value(json_object_get(scenario, "name")));
    return hx_tuning_dir(&options, sweep->dir, detail);
}

/* ---- what is written ---------------------------------------------------------------------- */

/* What a base does not have is null. */
static json_t *values_of(const struct sweep *sweep, size_t place)
{
    size_t indexes[HX_GRID_AXES];
    json_t *values = json_array();

    if (is_base(sweep, place))
        hx_bases_at(&sweep->bases, place - sweep->points, indexes);
    else
        hx_grid_at(&sweep->grid, place, indexes);
    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        json_array_append_new(values,
                              is_base(sweep, place) && !sweep->bases.loads[a]
                                  ? json_null()
                                  : json_string(sweep->grid.axes[a].values[indexes[a]]));
    return values;
}

static json_t *empty_place(const struct sweep *sweep, size_t place)
{
    return json_pack("{s:o, s:[], s:{}, s:{}}", "values", values_of(sweep, place), "runs",
                     "figures", "drops");
}

static json_t *place_of(const struct sweep *sweep, size_t place)
{
    return is_base(sweep, place) ? json_array_get(json_object_get(sweep->root, "bases"),
                                                  place - sweep->points)
                                 : json_array_get(json_object_get(sweep->root, "points"), place);
}

static void put_head(struct sweep *sweep)
{
    json_t *axes = json_array(), *figures = json_array(), *points = json_array();
    json_t *bases = json_array();
    char started[40];

    for (size_t a = 0; a < sweep->grid.axis_count; a++) {
        json_t *values = json_array();
        for (size_t v = 0; v < sweep->grid.axes[a].count; v++)
            json_array_append_new(values, json_string(sweep->grid.axes[a].values[v]));
        json_array_append_new(
            axes, json_pack("{s:s, s:o}", "path", sweep->grid.axes[a].path, "values", values));
    }
    for (const struct hx_tuning_figure *f = hx_tuning_figures; f->key != NULL; f++)
        json_array_append_new(figures, json_pack("{s:s, s:s, s:s, s:s}", "key", f->key, "title",
                                                 f->title, "unit", f->unit, "column", f->column));
    for (size_t point = 0; point < sweep->points; point++)
        json_array_append_new(points, empty_place(sweep, point));
    for (size_t base = 0; base < sweep->bases.count; base++)
        json_array_append_new(bases, empty_place(sweep, sweep->points + base));
    hx_utc_format(otl_clock_wall(otl_clock_real()), false, started, sizeof(started));
    json_object_set_new(sweep->root, "schema", json_string("tracerig.sweep/1"));
    json_object_set_new(sweep->root, "started_at", json_string(started));
    json_object_set_new(sweep->root, "seed", json_integer((json_int_t)sweep->seed));
    json_object_set_new(sweep->root, "repeat", json_integer((json_int_t)sweep->repeats));
    json_object_set_new(sweep->root, "complete", json_false());
    json_object_set_new(sweep->root, "axes", axes);
    json_object_set_new(sweep->root, "figures", figures);
    json_object_set_new(sweep->root, "points", points);
    json_object_set_new(sweep->root, "bases", bases);
}

static void settle(const struct sweep *sweep, size_t place)
{
    json_t *base;

    hx_added_settle(place_of(sweep, place));
    if (sweep->bases.count == 0)
        return;
    if (!is_base(sweep, place)) {
        base = place_of(sweep, sweep->points + hx_bases_for(&sweep->bases, place));
        hx_added_to(place_of(sweep, place), base);
        return;
    }
    base = place_of(sweep, place);
    hx_added_noise(base, sweep->groups);
    for (size_t point = 0; point < sweep->points; point++)
        if (hx_bases_for(&sweep->bases, point) == place - sweep->points)
            hx_added_to(place_of(sweep, point), base);
}

static enum otel_err save(const struct sweep *sweep, struct otl_detail *detail)
{
    char path[PATH_SIZE];
    char *text = json_dumps(sweep->root, JSON_INDENT(1));
    enum otel_err err;

    snprintf(path, sizeof(path), "%s/sweep.json", sweep->dir);
    err = text ? otl_file_write(path, text, strlen(text), detail) : OTEL_ERR_MEMORY;
    free(text);
    return err;
}

/* ---- the runs ----------------------------------------------------------------------------- */

struct turn {
    size_t nth;   /* from 1, in the order of the runs */
    size_t place;
    size_t run;   /* of that place, from 0 */
};

/* Runs are numbered combination by combination, then base by base. */
static struct turn turn_of(const struct sweep *sweep, size_t number, size_t nth)
{
    size_t before = sweep->points * (size_t)sweep->repeats, each = runs_of(sweep, 0);
    struct turn turn = {.nth = nth};

    if (number >= before) {
        number -= before;
        each = runs_of(sweep, sweep->points);
        turn.place = sweep->points;
    }
    turn.place += number / each;
    turn.run = number % each;
    return turn;
}

static void keep(struct sweep *sweep, const struct turn *turn, const char *name,
                 const struct hx_one_run *run, const struct hx_one_result *result)
{
    const json_t *verdict = json_object_get(result->report, "verdict");
    json_t *row = json_pack("{s:s, s:i, s:I, s:i}", "dir", name, "order", (int)turn->nth, "seed",
                            (json_int_t)run->seed, "exit_status", result->exit_status);

    if (result->report != NULL && result->exit_status != HX_EXIT_INTERRUPTED) {
        json_object_set_new(row, "verdict", json_copy((json_t *)(uintptr_t)verdict));
        json_object_set_new(row, "figures", hx_tuning_figures_of(result->report));
        json_object_set_new(row, "drops", hx_tuning_drops_of(result->report));
    }
    if (is_base(sweep, turn->place))
        json_object_set_new(row, "group", json_integer((json_int_t)(turn->run / sweep->repeats)));
    json_array_append_new(json_object_get(place_of(sweep, turn->place), "runs"), row);
    settle(sweep, turn->place);
}

static void tell(const struct sweep *sweep, const struct turn *turn,
                 const struct settings *settings, const struct hx_one_result *result)
{
    const char *verdict = json_string_value(json_object_get(result->report, "verdict"));
    const char *reason = json_string_value(json_object_get(result->report, "reason"));

    if (sweep->quiet)
        return;
    fprintf(stderr, "%zu/%zu", turn->nth, all_runs(sweep));
    for (size_t i = sweep->cli.set.count; i < settings->count; i++)
        fprintf(stderr, " %s", settings->words[i]);
    if (is_base(sweep, turn->place) && result->exit_status == HX_EXIT_INCONCLUSIVE)
        fprintf(stderr, ": no spans to judge\n");
    else if (reason != NULL && result->exit_status != HX_EXIT_OK)
        fprintf(stderr, ": %s: %s\n", verdict ? verdict : "no verdict", reason);
    else
        fprintf(stderr, ": %s\n", verdict ? verdict : "no verdict");
}

/* A threshold that a combination misses is what a sweep is for; a failed check is a failure. */
static int status_of(const struct hx_one_result *result)
{
    size_t index;
    json_t *row;

    if (result->exit_status != HX_EXIT_VERDICT)
        return result->exit_status == HX_EXIT_INCONCLUSIVE ? HX_EXIT_OK : result->exit_status;
    json_array_foreach(json_object_get(result->report, "checks"), index, row) {
        const char *verdict = json_string_value(json_object_get(row, "verdict"));
        if (verdict != NULL && strcmp(verdict, "fail") == 0)
            return HX_EXIT_VERDICT;
    }
    return HX_EXIT_OK;
}

static enum otel_err run_one(struct sweep *sweep, const struct turn *turn,
                             struct otl_detail *detail)
{
    bool base = is_base(sweep, turn->place);
    struct settings settings;
    char name[64], dir[PATH_SIZE];
    struct hx_one_run run = {.scenario = sweep->file, .dir = dir, .overrides = settings.words,
                             .seed = sweep->seed + turn->run % sweep->repeats};
    struct hx_one_result result = {.report = NULL};
    enum otel_err err;

    settings_of(sweep, turn->place, &settings);
    run.override_count = settings.count;
    snprintf(name, sizeof(name), "%s-%04zu-%zu", base ? "base" : "run",
             (base ? turn->place - sweep->points : turn->place) + 1, turn->run + 1);
    snprintf(dir, sizeof(dir), "%s/%s", sweep->dir, name);
    err = hx_one_run(&run, &result, detail);
    if (err == OTEL_OK) {
        keep(sweep, turn, name, &run, &result);
        tell(sweep, turn, &settings, &result);
        sweep->status = hx_exit_worst(sweep->status, status_of(&result));
        if (result.interrupted)
            sweep->status = HX_EXIT_INTERRUPTED;
        err = save(sweep, detail);
    }
    json_decref(result.report);
    return err;
}

static enum otel_err run_all(struct sweep *sweep, struct otl_detail *detail)
{
    size_t runs = all_runs(sweep);
    size_t *order = otl_mem_alloc(runs * sizeof(*order));
    enum otel_err err = order ? OTEL_OK : OTEL_ERR_MEMORY;

    if (order != NULL)
        hx_shuffled(sweep->seed, order, runs);
    for (size_t i = 0; i < runs && err == OTEL_OK && sweep->status != HX_EXIT_INTERRUPTED; i++) {
        struct turn turn = turn_of(sweep, order[i], i + 1);
        sweep->begun = i + 1;
        err = run_one(sweep, &turn, detail);
    }
    otl_mem_free(order);
    if (err == OTEL_OK && sweep->status != HX_EXIT_INTERRUPTED) {
        json_object_set_new(sweep->root, "complete", json_true());
        err = save(sweep, detail);
    }
    return err;
}

static int conclude(struct sweep *sweep)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rep_out out;
    int status = sweep->status;

    rep_out_init(&out);
    if (rep_sweep_render(sweep->dir, &out, &detail) != OTEL_OK)
        status = (hx_usage_fail(&detail), HX_EXIT_FAULT);
    else
        fwrite(out.buf.data, 1, out.buf.len, stdout);
    rep_out_fini(&out);
    printf("\nsweep: %s/index.html\n", sweep->dir);
    if (sweep->status == HX_EXIT_INTERRUPTED)
        fprintf(stderr, "tracerig: interrupted in run %zu of %zu: what was measured is kept\n",
                sweep->begun, all_runs(sweep));
    return status;
}

static struct rep_text things(uint64_t count, const char *thing)
{
    return rep_format_things((long long)count, thing);
}

static int begin(struct sweep *sweep)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (parse(sweep, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    put_head(sweep);
    if (choose_dir(sweep, &detail) != OTEL_OK)
        return hx_tuning_dir_fail(&detail);
    fprintf(stderr, "%s, %s each", things(sweep->points, "combination").text,
            things(sweep->repeats, "run").text);
    if (sweep->bases.count > 0)
        fprintf(stderr, ", and %s without tracing, %s each",
                things(sweep->bases.count, "load").text,
                things(runs_of(sweep, sweep->points), "run").text);
    fprintf(stderr, ": %s, about %.0f s of load, seed %" PRIu64 "\n",
            things(all_runs(sweep), "run").text, sweep->seconds, sweep->seed);
    if (run_all(sweep, &detail) != OTEL_OK) {
        hx_usage_fail(&detail);
        return HX_EXIT_FAULT;
    }
    return conclude(sweep);
}

int hx_command_sweep(int argc, char **argv)
{
    static struct sweep sweep; /* large */
    const struct otl_opt options[] = {
        {"vary", "PATH=V1,V2,...", "values of a path of the scenario (repeatable)", OTL_OPT_LIST,
         &sweep.vary},
        {"out", "DIR", "write there (default: runs/sweep-SCENARIO-UTCTIME)", OTL_OPT_TEXT,
         &sweep.out},
        {"repeat", "N", "run each combination N times (1); figures are medians", OTL_OPT_TEXT,
         &sweep.repeat},
        {"noise", "N", "run each load without tracing N times a repeat (8); below 8: no noise band",
         OTL_OPT_TEXT, &sweep.noise},
        HX_SCENARIO_CLI_ROWS(sweep.cli),
        {"quiet", NULL, "do not tell the runs one by one", OTL_OPT_FLAG, &sweep.quiet},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {
        "sweep SCENARIO --vary PATH=V1,V2,... [--vary ...] [options]",
        "Runs the scenario under every combination of the values, in an order drawn from the\n"
        "seed, each in a directory of its own, and compares: drops, CPU a span, exports, bytes,\n"
        "queue, latency, and what is added to it: each load is run without tracing as well if a\n"
        "path of tracing is varied, several times: what these differ by is noise, and what is\n"
        "added must be more, or no difference is detected (\"~\"). Writes sweep.json, sweep.csv\n"
        "and index.html, with heat maps over the first two paths. Every repeat has the same load\n"
        "under every combination. Exit status: 0 if every run took place and its spans are\n"
        "accounted for, whatever thresholds it missed; 1 if a check of a run failed, 3\n"
        "if a run could not take place.\n",
        options, 1, 1};
    struct otl_opt_list arguments;
    int status;

    memset(&sweep, 0, sizeof(sweep));
    sweep.repeats = 1;
    sweep.groups = HX_ADDED_GROUPS;
    sweep.status = HX_EXIT_OK;
    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    sweep.file = arguments.items[0];
    sweep.root = json_object();
    hx_grid_init(&sweep.grid);
    status = begin(&sweep);
    hx_grid_fini(&sweep.grid);
    json_decref(sweep.root);
    return status;
}
