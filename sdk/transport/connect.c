/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <event2/event.h>

#include "sdk/base/mem.h"

#define NO_DEADLINE_SHARE_NS (30 * OTL_NS_PER_S)

struct otl_connector {
    struct otl_connector_options options;
    struct otl_lookup *lookup;
    struct event *step; /* what to do next, from the loop */
    struct event *ready; /* the socket became writable, or its share of time passed */
    struct otl_addresses addresses;
    size_t next; /* the address to try */
    int fd;
    enum otel_err err;
    int code; /* errno of the last address that said something; 0: none did */
    uint64_t deadline_ns;
    uint64_t share_end_ns;
};

static void try_next(struct otl_connector *c);

struct timeval otl_timeval(uint64_t ns)
{
    const uint64_t day_us = 24ULL * 3600 * 1000000;
    uint64_t us = ns / OTL_NS_PER_US;
    struct timeval tv;

    if (us < 1000)
        us = 1000;
    if (us > day_us)
        us = day_us;
    tv.tv_sec = (time_t)(us / 1000000);
    tv.tv_usec = (suseconds_t)(us % 1000000);
    return tv;
}

static void drop_socket(struct otl_connector *c)
{
    if (c->ready != NULL)
        event_free(c->ready);
    c->ready = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static void finish(struct otl_connector *c, enum otel_err err)
{
    int fd = c->fd;

    if (err == OTEL_OK)
        c->fd = -1;
    else
        fd = -1;
    drop_socket(c);
    c->addresses.count = 0;
    c->options.done(c->options.context, err, fd); /* last: may start again */
}

static uint64_t share_end(const struct otl_connector *c, uint64_t now)
{
    size_t left = c->addresses.count - c->next + 1;

    if (c->deadline_ns == UINT64_MAX)
        return now + NO_DEADLINE_SHARE_NS;
    return now + (c->deadline_ns - now) / left;
}

static bool wait_ready(struct otl_connector *c, uint64_t now)
{
    struct timeval tv = otl_timeval(c->share_end_ns > now ? c->share_end_ns - now : 0);

    return event_add(c->ready, &tv) == 0;
}

/* Where nobody listens at a port from which the system takes those of clients, it may take that
 * very one, and TCP connects the socket to itself: what is sent comes back as the answer. */
static bool is_itself(int fd)
{
    struct sockaddr_storage own, peer;
    socklen_t own_len = sizeof(own), peer_len = sizeof(peer);
    const struct linger at_once = {1, 0};

    memset(&own, 0, sizeof(own));
    memset(&peer, 0, sizeof(peer));
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0 || own_len != peer_len ||
        memcmp(&own, &peer, own_len) != 0)
        return false;
    /* the port is free again as soon as it is closed */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return true;
}

/* Of an address that this machine has no way to, ::1 where there is no IPv6, nothing is told about
 * the server: what another one said stays. */
static void note_failure(struct otl_connector *c, enum otel_err err, int code)
{
    bool no_way = code == EADDRNOTAVAIL || code == EAFNOSUPPORT || code == ENETUNREACH;

    c->err = err;
    if (c->code == 0 || !no_way)
        c->code = code;
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    struct otl_connector *c = argument;
    uint64_t now = otl_clock_mono(c->options.clock);
    socklen_t len = sizeof(int);
    int code = ETIMEDOUT;

    if (what & EV_WRITE) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 && code == 0) {
            if (!is_itself(fd)) {
                finish(c, OTEL_OK);
                return;
            }
            code = ECONNREFUSED;
        }
    } else if (now < c->share_end_ns && wait_ready(c, now)) {
        return; /* the loop's clock is coarse, or the test's stands still */
    }
    note_failure(c, now >= c->deadline_ns ? OTEL_ERR_TIMEOUT : OTEL_ERR_UNAVAILABLE, code);
    drop_socket(c);
    try_next(c);
}

/* True: connected or under way. */
static bool begin_connect(struct otl_connector *c, const struct otl_address *address, uint64_t now)
{
    int one = 1;

    c->fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return false;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (const struct sockaddr *)&address->storage, address->len) != 0 &&
        errno != EINPROGRESS && errno != EINTR)
        return false;
    c->ready = event_new(c->options.base, c->fd, EV_WRITE, on_ready, c);
    c->share_end_ns = share_end(c, now);
    return c->ready != NULL && wait_ready(c, now);
}

static void try_next(struct otl_connector *c)
{
    while (c->next < c->addresses.count) {
        uint64_t now = otl_clock_mono(c->options.clock);
        if (now >= c->deadline_ns) {
            finish(c, OTEL_ERR_TIMEOUT);
            return;
        }
        if (begin_connect(c, &c->addresses.items[c->next++], now))
            return;
        note_failure(c, OTEL_ERR_UNAVAILABLE, errno);
        drop_socket(c);
    }
    finish(c, c->err);
}

static void on_addresses(void *context, enum otel_err err, const struct otl_addresses *addresses)
{
    struct otl_connector *c = context;

    c->lookup = NULL;
    if (err != OTEL_OK) {
        finish(c, err);
        return;
    }
    c->addresses = *addresses;
    try_next(c);
}

static void on_step(evutil_socket_t fd, short what, void *argument)
{
    struct otl_connector *c = argument;
    const struct otl_url *url = c->options.url;
    struct otl_lookup_options lookup = {.base = c->options.base,
                                        .look_up = c->options.look_up,
                                        .host = url->host,
                                        .port = url->port,
                                        .threads = c->options.threads,
                                        .done = on_addresses,
                                        .context = c};
    enum otel_err err;

    (void)fd;
    (void)what;
    c->next = 0;
    c->code = 0;
    c->err = OTEL_ERR_UNAVAILABLE;
    if (otl_resolve_now(url->host, url->port, &c->addresses)) {
        try_next(c);
        return;
    }
    err = otl_lookup_start(&lookup, &c->lookup);
    if (err != OTEL_OK)
        finish(c, err);
}

enum otel_err otl_connector_new(const struct otl_connector_options *options,
                                struct otl_connector **ret)
{
    struct otl_connector *c = otl_mem_zalloc(sizeof(*c));

    if (c == NULL)
        return OTEL_ERR_MEMORY;
    c->options = *options;
    c->fd = -1;
    c->step = event_new(options->base, -1, 0, on_step, c);
    if (c->step == NULL) {
        otl_mem_free(c);
        return OTEL_ERR_MEMORY;
    }
    *ret = c;
    return OTEL_OK;
}

void otl_connector_start(struct otl_connector *c, uint64_t deadline_ns)
{
    c->deadline_ns = deadline_ns;
    event_active(c->step, 0, 0);
}

const char *otl_connector_why(const struct otl_connector *c)
{
    const char *text = c->code != 0 ? strerrordesc_np(c->code) : NULL;

    return text != NULL ? text : "";
}

void otl_connector_cancel(struct otl_connector *c)
{
    event_del(c->step);
    otl_lookup_cancel(c->lookup);
    c->lookup = NULL;
    drop_socket(c);
}

void otl_connector_free(struct otl_connector *c)
{
    if (c == NULL)
        return;
    otl_connector_cancel(c);
    event_free(c->step);
    otl_mem_free(c);
}

void otl_connector_abandon(struct otl_connector *c)
{
    otl_lookup_abandon(c->lookup);
    if (c->fd >= 0)
        close(c->fd);
}
