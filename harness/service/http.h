/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_HTTP_H
#define HX_SERVICE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * HTTP/1.1 between services, behind one small interface with two back ends: evhttp (what people
 * instrument) and lean (plain events and http-parser).
 *
 * Not for foreign peers: both trust the other side to be one of ours or the load client.
 *
 * Life      server: new -> requests come -> stop (no new connections; each that is there ends
 *           with its next answer, so that a drain ends however steady the callers) -> free. A
 *           request is in hand from its handler until hx_http_reply(), which ends it; every
 *           request is replied to exactly once, also when its connection is gone. client: new ->
 *           call... -> free (calls without an answer are abandoned without done being called).
 * Threads   one loop, one thread.
 * Memory    method, path and header views live until the reply. A call's headers, path and body
 *           are copied or written before hx_http_call() returns.
 * Limits    HX_HTTP_MAX_...; a message over one is refused by closing its connection.
 *
 * done is called exactly once for each accepted call, never from inside hx_http_call().
 */

enum {
    HX_HTTP_MAX_HEADERS = 96,
    HX_HTTP_MAX_HEADER_BYTES = 64 * 1024,
    HX_HTTP_MAX_BODY_BYTES = 4 * 1024 * 1024,
    HX_HTTP_MAX_CONNECTIONS = 512, /* of one client to its endpoint; further calls wait */
    HX_HTTP_MAX_WAITING = 8192     /* calls waiting for a connection; more are refused */
};

struct event_base;

struct hx_http_header {
    struct otl_view name;
    struct otl_view value; /* blanks around it are gone */
};

enum hx_http_outcome { HX_HTTP_ANSWERED, HX_HTTP_UNREACHABLE, HX_HTTP_TIMED_OUT };

struct hx_http_ops;

/* Heads of the back ends' objects. */
struct hx_http_server {
    const struct hx_http_ops *ops;
};
struct hx_http_request {
    const struct hx_http_ops *ops;
};
struct hx_http_client {
    const struct hx_http_ops *ops;
};

typedef void hx_http_request_fn(void *arg, struct hx_http_request *request);
typedef void hx_http_header_fn(void *arg, const struct hx_http_header *header);
/* status is 0 unless the outcome is HX_HTTP_ANSWERED. */
typedef void hx_http_done_fn(void *arg, enum hx_http_outcome outcome, int status);

struct hx_http_server_options {
    struct event_base *base;
    const char *address;   /* "127.0.0.1" */
    uint16_t port;         /* 0 = any free one */
    hx_http_request_fn *on_request;
    void *arg;
};

struct hx_http_call {
    const char *method;
    const char *path;
    const struct hx_http_header *headers;
    size_t header_count;
    struct otl_view body;
    uint64_t timeout_ns;
    hx_http_done_fn *done;
    void *arg;
};

struct hx_http_ops {
    enum otel_err (*server_new)(const struct hx_http_server_options *options,
                                struct hx_http_server **ret, struct otl_detail *reterr);
    uint16_t (*server_port)(const struct hx_http_server *server);
    void (*server_stop)(struct hx_http_server *server);
    void (*server_free)(struct hx_http_server *server);
    struct otl_view (*request_method)(const struct hx_http_request *request);
    struct otl_view (*request_path)(const struct hx_http_request *request);
    void (*request_headers)(const struct hx_http_request *request, hx_http_header_fn *visit,
                            void *arg);
    void (*reply)(struct hx_http_request *request, int status, struct otl_view body);
    enum otel_err (*client_new)(struct event_base *base, const char *host, uint16_t port,
                                struct hx_http_client **ret);
    enum otel_err (*client_call)(struct hx_http_client *client, const struct hx_http_call *call);
    void (*client_free)(struct hx_http_client *client);
};

extern const struct hx_http_ops hx_http_evhttp;
extern const struct hx_http_ops hx_http_lean;

/* Every header in order, duplicates too. */
static inline void hx_http_headers(const struct hx_http_request *request, hx_http_header_fn *visit,
                                   void *arg)
{
    request->ops->request_headers(request, visit, arg);
}

static inline struct otl_view hx_http_method(const struct hx_http_request *request)
{
    return request->ops->request_method(request);
}

/* Without the query. */
static inline struct otl_view hx_http_path(const struct hx_http_request *request)
{
    return request->ops->request_path(request);
}

static inline void hx_http_reply(struct hx_http_request *request, int status, struct otl_view body)
{
    request->ops->reply(request, status, body);
}

/* OTEL_ERR_LIMIT (HX_HTTP_MAX_WAITING), OTEL_ERR_MEMORY: done will not be called. */
OTEL_MUST_USE static inline enum otel_err hx_http_call(struct hx_http_client *client,
                                                       const struct hx_http_call *call)
{
    return client->ops->client_call(client, call);
}

/* "Created"; "Status" for one without a word here. */
const char *hx_http_reason(int status);
/* Head of an answer with a body of body_len bytes: at most HX_HTTP_HEAD_BYTES to out, whose end is
 * returned. */
enum { HX_HTTP_HEAD_BYTES = 256 };
char *hx_http_write_head(char *out, int status, size_t body_len, bool keep_alive);
/* What both back ends say when they cannot listen; errno is the reason. */
void hx_http_cannot_listen(const struct hx_http_server_options *options, struct otl_detail *reterr);
/* Of a bound IPv4 socket; 0: it has none. */
uint16_t hx_http_port_of(int fd);
/* Without blanks and tabs around it. */
struct otl_view hx_http_trim(struct otl_view value);

#endif
