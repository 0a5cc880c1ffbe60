/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/grpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>

#include <nghttp2/nghttp2.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/transport/grpc_text.h"
#include "sdk/transport/gzip.h"
#include "sdk/transport/h2_client.h"
#include "sdk/transport/link.h"

enum {
    READ_CHUNK = 16 * 1024,
    READS_A_WAKE = 16,
    PREFIX = 5,          /* compressed flag and length before each message */
    HEADERS_MAX = 32,
    HEADER_BYTES = 16 * 1024,
    TEXT_BYTES = 4096
};

struct otl_grpc {
    struct otl_link link;
    const char *method;
    struct otl_buf headers;  /* the caller's lines, names in lower case, split by NUL */
    char authority[OTL_URL_AUTHORITY_SIZE];
    size_t max_response;
    struct otl_http_stats stats;
    nghttp2_session *session; /* exists while there is a connection */
    struct otl_h2_memory memory; /* for the session */
    const uint8_t *pending;   /* bytes of the session that the socket did not take */
    size_t pending_len;
    bool closing;             /* the server said GOAWAY */
    /* the call under way */
    bool busy;
    bool reused;
    bool ended;               /* the stream is closed */
    bool too_large;
    uint32_t stream_error;
    int32_t stream;
    struct otl_grpc_request request;
    uint8_t prefix[PREFIX];
    size_t sent;              /* of prefix and message */
    uint64_t bytes_sent, bytes_received;
    unsigned http_status;
    int grpc_status;          /* -1: none came */
    struct otl_buf message;
    struct otl_buf details;   /* grpc-status-details-bin, decoded */
    struct otl_buf body;
    char encoding[16];        /* grpc-encoding of the answer; "": none */
    struct otl_buf plain;     /* the message, if it was compressed */
};

/* ---- the end of a call -------------------------------------------------------------------- */

static void drop(struct otl_grpc *g)
{
    nghttp2_session_del(g->session);
    g->session = NULL;
    g->pending_len = 0;
    otl_link_close(&g->link);
}

static bool is_gzip(const struct otl_grpc *g)
{
    return strcmp(g->encoding, "gzip") == 0;
}

static struct otl_grpc_result result_of(const struct otl_grpc *g, enum otl_http_outcome outcome,
                                        enum otel_err err)
{
    struct otl_grpc_result result = {.outcome = outcome, .err = err, .reused = g->reused};

    result.why = otl_link_why(&g->link);
    result.http_status = g->http_status;
    result.bytes_sent = g->bytes_sent;
    result.bytes_received = g->bytes_received;
    if (outcome != OTL_HTTP_ANSWERED)
        return result;
    result.grpc_status = g->grpc_status >= 0 ? (unsigned)g->grpc_status
                                             : otl_grpc_status_of_http(g->http_status);
    result.message = otl_view(g->message.data, g->message.len);
    result.has_retry_info =
        otl_grpc_retry_info(g->details.data, g->details.len, &result.retry_delay_ns);
    if (result.grpc_status != 0 || g->body.len < PREFIX)
        return result;
    result.body = otl_view(g->body.data + PREFIX, g->body.len - PREFIX);
    if (g->body.data[0] == 1 && is_gzip(g))
        result.body = otl_view(g->plain.data, g->plain.len);
    else if (g->body.data[0] == 1)
        result.encoding = g->encoding;
    return result;
}

static void finish(struct otl_grpc *g, enum otl_http_outcome outcome, enum otel_err err)
{
    struct otl_grpc_result result = result_of(g, outcome, err);
    otl_grpc_done_fn done = g->request.done;
    void *context = g->request.context;

    otl_link_no_deadline(&g->link);
    g->busy = false;
    g->stats.bytes_sent += g->bytes_sent;
    g->stats.bytes_received += g->bytes_received;
    g->stats.requests += g->bytes_sent > 0;
    if (outcome != OTL_HTTP_ANSWERED || g->closing)
        drop(g);
    done(context, &result); /* last: may call again or free g */
}

