/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <http_parser.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/service/http_lean.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

/* Calls over time are looked for this often; one timer serves all connections. */
enum { SWEEP_MILLIS = 20 };

enum state { CLOSED, CONNECTING, OPEN };

/* A call that waits for a connection: its bytes are made already. */
struct waiting {
    struct waiting *next;
    uint64_t deadline_mono_ns;
    hx_http_done_fn *done;
    void *arg;
    size_t len;
    char data[];
};

struct connection {
    struct client *client;
    struct connection *idle; /* next in the client's list of idle ones */
    enum state state;
    int fd;
    struct event *readable;
    struct event *writable;
    struct event *failure;   /* made active when a call fails inside itself */
    http_parser parser;
    bool answered;
    bool busy;
    uint64_t deadline_mono_ns;
    hx_http_done_fn *done;
    void *arg;
    struct otl_buf output;
    size_t output_at;
};

struct client {
    struct hx_http_client head;
    struct event_base *base;
    struct sockaddr_in address;
    char authority[80];
    struct connection *connections[HX_HTTP_MAX_CONNECTIONS];
    size_t count;
    struct connection *idle;
    struct waiting *waiting, **waiting_end;
    size_t waiting_count;
    struct event *sweep;
    struct otl_buf scratch;
};

/* ---- the end of a call ---------------------------------------------------------------------- */

static void start(struct connection *c, const char *data, size_t len);

static void disconnect(struct connection *c)
{
    if (c->state == CLOSED)
        return;
    event_free(c->readable);
    event_free(c->writable);
    close(c->fd);
    c->state = CLOSED;
}

/* Gives the connection to the next call, or to the idle ones. */
static void release(struct connection *c)
{
    struct client *client = c->client;
    struct waiting *next = client->waiting;

    c->busy = false;
    if (next == NULL) {
        c->idle = client->idle;
        client->idle = c;
        return;
    }
    client->waiting = next->next;
    if (client->waiting == NULL)
        client->waiting_end = &client->waiting;
    client->waiting_count--;
    c->done = next->done;
    c->arg = next->arg;
    c->deadline_mono_ns = next->deadline_mono_ns;
    c->busy = true;
    start(c, next->data, next->len);
    otl_mem_free(next);
}

static void finish(struct connection *c, enum hx_http_outcome outcome, int status)
{
    hx_http_done_fn *done = c->done;
    void *arg = c->arg;

    event_del(c->failure);
    release(c);
    done(arg, outcome, status);
}

static void fail(struct connection *c, enum hx_http_outcome outcome)
{
    disconnect(c);
    if (c->busy)
        finish(c, outcome, 0);
}

static void on_failure(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    fail(arg, HX_HTTP_UNREACHABLE);
}

/* ---- answers -------------------------------------------------------------------------------- */

static int on_complete(http_parser *parser)
{
    struct connection *c = parser->data;

    c->answered = true;
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings settings = {.on_message_complete = on_complete};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;
    char block[HX_LEAN_READ_BYTES];
    ssize_t got = recv(fd, block, sizeof(block), 0);
    size_t parsed;
    int status;

    (void)what;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || !c->busy) {
        /* An idle connection that ends has to go from the list only when it is used again. */
        fail(c, HX_HTTP_UNREACHABLE);
        return;
    }
    parsed = http_parser_execute(&c->parser, &settings, block, (size_t)got);
    if (!c->answered) {
        if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK)
            fail(c, HX_HTTP_UNREACHABLE);
        return;
    }
    http_parser_pause(&c->parser, 0);
    status = (int)c->parser.status_code;
    if (!http_should_keep_alive(&c->parser) || parsed != (size_t)got)
        disconnect(c);
    finish(c, HX_HTTP_ANSWERED, status);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Sends what is left; the rest goes when the socket is writable. */
