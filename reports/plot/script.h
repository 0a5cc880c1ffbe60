/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_PLOT_SCRIPT_H
#define REP_PLOT_SCRIPT_H

#include <stdbool.h>

#include "reports/model.h"
#include "reports/out.h"

/*
 * gnuplot scripts and their data files. A script takes the output file and the theme ("light" or
 * "dark") as its arguments and reads NAME.dat in the working directory.
 *
 * Threads, memory   no state; text goes to the two outs.
 */

struct rep_script {
    const char *name;    /* of the plot */
    struct rep_out text; /* NAME.gp */
    struct rep_out data; /* NAME.dat */
    bool too_short;      /* a series of the panel is there, but no curve of two points */
};

/* Each returns false when there is nothing to draw. */
bool rep_script_percentiles(struct rep_script *script, const struct rep_model *model);
bool rep_script_histogram(struct rep_script *script, const struct rep_model *model);
/* All series of one panel on one time axis, warm-up and drain shaded. */
bool rep_script_series(struct rep_script *script, const struct rep_model *model, const char *panel);
/* What consumer groups went through, panels of one time axis one below the other: handlings,
 * redeliveries, lag, staleness, rounds; events marked, faults shaded. */
bool rep_script_group(struct rep_script *script, const struct rep_model *model);
/* Is it one of those panels? */
bool rep_script_in_group(const char *panel);

#endif
