/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "reports/formats.h"
#include "reports/model.h"
#include "reports/plot/plot.h"
#include "sdk/base/file.h"

const struct rep_renderer rep_renderers[] = {
    {"html", "report.html", rep_render_html}, {"json", NULL, rep_render_json},
    {"junit", "junit.xml", rep_render_junit}, {"markdown", "summary.md", rep_render_markdown},
    {"text", NULL, rep_render_text},          {NULL, NULL, NULL},
};

const char *const rep_renderer_words[] = {"html", "json", "junit", "markdown", "text", NULL};

const struct rep_renderer *rep_renderer_find(const char *format)
{
    for (const struct rep_renderer *r = rep_renderers; r->format != NULL; r++)
        if (strcmp(r->format, format) == 0)
            return r;
    return NULL;
}

void rep_render_options_init(struct rep_render_options *options)
{
    options->colour = false;
    options->columns = 100;
}

void rep_render_options_for(struct rep_render_options *options, int descriptor)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    struct winsize size;

    rep_render_options_init(options);
    if (!isatty(descriptor))
        return;
    options->colour =
        (no_color == NULL || *no_color == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60)
        options->columns = size.ws_col;
}

static enum otel_err write_file(const struct rep_model *model, const char *file,
                                const struct rep_out *out, struct otl_detail *reterr)
{
    struct otl_buf path;
    enum otel_err err;

    if (out->err != OTEL_OK)
        return otl_detail_set(reterr, out->err, file, 0, 0, "%s", otel_err_text(out->err));
    otl_buf_init(&path, 4096);
    err = otl_buf_printf(&path, "%s/%s", model->dir, file);
    if (err == OTEL_OK)
        err = otl_file_write(path.data, out->buf.data, out->buf.len, reterr);
    otl_buf_fini(&path);
    return err;
}

static enum otel_err render_file(const struct rep_model *model, const struct rep_plots *plots,
                                 const struct rep_renderer *renderer, struct otl_detail *reterr)
{
    struct rep_render_options options;
    struct rep_out out;
    enum otel_err err;

    rep_render_options_init(&options);
    rep_out_init(&out);
    renderer->render(model, plots, &options, &out);
    err = write_file(model, renderer->file, &out, reterr);
    rep_out_fini(&out);
    return err;
}

enum otel_err rep_render_all(const char *dir, struct otl_detail *reterr)
{
    struct rep_model *model = NULL;
    struct rep_plots plots;
    enum otel_err err = rep_model_load(dir, &model, reterr);

    if (err != OTEL_OK)
        return err;
    rep_plots_make(&plots, model);
    for (const struct rep_renderer *r = rep_renderers; r->format != NULL && err == OTEL_OK; r++)
        if (r->file != NULL)
            err = render_file(model, &plots, r, reterr);
    rep_plots_fini(&plots);
    rep_model_free(model);
    return err;
}

enum otel_err rep_render_one(const char *dir, const struct rep_renderer *renderer,
                             const struct rep_render_options *options, struct rep_out *out,
                             struct otl_detail *reterr)
{
    struct rep_model *model = NULL;
    struct rep_plots plots;
    bool plotted = renderer->render == rep_render_html;
    enum otel_err err = rep_model_load(dir, &model, reterr);

    if (err != OTEL_OK)
        return err;
    if (plotted)
        rep_plots_make(&plots, model);
    renderer->render(model, plotted ? &plots : NULL, options, out);
    if (plotted)
        rep_plots_fini(&plots);
    rep_model_free(model);
    if (out->err != OTEL_OK)
        otl_detail_set(reterr, out->err, renderer->format, 0, 0, "%s", otel_err_text(out->err));
    return out->err;
}
