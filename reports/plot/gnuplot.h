/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_PLOT_GNUPLOT_H
#define REP_PLOT_GNUPLOT_H

#include <stddef.h>

#include <otel/err.h>

/*
 * Runs gnuplot once: no shell, its own working directory, a time limit.
 *
 * Threads   the calling process must not reap children it does not know while this runs.
 */

struct rep_gnuplot_run {
    const char *dir;    /* working directory */
    const char *script; /* in it; gets output and theme as its arguments */
    const char *output;
    const char *theme;
    unsigned limit_seconds;
};

/* OTEL_ERR_NOT_FOUND: there is no gnuplot on the PATH. OTEL_ERR_TIMEOUT: killed. OTEL_ERR_IO: it
 * ended badly. On every error problem (size bytes) says what happened. */
OTEL_MUST_USE enum otel_err rep_gnuplot(const struct rep_gnuplot_run *run, char *problem,
                                        size_t size);

#endif
