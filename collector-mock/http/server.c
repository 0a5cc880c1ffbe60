/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/http/server.h"

#include <string.h>

#include <event2/event.h>

#include "collector-mock/http/conn.h"
#include "collector-mock/net/listen.h"
#include "sdk/base/mem.h"

void col_http_options_init(struct col_http_options *options)
{
    memset(options, 0, sizeof(*options));
    options->host = "127.0.0.1";
    options->max_connections = 10000;
    options->max_head_bytes = 64 * 1024;
    options->max_body_bytes = 20 * 1024 * 1024;
    options->max_memory_bytes = COL_BUDGET_BYTES;
    options->head_timeout_ns = 10 * OTL_NS_PER_S;
    options->body_timeout_ns = 30 * OTL_NS_PER_S;
    options->send_timeout_ns = 30 * OTL_NS_PER_S;
    options->idle_timeout_ns = UINT64_MAX;
}

void col_http_take(struct col_http_server *server, int fd)
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
        col_conn_adopt(server, fd, number, &fate);
}

static void on_accept(void *context, int fd)
{
    struct col_http_server *server = context;

    if (server->options.deal == NULL || !server->options.deal(server->options.deal_context, fd))
        col_http_take(server, fd);
}

void col_http_meet(struct col_http_server *server)
{
    for (struct col_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        struct col_fate fate = {.stall = false};
        server->options.on_connection(server->options.context, conn->request.connection, true,
                                      &fate);
        if (fate.read_rate != 0)
            col_conn_pace(conn, fate.read_rate, 0);
    }
}

void col_http_thaw(struct col_http_server *server)
{
    static const struct col_fate well = {.stall = false};
    struct col_stalled_one one;

    for (struct col_conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (conn->pace != NULL && !conn->slow_answer)
            col_conn_pace(conn, 0, 0);
    while (col_stalled_take(&server->stalled, &one))
        col_conn_adopt(server, one.fd, one.number, &well);
}

static void on_shortage(void *context)
{
    ((struct col_http_server *)context)->counters.connections_refused++;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct col_http_server *server = arg;
    uint64_t now_ns = otl_clock_mono(server->options.clock);
    struct col_conn *next;

    (void)fd;
    (void)what;
    col_listener_wake(server->listener);
    for (struct col_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        col_conn_sweep(conn, now_ns);
    }
}

enum otel_err col_http_new(const struct col_http_options *options, struct col_http_server **ret,
                           struct otl_detail *reterr)
{
    static const struct timeval second = {1, 0};
    struct col_http_server *server = otl_mem_zalloc(sizeof(*server));
    enum otel_err err;
    struct col_listen_options listen = {.base = options->base,
                                        .host = options->host,
                                        .port = options->port,
                                        .context = server,
                                        .on_accept = on_accept,
                                        .on_shortage = on_shortage};

    if (server == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    server->options = *options;
    server->own_budget.max = options->max_memory_bytes;
    server->budget = options->budget != NULL ? options->budget : &server->own_budget;
    err = options->deaf ? OTEL_OK
                        : col_listener_new(&listen, server->address, &server->listener, reterr);
    if (err != OTEL_OK)
        goto fail;
    server->sweep = event_new(options->base, -1, EV_PERSIST, on_sweep, server);
    if (server->sweep == NULL || event_add(server->sweep, &second) != 0) {
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
        goto fail;
    }
    server->options.host = NULL; /* the caller's, not needed any more */
    *ret = server;
    return OTEL_OK;
fail:
    col_http_free(server);
    return err;
}

/* In order: after its answer, or at once when it has none in hand. True: it was alive. */
static bool end_conn(struct col_conn *conn, bool in_order)
{
    if (!in_order)
        return col_conn_reset(conn);
    conn->close_after = true;
    col_conn_drain(conn);
    return true;
}

enum otel_err col_http_refuse(struct col_http_server *server, bool refuse, bool in_order,
                              size_t *ret_reset, struct otl_detail *reterr)
{
    struct col_conn *next;
    size_t reset = 0;
    enum otel_err err = OTEL_OK;

    if (server->listener != NULL)
        err = col_listener_refuse(server->listener, refuse, reterr);
    for (struct col_conn *conn = refuse ? server->conns : NULL; conn != NULL; conn = next) {
        uint64_t number = conn->request.connection;
        next = conn->next;
        if (!end_conn(conn, in_order))
            continue;
        reset++;
        if (server->options.on_ended != NULL)
            server->options.on_ended(server->options.context, number);
    }
    if (err == OTEL_OK)
        *ret_reset = reset;
    return err;
}

void col_http_drain(struct col_http_server *server, uint64_t grace_ns)
{
    struct col_conn *next;

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
    for (struct col_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        col_conn_drain(conn);
    }
}

void col_http_free(struct col_http_server *server)
{
    if (server == NULL)
        return;
    server->options.on_drained = NULL;
    while (server->conns != NULL)
        col_conn_free(server->conns);
    col_stalled_fini(&server->stalled);
    col_listener_free(server->listener);
    if (server->sweep != NULL)
        event_free(server->sweep);
    for (size_t i = 0; i < server->spare_count; i++)
        otl_buf_fini(&server->spare[i]);
    otl_mem_free(server);
}

const char *col_http_address(const struct col_http_server *server)
{
    return server->address;
}

const struct col_http_counters *col_http_counters(const struct col_http_server *server)
{
    return &server->counters;
}
