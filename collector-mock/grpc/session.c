/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/grpc/conn.h"
#include "sdk/base/mem.h"

/* nghttp2's callbacks, its limits, and the frames of an answer. */

enum {
    SETTINGS_MAX = 32,      /* entries of a SETTINGS frame */
    CONTINUATIONS_MAX = 8,  /* frames of a header block behind its first */
    ACKS_MAX = 1000,        /* PING and SETTINGS answers that wait for the socket */
    RESETS_BURST = 4000,    /* RST_STREAM that a peer may send at once; our own limit is lower */
    RESETS_PER_SECOND = 100,
    TEXT_MAX = 1024,        /* of a grpc-message, before it is encoded */
    DETAILS_MAX = 3072
};

/* ---- memory ---- */

static void *allocate(size_t size, void *context)
{
    (void)context;
    return otl_mem_alloc(size);
}

static void release(void *memory, void *context)
{
    (void)context;
    otl_mem_free(memory);
}

static void *allocate_zeroed(size_t count, size_t size, void *context)
{
    (void)context;
    return size != 0 && count > SIZE_MAX / size ? NULL : otl_mem_zalloc(count * size);
}

static void *reallocate(void *memory, size_t size, void *context)
{
    (void)context;
    return otl_mem_realloc(memory, size);
}

static nghttp2_mem memory = {NULL, allocate, release, allocate_zeroed, reallocate};

/* ---- what the peer sends ---- */

static struct col_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return id != 0 ? nghttp2_session_get_stream_user_data(session, id) : NULL;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct col_h2_conn *conn = arg;
    struct col_stream *stream;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    stream = col_stream_new(conn, frame->hd.stream_id);
    if (stream == NULL) /* it was not looked at: the peer may send it again elsewhere */
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                         NGHTTP2_REFUSED_STREAM);
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct col_stream *stream = stream_of(session, frame->hd.stream_id);

    (void)flags;
    (void)arg;
    if (stream == NULL || stream->state != COL_STREAM_HEAD)
        return 0;
    return col_stream_header(stream, otl_view((const char *)name, name_len),
                             otl_view((const char *)value, value_len))
               ? 0
               : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *arg)
{
    struct col_stream *stream = stream_of(session, id);

    (void)flags;
    /* the connection's window is given back at once: what is kept is charged to the budget */
    col_h2_need(arg, nghttp2_session_consume_connection(session, len));
    if (stream != NULL)
        col_stream_data(stream, data, len);
    return 0;
}

/* Counts the frames that bring no request on; too many are a flood (conn.c). */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *arg)
{
    struct col_h2_conn *conn = arg;
    bool empty = head->length == 0 && (head->flags & NGHTTP2_FLAG_END_STREAM) == 0;

    (void)session;
    if (head->type != NGHTTP2_HEADERS && (head->type != NGHTTP2_DATA || empty))
        conn->idle_frames++;
    return 0;
}

/* What was on its way when the first GOAWAY was sent is here: say the last one. */
static void note_ping(struct col_h2_conn *conn, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && conn->drain_ns != 0 && !conn->going)
        col_h2_conn_goaway(conn);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct col_stream *stream = stream_of(session, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct col_h2_conn *conn = arg;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (stream != NULL && stream->state == COL_STREAM_HEAD) {
            stream->ended = end;
            col_stream_head_done(stream);
        }
        if (stream != NULL && end)
            col_stream_ended(stream);
        break;
    case NGHTTP2_DATA:
        if (stream != NULL && end)
            col_stream_ended(stream);
        break;
    case NGHTTP2_PING:
        note_ping(conn, frame);
        break;
    case NGHTTP2_SETTINGS:
        conn->greeted = true;
        break;
    default:
        break;
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct col_stream *stream = stream_of(session, id);

    (void)code;
    (void)arg;
    if (stream != NULL) {
        nghttp2_session_set_stream_user_data(session, id, NULL);
        col_stream_closed(stream);
    }
    return 0;
}

/* ---- what we send ---- */

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct col_stream *stream = stream_of(session, frame->hd.stream_id);
    struct col_h2_conn *conn = arg;

    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
        conn->server->counters.connections_broken += !conn->broken; /* nghttp2's own judgement */
        conn->broken = true;
    }
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) || stream == NULL ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    if (!stream->ended) /* the rest of the request is not wanted */
        col_h2_need(arg, nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id,
                                                   NGHTTP2_NO_ERROR));
    col_stream_leaves(stream);
    return 0;
}

static nghttp2_nv header(const char *name, const char *value, size_t len)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), len,
                        NGHTTP2_NV_FLAG_NONE};
}

static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *out, size_t len,
                           uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct col_stream *stream = source->ptr;
    size_t left = stream->answer.len - stream->answer_at;
    nghttp2_nv trailer = header("grpc-status", "0", 1);

    (void)arg;
    if (len > left)
        len = left;
    memcpy(out, stream->answer.data + stream->answer_at, len);
    stream->answer_at += len;
    if (len == left && stream->broken_off) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (len == left) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, id, &trailer, 1) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)len;
}

