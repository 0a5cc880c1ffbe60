/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/http/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "collector-mock/net/tls.h"
#include "sdk/base/mem.h"

/*
 * A connection's way through its states. Large bodies are received straight into their place: the
 * bufferevent reads 4 KiB at a time and wakes us, the rest of the body is read from here.
 */

enum {
    RECEIVE_STEP = 256 * 1024,      /* bytes asked for at once */
    RECEIVE_SHARE = 4 * 1024 * 1024, /* then the other connections have their turn */
    TICKS_PER_S = 20
};
#define LINGER_NS (2 * OTL_NS_PER_S)
#define LINGER_BYTES ((size_t)64 << 20)

static uint64_t now(const struct col_conn *conn)
{
    return otl_clock_mono(conn->server->options.clock);
}

static void unlink_conn(struct col_conn *conn)
{
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        conn->server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
}

void col_conn_free(struct col_conn *conn)
{
    struct col_http_server *server = conn->server;

    if (conn->advancing) {
        conn->doomed = true;
        return;
    }
    unlink_conn(conn);
    if (conn->shaking)
        col_tls_failed(server->options.tls);
    if (conn->tls != NULL && !conn->hard)
        col_tls_goodbye(conn->tls);
    if (conn->gone != NULL)
        event_free(conn->gone);
    bufferevent_free(conn->bev);
    if (conn->pace != NULL)
        ev_token_bucket_cfg_free(conn->pace);
    col_conn_body_release(conn);
    otl_buf_fini(&conn->head);
    otl_buf_fini(&conn->body);
    otl_mem_free(conn);
    server->counters.connections_open--;
    if (server->drain_deadline_ns != 0 && server->conns == NULL &&
        server->options.on_drained != NULL)
        server->options.on_drained(server->options.context);
}

static void hand_over(struct col_conn *conn)
{
    struct col_http_server *server = conn->server;
    struct col_http_request *request = &conn->request;

    http_parser_pause(&conn->parser, 0);
    conn->state = COL_CONN_HANDLING;
    request->mono_ns = otl_clock_mono(server->options.clock);
    request->wall_ns = otl_clock_wall(server->options.clock);
    request->body = otl_view(conn->body.data, conn->body.len);
    server->counters.requests++;
    server->options.on_request(server->options.context, request);
}

/* What the parser made of the bytes; false: stop reading for now. */
static bool act(struct col_conn *conn)
{
    enum http_errno error = HTTP_PARSER_ERRNO(&conn->parser);

    if (conn->refuse != 0) {
        col_conn_refuse(conn, conn->refuse, conn->refuse_why);
        return false;
    }
    if (conn->complete) {
        hand_over(conn);
        return true;
    }
    if (error == HPE_HEADER_OVERFLOW) {
        col_conn_refuse(conn, 431, "the request head is too large");
        return false;
    }
    if (error != HPE_OK) {
        col_conn_refuse(conn, 400, http_errno_description(error));
        return false;
    }
    return true;
}

/* The rest of a body of known length, straight from the socket. False: nothing more for now. */
static bool receive_body(struct col_conn *conn, size_t *share)
{
    size_t left = 0;
    ssize_t got;

    if (conn->body_expected > conn->body.len)
        left = conn->body_expected - conn->body.len;
    if (left == 0 || *share == 0 || conn->tls != NULL || conn->pace != NULL)
        return false;
    if (left > RECEIVE_STEP)
        left = RECEIVE_STEP;
    if (!col_conn_body_room(conn, left)) {
        col_conn_refuse(conn, conn->refuse, conn->refuse_why);
        return false;
    }
    got = recv(conn->fd, conn->body.data + conn->body.len, left, MSG_DONTWAIT);
    if (got <= 0) /* an end or an error comes again through the bufferevent */
        return false;
    conn->server->counters.bytes_received += (size_t)got;
    *share -= (size_t)got < *share ? (size_t)got : *share;
    http_parser_execute(&conn->parser, &col_conn_settings, conn->body.data + conn->body.len,
                        (size_t)got);
    return act(conn);
}

static bool reading(const struct col_conn *conn)
{
    return conn->state == COL_CONN_IDLE || conn->state == COL_CONN_HEAD ||
           conn->state == COL_CONN_BODY;
}

/* The next bytes of the input. Taken out of it before anything is answered. */
static bool parse_input(struct col_conn *conn, struct evbuffer *input, size_t len)
{
    const char *data = (const char *)evbuffer_pullup(input, (ev_ssize_t)len);
    size_t used = http_parser_execute(&conn->parser, &col_conn_settings, data, len);

    conn->server->counters.bytes_received += used;
    evbuffer_drain(input, used);
    return act(conn) && used > 0;
}

