/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_HTTP_CONN_H
#define COL_HTTP_CONN_H

#include <http_parser.h>

#include "collector-mock/http/server.h"
#include "collector-mock/net/listen.h"

/* A connection and the server around it; private to this folder. */

struct bufferevent;
struct ev_token_bucket_cfg;
struct ssl_st;
struct event;
struct col_listener;

enum col_conn_state {
    COL_CONN_IDLE,      /* between requests */
    COL_CONN_HEAD,      /* receiving the request line and headers */
    COL_CONN_BODY,
    COL_CONN_HANDLING,  /* the request is with the handler */
    COL_CONN_SENDING,   /* the answer waits for the socket */
    COL_CONN_LINGERING, /* answered, half closed; what still comes is thrown away */
    COL_CONN_DEAD       /* the peer is gone while the handler has the request */
};

struct col_conn {
    struct col_http_server *server;
    struct bufferevent *bev;
    struct event *gone;      /* while its request is watched, or NULL */
    bool talks;              /* watched, but by the sweep: more has come before the answer */
    struct col_conn *next, *previous;
    int fd;
    struct ssl_st *tls;      /* of bev; NULL: in the clear */
    bool shaking;            /* TLS: its handshake is not done */
    bool hard;               /* to be closed with a reset */
    struct ev_token_bucket_cfg *pace; /* of bev; NULL: as fast as it goes */
    bool slow_answer;        /* pace ends with the answer at hand */
    enum col_conn_state state;
    http_parser parser;
    struct otl_buf head;     /* url, then names and values one after another */
    struct otl_buf body;
    size_t url_len;          /* of the url in head */
    size_t body_expected;    /* from Content-Length; 0: chunked or none */
    bool value_open;         /* the last header has begun its value */
    bool complete;           /* the parser saw the end of the message */
    bool close_after;
    bool advancing;          /* col_conn_advance is on the stack: it goes on and frees */
    bool doomed;             /* to be freed by it */
    unsigned refuse;         /* status, when the parser callbacks found a reason to refuse */
    const char *refuse_why;
    uint64_t since_ns;       /* start of a head, of idling, of lingering; last of the body */
    size_t lingered;
    size_t name_count;       /* request has the headers only once the head is complete */
    /* offsets into head; a value follows its name */
    uint32_t name_at[COL_HTTP_HEADERS_MAX];
    uint32_t name_len[COL_HTTP_HEADERS_MAX];
    uint32_t value_len[COL_HTTP_HEADERS_MAX];
    struct col_http_request request;
    struct col_http_answer answer; /* without body: for on_answered */
};

enum { COL_HTTP_SPARE_BODIES = 8 };

struct col_http_server {
    struct col_http_options options;
    struct col_listener *listener;
    struct event *sweep;
    struct col_conn *conns;
    struct col_http_counters counters;
    size_t memory; /* capacity of the bodies of all connections: its part of the budget */
    struct col_budget *budget;
    struct col_budget own_budget;
    uint64_t drain_deadline_ns; /* 0: not draining */
    struct otl_buf spare[COL_HTTP_SPARE_BODIES];
    size_t spare_count;
    struct col_stalled stalled;
    char address[COL_ADDRESS_SIZE];
};

/* Takes fd. */
void col_conn_adopt(struct col_http_server *server, int fd, uint64_t number,
                    const struct col_fate *fate);
/* So many bytes a second in and out; 0: as fast as they go. */
void col_conn_pace(struct col_conn *conn, uint64_t in, uint64_t out);
void col_conn_free(struct col_conn *conn);
/* Close what is too slow or over its grace; called about once a second. */
void col_conn_sweep(struct col_conn *conn, uint64_t now_ns);
/* Close at once, with a reset; one whose request is with the handler dies by its answer. True: it
 * was alive. */
bool col_conn_reset(struct col_conn *conn);
/* Draining began: close if nothing is in hand. */
void col_conn_drain(struct col_conn *conn);

/* head.c: the parser's callbacks, and what they make of the head. */
extern const http_parser_settings col_conn_settings;
/* Room for extra more body bytes, within the limits; sets refuse on failure. */
bool col_conn_body_room(struct col_conn *conn, size_t extra);
void col_conn_body_release(struct col_conn *conn);

/* answer.c */
void col_conn_refuse(struct col_conn *conn, unsigned status, const char *why);
void col_conn_continue(struct col_conn *conn);
/* The answer has left, or never will. The connection may be gone afterwards. */
void col_conn_answered(struct col_conn *conn, bool sent);
/* conn.c: go on with what is in the input. The connection may be gone afterwards. */
void col_conn_advance(struct col_conn *conn);

#endif
