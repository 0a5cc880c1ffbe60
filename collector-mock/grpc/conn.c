/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/grpc/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "collector-mock/net/tls.h"
#include "sdk/base/mem.h"

/*
 * A connection's socket: what comes goes to nghttp2, what nghttp2 has to say goes out. While the
 * kernel does not take our output, nothing is read: a peer that does not listen is not heard.
 */

enum {
    RECEIVE_SHARE = 4 * 1024 * 1024, /* then the other connections have their turn */
    OUT_STEP = 64 * 1024,            /* gathered before it is given to the kernel */
    OUT_MAX = 4 * 1024 * 1024,
    LINGER_MAX = 8 * 1024 * 1024, /* more than a connection's window can have on its way */
    TICKS_PER_S = 20
};
#define LINGER_NS (2 * OTL_NS_PER_S)
#define DRAIN_PING_NS OTL_NS_PER_S

static void unlink_conn(struct col_h2_conn *conn)
{
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        conn->server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
}

static void free_conn(struct col_h2_conn *conn)
{
    struct col_grpc_server *server = conn->server;

    while (conn->streams != NULL) /* only when the server is freed */
        col_stream_free(conn->streams);
    unlink_conn(conn);
    otl_buf_fini(&conn->out);
    otl_mem_free(conn);
    server->counters.connections_open--;
    if (server->drain_deadline_ns != 0 && server->conns == NULL &&
        server->options.on_drained != NULL)
        server->options.on_drained(server->options.context);
}

/* No callback of nghttp2 and no event comes afterwards. */
static void cut(struct col_h2_conn *conn)
{
    struct col_stream *next;

    nghttp2_session_del(conn->session);
    conn->session = NULL;
    conn->leaving = conn->unsettled = NULL;
    for (struct col_stream *stream = conn->streams; stream != NULL; stream = next) {
        next = stream->next;
        col_stream_orphan(stream);
    }
    if (conn->readable != NULL)
        event_free(conn->readable);
    if (conn->writable != NULL)
        event_free(conn->writable);
    if (conn->pace != NULL)
        event_free(conn->pace);
    conn->readable = conn->writable = conn->pace = NULL;
    if (conn->shaking)
        col_tls_failed(conn->server->options.tls);
    col_socket_close(&conn->socket, conn->hard);
}

void col_h2_conn_close(struct col_h2_conn *conn)
{
    if (conn->busy) {
        conn->doomed = true;
        return;
    }
    conn->busy = true; /* streams that go must not free it */
    if (conn->socket.fd >= 0)
        cut(conn);
    conn->busy = false;
    if (conn->held == 0)
        free_conn(conn);
}

bool col_h2_conn_reset(struct col_h2_conn *conn)
{
    if (conn->socket.fd < 0)
        return false;
    conn->hard = true;
    col_h2_conn_close(conn);
    return true;
}

void col_h2_conn_release(struct col_h2_conn *conn)
{
    if (conn->socket.fd < 0 && conn->held == 0 && !conn->busy)
        free_conn(conn);
}

/* ---- out ---- */

static void report_sent(struct col_h2_conn *conn)
{
    while (conn->leaving != NULL && conn->leaving->answer_end <= conn->sent_total) {
        struct col_stream *stream = conn->leaving;
        if (stream == conn->unsettled)
            return;
        conn->leaving = stream->next_leaving;
        if (conn->leaving == NULL)
            conn->leaving_end = &conn->leaving;
        col_stream_answered(stream, true);
    }
}

/* Answers whose last frame nghttp2 has reported end where the output ends now. */
static void settle(struct col_h2_conn *conn)
{
    for (; conn->unsettled != NULL; conn->unsettled = conn->unsettled->next_leaving)
        conn->unsettled->answer_end = conn->out_total;
}

/* What the kernel has taken goes from the output: a peer that never has all of it would let it grow
 * for as long as there is something to say. */
static void drop_sent(struct col_h2_conn *conn)
{
    if (conn->out_at == 0)
        return;
    conn->out.len -= conn->out_at;
    memmove(conn->out.data, conn->out.data + conn->out_at, conn->out.len);
    conn->out_at = 0;
}

/* Take what nghttp2 has to say, up to a step (then there may be more). False: the connection is
 * dead. */
static bool gather(struct col_h2_conn *conn, bool *ret_more)
{
    drop_sent(conn);
    while (conn->out.len - conn->out_at < OUT_STEP) {
        const uint8_t *data;
        ssize_t len = nghttp2_session_mem_send(conn->session, &data);
        if (len < 0 ||
            (len > 0 && otl_buf_append(&conn->out, data, (size_t)len) != OTEL_OK))
            return false;
        conn->out_total += (uint64_t)len;
        settle(conn);
        *ret_more = len > 0;
        if (len == 0)
            return true;
    }
    return true;
}