static void advance(struct col_conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    size_t share = RECEIVE_SHARE;

    while (!conn->doomed && reading(conn)) {
        size_t len = evbuffer_get_contiguous_space(input);
        bool more;
        if (len > 0)
            more = parse_input(conn, input, len);
        else
            more = conn->state == COL_CONN_BODY && receive_body(conn, &share);
        if (!more)
            return;
    }
}

void col_conn_advance(struct col_conn *conn)
{
    if (conn->advancing)
        return;
    conn->advancing = true;
    advance(conn);
    conn->advancing = false;
    if (conn->doomed) {
        conn->doomed = false;
        col_conn_free(conn);
        return;
    }
    if (reading(conn) || conn->state == COL_CONN_LINGERING)
        bufferevent_enable(conn->bev, EV_READ);
    else
        bufferevent_disable(conn->bev, EV_READ);
}

static void linger(struct col_conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);

    conn->lingered += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (conn->lingered > LINGER_BYTES)
        col_conn_free(conn);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct col_conn *conn = arg;

    (void)bev;
    if (conn->state == COL_CONN_LINGERING)
        linger(conn);
    else
        col_conn_advance(conn);
}

/* The output is empty again. */
static void on_write(struct bufferevent *bev, void *arg)
{
    struct col_conn *conn = arg;

    (void)bev;
    if (conn->state == COL_CONN_SENDING)
        col_conn_answered(conn, true);
}

/* A client that speaks HTTP in the clear is told so, as by the Collector. */
static void tell_clear(const struct col_conn *conn)
{
    static const char text[] = "HTTP/1.0 400 Bad Request\r\n\r\n"
                               "Client sent an HTTP request to an HTTPS server.\n";
    unsigned long error = bufferevent_get_openssl_error(conn->bev);

    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST)
        (void)!send(conn->fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct col_conn *conn = arg;

    (void)bev;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        conn->shaking = false;
        conn->since_ns = now(conn);
        if (!col_tls_established(conn->server->options.tls, conn->tls))
            col_conn_free(conn);
        return;
    }
    if ((what & BEV_EVENT_ERROR) != 0 && conn->shaking)
        tell_clear(conn);
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
        return;
    switch (conn->state) {
    case COL_CONN_HEAD:
    case COL_CONN_BODY:
        if (conn->head.len > 0)
            conn->server->counters.cut_off++;
        col_conn_free(conn);
        return;
    case COL_CONN_IDLE:
    case COL_CONN_LINGERING:
        col_conn_free(conn);
        return;
    case COL_CONN_HANDLING:
        conn->state = COL_CONN_DEAD; /* freed by its answer */
        return;
    case COL_CONN_SENDING:
        if ((what & BEV_EVENT_ERROR) != 0)
            col_conn_answered(conn, false);
        return;
    case COL_CONN_DEAD:
        return;
    }
}

/* The peer has closed its side or is gone, whatever it has said before. */
static bool has_ended(const struct col_conn *conn)
{
    struct pollfd end = {conn->fd, POLLRDHUP, 0};

    return poll(&end, 1, 0) != 0;
}

static void tell_gone(struct col_conn *conn)
{
    struct col_http_server *server = conn->server;

    conn->talks = false;
    if (conn->state == COL_CONN_HANDLING || conn->state == COL_CONN_DEAD)
        server->options.on_gone(server->options.context, &conn->request);
}

/* What is said before the answer stays in the kernel, which would tell of it again and again: then
 * the sweep looks for the end. */
static void on_gone(evutil_socket_t fd, short what, void *arg)
{
    struct col_conn *conn = arg;

    (void)fd;
    (void)what;
    event_free(conn->gone);
    conn->gone = NULL;
    conn->talks = !has_ended(conn);
    if (!conn->talks)
        tell_gone(conn);
}

/* A reset is no EV_CLOSED, which alone would be told of it for ever and never hear. */
void col_http_watch(struct col_http_request *request)
{
    struct col_conn *conn =
        (struct col_conn *)(void *)((char *)request - offsetof(struct col_conn, request));

    if (conn->gone != NULL || conn->talks || conn->server->options.on_gone == NULL)
        return;
    conn->gone =
        event_new(conn->server->options.base, conn->fd, EV_READ | EV_CLOSED, on_gone, conn);
    if (conn->gone != NULL)
        event_add(conn->gone, NULL);
}

