/* SPDX-License-Identifier: Apache-2.0 */
/* The SDK's threads as a program makes them that has left its network: in the one before. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>

#include "sdk/tests/put/put.h"

struct start {
    int net;
    void *(*run)(void *arg);
    void *arg;
};

static void *run_there(void *arg)
{
    struct start start = *(struct start *)arg;

    free(arg);
    if (setns(start.net, CLONE_NEWNET) != 0)
        abort();
    return start.run(start.arg);
}

int put_thread_in_net(void *net, pthread_t *ret_thread, void *(*run)(void *arg), void *run_arg)
{
    struct start *start = malloc(sizeof(*start));
    int failed;

    if (start == NULL)
        return ENOMEM;
    *start = (struct start){*(const int *)net, run, run_arg};
    failed = pthread_create(ret_thread, NULL, run_there, start);
    if (failed != 0)
        free(start);
    return failed;
}

void *put_net(struct otel_str path)
{
    static int net;

    net = open(path.data, O_RDONLY | O_CLOEXEC);
    return &net;
}

/* leave_net: this thread, and those that it makes, are in an empty network from now on */
static void do_leave_net(struct put *put, struct put_words *words)
{
    (void)words;
    if (unshare(CLONE_NEWNET) == 0)
        fprintf(put->out, "ok");
    else
        put_no(put, "unshare");
}

const struct put_command put_thread_commands[] = {{"leave_net", do_leave_net}, {NULL, NULL}};
