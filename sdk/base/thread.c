/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/thread.h"

#include <signal.h>
#include <stddef.h>

enum otel_err otl_thread_start(const struct otl_thread_maker *maker, pthread_t *ret_thread,
                               void *(*run)(void *), void *arg)
{
    sigset_t all, before;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = maker->create != NULL ? maker->create(maker->arg, ret_thread, run, arg)
                                 : pthread_create(ret_thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code == 0 ? OTEL_OK : OTEL_ERR_THREAD;
}
