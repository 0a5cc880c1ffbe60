/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/tests/shortage.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS_MAX = 100 };

static struct rlimit before;

void shortage_begin(void)
{
    int lowest = dup(STDERR_FILENO);
    struct rlimit none;

    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

void shortage_end(void)
{
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static int count_listener(const struct event_base *base, const struct event *event, void *arg)
{
    unsigned *count = arg;
    socklen_t len = sizeof(int);
    int listens = 0;

    (void)base;
    if ((event_get_events(event) & EV_READ) != 0 &&
        getsockopt(event_get_fd(event), SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0)
        *count += listens != 0;
    return 0;
}

unsigned shortage_listeners(struct event_base *base)
{
    unsigned count = 0;

    event_base_foreach_event(base, count_listener, &count);
    return count;
}

void shortage_await_listeners(struct event_base *base, unsigned wanted)
{
    for (int i = 0; i < TURNS_MAX && shortage_listeners(base) != wanted; i++)
        event_base_loop(base, EVLOOP_ONCE);
    if (shortage_listeners(base) != wanted) {
        shortage_end();
        assert_int_equal(shortage_listeners(base), wanted);
    }
}
