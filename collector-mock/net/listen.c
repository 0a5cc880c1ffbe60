/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/net/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "sdk/base/mem.h"

enum { BACKLOG = 1024 };

struct col_listener {
    struct event_base *base;
    struct evconnlistener *events; /* owns the socket */
    bool refusing;                 /* it is bound and does not listen */
    void *context;
    void (*on_accept)(void *context, int fd);
    void (*on_shortage)(void *context);
};

/* Of a port that the system has chosen, the system also disposes, as soon as the socket stops to
 * listen; one that was asked for by its number stays. So it is asked for, while fd still has it;
 * fd is consumed. */
static int pin_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    int one = 1, pinned = -1, error;

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        pinned = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (pinned >= 0 &&
        (setsockopt(pinned, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
         bind(pinned, (struct sockaddr *)&address, len) != 0)) {
        error = errno;
        close(pinned);
        errno = error;
        pinned = -1;
    }
    error = errno;
    close(fd);
    errno = error;
    return pinned;
}

static enum otel_err bind_one(const struct addrinfo *ai, bool any_port, int *ret_fd)
{
    int one = 1, error;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return OTEL_ERR_IO;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0) {
        if (any_port)
            fd = pin_port(fd);
        if (fd >= 0 && listen(fd, BACKLOG) == 0) {
            *ret_fd = fd;
            return OTEL_OK;
        }
    }
    error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return OTEL_ERR_IO;
}

static enum otel_err bind_address(const struct col_listen_options *options, int *ret_fd,
                                  struct otl_detail *reterr)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    const char *host = options->host[0] != '\0' ? options->host : NULL;
    enum otel_err err = OTEL_ERR_IO;
    char port[8];
    int code;

    snprintf(port, sizeof(port), "%u", options->port);
    code = getaddrinfo(host, port, &hints, &list);
    if (code != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot resolve '%s': %s",
                              options->host, gai_strerror(code));
    for (const struct addrinfo *ai = list; ai != NULL && err != OTEL_OK; ai = ai->ai_next)
        err = bind_one(ai, options->port == 0, ret_fd);
    freeaddrinfo(list);
    if (err != OTEL_OK)
        otl_detail_set(reterr, err, NULL, 0, 0, "cannot listen on %s:%s: %s", options->host, port,
                       strerror(errno));
    return err;
}

static void name_address(int fd, char *out)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[64] = "?", port[8] = "0";

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    if (strchr(host, ':') != NULL)
        snprintf(out, COL_ADDRESS_SIZE, "[%s]:%s", host, port);
    else
        snprintf(out, COL_ADDRESS_SIZE, "%s:%s", host, port);
}

static void on_accept(struct evconnlistener *events, evutil_socket_t fd, struct sockaddr *address,
                      int len, void *arg)
{
    struct col_listener *listener = arg;
    int one = 1;

    (void)events;
    (void)address;
    (void)len;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    listener->on_accept(listener->context, fd);
}

static void on_accept_error(struct evconnlistener *events, void *arg)
{
    struct col_listener *listener = arg;

    evconnlistener_disable(events);
    listener->on_shortage(listener->context);
}

/* fd is consumed. */
static enum otel_err accept_from(struct col_listener *listener, int fd, struct otl_detail *reterr)
{
    listener->events = evconnlistener_new(listener->base, on_accept, listener,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (listener->events == NULL) {
        close(fd);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    evconnlistener_set_error_cb(listener->events, on_accept_error);
    return OTEL_OK;
}

/* A socket that is shut down for reading is bound as before and refuses: the port is nobody else's
 * at any moment. */
static enum otel_err stop_listening(struct col_listener *listener, struct otl_detail *reterr)
{
    if (evconnlistener_disable(listener->events) != 0 ||
        shutdown(evconnlistener_get_fd(listener->events), SHUT_RD) != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot stop listening: %s",
                              strerror(errno));
    listener->refusing = true;
    return OTEL_OK;
}

enum otel_err col_listener_refuse(struct col_listener *listener, bool refuse,
                                  struct otl_detail *reterr)
{
    if (refuse == listener->refusing)
        return OTEL_OK;
    if (refuse)
        return stop_listening(listener, reterr);
    if (listen(evconnlistener_get_fd(listener->events), BACKLOG) != 0 ||
        evconnlistener_enable(listener->events) != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot listen again: %s",
                              strerror(errno));
    listener->refusing = false;
    return OTEL_OK;
}

enum otel_err col_listener_new(const struct col_listen_options *options,
                               char address[COL_ADDRESS_SIZE], struct col_listener **ret,
                               struct otl_detail *reterr)
{
    struct col_listener *listener = otl_mem_zalloc(sizeof(*listener));
    enum otel_err err;
    int fd = -1;

    if (listener == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    listener->base = options->base;
    listener->context = options->context;
    listener->on_accept = options->on_accept;
    listener->on_shortage = options->on_shortage;
    err = bind_address(options, &fd, reterr);
    if (err != OTEL_OK)
        goto fail;
    name_address(fd, address);
    err = accept_from(listener, fd, reterr);
    if (err != OTEL_OK)
        goto fail;
    *ret = listener;
    return OTEL_OK;
fail:
    col_listener_free(listener);
    return err;
}

void col_listener_wake(struct col_listener *listener)
{
    if (listener != NULL && !listener->refusing)
        evconnlistener_enable(listener->events);
}

void col_listener_free(struct col_listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->events != NULL)
        evconnlistener_free(listener->events);
    otl_mem_free(listener);
}
