/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_HTTP_SERVER_H
#define COL_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector-mock/net/budget.h"
#include "collector-mock/net/fate.h"
#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/base/detail.h"

/*
 * HTTP/1.1 server of the collector: one listener, its connections, whole requests.
 *
 * Bufferevents and http-parser, not evhttp: the layer that misbehaves on command has to own the
 * socket. In the clear or under TLS; not for HTTP/2.
 *
 * Life      new (listening at once) -> drain -> free. A request handed to on_request must be
 *           answered exactly once, then or later, by col_http_answer(); the connection lives
 *           until then, even when the peer is gone.
 * Threads   everything on the thread of the event base.
 * Memory    a request and what it points to hold until it is answered. The head of a request is
 *           bounded by max_head_bytes, its body by max_body_bytes, all bodies together by
 *           max_memory_bytes.
 * Limits    see the options; what exceeds one is answered with a status and counted:
 *           head too large 431, body too large 400 (as the Collector does), memory spent 503,
 *           too many connections: closed at once. A head that is not complete in head_timeout, or
 *           a body that stands still for body_timeout, is answered 408. An answer that is not taken
 *           in send_timeout ends its connection, and so does idle_timeout without a request.
 *
 * Requests of one connection are handed over one after another, also when they were pipelined.
 */

struct event_base;
struct col_http_server;
struct col_http_request;
struct col_tls;

struct col_http_header {
    struct otl_view name;
    struct otl_view value;
};

enum { COL_HTTP_HEADERS_MAX = 64 };

struct col_http_request {
    uint64_t connection; /* from 1, new for every connection */
    uint64_t begun_ns;   /* when its head was whole */
    uint64_t mono_ns;    /* when its last byte was received */
    uint64_t wall_ns;
    unsigned minor;      /* of its version, HTTP/1.minor */
    struct otl_view method;
    struct otl_view path; /* without the query */
    struct otl_view body; /* as received: perhaps compressed */
    struct col_http_header headers[COL_HTTP_HEADERS_MAX];
    size_t header_count;
    void *tag;            /* the handler's own */
    uint64_t note;        /* likewise */
    const char *route;    /* likewise */
    uint64_t read_bytes;  /* likewise */
};

struct col_http_answer {
    unsigned status;
    const char *content_type; /* NULL: none */
    struct otl_view body;     /* copied */
    const char *extra;        /* further header lines, each ending in \r\n; may be NULL */
    bool close;               /* close the connection afterwards */
    size_t cut;               /* so many bytes of the body leave, then the connection is closed;
                               * 0: all of it */
    uint64_t rate;            /* bytes a second; 0: at once */
    uint64_t sent_bytes;      /* told to on_answered: how much of the body was to leave */
};

struct col_http_counters {
    uint64_t connections;         /* accepted */
    uint64_t connections_open;
    uint64_t connections_refused; /* over max_connections */
    uint64_t requests;            /* handed to on_request */
    uint64_t bad_requests;        /* answered here: no HTTP, too large, too slow */
    uint64_t timeouts;            /* of these: too slow */
    uint64_t cut_off;             /* the peer went away in mid-request */
    uint64_t bytes_received;
    uint64_t bytes_sent;
};

