/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_GRPC_CONN_H
#define COL_GRPC_CONN_H

#include <nghttp2/nghttp2.h>

#include "collector-mock/grpc/server.h"
#include "collector-mock/net/listen.h"
#include "collector-mock/net/socket.h"

/* Streams, connections and the server around them; private to this folder. */

struct event;
struct col_listener;

enum {
    COL_H2_STREAM_WINDOW = 1 << 20,
    COL_H2_CONNECTION_WINDOW = 4 << 20,
    COL_H2_RECEIVE_STEP = 256 * 1024, /* bytes asked for at once */
    COL_H2_IDLE_FRAMES_MAX = 2000,    /* frames that carry nothing: then it is a flood ... */
    COL_H2_IDLE_FRAMES_FORGIVEN = 100, /* ... so many are forgiven a request and a second */
    COL_H2_SPARE_MESSAGES = 8
};

enum col_stream_state {
    COL_STREAM_HEAD,      /* receiving the header block */
    COL_STREAM_BODY,      /* receiving the message */
    COL_STREAM_HANDLING,  /* the request is with the handler */
    COL_STREAM_ANSWERING, /* the answer is with nghttp2 */
    COL_STREAM_LEAVING,   /* the answer is in the connection's output */
    COL_STREAM_DONE       /* the kernel has it; the peer has not closed its side yet */
};

struct col_stream {
    struct col_h2_conn *conn;
    struct col_stream *next, *previous;             /* of the connection */
    struct col_stream *next_parked, *previous_parked; /* of the server */
    struct col_stream *next_leaving;                /* of the connection, in order */
    int32_t id;
    enum col_stream_state state;
    bool open;         /* nghttp2 knows it */
    bool ended;        /* the peer has closed its side */
    bool handed;       /* was handed to the handler: on_answered is due */
    bool gone;         /* on_gone was told */
    bool parked;       /* waits for room in the budget; its window updates are withheld */
    bool reserved;     /* room for the whole message was taken */
    bool head_too_large;
    enum col_grpc_code code;
    struct otl_buf head; /* header records, see head.c */
    struct otl_buf message;
    struct otl_buf answer; /* prefix and message */
    size_t answer_at;
    bool broken_off; /* the answer ends without a status */
    size_t charged;         /* bytes taken from the budget for the stream and its head */
    size_t message_charged; /* and for the message */
    size_t expected;   /* length of the message */
    size_t owed;       /* bytes of the stream window not given back yet */
    uint8_t prefix[5];
    unsigned prefix_len;
    uint64_t since_ns;    /* start of the head; last progress of the message */
    uint64_t deadline_ns; /* from grpc-timeout; 0: none */
    uint64_t answer_end;  /* LEAVING: where it ends in the output */
    struct col_grpc_request request;
};

struct col_h2_conn {
    struct col_grpc_server *server;
    struct col_h2_conn *next, *previous;
    nghttp2_session *session; /* NULL: dead */
    struct event *readable, *writable;
    struct col_socket socket; /* fd -1: closed */
    uint64_t number;
    struct col_stream *streams;
    struct col_stream *leaving, **leaving_end;
    struct col_stream *unsettled; /* the first of these whose answer_end is not known yet */
    size_t held;         /* streams that the handler has */
    struct otl_buf out;  /* what the kernel did not take yet begins at out_at */
    size_t out_at;
    uint64_t out_total;  /* bytes produced */
    uint64_t sent_total; /* bytes that the kernel has */
    uint64_t since_ns;   /* of the opening, of the last progress of the output */
    uint64_t drain_ns;   /* the first GOAWAY was sent then; 0: not yet */
    uint64_t opened_ns, idle_ns; /* when it came, and had the last request */
    uint64_t retired_ns; /* when it was told to go; 0: not yet */
    unsigned idle_frames;
    bool shaking;        /* TLS: its handshake is not done */
    bool hard;           /* to be closed with a reset */
    bool broken;         /* counted as such */
    bool frozen;         /* neither read nor written, on command */
    bool waiting;        /* there is output that does not leave, and nothing is read */
    struct event *pace;  /* ticks while it is slow on command; NULL: it is not */
    uint64_t read_rate, write_rate;   /* bytes a second; 0: as they go */
    size_t read_share, write_share;   /* of this tick */
    size_t lingered;     /* bytes thrown away while lingering */
    bool greeted;        /* preface and SETTINGS were received */
    bool busy;           /* on the stack: whoever set it frees */
    bool doomed;         /* to be closed by it */
    bool going;          /* the last GOAWAY was sent */
    bool lingering;      /* our side is closed; what still comes is thrown away */
};

