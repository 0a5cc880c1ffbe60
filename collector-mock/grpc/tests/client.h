/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_GRPC_TESTS_CLIENT_H
#define COL_GRPC_TESTS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "sdk/base/buf.h"

/*
 * A raw HTTP/2 client for tests: it can say what no gRPC library would.
 *
 * Life      open (the preface goes out with the first pump) -> ask... -> wait -> close.
 * Threads   one. While it waits it calls pump, where there is one: the event loop of a server in
 *           the same process.
 * Limits    CALLS_MAX calls of a client. Every wait is bounded.
 */

enum { CALLS_MAX = 4096, CLIENT_WAIT_MS = 60000 };

struct ask {
    const char *path;     /* NULL: TraceService/Export */
    const char *method;   /* NULL: POST */
    const char *type;     /* NULL: application/grpc; "": none */
    const char *encoding; /* NULL: none */
    const char *timeout;  /* grpc-timeout; NULL: none */
    const char *extra;    /* value of a header x-extra; NULL: none */
    const char *auth;     /* of authorization; NULL: none */
    const void *body;     /* DATA, prefix and all; it must last until the end of the call */
    size_t len;
    bool open;            /* do not end the stream */
    bool bare;            /* end it with the HEADERS frame */
};

struct call {
    struct client *client;
    int32_t id;
    unsigned http_status; /* 0: none */
    int code;             /* grpc-status, -1: none */
    bool in_trailers;     /* it came behind a message */
    char text[1600];
    char accept[64];      /* grpc-accept-encoding */
    char encoding[16];    /* grpc-encoding */
    char type[64];        /* content-type */
    char details[512];    /* grpc-status-details-bin, as it is on the wire */
    struct otl_buf body;
    const char *data;
    size_t left;
    bool open, closed;
    uint32_t reset;       /* the code it was closed with */
};

struct client {
    int fd;
    struct ssl_st *tls; /* set after client_open(), before the first turn; freed by close */
    nghttp2_session *session;
    void (*pump)(void *context);
    void *context;
    struct call *calls[CALLS_MAX];
    size_t count;
    size_t closed;
    uint64_t sent; /* bytes */
    unsigned goaways;
    int32_t goaway_last;
    uint32_t goaway_code;
    uint32_t window, max_streams;
    bool mute; /* the server hears nothing any more; what it said before is still to be read */
    bool dead; /* the server closed, or broke the rules */
};

void client_open(struct client *client, int fd, void (*pump)(void *), void *context);
void client_close(struct client *client);
struct call *client_ask(struct client *client, const struct ask *ask);
/* Send and receive what can be without waiting. What is sent need not be there at once, even to
 * a server of this process: the kernel may deliver it when it has time. */
void client_turn(struct client *client);
/* Until the call is closed or the connection is dead. */
void client_wait(struct client *client, const struct call *call);
void client_wait_all(struct client *client);
/* Until *flag (the client's or the server's) or the connection is dead; false: it took too long. */
bool client_until(struct client *client, const bool *flag);
/* The same, and the code; -1: none. */
int client_call(struct client *client, const struct ask *ask);

/* The five bytes before a message, and the message, appended to *out. */
void put_message(struct otl_buf *out, uint8_t flag, struct otl_view message);

#endif
