/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/grpc/conn.h"
#include "sdk/base/mem.h"

/* A request's way: head, message, handler, answer, kernel. */

bool col_stream_charge(struct col_stream *stream, size_t bytes)
{
    if (!col_budget_take(stream->conn->server->options.budget, bytes))
        return false;
    stream->charged += bytes;
    return true;
}

struct col_stream *col_stream_new(struct col_h2_conn *conn, int32_t id)
{
    struct col_stream *stream = otl_mem_zalloc(sizeof(*stream));

    if (stream == NULL)
        return NULL;
    stream->conn = conn;
    if (!col_stream_charge(stream, sizeof(*stream))) {
        otl_mem_free(stream);
        return NULL;
    }
    stream->id = id;
    stream->open = true;
    stream->since_ns = col_h2_now(conn);
    stream->request.begun_ns = stream->since_ns;
    stream->request.connection = conn->number;
    otl_buf_init(&stream->head, conn->server->options.max_head_bytes);
    stream->next = conn->streams;
    if (stream->next != NULL)
        stream->next->previous = stream;
    conn->streams = stream;
    return stream;
}

void col_stream_free(struct col_stream *stream)
{
    struct col_h2_conn *conn = stream->conn;

    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        conn->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    col_stream_release(stream);
    col_budget_give(conn->server->options.budget, stream->charged);
    otl_buf_fini(&stream->head);
    otl_buf_fini(&stream->answer);
    otl_mem_free(stream);
}

void col_stream_data(struct col_stream *stream, const uint8_t *data, size_t len)
{
    if (stream->state == COL_STREAM_BODY)
        col_stream_receive(stream, data, len);
    else
        col_h2_need(stream->conn,
                    nghttp2_session_consume_stream(stream->conn->session, stream->id, len));
}

/* ---- answering ---- */

/* The answer goes to nghttp2, which may have no memory for it. */
static void submit(struct col_stream *stream, unsigned http_status,
                   const struct col_grpc_answer *answer)
{
    stream->code = answer->code;
    stream->state = COL_STREAM_ANSWERING;
    if (!col_h2_session_answer(stream, http_status, answer))
        col_h2_need(stream->conn,
                    nghttp2_submit_rst_stream(stream->conn->session, NGHTTP2_FLAG_NONE, stream->id,
                                              NGHTTP2_INTERNAL_ERROR));
}

void col_stream_refuse(struct col_stream *stream, unsigned http_status,
                       const struct col_grpc_answer *answer)
{
    const struct col_grpc_options *options = &stream->conn->server->options;

    stream->conn->server->counters.refused++;
    if (options->on_refused != NULL)
        options->on_refused(options->context, &stream->request, answer->code);
    col_stream_release(stream);
    submit(stream, http_status, answer);
}

void col_grpc_answer(struct col_grpc_request *request, const struct col_grpc_answer *answer)
{
    struct col_stream *stream =
        (struct col_stream *)(void *)((char *)request - offsetof(struct col_stream, request));
    struct col_h2_conn *conn = stream->conn;

    conn->held--;
    if (stream->open) {
        if (answer->rate != 0)
            col_h2_conn_pace(conn, conn->read_rate, answer->rate);
        submit(stream, 200, answer);
        col_stream_release(stream);
        col_h2_conn_flush(conn);
    } else {
        stream->code = answer->code;
        col_stream_answered(stream, false);
        col_h2_conn_release(conn);
    }
}

void col_grpc_abandon(struct col_grpc_request *request)
{
    struct col_stream *stream =
        (struct col_stream *)(void *)((char *)request - offsetof(struct col_stream, request));
    struct col_h2_conn *conn = stream->conn;

    conn->held--;
    stream->code = COL_GRPC_UNAVAILABLE;
    col_stream_answered(stream, false);
    if (!col_h2_conn_reset(conn))
        col_h2_conn_release(conn);
}

void col_grpc_reset(struct col_grpc_request *request, uint32_t error_code)
{
    struct col_stream *stream =
        (struct col_stream *)(void *)((char *)request - offsetof(struct col_stream, request));
    struct col_h2_conn *conn = stream->conn;

    conn->held--;
    stream->code = COL_GRPC_UNAVAILABLE;
    if (!stream->open) {
        col_stream_answered(stream, false);
        col_h2_conn_release(conn);
        return;
    }
    stream->state = COL_STREAM_ANSWERING; /* answered when nghttp2 closes it */
    col_stream_release(stream);
    col_h2_need(conn, nghttp2_submit_rst_stream(conn->session, NGHTTP2_FLAG_NONE, stream->id,
                                                error_code));
    col_h2_conn_flush(conn);
}

void col_grpc_goaway(struct col_grpc_request *request)
{
    struct col_stream *stream =
        (struct col_stream *)(void *)((char *)request - offsetof(struct col_stream, request));
    struct col_h2_conn *conn = stream->conn;

    conn->held--;
    stream->code = COL_GRPC_UNAVAILABLE;
    if (!stream->open) {
        col_stream_answered(stream, false);
        col_h2_conn_release(conn);
        return;
    }
    stream->state = COL_STREAM_ANSWERING;
    col_stream_release(stream);
    conn->going = true;
    col_h2_need(conn, nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE,
                                            stream->id > 2 ? stream->id - 2 : 0, NGHTTP2_NO_ERROR,
                                            NULL, 0));
    col_h2_conn_flush(conn);
}

