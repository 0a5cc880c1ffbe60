/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_PIPE_H
#define OTL_PIPE_H

#include <signal.h>
#include <stdbool.h>

/*
 * write() on a thread of the guest's program, where a pipe without a reader must not kill it: no
 * SIGPIPE comes of what is written between begin and end. One that was pending before stays so.
 *
 * Programs of our own have no need of it: they ignore SIGPIPE, or mean to die of it.
 *
 * Threads   begin and end on the same one; other threads of the program see nothing.
 */

struct otl_pipe_guard {
    sigset_t before;
    bool was_pending;
};

void otl_pipe_guard_begin(struct otl_pipe_guard *guard);
/* broken: a write() failed with EPIPE. errno stays as it is. */
void otl_pipe_guard_end(const struct otl_pipe_guard *guard, bool broken);

#endif