static bool answer_message(struct col_stream *stream, const struct col_grpc_answer *answer)
{
    struct otl_view message = answer->message;
    const uint8_t prefix[5] = {answer->compressed, (uint8_t)(message.len >> 24),
                               (uint8_t)(message.len >> 16), (uint8_t)(message.len >> 8),
                               (uint8_t)message.len};
    const char *type = answer->type != NULL ? answer->type : "application/grpc";
    const nghttp2_nv headers[] = {header(":status", "200", 3),
                                  header("content-type", type, strlen(type)),
                                  header("grpc-encoding", "gzip", 4)};
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_answer};

    otl_buf_init(&stream->answer, SIZE_MAX / 2);
    if (message.len > UINT32_MAX ||
        (answer->type == NULL && otl_buf_append(&stream->answer, prefix, 5) != OTEL_OK) ||
        (message.len > 0 &&
         otl_buf_append(&stream->answer, message.data, message.len) != OTEL_OK))
        return false;
    if (answer->cut != 0 && answer->cut < stream->answer.len)
        stream->answer.len = answer->cut;
    stream->broken_off = answer->cut != 0 || answer->type != NULL;
    return nghttp2_submit_response(stream->conn->session, stream->id, headers,
                                   answer->compressed ? 3 : 2, &provider) == 0;
}

/* grpc-message: printable ASCII, all else and '%' as %XX. Returns the length. */
static size_t percent(struct otl_view text, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = text.len < TEXT_MAX ? text.len : TEXT_MAX, at = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)text.data[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '%') {
            out[at++] = (char)byte;
        } else {
            out[at++] = '%';
            out[at++] = digits[byte >> 4];
            out[at++] = digits[byte & 15];
        }
    }
    return at;
}

/* Base64 without padding, as binary headers are written. Returns the length. */
static size_t base64(struct otl_view bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t word = 0;
    unsigned bits = 0;
    size_t at = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        word = word << 8 | (uint8_t)bytes.data[i];
        for (bits += 8; bits >= 6; bits -= 6)
            out[at++] = digits[word >> (bits - 6) & 63];
    }
    if (bits > 0)
        out[at++] = digits[word << (6 - bits) & 63];
    return at;
}

static bool answer_error(struct col_stream *stream, unsigned http_status,
                         const struct col_grpc_answer *answer)
{
    char status[12], code[12], text[3 * TEXT_MAX], details[DETAILS_MAX * 4 / 3 + 4];
    nghttp2_nv headers[6] = {
        header(":status", status, (size_t)snprintf(status, sizeof(status), "%u", http_status)),
        header("content-type", "application/grpc", 16),
        header("grpc-status", code, (size_t)snprintf(code, sizeof(code), "%d", (int)answer->code))};
    size_t count = 3;

    if (answer->text.len > 0)
        headers[count++] = header("grpc-message", text, percent(answer->text, text));
    if (answer->details.len > 0 && answer->details.len <= DETAILS_MAX)
        headers[count++] =
            header("grpc-status-details-bin", details, base64(answer->details, details));
    if (answer->code == COL_GRPC_UNIMPLEMENTED)
        headers[count++] = header("grpc-accept-encoding", "identity,gzip,zstd", 18);
    return nghttp2_submit_response(stream->conn->session, stream->id, headers, count, NULL) == 0;
}

bool col_h2_session_answer(struct col_stream *stream, unsigned http_status,
                           const struct col_grpc_answer *answer)
{
    if (answer->code == COL_GRPC_OK)
        return answer_message(stream, answer);
    return answer_error(stream, http_status, answer);
}

/* ---- life ---- */

enum otel_err col_h2_session_prepare(struct col_grpc_server *server)
{
    if (nghttp2_session_callbacks_new(&server->callbacks) != 0 ||
        nghttp2_option_new(&server->session_options) != 0)
        return OTEL_ERR_MEMORY;
    nghttp2_session_callbacks_set_on_begin_frame_callback(server->callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(server->callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(server->callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(server->callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(server->callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(server->callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(server->callbacks, on_frame_sent);
    nghttp2_option_set_no_auto_window_update(server->session_options, 1);
    nghttp2_option_set_max_outbound_ack(server->session_options, ACKS_MAX);
    nghttp2_option_set_max_settings(server->session_options, SETTINGS_MAX);
    nghttp2_option_set_max_continuations(server->session_options, CONTINUATIONS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(server->session_options, RESETS_BURST,
                                               RESETS_PER_SECOND);
    return OTEL_OK;
}

enum otel_err col_h2_session_new(struct col_h2_conn *conn)
{
    const struct col_grpc_options *options = &conn->server->options;
    /* not NO_RFC7540_PRIORITIES: with it nghttp2 1.52 frees an answer twice when it has no memory
     * to queue it */
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->max_concurrent_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, COL_H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)options->max_head_bytes},
    };

    if (nghttp2_session_server_new3(&conn->session, conn->server->callbacks, conn,
                                    conn->server->session_options, &memory) != 0)
        return OTEL_ERR_MEMORY;
    if (nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof(settings) / sizeof(settings[0])) != 0 ||
        nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0,
                                              COL_H2_CONNECTION_WINDOW) != 0)
        return OTEL_ERR_MEMORY;
    return OTEL_OK;
}