/* False: dead. *ret_blocked: the kernel takes no more. */
static bool send_out(struct col_h2_conn *conn, bool *ret_blocked)
{
    while (conn->out_at < conn->out.len) {
        size_t len = conn->out.len - conn->out_at;
        ssize_t sent;
        if (conn->write_rate != 0 && len > conn->write_share)
            len = conn->write_share;
        if (len == 0) { /* the next tick goes on */
            *ret_blocked = true;
            return true;
        }
        sent = col_socket_send(&conn->socket, conn->out.data + conn->out_at, len);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            *ret_blocked = true;
            return true;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        conn->out_at += (size_t)sent;
        conn->write_share -= conn->write_rate != 0 ? (size_t)sent : 0;
        conn->sent_total += (uint64_t)sent;
        conn->server->counters.bytes_sent += (uint64_t)sent;
        conn->since_ns = col_h2_now(conn);
    }
    conn->out_at = 0;
    otl_buf_reset(&conn->out);
    return true;
}

/* Everything that can be sent is. False: dead. */
static bool push(struct col_h2_conn *conn)
{
    bool blocked = false, more = false;

    do {
        if (!gather(conn, &more) || !send_out(conn, &blocked))
            return false;
        report_sent(conn);
    } while (!blocked && more);
    if (blocked && !conn->waiting) {
        conn->waiting = true;
        conn->since_ns = col_h2_now(conn);
        event_del(conn->readable);
    }
    if (blocked) /* what is slow on command is woken by its tick */
        return conn->write_rate != 0 || event_add(conn->writable, NULL) == 0;
    if (!conn->waiting)
        return true;
    conn->waiting = false;
    event_del(conn->writable);
    return event_add(conn->readable, NULL) == 0;
}

/* Nothing more is to be said or heard. A plain close while the peer still sends would reset the
 * connection and could take the last answers back from it: then only our side is closed. */
static void finish(struct col_h2_conn *conn)
{
    if (col_socket_idle(&conn->socket)) {
        conn->doomed = true;
        return;
    }
    conn->lingering = true;
    conn->since_ns = col_h2_now(conn);
    col_socket_end(&conn->socket);
}

/* Leave the connection: flush, then free what was doomed meanwhile. */
static void leave(struct col_h2_conn *conn)
{
    struct col_grpc_server *server = conn->server;

    if (!conn->doomed && !conn->lingering && !conn->shaking && !conn->frozen) {
        if (!push(conn))
            conn->doomed = true;
        else if (conn->out.len == 0 && !nghttp2_session_want_read(conn->session) &&
                 !nghttp2_session_want_write(conn->session))
            finish(conn);
    }
    conn->busy = false;
    if (conn->doomed) {
        conn->doomed = false;
        col_h2_conn_close(conn);
    }
    col_grpc_admit(server);
}

void col_h2_conn_flush(struct col_h2_conn *conn)
{
    if (conn->busy || conn->socket.fd < 0)
        return;
    conn->busy = true;
    leave(conn);
}

/* ---- in ---- */

/* The peer has broken the rules (result is nghttp2's word) or floods. */
static void break_off(struct col_h2_conn *conn, ssize_t result)
{
    struct col_grpc_counters *counters = &conn->server->counters;

    counters->connections_broken += !conn->broken;
    conn->broken = true;
    if (result < 0 && result != NGHTTP2_ERR_FLOODED) {
        conn->doomed = true;
        return;
    }
    counters->floods++;
    col_h2_need(conn,
                nghttp2_session_terminate_session(conn->session, NGHTTP2_ENHANCE_YOUR_CALM));
    if (!conn->doomed && push(conn))
        finish(conn);
    else
        conn->doomed = true;
}