struct col_http_options {
    struct event_base *base;  /* required; borrowed */
    const struct otl_clock *clock; /* required; borrowed */
    struct col_tls *tls;      /* NULL: in the clear; borrowed */
    const char *host;         /* name or address; init: "127.0.0.1" */
    uint16_t port;            /* 0 = any free one; init: 0 */
    bool deaf;                /* it does not listen: connections come by col_http_take() */
    /* A connection was accepted; true: somebody else has it now. May be NULL. */
    bool (*deal)(void *context, int fd);
    void *deal_context;
    size_t max_connections;   /* init: 10,000 */
    size_t max_head_bytes;    /* request line and headers; init: 64 KiB */
    size_t max_body_bytes;    /* init: 20 MiB */
    size_t max_memory_bytes;  /* all request bodies being received; init: 512 MiB */
    struct col_budget *budget; /* shared with other servers, instead of max_memory_bytes; may be
                                * NULL; borrowed */
    uint64_t head_timeout_ns; /* init: 10 s */
    uint64_t body_timeout_ns; /* without progress; init: 30 s */
    uint64_t send_timeout_ns; /* of an answer, from its first byte; init: 30 s */
    uint64_t idle_timeout_ns; /* between requests; init: UINT64_MAX, for ever */
    void *context;
    /* A new connection: what it is made to suffer. May be NULL. */
    col_fate_fn *on_connection;
    /* Refusing has ended this connection. May be NULL. */
    void (*on_ended)(void *context, uint64_t connection);
    /* A whole request. */
    void (*on_request)(void *context, struct col_http_request *request);
    /* The answer of a request was given to the kernel whole, or (sent false) never will be. */
    void (*on_answered)(void *context, const struct col_http_request *request,
                        const struct col_http_answer *answer, bool sent);
    /* The peer of a request that is watched has closed its side or is gone, the request is not
     * answered yet; it still has to be. */
    void (*on_gone)(void *context, struct col_http_request *request);
    /* A request is being refused by the server itself; *answer holds a text of its own, which may
     * be replaced (the body is copied afterwards). request has a path and headers only if its head
     * was complete. May be NULL. */
    void (*on_refused)(void *context, const struct col_http_request *request,
                       struct col_http_answer *answer);
    /* Further lines for the head of an answer to this request, each ending in \r\n, and a zero
     * behind them. May be NULL. */
    void (*more_headers)(void *context, const struct col_http_request *request, char *out,
                         size_t size);
    bool close_each; /* no connection is kept for another request */
    /* After drain: the last connection is gone; may be NULL. Must not free the server. */
    void (*on_drained)(void *context);
};

void col_http_options_init(struct col_http_options *options);

/* OTEL_ERR_IO: the address cannot be resolved or bound, *reterr says which and why.
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_http_new(const struct col_http_options *options,
                                         struct col_http_server **ret, struct otl_detail *reterr);
/* Stop accepting; idle connections are closed, the others after their request in hand (at most
 * grace_ns). on_drained is called when none is left, perhaps before this returns. */
void col_http_drain(struct col_http_server *server, uint64_t grace_ns);
/* Closes what is left; may be NULL. */
void col_http_free(struct col_http_server *server);

/* A connection that was accepted elsewhere, as the listener makes them; takes the descriptor. */
void col_http_take(struct col_http_server *server, int fd);

/* Answer a request; it is gone afterwards. */
void col_http_answer(struct col_http_request *request, const struct col_http_answer *answer);

/* It will not be answered at once: tell on_gone, once, if its peer does not wait for that. */
void col_http_watch(struct col_http_request *request);

/* Never answer it: its connection is reset, on_answered is told that nothing was sent. */
void col_http_abandon(struct col_http_request *request);

/* Close its connection without an answer; likewise. */
void col_http_hang_up(struct col_http_request *request);

/* Ask on_connection about the open connections too. */
void col_http_meet(struct col_http_server *server);
/* Connections that were stalled are read, slow ones as fast as they come. */
void col_http_thaw(struct col_http_server *server);

/* refuse true: nobody listens (a connection is refused by the kernel) and every connection is
 * reset, or closed in order, after its answer; the port stays ours. false: listen again.
 * *ret_reset: connections that were ended.
 * OTEL_ERR_IO with *reterr: the port is gone. */
OTEL_MUST_USE enum otel_err col_http_refuse(struct col_http_server *server, bool refuse,
                                            bool in_order, size_t *ret_reset,
                                            struct otl_detail *reterr);

/* "127.0.0.1:40123", "[::1]:40123"; lives as long as the server. */
const char *col_http_address(const struct col_http_server *server);
const struct col_http_counters *col_http_counters(const struct col_http_server *server);
/* The value of a header (names compared without case); an empty view when it is absent. */
struct otl_view col_http_header_of(const struct col_http_request *request, const char *name);
/* The same of its index'th occurrence, from 0; data is NULL when there are not so many. */
struct otl_view col_http_header_nth(const struct col_http_request *request, const char *name,
                                    size_t index);
/* The address of its client, as col_socket_peer() writes it. */
bool col_http_peer(const struct col_http_request *request, char *out, size_t size);
/* "Not Found"; "Unknown" for a status without a name. */
const char *col_http_reason(unsigned status);

#endif
