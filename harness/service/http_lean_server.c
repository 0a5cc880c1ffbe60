/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <http_parser.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/service/http_lean.h"
#include "sdk/base/mem.h"

enum { BACKLOG = 1024, ACCEPTS_A_TURN = 64 };

/* Places in a connection's input, which may move while it grows. */
struct piece {
    uint32_t offset, len;
};

struct connection {
    struct hx_http_request head; /* the request in hand */
    struct server *server;
    struct connection *next, **link;
    int fd;
    struct event *readable;
    struct event *writable;      /* made when a reply did not go out at once */
    http_parser parser;
    char *input;
    size_t len, cap, parsed;
    size_t keep;                 /* input[0..keep) holds the head; what follows is body, dropped */
    size_t body;
    struct piece url;
    struct piece names[HX_HTTP_MAX_HEADERS], values[HX_HTTP_MAX_HEADERS];
    size_t header_count;
    bool in_value;
    bool heads_done;
    bool complete;
    bool in_hand;                /* given to the handler, not replied to yet */
    bool reading_off;            /* until the reply: what came meanwhile waits in the kernel */
    bool in_process;
    bool closing;
    char *output;                /* rest of a reply that the socket did not take */
    size_t output_len, output_at;
};

struct server {
    struct hx_http_server head;
    struct event_base *base;
    int fd;
    struct event *acceptable;
    struct event *rested;        /* while nothing is accepted, for want of means */
    struct connection *connections;
    hx_http_request_fn *on_request;
    void *arg;
};

/* ---- parsing -------------------------------------------------------------------------------- */

static struct connection *of(http_parser *parser)
{
    return parser->data;
}

static void extend(struct piece *piece, const struct connection *c, const char *at, size_t len)
{
    if (piece->len == 0)
        piece->offset = (uint32_t)(at - c->input);
    piece->len += (uint32_t)len;
}

static int on_begin(http_parser *parser)
{
    struct connection *c = of(parser);

    memset(&c->url, 0, sizeof(c->url));
    c->header_count = 0;
    c->in_value = false;
    c->heads_done = false;
    c->complete = false;
    c->body = 0;
    c->keep = 0;
    return 0;
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    extend(&of(parser)->url, of(parser), at, len);
    return 0;
}

static int on_field(http_parser *parser, const char *at, size_t len)
{
    struct connection *c = of(parser);

    if (c->header_count == 0 || c->in_value) {
        if (c->header_count == HX_HTTP_MAX_HEADERS)
            return -1;
        memset(&c->names[c->header_count], 0, sizeof(struct piece));
        memset(&c->values[c->header_count], 0, sizeof(struct piece));
        c->header_count++;
        c->in_value = false;
    }
    extend(&c->names[c->header_count - 1], c, at, len);
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct connection *c = of(parser);

    c->in_value = true;
    extend(&c->values[c->header_count - 1], c, at, len);
    return 0;
}

static int on_headers_complete(http_parser *parser)
{
    of(parser)->heads_done = true;
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct connection *c = of(parser);

    (void)at;
    c->body += len;
    return c->body > HX_HTTP_MAX_BODY_BYTES ? -1 : 0;
}

static int on_complete(http_parser *parser)
{
    of(parser)->complete = true;
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* ---- a connection --------------------------------------------------------------------------- */

static void close_connection(struct connection *c)
{
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    event_free(c->readable);
    if (c->writable != NULL)
        event_free(c->writable);
    close(c->fd);
    otl_mem_free(c->input);
    otl_mem_free(c->output);
    otl_mem_free(c);
}

/* Parses what is there until a request is complete; false: nonsense. */
static bool parse(struct connection *c)
{
    c->parsed += http_parser_execute(&c->parser, &settings, c->input + c->parsed,
                                     c->len - c->parsed);
    if (c->complete) {
        http_parser_pause(&c->parser, 0);
        return true;
    }
    if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK || c->parser.upgrade)
        return false;
    if (c->heads_done) {
        /* The head stays where it is; body bytes behind it are over with. */
        if (c->keep == 0)
            c->keep = c->len;
        c->len = c->parsed = c->keep;
    }
    return c->heads_done || c->len < HX_HTTP_MAX_HEADER_BYTES;
}

/* Hands over the requests that are complete, one after the other; closes what is to be closed.
 * The connection may be gone afterwards. */
