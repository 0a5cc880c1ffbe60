/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/plot/plot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reports/plot/gnuplot.h"
#include "reports/plot/script.h"
#include "reports/words.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { SVG_BYTES = 8 * 1024 * 1024, PATH_BYTES = 4096 };

static bool path_of(char *path, const char *dir, const char *name, const char *ending)
{
    return (size_t)snprintf(path, PATH_BYTES, "%s/%s%s", dir, name, ending) < PATH_BYTES;
}

static void problem(struct rep_plot *plot, const char *text)
{
    if (plot->problem[0] == '\0')
        snprintf(plot->problem, sizeof(plot->problem), "%s", text);
}

static enum otel_err save(struct rep_plot *plot, const char *dir, const char *ending,
                          const struct rep_out *out)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char path[PATH_BYTES];
    enum otel_err err = out->err;

    if (err == OTEL_OK && !path_of(path, dir, plot->name, ending))
        err = OTEL_ERR_LIMIT;
    if (err == OTEL_OK)
        err = otl_file_write(path, out->buf.data ? out->buf.data : "", out->buf.len, &detail);
    if (err != OTEL_OK)
        problem(plot, detail.code ? detail.text : otel_err_text(err));
    return err;
}

/* gnuplot passes one family on; give the reader's machine a choice. */
static void put_with_fonts(struct rep_out *out, const char *svg, size_t len)
{
    static const char one[] = "font-family=\"DejaVu Sans\"";
    static const char choice[] = "font-family=\"DejaVu Sans, Arial, sans-serif\"";
    const char *end = svg + len;

    for (;;) {
        const char *hit = memmem(svg, (size_t)(end - svg), one, sizeof(one) - 1);
        rep_putn(out, svg, (size_t)((hit ? hit : end) - svg));
        if (hit == NULL)
            return;
        rep_put(out, choice);
        svg = hit + sizeof(one) - 1;
    }
}

/* The finished SVG in path: read, mend, save under its name, keep. */
static enum otel_err adopt(struct rep_plot *plot, const char *dir, const char *path, bool dark)
{
    char **ret = dark ? &plot->dark : &plot->light;
    size_t *ret_len = dark ? &plot->dark_len : &plot->light_len;
    struct otl_buf svg;
    struct rep_out out;
    enum otel_err err;

    otl_buf_init(&svg, SVG_BYTES);
    rep_out_init(&out);
    err = otl_file_read(path, &svg, NULL);
    if (err == OTEL_OK && memmem(svg.data, svg.len, "</svg>", 6) == NULL)
        err = OTEL_ERR_CORRUPT;
    if (err != OTEL_OK) {
        problem(plot, "gnuplot left no whole picture");
    } else {
        put_with_fonts(&out, svg.data, svg.len);
        err = save(plot, dir, dark ? "-dark.svg" : ".svg", &out);
    }
    if (err == OTEL_OK)
        err = otl_buf_take(&out.buf, ret, ret_len);
    rep_out_fini(&out);
    otl_buf_fini(&svg);
    return err;
}

static enum otel_err draw(struct rep_plots *plots, struct rep_plot *plot, const char *dir,
                          bool dark)
{
    struct rep_gnuplot_run run = {.dir = dir, .limit_seconds = REP_PLOT_SECONDS};
    const char *ending = dark ? "-dark.svg" : ".svg";
    char script[sizeof(plot->name) + 8];
    char output[sizeof(plot->name) + 24];
    char path[PATH_BYTES];
    char why[200] = "";
    enum otel_err err;

    snprintf(script, sizeof(script), "%s.gp", plot->name);
    snprintf(output, sizeof(output), "%s%s.part", plot->name, ending);
    if (!path_of(path, dir, output, ""))
        return OTEL_ERR_LIMIT;
    run.script = script;
    run.output = output;
    run.theme = dark ? "dark" : "light";
    err = rep_gnuplot(&run, why, sizeof(why));
    if (err == OTEL_ERR_NOT_FOUND)
        plots->no_gnuplot = true;
    if (err != OTEL_OK)
        problem(plot, why);
    else
        err = adopt(plot, dir, path, dark);
    unlink(path);
    return err;
}

/* A picture of an earlier run does not stay. */
static void forget(const struct rep_plot *plot, const char *dir)
{
    char path[PATH_BYTES];

    if (path_of(path, dir, plot->name, ".svg"))
        unlink(path);
    if (path_of(path, dir, plot->name, "-dark.svg"))
        unlink(path);
}

