/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GATE_CHECKS_H
#define HX_GATE_CHECKS_H

#include <stddef.h>

#include <jansson.h>
#include <otel/err.h>

/*
 * Verdicts of two sets of runs of one scenario, row by row: the checks of a report by their id,
 * its expectations by their text. Expectations "baseline.*" speak of another run: they are left
 * out.
 *
 * Threads   no state.
 */

enum { HX_CHANGES_TEXT = 400 };

struct hx_check_changes {
    size_t before; /* rows of A */
    size_t failed; /* fail in a run of B and in none of A; A need not have the row */
    /* Where no run of A failed and none could not be judged: rows that are inconclusive in a run
     * of B, and expectations of A that no run of B has. A check is there where there was
     * something to judge, so that one may come and go. */
    size_t not_judged;
    char text[HX_CHANGES_TEXT]; /* which ones, as far as there is room; "" = none */
};

/* count_a may be 0. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_check_changes(const json_t *const *a, size_t count_a,
                                             const json_t *const *b, size_t count_b,
                                             struct hx_check_changes *ret);

#endif
