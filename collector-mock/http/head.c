/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "collector-mock/http/conn.h"
#include "collector-mock/net/socket.h"

/* What the parser reports, gathered into the connection. */

static int refuse(struct col_conn *conn, unsigned status, const char *why)
{
    if (conn->refuse == 0) {
        conn->refuse = status;
        conn->refuse_why = why;
    }
    return -1;
}

static int add_head(struct col_conn *conn, const char *data, size_t len)
{
    switch (otl_buf_append(&conn->head, data, len)) {
    case OTEL_OK:
        return 0;
    case OTEL_ERR_MEMORY:
        return refuse(conn, 503, "out of memory");
    default:
        return refuse(conn, 431, "the request head is too large");
    }
}

static int on_begin(http_parser *parser)
{
    struct col_conn *conn = parser->data;

    conn->state = COL_CONN_HEAD;
    conn->since_ns = otl_clock_mono(conn->server->options.clock);
    otl_buf_reset(&conn->head);
    conn->url_len = conn->body_expected = conn->name_count = 0;
    conn->value_open = true;
    conn->complete = false;
    /* views of the head before, which moves as it grows */
    conn->request.method = conn->request.path = otl_view("", 0);
    conn->request.header_count = 0;
    return 0;
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct col_conn *conn = parser->data;

    conn->url_len += len;
    return add_head(conn, at, len);
}

static int on_header_field(http_parser *parser, const char *at, size_t len)
{
    struct col_conn *conn = parser->data;
    size_t index;

    if (parser->flags & F_TRAILING) /* behind a chunked body: not kept */
        return 0;
    if (conn->value_open) {
        if (conn->name_count == COL_HTTP_HEADERS_MAX)
            return refuse(conn, 431, "too many headers");
        index = conn->name_count++;
        conn->name_at[index] = (uint32_t)conn->head.len;
        conn->name_len[index] = conn->value_len[index] = 0;
        conn->value_open = false;
    }
    conn->name_len[conn->name_count - 1] += (uint32_t)len;
    return add_head(conn, at, len);
}

static int on_header_value(http_parser *parser, const char *at, size_t len)
{
    struct col_conn *conn = parser->data;

    if (parser->flags & F_TRAILING)
        return 0;
    conn->value_open = true;
    conn->value_len[conn->name_count - 1] += (uint32_t)len;
    return add_head(conn, at, len);
}

static bool has_length(const http_parser *parser)
{
    return (parser->flags & F_CONTENTLENGTH) != 0 && parser->content_length != UINT64_MAX;
}

static void head_views(struct col_conn *conn)
{
    struct col_http_request *request = &conn->request;
    const char *head = conn->head.data, *query;
    const char *method = http_method_str((enum http_method)conn->parser.method);

    query = memchr(head, '?', conn->url_len);
    request->method = otl_view_str(method);
    request->path = otl_view(head, query ? (size_t)(query - head) : conn->url_len);
    request->header_count = conn->name_count;
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = head + conn->name_at[i];
        size_t len = conn->value_len[i];
        while (len > 0 && (name[conn->name_len[i] + len - 1] == ' ' ||
                           name[conn->name_len[i] + len - 1] == '\t'))
            len--;
        request->headers[i].name = otl_view(name, conn->name_len[i]);
        request->headers[i].value = otl_view(name + conn->name_len[i], len);
    }
}

static int on_headers_complete(http_parser *parser)
{
    struct col_conn *conn = parser->data;
    struct otl_view expect;

    head_views(conn);
    conn->state = COL_CONN_BODY;
    conn->body_expected = has_length(parser) && !(parser->flags & F_CHUNKED)
                              ? (size_t)parser->content_length
                              : 0;
    conn->since_ns = otl_clock_mono(conn->server->options.clock);
    conn->request.begun_ns = conn->since_ns;
    conn->request.minor = parser->http_minor;
    if (parser->method != HTTP_CONNECT)
        parser->upgrade = 0; /* offers of h2c and websockets are not taken up */
    if (has_length(parser) && parser->content_length > conn->server->options.max_body_bytes)
        return refuse(conn, 400, "the request body is too large");
    expect = col_http_header_of(&conn->request, "Expect");
    if (expect.len == 0)
        return 0;
    if (expect.len != 12 || strncasecmp(expect.data, "100-continue", 12) != 0)
        return refuse(conn, 417, "only Expect: 100-continue is understood");
    if (parser->http_major == 1 && parser->http_minor >= 1 &&
        (has_length(parser) ? parser->content_length > 0 : (parser->flags & F_CHUNKED) != 0))
        col_conn_continue(conn);
    return 0;
}

