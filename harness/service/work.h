/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_WORK_H
#define HX_SERVICE_WORK_H

#include <stdint.h>

/*
 * Busy work: burns CPU time of the calling thread, measured by the thread's CPU clock, so that a
 * busy machine makes it last longer and not do less.
 *
 * Threads   one owner for each struct.
 */

struct hx_work {
    double rounds_per_ns;
    uint64_t sink; /* keeps the compiler from leaving the loop out */
};

/* Measures the loop for about 2 ms. */
void hx_work_calibrate(struct hx_work *work);
void hx_work_burn(struct hx_work *work, uint64_t ns);

#endif
