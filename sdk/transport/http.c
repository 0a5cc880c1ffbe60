/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/http.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "sdk/base/mem.h"
#include "sdk/transport/link.h"
#include "sdk/transport/response.h"

enum { READ_CHUNK = 16 * 1024, READS_A_WAKE = 16, SENDS_A_WAKE = 8, HEAD_MAX = 64 * 1024 };

struct otl_http {
    struct otl_link link;
    struct otl_buf head;
    bool get;
    size_t head_fixed; /* bytes of head that are the same for every request */
    struct otl_response response;
    struct otl_http_stats stats;
    /* the request under way */
    bool busy;
    bool reused;
    bool send_failed;
    struct otl_http_request request;
    uint64_t sent;
};

static uint64_t request_size(const struct otl_http *h)
{
    return h->head.len + h->request.body.len;
}

static struct otl_http_result result_of(const struct otl_http *h, enum otl_http_outcome outcome,
                                        enum otel_err err)
{
    const struct otl_response *r = &h->response;
    struct otl_http_result result = {.outcome = outcome, .err = err, .reused = h->reused};

    result.why = otl_link_why(&h->link);
    result.bytes_sent = h->sent;
    result.bytes_received = r->wire_bytes;
    result.status = r->head_done ? r->status : 0;
    if (outcome != OTL_HTTP_ANSWERED)
        return result;
    result.truncated = r->state != OTL_RESPONSE_DONE;
    if (!result.truncated)
        result.body = otl_view(r->body.data, r->body.len);
    result.retry_after = otl_view_str(r->retry_after);
    result.content_type = otl_view_str(r->content_type);
    result.content_encoding = otl_view_str(r->content_encoding);
    return result;
}

static void finish(struct otl_http *h, enum otl_http_outcome outcome, enum otel_err err)
{
    struct otl_http_result result;
    otl_http_done_fn done = h->request.done;
    void *context = h->request.context;

    /* Once the head of an answer is there, its status is the verdict, whatever came of its body. */
    if (h->response.head_done && (outcome == OTL_HTTP_CUT || outcome == OTL_HTTP_TIMEOUT))
        outcome = OTL_HTTP_ANSWERED;
    result = result_of(h, outcome, err);
    otl_link_no_deadline(&h->link);
    h->busy = false;
    h->stats.bytes_received += result.bytes_received;
    h->stats.bytes_sent += result.bytes_sent;
    h->stats.requests += result.bytes_sent > 0;
    if (outcome != OTL_HTTP_ANSWERED || result.truncated || !h->response.keep_alive ||
        h->sent != request_size(h))
        otl_link_close(&h->link);
    done(context, &result); /* last: may post again or free h */
}

/* Take what the reader has made of the bytes. False: the request is finished (h may be gone). */
static bool go_on(struct otl_http *h)
{
    switch (h->response.state) {
    case OTL_RESPONSE_MORE:
        return true;
    case OTL_RESPONSE_DONE:
        finish(h, OTL_HTTP_ANSWERED, OTEL_OK);
        return false;
    case OTL_RESPONSE_GARBAGE:
        finish(h, OTL_HTTP_GARBAGE, OTEL_ERR_SYNTAX);
        return false;
    case OTL_RESPONSE_TOO_LARGE:
        finish(h, OTL_HTTP_TOO_LARGE, OTEL_ERR_LIMIT);
        return false;
    case OTL_RESPONSE_MEMORY:
        finish(h, OTL_HTTP_MEMORY, OTEL_ERR_MEMORY);
        return false;
    }
    return false;
}

/* The peer closed: the end of a body without a length, or too early. */
static void on_end(struct otl_http *h)
{
    if (otl_response_feed(&h->response, NULL, 0) == OTL_RESPONSE_DONE)
        finish(h, OTL_HTTP_ANSWERED, OTEL_OK);
    else
        finish(h, OTL_HTTP_CUT, OTEL_ERR_CLOSED);
}

static void cut(struct otl_http *h)
{
    if (otl_link_refused(&h->link))
        finish(h, OTL_HTTP_UNTRUSTED, OTEL_ERR_REFUSED);
    else
        finish(h, OTL_HTTP_CUT, OTEL_ERR_CLOSED);
}

/* Closed, or talks without being asked; TLS may have been talking to itself. */
static void on_idle_bytes(struct otl_http *h)
{
    char byte;

    if (otl_link_read(&h->link, &byte, 1) >= 0 || (errno != EAGAIN && errno != EINTR))
        otl_link_close(&h->link);
}

static void on_readable(void *context)
{
    struct otl_http *h = context;
    char bytes[READ_CHUNK];

    if (!h->busy) {
        on_idle_bytes(h);
        return;
    }
    for (int i = 0; i < READS_A_WAKE; i++) {
        ssize_t n = otl_link_read(&h->link, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            if (n == 0)
                on_end(h);
            else
                cut(h);
            return;
        }
        otl_response_feed(&h->response, bytes, (size_t)n);
        if (!go_on(h) || (size_t)n < sizeof(bytes))
            return;
    }
}

static ssize_t send_some(struct otl_http *h)
{
    struct iovec parts[2];
    size_t skip = (size_t)h->sent, count = 1;

    if (skip < h->head.len) {
        parts[0].iov_base = h->head.data + skip;
        parts[0].iov_len = h->head.len - skip;
        parts[1].iov_base = (void *)(uintptr_t)h->request.body.data;
        parts[1].iov_len = h->request.body.len;
        count = h->request.body.len > 0 ? 2 : 1;
    } else {
        skip -= h->head.len;
        parts[0].iov_base = (void *)(uintptr_t)(h->request.body.data + skip);
        parts[0].iov_len = h->request.body.len - skip;
    }
    return otl_link_write(&h->link, parts, count);
}

