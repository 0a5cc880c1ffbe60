/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "collector-mock/http/conn.h"
#include "collector-mock/net/tls.h"

/* What goes back to the peer. An answer is given to the kernel at once; what it does not take
 * waits in the bufferevent. */

enum { ANSWER_MORE_MAX = 4096, ANSWER_HEAD_MAX = 2048 + ANSWER_MORE_MAX };

const char *col_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* Send what the kernel takes of both parts; returns how much. *failed: the connection is dead. */
static size_t send_now(int fd, struct iovec *parts, bool *failed)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    *failed = sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    return sent < 0 ? 0 : (size_t)sent;
}

/* True: all is with the kernel or waits in the output. */
static bool send_parts(struct col_conn *conn, struct otl_view head, struct otl_view body,
                       bool *ret_waiting)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)head.data, head.len},
                             {(void *)(uintptr_t)body.data, body.len}};
    struct evbuffer *output = bufferevent_get_output(conn->bev);
    bool failed = false;
    size_t sent = 0;

    if (evbuffer_get_length(output) == 0 && conn->tls == NULL && conn->pace == NULL)
        sent = send_now(conn->fd, parts, &failed);
    if (failed)
        return false;
    conn->server->counters.bytes_sent += head.len + body.len;
    *ret_waiting = sent < head.len + body.len;
    if (sent < head.len) {
        if (evbuffer_add(output, head.data + sent, head.len - sent) != 0)
            return false;
        sent = head.len;
    }
    return sent == head.len + body.len ||
           evbuffer_add(output, body.data + (sent - head.len), body.len - (sent - head.len)) == 0;
}

void col_conn_continue(struct col_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool waiting;

    /* a peer that is gone is noticed by the reads */
    (void)send_parts(conn, otl_view(text, sizeof(text) - 1), otl_view("", 0), &waiting);
}

/* Close. While the peer still sends, a plain close would reset the connection and could take the
 * answer back from it: then only our side is closed, and what comes is thrown away for a while. */
static void finish(struct col_conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    char byte;

    if (conn->complete && evbuffer_get_length(input) == 0 &&
        recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
        col_conn_free(conn);
        return;
    }
    conn->state = COL_CONN_LINGERING;
    conn->since_ns = otl_clock_mono(conn->server->options.clock);
    evbuffer_drain(input, evbuffer_get_length(input));
    col_tls_goodbye(conn->tls);
    shutdown(conn->fd, SHUT_WR);
    bufferevent_enable(conn->bev, EV_READ);
}

void col_conn_answered(struct col_conn *conn, bool sent)
{
    struct col_http_server *server = conn->server;
    bool close_after = conn->close_after || server->drain_deadline_ns != 0;

    if (conn->gone != NULL) {
        event_free(conn->gone);
        conn->gone = NULL;
    }
    conn->talks = false;
    if (conn->refuse == 0)
        server->options.on_answered(server->options.context, &conn->request, &conn->answer, sent);
    col_conn_body_release(conn);
    if (conn->slow_answer) {
        conn->slow_answer = false;
        col_conn_pace(conn, 0, 0);
    }
    if (!sent) {
        col_conn_free(conn);
    } else if (close_after) {
        finish(conn);
    } else {
        conn->state = COL_CONN_IDLE;
        conn->since_ns = otl_clock_mono(server->options.clock);
        conn->complete = false;
        col_conn_advance(conn);
    }
}

static int format_head(const struct col_conn *conn, const struct col_http_answer *answer,
                       char *out)
{
    const struct col_http_options *options = &conn->server->options;
    bool close_after = conn->close_after || conn->server->drain_deadline_ns != 0;
    const char *type = answer->content_type;
    char length[48] = "", more[ANSWER_MORE_MAX];

    more[0] = '\0';
    if (answer->status != 204) /* which has no body */
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", answer->body.len);
    if (options->more_headers != NULL)
        options->more_headers(options->context, &conn->request, more, sizeof(more));
    return snprintf(out, ANSWER_HEAD_MAX, "HTTP/1.1 %u %s\r\n%s%s%s%s%s%s%s\r\n", answer->status,
                    col_http_reason(answer->status), type ? "Content-Type: " : "",
                    type ? type : "", type ? "\r\n" : "", length,
                    answer->extra ? answer->extra : "", more,
                    close_after                     ? "Connection: close\r\n"
                    : conn->parser.http_minor == 0 ? "Connection: keep-alive\r\n"
                                                    : "");
}

static void answer_conn(struct col_conn *conn, const struct col_http_answer *answer)
{
    struct otl_view body = answer->body;
    char head[ANSWER_HEAD_MAX];
    bool waiting = false;
    int len;

    conn->answer = *answer;
    conn->answer.body = otl_view("", 0);
    conn->answer.extra = NULL;
    if (answer->close || conn->server->options.close_each)
        conn->close_after = true;
    len = format_head(conn, answer, head);
    if (len < 0 || len >= ANSWER_HEAD_MAX) {
        col_conn_answered(conn, false);
        return;
    }
    if (conn->parser.method == HTTP_HEAD)
        body = otl_view("", 0);
    if (answer->cut != 0 && answer->cut < body.len) {
        body.len = answer->cut;
        conn->close_after = true;
    }
    conn->answer.sent_bytes = body.len;
    if (answer->rate != 0) {
        conn->slow_answer = true;
        col_conn_pace(conn, 0, answer->rate);
    }
    if (!send_parts(conn, otl_view(head, (size_t)len), body, &waiting)) {
        col_conn_answered(conn, false);
    } else if (waiting) {
        conn->state = COL_CONN_SENDING;
        conn->since_ns = otl_clock_mono(conn->server->options.clock);
    } else {
        col_conn_answered(conn, true);
    }
}

void col_http_answer(struct col_http_request *request, const struct col_http_answer *answer)
{
    struct col_conn *conn =
        (struct col_conn *)(void *)((char *)request - offsetof(struct col_conn, request));

    if (conn->state == COL_CONN_DEAD) {
        conn->answer = *answer;
        conn->answer.body = otl_view("", 0);
        conn->answer.extra = NULL;
        col_conn_answered(conn, false);
    } else {
        answer_conn(conn, answer);
    }
}

void col_http_abandon(struct col_http_request *request)
{
    struct col_conn *conn =
        (struct col_conn *)(void *)((char *)request - offsetof(struct col_conn, request));

    conn->answer = (struct col_http_answer){.status = 0};
    col_conn_reset(conn);
    col_conn_answered(conn, false);
}

void col_http_hang_up(struct col_http_request *request)
{
    struct col_conn *conn =
        (struct col_conn *)(void *)((char *)request - offsetof(struct col_conn, request));

    conn->answer = (struct col_http_answer){.status = 0};
    col_conn_answered(conn, false);
}

void col_conn_refuse(struct col_conn *conn, unsigned status, const char *why)
{
    struct col_http_answer answer = {.status = status,
                                     .content_type = "text/plain; charset=utf-8",
                                     .body = otl_view_str(why),
                                     .close = true};

    conn->refuse = status;
    conn->server->counters.bad_requests++;
    if (conn->server->options.on_refused != NULL)
        conn->server->options.on_refused(conn->server->options.context, &conn->request, &answer);
    answer_conn(conn, &answer);
}
