/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/grpc/server.h"

#include <string.h>

#include <event2/event.h>

#include "collector-mock/grpc/conn.h"
#include "sdk/base/mem.h"

void col_grpc_options_init(struct col_grpc_options *options)
{
    memset(options, 0, sizeof(*options));
    options->host = "127.0.0.1";
    options->max_connections = 10000;
    options->max_concurrent_streams = 1000;
    options->max_head_bytes = 16 * 1024;
    options->max_message_bytes = 4 * 1024 * 1024;
    options->head_timeout_ns = 10 * OTL_NS_PER_S;
    options->body_timeout_ns = 30 * OTL_NS_PER_S;
}

void col_grpc_take(struct col_grpc_server *server, int fd)
{
    const struct col_admission admission = {.draining = server->drain_deadline_ns != 0,
                                            .open = server->counters.connections_open,
                                            .max = server->options.max_connections,
                                            .stalled = &server->stalled,
                                            .refused = &server->counters.connections_refused,
                                            .connections = &server->counters.connections,
                                            .on_connection = server->options.on_connection,
                                            .context = server->options.context};
    struct col_fate fate;
    uint64_t number;

    if (col_admit(&admission, fd, &number, &fate))
        col_h2_conn_adopt(server, fd, number, &fate);
}

static void on_accept(void *context, int fd)
{
    struct col_grpc_server *server = context;

    if (server->options.deal == NULL || !server->options.deal(server->options.deal_context, fd))
        col_grpc_take(server, fd);
}

void col_grpc_meet(struct col_grpc_server *server)
{
    for (struct col_h2_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        struct col_fate fate = {.stall = false};
        server->options.on_connection(server->options.context, conn->number, true, &fate);
        if (fate.read_rate != 0)
            col_h2_conn_pace(conn, fate.read_rate, conn->write_rate);
    }
}

