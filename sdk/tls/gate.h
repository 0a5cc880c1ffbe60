/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TLS_GATE_H
#define OTL_TLS_GATE_H

#include <stdbool.h>

/*
 * Gate: nobody is inside of OpenSSL while the process forks, and nobody enters once it exits.
 *
 * A fork in the middle of a call would leave OpenSSL's own locks held for ever in the child; at
 * exit OpenSSL takes itself apart while a worker may still be sending. So every call passes
 * through here; fork and exit wait for those inside, which never block.
 *
 * Threads   any.
 */

/* After OpenSSL was first used, so that our exit handler runs before its own. Idempotent. */
void otl_gate_set_up(void);
/* False: the process is exiting; do not call OpenSSL, do not leave. */
bool otl_gate_enter(void);
void otl_gate_leave(void);

#endif
