/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness/load/gen_internal.h"

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

void hx_conn_init(struct hx_conn *conn, struct hx_pool *pool, char *head)
{
    memset(conn, 0, sizeof(*conn));
    conn->pool = pool;
    conn->fd = -1;
    conn->head = head;
    hx_response_init(&conn->response);
    TAILQ_INSERT_TAIL(&pool->closed, conn, links);
}

static void drop_socket(struct hx_conn *conn)
{
    if (conn->read_event != NULL)
        event_free(conn->read_event);
    if (conn->write_event != NULL)
        event_free(conn->write_event);
    conn->read_event = conn->write_event = NULL;
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
}

void hx_conn_fini(struct hx_conn *conn)
{
    drop_socket(conn);
    hx_response_fini(&conn->response);
}

static void end_preparation(struct hx_conn *conn)
{
    if (conn->ahead)
        conn->pool->gen->opening--;
    conn->ahead = false;
}

/* The request it carried has ended, and it is in no list but idle. */
void hx_conn_close(struct hx_conn *conn)
{
    struct hx_pool *pool = conn->pool;

    if (conn->state == HX_CONN_CLOSED)
        return;
    if (conn->state == HX_CONN_OPEN)
        pool->gen->connected--;
    drop_socket(conn);
    conn->state = HX_CONN_CLOSED;
    TAILQ_INSERT_TAIL(&pool->closed, conn, links);
    end_preparation(conn);
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool make_events(struct hx_conn *conn)
{
    struct event_base *base = conn->pool->gen->base;

    conn->read_event = event_new(base, conn->fd, EV_READ | EV_PERSIST, on_readable, conn);
    conn->write_event = event_new(base, conn->fd, EV_WRITE, on_writable, conn);
    return conn->read_event != NULL && conn->write_event != NULL;
}

/* Begin to connect; the connection is in no list. False: it failed at once. */
static bool open_socket(struct hx_conn *conn)
{
    const struct hx_address *address = conn->pool->address;
    int one = 1;

    conn->state = HX_CONN_OPENING;
    conn->fd = socket(address->bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || !make_events(conn))
        return false;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(conn->fd, (const struct sockaddr *)&address->bytes, address->len) != 0 &&
        errno != EINPROGRESS)
        return false;
    return event_add(conn->write_event, NULL) == 0;
}

void hx_conn_prepare(struct hx_conn *conn)
{
    TAILQ_REMOVE(&conn->pool->closed, conn, links);
    conn->ahead = true;
    conn->pool->gen->opening++;
    if (!open_socket(conn))
        hx_conn_close(conn);
}

/* A flight that cannot go on: record why, then give the connection up. */
static void fail(struct hx_conn *conn, enum hx_load_error error)
{
    hx_flight_failed(conn, error, hx_gen_now());
    hx_conn_close(conn);
}

/* ---- sending -------------------------------------------------------------------------------- */

static ssize_t write_some(struct hx_conn *conn)
{
    struct otl_view body = conn->pool->gen->body;
    size_t head_len = conn->rendered.len;
    struct iovec parts[2];
    struct msghdr message;

    if (body.len == 0)
        return send(conn->fd, conn->head + conn->written, head_len - conn->written, MSG_NOSIGNAL);
    memset(&message, 0, sizeof(message));
    message.msg_iov = parts;
    if (conn->written < head_len) {
        parts[message.msg_iovlen].iov_base = conn->head + conn->written;
        parts[message.msg_iovlen++].iov_len = head_len - conn->written;
        parts[message.msg_iovlen].iov_base = (char *)(uintptr_t)body.data;
        parts[message.msg_iovlen++].iov_len = body.len;
    } else {
        size_t done = conn->written - head_len;

        parts[message.msg_iovlen].iov_base = (char *)(uintptr_t)body.data + done;
        parts[message.msg_iovlen++].iov_len = body.len - done;
    }
    return sendmsg(conn->fd, &message, MSG_NOSIGNAL);
}

static size_t request_len(const struct hx_conn *conn)
{
    return conn->rendered.len + conn->pool->gen->body.len;
}

static void transmit(struct hx_conn *conn)
{
    struct hx_gen *gen = conn->pool->gen;

    while (conn->written < request_len(conn)) {
        ssize_t n = write_some(conn);

        if (n >= 0) {
            conn->written += (size_t)n;
            gen->counts[hx_phase_of(&conn->planned)].bytes_out += (uint64_t)n;
        } else if (errno == EAGAIN) {
            if (event_add(conn->write_event, NULL) != 0)
                fail(conn, HX_LOAD_ERROR_RESET);
            return;
        } else if (errno != EINTR) {
            fail(conn, HX_LOAD_ERROR_RESET);
            return;
        }
    }
}