void col_grpc_thaw(struct col_grpc_server *server)
{
    static const struct col_fate well = {.stall = false};
    struct col_stalled_one one;

    for (struct col_h2_conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (conn->read_rate != 0)
            col_h2_conn_pace(conn, 0, conn->write_rate);
    while (col_stalled_take(&server->stalled, &one))
        col_h2_conn_adopt(server, one.fd, one.number, &well);
}

static void on_shortage(void *context)
{
    ((struct col_grpc_server *)context)->counters.connections_refused++;
}

/* ---- time ---- */

/* Visit every connection; one visit frees at most the connection itself. */
static void visit(struct col_grpc_server *server, void (*what)(struct col_h2_conn *, uint64_t))
{
    uint64_t now_ns = otl_clock_mono(server->options.clock);
    bool admitting = server->admitting;
    struct col_h2_conn *next;

    server->admitting = true; /* later: it could free others */
    for (struct col_h2_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        what(conn, now_ns);
    }
    server->admitting = admitting;
    col_grpc_admit(server);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct col_grpc_server *server = arg;

    (void)fd;
    (void)what;
    col_listener_wake(server->listener);
    visit(server, col_h2_conn_sweep);
    if (server->options.max_age_ns != 0 || server->options.max_idle_ns != 0)
        visit(server, col_h2_conn_retire);
}

static void set_deadline(struct col_grpc_server *server, uint64_t deadline_ns)
{
    uint64_t now_ns = otl_clock_mono(server->options.clock);
    uint64_t wait_us = deadline_ns > now_ns ? (deadline_ns - now_ns) / OTL_NS_PER_US + 1 : 1;
    struct timeval wait;

    if (wait_us > 3600 * 1000000ULL) /* looked at again then */
        wait_us = 3600 * 1000000ULL;
    wait.tv_sec = (time_t)(wait_us / 1000000);
    wait.tv_usec = (suseconds_t)(wait_us % 1000000);
    server->next_deadline_ns = deadline_ns;
    event_add(server->deadline, &wait); /* if it cannot: the sweep sees to it */
}

void col_grpc_deadline(struct col_grpc_server *server, uint64_t deadline_ns)
{
    if (server->next_deadline_ns == 0 || deadline_ns < server->next_deadline_ns)
        set_deadline(server, deadline_ns);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct col_grpc_server *server = arg;
    uint64_t first = 0;

    (void)fd;
    (void)what;
    server->next_deadline_ns = 0;
    visit(server, col_h2_conn_sweep);
    for (const struct col_h2_conn *conn = server->conns; conn != NULL; conn = conn->next)
        for (const struct col_stream *stream = conn->streams; stream != NULL;
             stream = stream->next)
            if (stream->state == COL_STREAM_BODY && stream->deadline_ns != 0 &&
                (first == 0 || stream->deadline_ns < first))
                first = stream->deadline_ns;
    if (first != 0)
        col_grpc_deadline(server, first);
}

/* ---- life ---- */

static enum otel_err start_timers(struct col_grpc_server *server)
{
    static const struct timeval second = {1, 0};

    server->deadline = event_new(server->options.base, -1, 0, on_deadline, server);
    server->sweep = event_new(server->options.base, -1, EV_PERSIST, on_sweep, server);
    if (server->deadline == NULL || server->sweep == NULL ||
        event_add(server->sweep, &second) != 0)
        return OTEL_ERR_MEMORY;
    return OTEL_OK;
}

enum otel_err col_grpc_new(const struct col_grpc_options *options, struct col_grpc_server **ret,
                           struct otl_detail *reterr)
{
    struct col_grpc_server *server;
    struct col_listen_options listen = {.base = options->base,
                                        .host = options->host,
                                        .port = options->port,
                                        .on_accept = on_accept,
                                        .on_shortage = on_shortage};
    enum otel_err err;

    if (options->max_message_bytes > options->budget->max / 2)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "messages of %zu bytes are more than half of the %zu bytes that "
                              "all requests may hold",
                              options->max_message_bytes, options->budget->max);
    server = otl_mem_zalloc(sizeof(*server));
    if (server == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    server->options = *options;
    listen.context = server;
    err = col_h2_session_prepare(server);
    if (err == OTEL_OK)
        err = start_timers(server);
    if (err == OTEL_OK && !options->deaf)
        err = col_listener_new(&listen, server->address, &server->listener, reterr);
    if (err != OTEL_OK) {
        otl_detail_set(reterr, err, NULL, 0, 0, "%s", otel_err_text(err));
        col_grpc_free(server);
        return err;
    }
    server->options.host = NULL; /* the caller's, not needed any more */
    *ret = server;
    return OTEL_OK;
}

enum otel_err col_grpc_refuse(struct col_grpc_server *server, bool refuse, bool in_order,
                              size_t *ret_reset, struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;
    struct col_h2_conn *next;
    size_t reset = 0;

    if (server->listener != NULL)
        err = col_listener_refuse(server->listener, refuse, reterr);
    for (struct col_h2_conn *conn = refuse ? server->conns : NULL; conn != NULL; conn = next) {
        uint64_t number = conn->number;
        next = conn->next;
        if (in_order)
            col_h2_conn_drain(conn);
        else if (!col_h2_conn_reset(conn))
            continue;
        reset++;
        if (server->options.on_ended != NULL)
            server->options.on_ended(server->options.context, number);
    }
    if (err == OTEL_OK)
        *ret_reset = reset;
    return err;
}

static void drain_conn(struct col_h2_conn *conn, uint64_t now_ns)
{
    (void)now_ns;
    col_h2_conn_drain(conn);
}

void col_grpc_drain(struct col_grpc_server *server, uint64_t grace_ns)
{
    col_listener_free(server->listener);
    server->listener = NULL;
    col_stalled_fini(&server->stalled);
    if (server->conns == NULL) {
        server->drain_deadline_ns = 1;
        if (server->options.on_drained != NULL)
            server->options.on_drained(server->options.context);
        return;
    }
    server->drain_deadline_ns = otl_clock_mono(server->options.clock) + grace_ns;
    visit(server, drain_conn);
}

void col_grpc_free(struct col_grpc_server *server)
{
    if (server == NULL)
        return;
    server->options.on_drained = NULL;
    server->admitting = true;
    while (server->conns != NULL) {
        server->conns->held = 0; /* whoever has a request of it shall not answer any more */
        col_h2_conn_close(server->conns);
    }
    col_listener_free(server->listener);
    col_stalled_fini(&server->stalled);
    if (server->sweep != NULL)
        event_free(server->sweep);
    if (server->deadline != NULL)
        event_free(server->deadline);
    for (size_t i = 0; i < server->spare_count; i++)
        otl_buf_fini(&server->spare[i]);
    nghttp2_session_callbacks_del(server->callbacks);
    nghttp2_option_del(server->session_options);
    otl_mem_free(server);
}

const char *col_grpc_address(const struct col_grpc_server *server)
{
    return server->address;
}

const struct col_grpc_counters *col_grpc_counters(const struct col_grpc_server *server)
{
    return &server->counters;
}
