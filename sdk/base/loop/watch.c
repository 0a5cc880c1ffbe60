/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of the loop. Events lie in memory of our own, so that a forked child can give
 * them back without libevent, which would take them out of the set that parent and child share. */
#include <errno.h>
#include <event2/event.h>
#include <otel/sdk/loop.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/loop/loop.h"
#include "sdk/base/mem.h"

struct otel_sdk_watch {
    struct event_base *base;
    int fd;
    otel_sdk_watch_fn *ready;
    void *arg;
    alignas(max_align_t) unsigned char event[]; /* of event_get_struct_event_size() bytes */
};

struct otel_sdk_waker {
    int fd;
    otel_sdk_woken_fn *woken;
    void *arg;
    struct otel_sdk_watch *watch;
};

static struct event *event_of(struct otel_sdk_watch *watch)
{
    return (struct event *)(void *)watch->event;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct otel_sdk_watch *watch = arg;
    unsigned came = 0;

    (void)fd;
    if (what & EV_READ)
        came |= OTEL_SDK_WATCH_READ;
    if (what & EV_WRITE)
        came |= OTEL_SDK_WATCH_WRITE;
    if (what & EV_TIMEOUT)
        came |= OTEL_SDK_WATCH_TIME;
    watch->ready(watch->arg, came); /* which may free the watch */
}

enum otel_err otel_sdk_watch_new(struct otel_sdk_loop *loop, int fd, otel_sdk_watch_fn *ready,
                                 void *arg, struct otel_sdk_watch **ret)
{
    struct otel_sdk_watch *watch;

    if (loop == NULL || ready == NULL)
        return OTEL_ERR_ARGUMENT;
    watch = otl_mem_zalloc(sizeof(*watch) + event_get_struct_event_size());
    if (watch == NULL)
        return OTEL_ERR_MEMORY;
    watch->base = otl_loop_base(loop);
    watch->fd = fd;
    watch->ready = ready;
    watch->arg = arg;
    if (event_assign(event_of(watch), watch->base, -1, 0, on_event, watch) != 0) {
        otl_mem_free(watch);
        return OTEL_ERR_MEMORY;
    }
    *ret = watch;
    return OTEL_OK;
}

/* Asked before libevent is, which would write about a descriptor that it cannot watch to standard
 * error. Sockets, pipes and what has no type (eventfd and its like) can be; of devices only epoll
 * itself knows. */
static bool can_be_watched(int fd)
{
    struct epoll_event nothing = {0};
    struct stat st;
    bool can;
    int set;

    if (fstat(fd, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return false;
    if (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode) || (st.st_mode & S_IFMT) == 0)
        return true;
    set = epoll_create1(EPOLL_CLOEXEC);
    can = set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &nothing) == 0;
    if (set >= 0)
        close(set);
    return can;
}

enum otel_err otel_sdk_watch_start(struct otel_sdk_watch *watch, unsigned what, uint64_t delay_ns)
{
    short wanted = 0;
    struct timeval delay = {(time_t)(delay_ns / OTL_NS_PER_S),
                            (suseconds_t)(delay_ns % OTL_NS_PER_S / OTL_NS_PER_US)};
    bool timed = delay_ns != OTEL_SDK_WATCH_NO_DELAY;

    if ((what & ~(unsigned)(OTEL_SDK_WATCH_READ | OTEL_SDK_WATCH_WRITE)) != 0 ||
        (what == 0 && !timed) || (what != 0 && watch->fd < 0))
        return OTEL_ERR_ARGUMENT;
    if (what & OTEL_SDK_WATCH_READ)
        wanted |= EV_READ;
    if (what & OTEL_SDK_WATCH_WRITE)
        wanted |= EV_WRITE;
    event_del(event_of(watch));
    if (what != 0 && !can_be_watched(watch->fd))
        return OTEL_ERR_IO;
    if (event_assign(event_of(watch), watch->base, what != 0 ? watch->fd : -1, wanted, on_event,
                     watch) != 0)
        return OTEL_ERR_ARGUMENT;
    event_base_update_cache_time(watch->base); /* the delay counts from now, not from the event */
    return event_add(event_of(watch), timed ? &delay : NULL) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
}

void otel_sdk_watch_stop(struct otel_sdk_watch *watch)
{
    if (watch != NULL)
        event_del(event_of(watch));
}

void otel_sdk_watch_free(struct otel_sdk_watch *watch)
{
    otel_sdk_watch_stop(watch);
    otl_mem_free(watch);
}

void otel_sdk_watch_forked(struct otel_sdk_watch *watch)
{
    otl_mem_free(watch);
}

static void on_wake(void *arg, unsigned came)
{
    struct otel_sdk_waker *waker = arg;
    uint64_t count;
    ssize_t got = read(waker->fd, &count, sizeof(count));
    enum otel_err err =
        otel_sdk_watch_start(waker->watch, OTEL_SDK_WATCH_READ, OTEL_SDK_WATCH_NO_DELAY);

    (void)came, (void)got, (void)err; /* what could be watched before can be */
    waker->woken(waker->arg);         /* which may free the waker */
}

enum otel_err otel_sdk_waker_new(struct otel_sdk_loop *loop, otel_sdk_woken_fn *woken, void *arg,
                                 struct otel_sdk_waker **ret)
{
    struct otel_sdk_waker *waker;
    enum otel_err err = OTEL_ERR_IO;

    if (loop == NULL || woken == NULL)
        return OTEL_ERR_ARGUMENT;
    waker = otl_mem_zalloc(sizeof(*waker));
    if (waker == NULL)
        return OTEL_ERR_MEMORY;
    waker->woken = woken;
    waker->arg = arg;
    waker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (waker->fd >= 0)
        err = otel_sdk_watch_new(loop, waker->fd, on_wake, waker, &waker->watch);
    if (err == OTEL_OK)
        err = otel_sdk_watch_start(waker->watch, OTEL_SDK_WATCH_READ, OTEL_SDK_WATCH_NO_DELAY);
    if (err != OTEL_OK) {
        otel_sdk_waker_free(waker);
        return err;
    }
    *ret = waker;
    return OTEL_OK;
}

void otel_sdk_waker_wake(struct otel_sdk_waker *waker)
{
    const uint64_t one = 1;
    int before = errno; /* a signal handler's */
    ssize_t written = write(waker->fd, &one, sizeof(one));

    (void)written; /* EAGAIN: so many wakes are pending already that one more says nothing */
    errno = before;
}

static void end_waker(struct otel_sdk_waker *waker)
{
    if (waker->fd >= 0)
        close(waker->fd);
    otl_mem_free(waker);
}

void otel_sdk_waker_free(struct otel_sdk_waker *waker)
{
    if (waker == NULL)
        return;
    otel_sdk_watch_free(waker->watch);
    end_waker(waker);
}

void otel_sdk_waker_forked(struct otel_sdk_waker *waker)
{
    if (waker == NULL)
        return;
    otel_sdk_watch_forked(waker->watch);
    end_waker(waker);
}