static void send_all(struct otl_http *h)
{
    for (int i = 0; h->sent < request_size(h); i++) {
        ssize_t n = i < SENDS_A_WAKE ? send_some(h) : -1; /* let the answer be read in between */
        if (n > 0) {
            h->sent += (uint64_t)n;
            continue;
        }
        if (i < SENDS_A_WAKE && errno == EINTR)
            continue;
        if ((i == SENDS_A_WAKE || errno == EAGAIN || errno == EWOULDBLOCK) &&
            otl_link_await_writable(&h->link))
            return;
        /* A server may answer and close before it has read everything: what it said is still to
         * be read; if it said nothing, reading meets the end of the connection. */
        h->send_failed = true;
        break;
    }
}

static void on_writable(void *context)
{
    struct otl_http *h = context;

    if (h->busy && !h->send_failed)
        send_all(h);
}

static void on_timed_out(void *context)
{
    struct otl_http *h = context;

    if (!h->busy)
        return;
    if (h->link.fd < 0)
        otl_link_close(&h->link); /* still connecting */
    finish(h, OTL_HTTP_TIMEOUT, OTEL_ERR_TIMEOUT);
}

static void on_connected(void *context, enum otel_err err)
{
    struct otl_http *h = context;

    if (err == OTEL_OK) {
        h->stats.connections++;
        send_all(h);
    } else if (err == OTEL_ERR_MEMORY) {
        finish(h, OTL_HTTP_MEMORY, err);
    } else if (err == OTEL_ERR_REFUSED) {
        finish(h, OTL_HTTP_UNTRUSTED, err);
    } else {
        finish(h, err == OTEL_ERR_TIMEOUT ? OTL_HTTP_TIMEOUT : OTL_HTTP_NO_CONNECTION, err);
    }
}

static enum otel_err write_fixed_head(struct otl_http *h, const struct otl_http_options *options)
{
    char authority[OTL_URL_AUTHORITY_SIZE];
    enum otel_err err =
        otl_buf_printf(&h->head, "%s %s HTTP/1.1\r\nHost: %s\r\n", options->get ? "GET" : "POST",
                       h->link.url.path, otl_url_authority(&h->link.url, authority));

    if (err == OTEL_OK)
        err = otl_buf_append(&h->head, options->header_lines.data, options->header_lines.len);
    if (err == OTEL_OK && options->get)
        err = otl_buf_append(&h->head, "\r\n", 2);
    h->get = options->get;
    h->head_fixed = h->head.len;
    return err;
}

enum otel_err otl_http_new(const struct otl_http_options *options, struct otl_http **ret)
{
    static const struct otl_link_handlers handlers = {on_connected, on_readable, on_writable,
                                                      on_timed_out};
    struct otl_link_options link = {.base = options->base,
                                    .clock = options->clock,
                                    .url = options->url,
                                    .tls = options->tls,
                                    .max_age_ns = options->max_age_ns,
                                    .look_up = options->look_up,
                                    .threads = options->threads,
                                    .handlers = &handlers};
    struct otl_http *h = otl_mem_zalloc(sizeof(*h));
    enum otel_err err;

    if (h == NULL)
        return OTEL_ERR_MEMORY;
    link.context = h;
    otl_buf_init(&h->head, HEAD_MAX);
    otl_response_init(&h->response, options->max_response);
    err = otl_link_init(&h->link, &link);
    if (err == OTEL_OK)
        err = write_fixed_head(h, options);
    if (err != OTEL_OK) {
        otl_http_free(h);
        return err;
    }
    *ret = h;
    return OTEL_OK;
}

void otl_http_cancel(struct otl_http *h)
{
    if (!h->busy)
        return;
    otl_link_no_deadline(&h->link);
    h->busy = false;
    h->stats.bytes_sent += h->sent;
    h->stats.requests += h->sent > 0;
    otl_link_close(&h->link);
}

void otl_http_free(struct otl_http *h)
{
    if (h == NULL)
        return;
    otl_link_fini(&h->link);
    otl_response_fini(&h->response);
    otl_buf_fini(&h->head);
    otl_mem_free(h);
}

void otl_http_abandon(struct otl_http *h)
{
    if (h != NULL)
        otl_link_abandon(&h->link);
}

enum otel_err otl_http_post(struct otl_http *h, const struct otl_http_request *request)
{
    enum otel_err err = OTEL_OK;

    if (h->busy)
        return OTEL_ERR_BLOCKED;
    h->head.len = h->head_fixed;
    if (!h->get)
        err = otl_buf_printf(&h->head, "%s%s%sContent-Length: %zu\r\n\r\n",
                             request->content_encoding ? "Content-Encoding: " : "",
                             request->content_encoding ? request->content_encoding : "",
                             request->content_encoding ? "\r\n" : "", request->body.len);
    if (err != OTEL_OK)
        return err;
    if (!otl_link_deadline(&h->link, request->deadline_ns))
        return OTEL_ERR_MEMORY;
    otl_response_begin(&h->response);
    h->request = *request;
    h->busy = true;
    h->sent = 0;
    h->send_failed = false;
    if (otl_link_is_old(&h->link))
        otl_link_close(&h->link);
    h->reused = h->link.fd >= 0;
    if (h->link.fd >= 0)
        send_all(h);
    else
        otl_link_connect(&h->link);
    return OTEL_OK;
}

const struct otl_http_stats *otl_http_stats(const struct otl_http *h)
{
    return &h->stats;
}
