/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/tests/grpc_thread.h"

#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

static void on_stop(evutil_socket_t fd, short what, void *argument)
{
    struct gsrv_thread *t = argument;

    (void)fd;
    (void)what;
    event_base_loopbreak(t->base);
}

static void *run(void *argument)
{
    struct gsrv_thread *t = argument;

    event_base_dispatch(t->base);
    return NULL;
}

void gsrv_thread_start(struct gsrv_thread *t)
{
    gsrv_thread_start_with(t, NULL, 0);
}

void gsrv_thread_start_with(struct gsrv_thread *t, const struct gsrv_step *steps, size_t count)
{
    t->base = event_base_new();
    if (t->base == NULL || pipe(t->ends) != 0)
        abort();
    t->srv = gsrv_new(t->base);
    t->port = gsrv_port(t->srv);
    for (size_t i = 0; i < count; i++)
        gsrv_push(t->srv, &steps[i]);
    t->stop = event_new(t->base, t->ends[0], EV_READ, on_stop, t);
    if (t->stop == NULL || event_add(t->stop, NULL) != 0 ||
        pthread_create(&t->thread, NULL, run, t) != 0)
        abort();
}

void gsrv_thread_stop(struct gsrv_thread *t)
{
    if (write(t->ends[1], "", 1) != 1)
        abort();
    pthread_join(t->thread, NULL);
}

void gsrv_thread_fini(struct gsrv_thread *t)
{
    gsrv_free(t->srv);
    event_free(t->stop);
    event_base_free(t->base);
    close(t->ends[0]);
    close(t->ends[1]);
}
