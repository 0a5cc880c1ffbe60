/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GATE_MEASURES_H
#define HX_GATE_MEASURES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "harness/gate/threshold.h"

/*
 * What two sets of runs are compared by, in order of trust: what was right, what was sent, how many
 * instructions it took, how long it took.
 */

enum hx_measure_group {
    HX_MEASURE_COUNT, /* hits of trials: pooled over runs, no noise */
    HX_MEASURE_SIZE,  /* one value a run that hardly depends on the machine */
    HX_MEASURE_INSTRUCTIONS, /* the same, counted under callgrind */
    HX_MEASURE_CLOCK  /* one value a run, of this machine only */
};

struct hx_measure {
    const char *id;
    const char *title;
    enum hx_measure_group group;
    enum hx_figure_kind kind; /* of the value; a count's is a share */
    bool by_chance; /* count: hits are expected in a healthy run, their share varies by chance */
    bool any_way;   /* size: less is as much a change as more */
    bool of_load;   /* clock: tells nothing when the generator was the limit */
    /* False: the report does not know it. A count's value is its hits. */
    bool (*read)(const json_t *report, double *ret_value, double *ret_trials);
};

extern const struct hx_measure hx_measures[]; /* a NULL id ends the table */

#endif
