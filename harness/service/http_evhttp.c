/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "harness/service/http.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

/* ---- server --------------------------------------------------------------------------------- */

struct server {
    struct hx_http_server head;
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    struct event *second;
    hx_http_request_fn *on_request;
    void *arg;
};

struct request {
    struct hx_http_request head;
    const struct server *server;
    struct evhttp_request *raw;
};

static void on_request(struct evhttp_request *raw, void *arg)
{
    struct server *server = arg;
    struct request *request = otl_mem_alloc(sizeof(*request));

    if (request == NULL) {
        evhttp_send_reply(raw, 503, "Service Unavailable", NULL);
        return;
    }
    request->head.ops = &hx_http_evhttp;
    request->server = server;
    request->raw = raw;
    server->on_request(server->arg, &request->head);
}

/* Of a connection that cannot be accepted, for want of a descriptor, the loop would be told again
 * and again: nothing is accepted until the second is over. */
static void on_shortage(struct evconnlistener *listener, void *http)
{
    (void)http;
    evconnlistener_disable(listener);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    const struct server *server = arg;

    (void)fd, (void)what;
    evconnlistener_enable(evhttp_bound_socket_get_listener(server->socket));
}

static void server_free(struct hx_http_server *head);

static bool listen_on(struct server *server, const struct hx_http_server_options *options)
{
    static const struct timeval second = {1, 0};

    server->second = event_new(options->base, -1, EV_PERSIST, on_second, server);
    if (server->second == NULL)
        return false;
    server->socket =
        evhttp_bind_socket_with_handle(server->http, options->address, options->port);
    if (server->socket == NULL || event_add(server->second, &second) != 0)
        return false;
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(server->socket), on_shortage);
    return true;
}

static enum otel_err server_new(const struct hx_http_server_options *options,
                                struct hx_http_server **ret, struct otl_detail *reterr)
{
    struct server *server = otl_mem_zalloc(sizeof(*server));

    if (server == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a server");
    server->head.ops = &hx_http_evhttp;
    server->on_request = options->on_request;
    server->arg = options->arg;
    server->http = evhttp_new(options->base);
    if (server->http == NULL) {
        otl_mem_free(server);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a server");
    }
    evhttp_set_gencb(server->http, on_request, server);
    evhttp_set_max_headers_size(server->http, HX_HTTP_MAX_HEADER_BYTES);
    evhttp_set_max_body_size(server->http, HX_HTTP_MAX_BODY_BYTES);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                                 EVHTTP_REQ_DELETE | EVHTTP_REQ_HEAD |
                                                 EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
    if (!listen_on(server, options)) {
        hx_http_cannot_listen(options, reterr);
        server_free(&server->head);
        return OTEL_ERR_IO;
    }
    *ret = &server->head;
    return OTEL_OK;
}

static uint16_t server_port(const struct hx_http_server *head)
{
    const struct server *server = (const struct server *)(const void *)head;

    return server->socket == NULL ? 0
                                  : hx_http_port_of(evhttp_bound_socket_get_fd(server->socket));
}

static void server_stop(struct hx_http_server *head)
{
    struct server *server = (struct server *)(void *)head;

    if (server->second != NULL)
        event_free(server->second);
    server->second = NULL;
    if (server->socket != NULL)
        evhttp_del_accept_socket(server->http, server->socket);
    server->socket = NULL;
}

static void server_free(struct hx_http_server *head)
{
    struct server *server = (struct server *)(void *)head;

    if (server == NULL)
        return;
    server_stop(head);
    evhttp_free(server->http);
    otl_mem_free(server);
}

static struct evhttp_request *raw_of(const struct hx_http_request *head)
{
    return ((const struct request *)(const void *)head)->raw;
}

static struct otl_view request_method(const struct hx_http_request *head)
{
    switch (evhttp_request_get_command(raw_of(head))) {
    case EVHTTP_REQ_GET:
        return otl_view_str("GET");
    case EVHTTP_REQ_POST:
        return otl_view_str("POST");
    case EVHTTP_REQ_PUT:
        return otl_view_str("PUT");
    case EVHTTP_REQ_DELETE:
        return otl_view_str("DELETE");
    case EVHTTP_REQ_HEAD:
        return otl_view_str("HEAD");
    case EVHTTP_REQ_PATCH:
        return otl_view_str("PATCH");
    case EVHTTP_REQ_OPTIONS:
    case EVHTTP_REQ_TRACE:
    case EVHTTP_REQ_CONNECT:
        break;
    }
    return otl_view_str("OPTIONS");
}

static struct otl_view request_path(const struct hx_http_request *head)
{
    const char *uri = evhttp_request_get_uri(raw_of(head));

