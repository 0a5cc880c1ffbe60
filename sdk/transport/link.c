/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <event2/event.h>

enum { RECORD_MAX = 16 * 1024 }; /* of TLS */

static void drop_connection(struct otl_link *link)
{
    if (link->session != NULL)
        otl_tls_ops(link->tls)->session_free(link->session);
    link->session = NULL;
    link->shaking = false;
    link->read_waits_write = false;
    link->write_waits_write = false;
    link->write_waits_read = false;
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

/* Keep what TLS said about the end of the connection. */
static void note_failure(struct otl_link *link, enum otl_tls_io io)
{
    snprintf(link->why, sizeof(link->why), "%s", otl_tls_ops(link->tls)->why(link->session));
    link->refused = io == OTL_TLS_REFUSED;
}

static void give_up(struct otl_link *link, enum otel_err err)
{
    drop_connection(link);
    link->handlers->connected(link->context, err);
}

static void shake(struct otl_link *link)
{
    enum otl_tls_io io = otl_tls_ops(link->tls)->handshake(link->session);

    switch (io) {
    case OTL_TLS_DONE:
        link->shaking = false;
        link->handlers->connected(link->context, OTEL_OK);
        break;
    case OTL_TLS_WANT_READ:
        break;
    case OTL_TLS_WANT_WRITE:
        if (!otl_link_await_writable(link))
            give_up(link, OTEL_ERR_MEMORY);
        break;
    case OTL_TLS_END:
    case OTL_TLS_CUT:
    case OTL_TLS_REFUSED:
        note_failure(link, io);
        give_up(link, link->refused ? OTEL_ERR_REFUSED : OTEL_ERR_UNAVAILABLE);
        break;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct otl_link *link = argument;

    (void)fd;
    (void)what;
    if (link->shaking) {
        shake(link);
    } else if (link->write_waits_read) {
        link->write_waits_read = false;
        link->handlers->writable(link->context); /* what is left to read calls again */
    } else {
        link->handlers->readable(link->context);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct otl_link *link = argument;

    (void)fd;
    (void)what;
    if (link->shaking) {
        shake(link);
    } else if (link->read_waits_write) {
        link->read_waits_write = false;
        if (link->write_waits_write)
            event_active(link->writable, EV_WRITE, 0); /* the owner's turn comes behind */
        link->handlers->readable(link->context);
    } else {
        link->write_waits_write = false;
        link->handlers->writable(link->context);
    }
}

/* False without memory for it. */
static bool arm_timer(struct otl_link *link)
{
    uint64_t now = otl_clock_mono(link->clock);
    struct timeval tv = otl_timeval(link->deadline_ns > now ? link->deadline_ns - now : 0);

    return event_add(link->timer, &tv) == 0;
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct otl_link *link = argument;

    (void)fd;
    (void)what;
    if (link->deadline_ns == UINT64_MAX)
        return;
    /* The loop's clock is coarse, or the test's stands still. Too early is better than never. */
    if (otl_clock_mono(link->clock) < link->deadline_ns && arm_timer(link))
        return;
    link->deadline_ns = UINT64_MAX;
    link->handlers->timed_out(link->context);
}

static enum otel_err open_session(struct otl_link *link)
{
    struct otl_tls_peer peer = {.fd = link->fd, .host = link->url.host, .h2 = link->h2};
    struct otl_addresses unused;

    peer.is_address = link->url.ipv6 || (strcmp(link->url.host, "localhost") != 0 &&
                                         otl_resolve_now(link->url.host, 1, &unused));
    link->shaking = true;
    return otl_tls_session(link->tls, &peer, &link->session);
}

static enum otel_err open_connection(struct otl_link *link, int fd)
{
    link->fd = fd;
    link->opened_ns = otl_clock_mono(link->clock);
    link->readable = event_new(link->base, fd, EV_READ | EV_PERSIST, on_readable, link);
    link->writable = event_new(link->base, fd, EV_WRITE, on_writable, link);
    if (link->readable == NULL || link->writable == NULL || event_add(link->readable, NULL) != 0)
        return OTEL_ERR_MEMORY;
    return link->tls != NULL ? open_session(link) : OTEL_OK;
}

static void on_connected(void *context, enum otel_err err, int fd)
{
    struct otl_link *link = context;

    if (err == OTEL_OK)
        err = open_connection(link, fd);
    else
        snprintf(link->why, sizeof(link->why), "%s",
                 err == OTEL_ERR_NOT_FOUND ? "no host of this name is known"
                                           : otl_connector_why(link->connector));
    if (err != OTEL_OK)
        give_up(link, err);
    else if (link->shaking)
        shake(link);
    else
        link->handlers->connected(link->context, OTEL_OK);
}

enum otel_err otl_link_init(struct otl_link *link, const struct otl_link_options *options)
{
    struct otl_connector_options connector = {.base = options->base,
                                              .clock = options->clock,
                                              .url = &link->url,
                                              .look_up = options->look_up,
                                              .threads = options->threads,
                                              .done = on_connected,
                                              .context = link};
    enum otel_err err;

    memset(link, 0, sizeof(*link));
    link->fd = -1;
    link->deadline_ns = UINT64_MAX;
    if (options->url->tls && options->tls == NULL)
        return OTEL_ERR_UNSUPPORTED;
    link->tls = options->url->tls ? options->tls : NULL;
    link->h2 = options->h2;
    link->max_age_ns = options->max_age_ns;
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

bool otl_link_is_old(const struct otl_link *link)
{
    return link->fd >= 0 && link->max_age_ns != 0 &&
           otl_clock_mono(link->clock) - link->opened_ns >= link->max_age_ns;
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
    link->why[0] = '\0';
    link->refused = false;
    otl_connector_start(link->connector, link->deadline_ns);
}

void otl_link_close(struct otl_link *link)
{
    otl_connector_cancel(link->connector);
    drop_connection(link);
}

bool otl_link_deadline(struct otl_link *link, uint64_t deadline_ns)
{
    link->deadline_ns = deadline_ns;
    if (deadline_ns != UINT64_MAX && arm_timer(link))
        return true;
    otl_link_no_deadline(link);
    return deadline_ns == UINT64_MAX;
}

void otl_link_no_deadline(struct otl_link *link)
{
    link->deadline_ns = UINT64_MAX;
    event_del(link->timer);
}

bool otl_link_await_writable(struct otl_link *link)
{
    if (link->write_waits_read)
        return true; /* TLS: reading comes first, and calls writable */
    link->write_waits_write = true;
    return event_add(link->writable, NULL) == 0;
}

/* As an errno. */
static ssize_t again(struct otl_link *link, enum otl_tls_io io)
{
    errno = EAGAIN;
    if (io == OTL_TLS_END)
        return 0;
    if (io == OTL_TLS_CUT || io == OTL_TLS_REFUSED) {
        note_failure(link, io);
        errno = EPROTO;
    }
    return -1;
}

ssize_t otl_link_read(struct otl_link *link, void *data, size_t size)
{
    enum otl_tls_io io;
    size_t len = 0;

    if (link->session == NULL)
        return recv(link->fd, data, size, 0);
    io = otl_tls_ops(link->tls)->read(link->session, data, size, &len);
    if (io == OTL_TLS_DONE)
        return (ssize_t)len;
    link->read_waits_write = io == OTL_TLS_WANT_WRITE;
    if (link->read_waits_write && event_add(link->writable, NULL) != 0) {
        errno = ENOMEM;
        return -1;
    }
    return again(link, io);
}

/* Parts that fit go into one record. */
static struct iovec join(const struct iovec *parts, size_t count, char record[RECORD_MAX])
{
    struct iovec whole = {record, 0};

    if (count == 1 || parts[0].iov_len >= RECORD_MAX)
        return parts[0];
    for (size_t i = 0; i < count && whole.iov_len < RECORD_MAX; i++) {
        size_t len = parts[i].iov_len, room = RECORD_MAX - whole.iov_len;
        if (len > room)
            len = room;
        memcpy(record + whole.iov_len, parts[i].iov_base, len);
        whole.iov_len += len;
    }
    return whole;
}

ssize_t otl_link_write(struct otl_link *link, const struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    char record[RECORD_MAX];
    struct iovec whole;
    enum otl_tls_io io;
    size_t len = 0;

    if (link->session == NULL)
        return sendmsg(link->fd, &message, MSG_NOSIGNAL);
    whole = join(parts, count, record);
    io = otl_tls_ops(link->tls)->write(link->session, whole.iov_base, whole.iov_len, &len);
    if (io == OTL_TLS_DONE)
        return (ssize_t)len;
    link->write_waits_read = io == OTL_TLS_WANT_READ;
    return again(link, io == OTL_TLS_END ? OTL_TLS_CUT : io);
}

bool otl_link_refused(const struct otl_link *link)
{
    return link->refused;
}

const char *otl_link_why(const struct otl_link *link)
{
    return link->why;
}
