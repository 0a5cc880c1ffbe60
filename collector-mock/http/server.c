/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/http/server.h"

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

#include "collector-mock/http/conn.h"
#include "sdk/base/mem.h"

enum { BACKLOG = 1024 };

void col_http_options_init(struct col_http_options *options)
{
    memset(options, 0, sizeof(*options));
    options->host = "127.0.0.1";
    options->max_connections = 10000;
    options->max_head_bytes = 64 * 1024;
    options->max_body_bytes = 20 * 1024 * 1024;
    options->max_memory_bytes = (size_t)512 * 1024 * 1024;
    options->head_timeout_ns = 10 * OTL_NS_PER_S;
    options->body_timeout_ns = 30 * OTL_NS_PER_S;
}

static enum otel_err bind_one(const struct addrinfo *ai, int *ret_fd)
{
    int one = 1;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return OTEL_ERR_IO;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return OTEL_ERR_IO;
    }
    *ret_fd = fd;
    return OTEL_OK;
}

static enum otel_err bind_address(const struct col_http_options *options, int *ret_fd,
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
        err = bind_one(ai, ret_fd);
    freeaddrinfo(list);
    if (err != OTEL_OK)
        otl_detail_set(reterr, err, NULL, 0, 0, "cannot listen on %s:%s: %s", options->host, port,
                       strerror(errno));
    return err;
}

static void name_address(struct col_http_server *server, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[64] = "?", port[8] = "0";

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    if (strchr(host, ':') != NULL)
        snprintf(server->address, sizeof(server->address), "[%s]:%s", host, port);
    else
        snprintf(server->address, sizeof(server->address), "%s:%s", host, port);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int len, void *arg)
{
    struct col_http_server *server = arg;
    int one = 1;

    (void)listener;
    (void)address;
    (void)len;
    if (server->counters.connections_open >= server->options.max_connections) {
        server->counters.connections_refused++;
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    col_conn_new(server, fd);
}

/* Out of descriptors: look away until the next sweep instead of spinning. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct col_http_server *server = arg;

    server->counters.connections_refused++;
    evconnlistener_disable(listener);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct col_http_server *server = arg;
    uint64_t now_ns = otl_clock_mono(server->options.clock);
    struct col_conn *next;

    (void)fd;
    (void)what;
    if (server->listener != NULL)
        evconnlistener_enable(server->listener);
    for (struct col_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        col_conn_sweep(conn, now_ns);
    }
}

enum otel_err col_http_new(const struct col_http_options *options, struct col_http_server **ret,
                           struct otl_detail *reterr)
{
    static const struct timeval second = {1, 0};
    struct col_http_server *server = otl_mem_zalloc(sizeof(*server));
    enum otel_err err;
    int fd = -1;

    if (server == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    server->options = *options;
    err = bind_address(options, &fd, reterr);
    if (err != OTEL_OK)
        goto fail;
    name_address(server, fd);
    server->listener =
        evconnlistener_new(options->base, on_accept, server,
                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (server->listener == NULL) {
        close(fd);
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
        goto fail;
    }
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    server->sweep = event_new(options->base, -1, EV_PERSIST, on_sweep, server);
    if (server->sweep == NULL || event_add(server->sweep, &second) != 0) {
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
        goto fail;
    }
    server->options.host = NULL; /* the caller's, not needed any more */
    *ret = server;
    return OTEL_OK;
fail:
    col_http_free(server);
    return err;
}

void col_http_drain(struct col_http_server *server, uint64_t grace_ns)
{
    struct col_conn *next;

    if (server->listener != NULL)
        evconnlistener_free(server->listener);
    server->listener = NULL;
    if (server->conns == NULL) {
        server->drain_deadline_ns = 1;
        if (server->options.on_drained != NULL)
            server->options.on_drained(server->options.context);
        return;
    }
    server->drain_deadline_ns = otl_clock_mono(server->options.clock) + grace_ns;
    for (struct col_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        col_conn_drain(conn);
    }
}

void col_http_free(struct col_http_server *server)
{
    if (server == NULL)
        return;
    server->options.on_drained = NULL;
    while (server->conns != NULL)
        col_conn_free(server->conns);
    if (server->listener != NULL)
        evconnlistener_free(server->listener);
    if (server->sweep != NULL)
        event_free(server->sweep);
    for (size_t i = 0; i < server->spare_count; i++)
        otl_buf_fini(&server->spare[i]);
    otl_mem_free(server);
}

const char *col_http_address(const struct col_http_server *server)
{
    return server->address;
}

const struct col_http_counters *col_http_counters(const struct col_http_server *server)
{
    return &server->counters;
}
