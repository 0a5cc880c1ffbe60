/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_ENVIRONMENT_H
#define HX_ENVIRONMENT_H

#include <stdint.h>

#include <jansson.h>

/*
 * Environment: the machine and the build that a run took place on, as report.json's
 * "environment". What cannot be read is left out, never guessed.
 *
 * Threads   none.
 * Memory    the result is the caller's.
 */

/* CPU time counters of the machine, for the share stolen by the hypervisor during a run. */
struct hx_cpu_times {
    uint64_t total;
    uint64_t steal;
    uint64_t idle;
};

void hx_cpu_times_read(struct hx_cpu_times *ret);

/* before: read when the run began; may be NULL. NULL on failing allocation. */
json_t *hx_environment_new(const struct hx_cpu_times *before);

#endif
