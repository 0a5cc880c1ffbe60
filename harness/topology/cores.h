/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TOPOLOGY_CORES_H
#define HX_TOPOLOGY_CORES_H

#include <stdbool.h>

/*
 * Who runs where when the load client never sleeps (load.pacer spin): the client alone on the last
 * core that it may use, services on the others. Otherwise a service that the client wakes may be
 * put behind it and wait for milliseconds.
 *
 * Not for programs that the scenario names (command:): they run where their user lets them.
 *
 * Threads   for the calling thread and those that it starts afterwards.
 */

/* False: there is one core only, or the system refuses; all stays as it was. */
bool hx_cores_alone(void);  /* on the last */
bool hx_cores_beside(void); /* on all but the last */

#endif
