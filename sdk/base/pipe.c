/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/pipe.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

void otl_pipe_guard_begin(struct otl_pipe_guard *guard)
{
    sigset_t pipe_signal, pending;

    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &guard->before);
    guard->was_pending = sigismember(&guard->before, SIGPIPE) && sigpending(&pending) == 0 &&
                         sigismember(&pending, SIGPIPE);
}

/* Ours is pending for this thread, which sigtimedwait() takes before those of the process. */
static void consume(const sigset_t *pipe_signal)
{
    static const struct timespec at_once = {0, 0};

    while (sigtimedwait(pipe_signal, NULL, &at_once) < 0 && errno == EINTR) {
    }
}

void otl_pipe_guard_end(const struct otl_pipe_guard *guard, bool broken)
{
    int why = errno;
    sigset_t pipe_signal;

    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    if (broken && !guard->was_pending)
        consume(&pipe_signal);
    if (!sigismember(&guard->before, SIGPIPE))
        pthread_sigmask(SIG_UNBLOCK, &pipe_signal, NULL);
    errno = why;
}