/* Script and data to the disk, then both pictures. */
static void make(struct rep_plots *plots, struct rep_plot *plot, const char *dir,
                 const struct rep_script *script)
{
    forget(plot, dir);
    if (save(plot, dir, ".dat", &script->data) != OTEL_OK ||
        save(plot, dir, ".gp", &script->text) != OTEL_OK)
        return;
    if (plots->no_gnuplot)
        problem(plot, "gnuplot is not installed");
    else if (draw(plots, plot, dir, false) == OTEL_OK && draw(plots, plot, dir, true) != OTEL_OK)
        plot->problem[0] = '\0'; /* the light one serves both */
}

struct job {
    struct rep_plots *plots;
    const struct rep_model *model;
    char dir[PATH_BYTES]; /* "" when it could not be made */
};

typedef bool(script_fn)(struct rep_script *script, const struct rep_model *model);

/* panel: the series' panel, or NULL for what write draws. */
static void add(struct job *job, const char *name, const char *title, const char *panel,
                script_fn *write)
{
    struct rep_plot *plot = &job->plots->items[job->plots->count];
    struct rep_script script;
    bool any;

    if (job->plots->count == REP_PLOTS_MAX)
        return;
    snprintf(plot->name, sizeof(plot->name), "%s", name);
    plot->title = title;
    plot->panel = panel;
    script.name = plot->name;
    script.too_short = false;
    rep_out_init(&script.text);
    rep_out_init(&script.data);
    any = panel ? rep_script_series(&script, job->model, panel) : write(&script, job->model);
    if (any)
        job->plots->count++;
    plot->too_short = any && script.too_short;
    if (plot->too_short)
        forget(plot, job->dir);
    else if (any && job->dir[0] == '\0')
        problem(plot, "the directory plots cannot be written");
    else if (any)
        make(job->plots, plot, job->dir, &script);
    rep_out_fini(&script.text);
    rep_out_fini(&script.data);
}

/* Panels in the order of a reader's questions, with the title for a report that gives none. */
static const struct rep_word known_panels[] = {
    {"rate", "Requests a second", NULL},
    {"latency", "Response time", NULL},
    {"errors", "Requests that failed", NULL},
    {"in_flight", "Requests in flight", NULL},
    {"spans", "Spans received a second", NULL},
    {"cpu", "CPU", NULL},
    {"queue", "Spans in the batch queues", NULL},
    {"rss", "Memory", NULL},
    {"lag", "Consumer lag", NULL},
    {NULL, NULL, NULL},
};

static const char *panel_of(const json_t *series)
{
    return rep_has(series, "panel") ? rep_str(series, "panel") : rep_str(series, "id");
}

static const char *panel_title(const json_t *series)
{
    if (rep_has(series, "panel_title"))
        return rep_str(series, "panel_title");
    for (const struct rep_word *word = known_panels; word->key != NULL; word++)
        if (strcmp(word->key, panel_of(series)) == 0)
            return word->title;
    return rep_str(series, "title");
}

/* The panel of this name, or every one that is not there yet (NULL). */
static void add_panels(struct job *job, const char *panel)
{
    const json_t *all = rep_get(job->model->root, "series");

    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *series = json_array_get(all, i);
        const char *own = panel_of(series);
        char name[sizeof(job->plots->items[0].name)];
        if ((panel != NULL && strcmp(panel, own) != 0) ||
            (rep_script_in_group(own) && rep_plots_find(job->plots, "group") != NULL))
            continue;
        if ((size_t)snprintf(name, sizeof(name), "time-%s", own) >= sizeof(name))
            continue;
        if (rep_plots_find(job->plots, name) == NULL)
            add(job, name, panel_title(series), own, NULL);
    }
}

void rep_plots_make(struct rep_plots *plots, const struct rep_model *model)
{
    struct job job = {.plots = plots, .model = model};

    memset(plots, 0, sizeof(*plots));
    if (!path_of(job.dir, model->dir, "plots", "") || otl_make_dirs(job.dir, NULL) != OTEL_OK)
        job.dir[0] = '\0';
    add(&job, "percentiles", "Latency by percentile", NULL, rep_script_percentiles);
    add(&job, "group", "Consumers on one time axis", NULL, rep_script_group);
    add(&job, "histogram", "Latency distribution", NULL, rep_script_histogram);
    for (const struct rep_word *word = known_panels; word->key != NULL; word++)
        add_panels(&job, word->key);
    add_panels(&job, NULL);
}

void rep_plots_fini(struct rep_plots *plots)
{
    for (size_t i = 0; i < plots->count; i++) {
        otl_mem_free(plots->items[i].light);
        otl_mem_free(plots->items[i].dark);
    }
    plots->count = 0;
}

const struct rep_plot *rep_plots_find(const struct rep_plots *plots, const char *name)
{
    for (size_t i = 0; i < plots->count; i++)
        if (strcmp(plots->items[i].name, name) == 0)
            return &plots->items[i];
    return NULL;
}
