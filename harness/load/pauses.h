/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_PAUSES_H
#define HX_LOAD_PAUSES_H

#include <stdint.h>

/*
 * Pauses: stretches in which the load client was not run. A machine that is taken away as a whole
 * says nothing of it: no time is counted as stolen where the hypervisor does not tell, and every
 * timer of the run is late by the same time. What tells is a timer that comes often.
 *
 * Look each HX_PAUSE_TICK_NS. What comes later than HX_PAUSE_FROM_NS is a pause; it lasted what is
 * counted, or up to a tick longer.
 *
 * Life      a value, all zero at first.
 * Threads   one owner.
 */

enum { HX_PAUSE_TICK_NS = 20 * 1000 * 1000, HX_PAUSE_FROM_NS = 100 * 1000 * 1000 };

struct hx_pauses {
    uint64_t due_ns;     /* of the next look; 0 = there was none yet */
    uint64_t count;
    uint64_t total_ns;
    uint64_t longest_ns;
    uint64_t longest_at; /* when it was over, on the clock of the looks */
};

/* Between two looks before from_ns nothing counts: what comes before the measured time. */
void hx_pauses_look(struct hx_pauses *pauses, uint64_t now_ns, uint64_t from_ns);

#endif
