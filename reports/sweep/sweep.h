/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_SWEEP_H
#define REP_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <otel/err.h>

#include "reports/out.h"
#include "sdk/base/detail.h"

/*
 * Sweep: sweep.json (schema/sweep.schema.json) in; a table for the terminal, sweep.csv, heat maps
 * and index.html out. Like the renderers of a run it computes nothing.
 *
 * A heat map shows one figure over the first two axes; with more axes there is one for each
 * combination of the others, all in the same colours. They are SVG, PNG above REP_HEAT_SVG_CELLS
 * cells.
 *
 * Life      no state between calls.
 * Threads   one call a directory at a time; waits for gnuplot and no other child.
 * Limits    sweep.json 64 MiB; REP_HEAT_MAX maps (index.html says how many are left out).
 */

/* From the least to the largest value, as CSS has it; heat.c draws with the same. */
#define REP_HEAT_COLOURS "#f5f8ff,#cfe0fc 30%,#9cbefa 65%,#5b8def"

enum { REP_HEAT_SVG_CELLS = 5000, REP_HEAT_MAX = 96 };

/* Write sweep.csv, plots/ and index.html below dir and append the table to *text. A map that
 * cannot be made (no gnuplot) is named in index.html and is no error. OTEL_ERR_NOT_FOUND, _IO,
 * _LIMIT, _MEMORY, OTEL_ERR_SYNTAX: sweep.json breaks its schema. */
OTEL_MUST_USE enum otel_err rep_sweep_render(const char *dir, struct rep_out *text,
                                             struct otl_detail *reterr);

/* ---- inside of this folder, and for its tests ----------------------------------------------- */

struct rep_heat {
    char file[64];     /* below plots/: "heat-dropped_share-1.svg"; "" = not made */
    const json_t *figure;
    char problem[256]; /* why not, or "" */
    size_t first;      /* point whose values of the other axes it has */
};

struct rep_heats {
    struct rep_heat items[REP_HEAT_MAX];
    size_t count;
    size_t left_out;
};

/* Data, script and picture of every map. */
void rep_heats_make(struct rep_heats *heats, const json_t *sweep, const char *dir);
/* Script and data of the map of figure at the values that point first has on the other axes. */
void rep_heat_script(const json_t *sweep, const json_t *figure, size_t first,
                     struct rep_out *script, struct rep_out *data);
/* True: of this figure of the combination no difference is detected. */
bool rep_sweep_undetected(const json_t *point, const char *key);
/* "~: no difference detected: ...", or why there is no "~"; "" where nothing is compared. */
struct rep_sweep_note {
    char text[400];
};
struct rep_sweep_note rep_sweep_note(const json_t *sweep);

/* Least and largest value of a figure in all its maps: the ends of their colours. Undetected
 * differences count as 0. False: it is known nowhere. */
bool rep_heat_range(const json_t *sweep, const json_t *figure, double *ret_low, double *ret_high);
/* The unit that its numbers are drawn in, "%", "ns", "ms" or such, and how much of the figure's own
 * it is. */
const char *rep_heat_unit(const json_t *sweep, const json_t *figure, double *ret_unit);
/* The last word of a path says enough: "max_queue_size" of "tracing.max_queue_size". */
const char *rep_sweep_word(const char *path);
/* ... unless another column of the table has that name: then the whole path. */
const char *rep_sweep_head(const json_t *sweep, const json_t *axis);

/* Cells of a map. */
size_t rep_heat_cells(const json_t *sweep);

void rep_sweep_csv(const json_t *sweep, struct rep_out *out);
void rep_sweep_text(const json_t *sweep, struct rep_out *out);
void rep_sweep_html(const json_t *sweep, const struct rep_heats *heats, const char *dir,
                    struct rep_out *out);

#endif