/* False: nothing more for now. */
static bool receive(struct col_h2_conn *conn, size_t *share)
{
    struct col_grpc_server *server = conn->server;
    size_t len = sizeof(server->scratch);
    ssize_t got, used;

    if (conn->read_rate != 0 && len > conn->read_share)
        len = conn->read_share;
    if (len == 0) { /* the next tick goes on */
        event_del(conn->readable);
        return false;
    }
    got = col_socket_recv(&conn->socket, server->scratch, len);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return false;
    if (got <= 0) {
        conn->doomed = true;
        return false;
    }
    server->counters.bytes_received += (uint64_t)got;
    conn->read_share -= conn->read_rate != 0 ? (size_t)got : 0;
    used = conn->lingering ? got : 0;
    if (conn->lingering) {
        conn->lingered += (size_t)got;
        conn->doomed = conn->lingered > LINGER_MAX;
        if (conn->doomed)
            return false;
    } else {
        used = nghttp2_session_mem_recv(conn->session, server->scratch, (size_t)got);
    }
    if (used < 0 || conn->idle_frames > COL_H2_IDLE_FRAMES_MAX) {
        if (!conn->lingering)
            break_off(conn, used);
        return false;
    }
    if ((size_t)got >= *share) {
        if (col_socket_pending(&conn->socket))
            event_active(conn->readable, EV_READ, 0);
        return false;
    }
    *share -= (size_t)got;
    return (size_t)got == sizeof(server->scratch);
}

/* Go on with the handshake; the connection is doomed if it fails. */
static void shake(struct col_h2_conn *conn)
{
    enum col_shake said = col_socket_shake(&conn->socket);

    switch (said) {
    case COL_SHAKE_DONE:
        conn->shaking = false;
        conn->since_ns = col_h2_now(conn);
        conn->doomed = !col_tls_established(conn->server->options.tls, conn->socket.tls);
        break;
    case COL_SHAKE_FAILED:
        conn->doomed = true;
        break;
    case COL_SHAKE_READ:
    case COL_SHAKE_WRITE:
        break;
    }
    if (said == COL_SHAKE_WRITE)
        event_add(conn->writable, NULL);
    else
        event_del(conn->writable);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct col_h2_conn *conn = arg;
    size_t share = RECEIVE_SHARE;

    (void)fd;
    (void)what;
    conn->busy = true;
    if (conn->shaking)
        shake(conn);
    while (!conn->shaking && !conn->doomed && receive(conn, &share))
        continue;
    leave(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct col_h2_conn *conn = arg;

    if (conn->shaking)
        on_readable(fd, what, arg);
    else
        col_h2_conn_flush(conn);
}

/* ---- time ---- */

void col_h2_conn_goaway(struct col_h2_conn *conn)
{
    conn->going = true;
    col_h2_need(conn,
                nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE,
                                      nghttp2_session_get_last_proc_stream_id(conn->session),
                                      NGHTTP2_NO_ERROR, NULL, 0));
}

void col_h2_conn_drain(struct col_h2_conn *conn)
{
    if (conn->socket.fd < 0)
        return;
    conn->busy = true;
    if (conn->shaking) {
        conn->doomed = true;
    } else if (!conn->lingering && conn->streams != NULL) {
        /* no new requests, please; the last word follows when those on their way are here */
        conn->drain_ns = col_h2_now(conn);
        col_h2_need(conn, nghttp2_submit_shutdown_notice(conn->session));
        col_h2_need(conn, nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL));
    } else if (!conn->lingering) {
        size_t share = RECEIVE_SHARE;
        /* what the kernel already holds is still received and answered */
        while (receive(conn, &share) && !conn->doomed)
            continue;
        if (!conn->doomed)
            col_h2_conn_goaway(conn);
    }
    leave(conn);
}

void col_h2_conn_retire(struct col_h2_conn *conn, uint64_t now_ns)
{
    const struct col_grpc_options *options = &conn->server->options;
    uint64_t age = now_ns - conn->opened_ns, grace = options->max_age_grace_ns;
    bool old = options->max_age_ns != 0 && age >= options->max_age_ns;

    if (conn->streams != NULL)
        conn->idle_ns = now_ns;
    if (conn->socket.fd < 0 || conn->frozen || conn->lingering)
        return;
    if (conn->retired_ns == 0) {
        if (!old && (options->max_idle_ns == 0 || now_ns - conn->idle_ns < options->max_idle_ns))
            return;
        conn->retired_ns = now_ns;
        conn->server->counters.connections_retired++;
        if (conn->drain_ns == 0 && !conn->going)
            col_h2_conn_drain(conn);
    } else if (grace != 0 && now_ns - conn->retired_ns >= grace) {
        col_h2_conn_close(conn);
    }
}

static bool too_slow(const struct col_h2_conn *conn, uint64_t now_ns)
{
    const struct col_grpc_options *options = &conn->server->options;
    uint64_t age = now_ns - conn->since_ns;

    if (!conn->greeted)
        return age > options->head_timeout_ns;
    return conn->out.len > 0 && age > options->body_timeout_ns;
}

