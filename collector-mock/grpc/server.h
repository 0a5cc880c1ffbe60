/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_GRPC_SERVER_H
#define COL_GRPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector-mock/grpc/code.h"
#include "collector-mock/net/budget.h"
#include "collector-mock/net/fate.h"
#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/base/detail.h"

/*
 * gRPC server of the collector: one listener, its connections, whole unary requests.
 *
 * HTTP/2, in the clear with prior knowledge or under TLS, framed by nghttp2 on sockets of ours: the
 * layer that misbehaves on command has to own the socket. Knows no message and no service. Not for
 * streaming calls: a request is one message, an answer at most one.
 *
 * Life      new (listening at once) -> drain -> free. A request handed to on_request must be
 *           answered exactly once, then or later, by col_grpc_answer(); it lives until then, even
 *           when the peer is gone.
 * Threads   everything on the thread of the event base.
 * Memory    a request and what it points to hold until it is answered. What all requests hold
 *           while they are received is charged to the budget, never more than it has.
 * Limits    see the options. Stream windows are 1 MiB, connection windows 4 MiB. A message longer
 *           than a stream window is given room in the budget ahead; while there is none its window
 *           updates are withheld, and what can not even wait is answered UNAVAILABLE. What stands
 *           still, floods with frames that carry nothing, or does not read is cut off and counted.
 *
 * What the server answers by itself: a content type that is not gRPC (HTTP 415), a method that is
 * not POST (405), a damaged grpc-timeout (400), an encoding that is not gzip, zstd or identity
 * (UNIMPLEMENTED), a message over the limit (RESOURCE_EXHAUSTED), none, a cut one or several
 * (INTERNAL), a deadline that passed (DEADLINE_EXCEEDED).
 *
 * Spec: gRPC over HTTP2. Deviation: content types with another suffix than "+proto" are refused.
 */

struct event_base;
struct col_grpc_server;
struct col_tls;

struct col_grpc_request {
    uint64_t connection;      /* from 1, new for every connection */
    uint64_t begun_ns;        /* when its head began */
    uint64_t mono_ns;         /* when its last byte was received */
    uint64_t wall_ns;
    struct otl_view path;     /* "/package.Service/Method" */
    struct otl_view encoding; /* grpc-encoding: "gzip", "zstd", "identity" or empty */
    struct otl_view message;  /* without its prefix, as received */
    bool compressed;          /* message is encoded as encoding says */
    void *tag;                /* the handler's own */
    uint64_t note;            /* likewise */
};

struct col_grpc_answer {
    enum col_grpc_code code;
    struct otl_view text;    /* grpc-message, as it is to read; copied; not with OK */
    struct otl_view details; /* a google.rpc.Status for grpc-status-details-bin; copied */
    struct otl_view message; /* with OK: the message; copied */
    /* What a good answer never has: */
    const char *type;        /* instead of application/grpc: the message alone, without a status */
    bool compressed;         /* the message is said to be gzip */
    size_t cut;              /* so many bytes of prefix and message leave, then the stream ends
                              * without a status; 0: all */
    uint64_t rate;           /* bytes a second of its connection from now on; 0: at once */
};

struct col_grpc_counters {
    uint64_t connections;         /* accepted */
    uint64_t connections_open;
    uint64_t connections_refused; /* over max_connections */
    uint64_t connections_broken;  /* closed by us: no HTTP/2, or it broke its rules */
    uint64_t connections_retired; /* told to go: too old, or idle for too long */
    uint64_t floods;              /* of these: too many frames that carry nothing */
    uint64_t requests;            /* handed to on_request */
    uint64_t refused;             /* answered here */
    uint64_t timeouts;            /* of these, and connections: too slow */
    uint64_t cut_off;             /* the peer went away in mid-request */
    uint64_t parked;              /* messages that had to wait for room in the budget */
    uint64_t bytes_received;
    uint64_t bytes_sent;
};