    return otl_view(uri, strcspn(uri, "?"));
}

static void request_headers(const struct hx_http_request *head, hx_http_header_fn *visit, void *arg)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(raw_of(head));
    struct evkeyval *header;

    TAILQ_FOREACH (header, headers, next) {
        struct hx_http_header view = {otl_view_str(header->key),
                                      hx_http_trim(otl_view_str(header->value))};
        visit(arg, &view);
    }
}

static void reply(struct hx_http_request *head, int status, struct otl_view body)
{
    struct request *request = (struct request *)(void *)head;
    struct evbuffer *buffer = NULL;

    if (body.len != 0 && (buffer = evbuffer_new()) != NULL)
        evbuffer_add(buffer, body.data, body.len);
    if (request->server->socket == NULL)
        evhttp_add_header(evhttp_request_get_output_headers(request->raw), "Connection", "close");
    evhttp_send_reply(request->raw, status, hx_http_reason(status), buffer);
    if (buffer != NULL)
        evbuffer_free(buffer);
    otl_mem_free(request);
}

/* ---- client: a pool of keep-alive connections to one endpoint, one call at a time on each ---- */

struct connection {
    struct client *client;
    struct evhttp_connection *raw;
    struct call *call;       /* NULL: idle */
    struct connection *idle; /* next in the client's list of idle ones */
};

struct call {
    struct client *client;
    struct connection *connection; /* NULL: waiting for one */
    struct call *next;             /* in the client's waiting list */
    struct evhttp_request *raw;    /* NULL: not with evhttp any more */
    enum evhttp_cmd_type command;
    uint64_t timeout_ns;
    bool starting;
    bool timed_out;
    int status;
    hx_http_done_fn *done;
    void *arg;
    char path[];
};

struct client {
    struct hx_http_client head;
    struct event_base *base;
    char host[64];
    char authority[80];
    uint16_t port;
    struct connection *connections[HX_HTTP_MAX_CONNECTIONS];
    size_t count;
    struct connection *idle;
    struct call *waiting, **waiting_end;
    size_t waiting_count;
};

static enum otel_err client_new(struct event_base *base, const char *host, uint16_t port,
                                struct hx_http_client **ret)
{
    struct client *client = otl_mem_zalloc(sizeof(*client));

    if (client == NULL)
        return OTEL_ERR_MEMORY;
    client->head.ops = &hx_http_evhttp;
    client->base = base;
    client->port = port;
    client->waiting_end = &client->waiting;
    snprintf(client->host, sizeof(client->host), "%s", host);
    snprintf(client->authority, sizeof(client->authority), "%s:%u", host, port);
    *ret = &client->head;
    return OTEL_OK;
}

static void free_connection(struct connection *connection)
{
    if (connection->call != NULL) {
        if (connection->call->raw != NULL)
            evhttp_cancel_request(connection->call->raw);
        otl_mem_free(connection->call);
    }
    evhttp_connection_free(connection->raw);
    otl_mem_free(connection);
}

static void client_free(struct hx_http_client *head)
{
    struct client *client = (struct client *)(void *)head;

    if (client == NULL)
        return;
    for (size_t i = 0; i < client->count; i++)
        free_connection(client->connections[i]);
    while (client->waiting != NULL) {
        struct call *call = client->waiting;
        client->waiting = call->next;
        evhttp_request_free(call->raw);
        otl_mem_free(call);
    }
    otl_mem_free(client);
}

static struct connection *get_connection(struct client *client)
{
    struct connection *connection = client->idle;

    if (connection != NULL) {
        client->idle = connection->idle;
        return connection;
    }
    if (client->count == HX_HTTP_MAX_CONNECTIONS)
        return NULL;
    connection = otl_mem_zalloc(sizeof(*connection));
    if (connection == NULL)
        return NULL;
    connection->raw =
        evhttp_connection_base_bufferevent_new(client->base, NULL, NULL, client->host,
                                               client->port);
    if (connection->raw == NULL) {
        otl_mem_free(connection);
        return NULL;
    }
    connection->client = client;
    client->connections[client->count++] = connection;
    return connection;
}

static void start_call(struct connection *connection, struct call *call);

static void finish_call(struct call *call)
{
    struct connection *connection = call->connection;
    struct client *client = call->client;
    struct call *next = client->waiting;
    enum hx_http_outcome outcome = call->status != 0 ? HX_HTTP_ANSWERED
                                   : call->timed_out ? HX_HTTP_TIMED_OUT
                                                     : HX_HTTP_UNREACHABLE;

    connection->call = NULL;
    if (next != NULL) {
        client->waiting = next->next;
        if (client->waiting == NULL)
            client->waiting_end = &client->waiting;
        client->waiting_count--;
        start_call(connection, next);
    } else {
        connection->idle = client->idle;
        client->idle = connection;
    }
    call->done(call->arg, outcome, call->status);
    otl_mem_free(call);
}