static void process(struct connection *c)
{
    bool ok = true;

    c->in_process = true;
    while (ok && !c->in_hand && !c->closing && c->parsed < c->len && c->output == NULL) {
        ok = parse(c);
        if (ok && c->complete) {
            c->in_hand = true;
            c->server->on_request(c->server->arg, &c->head);
        }
    }
    c->in_process = false;
    if (!c->in_hand && c->output == NULL && (!ok || c->closing))
        close_connection(c);
}

static bool make_room(struct connection *c)
{
    char *input;

    if (c->cap - c->len >= HX_LEAN_READ_BYTES / 4)
        return true;
    input = otl_mem_realloc(c->input, c->cap + HX_LEAN_READ_BYTES);
    if (input == NULL)
        return false;
    c->input = input;
    c->cap += HX_LEAN_READ_BYTES;
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;
    ssize_t got;

    (void)what;
    if (c->in_hand || c->output != NULL) {
        event_del(c->readable);
        c->reading_off = true;
        return;
    }
    got = make_room(c) ? recv(fd, c->input + c->len, c->cap - c->len, 0) : 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_connection(c);
        return;
    }
    c->len += (size_t)got;
    process(c);
}

/* ---- replies -------------------------------------------------------------------------------- */

/* The request is over: what was read behind it moves to the front. */
static void next_request(struct connection *c)
{
    c->in_hand = false;
    c->complete = false;
    memmove(c->input, c->input + c->parsed, c->len - c->parsed);
    c->len -= c->parsed;
    c->parsed = 0;
    if (c->reading_off && !c->closing) {
        c->reading_off = false;
        event_add(c->readable, NULL);
    }
    if (!c->in_process)
        process(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;
    ssize_t sent = send(fd, c->output + c->output_at, c->output_len - c->output_at, MSG_NOSIGNAL);

    (void)what;
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent > 0)
        c->output_at += (size_t)sent;
    if (sent > 0 && c->output_at < c->output_len)
        return;
    if (sent <= 0)
        c->closing = true;
    event_del(c->writable);
    otl_mem_free(c->output);
    c->output = NULL;
    next_request(c);
}