/* Of an answer that says OK: it may be compressed as it likes, servers take the request's way. */
static void conclude_message(struct otl_grpc *g)
{
    unsigned flag = (unsigned char)g->body.data[0];
    enum otel_err err = OTEL_OK;

    if (flag > 1 || (flag == 1 && g->encoding[0] == '\0'))
        err = OTEL_ERR_CORRUPT;
    else if (flag == 1 && is_gzip(g))
        err = otl_gzip_expand(otl_view(g->body.data + PREFIX, g->body.len - PREFIX), &g->plain);
    if (err == OTEL_OK)
        finish(g, OTL_HTTP_ANSWERED, OTEL_OK);
    else if (err == OTEL_ERR_LIMIT)
        finish(g, OTL_HTTP_TOO_LARGE, err);
    else if (err == OTEL_ERR_MEMORY)
        finish(g, OTL_HTTP_MEMORY, err);
    else
        finish(g, OTL_HTTP_GARBAGE, OTEL_ERR_SYNTAX);
}

/* The stream is closed: what was the answer? */
static void conclude(struct otl_grpc *g)
{
    size_t len = 0;

    if (g->too_large) {
        finish(g, OTL_HTTP_TOO_LARGE, OTEL_ERR_LIMIT);
        return;
    }
    if (g->http_status == 0 && g->grpc_status < 0) { /* RST_STREAM, or refused after GOAWAY */
        finish(g, OTL_HTTP_CUT, OTEL_ERR_CLOSED);
        return;
    }
    for (int i = 1; g->body.len >= PREFIX && i < PREFIX; i++)
        len = len << 8 | (unsigned char)g->body.data[i];
    /* an answer that says OK must hold exactly one message */
    if (g->grpc_status == 0 && (g->body.len < PREFIX || len != g->body.len - PREFIX))
        finish(g, OTL_HTTP_GARBAGE, OTEL_ERR_SYNTAX);
    else if (g->grpc_status == 0)
        conclude_message(g);
    else
        finish(g, OTL_HTTP_ANSWERED, OTEL_OK);
}

/* ---- what nghttp2 asks and tells ---------------------------------------------------------- */

static ssize_t read_message(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t length,
                            uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct otl_grpc *g = context;
    size_t total = PREFIX + g->request.message.len, at = 0;

    (void)session;
    (void)stream;
    (void)source;
    while (g->sent < PREFIX && at < length)
        buf[at++] = g->prefix[g->sent++];
    if (g->sent >= PREFIX && at < length) {
        size_t from = g->sent - PREFIX, part = g->request.message.len - from;
        if (part > length - at)
            part = length - at;
        if (part > 0)
            memcpy(buf + at, g->request.message.data + from, part);
        g->sent += part;
        at += part;
    }
    if (g->sent == total)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)at;
}

static bool is_name(const uint8_t *name, size_t len, const char *known)
{
    return len == strlen(known) && memcmp(name, known, len) == 0;
}

