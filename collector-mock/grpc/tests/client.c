/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/grpc/tests/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "collector-mock/net/socket.h"
#include "sdk/base/clock.h"

static void keep(char *out, size_t size, const uint8_t *value, size_t len)
{
    snprintf(out, size, "%.*s", (int)len, (const char *)value);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct otl_view key = otl_view((const char *)name, name_len);
    char number[16];

    (void)flags;
    (void)arg;
    if (call == NULL)
        return 0;
    keep(number, sizeof(number), value, value_len);
    if (otl_view_is(key, ":status")) {
        call->http_status = (unsigned)strtoul(number, NULL, 10);
    } else if (otl_view_is(key, "grpc-status")) {
        call->code = (int)strtol(number, NULL, 10);
        call->in_trailers = frame->headers.cat == NGHTTP2_HCAT_HEADERS;
    } else if (otl_view_is(key, "grpc-message")) {
        keep(call->text, sizeof(call->text), value, value_len);
    } else if (otl_view_is(key, "grpc-accept-encoding")) {
        keep(call->accept, sizeof(call->accept), value, value_len);
    } else if (otl_view_is(key, "grpc-encoding")) {
        keep(call->encoding, sizeof(call->encoding), value, value_len);
    } else if (otl_view_is(key, "content-type")) {
        keep(call->type, sizeof(call->type), value, value_len);
    } else if (otl_view_is(key, "grpc-status-details-bin")) {
        keep(call->details, sizeof(call->details), value, value_len);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *arg)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, id);

    (void)flags;
    (void)arg;
    if (call != NULL)
        assert_int_equal(otl_buf_append(&call->body, data, len), OTEL_OK);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, id);
    struct client *client = arg;

    if (call != NULL) {
        call->closed = true;
        call->reset = code;
        client->closed++;
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct client *client = arg;

    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->goaways++;
        client->goaway_last = frame->goaway.last_stream_id;
        client->goaway_code = frame->goaway.error_code;
    } else if (frame->hd.type == NGHTTP2_SETTINGS) {
        client->window = nghttp2_session_get_remote_settings(
            session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
        client->max_streams = nghttp2_session_get_remote_settings(
            session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    }
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t len,
                         uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct call *call = source->ptr;

    (void)session;
    (void)id;
    (void)arg;
    if (call->left == 0 && call->open)
        return NGHTTP2_ERR_DEFERRED;
    if (len > call->left)
        len = call->left;
    if (len > 0)
        memcpy(out, call->data, len);
    call->data += len;
    call->left -= len;
    if (call->left == 0 && !call->open)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

void client_open(struct client *client, int fd, void (*pump)(void *), void *context)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;

    memset(client, 0, sizeof(*client));
    client->fd = fd;
    client->pump = pump;
    client->context = context;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_no_http_messaging(option, 1); /* it may say what is wrong */
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    assert_int_equal(nghttp2_session_client_new2(&client->session, callbacks, client, option), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    assert_int_equal(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
}

void client_close(struct client *client)
{
    nghttp2_session_del(client->session);
    for (size_t i = 0; i < client->count; i++) {
        otl_buf_fini(&client->calls[i]->body);
        free(client->calls[i]);
    }
    SSL_free(client->tls);
    close(client->fd);
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

struct call *client_ask(struct client *client, const struct ask *ask)
{
    nghttp2_nv headers[10] = {
        header(":method", ask->method ? ask->method : "POST"), header(":scheme", "http"),
        header(":path", ask->path
                            ? ask->path
                            : "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        header(":authority", "test"), header("te", "trailers")};
    struct call *call = calloc(1, sizeof(*call));
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = read_body};
    size_t count = 5;

    assert_non_null(call);
    assert_true(client->count < CALLS_MAX);
    if (ask->type == NULL || ask->type[0] != '\0')
        headers[count++] = header("content-type", ask->type ? ask->type : "application/grpc");
    if (ask->encoding != NULL)
        headers[count++] = header("grpc-encoding", ask->encoding);
    if (ask->timeout != NULL)
        headers[count++] = header("grpc-timeout", ask->timeout);
    if (ask->extra != NULL)
        headers[count++] = header("x-extra", ask->extra);
    if (ask->auth != NULL)
        headers[count++] = header("authorization", ask->auth);
    call->client = client;
    call->code = -1;
    call->data = ask->body;
    call->left = ask->len;
    call->open = ask->open;
    otl_buf_init(&call->body, 16u << 20);
    client->calls[client->count++] = call;
    call->id = nghttp2_submit_request(client->session, NULL, headers, count,
                                      ask->bare ? NULL : &provider, call);
    assert_true(call->id > 0);
    return call;
}

/* True: something was done. */
static bool say(struct client *client)
{
    const uint8_t *data;
    ssize_t len = nghttp2_session_mem_send(client->session, &data);
    bool done = len > 0;

    while (len > 0) {
        struct col_socket to = {client->fd, client->tls};
        ssize_t sent = col_socket_send(&to, data, (size_t)len);
        if (sent < 0 && errno != EAGAIN) {
            client->mute = true;
            return true;
        }
        if (sent < 0) { /* the server does not read: hear what it has to say */
            struct pollfd p = {client->fd, POLLOUT, 0};
            if (client->pump != NULL)
                client->pump(client->context);
            poll(&p, 1, 5);
            continue;
        }
        client->sent += (uint64_t)sent;
        data += sent;
        len -= sent;
    }
    return done;
}

static bool hear(struct client *client)
{
    uint8_t bytes[65536];
    struct col_socket from = {client->fd, client->tls};
    ssize_t got = col_socket_recv(&from, bytes, sizeof(bytes));

    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0 || nghttp2_session_mem_recv(client->session, bytes, (size_t)got) != got) {
        client->dead = true;
        return false;
    }
    return true;
}

void client_turn(struct client *client)
{
    bool more = true;

    while (more) {
        more = !client->dead && !client->mute && say(client);
        if (client->pump != NULL)
            client->pump(client->context);
        more |= hear(client);
    }
}

bool client_until(struct client *client, const bool *flag)
{
    uint64_t end_ns = otl_clock_mono(otl_clock_real()) + CLIENT_WAIT_MS * OTL_NS_PER_MS;

    client_turn(client);
    while (!*flag && !client->dead) {
        struct pollfd p = {client->fd, POLLIN, 0};
        poll(&p, 1, client->pump != NULL ? 1 : 100);
        client_turn(client);
        if (otl_clock_mono(otl_clock_real()) > end_ns)
            return false;
    }
    return true;
}

void client_wait(struct client *client, const struct call *call)
{
    if (!client_until(client, &call->closed))
        fail_msg("no answer");
}

void client_wait_all(struct client *client)
{
    for (size_t i = 0; i < client->count; i++)
        client_wait(client, client->calls[i]);
}

int client_call(struct client *client, const struct ask *ask)
{
    struct call *call = client_ask(client, ask);

    client_wait(client, call);
    return call->code;
}

void put_message(struct otl_buf *out, uint8_t flag, struct otl_view message)
{
    const uint8_t prefix[5] = {flag, (uint8_t)(message.len >> 24), (uint8_t)(message.len >> 16),
                               (uint8_t)(message.len >> 8), (uint8_t)message.len};

    assert_int_equal(otl_buf_append(out, prefix, 5), OTEL_OK);
    if (message.len > 0)
        assert_int_equal(otl_buf_append(out, message.data, message.len), OTEL_OK);
}
