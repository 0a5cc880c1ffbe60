/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_RENDER_H
#define REP_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include <otel/err.h>

#include "reports/out.h"
#include "sdk/base/detail.h"

/*
 * Renderers: report.json in, one format out each. They compute nothing; whoever wants a figure in a
 * report writes it into report.json first.
 *
 * Life      no state between calls.
 * Threads   one call a run directory at a time. rep_render_all() starts gnuplot processes and waits
 *           for them; it looks at no other child.
 * Limits    report.json 64 MiB, an output 64 MiB, gnuplot 20 s a plot.
 */

struct rep_model;
struct rep_plots;

struct rep_render_options {
    bool colour;    /* text: terminal colours */
    size_t columns; /* text: width, at least 60 */
};

/* Without colour, 100 columns. */
void rep_render_options_init(struct rep_render_options *options);
/* Colour if descriptor is a terminal and NO_COLOR is not set; its width. */
void rep_render_options_for(struct rep_render_options *options, int descriptor);

struct rep_renderer {
    const char *format; /* the word after --format */
    const char *file;   /* its file in the run directory; NULL = none */
    /* plots is NULL for all but html. Errors stay in out->err. */
    void (*render)(const struct rep_model *model, const struct rep_plots *plots,
                   const struct rep_render_options *options, struct rep_out *out);
};

/* html, json, junit, markdown, text; a NULL format ends the table. */
extern const struct rep_renderer rep_renderers[];
/* NULL if there is none. */
const struct rep_renderer *rep_renderer_find(const char *format);
/* NULL-terminated, for messages. */
extern const char *const rep_renderer_words[];

/* Make plots/, report.html, junit.xml and summary.md from DIR/report.json; each file is written
 * whole or not at all. A plot that cannot be made (no gnuplot) is named in report.html and is no
 * error. Errors: those of rep_model_load(), OTEL_ERR_IO, _MEMORY, _LIMIT. */
OTEL_MUST_USE enum otel_err rep_render_all(const char *dir, struct otl_detail *reterr);

/* One format into *out (which the caller owns); for html the plots are made first. */
OTEL_MUST_USE enum otel_err rep_render_one(const char *dir, const struct rep_renderer *renderer,
                                           const struct rep_render_options *options,
                                           struct rep_out *out, struct otl_detail *reterr);

#endif