/* One that is too long to be any is as good as none. */
static void take_encoding(struct otl_grpc *g, const uint8_t *value, size_t len)
{
    if (len >= sizeof(g->encoding) || is_name(value, len, "identity"))
        len = 0;
    memcpy(g->encoding, value, len);
    g->encoding[len] = '\0';
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *context)
{
    struct otl_grpc *g = context;
    char number[16];
    uint64_t parsed;

    (void)session;
    (void)flags;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->hd.stream_id != g->stream || !g->busy)
        return 0;
    snprintf(number, sizeof(number), "%.*s", (int)(value_len < 15 ? value_len : 15),
             (const char *)value);
    if (is_name(name, name_len, ":status") && otl_parse_uint(number, 100, 599, &parsed) == OTEL_OK)
        g->http_status = (unsigned)parsed;
    else if (is_name(name, name_len, "grpc-status"))
        g->grpc_status = otl_parse_uint(number, 0, 16, &parsed) == OTEL_OK ? (int)parsed : 2;
    else if (is_name(name, name_len, "grpc-message"))
        otl_grpc_decode_message((const char *)value, value_len, &g->message);
    else if (is_name(name, name_len, "grpc-encoding"))
        take_encoding(g, value, value_len);
    else if (is_name(name, name_len, "grpc-status-details-bin"))
        otl_grpc_decode_details((const char *)value, value_len, &g->details);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *context)
{
    struct otl_grpc *g = context;

    (void)session;
    (void)flags;
    if (stream != g->stream || !g->busy || g->too_large)
        return 0;
    if (g->body.len + len > g->max_response + PREFIX ||
        otl_buf_append(&g->body, data, len) != OTEL_OK) {
        g->too_large = true;
        g->ended = true; /* the connection is closed with it */
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct otl_grpc *g = context;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        g->closing = true;
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context)
{
    struct otl_grpc *g = context;

    (void)session;
    if (stream == g->stream && g->busy) {
        g->ended = true;
        g->stream_error = error;
    }
    return 0;
}

/* ---- the socket --------------------------------------------------------------------------- */

/* False: the connection is gone, the call is finished (g may be gone). */
static bool send_pending(struct otl_grpc *g)
{
    for (;;) {
        struct iovec part;
        ssize_t n;
        if (g->pending_len == 0) {
            n = nghttp2_session_mem_send(g->session, &g->pending);
            if (n < 0)
                return false;
            if (n == 0)
                break;
            g->pending_len = (size_t)n;
        }
        part.iov_base = (void *)(uintptr_t)g->pending;
        part.iov_len = g->pending_len;
        n = otl_link_write(&g->link, &part, 1);
        if (n > 0) {
            g->pending += n;
            g->pending_len -= (size_t)n;
            g->bytes_sent += (uint64_t)n;
        } else if (errno != EINTR) {
            /* The end is met by reading: the server may have said something before. */
            return errno == EAGAIN || errno == EWOULDBLOCK ? otl_link_await_writable(&g->link)
                                                           : true;
        }
    }
    return true;
}

/* After anything has moved: send what the session wants, conclude what has ended. */
static void go_on(struct otl_grpc *g)
{
    if (!send_pending(g)) {
        if (g->busy)
            finish(g, OTL_HTTP_MEMORY, OTEL_ERR_MEMORY);
        else
            drop(g);
        return;
    }
    if (g->busy && g->ended)
        conclude(g);
    else if (g->busy && !nghttp2_session_want_read(g->session) &&
             !nghttp2_session_want_write(g->session))
        finish(g, OTL_HTTP_GARBAGE, OTEL_ERR_SYNTAX); /* the session gave the peer up */
    else if (!g->busy && g->closing)
        drop(g);
}

/* The connection has ended or broken. */
static void cut(struct otl_grpc *g, bool broken)
{
    if (!g->busy)
        drop(g);
    else if (broken && otl_link_refused(&g->link))
        finish(g, OTL_HTTP_UNTRUSTED, OTEL_ERR_REFUSED);
    else
        finish(g, OTL_HTTP_CUT, OTEL_ERR_CLOSED);
}

static void not_understood(struct otl_grpc *g, int problem)
{
    if (!g->busy)
        drop(g);
    else if (problem == NGHTTP2_ERR_NOMEM)
        finish(g, OTL_HTTP_MEMORY, OTEL_ERR_MEMORY);
    else
        finish(g, OTL_HTTP_GARBAGE, OTEL_ERR_SYNTAX);
}

static void on_readable(void *context)
{
    struct otl_grpc *g = context;
    uint8_t bytes[READ_CHUNK];

    /* after a call that has ended whoever asked for it comes first */
    for (int i = 0; i < READS_A_WAKE && g->session != NULL && !(g->busy && g->ended); i++) {
        ssize_t n = otl_link_read(&g->link, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n <= 0) {
            cut(g, n < 0);
            return;
        }
        g->bytes_received += (uint64_t)n;
        n = nghttp2_session_mem_recv(g->session, bytes, (size_t)n);
        if (n < 0) {
            not_understood(g, (int)n);
            return;
        }
        if ((size_t)n < sizeof(bytes))
            break;
    }
    if (g->session != NULL)
        go_on(g);
}

static void on_writable(void *context)
{
    struct otl_grpc *g = context;

    if (g->session != NULL)
        go_on(g);
}

static void on_timed_out(void *context)
{
    struct otl_grpc *g = context;

    if (g->busy)
        finish(g, OTL_HTTP_TIMEOUT, OTEL_ERR_TIMEOUT);
}

/* ---- a call ------------------------------------------------------------------------------- */

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static bool submit(struct otl_grpc *g)
{
    nghttp2_data_provider provider = {.source = {.ptr = NULL}, .read_callback = read_message};
    nghttp2_nv headers[HEADERS_MAX];
    size_t count = 0;
    char timeout[16];

    headers[count++] = pair(":method", "POST");
    headers[count++] = pair(":scheme", g->link.url.tls ? "https" : "http");
    headers[count++] = pair(":path", g->method);
    headers[count++] = pair(":authority", g->authority);
    headers[count++] = pair("te", "trailers");
    headers[count++] = pair("content-type", "application/grpc");
    if (g->request.encoding != NULL)
        headers[count++] = pair("grpc-encoding", g->request.encoding);
    if (g->request.deadline_ns != UINT64_MAX) {
        uint64_t now = otl_clock_mono(g->link.clock);
        uint64_t left = g->request.deadline_ns > now ? g->request.deadline_ns - now : 0;
        headers[count] = pair("grpc-timeout", otl_grpc_timeout(left, timeout));
        headers[count++].flags = NGHTTP2_NV_FLAG_NO_INDEX; /* never the same again */
    }
    for (size_t at = 0; at < g->headers.len && count < HEADERS_MAX;) {
        const char *name = g->headers.data + at, *value = name + strlen(name) + 1;
        headers[count++] = pair(name, value);
        at = (size_t)(value + strlen(value) + 1 - g->headers.data);
    }
    g->stream = nghttp2_submit_request(g->session, NULL, headers, count, &provider, NULL);
    return g->stream > 0;
}

static bool new_session(struct otl_grpc *g)
{
    nghttp2_session_callbacks *callbacks = NULL;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return false;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    g->session = otl_h2_client_new(callbacks, g, &g->memory);
    nghttp2_session_callbacks_del(callbacks);
    return g->session != NULL;
}

static void on_connected(void *context, enum otel_err err)
{
    struct otl_grpc *g = context;

    g->closing = false;
    if (err == OTEL_OK) {
        g->stats.connections++;
        if (!new_session(g) || !submit(g))
            err = OTEL_ERR_MEMORY;
    }
    if (err == OTEL_OK)
        go_on(g);
    else if (err == OTEL_ERR_MEMORY)
        finish(g, OTL_HTTP_MEMORY, err);
    else if (err == OTEL_ERR_REFUSED)
        finish(g, OTL_HTTP_UNTRUSTED, err);
    else
        finish(g, err == OTEL_ERR_TIMEOUT ? OTL_HTTP_TIMEOUT : OTL_HTTP_NO_CONNECTION, err);
}

static void begin(struct otl_grpc *g, const struct otl_grpc_request *request)
{
    size_t len = request->message.len;

    g->request = *request;
    g->busy = true;
    g->ended = false;
    g->too_large = false;
    g->sent = 0;
    g->bytes_sent = 0;
    g->bytes_received = 0;
    g->http_status = 0;
    g->grpc_status = -1;
    g->stream = -1;
    otl_buf_reset(&g->message);
    otl_buf_reset(&g->details);
    otl_buf_reset(&g->body);
    otl_buf_reset(&g->plain);
    g->encoding[0] = '\0';
    g->prefix[0] = request->encoding != NULL;
    for (int i = 0; i < 4; i++)
        g->prefix[1 + i] = (uint8_t)(len >> (24 - 8 * i));
}

enum otel_err otl_grpc_call(struct otl_grpc *g, const struct otl_grpc_request *request)
{
    if (g->busy)
        return OTEL_ERR_BLOCKED;
    if (request->message.len > UINT32_MAX)
        return OTEL_ERR_LIMIT;
    if (!otl_link_deadline(&g->link, request->deadline_ns))
        return OTEL_ERR_MEMORY;
    if (g->session != NULL && (g->closing || otl_link_is_old(&g->link) ||
                               !nghttp2_session_check_request_allowed(g->session)))
        drop(g);
    begin(g, request);
    g->reused = g->session != NULL;
    if (g->session == NULL) {
        otl_link_connect(&g->link);
        return OTEL_OK;
    }
    /* Without memory for a frame the session may close the stream at once, or give itself up:
     * nobody would tell then. */
    if (submit(g) && send_pending(g) && !g->ended && nghttp2_session_want_read(g->session))
        return OTEL_OK;
    otl_grpc_cancel(g);
    return OTEL_ERR_MEMORY;
}

void otl_grpc_cancel(struct otl_grpc *g)
{
    if (!g->busy)
        return;
    otl_link_no_deadline(&g->link);
    g->busy = false;
    g->stats.bytes_sent += g->bytes_sent;
    g->stats.requests += g->bytes_sent > 0;
    drop(g);
}

/* ---- life --------------------------------------------------------------------------------- */

enum otel_err otl_grpc_new(const struct otl_grpc_options *options, struct otl_grpc **ret)
{
    static const struct otl_link_handlers handlers = {on_connected, on_readable, on_writable,
                                                      on_timed_out};
    struct otl_link_options link = {.base = options->base,
                                    .clock = options->clock,
                                    .url = options->url,
                                    .tls = options->tls,
                                    .h2 = true,
                                    .max_age_ns = options->max_age_ns,
                                    .look_up = options->look_up,
                                    .threads = options->threads,
                                    .handlers = &handlers};
    struct otl_grpc *g = otl_mem_zalloc(sizeof(*g));
    enum otel_err err;

    if (g == NULL)
        return OTEL_ERR_MEMORY;
    link.context = g;
    g->method = options->method;
    g->max_response = options->max_response;
    otl_buf_init(&g->headers, HEADER_BYTES);
    otl_buf_init(&g->message, TEXT_BYTES);
    otl_buf_init(&g->details, TEXT_BYTES);
    otl_buf_init(&g->body, options->max_response + PREFIX);
    otl_buf_init(&g->plain, options->max_response);
    err = otl_link_init(&g->link, &link);
    if (err == OTEL_OK)
        err = otl_grpc_split_headers(options->header_lines, &g->headers);
    if (err != OTEL_OK) {
        otl_grpc_free(g);
        return err;
    }
    otl_url_authority(&g->link.url, g->authority);
    *ret = g;
    return OTEL_OK;
}

void otl_grpc_free(struct otl_grpc *g)
{
    if (g == NULL)
        return;
    nghttp2_session_del(g->session);
    otl_h2_memory_fini(&g->memory);
    otl_link_fini(&g->link);
    otl_buf_fini(&g->headers);
    otl_buf_fini(&g->message);
    otl_buf_fini(&g->details);
    otl_buf_fini(&g->body);
    otl_buf_fini(&g->plain);
    otl_mem_free(g);
}

void otl_grpc_abandon(struct otl_grpc *g)
{
    if (g != NULL)
        otl_link_abandon(&g->link);
}

const struct otl_http_stats *otl_grpc_stats(const struct otl_grpc *g)
{
    return &g->stats;
}