void col_h2_conn_sweep(struct col_h2_conn *conn, uint64_t now_ns)
{
    uint64_t drain_ns = conn->server->drain_deadline_ns;
    struct col_stream *next;

    if (conn->socket.fd < 0)
        return;
    if ((conn->frozen || conn->pace != NULL) && drain_ns == 0)
        return; /* it is so on command */
    conn->busy = true;
    conn->idle_frames -=
        conn->idle_frames < COL_H2_IDLE_FRAMES_FORGIVEN ? conn->idle_frames
                                                         : COL_H2_IDLE_FRAMES_FORGIVEN;
    if (conn->lingering ? now_ns - conn->since_ns > LINGER_NS : too_slow(conn, now_ns)) {
        conn->server->counters.timeouts += !conn->lingering;
        conn->doomed = true;
    }
    for (struct col_stream *stream = conn->streams; stream != NULL && !conn->doomed;
         stream = next) {
        next = stream->next;
        col_stream_sweep(stream, now_ns);
    }
    if (conn->drain_ns != 0 && !conn->going && !conn->lingering &&
        now_ns - conn->drain_ns >= DRAIN_PING_NS)
        col_h2_conn_goaway(conn); /* the PING was not answered */
    if (drain_ns != 0 && now_ns >= drain_ns && conn->held == 0)
        conn->doomed = true;
    leave(conn);
}

/* ---- slow on command ---- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct col_h2_conn *conn = arg;

    conn->read_share = (size_t)conn->read_rate / TICKS_PER_S + 1;
    conn->write_share = (size_t)conn->write_rate / TICKS_PER_S + 1;
    if (conn->waiting)
        col_h2_conn_flush(conn);
    else if (event_add(conn->readable, NULL) == 0 && col_socket_pending(&conn->socket))
        on_readable(fd, what, conn);
}

void col_h2_conn_pace(struct col_h2_conn *conn, uint64_t in, uint64_t out)
{
    static const struct timeval tick = {0, 1000 * 1000 / TICKS_PER_S};

    if (conn->socket.fd < 0)
        return;
    if (conn->pace == NULL && (in != 0 || out != 0)) {
        conn->pace = event_new(conn->server->options.base, -1, EV_PERSIST, on_tick, conn);
        if (conn->pace == NULL || event_add(conn->pace, &tick) != 0)
            return; /* no memory: as fast as it goes */
    }
    conn->read_rate = in;
    conn->write_rate = out;
    if (in == 0 && out == 0 && conn->pace != NULL) {
        event_free(conn->pace);
        conn->pace = NULL;
        if (conn->waiting)
            event_add(conn->writable, NULL);
        else
            event_add(conn->readable, NULL);
    }
}

void col_h2_conn_freeze(struct col_h2_conn *conn)
{
    if (conn->socket.fd < 0)
        return;
    conn->frozen = true;
    event_del(conn->readable);
    event_del(conn->writable);
    if (conn->pace != NULL)
        event_del(conn->pace);
}

/* ---- life ---- */

static enum otel_err open_conn(struct col_h2_conn *conn)
{
    struct event_base *base = conn->server->options.base;

    conn->readable = event_new(base, conn->socket.fd, EV_READ | EV_PERSIST, on_readable, conn);
    conn->writable = event_new(base, conn->socket.fd, EV_WRITE | EV_PERSIST, on_writable, conn);
    if (conn->readable == NULL || conn->writable == NULL ||
        event_add(conn->readable, NULL) != 0)
        return OTEL_ERR_MEMORY;
    return col_h2_session_new(conn);
}

void col_h2_conn_adopt(struct col_grpc_server *server, int fd, uint64_t number,
                       const struct col_fate *fate)
{
    struct col_h2_conn *conn = otl_mem_zalloc(sizeof(*conn));
    SSL *session =
        server->options.tls != NULL ? col_tls_session(server->options.tls, fate->tls) : NULL;

    if (conn == NULL || (server->options.tls != NULL && session == NULL)) {
        server->counters.connections_refused++;
        otl_mem_free(conn);
        SSL_free(session);
        close(fd);
        return;
    }
    conn->server = server;
    conn->shaking = session != NULL;
    col_socket_init(&conn->socket, fd, session);
    conn->leaving_end = &conn->leaving;
    conn->number = number;
    conn->since_ns = conn->opened_ns = conn->idle_ns = col_h2_now(conn);
    otl_buf_init(&conn->out, OUT_MAX);
    server->counters.connections_open++;
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->previous = conn;
    server->conns = conn;
    if (open_conn(conn) != OTEL_OK) {
        server->counters.connections_refused++;
        col_h2_conn_close(conn);
        return;
    }
    if (fate->read_rate != 0)
        col_h2_conn_pace(conn, fate->read_rate, 0);
    col_h2_conn_flush(conn);
}
