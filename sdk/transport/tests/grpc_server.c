/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/tests/grpc_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <nghttp2/nghttp2.h>

#include "sdk/base/buf.h"

enum { STEPS = 16, CONNECTIONS = 8 };

struct conn {
    struct gsrv *srv;
    int fd;
    struct event *readable;
    nghttp2_session *session;
    struct gsrv_step step;
    size_t answered; /* of the message with its prefix */
};

struct gsrv {
    struct event_base *base;
    struct event *acceptable;
    int fd;
    uint16_t port;
    struct gsrv_step steps[STEPS];
    unsigned step_count, next, calls, connections;
    uint64_t data_bytes; /* of all calls */
    int32_t window; /* of a stream; 0: HTTP/2's 64 KiB */
    struct conn conns[CONNECTIONS];
    struct otl_buf headers, data;
};

static void drop(struct conn *c)
{
    if (c->fd < 0)
        return;
    event_free(c->readable);
    nghttp2_session_del(c->session);
    close(c->fd);
    c->fd = -1;
}

static void flush(struct conn *c)
{
    const uint8_t *data;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(c->session, &data)) > 0)
        for (ssize_t at = 0; at < n;) {
            ssize_t put = send(c->fd, data + at, (size_t)(n - at), MSG_NOSIGNAL);
            if (put > 0)
                at += put;
            else if (errno != EAGAIN && errno != EINTR)
                return;
        }
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static size_t trailers(const struct gsrv_step *step, nghttp2_nv *out)
{
    size_t count = 0;

    out[count++] = pair("grpc-status", step->grpc_status ? step->grpc_status : "0");
    if (step->grpc_message != NULL)
        out[count++] = pair("grpc-message", step->grpc_message);
    if (step->details != NULL)
        out[count++] = pair("grpc-status-details-bin", step->details);
    return count;
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t length,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct conn *c = context;
    size_t len = c->step.message_len, at = 0, shown = len + c->step.bad_prefix;
    const uint8_t prefix[5] = {c->step.encoding != NULL, (uint8_t)(shown >> 24),
                               (uint8_t)(shown >> 16), (uint8_t)(shown >> 8), (uint8_t)shown};
    nghttp2_nv nv[4];

    (void)source;
    while (at < length && c->answered < 5)
        buf[at++] = prefix[c->answered++];
    while (at < length && c->answered < 5 + len)
        buf[at++] = (uint8_t)c->step.message[c->answered++ - 5];
    if (c->answered == 5 + len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, stream, nv, trailers(&c->step, nv));
    }
    return (ssize_t)at;
}

static void answer(struct conn *c, int32_t stream)
{
    nghttp2_data_provider provider = {.read_callback = read_answer};
    nghttp2_nv nv[8] = {pair(":status", "200"), pair("content-type", "application/grpc")};
    char status[8];

    c->answered = 0;
    switch (c->step.then) {
    case GSRV_ANSWER:
        if (c->step.encoding != NULL)
            nv[2] = pair("grpc-encoding", c->step.encoding);
        nghttp2_submit_response(c->session, stream, nv,
                                c->step.encoding != NULL && c->step.encoding[0] != '\0' ? 3 : 2,
                                &provider);
        break;
    case GSRV_ERROR:
        nghttp2_submit_response(c->session, stream, nv, 2 + trailers(&c->step, nv + 2), NULL);
        break;
    case GSRV_RESET:
        nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_INTERNAL_ERROR);
        break;
    case GSRV_PLAIN:
        snprintf(status, sizeof(status), "%u", c->step.http_status);
        nv[0] = pair(":status", status);
        nv[1] = pair("content-type", "text/plain");
        nghttp2_submit_response(c->session, stream, nv, 2, NULL);
        break;
    case GSRV_GARBAGE:
        (void)!send(c->fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
        break;
    case GSRV_SILENT:
    case GSRV_CLOSE:
        break;
    }
    if (c->step.goaway)
        nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR, NULL, 0);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *context)
{
    struct conn *c = context;

    (void)session;
    (void)frame;
    (void)flags;
    return otl_buf_printf(&c->srv->headers, "%.*s: %.*s\n", (int)name_len, (const char *)name,
                          (int)value_len, (const char *)value) == OTEL_OK
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct conn *c = context;

    (void)session;
    (void)frame;
    otl_buf_reset(&c->srv->headers);
    otl_buf_reset(&c->srv->data);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *context)
{
    struct conn *c = context;

    (void)session;
    (void)flags;
    (void)stream;
    c->srv->data_bytes += len;
    return otl_buf_append(&c->srv->data, data, len) == OTEL_OK ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    static const struct gsrv_step plain = {.then = GSRV_ANSWER};
    struct conn *c = context;
    struct gsrv *srv = c->srv;

    (void)session;
    if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    srv->calls++;
    c->step = srv->next < srv->step_count ? srv->steps[srv->next++] : plain;
    answer(c, frame->hd.stream_id);
    return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct conn *c = argument;
    uint8_t bytes[16384];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

    (void)what;
    if (n <= 0 || nghttp2_session_mem_recv(c->session, bytes, (size_t)n) < 0) {
        drop(c);
        return;
    }
    if (c->step.then == GSRV_CLOSE && c->srv->calls > 0 && c->srv->next > 0 &&
        c->srv->steps[c->srv->next - 1].then == GSRV_CLOSE) {
        drop(c);
        return;
    }
    flush(c);
}

