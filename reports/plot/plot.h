/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_PLOT_H
#define REP_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/model.h"

/*
 * Plots: data and gnuplot scripts out of report.json, and the SVGs that gnuplot makes of them.
 *
 * In DIR/plots each plot leaves NAME.dat, NAME.gp (to draw it again: gnuplot -c NAME.gp),
 * NAME.svg and NAME-dark.svg. No text out of report.json goes into a script but titles, reduced to
 * letters, digits and a few signs. gnuplot runs without a shell, with a time limit; an SVG appears
 * under its name only when gnuplot ended well.
 *
 * Life      rep_plots_make() -> read -> rep_plots_fini(). Making never fails as a whole: what could
 *           not be made has a problem and no bytes.
 * Limits    REP_PLOTS_MAX plots, REP_PLOT_SERIES_MAX curves each, REP_PLOT_SECONDS a gnuplot run.
 */

enum { REP_PLOTS_MAX = 24, REP_PLOT_SERIES_MAX = 12, REP_PLOT_SECONDS = 20 };

struct rep_plot {
    char name[48];     /* file name without its ending; [a-z0-9_-] */
    const char *title; /* out of the model or a constant: hostile, to be escaped */
    const char *panel; /* of the series; NULL for percentiles and histogram */
    char *light;       /* SVG, NUL-terminated; NULL when it could not be made */
    size_t light_len;
    char *dark;
    size_t dark_len;
    char problem[512]; /* why not, or "" */
    bool too_short;    /* fewer than two samples: there is nothing to draw, and no file */
};

struct rep_plots {
    struct rep_plot items[REP_PLOTS_MAX];
    size_t count;
    bool no_gnuplot; /* it is not installed: asked once */
};

void rep_plots_make(struct rep_plots *plots, const struct rep_model *model);
void rep_plots_fini(struct rep_plots *plots);
/* NULL if there is none of this name. */
const struct rep_plot *rep_plots_find(const struct rep_plots *plots, const char *name);

#endif