struct col_grpc_server {
    struct col_grpc_options options;
    struct col_listener *listener;
    struct event *sweep, *deadline;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *session_options;
    struct col_h2_conn *conns;
    struct col_stream *parked, *parked_last;
    size_t parked_bytes; /* that parked streams may hold */
    uint64_t next_deadline_ns;  /* the deadline event is set for it; 0: not set */
    uint64_t drain_deadline_ns; /* 0: not draining */
    struct col_grpc_counters counters;
    struct otl_buf spare[COL_H2_SPARE_MESSAGES];
    size_t spare_count;
    struct col_stalled stalled;
    bool admitting;
    char address[COL_ADDRESS_SIZE];
    uint8_t scratch[COL_H2_RECEIVE_STEP];
};

/* ---- conn.c: the socket ---- */

/* Takes fd. */
void col_h2_conn_adopt(struct col_grpc_server *server, int fd, uint64_t number,
                       const struct col_fate *fate);
/* So many bytes a second in and out; 0: as fast as they go. */
void col_h2_conn_pace(struct col_h2_conn *conn, uint64_t in, uint64_t out);
void col_h2_conn_freeze(struct col_h2_conn *conn);
/* Close; what the handler has is kept until it is answered. */
void col_h2_conn_close(struct col_h2_conn *conn);
/* The same with a reset. True: it was alive. */
bool col_h2_conn_reset(struct col_h2_conn *conn);
/* Let nghttp2 write, and send. The connection may be gone afterwards. */
void col_h2_conn_flush(struct col_h2_conn *conn);
void col_h2_conn_sweep(struct col_h2_conn *conn, uint64_t now_ns);
void col_h2_conn_drain(struct col_h2_conn *conn);
/* Tell it to go if it is old, or idle for too long; close it when its grace is over. */
void col_h2_conn_retire(struct col_h2_conn *conn, uint64_t now_ns);
/* The last GOAWAY: requests that nghttp2 has not seen yet are not taken any more. */
void col_h2_conn_goaway(struct col_h2_conn *conn);
/* A stream that the handler had is gone: the last one of a dead connection frees it. */
void col_h2_conn_release(struct col_h2_conn *conn);
static inline uint64_t col_h2_now(const struct col_h2_conn *conn)
{
    return otl_clock_mono(conn->server->options.clock);
}

/* nghttp2 could not: the connection is of no use any more. */
static inline void col_h2_need(struct col_h2_conn *conn, int result)
{
    if (result != 0)
        conn->doomed = true;
}

/* ---- session.c: nghttp2 ---- */

OTEL_MUST_USE enum otel_err col_h2_session_prepare(struct col_grpc_server *server);
OTEL_MUST_USE enum otel_err col_h2_session_new(struct col_h2_conn *conn);
/* Send the answer of a stream: HEADERS alone, or HEADERS, DATA, HEADERS. */
bool col_h2_session_answer(struct col_stream *stream, unsigned http_status,
                           const struct col_grpc_answer *answer);

/* ---- head.c: the header block ---- */

bool col_stream_header(struct col_stream *stream, struct otl_view name, struct otl_view value);
/* The header block is complete: the stream goes on to its message or is refused. */
void col_stream_head_done(struct col_stream *stream);

/* ---- stream.c: a request's way ---- */

struct col_stream *col_stream_new(struct col_h2_conn *conn, int32_t id);
void col_stream_data(struct col_stream *stream, const uint8_t *data, size_t len);
/* The peer has closed its side. */
void col_stream_ended(struct col_stream *stream);
/* nghttp2 has forgotten it. */
void col_stream_closed(struct col_stream *stream);
/* The last frame of the answer is in the output. */
void col_stream_leaves(struct col_stream *stream);
/* The kernel has the answer, or never will. */
void col_stream_answered(struct col_stream *stream, bool sent);
/* Answer a request that the handler has not seen. */
void col_stream_refuse(struct col_stream *stream, unsigned http_status,
                       const struct col_grpc_answer *answer);
/* The connection is gone. */
void col_stream_orphan(struct col_stream *stream);
void col_stream_sweep(struct col_stream *stream, uint64_t now_ns);
/* Take bytes of the budget for the stream itself; false: it is spent. */
bool col_stream_charge(struct col_stream *stream, size_t bytes);
void col_stream_free(struct col_stream *stream);

/* ---- message.c: the message and its memory ---- */

/* Prefix and bytes; refuses what does not fit. */
void col_stream_receive(struct col_stream *stream, const uint8_t *data, size_t len);
/* Give back the message's memory. */
void col_stream_release(struct col_stream *stream);
/* Admit parked streams while the budget has room. */
void col_grpc_admit(struct col_grpc_server *server);

/* ---- server.c ---- */

void col_grpc_deadline(struct col_grpc_server *server, uint64_t deadline_ns);
static inline struct col_grpc_answer col_grpc_error(enum col_grpc_code code, const char *text)
{
    return (struct col_grpc_answer){.code = code, .text = {text, __builtin_strlen(text)}};
}

#endif