static void finish_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    finish_call(arg);
}

static void on_error(enum evhttp_request_error error, void *arg)
{
    struct call *call = arg;

    call->timed_out = error == EVREQ_HTTP_TIMEOUT;
}

/* raw is NULL when the connection failed under the request. */
static void on_response(struct evhttp_request *raw, void *arg)
{
    struct call *call = arg;

    call->status = raw != NULL ? evhttp_request_get_response_code(raw) : 0;
    call->raw = NULL;
    if (!call->starting)
        finish_call(call);
}

static void start_call(struct connection *connection, struct call *call)
{
    struct timeval limit = {(time_t)(call->timeout_ns / OTL_NS_PER_S),
                            (suseconds_t)(call->timeout_ns % OTL_NS_PER_S / OTL_NS_PER_US)};
    struct timeval now = {0, 0};

    connection->call = call;
    call->connection = connection;
    evhttp_connection_set_timeout_tv(connection->raw, &limit);
    call->starting = true;
    if (evhttp_make_request(connection->raw, call->raw, call->command, call->path) != 0)
        call->raw = NULL;
    call->starting = false;
    /* Failed at once: told from the loop, never from inside the call. */
    if (call->raw == NULL)
        event_base_once(call->client->base, -1, EV_TIMEOUT, finish_later, call, &now);
}

static enum evhttp_cmd_type command_of(const char *method)
{
    static const struct {
        const char *name;
        enum evhttp_cmd_type command;
    } commands[] = {{"POST", EVHTTP_REQ_POST},     {"PUT", EVHTTP_REQ_PUT},
                    {"DELETE", EVHTTP_REQ_DELETE}, {"HEAD", EVHTTP_REQ_HEAD},
                    {"PATCH", EVHTTP_REQ_PATCH},   {"OPTIONS", EVHTTP_REQ_OPTIONS}};

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, method) == 0)
            return commands[i].command;
    return EVHTTP_REQ_GET;
}

static bool add_header(struct evkeyvalq *headers, const struct hx_http_header *header)
{
    char name[128], value[8200];

    if (header->name.len >= sizeof(name) || header->value.len >= sizeof(value))
        return false;
    memcpy(name, header->name.data, header->name.len);
    name[header->name.len] = '\0';
    memcpy(value, header->value.data, header->value.len);
    value[header->value.len] = '\0';
    return evhttp_add_header(headers, name, value) == 0;
}

static struct evhttp_request *make_raw(const struct client *client,
                                       const struct hx_http_call *options, struct call *call)
{
    struct evhttp_request *raw = evhttp_request_new(on_response, call);
    struct evkeyvalq *headers;
    bool ok;

    if (raw == NULL)
        return NULL;
    evhttp_request_set_error_cb(raw, on_error);
    headers = evhttp_request_get_output_headers(raw);
    ok = evhttp_add_header(headers, "Host", client->authority) == 0;
    for (size_t i = 0; ok && i < options->header_count; i++)
        ok = add_header(headers, &options->headers[i]);
    if (ok && options->body.len != 0)
        ok = evbuffer_add(evhttp_request_get_output_buffer(raw), options->body.data,
                          options->body.len) == 0;
    if (!ok) {
        evhttp_request_free(raw);
        return NULL;
    }
    return raw;
}

static enum otel_err client_call(struct hx_http_client *head, const struct hx_http_call *options)
{
    struct client *client = (struct client *)(void *)head;
    size_t path_size = strlen(options->path) + 1;
    struct connection *connection;
    struct call *call;

    if (client->waiting_count == HX_HTTP_MAX_WAITING)
        return OTEL_ERR_LIMIT;
    call = otl_mem_zalloc(sizeof(*call) + path_size);
    if (call == NULL)
        return OTEL_ERR_MEMORY;
    call->client = client;
    call->command = command_of(options->method);
    call->timeout_ns = options->timeout_ns;
    call->done = options->done;
    call->arg = options->arg;
    memcpy(call->path, options->path, path_size);
    call->raw = make_raw(client, options, call);
    if (call->raw == NULL) {
        otl_mem_free(call);
        return OTEL_ERR_MEMORY;
    }
    connection = get_connection(client);
    if (connection != NULL) {
        start_call(connection, call);
        return OTEL_OK;
    }
    *client->waiting_end = call;
    client->waiting_end = &call->next;
    client->waiting_count++;
    return OTEL_OK;
}

const struct hx_http_ops hx_http_evhttp = {
    .server_new = server_new,
    .server_port = server_port,
    .server_stop = server_stop,
    .server_free = server_free,
    .request_method = request_method,
    .request_path = request_path,
    .request_headers = request_headers,
    .reply = reply,
    .client_new = client_new,
    .client_call = client_call,
    .client_free = client_free,
};