static void push(struct connection *c)
{
    ssize_t sent = send(c->fd, c->output.data + c->output_at, c->output.len - c->output_at,
                        MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        event_active(c->failure, EV_TIMEOUT, 0);
        return;
    }
    if (sent > 0)
        c->output_at += (size_t)sent;
    if (c->output_at == c->output.len)
        event_del(c->writable);
    else
        event_add(c->writable, NULL);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;
    int error = 0;
    socklen_t len = sizeof(error);

    (void)what;
    if (c->state == CONNECTING) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
            fail(c, HX_HTTP_UNREACHABLE);
            return;
        }
        c->state = OPEN;
        event_add(c->readable, NULL);
    }
    push(c);
}

static bool connect_to(struct connection *c)
{
    struct client *client = c->client;
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->readable = event_new(client->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(client->base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
    if (c->readable != NULL && c->writable != NULL &&
        (connect(c->fd, (struct sockaddr *)&client->address, sizeof(client->address)) == 0 ||
         errno == EINPROGRESS) &&
        event_add(c->writable, NULL) == 0) {
        c->state = CONNECTING;
        return true;
    }
    if (c->readable != NULL)
        event_free(c->readable);
    if (c->writable != NULL)
        event_free(c->writable);
    close(c->fd);
    return false;
}

/* data goes out on c, which is busy; a failure is told from the loop. */
static void start(struct connection *c, const char *data, size_t len)
{
    static const struct timeval period = {0, SWEEP_MILLIS * 1000};

    if (!event_pending(c->client->sweep, EV_TIMEOUT, NULL))
        event_add(c->client->sweep, &period);
    http_parser_init(&c->parser, HTTP_RESPONSE);
    c->parser.data = c;
    c->answered = false;
    otl_buf_reset(&c->output);
    c->output_at = 0;
    if (c->state == OPEN) {
        ssize_t sent = send(c->fd, data, len, MSG_NOSIGNAL);
        if (sent == (ssize_t)len)
            return;
        if (sent > 0)
            c->output_at = (size_t)sent;
    }
    if (otl_buf_append(&c->output, data, len) != OTEL_OK ||
        (c->state == CLOSED && !connect_to(c)))
        event_active(c->failure, EV_TIMEOUT, 0);
    else if (c->state == OPEN)
        push(c);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    uint64_t now = otl_clock_mono(otl_clock_real());
    bool any = false;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < client->count; i++) {
        struct connection *c = client->connections[i];
        if (c->busy && c->deadline_mono_ns <= now)
            fail(c, HX_HTTP_TIMED_OUT);
        any = any || c->busy;
    }
    if (!any)
        event_del(client->sweep);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static struct connection *get_connection(struct client *client)
{
    struct connection *c = client->idle;

    if (c != NULL) {
        client->idle = c->idle;
        return c;
    }
    if (client->count == HX_HTTP_MAX_CONNECTIONS)
        return NULL;
    c = otl_mem_zalloc(sizeof(*c));
    if (c == NULL)
        return NULL;
    c->failure = event_new(client->base, -1, 0, on_failure, c);
    if (c->failure == NULL) {
        otl_mem_free(c);
        return NULL;
    }
    c->client = client;
    c->fd = -1;
    otl_buf_init(&c->output, HX_HTTP_MAX_HEADER_BYTES + HX_HTTP_MAX_BODY_BYTES);
    client->connections[client->count++] = c;
    return c;
}

static enum otel_err append_view(struct otl_buf *buf, struct otl_view view)
{
    return otl_buf_append(buf, view.data, view.len);
}

static enum otel_err write_request(const struct client *client, const struct hx_http_call *call,
                                   struct otl_buf *out)
{
    enum otel_err err = otl_buf_append_str(out, call->method);
    char length[48];

    if (err == OTEL_OK)
        err = otl_buf_append_byte(out, ' ');
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, call->path);
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, client->authority);
    if (call->body.len != 0) {
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", call->body.len);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, length);
    } else if (err == OTEL_OK && strcmp(call->method, "POST") == 0) {
        err = otl_buf_append_str(out, "Content-Length: 0\r\n");
    }
    for (size_t i = 0; err == OTEL_OK && i < call->header_count; i++) {
        err = append_view(out, call->headers[i].name);
        if (err == OTEL_OK)
            err = otl_buf_append(out, ": ", 2);
        if (err == OTEL_OK)
            err = append_view(out, call->headers[i].value);
        if (err == OTEL_OK)
            err = otl_buf_append(out, "\r\n", 2);
    }
    if (err == OTEL_OK)
        err = otl_buf_append(out, "\r\n", 2);
    return err == OTEL_OK ? append_view(out, call->body) : err;
}

