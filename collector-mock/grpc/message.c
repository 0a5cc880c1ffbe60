/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/grpc/conn.h"

/*
 * The message of a request, and the memory that it takes.
 *
 * A message that fits a stream window is charged as it grows. A longer one needs updates of its
 * window to arrive, so that what it may become is taken from the budget ahead; while that is more
 * than there is (of three quarters of the budget, which leaves room for the small ones) it is
 * parked: its window updates are withheld, what a window allows is kept. Parked streams together
 * may hold a quarter; beyond that they are refused. So an admitted message always gets through,
 * and once it has, the next one is admitted.
 */

enum {
    FIRST_ROOM = 64 * 1024,
    SPARE_BYTES_MAX = 1 << 20 /* of a buffer that is kept */
};

/* ---- the budget ---- */

static void unpark(struct col_stream *stream)
{
    struct col_grpc_server *server = stream->conn->server;

    if (!stream->parked)
        return;
    if (stream->previous_parked != NULL)
        stream->previous_parked->next_parked = stream->next_parked;
    else
        server->parked = stream->next_parked;
    if (stream->next_parked != NULL)
        stream->next_parked->previous_parked = stream->previous_parked;
    else
        server->parked_last = stream->previous_parked;
    server->parked_bytes -= COL_H2_STREAM_WINDOW;
    stream->parked = false;
}

static bool park(struct col_stream *stream)
{
    struct col_grpc_server *server = stream->conn->server;

    if (server->parked_bytes + COL_H2_STREAM_WINDOW > server->options.budget->max / 4)
        return false;
    server->parked_bytes += COL_H2_STREAM_WINDOW;
    server->counters.parked++;
    stream->parked = true;
    stream->next_parked = NULL;
    stream->previous_parked = server->parked_last;
    if (server->parked_last != NULL)
        server->parked_last->next_parked = stream;
    else
        server->parked = stream;
    server->parked_last = stream;
    return true;
}

/* Take what the whole message needs. */
static bool reserve(struct col_stream *stream)
{
    struct col_budget *budget = stream->conn->server->options.budget;
    size_t more = stream->expected + 1 - stream->message_charged;

    if (col_budget_used(budget) + more > budget->max / 4 * 3 || !col_budget_take(budget, more))
        return false;
    stream->message_charged += more;
    stream->reserved = true;
    return true;
}

static void give_owed(struct col_stream *stream)
{
    col_h2_need(stream->conn, nghttp2_session_consume_stream(stream->conn->session, stream->id,
                                                             stream->owed));
    stream->owed = 0;
}

void col_grpc_admit(struct col_grpc_server *server)
{
    if (server->admitting || server->parked == NULL)
        return;
    server->admitting = true;
    while (server->parked != NULL && reserve(server->parked)) {
        struct col_stream *stream = server->parked;
        unpark(stream);
        stream->since_ns = col_h2_now(stream->conn);
        give_owed(stream);
        col_h2_conn_flush(stream->conn);
    }
    server->admitting = false;
}

void col_stream_release(struct col_stream *stream)
{
    struct col_grpc_server *server = stream->conn->server;

    unpark(stream);
    col_budget_give(server->options.budget, stream->message_charged);
    stream->message_charged = 0;
    stream->reserved = false;
    stream->request.message = otl_view("", 0);
    if (stream->message.cap > 0 && stream->message.cap <= SPARE_BYTES_MAX &&
        server->spare_count < COL_H2_SPARE_MESSAGES) {
        otl_buf_reset(&stream->message);
        server->spare[server->spare_count++] = stream->message;
        otl_buf_init(&stream->message, 0);
    } else {
        otl_buf_fini(&stream->message);
    }
}

/* Room for extra more bytes of the message. */
static bool make_room(struct col_stream *stream, size_t extra)
{
    struct col_grpc_server *server = stream->conn->server;
    size_t old = stream->message.cap, left = stream->expected - stream->message.len, want;

    if (old == 0 && server->spare_count > 0)
        stream->message = server->spare[--server->spare_count];
    stream->message.max = stream->expected;
    want = extra > FIRST_ROOM ? extra : FIRST_ROOM;
    if (stream->message.len + extra + 1 > stream->message.cap &&
        otl_buf_reserve(&stream->message, want < left ? want : left) != OTEL_OK)
        return false;
    if (stream->reserved || stream->message.cap == old)
        return true;
    if (!col_budget_take(server->options.budget, stream->message.cap - old))
        return false;
    stream->message_charged += stream->message.cap - old;
    return true;
}

/* ---- bytes ---- */

static void refuse(struct col_stream *stream, enum col_grpc_code code, const char *text)
{
    struct col_grpc_answer answer = {.code = code, .text = otl_view_str(text)};

    col_stream_refuse(stream, 200, &answer);
}

/* The prefix is there; false: refused. */
static bool begin(struct col_stream *stream)
{
    const uint8_t *prefix = stream->prefix;
    size_t max = stream->conn->server->options.max_message_bytes;
    struct otl_view encoding = stream->request.encoding;
    char text[128];

    stream->expected = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 |
                       (size_t)prefix[3] << 8 | prefix[4];
    if (stream->expected > max) {
        snprintf(text, sizeof(text), "grpc: received message larger than max (%zu vs. %zu)",
                 stream->expected, max);
        refuse(stream, COL_GRPC_RESOURCE_EXHAUSTED, text);
        return false;
    }
    if (prefix[0] > 1) {
        snprintf(text, sizeof(text), "grpc: received unexpected payload format %u", prefix[0]);
        refuse(stream, COL_GRPC_INTERNAL, text);
        return false;
    }
    if (prefix[0] == 1 && (encoding.len == 0 || otl_view_is(encoding, "identity"))) {
        refuse(stream, COL_GRPC_INTERNAL,
               "grpc: compressed flag set with identity or empty encoding");
        return false;
    }
    if (stream->expected + sizeof(stream->prefix) > COL_H2_STREAM_WINDOW && !reserve(stream) &&
        !park(stream)) {
        refuse(stream, COL_GRPC_UNAVAILABLE, "the memory for messages is spent");
        return false;
    }
    return true;
}

/* Give the stream's window back, unless updates are withheld; a message that fits the window at
 * once needs none. */
static void give_window(struct col_stream *stream, size_t len)
{
    stream->owed += len;
    if (!stream->reserved)
        return;
    give_owed(stream);
}

void col_stream_receive(struct col_stream *stream, const uint8_t *data, size_t len)
{
    size_t all = len;

    stream->since_ns = col_h2_now(stream->conn);
    while (stream->prefix_len < sizeof(stream->prefix) && len > 0) {
        stream->prefix[stream->prefix_len++] = *data++;
        len--;
        if (stream->prefix_len == sizeof(stream->prefix) && !begin(stream))
            return;
    }
    if (len > 0 && len > stream->expected - stream->message.len) {
        refuse(stream, COL_GRPC_INTERNAL, "more than one message in a unary request");
        return;
    }
    if (len > 0 && !make_room(stream, len)) {
        refuse(stream, COL_GRPC_UNAVAILABLE, "the memory for messages is spent");
        return;
    }
    if (len > 0)
        memcpy(stream->message.data + stream->message.len, data, len);
    stream->message.len += len;
    give_window(stream, all);
}