void col_grpc_freeze(struct col_grpc_request *request)
{
    struct col_stream *stream =
        (struct col_stream *)(void *)((char *)request - offsetof(struct col_stream, request));

    col_h2_conn_freeze(stream->conn);
}

void col_stream_leaves(struct col_stream *stream)
{
    struct col_h2_conn *conn = stream->conn;

    stream->state = COL_STREAM_LEAVING;
    stream->next_leaving = NULL;
    *conn->leaving_end = stream;
    conn->leaving_end = &stream->next_leaving;
    if (conn->unsettled == NULL)
        conn->unsettled = stream;
}

void col_stream_answered(struct col_stream *stream, bool sent)
{
    const struct col_grpc_options *options = &stream->conn->server->options;

    stream->state = COL_STREAM_DONE;
    if (stream->handed)
        options->on_answered(options->context, &stream->request, stream->code, sent);
    stream->handed = false;
    if (!stream->open)
        col_stream_free(stream);
}

/* ---- the peer's side ---- */

static void hand_over(struct col_stream *stream)
{
    struct col_grpc_server *server = stream->conn->server;
    struct col_grpc_request *request = &stream->request;
    struct col_grpc_answer late =
        col_grpc_error(COL_GRPC_DEADLINE_EXCEEDED, "context deadline exceeded");

    request->mono_ns = otl_clock_mono(server->options.clock);
    request->wall_ns = otl_clock_wall(server->options.clock);
    if (stream->deadline_ns != 0 && request->mono_ns >= stream->deadline_ns) {
        col_stream_refuse(stream, 200, &late);
        return;
    }
    request->message = otl_view(stream->message.data, stream->message.len);
    request->compressed = stream->prefix[0] == 1;
    stream->state = COL_STREAM_HANDLING;
    stream->handed = true;
    stream->conn->held++;
    stream->conn->idle_frames -= stream->conn->idle_frames < COL_H2_IDLE_FRAMES_FORGIVEN
                                     ? stream->conn->idle_frames
                                     : COL_H2_IDLE_FRAMES_FORGIVEN;
    server->counters.requests++;
    server->options.on_request(server->options.context, request);
}

void col_stream_ended(struct col_stream *stream)
{
    struct col_grpc_answer none =
        col_grpc_error(COL_GRPC_INTERNAL, "the request has no message");
    struct col_grpc_answer cut = col_grpc_error(COL_GRPC_INTERNAL, "unexpected EOF");

    stream->ended = true;
    if (stream->state != COL_STREAM_BODY)
        return;
    if (stream->prefix_len == 0)
        col_stream_refuse(stream, 200, &none);
    else if (stream->prefix_len < sizeof(stream->prefix) ||
             stream->message.len < stream->expected)
        col_stream_refuse(stream, 200, &cut);
    else
        hand_over(stream);
}

/* The stream may be gone afterwards. */
static void tell_gone(struct col_stream *stream)
{
    const struct col_grpc_options *options = &stream->conn->server->options;

    if (stream->gone || options->on_gone == NULL)
        return;
    stream->gone = true;
    options->on_gone(options->context, &stream->request);
}

void col_stream_closed(struct col_stream *stream)
{
    stream->open = false;
    switch (stream->state) {
    case COL_STREAM_HEAD:
    case COL_STREAM_BODY:
        stream->conn->server->counters.cut_off++;
        col_stream_free(stream);
        return;
    case COL_STREAM_ANSWERING:
        col_stream_answered(stream, false);
        return;
    case COL_STREAM_DONE:
        col_stream_free(stream);
        return;
    case COL_STREAM_HANDLING: /* freed when it is answered */
        tell_gone(stream);
        return;
    case COL_STREAM_LEAVING: /* freed when the kernel has it */
        return;
    }
}

void col_stream_orphan(struct col_stream *stream)
{
    if (stream->state == COL_STREAM_LEAVING) {
        stream->open = false;
        col_stream_answered(stream, false);
    } else {
        col_stream_closed(stream);
    }
}

/* ---- time ---- */

void col_stream_sweep(struct col_stream *stream, uint64_t now_ns)
{
    struct col_grpc_server *server = stream->conn->server;
    struct col_grpc_answer late =
        col_grpc_error(COL_GRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
    struct col_grpc_answer still =
        col_grpc_error(COL_GRPC_DEADLINE_EXCEEDED, "the message stands still");
    struct col_grpc_answer spent =
        col_grpc_error(COL_GRPC_UNAVAILABLE, "the memory for messages is spent");
    uint64_t age = now_ns - stream->since_ns;

    if (stream->state == COL_STREAM_HEAD && age > server->options.head_timeout_ns) {
        server->counters.timeouts++;
        stream->conn->doomed = true; /* no other stream can be heard meanwhile */
    } else if (stream->state == COL_STREAM_HANDLING && stream->deadline_ns != 0 &&
               now_ns >= stream->deadline_ns) {
        tell_gone(stream);
    } else if (stream->state == COL_STREAM_BODY && stream->deadline_ns != 0 &&
               now_ns >= stream->deadline_ns) {
        col_stream_refuse(stream, 200, &late);
    } else if (stream->state == COL_STREAM_BODY && age > server->options.body_timeout_ns) {
        server->counters.timeouts++;
        col_stream_refuse(stream, 200, stream->parked ? &spent : &still);
    }
}