/* Keeps what the socket did not take. */
static void write_later(struct connection *c, const char *data, size_t len)
{
    if (c->writable == NULL)
        c->writable = event_new(c->server->base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
    c->output = otl_mem_alloc(len);
    if (c->output == NULL || c->writable == NULL || event_add(c->writable, NULL) != 0) {
        otl_mem_free(c->output);
        c->output = NULL;
        c->closing = true;
        return;
    }
    memcpy(c->output, data, len);
    c->output_len = len;
    c->output_at = 0;
}

static void send_reply(struct connection *c, const char *data, size_t len)
{
    ssize_t sent = send(c->fd, data, len, MSG_NOSIGNAL);

    if (sent == (ssize_t)len)
        return;
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        c->closing = true;
    else
        write_later(c, data + (sent > 0 ? sent : 0), len - (size_t)(sent > 0 ? sent : 0));
}

static void reply(struct hx_http_request *head, int status, struct otl_view body)
{
    struct connection *c = (struct connection *)(void *)head;
    bool keep_alive = http_should_keep_alive(&c->parser) != 0 && c->server->fd >= 0;
    bool with_body = c->parser.method != HTTP_HEAD && status != 204;
    size_t room = HX_HTTP_HEAD_BYTES + body.len;
    char small[1024], *text = room <= sizeof(small) ? small : otl_mem_alloc(room), *end;

    if (text == NULL) {
        c->closing = true;
        next_request(c);
        return;
    }
    end = hx_http_write_head(text, status, body.len, keep_alive);
    if (with_body && body.len != 0)
        end = mempcpy(end, body.data, body.len);
    if (!keep_alive)
        c->closing = true;
    send_reply(c, text, (size_t)(end - text));
    if (text != small)
        otl_mem_free(text);
    if (c->output == NULL)
        next_request(c);
}

/* ---- views ---------------------------------------------------------------------------------- */

static struct otl_view view_of(const struct connection *c, struct piece piece)
{
    return otl_view(c->input + piece.offset, piece.len);
}

static struct otl_view request_method(const struct hx_http_request *head)
{
    const struct connection *c = (const struct connection *)(const void *)head;

    return otl_view_str(http_method_str((enum http_method)c->parser.method));
}

static struct otl_view request_path(const struct hx_http_request *head)
{
    const struct connection *c = (const struct connection *)(const void *)head;
    struct otl_view url = view_of(c, c->url);
    const char *query = memchr(url.data, '?', url.len);

    return query != NULL ? otl_view(url.data, (size_t)(query - url.data)) : url;
}

static void request_headers(const struct hx_http_request *head, hx_http_header_fn *visit, void *arg)
{
    const struct connection *c = (const struct connection *)(const void *)head;

    for (size_t i = 0; i < c->header_count; i++) {
        struct hx_http_header header = {view_of(c, c->names[i]),
                                        hx_http_trim(view_of(c, c->values[i]))};
        visit(arg, &header);
    }
}

/* ---- server --------------------------------------------------------------------------------- */

static void open_connection(struct server *server, int fd)
{
    struct connection *c = otl_mem_zalloc(sizeof(*c));
    int on = 1;

    if (c != NULL)
        c->readable = event_new(server->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    if (c == NULL || c->readable == NULL || event_add(c->readable, NULL) != 0) {
        if (c != NULL && c->readable != NULL)
            event_free(c->readable);
        otl_mem_free(c);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->head.ops = &hx_http_lean;
    c->server = server;
    c->fd = fd;
    http_parser_init(&c->parser, HTTP_REQUEST);
    c->parser.data = c;
    c->link = &server->connections;
    c->next = server->connections;
    if (c->next != NULL)
        c->next->link = &c->next;
    server->connections = c;
}

/* Of a connection that cannot be accepted, for want of a descriptor, the loop would be told again
 * and again: nothing is accepted for a while. */
static void rest(struct server *server)
{
    static const struct timeval second = {1, 0};

    if (event_add(server->rested, &second) == 0)
        event_del(server->acceptable);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct server *server = arg;

    (void)fd, (void)what;
    if (event_add(server->acceptable, NULL) != 0)
        rest(server);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct server *server = arg;

    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (accepted < 0) {
            if (errno != EAGAIN)
                rest(server);
            return;
        }
        open_connection(server, accepted);
    }
}

static int listen_on(const char *address, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (fd >= 0 && inet_pton(AF_INET, address, &name.sin_addr) == 1 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static enum otel_err server_new(const struct hx_http_server_options *options,
                                struct hx_http_server **ret, struct otl_detail *reterr)
{
    struct server *server = otl_mem_zalloc(sizeof(*server));

    if (server == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a server");
    server->head.ops = &hx_http_lean;
    server->base = options->base;
    server->on_request = options->on_request;
    server->arg = options->arg;
    server->fd = listen_on(options->address, options->port);
    if (server->fd >= 0)
        server->acceptable =
            event_new(options->base, server->fd, EV_READ | EV_PERSIST, on_acceptable, server);
    server->rested = event_new(options->base, -1, 0, on_rested, server);
    if (server->acceptable == NULL || server->rested == NULL ||
        event_add(server->acceptable, NULL) != 0) {
        hx_http_cannot_listen(options, reterr);
        if (server->acceptable != NULL)
            event_free(server->acceptable);
        if (server->rested != NULL)
            event_free(server->rested);
        if (server->fd >= 0)
            close(server->fd);
        otl_mem_free(server);
        return OTEL_ERR_IO;
    }
    *ret = &server->head;
    return OTEL_OK;
}

static uint16_t server_port(const struct hx_http_server *head)
{
    const struct server *server = (const struct server *)(const void *)head;

    return server->fd < 0 ? 0 : hx_http_port_of(server->fd);
}

static void server_stop(struct hx_http_server *head)
{
    struct server *server = (struct server *)(void *)head;

    if (server->fd < 0)
        return;
    event_free(server->acceptable);
    event_free(server->rested);
    close(server->fd);
    server->acceptable = server->rested = NULL;
    server->fd = -1;
}

static void server_free(struct hx_http_server *head)
{
    struct server *server = (struct server *)(void *)head;

    if (server == NULL)
        return;
    server_stop(head);
    while (server->connections != NULL)
        close_connection(server->connections);
    otl_mem_free(server);
}

const struct hx_http_ops hx_http_lean = {
    .server_new = server_new,
    .server_port = server_port,
    .server_stop = server_stop,
    .server_free = server_free,
    .request_method = request_method,
    .request_path = request_path,
    .request_headers = request_headers,
    .reply = reply,
    .client_new = hx_lean_client_new,
    .client_call = hx_lean_client_call,
    .client_free = hx_lean_client_free,
};