static void send_request(struct hx_conn *conn)
{
    hx_request_render(conn->pool->gen->options.request, &conn->planned, conn->head,
                      &conn->rendered);
    hx_response_begin(&conn->response, conn->rendered.head_only);
    hx_flight_sending(conn);
    transmit(conn);
}

void hx_conn_carry(struct hx_conn *conn, const struct hx_waiting *waiting, bool late)
{
    struct hx_pool *pool = conn->pool;

    if (conn->state == HX_CONN_OPEN) {
        TAILQ_REMOVE(&pool->idle, conn, links);
        hx_flight_begin(conn, waiting, late);
        send_request(conn);
        return;
    }
    TAILQ_REMOVE(&pool->closed, conn, links);
    hx_flight_begin(conn, waiting, true);
    if (!open_socket(conn))
        fail(conn, HX_LOAD_ERROR_CONNECT);
}

static void opened(struct hx_conn *conn)
{
    struct hx_gen *gen = conn->pool->gen;

    end_preparation(conn);
    conn->state = HX_CONN_OPEN;
    gen->connected++;
    gen->connections_made++;
    if (event_add(conn->read_event, NULL) != 0) {
        if (conn->busy)
            hx_flight_failed(conn, HX_LOAD_ERROR_CONNECT, hx_gen_now());
        hx_conn_close(conn);
    } else if (conn->busy) {
        send_request(conn);
    } else {
        TAILQ_INSERT_TAIL(&conn->pool->idle, conn, links);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct hx_conn *conn = arg;
    struct hx_pool *pool = conn->pool;
    int error = 0;
    socklen_t len = sizeof(error);

    (void)what;
    if (conn->state == HX_CONN_OPEN) {
        transmit(conn);
    } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
        opened(conn);
    } else if (conn->busy) {
        fail(conn, HX_LOAD_ERROR_CONNECT);
    } else {
        hx_conn_close(conn);
    }
    hx_pace_serve(pool);
    hx_gen_settle(pool->gen);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* The answer is complete: keep the connection or not. */
static void answered(struct hx_conn *conn, bool clean)
{
    bool keep = clean && conn->response.keep_alive && conn->written == request_len(conn);

    hx_flight_answered(conn, hx_gen_now());
    if (keep)
        TAILQ_INSERT_TAIL(&conn->pool->idle, conn, links);
    else
        hx_conn_close(conn);
}

/* What came belongs to nothing, or the peer has closed: give the connection up. */
static void lost_idle(struct hx_conn *conn)
{
    TAILQ_REMOVE(&conn->pool->idle, conn, links);
    hx_conn_close(conn);
}

/* False: the connection needs no further read now. */
static bool take_bytes(struct hx_conn *conn, size_t len)
{
    size_t used = 0;

    if (!conn->busy) {
        lost_idle(conn);
        return false;
    }
    switch (hx_response_feed(&conn->response, otl_view(conn->pool->gen->received, len), &used)) {
    case HX_RESPONSE_MORE:
        return len == HX_GEN_RECEIVE_BYTES;
    case HX_RESPONSE_DONE:
        answered(conn, used == len);
        return false;
    case HX_RESPONSE_BAD:
        break;
    }
    fail(conn, HX_LOAD_ERROR_MALFORMED);
    return false;
}

static void take_end(struct hx_conn *conn)
{
    if (!conn->busy)
        lost_idle(conn);
    else if (hx_response_end(&conn->response) == HX_RESPONSE_DONE)
        answered(conn, false);
    else
        fail(conn, HX_LOAD_ERROR_RESET);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct hx_conn *conn = arg;
    struct hx_pool *pool = conn->pool;
    bool more = true;

    (void)what;
    while (more) {
        ssize_t n = recv(fd, pool->gen->received, HX_GEN_RECEIVE_BYTES, 0);

        if (n > 0)
            more = take_bytes(conn, (size_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            more = false;
        else {
            more = false;
            if (n == 0)
                take_end(conn);
            else if (conn->busy)
                fail(conn, HX_LOAD_ERROR_RESET);
            else
                lost_idle(conn);
        }
    }
    hx_pace_serve(pool);
    hx_pace_pump(pool->gen);
    hx_gen_settle(pool->gen);
}
