/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/loop/loop.h"

#include <event2/event.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/loop/descriptors.h"
#include "sdk/base/mem.h"

struct otel_sdk_loop {
    struct event_base *base;
    struct event *wake;
    struct event *limit; /* of run_until */
    otl_loop_wake_fn *on_wake;
    void *arg;
    int wake_fd;
    struct otl_base_descriptors of_base;
};

static void wake_ready(evutil_socket_t fd, short what, void *arg)
{
    struct otel_sdk_loop *loop = arg;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) < 0)
        return; /* another callback of this round has read it */
    loop->on_wake(loop->arg);
}

static void limit_reached(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* its only purpose is to end event_base_loop() */
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

enum otel_err otl_loop_new(otl_loop_wake_fn *on_wake, void *arg, struct otel_sdk_loop **ret)
{
    struct otel_sdk_loop *loop = otl_mem_zalloc(sizeof(*loop));
    struct otl_open_before before;

    if (loop == NULL)
        return OTEL_ERR_MEMORY;
    loop->on_wake = on_wake;
    loop->arg = arg;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        goto fail;
    otl_descriptors_look(&before);
    loop->base = new_base();
    otl_descriptors_found(&before, &loop->of_base);
    if (loop->base == NULL)
        goto fail;
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, wake_ready, loop);
    loop->limit = event_new(loop->base, -1, 0, limit_reached, loop);
    if (loop->wake == NULL || loop->limit == NULL || event_add(loop->wake, NULL) != 0)
        goto fail;
    *ret = loop;
    return OTEL_OK;
fail:
    otl_loop_free(loop);
    return OTEL_ERR_IO;
}

void otl_loop_free(struct otel_sdk_loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->limit != NULL)
        event_free(loop->limit);
    if (loop->wake != NULL)
        event_free(loop->wake);
    if (loop->base != NULL)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    otl_mem_free(loop);
}

void otl_loop_forked(struct otel_sdk_loop *loop)
{
    if (loop == NULL)
        return;
    /* The parent's thread may have been in the middle of changing the base: it is left as it is,
     * and freeing it would take the parent's descriptors out of the epoll set they share. */
    otl_descriptors_close(&loop->of_base);
    close(loop->wake_fd);
    otl_mem_free(loop);
}

struct event_base *otl_loop_base(struct otel_sdk_loop *loop)
{
    return loop->base;
}

void otl_loop_wake(struct otel_sdk_loop *loop)
{
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof(one));

    (void)written; /* EAGAIN: so many wakes are pending already that one more says nothing */
}

void otl_loop_run(struct otel_sdk_loop *loop)
{
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

/* Without memory for a limit: nothing may wait for longer than a moment then. */
static void handle_for_a_moment(struct otel_sdk_loop *loop)
{
    struct pollfd wake = {loop->wake_fd, POLLIN, 0};

    (void)poll(&wake, 1, 1);
    event_base_loop(loop->base, EVLOOP_NONBLOCK);
}

bool otl_loop_run_until(struct otel_sdk_loop *loop, const bool *done, uint64_t deadline_mono_ns)
{
    while (!*done) {
        if (deadline_mono_ns != UINT64_MAX) {
            uint64_t now = otl_clock_mono(otl_clock_real());
            uint64_t left = deadline_mono_ns > now ? deadline_mono_ns - now : 0;
            struct timeval wait = {(time_t)(left / OTL_NS_PER_S),
                                   (suseconds_t)(left % OTL_NS_PER_S / OTL_NS_PER_US) + 1};
            if (left == 0)
                break;
            if (event_add(loop->limit, &wait) != 0) {
                handle_for_a_moment(loop);
                continue;
            }
        }
        event_base_loop(loop->base, EVLOOP_ONCE);
    }
    event_del(loop->limit);
    return *done;
}

void otl_loop_stop(struct otel_sdk_loop *loop)
{
    event_base_loopbreak(loop->base);
}