struct col_grpc_options {
    struct event_base *base;       /* required; borrowed */
    const struct otl_clock *clock; /* required; borrowed */
    struct col_budget *budget;     /* required; borrowed */
    struct col_tls *tls;           /* NULL: in the clear; borrowed */
    const char *host;              /* name or address; init: "127.0.0.1" */
    uint16_t port;                 /* 0 = any free one; init: 0 */
    bool deaf;                /* it does not listen: connections come by col_grpc_take() */
    /* A connection was accepted; true: somebody else has it now. May be NULL. */
    bool (*deal)(void *context, int fd);
    void *deal_context;
    size_t max_connections;        /* init: 10,000 */
    uint32_t max_concurrent_streams; /* of a connection; init: 1,000 */
    size_t max_head_bytes;         /* header list of a request; init: 16 KiB */
    size_t max_message_bytes;      /* as received; init: 4 MiB; at most half of the budget */
    uint64_t head_timeout_ns;      /* preface, header block; init: 10 s */
    uint64_t body_timeout_ns;      /* without progress, either way; init: 30 s */
    uint64_t max_age_ns;           /* then a connection is told GOAWAY, its requests are finished;
                                    * 0: never, as init has it */
    uint64_t max_age_grace_ns;     /* and it is closed so much later; 0: never */
    uint64_t max_idle_ns;          /* GOAWAY when it had no request for so long; 0: never */
    void *context;
    /* A new connection: what it is made to suffer. May be NULL. */
    col_fate_fn *on_connection;
    /* Refusing has ended this connection. May be NULL. */
    void (*on_ended)(void *context, uint64_t connection);
    /* The head of a request is there, no message yet; false: refuse it with *ret. May be NULL. */
    bool (*on_head)(void *context, const struct col_grpc_request *request,
                    struct col_grpc_answer *ret);
    /* A whole request. */
    void (*on_request)(void *context, struct col_grpc_request *request);
    /* The answer of a request was given to the kernel whole, or (sent false) never will be. */
    void (*on_answered)(void *context, const struct col_grpc_request *request,
                        enum col_grpc_code code, bool sent);
    /* A request that was handed over has lost its peer, or its deadline has passed: told once; it
     * still has to be answered. May be NULL. */
    void (*on_gone)(void *context, struct col_grpc_request *request);
    /* A request was answered by the server itself, or refused by on_head. May be NULL. */
    void (*on_refused)(void *context, const struct col_grpc_request *request,
                       enum col_grpc_code code);
    /* After drain: the last connection is gone; may be NULL. Must not free the server. */
    void (*on_drained)(void *context);
};

void col_grpc_options_init(struct col_grpc_options *options);

/* A connection that was accepted elsewhere, as the listener makes them; takes the descriptor. */
void col_grpc_take(struct col_grpc_server *server, int fd);

/* OTEL_ERR_IO: the address cannot be resolved or bound, *reterr says which and why.
 * OTEL_ERR_ARGUMENT: max_message_bytes is more than half of the budget. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_grpc_new(const struct col_grpc_options *options,
                                         struct col_grpc_server **ret, struct otl_detail *reterr);
/* Stop accepting. Every connection is told GOAWAY; requests begun before it was heard are finished
 * (at most grace_ns). on_drained is called when no connection is left, perhaps before this
 * returns. */
void col_grpc_drain(struct col_grpc_server *server, uint64_t grace_ns);
/* Closes what is left; may be NULL. */
void col_grpc_free(struct col_grpc_server *server);

/* Answer a request; it is gone afterwards. */
void col_grpc_answer(struct col_grpc_request *request, const struct col_grpc_answer *answer);

/* Never answer it: its connection is reset, on_answered is told UNAVAILABLE and that nothing was
 * sent. */
void col_grpc_abandon(struct col_grpc_request *request);

/* End its stream alone with RST_STREAM and this error code of HTTP/2; likewise. */
void col_grpc_reset(struct col_grpc_request *request, uint32_t error_code);
/* GOAWAY that leaves it and later ones out: what came before is finished, then the connection is
 * closed; likewise. */
void col_grpc_goaway(struct col_grpc_request *request);
/* Its connection is neither read nor written any more, until the request is abandoned. */
void col_grpc_freeze(struct col_grpc_request *request);

/* Ask on_connection about the open connections too. */
void col_grpc_meet(struct col_grpc_server *server);
/* Connections that were stalled are read, slow ones as fast as they come. */
void col_grpc_thaw(struct col_grpc_server *server);

/* refuse true: nobody listens (a connection is refused by the kernel) and every connection is
 * reset, or ended in order, with GOAWAY and after its answers; the port stays ours. false: listen
 * again. *ret_reset: connections that were ended.
 * OTEL_ERR_IO with *reterr: the port is gone. */
OTEL_MUST_USE enum otel_err col_grpc_refuse(struct col_grpc_server *server, bool refuse,
                                            bool in_order, size_t *ret_reset,
                                            struct otl_detail *reterr);

/* "127.0.0.1:40123", "[::1]:40123"; lives as long as the server. */
const char *col_grpc_address(const struct col_grpc_server *server);
const struct col_grpc_counters *col_grpc_counters(const struct col_grpc_server *server);
/* The value of a header by its lower-case name, the first one; an empty view when absent. */
struct otl_view col_grpc_header_of(const struct col_grpc_request *request, const char *name);
/* The same of its index'th occurrence, from 0; data is NULL when there are not so many. */
struct otl_view col_grpc_header_nth(const struct col_grpc_request *request, const char *name,
                                    size_t index);
/* The address of its client, as col_socket_peer() writes it. */
bool col_grpc_peer(const struct col_grpc_request *request, char *out, size_t size);

#endif
