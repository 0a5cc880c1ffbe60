/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/link.h"

#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <event2/event.h>

static void drop_connection(struct otl_link *link)
{
    if (link->readable != NULL)
        event_free(link->readable);
    if (link->writable != NULL)
        event_free(link->writable);
    link->readable = NULL;
    link->writable = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct otl_link *link = argument;

    (void)fd;
    (void)what;
    link->handlers->readable(link->context);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct otl_link *link = argument;

    (void)fd;
    (void)what;
    link->handlers->writable(link->context);
}

static void arm_timer(struct otl_link *link)
{
    uint64_t now = otl_clock_mono(link->clock);
    struct timeval tv = otl_timeval(link->deadline_ns > now ? link->deadline_ns - now : 0);

    event_add(link->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct otl_link *link = argument;

    (void)fd;
    (void)what;
    if (link->deadline_ns == UINT64_MAX)
        return;
    if (otl_clock_mono(link->clock) < link->deadline_ns) {
        arm_timer(link); /* the loop's clock is coarse, or the test's stands still */
        return;
    }
    link->deadline_ns = UINT64_MAX;
    link->handlers->timed_out(link->context);
}

static void on_connected(void *context, enum otel_err err, int fd)
{
    struct otl_link *link = context;

    if (err == OTEL_OK) {
        link->fd = fd;
        link->readable = event_new(link->base, fd, EV_READ | EV_PERSIST, on_readable, link);
        link->writable = event_new(link->base, fd, EV_WRITE, on_writable, link);
        if (link->readable == NULL || link->writable == NULL ||
            event_add(link->readable, NULL) != 0) {
            drop_connection(link);
            err = OTEL_ERR_MEMORY;
        }
    }
    link->handlers->connected(link->context, err);
}

enum otel_err otl_link_init(struct otl_link *link, const struct otl_link_options *options)
{
    struct otl_connector_options connector = {.base = options->base,
                                              .clock = options->clock,
                                              .url = &link->url,
                                              .look_up = options->look_up,
                                              .done = on_connected,
                                              .context = link};
    enum otel_err err;

    memset(link, 0, sizeof(*link));
    link->fd = -1;
    link->deadline_ns = UINT64_MAX;
    if (options->url->tls)
        return OTEL_ERR_UNSUPPORTED;
    link->base = options->base;
    link->clock = options->clock;
    link->url = *options->url;
    link->handlers = options->handlers;
    link->context = options->context;
    err = otl_connector_new(&connector, &link->connector);
    if (err != OTEL_OK)
        return err;
    link->timer = event_new(link->base, -1, 0, on_timer, link);
    return link->timer != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

void otl_link_fini(struct otl_link *link)
{
    drop_connection(link);
    otl_connector_free(link->connector);
    if (link->timer != NULL)
        event_free(link->timer);
    link->connector = NULL;
    link->timer = NULL;
}

void otl_link_abandon(struct otl_link *link)
{
    otl_connector_abandon(link->connector);
    if (link->fd >= 0)
        close(link->fd);
}

void otl_link_connect(struct otl_link *link)
{
    otl_connector_start(link->connector, link->deadline_ns);
}

void otl_link_close(struct otl_link *link)
{
    otl_connector_cancel(link->connector);
    drop_connection(link);
}

void otl_link_deadline(struct otl_link *link, uint64_t deadline_ns)
{
    link->deadline_ns = deadline_ns;
    if (deadline_ns == UINT64_MAX)
        event_del(link->timer);
    else
        arm_timer(link);
}

bool otl_link_await_writable(struct otl_link *link)
{
    return event_add(link->writable, NULL) == 0;
}
