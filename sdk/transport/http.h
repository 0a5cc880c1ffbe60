/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_HTTP_H
#define OTL_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/transport/resolve.h"
#include "sdk/transport/tls.h"
#include "sdk/transport/url.h"

/*
 * HTTP/1.1 client of one exporter: POST a body to one URL, or GET it, and get the answer; one
 * connection, kept alive, opened again when it is gone. Knows no spans and never retries (see
 * retry.h).
 *
 * Life      new -> (post -> done | cancel)... -> free.
 * Threads   everything on the thread of the event base; done is called from its loop, never
 *           inside post, and may call post, cancel or free.
 * Memory    a request's body is borrowed until done or cancel: it is sent from where it lies.
 *           The views of a result live until the next post, cancel or free.
 * Limits    one request at a time (OTEL_ERR_BLOCKED); answer's body max_response bytes.
 *
 * Sending is sendmsg() with MSG_NOSIGNAL on an own socket event instead of a bufferevent (link.h),
 * because a guest must not raise SIGPIPE on whatever thread runs the loop.
 */

struct otl_http;

enum otl_http_outcome {
    OTL_HTTP_ANSWERED,      /* status is set; body is complete unless truncated */
    OTL_HTTP_NO_CONNECTION, /* nothing was sent */
    OTL_HTTP_UNTRUSTED,     /* TLS: one side does not accept the other; nothing was taken */
    OTL_HTTP_CUT,           /* the connection ended before an answer came */
    OTL_HTTP_TIMEOUT,       /* the deadline passed before an answer came */
    OTL_HTTP_GARBAGE,       /* what came is not HTTP/1.x */
    OTL_HTTP_TOO_LARGE,     /* the answer is over max_response */
    OTL_HTTP_MEMORY
};

struct otl_http_result {
    enum otl_http_outcome outcome;
    enum otel_err err;  /* why there was no connection */
    const char *why;    /* a sentence about a connection that failed; "" = nothing to add */
    unsigned status;    /* with ANSWERED and, where the head was read, TOO_LARGE; else 0 */
    bool truncated;     /* the head was whole, the body was not when the connection ended */
    bool reused;        /* the connection had carried a request before */
    struct otl_view body;
    struct otl_view retry_after; /* len 0: none */
    struct otl_view content_type;
    struct otl_view content_encoding;
    uint64_t bytes_sent;
    uint64_t bytes_received;
};

typedef void (*otl_http_done_fn)(void *context, const struct otl_http_result *result);

struct otl_http_options {
    struct event_base *base;       /* borrowed; outlives the client */
    const struct otl_clock *clock; /* borrowed */
    const struct otl_url *url;     /* copied; https without tls is OTEL_ERR_UNSUPPORTED */
    struct otl_tls *tls;           /* borrowed; outlives the client; NULL: none */
    struct otl_view header_lines;  /* "Name: value\r\n"..., checked by who made them; copied */
    size_t max_response;
    otl_lookup_fn look_up; /* NULL: the system's */
    struct otl_thread_maker threads; /* of look-ups */
    uint64_t max_age_ns;           /* of a connection; 0: none */
    bool get;                      /* requests are GET and have no body */
};

struct otl_http_request {
    struct otl_view body;
    const char *content_encoding; /* NULL: none */
    uint64_t deadline_ns;         /* on the client's clock; UINT64_MAX: none */
    otl_http_done_fn done;
    void *context;
};

struct otl_http_stats {
    uint64_t requests; /* that put at least one byte on the wire */
    uint64_t connections;
    uint64_t bytes_sent;
    uint64_t bytes_received;
};

OTEL_MUST_USE enum otel_err otl_http_new(const struct otl_http_options *options,
                                         struct otl_http **ret);
void otl_http_free(struct otl_http *http);

/* OTEL_ERR_BLOCKED: one is under way. OTEL_ERR_MEMORY. Otherwise done will be called once. */
OTEL_MUST_USE enum otel_err otl_http_post(struct otl_http *http,
                                          const struct otl_http_request *request);
/* Drop the request under way, and its connection; done will not be called. */
void otl_http_cancel(struct otl_http *http);
/* In a forked child: close the descriptors, touch nothing of libevent, leave the memory. */
void otl_http_abandon(struct otl_http *http);

const struct otl_http_stats *otl_http_stats(const struct otl_http *http);

#endif
