/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig report: draw a run directory's report.json again, or print it in one format. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "reports/render.h"
#include "reports/several.h"
#include "reports/sweep/sweep.h"
#include "sdk/base/file.h"
#include "sdk/base/text.h"

static int unknown_format(const char *word)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    const char *near = otl_nearest(word, rep_renderer_words);

    otl_detail_set(&detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                   "unknown format '%.60s'; expected html, json, junit, markdown or text%s%s%s",
                   word, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return hx_usage_fail(&detail);
}

/* Reading the named report is usage; writing is the environment. */
static int failed(const struct otl_detail *detail)
{
    int status = hx_usage_fail(detail);

    return detail->code == OTEL_ERR_IO || detail->code == OTEL_ERR_LIMIT ? HX_EXIT_FAULT : status;
}

static int print(const char *dir, const struct rep_renderer *renderer)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rep_render_options options;
    struct rep_out out;
    int status = HX_EXIT_OK;

    rep_render_options_for(&options, STDOUT_FILENO);
    rep_out_init(&out);
    if (rep_render_one(dir, renderer, &options, &out, &detail) != OTEL_OK) {
        status = failed(&detail);
    } else if (otl_fd_write_all(STDOUT_FILENO, out.buf.data, out.buf.len) != OTEL_OK) {
        otl_detail_set(&detail, OTEL_ERR_IO, "standard output", 0, 0, "cannot be written");
        status = failed(&detail);
    }
    rep_out_fini(&out);
    return status;
}

static bool is_sweep(const char *dir)
{
    char path[4096];

    return snprintf(path, sizeof(path), "%s/sweep.json", dir) < (int)sizeof(path) &&
           access(path, F_OK) == 0;
}

static int draw_sweep(const char *dir)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rep_out out;
    int status = HX_EXIT_OK;

    rep_out_init(&out);
    if (rep_sweep_render(dir, &out, &detail) != OTEL_OK) {
        status = failed(&detail);
    } else if (otl_fd_write_all(STDOUT_FILENO, out.buf.data, out.buf.len) != OTEL_OK) {
        otl_detail_set(&detail, OTEL_ERR_IO, "standard output", 0, 0, "cannot be written");
        status = failed(&detail);
    }
    rep_out_fini(&out);
    return status;
}

int hx_command_report(int argc, char **argv)
{
    const char *format = NULL;
    const struct otl_opt options[] = {
        {"format", "FORMAT", "print one: html, json, junit, markdown or text", OTL_OPT_TEXT,
         &format},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL},
    };
    const struct hx_usage usage = {
        .synopsis = "report DIR [--format html|json|junit|markdown|text]",
        .text =
            "Draws the report.json of a run directory. Without --format report.html, junit.xml,\n"
            "summary.md and plots/ are made again and the text is printed. Of a sweep's directory\n"
            "its table, sweep.csv, heat maps and page are. The exit status says whether it could\n"
            "be drawn, not what the verdict is.\n",
        .options = options,
        .arguments_min = 1,
        .arguments_max = 1,
    };
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_opt_list arguments;
    int status = HX_EXIT_OK;

    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    if (format != NULL && rep_renderer_find(format) == NULL)
        return unknown_format(format);
    if (format == NULL && is_sweep(arguments.items[0]))
        return draw_sweep(arguments.items[0]);
    if (rep_is_one_run(arguments.items[0], &detail) != OTEL_OK)
        return failed(&detail);
    if (format != NULL)
        return print(arguments.items[0], rep_renderer_find(format));
    if (rep_render_all(arguments.items[0], &detail) != OTEL_OK)
        return failed(&detail);
    return print(arguments.items[0], rep_renderer_find("text"));
}