static void open_windows(struct conn *c)
{
    const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                           (uint32_t)c->srv->window};

    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &window, c->srv->window != 0);
    if (c->srv->window != 0)
        nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
                                              4 * c->srv->window);
}

static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
    struct gsrv *srv = argument;
    nghttp2_session_callbacks *callbacks;
    int client = accept(fd, NULL, NULL), one = 1;

    (void)what;
    for (size_t i = 0; i < CONNECTIONS && client >= 0; i++) {
        struct conn *c = &srv->conns[i];
        if (c->fd >= 0)
            continue;
        srv->connections++;
        fcntl(client, F_SETFL, O_NONBLOCK);
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        c->srv = srv;
        c->fd = client;
        c->step.then = GSRV_ANSWER;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_server_new(&c->session, callbacks, c);
        nghttp2_session_callbacks_del(callbacks);
        open_windows(c);
        c->readable = event_new(srv->base, client, EV_READ | EV_PERSIST, on_readable, c);
        event_add(c->readable, NULL);
        flush(c);
        return;
    }
    if (client >= 0)
        close(client);
}

struct gsrv *gsrv_new(struct event_base *base)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct gsrv *srv = calloc(1, sizeof(*srv));

    srv->base = base;
    srv->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(srv->fd, (struct sockaddr *)&address, len) != 0 || listen(srv->fd, 8) != 0 ||
        getsockname(srv->fd, (struct sockaddr *)&address, &len) != 0)
        abort();
    srv->port = ntohs(address.sin_port);
    for (size_t i = 0; i < CONNECTIONS; i++)
        srv->conns[i].fd = -1;
    otl_buf_init(&srv->headers, 64 * 1024);
    otl_buf_init(&srv->data, 4u << 20);
    srv->acceptable = event_new(base, srv->fd, EV_READ | EV_PERSIST, on_acceptable, srv);
    event_add(srv->acceptable, NULL);
    return srv;
}

void gsrv_free(struct gsrv *srv)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        drop(&srv->conns[i]);
    event_free(srv->acceptable);
    close(srv->fd);
    otl_buf_fini(&srv->headers);
    otl_buf_fini(&srv->data);
    free(srv);
}

uint16_t gsrv_port(const struct gsrv *srv)
{
    return srv->port;
}

void gsrv_window(struct gsrv *srv, int32_t bytes)
{
    srv->window = bytes;
}

void gsrv_push(struct gsrv *srv, const struct gsrv_step *step)
{
    if (srv->step_count == STEPS)
        abort();
    srv->steps[srv->step_count++] = *step;
}

unsigned gsrv_calls(const struct gsrv *srv)
{
    return srv->calls;
}

unsigned gsrv_connections(const struct gsrv *srv)
{
    return srv->connections;
}

uint64_t gsrv_data_bytes(const struct gsrv *srv)
{
    return srv->data_bytes;
}

const char *gsrv_headers(const struct gsrv *srv)
{
    return srv->headers.data ? srv->headers.data : "";
}

const char *gsrv_data(const struct gsrv *srv, size_t *ret_len)
{
    *ret_len = srv->data.len;
    return srv->data.data;
}