/* The capacity that the buffer takes when it has to hold need bytes and a NUL. */
static size_t grown(const struct otl_buf *buf, size_t need)
{
    size_t cap = buf->cap ? buf->cap : 64;

    while (cap < need + 1)
        cap *= 2;
    return cap > buf->max + 1 ? buf->max + 1 : cap;
}

bool col_conn_body_room(struct col_conn *conn, size_t extra)
{
    struct col_http_server *server = conn->server;
    size_t old, cap, more;

    if (extra > server->options.max_body_bytes - conn->body.len) {
        refuse(conn, 400, "the request body is too large");
        return false;
    }
    if (conn->body.cap == 0 && server->spare_count > 0 &&
        col_budget_take(server->budget, server->spare[server->spare_count - 1].cap)) {
        conn->body = server->spare[--server->spare_count];
        server->memory += conn->body.cap;
    }
    old = conn->body.cap;
    cap = grown(&conn->body, conn->body.len + extra);
    more = cap > old ? cap - old : 0;
    if (!col_budget_take(server->budget, more)) {
        refuse(conn, 503, "the memory for request bodies is spent");
        return false;
    }
    if (otl_buf_reserve(&conn->body, extra) != OTEL_OK) {
        col_budget_give(server->budget, more);
        refuse(conn, 503, "out of memory");
        return false;
    }
    /* exact, should the buffer ever grow otherwise than grown() thinks */
    if (conn->body.cap != old + more)
        col_budget_give(server->budget, old + more - conn->body.cap);
    server->memory += conn->body.cap - old;
    return true;
}

void col_conn_body_release(struct col_conn *conn)
{
    struct col_http_server *server = conn->server;

    server->memory -= conn->body.cap;
    col_budget_give(server->budget, conn->body.cap);
    if (conn->body.cap == 0)
        return;
    if (server->spare_count < COL_HTTP_SPARE_BODIES && conn->body.cap <= (1u << 20)) {
        otl_buf_reset(&conn->body);
        server->spare[server->spare_count++] = conn->body;
        otl_buf_init(&conn->body, server->options.max_body_bytes);
    } else {
        otl_buf_fini(&conn->body);
        otl_buf_init(&conn->body, server->options.max_body_bytes);
    }
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct col_conn *conn = parser->data;

    conn->since_ns = otl_clock_mono(conn->server->options.clock);
    if (conn->body.data != NULL && at == conn->body.data + conn->body.len) {
        conn->body.len += len; /* it was received in its place */
        return 0;
    }
    if (!col_conn_body_room(conn, len))
        return -1;
    memcpy(conn->body.data + conn->body.len, at, len);
    conn->body.len += len;
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct col_conn *conn = parser->data;

    conn->complete = true;
    conn->close_after |= !http_should_keep_alive(parser);
    http_parser_pause(parser, 1);
    return 0;
}

const http_parser_settings col_conn_settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

struct otl_view col_http_header_nth(const struct col_http_request *request, const char *name,
                                    size_t index)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < request->header_count; i++)
        if (request->headers[i].name.len == len &&
            strncasecmp(request->headers[i].name.data, name, len) == 0 && index-- == 0)
            return request->headers[i].value;
    return otl_view(NULL, 0);
}

struct otl_view col_http_header_of(const struct col_http_request *request, const char *name)
{
    struct otl_view value = col_http_header_nth(request, name, 0);

    return value.data != NULL ? value : otl_view("", 0);
}

bool col_http_peer(const struct col_http_request *request, char *out, size_t size)
{
    const struct col_conn *conn =
        (const struct col_conn *)(const void *)((const char *)request -
                                                offsetof(struct col_conn, request));

    return col_socket_peer(conn->fd, out, size);
}
