/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/set.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/topology/facts.h"
#include "reports/model.h"
#include "reports/set/set.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"

enum { PATH_SIZE = HX_SET_DIR_SIZE + 64, TRIES = 1000 };

/* The first of base, base.2, base.3 ... that is not there. */
static void free_name(char *path, size_t size)
{
    size_t len = strlen(path);
    struct stat info;

    for (int i = 2; i < TRIES && stat(path, &info) == 0; i++)
        snprintf(path + len, size - len, ".%d", i);
}

enum otel_err hx_set_open(struct hx_set *set, const char *out, struct otl_detail *reterr)
{
    uint64_t now = otl_clock_wall(otl_clock_real());
    char stamp[40], path[PATH_SIZE];
    struct stat info;

    set->tree = NULL;
    hx_utc_format(now, true, stamp, sizeof(stamp));
    if (out == NULL)
        snprintf(set->dir, sizeof(set->dir), "runs/set-%s", stamp);
    else if (snprintf(set->dir, sizeof(set->dir), "%s", out) >= (int)sizeof(set->dir))
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, out, 0, 0, "the path is too long");
    if (out == NULL)
        free_name(set->dir, sizeof(set->dir));
    snprintf(path, sizeof(path), "%s/set.json", set->dir);
    if (stat(path, &info) == 0)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, set->dir, 0, 0,
                              "holds a set of runs already; choose another --out");
    hx_utc_format(now, false, stamp, sizeof(stamp));
    set->tree = rep_set_new(stamp);
    if (set->tree == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    return otl_make_dirs(set->dir, reterr);
}

void hx_set_run_dir(const struct hx_set *set, const char *scenario, unsigned nth, char *dir,
                    size_t size)
{
    if (nth > 0)
        snprintf(dir, size, "%s/%s-%u", set->dir, scenario, nth);
    else
        snprintf(dir, size, "%s/%s", set->dir, scenario);
    free_name(dir, size);
}

enum otel_err hx_set_record(struct hx_set *set, const struct hx_scenario *scenario,
                            const char *dir, unsigned nth, int status, const char *error)
{
    const char *slash = strrchr(dir, '/');
    struct rep_model *model = NULL;
    struct rep_set_run run = {.scenario = scenario->name,
                              .title = scenario->title,
                              .claim = scenario->claim,
                              .dir = slash ? slash + 1 : dir,
                              .nth = nth,
                              .exit_status = status,
                              .error = error[0] ? error : NULL};
    enum otel_err err;

    if (rep_model_load(dir, &model, NULL) == OTEL_OK)
        run.report = model->root;
    err = rep_set_add(set->tree, &run);
    rep_model_free(model);
    return err;
}

enum otel_err hx_set_not_begun(struct hx_set *set, const struct hx_scenario *scenario, unsigned nth)
{
    const struct rep_set_run run = {.scenario = scenario->name,
                                    .title = scenario->title,
                                    .claim = scenario->claim,
                                    .dir = "",
                                    .nth = nth,
                                    .exit_status = HX_EXIT_INTERRUPTED,
                                    .not_begun = true};

    return rep_set_add(set->tree, &run);
}

enum otel_err hx_set_finish(struct hx_set *set, bool silent, struct otl_detail *reterr)
{
    struct rep_render_options look;
    struct rep_out out;
    enum otel_err err;

    if (set->tree == NULL)
        return OTEL_OK;
    err = rep_set_write(set->tree, set->dir, reterr);
    if (err == OTEL_OK && !silent) {
        rep_render_options_for(&look, STDOUT_FILENO);
        rep_out_init(&out);
        rep_set_text(set->tree, &look, &out);
        if (out.err == OTEL_OK)
            fwrite(out.buf.data, 1, out.buf.len, stdout);
        rep_out_fini(&out);
        printf("page: %s/index.html\n", set->dir);
    }
    json_decref(set->tree);
    set->tree = NULL;
    return err;
}