static enum otel_err wait_in_line(struct client *client, const struct hx_http_call *call,
                                  uint64_t deadline_mono_ns)
{
    struct waiting *waiting = otl_mem_alloc(sizeof(*waiting) + client->scratch.len);

    if (waiting == NULL)
        return OTEL_ERR_MEMORY;
    waiting->next = NULL;
    waiting->deadline_mono_ns = deadline_mono_ns;
    waiting->done = call->done;
    waiting->arg = call->arg;
    waiting->len = client->scratch.len;
    memcpy(waiting->data, client->scratch.data, waiting->len);
    *client->waiting_end = waiting;
    client->waiting_end = &waiting->next;
    client->waiting_count++;
    return OTEL_OK;
}

enum otel_err hx_lean_client_call(struct hx_http_client *head, const struct hx_http_call *call)
{
    struct client *client = (struct client *)(void *)head;
    uint64_t deadline = otl_clock_mono(otl_clock_real()) + call->timeout_ns;
    struct connection *c;
    enum otel_err err;

    if (client->waiting_count == HX_HTTP_MAX_WAITING)
        return OTEL_ERR_LIMIT;
    otl_buf_reset(&client->scratch);
    err = write_request(client, call, &client->scratch);
    if (err != OTEL_OK)
        return err;
    c = get_connection(client);
    if (c == NULL)
        return wait_in_line(client, call, deadline);
    c->done = call->done;
    c->arg = call->arg;
    c->deadline_mono_ns = deadline;
    c->busy = true;
    start(c, client->scratch.data, client->scratch.len);
    return OTEL_OK;
}

/* ---- life ----------------------------------------------------------------------------------- */

enum otel_err hx_lean_client_new(struct event_base *base, const char *host, uint16_t port,
                                 struct hx_http_client **ret)
{
    struct client *client = otl_mem_zalloc(sizeof(*client));

    if (client == NULL)
        return OTEL_ERR_MEMORY;
    client->head.ops = &hx_http_lean;
    client->base = base;
    client->waiting_end = &client->waiting;
    client->address.sin_family = AF_INET;
    client->address.sin_port = htons(port);
    otl_buf_init(&client->scratch, HX_HTTP_MAX_HEADER_BYTES + HX_HTTP_MAX_BODY_BYTES);
    snprintf(client->authority, sizeof(client->authority), " HTTP/1.1\r\nHost: %s:%u\r\n", host,
             port);
    client->sweep = event_new(base, -1, EV_PERSIST, on_sweep, client);
    if (client->sweep == NULL || inet_pton(AF_INET, host, &client->address.sin_addr) != 1) {
        hx_lean_client_free(&client->head);
        return OTEL_ERR_ARGUMENT;
    }
    *ret = &client->head;
    return OTEL_OK;
}

void hx_lean_client_free(struct hx_http_client *head)
{
    struct client *client = (struct client *)(void *)head;

    if (client == NULL)
        return;
    for (size_t i = 0; i < client->count; i++) {
        struct connection *c = client->connections[i];
        disconnect(c);
        event_free(c->failure);
        otl_buf_fini(&c->output);
        otl_mem_free(c);
    }
    while (client->waiting != NULL) {
        struct waiting *waiting = client->waiting;
        client->waiting = waiting->next;
        otl_mem_free(waiting);
    }
    if (client->sweep != NULL)
        event_free(client->sweep);
    otl_buf_fini(&client->scratch);
    otl_mem_free(client);
}