void col_conn_sweep(struct col_conn *conn, uint64_t now_ns)
{
    const struct col_http_options *options = &conn->server->options;
    uint64_t age = now_ns - conn->since_ns, drain = conn->server->drain_deadline_ns;

    if (conn->talks && has_ended(conn)) {
        tell_gone(conn);
        return;
    }
    if (conn->pace != NULL && drain == 0)
        return; /* it is slow on command */
    if (conn->state == COL_CONN_LINGERING && age > LINGER_NS) {
        col_conn_free(conn);
    } else if (conn->shaking && age > options->head_timeout_ns) {
        conn->server->counters.timeouts++;
        col_conn_free(conn);
    } else if (conn->state == COL_CONN_HEAD && age > options->head_timeout_ns) {
        conn->server->counters.timeouts++;
        col_conn_refuse(conn, 408, "the request head did not arrive in time");
    } else if (conn->state == COL_CONN_BODY && age > options->body_timeout_ns) {
        conn->server->counters.timeouts++;
        col_conn_refuse(conn, 408, "the request body stands still");
    } else if (conn->state == COL_CONN_SENDING && age > options->send_timeout_ns) {
        col_conn_answered(conn, false);
    } else if (conn->state == COL_CONN_IDLE && age > options->idle_timeout_ns) {
        col_conn_drain(conn);
    } else if (drain != 0 && now_ns >= drain && conn->state != COL_CONN_HANDLING &&
               conn->state != COL_CONN_DEAD) {
        if (conn->state == COL_CONN_SENDING)
            col_conn_answered(conn, false);
        else
            col_conn_free(conn);
    }
}

bool col_conn_reset(struct col_conn *conn)
{
    const struct linger hard = {1, 0};

    setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    conn->hard = true;
    switch (conn->state) {
    case COL_CONN_DEAD:
        return false;
    case COL_CONN_HANDLING:
        shutdown(conn->fd, SHUT_RDWR);
        conn->state = COL_CONN_DEAD;
        return true;
    case COL_CONN_SENDING:
        col_conn_answered(conn, false);
        return true;
    case COL_CONN_HEAD:
    case COL_CONN_BODY:
    case COL_CONN_IDLE:
    case COL_CONN_LINGERING:
        col_conn_free(conn);
        return true;
    }
    return false;
}

void col_conn_drain(struct col_conn *conn)
{
    bool quiet = conn->state == COL_CONN_IDLE ||
                 (conn->state == COL_CONN_HEAD && conn->head.len == 0);
    char byte;

    /* what the kernel already holds is still received and answered */
    if (quiet && evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0 &&
        recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        col_conn_free(conn);
}

void col_conn_pace(struct col_conn *conn, uint64_t in, uint64_t out)
{
    static const struct timeval tick = {0, 1000 * 1000 / TICKS_PER_S};
    struct ev_token_bucket_cfg *old = conn->pace, *pace = NULL;
    size_t read = in > 0 ? (size_t)in / TICKS_PER_S + 1 : EV_RATE_LIMIT_MAX;
    size_t write = out > 0 ? (size_t)out / TICKS_PER_S + 1 : EV_RATE_LIMIT_MAX;

    if (in != 0 || out != 0) {
        pace = ev_token_bucket_cfg_new(read, read, write, write, &tick);
        if (pace == NULL)
            return;
    }
    bufferevent_set_rate_limit(conn->bev, pace);
    if (old != NULL)
        ev_token_bucket_cfg_free(old);
    conn->pace = pace;
}

void col_conn_adopt(struct col_http_server *server, int fd, uint64_t number,
                    const struct col_fate *fate)
{
    struct col_conn *conn = otl_mem_zalloc(sizeof(*conn));
    SSL *session =
        server->options.tls != NULL ? col_tls_session(server->options.tls, fate->tls) : NULL;
    struct bufferevent *bev = NULL;

    if (session != NULL) {
        bev = bufferevent_openssl_socket_new(server->options.base, fd, session,
                                             BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
        if (bev == NULL)
            SSL_free(session);
    } else if (server->options.tls == NULL) {
        bev = bufferevent_socket_new(server->options.base, fd, BEV_OPT_CLOSE_ON_FREE);
    }
    if (conn == NULL || bev == NULL) {
        otl_mem_free(conn);
        if (bev != NULL)
            bufferevent_free(bev);
        else
            close(fd);
        server->counters.connections_refused++;
        return;
    }
    conn->server = server;
    conn->bev = bev;
    conn->fd = fd;
    conn->tls = session;
    conn->shaking = session != NULL;
    if (session != NULL)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    conn->request.connection = number;
    server->counters.connections_open++;
    otl_buf_init(&conn->head, server->options.max_head_bytes);
    otl_buf_init(&conn->body, server->options.max_body_bytes);
    http_parser_init(&conn->parser, HTTP_REQUEST);
    conn->parser.data = conn;
    conn->state = COL_CONN_HEAD; /* a connection that says nothing is a slow head */
    conn->since_ns = now(conn);
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->previous = conn;
    server->conns = conn;
    bufferevent_setcb(bev, on_read, on_write, on_event, conn);
    if (fate->read_rate != 0)
        col_conn_pace(conn, fate->read_rate, 0);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}
